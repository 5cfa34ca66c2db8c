package proxy

import (
	"context"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"net/http/httputil"
	"net/url"
	"strings"
	"sync"
	"time"

	"go.opentelemetry.io/otel/propagation"
	"go.opentelemetry.io/otel/trace"

	"github.com/kiseki-dev/kiseki/instrument/httptrace"
)

// Options are what a [Proxy] needs.
type Options struct {
	// To is the service: http or https, a host, no path.
	To *url.URL
	// Routes are the paths that the service is known to have, in the patterns
	// of [http.ServeMux]: "/users/{id}", "GET /files/{path...}". They name
	// spans; a request without one has its method for a name.
	Routes []string
	// Except are paths that get no span, such as "/healthz"; see
	// [httptrace.Except].
	Except []string
	// Timeout is how long the service may take to begin its answer; 0 is for
	// ever. gRPC is excepted: its calls have deadlines of their own.
	Timeout time.Duration
	// TracerProvider makes the spans.
	TracerProvider trace.TracerProvider
	// Propagator reads and writes trace headers; nil means [AnyPropagator].
	Propagator propagation.TextMapPropagator
	// Logger is told of requests that did not reach the service; nil means
	// slog.Default().
	Logger *slog.Logger
}

const (
	// maxRequests bounds the requests under way, each of which has a connection
	// to the service or waits for one.
	maxRequests = 4096
	// dialTimeout is for a service that should be on this machine.
	dialTimeout = 5 * time.Second
	// idleTimeout keeps connections to the service for less time than servers
	// do, the impatient ones of which close after 5 s: a request must not meet
	// a connection that is just being closed.
	idleTimeout = 4 * time.Second
	// copyBytes is the size of a buffer between the two connections.
	copyBytes = 32 << 10
)

// Proxy is a reverse proxy in front of one service, and a forward proxy for
// the calls that it makes. Its methods may be called from any goroutine.
type Proxy struct {
	options Options
	log     *slog.Logger
	reverse *httputil.ReverseProxy
	inbound http.Handler // traces
	egress  http.Handler
	http1   *http.Transport
	http2   *http.Transport
	outside *http.Transport
	servers servers
}

// New makes a proxy that serves nothing yet. An error says which option
// cannot be used.
func New(o Options) (*Proxy, error) {
	if o.To == nil || o.To.Scheme != "http" && o.To.Scheme != "https" || o.To.Host == "" {
		return nil, fmt.Errorf("the service's address must be like http://127.0.0.1:9000, not %q", text(o.To))
	}
	if strings.Trim(o.To.Path, "/") != "" || o.To.RawQuery != "" || o.To.User != nil {
		return nil, fmt.Errorf("the service's address %q must have no path, query or user: requests keep theirs", o.To.Redacted())
	}
	route, err := router(o.Routes)
	if err != nil {
		return nil, err
	}
	if o.Propagator == nil {
		o.Propagator = AnyPropagator()
	}
	if o.Logger == nil {
		o.Logger = slog.Default()
	}
	p := &Proxy{options: o, log: o.Logger}
	p.http1, p.http2 = newTransport(o.Timeout), newTransport(0)
	p.http2.Protocols = new(http.Protocols)
	p.http2.Protocols.SetHTTP2(true)
	p.http2.Protocols.SetUnencryptedHTTP2(true)
	p.reverse = &httputil.ReverseProxy{
		Rewrite: p.rewrite, Transport: p, ModifyResponse: answered, ErrorHandler: p.refused,
		BufferPool: newBuffers(), ErrorLog: slog.NewLogLogger(p.log.Handler(), slog.LevelDebug),
	}
	p.inbound = httptrace.Handler(http.HandlerFunc(p.forward), httptrace.WithTracerProvider(o.TracerProvider),
		httptrace.WithPropagator(o.Propagator), httptrace.WithRoute(route), httptrace.Except(o.Except...))
	p.outside = newTransport(o.Timeout)
	p.egress = p.newEgress()
	p.servers.init(p)
	return p, nil
}

func text(u *url.URL) string {
	if u == nil {
		return ""
	}
	return u.Redacted()
}

func newTransport(timeout time.Duration) *http.Transport {
	return &http.Transport{
		DialContext:           (&net.Dialer{Timeout: dialTimeout}).DialContext,
		TLSHandshakeTimeout:   dialTimeout,
		ResponseHeaderTimeout: timeout,
		ExpectContinueTimeout: time.Second,
		IdleConnTimeout:       idleTimeout,
		MaxIdleConns:          maxRequests,
		MaxIdleConnsPerHost:   maxRequests,
		DisableCompression:    true, // bodies pass as they are
	}
}

