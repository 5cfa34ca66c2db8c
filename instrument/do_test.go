package instrument

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"runtime"
	"strings"
	"sync"
	"testing"

	"go.opentelemetry.io/otel/codes"
	sdktrace "go.opentelemetry.io/otel/sdk/trace"
	"go.opentelemetry.io/otel/sdk/trace/tracetest"
	"go.opentelemetry.io/otel/trace"
)

// recorded makes a root span whose provider keeps what ends.
func recorded(t *testing.T) (context.Context, trace.Span, *tracetest.SpanRecorder) {
	t.Helper()
	r := tracetest.NewSpanRecorder()
	p := sdktrace.NewTracerProvider(sdktrace.WithSpanProcessor(r))
	ctx, span := p.Tracer("test").Start(context.Background(), "root")
	return ctx, span, r
}

func attr(s sdktrace.ReadOnlySpan, key string) string {
	for _, kv := range s.Attributes() {
		if string(kv.Key) == key {
			return kv.Value.String()
		}
	}
	return ""
}

// TestDoFollowsItsContext: a part is traced by the provider that traces the
// whole, not by the global one.
func TestDoFollowsItsContext(t *testing.T) {
	ctx, root, r := recorded(t)
	if err := Do(ctx, "part", func(ctx context.Context) error {
		return Do(ctx, "part of the part", func(context.Context) error { return nil })
	}); err != nil {
		t.Fatal(err)
	}
	ended := r.Ended()
	if len(ended) != 2 || ended[1].Parent().SpanID() != root.SpanContext().SpanID() ||
		ended[0].Parent().SpanID() != ended[1].SpanContext().SpanID() {
		t.Fatalf("ended: %v", ended)
	}
	if s := ended[1].Status(); s.Code != codes.Unset || len(ended[1].Events()) != 0 {
		t.Errorf("status %v, events %v", s, ended[1].Events())
	}
}

type nilError struct{ text string }

func (e *nilError) Error() string { return e.text } // panics on nil

func TestDoRecordsErrors(t *testing.T) {
	for _, x := range []struct {
		err           error
		kind, message string
	}{
		{errors.New("no"), "*errors.errorString", "no"},
		{fmt.Errorf("read: %w", &fs.PathError{Op: "open", Path: "x", Err: fs.ErrNotExist}), "*fs.PathError", "read: open x: file does not exist"},
		{fmt.Errorf("wait: %w", context.DeadlineExceeded), "context.DeadlineExceeded", "wait: context deadline exceeded"},
		{context.Canceled, "context.Canceled", "context canceled"},
		{(*nilError)(nil), "*instrument.nilError", "no message: runtime error: invalid memory address or nil pointer dereference"},
	} {
		ctx, _, r := recorded(t)
		if err := Do(ctx, "part", func(context.Context) error { return x.err }); err != x.err {
			t.Errorf("returned %v", err)
		}
		s := r.Ended()[0]
		if s.Status().Code != codes.Error || s.Status().Description != x.message || attr(s, "error.type") != x.kind || len(s.Events()) != 1 {
			t.Errorf("%T: %v %s %v", x.err, s.Status(), attr(s, "error.type"), s.Events())
		}
	}
}

func TestDoRecordsPanics(t *testing.T) {
	ctx, _, r := recorded(t)
	func() {
		defer func() {
			if p := recover(); p != "cannot" {
				t.Errorf("recovered %v", p)
			}
		}()
		_ = Do(ctx, "part", func(context.Context) error { panicHere(); return nil })
	}()
	s := r.Ended()[0]
	if s.Status().Description != "panic: cannot" || len(s.Events()) != 1 {
		t.Fatalf("%v %v", s.Status(), s.Events())
	}
	stack := ""
	for _, kv := range s.Events()[0].Attributes {
		if kv.Key == "exception.stacktrace" {
			stack = kv.Value.AsString()
		}
	}
	if !strings.Contains(stack, "panicHere") {
		t.Errorf("the stack does not say where it was:\n%s", stack)
	}
}

func panicHere() { panic("cannot") }

// TestDoEndsWithItsGoroutine: runtime.Goexit, as of t.FailNow, ends the span.
func TestDoEndsWithItsGoroutine(t *testing.T) {
	ctx, _, r := recorded(t)
	var wg sync.WaitGroup
	wg.Go(func() {
		_ = Do(ctx, "part", func(context.Context) error { runtime.Goexit(); return nil })
	})
	wg.Wait()
	if len(r.Ended()) != 1 {
		t.Error("the span did not end")
	}
}

// TestGo: the job has a trace of its own, linked to the request, and outlives
// its context.
func TestGo(t *testing.T) {
	ctx, root, r := recorded(t)
	ctx, cancel := context.WithCancel(ctx)
	cancel()
	done := make(chan error)
	Go(ctx, "job", func(ctx context.Context) error {
		done <- ctx.Err()
		return nil
	})
	if err := <-done; err != nil {
		t.Errorf("the job's context ended: %v", err)
	}
	for len(r.Ended()) == 0 {
		runtime.Gosched()
	}
	s := r.Ended()[0]
	if s.Parent().IsValid() || s.SpanContext().TraceID() == root.SpanContext().TraceID() ||
		len(s.Links()) != 1 || !s.Links()[0].SpanContext.Equal(root.SpanContext()) {
		t.Errorf("parent %v, links %v", s.Parent(), s.Links())
	}
}

func TestLink(t *testing.T) {
	ctx, span, r := recorded(t)
	other, _, _ := recorded(t)
	Link(ctx, other)
	Link(ctx, context.Background()) // no span: no link
	Link(context.Background(), other)
	span.End()
	if links := r.Ended()[0].Links(); len(links) != 1 || !links[0].SpanContext.Equal(trace.SpanContextFromContext(other)) {
		t.Errorf("links are %v", links)
	}
}
