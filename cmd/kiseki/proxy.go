package main

import (
	"cmp"
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/url"
	"os"
	"strconv"
	"time"

	"go.opentelemetry.io/otel/attribute"
	semconv "go.opentelemetry.io/otel/semconv/v1.43.0"
	"golang.org/x/net/netutil"

	"github.com/kiseki-dev/kiseki/instrument"
	"github.com/kiseki-dev/kiseki/proxy"
)

var proxyCommand = command{name: "proxy", summary: "trace a service that has no tracing of its own", run: runProxy}

// How long a stopping proxy waits for requests under way, and then for its
// spans to be sent: together less than the 10 seconds after which Docker kills.
const (
	proxyDrainTime = 6 * time.Second
	proxySendTime  = 2 * time.Second
)

// proxyOptions are the options of the command line.
type proxyOptions struct {
	listen, to, service, endpoint, egress, queue string
	routes, except                               []string
	timeout                                      time.Duration
}

// proxyFlags reads the options; proxyHelp describes them.
func proxyFlags(o *proxyOptions) *flag.FlagSet {
	flags := newFlags("proxy")
	list := func(to *[]string) func(string) error {
		return func(s string) error { *to = append(*to, s); return nil }
	}
	flags.StringVar(&o.listen, "listen", "127.0.0.1:8080", "")
	flags.StringVar(&o.to, "to", "", "")
	flags.StringVar(&o.service, "service", os.Getenv("OTEL_SERVICE_NAME"), "")
	flags.StringVar(&o.endpoint, "otlp-http", "", "")
	flags.Func("route", "", list(&o.routes))
	flags.Func("except", "", list(&o.except))
	flags.StringVar(&o.egress, "egress", "", "")
	flags.DurationVar(&o.timeout, "timeout", 5*time.Minute, "")
	flags.StringVar(&o.queue, "queue", "", "")
	return flags
}

func runProxy(ctx context.Context, args []string, stdout, stderr io.Writer) int {
	var o proxyOptions
	flags := proxyFlags(&o)
	if status, done := parseArgs(flags, args, 0, proxyHelp, stdout, stderr); done {
		return status
	}
	to, err := o.check()
	if err != nil {
		return usage(stderr, flags, err)
	}
	log := slog.New(slog.NewTextHandler(stderr, nil))
	tracing, err := o.trace(ctx, log)
	if err != nil {
		return usage(stderr, flags, err)
	}
	p, err := o.proxy(to, tracing, log)
	if err != nil {
		err = errors.Join(err, tracing.Stop(ctx))
		return usage(stderr, flags, err)
	}
	err = o.serve(ctx, p, to, stdout, log)
	sending, cancel := context.WithTimeout(context.Background(), proxySendTime)
	defer cancel()
	if stopErr := tracing.Stop(sending); stopErr != nil {
		log.Warn("spans were not sent", "error", stopErr)
	}
	if err != nil {
		fmt.Fprintf(stderr, "kiseki proxy: %v\n", err)
		return exitFailed
	}
	return exitOK
}

// check returns the service's address.
func (o *proxyOptions) check() (*url.URL, error) {
	switch {
	case o.to == "":
		return nil, errors.New("--to is missing: the URL of the service")
	case o.service == "":
		return nil, errors.New("--service is missing: the name of the service in traces")
	case o.timeout < 0:
		return nil, errors.New("--timeout must not be negative")
	}
	to, err := url.Parse(o.to)
	if err != nil {
		return nil, fmt.Errorf("--to: %w", err)
	}
	return to, nil
}

// trace sets up the tracing of the service: the binary is not the service, and
// the resource says so.
func (o *proxyOptions) trace(ctx context.Context, log *slog.Logger) (*instrument.Provider, error) {
	p, err := instrument.New(ctx, instrument.Options{
		Service: o.service, NotOurBuild: true, Endpoint: o.endpoint, QueueDir: o.queue, Logger: log,
		Attributes: []attribute.KeyValue{semconv.TelemetryDistroName("kiseki-proxy"), semconv.TelemetryDistroVersion(versionString())},
	})
	if err != nil {
		return nil, fmt.Errorf("cannot trace: %w", err)
	}
	return p, nil
}

func (o *proxyOptions) proxy(to *url.URL, tracing *instrument.Provider, log *slog.Logger) (*proxy.Proxy, error) {
	options := proxy.Options{
		To: to, Routes: o.routes, Except: o.except, Timeout: o.timeout, TracerProvider: tracing.TracerProvider(), Logger: log,
	}
	if os.Getenv("OTEL_PROPAGATORS") != "" {
		options.Propagator = tracing.Propagator()
	}
	return proxy.New(options)
}

