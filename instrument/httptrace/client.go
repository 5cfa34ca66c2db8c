package httptrace

import (
	"context"
	"io"
	"net/http"
	"strings"
	"sync"
	"sync/atomic"

	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/codes"
	semconv "go.opentelemetry.io/otel/semconv/v1.43.0"
	"go.opentelemetry.io/otel/trace"

	"github.com/kiseki-dev/kiseki/instrument/internal/tracing"
)

// Transport makes a client span of every call through base, which is
// http.DefaultTransport if nil, and sends the trace along. A span ends when
// the body of the answer is read to its end or closed; close it, as net/http
// wants anyway.
func Transport(base http.RoundTripper, options ...Option) http.RoundTripper {
	if base == nil {
		base = http.DefaultTransport
	}
	o := newOptions(options)
	o.source.Init(scope, trace.SpanKindClient)
	return &transport{options: o, base: base}
}

type transport struct {
	*options
	base http.RoundTripper
}

type templateKey struct{}

// WithTemplate names the calls made with the returned context: "/users/{id}"
// for a URL such as https://api.example.com/users/42 makes the span
// "GET /users/{id}". Without it the span is just "GET", for a client cannot
// know which parts of a URL are names.
func WithTemplate(ctx context.Context, template string) context.Context {
	return context.WithValue(ctx, templateKey{}, template)
}

// RoundTrip implements http.RoundTripper.
func (t *transport) RoundTrip(r *http.Request) (*http.Response, error) {
	template, _ := r.Context().Value(templateKey{}).(string)
	ctx, span := t.source.Start(r.Context(), spanName(method(r), template))
	// A transport must not change the caller's request.
	r = r.Clone(ctx)
	if t.propagatesTo(r.URL.Hostname()) {
		t.source.TextMap().Inject(ctx, headers(r.Header))
	}
	if !span.IsRecording() {
		return t.base.RoundTrip(r)
	}
	span.SetAttributes(callAttributes(r, template)...)
	resp, err := t.base.RoundTrip(r)
	if err != nil {
		tracing.RecordError(span, err)
		span.End()
		return resp, err
	}
	span.SetAttributes(
		semconv.HTTPResponseStatusCode(resp.StatusCode),
		semconv.NetworkProtocolVersion(protocolVersion(resp.ProtoMajor, resp.ProtoMinor)))
	if resp.StatusCode >= 400 {
		span.SetAttributes(semconv.ErrorTypeKey.String(statusText(resp.StatusCode)))
		span.SetStatus(codes.Error, "")
	}
	endWithBody(span, resp)
	return resp, nil
}

// CloseIdleConnections makes http.Client.CloseIdleConnections reach base.
func (t *transport) CloseIdleConnections() {
	if c, ok := t.base.(interface{ CloseIdleConnections() }); ok {
		c.CloseIdleConnections()
	}
}

func method(r *http.Request) string {
	if r.Method == "" {
		return http.MethodGet
	}
	return r.Method
}

// propagatesTo reports whether a host may know of the trace, see PropagateTo.
func (o *options) propagatesTo(host string) bool {
	for _, h := range o.hosts {
		if below, ok := strings.CutPrefix(h, "*"); ok && strings.HasSuffix(host, below) || h == host {
			return true
		}
	}
	return len(o.hosts) == 0
}

func callAttributes(r *http.Request, template string) []attribute.KeyValue {
	a := make([]attribute.KeyValue, 0, 8)
	a = appendMethod(a, r.Method)
	a = append(a, semconv.URLFull(scrubURL(r.URL)), semconv.ServerAddress(r.URL.Hostname()), semconv.ServerPort(portOf(r)))
	if template != "" {
		a = append(a, semconv.URLTemplate(template))
	}
	if r.ContentLength > 0 {
		a = append(a, semconv.HTTPRequestBodySize(int(r.ContentLength)))
	}
	return a
}

func portOf(r *http.Request) int {
	if _, port := splitHostPort(r.URL.Host); port != 0 {
		return port
	}
	if r.URL.Scheme == "https" {
		return 443
	}
	return 80
}

// endWithBody ends the span when the body of the answer does.
func endWithBody(span trace.Span, resp *http.Response) {
	if resp.Body == nil || resp.Body == http.NoBody {
		span.End()
		return
	}
	b := &tracedBody{ReadCloser: resp.Body, span: span}
	if w, ok := resp.Body.(io.Writer); ok { // 101 Switching Protocols
		resp.Body = struct {
			*tracedBody
			io.Writer
		}{b, w}
		return
	}
	resp.Body = b
}

type tracedBody struct {
	io.ReadCloser
	span trace.Span
	n    atomic.Int64
	once sync.Once
}

// Read implements io.Reader.
func (b *tracedBody) Read(p []byte) (int, error) {
	n, err := b.ReadCloser.Read(p)
	b.n.Add(int64(n))
	switch {
	case err == io.EOF:
		b.end(nil)
	case err != nil:
		b.end(err)
	}
	return n, err
}

// Close implements io.Closer.
func (b *tracedBody) Close() error {
	err := b.ReadCloser.Close()
	b.end(nil)
	return err
}

func (b *tracedBody) end(err error) {
	b.once.Do(func() {
		b.span.SetAttributes(semconv.HTTPResponseBodySize(int(b.n.Load())))
		tracing.RecordError(b.span, err)
		b.span.End()
	})
}
