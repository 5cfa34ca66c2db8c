package propagate

import (
	"context"
	"strings"

	"go.opentelemetry.io/otel/propagation"
	"go.opentelemetry.io/otel/trace"

	"github.com/kiseki-dev/kiseki/instrument/internal/early"
)

// TraceContext reads and writes the headers traceparent and tracestate of W3C
// Trace Context, level 2 (https://www.w3.org/TR/trace-context-2/), to the
// letter: it passes all cases of the W3C's own test harness. It differs from
// propagation.TraceContext of OpenTelemetry in that it
//
//   - ignores a trace whose traceparent is there twice, for nobody can say
//     which of the two is meant,
//   - joins several tracestate headers,
//   - keeps the first of several tracestate members with one key instead of
//     dropping all of them,
//   - passes on keys of level 2, such as "1st" and "a@b@c",
//   - takes a traceparent with flags that are not defined yet.
type TraceContext struct{}

const (
	traceparentHeader = "traceparent"
	tracestateHeader  = "tracestate"
)

// The form of a traceparent: version-traceid-parentid-flags.
const (
	traceIDAt, spanIDAt, flagsAt = 3, 36, 53
	traceparentLength            = 55
)

// Inject implements propagation.TextMapPropagator.
func (TraceContext) Inject(ctx context.Context, carrier propagation.TextMapCarrier) {
	sc := trace.SpanContextFromContext(ctx)
	if !sc.IsValid() {
		return
	}
	carrier.Set(traceparentHeader, formatTraceparent(sc))
	state := sc.TraceState().String()
	if foreign := early.ForeignState(ctx, sc.TraceID()); foreign != "" {
		state = joinState(state, foreign)
	}
	if state != "" {
		carrier.Set(tracestateHeader, state)
	}
}

// Extract implements propagation.TextMapPropagator.
func (TraceContext) Extract(ctx context.Context, carrier propagation.TextMapCarrier) context.Context {
	parent, once := get(carrier, traceparentHeader)
	if !once {
		return ctx
	}
	c, ok := parseTraceparent(strings.Trim(parent, " \t"))
	if !ok {
		return ctx
	}
	var foreign string
	if states := values(carrier, tracestateHeader); states != "" {
		c.TraceState, foreign = parseState(states)
	}
	return early.WithRemote(ctx, trace.NewSpanContext(c), foreign)
}

// Fields implements propagation.TextMapPropagator.
func (TraceContext) Fields() []string { return []string{traceparentHeader, tracestateHeader} }

// get is the value of a header, unless the header is missing or there twice.
func get(carrier propagation.TextMapCarrier, key string) (value string, once bool) {
	value = carrier.Get(key)
	if value == "" {
		return "", false
	}
	if all, ok := carrier.(propagation.ValuesGetter); ok && len(all.Values(key)) > 1 {
		return "", false
	}
	return value, true
}

// values is all values of a header as one list.
func values(carrier propagation.TextMapCarrier, key string) string {
	if all, ok := carrier.(propagation.ValuesGetter); ok {
		if list := all.Values(key); len(list) > 1 {
			return strings.Join(list, ",")
		}
	}
	return carrier.Get(key)
}

func formatTraceparent(sc trace.SpanContext) string {
	const digits = "0123456789abcdef"
	var b [traceparentLength]byte
	b[0], b[1], b[2], b[spanIDAt-1], b[flagsAt-1] = '0', '0', '-', '-', '-'
	write := func(at int, id []byte) {
		for i, c := range id {
			b[at+2*i], b[at+2*i+1] = digits[c>>4], digits[c&15]
		}
	}
	traceID, spanID := sc.TraceID(), sc.SpanID()
	flags := byte(sc.TraceFlags() & (trace.FlagsSampled | trace.FlagsRandom))
	write(traceIDAt, traceID[:])
	write(spanIDAt, spanID[:])
	write(flagsAt, []byte{flags})
	return string(b[:])
}

// parseTraceparent reads a traceparent of version 00, or the part of a later
// version that has to stay as it is now. Ids of zeros are refused.
func parseTraceparent(s string) (c trace.SpanContextConfig, ok bool) {
	if len(s) < traceparentLength || s[2] != '-' || s[spanIDAt-1] != '-' || s[flagsAt-1] != '-' {
		return c, false
	}
	var version, flags [1]byte
	if !parseHex(version[:], s) || version[0] == 0xff {
		return c, false
	}
	if len(s) > traceparentLength && (version[0] == 0 || s[traceparentLength] != '-') {
		return c, false
	}
	if !parseHex(c.TraceID[:], s[traceIDAt:]) || !parseHex(c.SpanID[:], s[spanIDAt:]) || !parseHex(flags[:], s[flagsAt:]) {
		return c, false
	}
	c.TraceFlags = trace.TraceFlags(flags[0]) & (trace.FlagsSampled | trace.FlagsRandom)
	return c, c.TraceID.IsValid() && c.SpanID.IsValid()
}

// parseHex fills dst from the front of s, whose letters must be lower case.
func parseHex(dst []byte, s string) bool {
	for i := range dst {
		high, low := nibble(s[2*i]), nibble(s[2*i+1])
		if high > 15 || low > 15 {
			return false
		}
		dst[i] = high<<4 | low
	}
	return true
}

func nibble(c byte) byte {
	switch {
	case '0' <= c && c <= '9':
		return c - '0'
	case 'a' <= c && c <= 'f':
		return c - 'a' + 10
	}
	return 0xff
}
