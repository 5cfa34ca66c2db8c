package httptrace

import (
	"net/http"

	"go.opentelemetry.io/otel/propagation"
	"go.opentelemetry.io/otel/trace"

	"github.com/kiseki-dev/kiseki/instrument/internal/source"
)

// Option changes what is traced, or with what.
type Option func(*options)

type options struct {
	source source.Source
	route  func(*http.Request) string
	only   []pattern
	except []pattern
	hosts  []string
}

func newOptions(list []Option) *options {
	o := &options{route: routeOfMux}
	for _, option := range list {
		option(o)
	}
	return o
}

// WithTracerProvider takes p in the place of otel.GetTracerProvider.
func WithTracerProvider(p trace.TracerProvider) Option {
	return func(o *options) { o.source.Provider = p }
}

// WithPropagator takes p in the place of otel.GetTextMapPropagator.
func WithPropagator(p propagation.TextMapPropagator) Option {
	return func(o *options) { o.source.Propagator = p }
}

// Only traces requests that match one of the patterns, and no others. A
// pattern looks like a route: "/orders/{id}", "GET /orders/{id}", "/api/*".
// {name} stands for one segment of the path; * or {name...} at the end for
// all that follows. For a server only.
func Only(patterns ...string) Option {
	return func(o *options) { o.only = append(o.only, parsePatterns(patterns)...) }
}

// Except leaves out requests that match one of the patterns, whatever Only
// says: probes and scrapes, for instance. The trace of the caller passes
// through them to what they call. For a server only.
func Except(patterns ...string) Option {
	return func(o *options) { o.except = append(o.except, parsePatterns(patterns)...) }
}

// WithRoute says how a router tells which route served a request, such as
// "/orders/{id}", or "" for none. It is asked when the request is done, with
// the request the router was given. Without it, it is the pattern that
// http.ServeMux leaves in the request.
func WithRoute(route func(*http.Request) string) Option {
	return func(o *options) { o.route = route }
}

// PropagateTo sends the trace along to these hosts only: "api.example.com", or
// "*.shop.internal" for all below. What others need not know stays here. For
// a client only.
func PropagateTo(hosts ...string) Option {
	return func(o *options) { o.hosts = append(o.hosts, hosts...) }
}
