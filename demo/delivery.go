package demo

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"net/http"
	"strings"
	"sync"
)

// Counts is how many spans became what. Ended - Sent - Failed are waiting.
type Counts struct {
	Ended, Sent, Failed uint64
	// Err is why spans could not be sent last; nil once a request succeeded
	// again.
	Err error
}

// Counts is what became of the spans so far.
func (s *Shop) Counts() (c Counts) {
	for _, svc := range s.services {
		stats := svc.provider.Stats()
		c.Ended += stats.Ended
		c.Sent += stats.Sent
		c.Failed += stats.Dropped()
		if stats.LastError != nil {
			c.Err = stats.LastError
		}
	}
	return c
}

// Probe reports whether the receiver of the spans answers: it sends an export
// request without spans, which every OTLP receiver answers with 200.
func (s *Shop) Probe(ctx context.Context) error {
	url := strings.TrimSuffix(s.options.Endpoint, "/") + "/v1/traces"
	r, err := http.NewRequestWithContext(ctx, http.MethodPost, url, bytes.NewReader(nil))
	if err != nil {
		return fmt.Errorf("create probe: %w", err)
	}
	r.Header.Set("Content-Type", "application/x-protobuf")
	client := &http.Client{Transport: &http.Transport{DisableKeepAlives: true}}
	resp, err := client.Do(r)
	if err != nil {
		return err
	}
	defer resp.Body.Close()
	if _, err := io.Copy(io.Discard, io.LimitReader(resp.Body, 1<<16)); err != nil {
		return fmt.Errorf("read answer of %s: %w", url, err)
	}
	if resp.StatusCode != http.StatusOK {
		return fmt.Errorf("%s answered %s", url, resp.Status)
	}
	return nil
}

// deliver sends what the services hold, until ctx ends. Spans that could not
// be sent in time are in the counts, so that is not an error.
func (s *Shop) deliver(ctx context.Context) {
	var wg sync.WaitGroup
	for _, svc := range s.services {
		wg.Go(func() { _ = svc.provider.Stop(ctx) })
	}
	wg.Wait()
}
