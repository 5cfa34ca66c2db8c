package proxy

import (
	"context"
	"errors"
	"io"
	"net"
	"net/http"

	"go.opentelemetry.io/otel/codes"
	semconv "go.opentelemetry.io/otel/semconv/v1.43.0"
	"go.opentelemetry.io/otel/trace"
)

// Values of a span's error.type where the service gave no answer or no whole
// one. An answer that is an error has its status code there, as usual.
const (
	// ErrUnreachable is for a service that nothing connects to.
	ErrUnreachable = "service_unreachable"
	// ErrTimeout is for a service that took too long to begin its answer.
	ErrTimeout = "service_timeout"
	// ErrBroken is for a connection that the service closed before the end.
	ErrBroken = "service_connection_broken"
	// ErrOverloaded is for a request that the proxy itself had no room for.
	ErrOverloaded = "proxy_overloaded"
)

// eventAnswer is the event of a span when an answer begins whose length is not
// known: a stream, or one that is made as it is sent.
const eventAnswer = "answer begins"

// statusClientLeft is what nginx and others log for a client that did not wait
// for its answer. Nobody receives it.
const statusClientLeft = 499

var errOverloaded = errors.New("too many requests at a time")

// kindOf says what an error of the way to the service is for error.type, and
// for the client.
func kindOf(err error) (kind string, status int) {
	var dial *net.OpError
	var timeout net.Error
	switch {
	case errors.Is(err, errOverloaded):
		return ErrOverloaded, http.StatusServiceUnavailable
	case errors.As(err, &dial) && dial.Op == "dial":
		return ErrUnreachable, http.StatusBadGateway
	case errors.As(err, &timeout) && timeout.Timeout():
		return ErrTimeout, http.StatusGatewayTimeout
	}
	return ErrBroken, http.StatusBadGateway
}

// refused answers a request that the service did not.
func (p *Proxy) refused(w http.ResponseWriter, r *http.Request, err error) {
	if p.clientLeft(r) {
		w.WriteHeader(statusClientLeft)
		return
	}
	x := exchangeOf(r)
	x.err = err
	kind, status := kindOf(err)
	p.log.Warn("a request was not served", "reason", kind, "method", r.Method, "error", err)
	if isGRPC(r) {
		refuseGRPC(w, kind)
		return
	}
	if status == http.StatusServiceUnavailable {
		w.Header().Set("Retry-After", "1")
	}
	http.Error(w, "kiseki proxy: "+kind, status) // no addresses: anybody may be asking
}

// describe adds to a request's span what package httptrace cannot know.
func (x *exchange) describe(r *http.Request) {
	span := trace.SpanFromContext(r.Context())
	if !span.IsRecording() {
		return
	}
	if x.answer != nil && x.answer.StatusCode == http.StatusSwitchingProtocols {
		span.SetAttributes(semconv.HTTPResponseStatusCode(http.StatusSwitchingProtocols))
	}
	if x.err != nil {
		kind, _ := kindOf(x.err)
		span.RecordError(x.err)
		span.SetAttributes(semconv.ErrorTypeKey.String(kind))
		span.SetStatus(codes.Error, x.err.Error())
	}
	if isGRPC(r) {
		x.describeGRPC(span, r)
	}
}

// watched notes why the body of an answer ended early, unless the client is
// the reason.
type watched struct {
	io.ReadCloser
	x      *exchange
	client context.Context
}

// Read implements io.Reader.
func (b *watched) Read(p []byte) (int, error) {
	n, err := b.ReadCloser.Read(p)
	if err != nil && err != io.EOF && b.client.Err() == nil {
		b.x.err = err
	}
	return n, err
}
