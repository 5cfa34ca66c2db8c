package instrument

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strconv"
	"testing"
	"time"

	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/trace"

	"github.com/kiseki-dev/kiseki/instrument"
)

// TestEveryFieldArrives: what the library records is what kiseki answers.
func TestEveryFieldArrives(t *testing.T) {
	k := startKiseki(t)
	ctx := context.Background()
	p, err := instrument.New(ctx, instrument.Options{
		Service: "shop", Version: "1.2.3", Environment: "test", Endpoint: k.otlp,
		Attributes: []attribute.KeyValue{attribute.String("team", "checkout")},
	})
	if err != nil {
		t.Fatal(err)
	}
	began := time.Now()
	state, _ := trace.ParseTraceState("other=value")
	caller := trace.NewSpanContext(trace.SpanContextConfig{
		TraceID: trace.TraceID{0xab, 15: 1}, SpanID: trace.SpanID{0xcd, 7: 2}, TraceFlags: trace.FlagsSampled, TraceState: state, Remote: true,
	})
	ctx, server := p.TracerProvider().Tracer("fields", trace.WithInstrumentationVersion("0.9")).Start(
		trace.ContextWithRemoteSpanContext(ctx, caller), "GET /carts/{user}",
		trace.WithSpanKind(trace.SpanKindServer), trace.WithAttributes(
			attribute.String("text", "käse"), attribute.Int("number", -7), attribute.Float64("ratio", 0.25),
			attribute.Bool("flag", true), attribute.StringSlice("list", []string{"a", "b"})))
	failure := errors.New("out of stock")
	var part trace.SpanContext
	if err := instrument.Do(ctx, "reserve stock", func(ctx context.Context) error {
		part = trace.SpanContextFromContext(ctx)
		return failure
	}, attribute.Int("shop.lines", 3)); err != failure {
		t.Fatal(err)
	}
	jobs := make(chan trace.SpanContext)
	instrument.Go(ctx, "send mail", func(ctx context.Context) error {
		jobs <- trace.SpanContextFromContext(ctx)
		return nil
	})
	job := <-jobs
	server.AddEvent("cart loaded", trace.WithAttributes(attribute.Int("lines", 3)))
	server.End()
	if err := p.Stop(ctx); err != nil {
		t.Fatal(err)
	}

	got := k.trace(caller.TraceID().String())
	if len(got.ResourceSpans) != 1 {
		t.Fatalf("%d resources", len(got.ResourceSpans))
	}
	res := values(got.ResourceSpans[0].Resource.Attributes)
	for key, want := range map[string]string{
		"service.name": "shop", "service.version": "1.2.3", "deployment.environment.name": "test", "team": "checkout",
		"telemetry.sdk.language": "go", "process.runtime.name": "go",
	} {
		equal(t, "resource "+key, res[key], want)
	}
	for _, key := range []string{"service.instance.id", "host.name", "host.arch", "os.type", "process.pid", "process.executable.name"} {
		if res[key] == "" {
			t.Errorf("resource %s is missing", key)
		}
	}
	spans := map[string]span{}
	for _, s := range got.ResourceSpans[0].ScopeSpans {
		for _, span := range s.Spans {
			spans[span.Name+" of "+s.Scope.Name+s.Scope.Version] = span
		}
	}
	s := spans["GET /carts/{user} of fields0.9"]
	equal(t, "parent", s.ParentSpanID, caller.SpanID().String())
	equal(t, "trace state", s.TraceState, "other=value")
	equal(t, "kind", fmt.Sprint(s.Kind), "2")
	attrs := values(s.Attributes)
	for key, want := range map[string]string{
		"text": "käse", "number": "-7", "ratio": "0.25", "flag": "true", "list": `{"values":[{"stringValue":"a"},{"stringValue":"b"}]}`,
	} {
		equal(t, key, attrs[key], want)
	}
	start, _ := strconv.ParseInt(s.StartTimeUnixNano, 10, 64)
	end, _ := strconv.ParseInt(s.EndTimeUnixNano, 10, 64)
	if start < began.UnixNano() || end < start || end > time.Now().UnixNano() {
		t.Errorf("times are %d and %d", start, end)
	}
	if len(s.Events) != 1 || s.Events[0].Name != "cart loaded" || values(s.Events[0].Attributes)["lines"] != "3" {
		t.Errorf("events: %+v", s.Events)
	}

	s = spans["reserve stock of github.com/kiseki-dev/kiseki/instrument"]
	equal(t, "id of the part", s.SpanID, part.SpanID().String())
	equal(t, "status", fmt.Sprint(s.Status.Code, " ", s.Status.Message), "2 out of stock")
	equal(t, "error.type", values(s.Attributes)["error.type"], "*errors.errorString")
	if len(s.Events) != 1 || values(s.Events[0].Attributes)["exception.message"] != "out of stock" {
		t.Errorf("events: %+v", s.Events)
	}

	background := k.trace(job.TraceID().String()).ResourceSpans[0].ScopeSpans[0].Spans[0]
	if len(background.Links) != 1 || background.Links[0].TraceID != caller.TraceID().String() || background.ParentSpanID != "" {
		t.Errorf("the job is %+v", background)
	}
}

func equal(t *testing.T, what, got, want string) {
	t.Helper()
	if got != want {
		t.Errorf("%s is %q, not %q", what, got, want)
	}
}

// values are attributes as text.
func values(list []attr) map[string]string {
	m := map[string]string{}
	for _, a := range list {
		for kind, v := range a.Value {
			text := fmt.Sprint(v)
			if kind == "arrayValue" {
				b, _ := json.Marshal(v)
				text = string(b)
			}
			m[a.Key] = text
		}
	}
	return m
}
