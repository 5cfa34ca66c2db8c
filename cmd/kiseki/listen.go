package main

import (
	"crypto/tls"
	"errors"
	"fmt"
	"net"
	"strconv"
	"syscall"

	"golang.org/x/net/netutil"

	"github.com/kiseki-dev/kiseki/config"
)

// maxConnections bounds the open connections of each listener; further ones
// wait to be accepted. It is far above what agents and browsers of one
// machine's worth of traffic keep open, and below the usual file limit.
const maxConnections = 4096

// listeners are the sockets of the server. They are opened before anything
// else so that a taken port is known before the data folder is touched.
// TLS is not part of them: each protocol negotiates its own.
type listeners struct {
	http, otlpHTTP, otlpGRPC net.Listener
	optional                 []*optional
}

func openListeners(c *config.Config) (l listeners, err error) {
	for _, x := range []struct {
		to      *net.Listener
		address string
		flag    string
	}{
		{&l.http, c.HTTP.Address, "--http"},
		{&l.otlpHTTP, c.OTLP.HTTPAddress, "--otlp-http"},
		{&l.otlpGRPC, c.OTLP.GRPCAddress, "--otlp-grpc"},
	} {
		opened, err := net.Listen("tcp", x.address)
		if err != nil {
			l.close()
			return listeners{}, explainListen(err, x.address, x.flag)
		}
		*x.to = netutil.LimitListener(opened, maxConnections)
	}
	if l.optional, err = openOptional(c); err != nil {
		l.close()
		return listeners{}, err
	}
	return l, nil
}

func (l *listeners) close() {
	for _, x := range []net.Listener{l.http, l.otlpHTTP, l.otlpGRPC} {
		if x != nil {
			x.Close()
		}
	}
	for _, x := range l.optional {
		x.close()
	}
}

// explainListen turns the reasons people meet into sentences that say what
// to do.
func explainListen(err error, address, flag string) error {
	_, port, _ := net.SplitHostPort(address)
	switch {
	case errors.Is(err, syscall.EADDRINUSE):
		return fmt.Errorf("listen on %s: port %s is taken, perhaps by another kiseki; stop that or choose another address with %s: %w", address, port, flag, err)
	case errors.Is(err, syscall.EACCES):
		return fmt.Errorf("listen on %s: this user may not open port %s; choose one above 1023 with %s: %w", address, port, flag, err)
	case errors.Is(err, syscall.EADDRNOTAVAIL):
		return fmt.Errorf("listen on %s: this machine has no such address; change %s: %w", address, flag, err)
	}
	return fmt.Errorf("listen on %s (%s): %w", address, flag, err)
}

// loadTLS is the TLS configuration of all listeners, or nil without one.
func loadTLS(c config.TLS) (*tls.Config, error) {
	if c.Cert == "" {
		return nil, nil
	}
	cert, err := tls.LoadX509KeyPair(c.Cert, c.Key)
	if err != nil {
		return nil, fmt.Errorf("load TLS certificate: %w", err)
	}
	return &tls.Config{Certificates: []tls.Certificate{cert}, MinVersion: tls.VersionTLS12}, nil
}

// ipOf is the IP address and the port of a listener.
func ipOf(a net.Addr) (net.IP, int) {
	switch a := a.(type) {
	case *net.TCPAddr:
		return a.IP, a.Port
	case *net.UDPAddr:
		return a.IP, a.Port
	}
	return nil, 0
}

// isLoopback reports whether only this machine can reach a listener.
func isLoopback(a net.Addr) bool {
	ip, _ := ipOf(a)
	return ip.IsLoopback()
}

// shownAddress is a listener's address as a client of this machine can use
// it: a listener on all addresses is shown as localhost.
func shownAddress(a net.Addr) string {
	ip, port := ipOf(a)
	if !ip.IsUnspecified() {
		return a.String()
	}
	return net.JoinHostPort("localhost", strconv.Itoa(port))
}
