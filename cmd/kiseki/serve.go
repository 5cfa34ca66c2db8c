package main

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"os"
	"sync"
	"syscall"
	"time"

	"github.com/kiseki-dev/kiseki/api/gate"
	"github.com/kiseki-dev/kiseki/api/native"
	"github.com/kiseki-dev/kiseki/api/querylog"
	"github.com/kiseki-dev/kiseki/api/rpc"
	"github.com/kiseki-dev/kiseki/config"
	"github.com/kiseki-dev/kiseki/ingest"
	"github.com/kiseki-dev/kiseki/ingest/otlp"
	"github.com/kiseki-dev/kiseki/pipeline"
	"github.com/kiseki-dev/kiseki/storage"
	"github.com/kiseki-dev/kiseki/ui"
)

var serveCommand = command{name: "serve", summary: "take OTLP, store it, serve the UI and the API", run: runServe}

// drainTime bounds how long a stopping server waits for requests in flight.
// Docker and systemd kill after 10 and 90 seconds.
const drainTime = 8 * time.Second

func runServe(ctx context.Context, args []string, stdout, stderr io.Writer) int {
	c, err := config.Load(args, os.LookupEnv)
	switch {
	case errors.Is(err, config.ErrHelp):
		writeServeHelp(stdout)
		return exitOK
	case err != nil:
		fmt.Fprintf(stderr, "kiseki serve: %v\nRun \"kiseki serve --help\" for the options.\n", err)
		return exitUsage
	}
	fitMemory(&c)
	if err := serve(ctx, &c, stdout, newLogger(stderr, c.Log)); err != nil {
		fmt.Fprintf(stderr, "kiseki serve: %v\n", err)
		return exitFailed
	}
	return exitOK
}

func newLogger(w io.Writer, c config.Log) *slog.Logger {
	var level slog.Level
	if err := level.UnmarshalText([]byte(c.Level)); err != nil {
		level = slog.LevelInfo
	}
	o := &slog.HandlerOptions{Level: level}
	if c.Format == "json" {
		return slog.New(slog.NewJSONHandler(w, o))
	}
	return slog.New(slog.NewTextHandler(w, o))
}

// serve runs until ctx ends or a part fails, and drains.
func serve(ctx context.Context, c *config.Config, stdout io.Writer, log *slog.Logger) error {
	tlsConfig, err := loadTLS(c.TLS)
	if err != nil {
		return err
	}
	l, err := openListeners(c)
	if err != nil {
		return err
	}
	defer l.close()
	l.warnMissing(log)
	if tlsConfig == nil {
		l.warnExposed(log)
	}
	s := &server{config: c, log: log, tls: tlsConfig, listeners: l, metrics: newMetrics(), failed: make(chan error, 3+len(l.optional)), started: time.Now()}
	s.history = newHistory(s.started)
	s.tenants, s.queries = newTenants(s), newGate(c.Limits)
	s.queryLog = querylog.New(querylog.Options{Slow: c.Log.SlowQuery, Literals: c.Log.QueryLiterals, Logger: log})
	s.metrics.registry.MustRegister(gateCollector{s.queries})
	s.readiness.notReady("recovering: the data folder is being opened")
	s.startWeb()
	defer s.stopWeb()
	if err := s.tenants.openAll(); err != nil {
		return err
	}
	s.metrics.registry.MustRegister(newStoreCollector(s.tenants), newForwardCollector(s.tenants))
	if err := s.startReceivers(); err != nil {
		return errors.Join(err, s.stop())
	}
	s.api.Open(http.HandlerFunc(s.serveHTTP))
	idle, stopIdle := context.WithCancel(context.Background())
	defer stopIdle()
	go s.restWhenIdle(idle)
	go s.keepHistory(idle)
	s.readiness.ready()
	s.printStart(stdout)

	select {
	case <-ctx.Done():
		log.Info("stopping: finishing requests in flight; a second signal stops at once")
	case err = <-s.failed:
		log.Error("stopping", "error", err)
	}
	s.readiness.notReady("stopping")
	return errors.Join(err, s.stop())
}

// server is the wiring of one running process.
type server struct {
	config    *config.Config
	log       *slog.Logger
	tls       *tls.Config // nil without TLS; servers change theirs, so each gets a clone
	listeners listeners
	metrics   *metrics
	readiness readiness
	api       *native.Gate
	rpc       *rpc.Server // the default tenant's
	failed    chan error  // the first error of each listener
	started   time.Time

	web      *http.Server
	tenants  *tenants
	queries  *gate.Gate // of all tenants
	queryLog *querylog.Log
	pipeline *pipeline.Pipeline
	receiver *otlp.Server
	drains   []func(context.Context) error // of the receivers beside OTLP
	history  *history
}

// run serves a listener in the background.
func (s *server) run(serve func(net.Listener) error, l net.Listener) {
	go func() {
		if err := serve(l); err != nil && !errors.Is(err, http.ErrServerClosed) && !errors.Is(err, net.ErrClosed) {
			s.failed <- fmt.Errorf("serve %s: %w", l.Addr(), err)
		}
	}()
}

