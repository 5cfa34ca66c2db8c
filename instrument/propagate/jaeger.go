package propagate

import (
	"context"
	"net/url"
	"strconv"
	"strings"

	"go.opentelemetry.io/otel/baggage"
	"go.opentelemetry.io/otel/propagation"
	"go.opentelemetry.io/otel/trace"
)

// Jaeger reads and writes the headers of Jaeger's own clients: uber-trace-id,
// and baggage in headers that begin with uberctx-.
// https://www.jaegertracing.io/docs/1.76/client-libraries/#propagation-format
type Jaeger struct{}

const (
	jaegerHeader  = "uber-trace-id"
	jaegerBaggage = "uberctx-"

	jaegerSampled = 1
	jaegerDebug   = 2
)

// Inject implements propagation.TextMapPropagator.
func (Jaeger) Inject(ctx context.Context, carrier propagation.TextMapCarrier) {
	if sc := trace.SpanContextFromContext(ctx); sc.IsValid() {
		flags := "0"
		if sc.IsSampled() {
			flags = "1"
		}
		// The parent's place is deprecated and 0.
		carrier.Set(jaegerHeader, sc.TraceID().String()+":"+sc.SpanID().String()+":0:"+flags)
	}
	for _, m := range baggage.FromContext(ctx).Members() {
		if strings.ContainsFunc(m.Key(), notForNames) {
			continue // the outgoing request would be invalid
		}
		carrier.Set(jaegerBaggage+m.Key(), url.QueryEscape(m.Value()))
	}
}

// Extract implements propagation.TextMapPropagator.
func (Jaeger) Extract(ctx context.Context, carrier propagation.TextMapCarrier) context.Context {
	ctx = extractJaegerBaggage(ctx, carrier)
	if f, ok := parseJaeger(carrier.Get(jaegerHeader)); ok {
		return f.put(ctx)
	}
	return ctx
}

// Fields implements propagation.TextMapPropagator.
func (Jaeger) Fields() []string { return []string{jaegerHeader} }

// parseJaeger reads "TRACE:SPAN:PARENT:FLAGS" in hexadecimal, with or without
// leading zeros; HTTP clients escape the colons.
func parseJaeger(header string) (f found, ok bool) {
	if len(header) > 200 {
		return found{}, false
	}
	if strings.Contains(header, "%") {
		if unescaped, err := url.QueryUnescape(header); err == nil {
			header = unescaped
		}
	}
	parts := strings.Split(header, ":")
	if len(parts) != 4 {
		return found{}, false
	}
	flags, err := strconv.ParseUint(parts[3], 16, 8)
	if err != nil {
		return found{}, false
	}
	if f.traceID, f.hasTrace = parseTraceID(parts[0], 1); !f.hasTrace {
		return found{}, false
	}
	if f.spanID, ok = parseSpanID(parts[1], 1); !ok {
		return found{}, false
	}
	f.decided, f.sampled = true, flags&(jaegerSampled|jaegerDebug) != 0
	return f, true
}

// extractJaegerBaggage adds to the baggage that is there. What the baggage
// refuses, for its length or its characters, is left out.
func extractJaegerBaggage(ctx context.Context, carrier propagation.TextMapCarrier) context.Context {
	bag, changed := baggage.FromContext(ctx), false
	for _, k := range carrier.Keys() {
		if len(k) <= len(jaegerBaggage) || !strings.EqualFold(k[:len(jaegerBaggage)], jaegerBaggage) {
			continue
		}
		value, err := url.QueryUnescape(carrier.Get(k))
		if err != nil {
			continue
		}
		m, err := baggage.NewMemberRaw(strings.ToLower(k[len(jaegerBaggage):]), value)
		if err != nil {
			continue
		}
		if with, err := bag.SetMember(m); err == nil {
			bag, changed = with, true
		}
	}
	if !changed {
		return ctx
	}
	return baggage.ContextWithBaggage(ctx, bag)
}

// notForNames are the characters that names of HTTP headers do not have.
func notForNames(r rune) bool {
	return notForHeaders(r) || strings.ContainsRune(`"(),/:;<=>?@[\]{}`, r)
}
