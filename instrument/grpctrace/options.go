package grpctrace

import (
	"strings"

	"go.opentelemetry.io/otel/propagation"
	"go.opentelemetry.io/otel/trace"

	"github.com/kiseki-dev/kiseki/instrument/internal/source"
)

// Option changes what is traced, or with what.
type Option func(*options)

type options struct {
	source source.Source
	except []string
}

// WithTracerProvider takes p in the place of otel.GetTracerProvider.
func WithTracerProvider(p trace.TracerProvider) Option {
	return func(o *options) { o.source.Provider = p }
}

// WithPropagator takes p in the place of otel.GetTextMapPropagator.
func WithPropagator(p propagation.TextMapPropagator) Option {
	return func(o *options) { o.source.Propagator = p }
}

// Except leaves out methods, such as "grpc.health.v1.Health/Check", and
// services, such as "grpc.health.v1.Health/*". The trace of the caller passes
// through them.
func Except(methods ...string) Option {
	return func(o *options) { o.except = append(o.except, methods...) }
}

func (o *options) wants(method string) bool {
	for _, m := range o.except {
		if service, ok := strings.CutSuffix(m, "*"); ok && strings.HasPrefix(method, service) || m == method {
			return false
		}
	}
	return true
}
