package sqltrace

import (
	"context"
	"testing"

	"go.opentelemetry.io/otel/trace"
)

// The form is that of https://google.github.io/sqlcommenter/spec/.
func TestComment(t *testing.T) {
	state, err := trace.ParseTraceState("a=x*y'z,b=2")
	if err != nil {
		t.Fatal(err)
	}
	plain := trace.SpanContextConfig{TraceID: trace.TraceID{0x12}, SpanID: trace.SpanID{0x34}, TraceFlags: 1}
	stateful := plain
	stateful.TraceState = state
	const parent = "traceparent='00-12000000000000000000000000000000-3400000000000000-01'"
	for _, x := range []struct {
		span        trace.SpanContextConfig
		query, want string
	}{
		{plain, "SELECT 1", "SELECT 1 /*" + parent + "*/"},
		{plain, "SELECT 1 ;\n", "SELECT 1 /*" + parent + "*/ ;\n"},
		{stateful, "SELECT 1", "SELECT 1 /*" + parent + ",tracestate='a%3Dx%2Ay%27z%2Cb%3D2'*/"},
		{plain, "SELECT 1 /* mine */", "SELECT 1 /* mine */"},
		{plain, "SELECT 1 -- mine", "SELECT 1 -- mine"},
		{trace.SpanContextConfig{}, "SELECT 1", "SELECT 1"},
	} {
		ctx := trace.ContextWithSpanContext(context.Background(), trace.NewSpanContext(x.span))
		if got := newTracer([]Option{WithComments()}).comment(ctx, x.query); got != x.want {
			t.Errorf("%q becomes\n%q, want\n%q", x.query, got, x.want)
		}
		if got := newTracer(nil).comment(ctx, x.query); got != x.query {
			t.Errorf("without being asked, %q becomes %q", x.query, got)
		}
	}
}