// router finds the route of a request, "" without one.
func router(patterns []string) (route func(*http.Request) string, err error) {
	mux := http.NewServeMux()
	for _, p := range patterns {
		if err := addRoute(mux, p); err != nil {
			return nil, err
		}
	}
	return func(r *http.Request) string {
		if len(patterns) == 0 || isGRPC(r) {
			return ""
		}
		_, pattern := mux.Handler(r)
		if i := strings.IndexByte(pattern, '/'); i >= 0 {
			return pattern[i:]
		}
		return ""
	}, nil
}

// addRoute adds a pattern. A mux panics where it cannot use one, or not beside
// another.
func addRoute(mux *http.ServeMux, pattern string) (err error) {
	defer func() {
		if p := recover(); p != nil {
			err = fmt.Errorf("route %q cannot be used: %v", pattern, p)
		}
	}()
	mux.Handle(pattern, http.NotFoundHandler())
	return nil
}

// exchange is what is known of a request under way beside its span.
type exchange struct {
	http2  bool           // whether it came by HTTP/2, and so goes on
	answer *http.Response // the service's; nil without one
	err    error          // why there is no answer, or only a part of it
}

type exchangeKey struct{}

func exchangeOf(r *http.Request) *exchange { return r.Context().Value(exchangeKey{}).(*exchange) }

// forward serves a request by the service. Its span, if it has one, is in the
// context.
func (p *Proxy) forward(w http.ResponseWriter, r *http.Request) {
	x := &exchange{http2: r.ProtoMajor == 2}
	r = r.WithContext(context.WithValue(r.Context(), exchangeKey{}, x))
	if !p.servers.enter() {
		p.refused(w, r, errOverloaded)
		x.describe(r)
		return
	}
	defer p.servers.leave()
	if r.ProtoMajor == 1 && r.Body != http.NoBody {
		// The service may answer before it has read all. A writer that cannot
		// do it is none of net/http's.
		_ = http.NewResponseController(w).EnableFullDuplex()
	}
	defer func() {
		aborted := recover()
		x.describe(r)
		if aborted != nil && !p.clientLeft(r) {
			panic(aborted) // which cuts the connection
		}
	}()
	p.reverse.ServeHTTP(w, r)
}

// clientLeft reports whether a request ended because its client went away,
// which is how many streams end and no error.
func (p *Proxy) clientLeft(r *http.Request) bool {
	return r.Context().Err() != nil && p.servers.context.Err() == nil
}

// rewrite makes the service's request of the client's.
func (p *Proxy) rewrite(r *httputil.ProxyRequest) {
	in, out := r.In, r.Out
	out.URL.Scheme, out.URL.Host = p.options.To.Scheme, p.options.To.Host
	out.URL.RawQuery = in.URL.RawQuery // with what Go's parser would leave out
	out.Host = in.Host
	for _, h := range []string{"Forwarded", "X-Forwarded-For", "X-Forwarded-Host", "X-Forwarded-Proto"} {
		if v := in.Header[h]; v != nil {
			out.Header[h] = v
		}
	}
	r.SetXForwarded() // appends the client to those before it
	for _, h := range []string{"X-Forwarded-Host", "X-Forwarded-Proto"} {
		if v := in.Header[h]; v != nil { // of a proxy that is nearer to the client
			out.Header[h] = v
		}
	}
	p.options.Propagator.Inject(in.Context(), propagation.HeaderCarrier(out.Header))
}

// RoundTrip sends a request on in the protocol in which it came.
func (p *Proxy) RoundTrip(r *http.Request) (*http.Response, error) {
	if exchangeOf(r).http2 {
		return p.http2.RoundTrip(r)
	}
	return p.http1.RoundTrip(r)
}

// answered sees the head of the service's answer.
func answered(resp *http.Response) error {
	x := exchangeOf(resp.Request)
	x.answer = resp
	if span := trace.SpanFromContext(resp.Request.Context()); span.IsRecording() && resp.ContentLength < 0 {
		span.AddEvent(eventAnswer) // the answer's end may be far away
	}
	if resp.StatusCode != http.StatusSwitchingProtocols {
		resp.Body = &watched{resp.Body, x, resp.Request.Context()}
	}
	return nil
}

// buffers are reused by the answers that are copied.
type buffers struct{ pool sync.Pool }

func newBuffers() *buffers {
	return &buffers{sync.Pool{New: func() any { b := make([]byte, copyBytes); return &b }}}
}

// Get implements httputil.BufferPool.
func (b *buffers) Get() []byte { return *b.pool.Get().(*[]byte) }

// Put implements httputil.BufferPool.
func (b *buffers) Put(s []byte) { b.pool.Put(&s) }
