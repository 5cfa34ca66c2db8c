// Package tracing is what the instrumentations of this module share: where a
// tracer comes from, and how errors and panics are recorded.
package tracing

import (
	"context"
	"errors"
	"fmt"
	"reflect"
	"runtime/debug"
	"sync/atomic"

	"go.opentelemetry.io/otel"
	"go.opentelemetry.io/otel/codes"
	sdktrace "go.opentelemetry.io/otel/sdk/trace"
	semconv "go.opentelemetry.io/otel/semconv/v1.43.0"
	"go.opentelemetry.io/otel/trace"

	"github.com/kiseki-dev/kiseki/instrument/internal/early"
)

// Tracer is the tracer of the provider that made the context's span, or of
// the global one. So a part of a request is traced where the request is, also
// in a process with several providers.
func Tracer(ctx context.Context, scope string) trace.Tracer {
	span := trace.SpanFromContext(ctx)
	// A span from another process has a provider that records nothing.
	if sc := span.SpanContext(); sc.IsValid() && !sc.IsRemote() {
		return tracerOf(span.TracerProvider(), scope)
	}
	return tracerOf(otel.GetTracerProvider(), scope)
}

// cached is the tracer that was asked for last: a program has one provider
// as a rule, and asking it takes a lock and a map.
type cached struct {
	provider *sdktrace.TracerProvider
	scope    string
	tracer   trace.Tracer
}

var last atomic.Pointer[cached]

func tracerOf(p trace.TracerProvider, scope string) trace.Tracer {
	var sdk *sdktrace.TracerProvider
	switch p := p.(type) {
	case *sdktrace.TracerProvider:
		sdk = p
	case *early.Provider:
		sdk = p.TracerProvider
	default:
		return p.Tracer(scope)
	}
	if c := last.Load(); c != nil && c.provider == sdk && c.scope == scope {
		return c.tracer
	}
	t := p.Tracer(scope)
	last.Store(&cached{sdk, scope, t})
	return t
}

// RecordError marks the span as failed: an exception event with the stack of
// the caller, for Go's errors have none, the status and error.type. It does
// nothing when err is nil.
func RecordError(span trace.Span, err error) {
	if err == nil || !span.IsRecording() {
		return
	}
	message := text(err.Error)
	kind := ErrorType(err)
	span.AddEvent(semconv.ExceptionEventName, trace.WithAttributes(
		semconv.ExceptionType(kind), semconv.ExceptionMessage(message),
		semconv.ExceptionStacktrace(string(debug.Stack()))))
	span.SetStatus(codes.Error, message)
	span.SetAttributes(semconv.ErrorTypeKey.String(kind))
}

// RecordPanic records a panic with the stack that led to it: call it in the
// deferred function that recovered it.
func RecordPanic(span trace.Span, recovered any) {
	if !span.IsRecording() {
		return
	}
	message := text(func() string { return fmt.Sprint(recovered) })
	kind := fmt.Sprintf("%T", recovered)
	span.AddEvent(semconv.ExceptionEventName, trace.WithAttributes(
		semconv.ExceptionType(kind), semconv.ExceptionMessage(message),
		semconv.ExceptionStacktrace(string(debug.Stack()))))
	span.SetStatus(codes.Error, "panic: "+message)
	span.SetAttributes(semconv.ErrorTypeKey.String(kind))
}

// text calls a method of the application's that may panic, an Error on a nil
// pointer for example.
func text(method func() string) (s string) {
	defer func() {
		if p := recover(); p != nil {
			s = fmt.Sprintf("no message: %v", p)
		}
	}()
	return method()
}

// typeOf is text for the name of an error's type, "" if there is none to have.
func typeOf(method func() string) (s string) {
	defer func() {
		if recover() != nil {
			s = ""
		}
	}()
	return method()
}

// generic are types of errors that say nothing about what went wrong.
var generic = map[reflect.Type]bool{
	reflect.TypeOf(errors.New("")):                             true,
	reflect.TypeOf(fmt.Errorf("%w", errors.ErrUnsupported)):    true,
	reflect.TypeOf(fmt.Errorf("%w%w", errGeneric, errGeneric)): true,
	reflect.TypeOf(errors.Join(errGeneric)):                    true,
}

var errGeneric = errors.New("")

// ErrorType is the value of error.type: what a method ErrorType() string of the
// error or of one it wraps says, or else the type of the outermost error that
// is not a mere wrapper, such as "*net.OpError".
func ErrorType(err error) string {
	var named interface{ ErrorType() string }
	if errors.As(err, &named) {
		if name := typeOf(named.ErrorType); name != "" {
			return name
		}
	}
	for e := err; e != nil; e = errors.Unwrap(e) {
		switch e {
		case context.Canceled:
			return "context.Canceled"
		case context.DeadlineExceeded:
			return "context.DeadlineExceeded"
		}
		if t := reflect.TypeOf(e); !generic[t] {
			return t.String()
		}
	}
	return reflect.TypeOf(err).String()
}
