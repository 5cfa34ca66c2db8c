package propagate

import (
	"context"
	"net/http"
	"strings"
	"testing"

	"go.opentelemetry.io/otel/propagation"
	"go.opentelemetry.io/otel/trace"
)

// What OpenTelemetry's propagator takes is taken the same way; what is sent on
// is read back as it was. The cases of the W3C are in package chitrace, where
// a service meets them.
func FuzzTraceContext(f *testing.F) {
	f.Add("00-12345678901234567890123456789012-1234567890123456-01", "foo=1,bar=2")
	f.Add("cc-12345678901234567890123456789012-1234567890123456-01-more", "foo@@bar=1, 1st=2 ,foo=3")
	f.Add("ff-12345678901234567890123456789012-1234567890123456-01", strings.Repeat("a=1,", 40))
	f.Fuzz(func(t *testing.T, parent, state string) {
		came := propagation.HeaderCarrier(http.Header{"Traceparent": {parent}, "Tracestate": {state}})
		ctx := TraceContext{}.Extract(context.Background(), came)
		ours := trace.SpanContextFromContext(ctx)
		theirs := trace.SpanContextFromContext(propagation.TraceContext{}.Extract(context.Background(), came))
		if theirs.IsValid() && (ours.TraceID() != theirs.TraceID() || ours.SpanID() != theirs.SpanID() || ours.TraceFlags() != theirs.TraceFlags()) {
			t.Errorf("%q is %+v here and %+v there", parent, ours, theirs)
		}
		sent := propagation.MapCarrier{}
		TraceContext{}.Inject(ctx, sent)
		if ours.IsValid() != (sent["traceparent"] != "") || !ours.IsValid() && sent["tracestate"] != "" {
			t.Errorf("of %+v is sent %v", ours, sent)
		}
		again := TraceContext{}.Extract(context.Background(), sent)
		if got := trace.SpanContextFromContext(again); !got.Equal(ours) {
			t.Errorf("%+v becomes %+v", ours, got)
		}
		twice := propagation.MapCarrier{}
		TraceContext{}.Inject(again, twice)
		if twice["tracestate"] != sent["tracestate"] || len(sent["tracestate"]) > maxStateHeader {
			t.Errorf("tracestate %q becomes %q", sent["tracestate"], twice["tracestate"])
		}
	})
}