func (s *server) startWeb() {
	s.api = native.NewGate(s.readiness.why)
	s.rpc = s.newRPC()
	s.web = newWebServer(withRPC(http.HandlerFunc(s.serveRPC), webHandler(s.metrics, &s.readiness, s.api, ui.Handler())), s.tls.Clone(), s.log)
	s.web.RegisterOnShutdown(func() {
		s.rpc.Drain()
		for _, t := range s.tenants.all() {
			t.rpc.Drain()
		}
	})
	serve := s.web.Serve
	if s.tls != nil {
		serve = func(l net.Listener) error { return s.web.ServeTLS(l, "", "") }
	}
	s.run(serve, s.listeners.http)
}

// newRPC makes a tenant's server of gRPC calls, first of all the default one's.
func (s *server) newRPC() *rpc.Server {
	return rpc.New(rpc.Options{NotReady: s.readiness.why, Observe: s.metrics.observeRPC, Logger: s.log, Share: s.rpc})
}

func (s *server) stopWeb() {
	ctx, cancel := context.WithTimeout(context.Background(), drainTime)
	defer cancel()
	if err := s.web.Shutdown(ctx); err != nil {
		s.web.Close()
	}
	s.rpc.Stop()
}

// explainOpen turns the reasons people meet into sentences that say what to
// do.
func explainOpen(err error, dir string) error {
	switch {
	case errors.Is(err, storage.ErrLocked):
		return fmt.Errorf("data folder %q is in use by another kiseki; stop that one or choose another folder with --data: %w", dir, err)
	case errors.Is(err, syscall.ENOSPC):
		return fmt.Errorf("the disk of data folder %q is full; free some space or lower --retention-age: %w", dir, err)
	case errors.Is(err, os.ErrPermission):
		return fmt.Errorf("this user may not write to data folder %q; change its owner or choose another one with --data: %w", dir, err)
	}
	return fmt.Errorf("open data folder %q: %w", dir, err)
}

func (s *server) startReceivers() error {
	limits := s.config.Limits
	s.pipeline = pipeline.New(pipeline.Options{
		Attrs:      limits.Attributes,
		ValueBytes: limits.ValueBytes,
		Events:     limits.Events,
		Links:      limits.Events,
	}, s.append)
	s.metrics.registry.MustRegister(newPipelineCollector(s.pipeline))
	o := ingest.Options{
		Append:  s.pipeline.Append,
		Context: s.tenantContext,
		Limits:  ingest.Limits{RequestBytes: limits.RequestBytes, DecodedBytes: limits.DecompressedBytes},
		Budget:  ingest.NewBudget(max(limits.InFlightBytes, limits.DecompressedBytes)),
		Observe: s.metrics.observeReceived,
		TLS:     s.tls.Clone(),
		Logger:  s.log,
	}
	s.receiver = otlp.New(otlp.Options{
		Append: o.Append, Context: o.Context, Limits: o.Limits, Budget: o.Budget, Observe: o.Observe, TLS: o.TLS, Logger: o.Logger,
		CORSOrigins: s.config.OTLP.CORSOrigins,
	})
	s.run(s.receiver.ServeHTTP, s.listeners.otlpHTTP)
	s.run(s.receiver.ServeGRPC, s.listeners.otlpGRPC)
	s.startOptional(o)
	return s.startKafka(o)
}

// stop ends the receivers after their requests in flight, then the store.
func (s *server) stop() error {
	ctx, cancel := context.WithTimeout(context.Background(), drainTime)
	defer cancel()
	var wg sync.WaitGroup
	for _, drain := range append(s.drains, s.receiver.Shutdown) {
		wg.Go(func() {
			if err := drain(ctx); err != nil {
				s.log.Warn("requests were still in flight", "error", err)
			}
		})
	}
	wg.Wait()
	s.stopWeb()
	return s.tenants.close()
}

// warnExposed warns where others than this machine can connect without TLS.
func (l *listeners) warnExposed(log *slog.Logger) {
	const warning = "other machines can connect without TLS and without a password: set --tls-cert and --tls-key, or listen on 127.0.0.1"
	for _, x := range []net.Listener{l.http, l.otlpHTTP, l.otlpGRPC} {
		if !isLoopback(x.Addr()) {
			log.Warn(warning, "address", x.Addr().String())
		}
	}
	for _, x := range l.optional {
		if a := x.addr(); a != nil && !isLoopback(a) {
			log.Warn(warning, "address", a.String())
		}
	}
}

// endpoints are the addresses as clients of this machine use them.
func (s *server) endpoints() (web, otlpHTTP, otlpGRPC string) {
	l := &s.listeners
	return s.scheme() + shownAddress(l.http.Addr()), s.scheme() + shownAddress(l.otlpHTTP.Addr()), shownAddress(l.otlpGRPC.Addr())
}

// scheme begins the URLs of this server.
func (s *server) scheme() string {
	if s.tls != nil {
		return "https://"
	}
	return "http://"
}

// printStart tells a person where everything is.
func (s *server) printStart(w io.Writer) {
	fmt.Fprintf(w, "kiseki %s is ready.\n\n", versionString())
	web, otlpHTTP, otlpGRPC := s.endpoints()
	line := func(title, text string) { fmt.Fprintf(w, "  %-16s %s\n", title, text) }
	line("UI and API", web)
	line("OTLP/HTTP", otlpHTTP)
	line("OTLP/gRPC", otlpGRPC)
	for _, x := range s.listeners.optional {
		if x.addr() != nil {
			line(x.title, x.shown(s.scheme()))
		}
	}
	line("Data", s.config.Data)
}