// serve runs the proxy until ctx ends, and drains.
func (o *proxyOptions) serve(ctx context.Context, p *proxy.Proxy, to *url.URL, stdout io.Writer, log *slog.Logger) error {
	inbound, egress, err := o.openListeners(to)
	if err != nil {
		return err
	}
	failed := make(chan error, 2)
	go func() { failed <- p.Serve(inbound) }()
	fmt.Fprintf(stdout, "%s is traced at http://%s and served by %s.\n", o.service, shownAddress(inbound.Addr()), to.Redacted())
	if egress != nil {
		go func() { failed <- p.ServeEgress(egress) }()
		fmt.Fprintf(stdout, "Its own calls are traced with HTTP_PROXY=http://%s.\n", egress.Addr())
	}
	select {
	case <-ctx.Done():
	case err = <-failed:
	}
	drain, cancel := context.WithTimeout(context.Background(), proxyDrainTime)
	defer cancel()
	if cut := p.Shutdown(drain); cut != nil {
		log.Warn("requests were still under way", "error", cut)
	}
	return err
}

// openListeners opens the one for clients, and the one for calls if it is
// wanted.
func (o *proxyOptions) openListeners(to *url.URL) (inbound, egress net.Listener, err error) {
	l, err := net.Listen("tcp", o.listen)
	if err != nil {
		return nil, nil, explainListen(err, o.listen, "--listen")
	}
	if leadsTo(to, l.Addr()) {
		l.Close()
		return nil, nil, fmt.Errorf("--to %s is the address of the proxy itself: have the service listen elsewhere", to.Redacted())
	}
	inbound = netutil.LimitListener(l, maxConnections)
	if o.egress == "" {
		return inbound, nil, nil
	}
	if egress, err = net.Listen("tcp", o.egress); err != nil {
		inbound.Close()
		return nil, nil, explainListen(err, o.egress, "--egress")
	}
	if !isLoopback(egress.Addr()) {
		inbound.Close()
		egress.Close()
		return nil, nil, fmt.Errorf("--egress %s would let other machines call any address from here: listen on 127.0.0.1", o.egress)
	}
	return inbound, netutil.LimitListener(egress, maxConnections), nil
}

// leadsTo reports whether a URL is that of a listener of this machine, to which
// a proxy would send each request again and again.
func leadsTo(to *url.URL, a net.Addr) bool {
	ip, port := ipOf(a)
	if cmp.Or(to.Port(), map[string]string{"http": "80", "https": "443"}[to.Scheme]) != strconv.Itoa(port) {
		return false
	}
	host := net.ParseIP(to.Hostname())
	if to.Hostname() == "localhost" {
		host = net.IPv4(127, 0, 0, 1)
	}
	return host.Equal(ip) || ip.IsUnspecified() && (host.IsLoopback() || host.IsUnspecified())
}

const proxyHelp = `NAME
  kiseki proxy - trace a service that has no tracing of its own

SYNOPSIS
  kiseki proxy --to URL --service NAME [OPTION...]

DESCRIPTION
  Stands in front of a service that cannot trace itself and makes a span of
  every request to it. HTTP/1.1, HTTP/2 without TLS (h2c), gRPC, WebSockets
  and server-sent events pass as they are. A trace that comes goes on,
  whether W3C Trace Context, B3, Jaeger or X-Ray headers carry it; the
  service gets the span as its parent.

  With --egress it is a forward proxy too: a service that runs with
  HTTP_PROXY and HTTPS_PROXY set to it has spans of the calls that it makes.
  They belong to the trace of a request where the service copies the trace
  headers of that request to its calls.

OPTIONS
  --listen ADDRESS
      The address for clients of the service. Default 127.0.0.1:8080.
  --to URL
      The service, such as http://127.0.0.1:9000.
  --service NAME
      The name of the service in traces. Default is $OTEL_SERVICE_NAME.
  --otlp-http URL
      Where to send spans. Default is $OTEL_EXPORTER_OTLP_ENDPOINT, or
      http://localhost:4318.
  --route PATTERN
      Paths that the service has, such as '/users/{id}', 'GET /a/{path...}'.
      A span is named "GET /users/{id}" by it, and only "GET" without one.
      May be repeated.
  --except PATTERN
      Paths without spans, such as '/healthz'. May be repeated.
  --egress ADDRESS
      A forward proxy for the service's own calls, such as 127.0.0.1:8081.
      On loopback only.
  --timeout TIME
      How long the service may take to begin its answer, gRPC excepted; 0
      is for ever. Default 5m.
  --queue DIR
      Keeps spans here that cannot be sent for now. Without it they wait in
      memory. Default is $KISEKI_QUEUE_DIR.

ENVIRONMENT
  OTEL_RESOURCE_ATTRIBUTES   more about the service: service.version=1.2
  OTEL_TRACES_SAMPLER        which traces are recorded; all by default
  OTEL_PROPAGATORS           the trace headers to read and write

EXAMPLES
  kiseki proxy --to http://127.0.0.1:9000 --service legacy-shop
  kiseki proxy --listen :80 --to http://127.0.0.1:9000 --service shop \
      --route '/users/{id}' --route '/files/{path...}' --except /healthz

EXIT STATUS
  0  stopped by a signal
  1  it could not start or had to stop; the last line on stderr says why
  2  the command line or the configuration is wrong
`
