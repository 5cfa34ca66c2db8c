package sampler

import (
	"context"
	"fmt"
	"io"
	"math/rand/v2"
	"net/http"
	"net/url"
	"sync"
	"time"

	"go.opentelemetry.io/otel"
)

// maxAnswer bounds what is read of an answer.
const maxAnswer = 4 << 20

// poller asks a server now and then, on its own goroutine.
type poller struct {
	cancel context.CancelFunc
	ended  chan struct{}
	once   sync.Once
}

// startPoller calls ask at once and then again after the time that it
// returns, somewhat spread so that not all processes ask at once. Errors go
// to OpenTelemetry's error handler.
func startPoller(ask func(context.Context) (next time.Duration, err error)) *poller {
	ctx, cancel := context.WithCancel(context.Background())
	p := &poller{cancel: cancel, ended: make(chan struct{})}
	go func() {
		defer close(p.ended)
		for {
			next, err := ask(ctx)
			if err != nil && ctx.Err() == nil {
				otel.Handle(err)
			}
			t := time.NewTimer(next - next/20 + rand.N(next/10+1))
			select {
			case <-t.C:
			case <-ctx.Done():
				t.Stop()
				return
			}
		}
	}()
	return p
}

func (p *poller) close() {
	p.once.Do(func() {
		p.cancel()
		<-p.ended
	})
}

// newClient makes a client whose requests make no spans, whatever the
// application did to http.DefaultTransport.
func newClient() *http.Client {
	return &http.Client{
		Timeout:   5 * time.Second,
		Transport: &http.Transport{Proxy: http.ProxyFromEnvironment, DisableKeepAlives: true},
	}
}

// fetch sends a request and returns the body of the answer, if it is 200.
func fetch(c *http.Client, req *http.Request) ([]byte, error) {
	resp, err := c.Do(req)
	if err != nil {
		return nil, err
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(io.LimitReader(resp.Body, maxAnswer+1))
	if err != nil {
		return nil, fmt.Errorf("read answer of %s: %w", req.URL, err)
	}
	if resp.StatusCode != http.StatusOK {
		return nil, fmt.Errorf("%s answered %s", req.URL, resp.Status)
	}
	if len(body) > maxAnswer {
		return nil, fmt.Errorf("%s answered more than %d bytes", req.URL, maxAnswer)
	}
	return body, nil
}

// checkURL refuses what is no address of a server.
func checkURL(s string) (*url.URL, error) {
	u, err := url.Parse(s)
	if err != nil || u.Host == "" || (u.Scheme != "http" && u.Scheme != "https") {
		return nil, fmt.Errorf("sampler endpoint %q is not a URL like http://localhost:5778/sampling", s)
	}
	return u, nil
}
