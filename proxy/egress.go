package proxy

import (
	"context"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/http/httputil"
	"strconv"
	"sync"
	"time"

	"go.opentelemetry.io/otel/codes"
	"go.opentelemetry.io/otel/propagation"
	semconv "go.opentelemetry.io/otel/semconv/v1.43.0"
	"go.opentelemetry.io/otel/trace"

	"github.com/kiseki-dev/kiseki/instrument/httptrace"
)

// halfOpenTime is how long one side of a tunnel may go on after the other has
// said all.
const halfOpenTime = time.Minute

const scope = "github.com/kiseki-dev/kiseki/proxy"

// egress is a forward proxy: what a program uses that has HTTP_PROXY set.
type egress struct {
	*Proxy
	reverse *httputil.ReverseProxy
	tracer  trace.Tracer
}

func (p *Proxy) newEgress() http.Handler {
	return &egress{Proxy: p, tracer: p.options.TracerProvider.Tracer(scope), reverse: &httputil.ReverseProxy{
		Rewrite: func(r *httputil.ProxyRequest) {
			r.Out.URL.RawQuery = r.In.URL.RawQuery
			for _, h := range []string{"Forwarded", "X-Forwarded-For", "X-Forwarded-Host", "X-Forwarded-Proto"} {
				if v := r.In.Header[h]; v != nil {
					r.Out.Header[h] = v
				}
			}
		},
		Transport:    httptrace.Transport(p.outside, httptrace.WithTracerProvider(p.options.TracerProvider), httptrace.WithPropagator(p.options.Propagator)),
		ErrorHandler: func(w http.ResponseWriter, r *http.Request, err error) { p.unreached(w, err) },
		BufferPool:   newBuffers(),
		ErrorLog:     slog.NewLogLogger(p.log.Handler(), slog.LevelDebug),
	}}
}

// ServeHTTP implements http.Handler.
func (e *egress) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if !e.servers.enter() {
		e.unreached(w, errOverloaded)
		return
	}
	defer e.servers.leave()
	r = r.WithContext(e.options.Propagator.Extract(r.Context(), propagation.HeaderCarrier(r.Header)))
	switch {
	case r.Method == http.MethodConnect:
		e.tunnel(w, r)
	case !r.URL.IsAbs():
		http.Error(w, "kiseki proxy: this is a forward proxy; set it as HTTP_PROXY and HTTPS_PROXY", http.StatusBadRequest)
	default:
		e.reverse.ServeHTTP(w, r)
	}
}

// unreached answers a call whose target did not.
func (p *Proxy) unreached(w http.ResponseWriter, err error) {
	_, status := kindOf(err)
	http.Error(w, "kiseki proxy: "+err.Error(), status)
}

// tunnel connects the program with the host that it asks for. What passes is
// encrypted as a rule, so the span tells the host and the time, no more.
func (e *egress) tunnel(w http.ResponseWriter, r *http.Request) {
	host, port, err := net.SplitHostPort(r.Host)
	number, portErr := strconv.ParseUint(port, 10, 16)
	if err != nil || portErr != nil {
		http.Error(w, "kiseki proxy: CONNECT needs host:port", http.StatusBadRequest)
		return
	}
	ctx, span := e.tracer.Start(r.Context(), http.MethodConnect, trace.WithSpanKind(trace.SpanKindClient), trace.WithAttributes(
		semconv.HTTPRequestMethodKey.String(http.MethodConnect), semconv.ServerAddress(host), semconv.ServerPort(int(number))))
	defer span.End()
	fail := func(err error) {
		kind, _ := kindOf(err)
		span.RecordError(err)
		span.SetAttributes(semconv.ErrorTypeKey.String(kind))
		span.SetStatus(codes.Error, err.Error())
	}
	there, err := e.outside.DialContext(ctx, "tcp", r.Host)
	if err != nil {
		fail(err)
		e.unreached(w, err)
		return
	}
	defer there.Close()
	here, buffered, err := http.NewResponseController(w).Hijack()
	if err != nil {
		fail(err)
		e.unreached(w, err)
		return
	}
	defer here.Close()
	if _, err := io.WriteString(here, "HTTP/1.1 200 Connection established\r\n\r\n"); err != nil {
		fail(err)
		return
	}
	span.SetAttributes(semconv.HTTPResponseStatusCode(http.StatusOK))
	join(ctx, there, here, buffered.Reader)
}

// join copies both ways until both are at their end, or ctx is.
func join(ctx context.Context, there, here net.Conn, fromHere io.Reader) {
	defer context.AfterFunc(ctx, func() { there.Close(); here.Close() })()
	var wg sync.WaitGroup
	copyTo := func(to net.Conn, from io.Reader) {
		_, err := io.Copy(to, from)
		if half, ok := to.(interface{ CloseWrite() error }); ok && err == nil {
			_ = half.CloseWrite() // it may be closed
			_ = to.SetReadDeadline(time.Now().Add(halfOpenTime))
			return
		}
		there.Close()
		here.Close()
	}
	wg.Go(func() { copyTo(there, fromHere) })
	wg.Go(func() { copyTo(here, there) })
	wg.Wait()
}
