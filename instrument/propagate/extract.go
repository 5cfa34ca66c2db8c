package propagate

import (
	"context"
	"strings"

	"go.opentelemetry.io/otel/trace"

	"github.com/kiseki-dev/kiseki/instrument/internal/hint"
)

// found is what a header of B3, Jaeger or X-Ray says.
type found struct {
	traceID  trace.TraceID
	spanID   trace.SpanID
	decided  bool // whether sampled means something
	sampled  bool
	hasTrace bool
}

// put returns ctx with the remote parent, and what else there is to say.
func (f found) put(ctx context.Context) context.Context {
	h := hint.Hint{TraceID: f.traceID, SpanID: f.spanID}
	if f.decided {
		h.Decision = hint.Deny
		if f.sampled {
			h.Decision = hint.Sample
		}
	}
	if !f.hasTrace || !f.spanID.IsValid() {
		if !f.hasTrace && !f.decided {
			return ctx
		}
		return hint.With(ctx, h) // for the root to come
	}
	var flags trace.TraceFlags
	if f.sampled {
		flags = trace.FlagsSampled
	}
	if !f.decided {
		ctx = hint.With(ctx, h)
	}
	return trace.ContextWithRemoteSpanContext(ctx, trace.NewSpanContext(trace.SpanContextConfig{
		TraceID: f.traceID, SpanID: f.spanID, TraceFlags: flags, Remote: true,
	}))
}

// parseTraceID reads up to 32 hexadecimal digits, with the leading zeros left
// out that B3's 64 bits and Jaeger leave out.
func parseTraceID(s string, shortest int) (id trace.TraceID, ok bool) {
	if len(s) < shortest || len(s) > 32 {
		return id, false
	}
	id, err := trace.TraceIDFromHex(strings.Repeat("0", 32-len(s)) + strings.ToLower(s))
	return id, err == nil
}

// parseSpanID reads up to 16 hexadecimal digits.
func parseSpanID(s string, shortest int) (id trace.SpanID, ok bool) {
	if len(s) < shortest || len(s) > 16 {
		return id, false
	}
	id, err := trace.SpanIDFromHex(strings.Repeat("0", 16-len(s)) + strings.ToLower(s))
	return id, err == nil
}
