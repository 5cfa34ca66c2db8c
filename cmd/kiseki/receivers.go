package main

import (
	"net"
	"net/http"

	"github.com/kiseki-dev/kiseki/ingest"
	"github.com/kiseki-dev/kiseki/ingest/datadog"
	"github.com/kiseki-dev/kiseki/ingest/jaeger"
	"github.com/kiseki-dev/kiseki/ingest/xray"
	"github.com/kiseki-dev/kiseki/ingest/zipkin"
)

// startOptional serves the receivers beside OTLP, those that are not open
// excepted.
func (s *server) startOptional(o ingest.Options) {
	j := jaeger.New(o)
	s.runTCP(keyJaegerGRPC, j.ServeGRPC)
	s.runTCP(keyJaegerHTTP, j.ServeHTTP)
	s.runTCP(keyJaegerSampling, j.ServeSampling)
	s.runUDP(keyJaegerCompact, j.ServeCompact)
	s.runUDP(keyJaegerBinary, j.ServeBinary)
	s.drains = append(s.drains, j.Shutdown)
	z := zipkin.New(zipkin.Options{Ingest: o, Queries: s.zipkinQueries()})
	s.runTCP(keyZipkin, z.Serve)
	s.drains = append(s.drains, z.Shutdown)
	x := xray.New(o)
	s.runTCP(keyXRay, x.Serve)
	s.runUDP(keyXRay, x.ServePackets)
	s.drains = append(s.drains, x.Shutdown)
	d := datadog.New(o)
	s.runTCP(keyDatadog, d.Serve)
	s.drains = append(s.drains, d.Shutdown)
}

// runTCP serves a receiver where its setting has it listen.
func (s *server) runTCP(key string, serve func(net.Listener) error) {
	if l := s.listeners.find(key).tcp; l != nil {
		s.run(serve, l)
	}
}

// runUDP is runTCP for datagrams.
func (s *server) runUDP(key string, serve func(net.PacketConn) error) {
	c := s.listeners.find(key).udp
	if c == nil {
		return
	}
	go func() {
		if err := serve(c); err != nil {
			s.failed <- err
		}
	}()
}

// zipkinQueries is Zipkin's query API, which its clients expect on the port
// that takes spans.
func (s *server) zipkinQueries() http.Handler { return secured(s.metrics.observeAPI(s.api)) }
