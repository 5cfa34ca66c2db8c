package proxy

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"time"
)

const (
	// headTime is how long a client may take to send the head of a request.
	headTime = 10 * time.Second
	// clientIdleTime is how long a client's connection may be idle.
	clientIdleTime = 2 * time.Minute
	// cutTime is how long requests have to end whose connections were cut.
	cutTime = time.Second
)

// servers are the two listeners' servers and the requests that they serve.
type servers struct {
	inbound, egress *http.Server
	slots           chan struct{} // one for each request under way
	context         context.Context
	cut             context.CancelFunc // ends what is under way
}

func (s *servers) init(p *Proxy) {
	s.slots = make(chan struct{}, maxRequests)
	s.context, s.cut = context.WithCancel(context.Background())
	newServer := func(h http.Handler) *http.Server {
		return &http.Server{
			Handler: h, ReadHeaderTimeout: headTime, IdleTimeout: clientIdleTime,
			// No time limit for bodies: streams have no end.
			BaseContext: func(net.Listener) context.Context { return s.context },
			ErrorLog:    slog.NewLogLogger(p.log.Handler(), slog.LevelDebug),
			Protocols:   new(http.Protocols),
		}
	}
	s.inbound, s.egress = newServer(p.inbound), newServer(p.egress)
	s.inbound.Protocols.SetHTTP1(true)
	s.inbound.Protocols.SetUnencryptedHTTP2(true)
	s.egress.Protocols.SetHTTP1(true)
}

// enter takes a slot for a request, if there is one.
func (s *servers) enter() bool {
	select {
	case s.slots <- struct{}{}:
		return true
	default:
		return false
	}
}

func (s *servers) leave() { <-s.slots }

// Serve serves clients of the service on l until [Proxy.Shutdown], and returns
// nil then.
func (p *Proxy) Serve(l net.Listener) error { return serve(p.servers.inbound, l) }

// ServeEgress is the forward proxy for the service's own calls on l, until
// [Proxy.Shutdown]. Anybody who can connect can have it call any address.
func (p *Proxy) ServeEgress(l net.Listener) error { return serve(p.servers.egress, l) }

func serve(s *http.Server, l net.Listener) error {
	if err := s.Serve(l); !errors.Is(err, http.ErrServerClosed) {
		return fmt.Errorf("serve %s: %w", l.Addr(), err)
	}
	return nil
}

// Shutdown stops accepting requests and returns when those under way have
// ended, upgraded connections and tunnels included, or when ctx ends: then it
// cuts them, and says so.
func (p *Proxy) Shutdown(ctx context.Context) error {
	s := &p.servers
	defer func() {
		s.cut()
		p.http1.CloseIdleConnections()
		p.http2.CloseIdleConnections()
		p.outside.CloseIdleConnections()
	}()
	stopped := make(chan error, 2)
	for _, server := range []*http.Server{s.inbound, s.egress} {
		go func() { stopped <- server.Shutdown(ctx) }()
	}
	err := errors.Join(<-stopped, <-stopped)
	// net/http does not know of the connections it gave away.
	if open := s.drain(ctx); open > 0 || err != nil {
		err = fmt.Errorf("%d requests were cut", open)
		s.cut()
		late, cancel := context.WithTimeout(context.WithoutCancel(ctx), cutTime)
		defer cancel()
		s.drain(late) // their spans end
		err = errors.Join(err, s.inbound.Close(), s.egress.Close())
	}
	return err
}

// drain waits until no request is under way, or ctx ends, and returns how many
// are left. There will be no more requests after it.
func (s *servers) drain(ctx context.Context) (open int) {
	taken := 0
	defer func() {
		for range taken {
			s.leave()
		}
	}()
	for range cap(s.slots) {
		select {
		case s.slots <- struct{}{}:
			taken++
		case <-ctx.Done():
			return len(s.slots) - taken
		}
	}
	return 0
}
