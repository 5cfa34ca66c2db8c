package propagate

import (
	"context"
	"strings"

	"go.opentelemetry.io/otel/propagation"
	"go.opentelemetry.io/otel/trace"
)

// B3 reads and writes the headers of Zipkin,
// https://github.com/openzipkin/b3-propagation. Both forms are read, the
// single header first.
type B3 struct {
	// Multiple writes the X-B3- headers in the place of the single one.
	Multiple bool
}

const (
	b3Header       = "b3"
	b3TraceID      = "x-b3-traceid"
	b3SpanID       = "x-b3-spanid"
	b3Sampled      = "x-b3-sampled"
	b3Flags        = "x-b3-flags"
	b3ParentSpanID = "x-b3-parentspanid"
)

// Inject implements propagation.TextMapPropagator.
func (b B3) Inject(ctx context.Context, carrier propagation.TextMapCarrier) {
	sc := trace.SpanContextFromContext(ctx)
	if !sc.IsValid() {
		return
	}
	sampled := "0"
	if sc.IsSampled() {
		sampled = "1"
	}
	if !b.Multiple {
		carrier.Set(b3Header, sc.TraceID().String()+"-"+sc.SpanID().String()+"-"+sampled)
		return
	}
	carrier.Set(b3TraceID, sc.TraceID().String())
	carrier.Set(b3SpanID, sc.SpanID().String())
	carrier.Set(b3Sampled, sampled)
}

// Extract implements propagation.TextMapPropagator.
func (B3) Extract(ctx context.Context, carrier propagation.TextMapCarrier) context.Context {
	if f, ok := parseB3(carrier.Get(b3Header)); ok {
		return f.put(ctx)
	}
	f := found{}
	f.decided, f.sampled = parseB3Sampled(carrier.Get(b3Sampled))
	if carrier.Get(b3Flags) == "1" { // debug
		f.decided, f.sampled = true, true
	}
	traceID, ok := parseTraceID(carrier.Get(b3TraceID), 16)
	spanID, okSpan := parseSpanID(carrier.Get(b3SpanID), 16)
	if ok && okSpan {
		f.traceID, f.spanID, f.hasTrace = traceID, spanID, true
	}
	return f.put(ctx)
}

// Fields implements propagation.TextMapPropagator.
func (b B3) Fields() []string {
	if b.Multiple {
		return []string{b3TraceID, b3SpanID, b3Sampled}
	}
	return []string{b3Header}
}

// parseB3 reads "TRACE-SPAN", "TRACE-SPAN-STATE", "TRACE-SPAN-STATE-PARENT"
// or "STATE" alone.
func parseB3(header string) (f found, ok bool) {
	parts := strings.SplitN(header, "-", 5)
	switch len(parts) {
	case 1:
		f.decided, f.sampled = parseB3Sampled(header)
		return f, f.decided
	case 2, 3, 4:
		if f.traceID, f.hasTrace = parseTraceID(parts[0], 16); !f.hasTrace {
			return found{}, false
		}
		if f.spanID, ok = parseSpanID(parts[1], 16); !ok {
			return found{}, false
		}
		if len(parts) > 2 {
			if f.decided, f.sampled = parseB3Sampled(parts[2]); !f.decided {
				return found{}, false
			}
		}
		return f, true
	}
	return found{}, false
}

// parseB3Sampled also takes the words that early implementations wrote.
func parseB3Sampled(s string) (decided, sampled bool) {
	switch s {
	case "1", "d", "true", "True":
		return true, true
	case "0", "false", "False":
		return true, false
	}
	return false, false
}
