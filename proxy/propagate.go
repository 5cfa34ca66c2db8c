package proxy

import (
	"context"

	"go.opentelemetry.io/otel/propagation"

	"github.com/kiseki-dev/kiseki/instrument/propagate"
)

// AnyPropagator continues a trace whichever header carries it: W3C Trace
// Context, B3 (one header or several), Jaeger or X-Ray, the first of these
// where there are several. It writes W3C Trace Context and baggage, and beside
// them the formats that the headers have already: whoever reads those must
// find the same parent there.
func AnyPropagator() propagation.TextMapPropagator { return anyPropagator{} }

type anyPropagator struct{}

var (
	traceContext = propagation.NewCompositeTextMapPropagator(propagate.TraceContext{}, propagation.Baggage{})
	// foreign are the other formats, the least usual first, and a header that
	// tells that a request has them.
	foreign = []struct {
		propagation.TextMapPropagator
		header string
	}{
		{propagate.XRay{}, "X-Amzn-Trace-Id"},
		{propagate.Jaeger{}, "Uber-Trace-Id"},
		{propagate.B3{Multiple: true}, "X-B3-Traceid"},
		{propagate.B3{}, "B3"},
	}
)

// Extract implements propagation.TextMapPropagator. The last one counts.
func (anyPropagator) Extract(ctx context.Context, c propagation.TextMapCarrier) context.Context {
	for _, f := range foreign {
		if c.Get(f.header) != "" || f.header == "X-B3-Traceid" && c.Get("X-B3-Sampled") != "" {
			ctx = f.Extract(ctx, c)
		}
	}
	return traceContext.Extract(ctx, c)
}

// Inject implements propagation.TextMapPropagator.
func (anyPropagator) Inject(ctx context.Context, c propagation.TextMapCarrier) {
	for _, f := range foreign {
		if c.Get(f.header) != "" {
			f.Inject(ctx, c)
		}
	}
	traceContext.Inject(ctx, c)
}

// Fields implements propagation.TextMapPropagator.
func (anyPropagator) Fields() []string {
	fields := traceContext.Fields()
	for _, f := range foreign {
		fields = append(fields, f.Fields()...)
	}
	return fields
}
