package early_test

import (
	"context"
	"testing"

	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/propagation"
	sdktrace "go.opentelemetry.io/otel/sdk/trace"
	"go.opentelemetry.io/otel/sdk/trace/tracetest"
	"go.opentelemetry.io/otel/trace"

	"github.com/kiseki-dev/kiseki/instrument/internal/early"
	"github.com/kiseki-dev/kiseki/instrument/propagate"
)

// counting says d and counts how often it is asked.
type counting struct {
	decision sdktrace.SamplingDecision
	asked    []sdktrace.SamplingParameters
}

func (c *counting) Description() string { return "counting" }

func (c *counting) ShouldSample(p sdktrace.SamplingParameters) sdktrace.SamplingResult {
	c.asked = append(c.asked, p)
	state, _ := trace.SpanContextFromContext(p.ParentContext).TraceState().Insert("asked", "1")
	return sdktrace.SamplingResult{Decision: c.decision, Tracestate: state,
		Attributes: []attribute.KeyValue{attribute.String("sampler", "counting")}}
}

var parents = map[string]propagation.MapCarrier{
	"no parent":       {},
	"sampled":         {"traceparent": "00-12345678901234567890123456789012-1234567890123456-01", "tracestate": "a=1"},
	"unsampled":       {"traceparent": "00-12345678901234567890123456789012-1234567890123456-00", "tracestate": "a=1"},
	"foreign members": {"traceparent": "00-12345678901234567890123456789012-1234567890123456-01", "tracestate": "1@@=1"},
}

// The span is the one the SDK would have made, and the sampler is asked once.
func TestLikeTheSDK(t *testing.T) {
	attributes := []attribute.KeyValue{attribute.String("url.path", "/")}
	for _, decision := range []sdktrace.SamplingDecision{sdktrace.Drop, sdktrace.RecordOnly, sdktrace.RecordAndSample} {
		for name, carrier := range parents {
			sampler, spans := &counting{decision: decision}, tracetest.NewSpanRecorder()
			p := early.NewProvider(sampler, sdktrace.WithSpanProcessor(spans))
			r := early.Request{Provider: p, Tracer: p.Tracer("test"), Kind: trace.SpanKindServer,
				Options: []trace.SpanStartOption{trace.WithSpanKind(trace.SpanKindServer)}}
			ctx, span := r.Start(context.Background(), propagate.TraceContext{}, carrier, "GET", attributes)

			parent := trace.SpanContextFromContext(propagate.TraceContext{}.Extract(context.Background(), carrier))
			got := span.SpanContext()
			if len(sampler.asked) != 1 {
				t.Fatalf("%v, %s: the sampler was asked %d times", decision, name, len(sampler.asked))
			}
			asked := sampler.asked[0]
			if asked.TraceID != got.TraceID() || asked.Name != "GET" || asked.Kind != trace.SpanKindServer || len(asked.Attributes) != 1 {
				t.Errorf("%v, %s: the sampler was asked about %+v, the span is of %s", decision, name, asked, got.TraceID())
			}
			if parent.IsValid() && got.TraceID() != parent.TraceID() || !got.IsValid() || got.SpanID() == parent.SpanID() || got.IsRemote() {
				t.Errorf("%v, %s: the span is %+v, its parent %+v", decision, name, got, parent)
			}
			if got.IsSampled() != (decision == sdktrace.RecordAndSample) || span.IsRecording() != (decision != sdktrace.Drop) {
				t.Errorf("%v, %s: sampled %t, recording %t", decision, name, got.IsSampled(), span.IsRecording())
			}
			if got.TraceState().Get("asked") != "1" || got.TraceState().Get("a") != parent.TraceState().Get("a") {
				t.Errorf("%v, %s: trace state %s", decision, name, got.TraceState())
			}
			if trace.SpanFromContext(ctx) != span {
				t.Errorf("%v, %s: the context has another span", decision, name)
			}
			out := propagation.MapCarrier{}
			propagate.TraceContext{}.Inject(ctx, out)
			if want := carrier["tracestate"]; want != "" && out["tracestate"] != "asked=1,"+want {
				t.Errorf("%v, %s: tracestate sent on is %q", decision, name, out["tracestate"])
			}
			// A part of the work is below the span, and its sampler is asked about it.
			_, child := p.Tracer("test").Start(ctx, "child")
			if c := child.SpanContext(); c.TraceID() != got.TraceID() || c.SpanID() == got.SpanID() || len(sampler.asked) != 2 {
				t.Errorf("%v, %s: the child is %+v after %d questions", decision, name, c, len(sampler.asked))
			}
			child.End()
			span.End()
			if decision != sdktrace.Drop {
				s := spans.Ended()[1]
				if s.Parent().SpanID() != parent.SpanID() || s.Parent().IsRemote() != parent.IsRemote() || len(s.Attributes()) != 2 {
					t.Errorf("%v, %s: recorded below %+v with %v", decision, name, s.Parent(), s.Attributes())
				}
			}
		}
	}
}

// A handler behind a handler makes a span below the first one's, whether that
// is recorded or not, and does not change it.
func TestLocalParent(t *testing.T) {
	for _, sampler := range []sdktrace.Sampler{sdktrace.AlwaysSample(), sdktrace.NeverSample()} {
		p := early.NewProvider(sampler)
		r := early.Request{Provider: p, Tracer: p.Tracer("test")}
		none := propagation.MapCarrier{}
		ctx, outer := r.Start(context.Background(), propagate.TraceContext{}, none, "outer", nil)
		before := outer.SpanContext()
		_, inner := r.Start(ctx, propagate.TraceContext{}, none, "inner", nil)
		if !outer.SpanContext().Equal(before) {
			t.Errorf("the outer span has changed from %+v to %+v", before, outer.SpanContext())
		}
		if inner.SpanContext().TraceID() != before.TraceID() || inner.SpanContext().SpanID() == before.SpanID() {
			t.Errorf("the inner span is %+v, the outer %+v", inner.SpanContext(), before)
		}
	}
}
