package demo

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"strings"
	"sync"
	"time"
)

// network is the name service of the shop: services call each other as
// http://catalog.shop.internal, and the dialer finds the loopback port.
type network struct {
	transport *http.Transport
	servers   []*http.Server
	serving   sync.WaitGroup
	addrs     map[string]string // host name to host:port; fixed once the first call is made
}

// thirdParties are hosts outside the shop; they do not trace.
var thirdParties = map[string]string{
	"payment-provider": "api.cardworks.example",
	"mail-provider":    "smtp.postbird.example",
}

// shopDomain ends the names of the shop's own hosts.
const shopDomain = ".shop.internal"

func hostname(name string) string {
	if h, ok := thirdParties[name]; ok {
		return h
	}
	return name + shopDomain
}

func newNetwork() *network {
	n := &network{addrs: map[string]string{}}
	n.transport = &http.Transport{DialContext: n.dial, MaxIdleConnsPerHost: 64}
	return n
}

func (n *network) dial(ctx context.Context, _, addr string) (net.Conn, error) {
	host, _, _ := strings.Cut(addr, ":")
	local, ok := n.addrs[host]
	if !ok {
		return nil, fmt.Errorf("no such host %q", host)
	}
	var d net.Dialer
	return d.DialContext(ctx, "tcp", local)
}

// serve opens a loopback port for a service and answers on it until close.
func (n *network) serve(name string, h http.Handler) error {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return fmt.Errorf("listen for %s: %w", name, err)
	}
	n.addrs[hostname(name)] = l.Addr().String()
	server := &http.Server{Handler: h, ReadHeaderTimeout: 5 * time.Second}
	n.servers = append(n.servers, server)
	n.serving.Go(func() {
		// Serve always returns an error; after close it is ErrServerClosed,
		// and before it the callers of the service see the failure.
		_ = server.Serve(l)
	})
	return nil
}

// close waits for requests in flight until ctx ends, then cuts them off.
func (n *network) close(ctx context.Context) error {
	n.transport.CloseIdleConnections()
	errs := make([]error, len(n.servers))
	var wg sync.WaitGroup
	for i, server := range n.servers {
		wg.Go(func() {
			if err := server.Shutdown(ctx); err != nil {
				errs[i] = server.Close()
			}
		})
	}
	wg.Wait()
	n.serving.Wait()
	n.transport.CloseIdleConnections()
	return errors.Join(errs...)
}
