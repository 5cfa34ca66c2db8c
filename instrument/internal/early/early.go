// Package early decides whether a request is sampled before a span is made
// for it, so that a request that is not sampled costs two allocations.
//
// The SDK asks its sampler inside Tracer.Start, which by then has copied the
// attributes, made a span and a context. A Provider made here knows its
// sampler: Start asks it first, with attributes nobody copies, and where the
// answer is no, the context that carried the remote parent becomes the span
// that carries the refusal on. Where the answer is yes, the SDK makes its span
// with the ids and the answer that are there already: no sampler is asked
// twice, which matters for those that count.
//
// With any other tracer provider it does what everybody does.
package early

import (
	"context"
	"encoding/binary"
	"math/rand/v2"
	"slices"

	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/propagation"
	sdktrace "go.opentelemetry.io/otel/sdk/trace"
	"go.opentelemetry.io/otel/trace"

	"github.com/kiseki-dev/kiseki/instrument/internal/hint"
)

// Provider is an SDK tracer provider that can be asked early.
type Provider struct {
	*sdktrace.TracerProvider
	sampler sdktrace.Sampler
}

// NewProvider makes an SDK tracer provider with that sampler; options must
// not contain another one, nor an id generator.
func NewProvider(sampler sdktrace.Sampler, options ...sdktrace.TracerProviderOption) *Provider {
	options = append(options,
		sdktrace.WithSampler(decided{sampler}), sdktrace.WithIDGenerator(ids{}))
	return &Provider{TracerProvider: sdktrace.NewTracerProvider(options...), sampler: sampler}
}

// Request is what is the same for all spans that Start makes for a caller.
type Request struct {
	Provider trace.TracerProvider
	Tracer   trace.Tracer // of the provider
	Kind     trace.SpanKind
	Options  []trace.SpanStartOption // have WithSpanKind(Kind)
}

// Start starts the span of a request, a message or a call that came with its
// parent, if it has one, in carrier. The sampler and the span see attributes;
// nobody keeps the slice.
func (r *Request) Start(ctx context.Context, propagator propagation.TextMapPropagator, carrier propagation.TextMapCarrier,
	name string, attributes []attribute.KeyValue,
) (context.Context, trace.Span) {
	outer, _ := ctx.(*remote)
	ctx = propagator.Extract(ctx, carrier)
	p, ok := r.Provider.(*Provider)
	if !ok {
		return r.startSDK(ctx, name, attributes)
	}
	s, _ := ctx.(*remote)
	if s == nil || s == outer {
		if trace.SpanContextFromContext(ctx).IsValid() {
			return r.startSDK(ctx, name, attributes) // a local parent, or one below some other value
		}
		s = &remote{Context: ctx}
	}
	traceID, spanID := s.parent.TraceID(), newSpanID()
	if !traceID.IsValid() {
		traceID = rootTraceID(ctx)
	}
	result := p.sampler.ShouldSample(sdktrace.SamplingParameters{
		ParentContext: s, TraceID: traceID, Name: name, Kind: r.Kind, Attributes: attributes,
	})
	if result.Decision != sdktrace.Drop {
		// The SDK copies the attributes of a sampler into the span once, those
		// of an option twice.
		if len(result.Attributes) == 0 {
			result.Attributes = attributes
		} else {
			result.Attributes = slices.Concat(result.Attributes, attributes)
		}
		s.early = &answer{traceID: traceID, spanID: spanID, result: result}
		ctx, span := r.Tracer.Start(s, name, r.Options...)
		s.early = nil
		return ctx, span
	}
	s.provider = p.TracerProvider
	s.parent = trace.NewSpanContext(trace.SpanContextConfig{
		TraceID:    traceID,
		SpanID:     spanID,
		TraceFlags: s.parent.TraceFlags() &^ trace.FlagsSampled,
		TraceState: result.Tracestate,
	})
	return s, s
}

func (r *Request) startSDK(ctx context.Context, name string, attributes []attribute.KeyValue) (context.Context, trace.Span) {
	options := r.Options
	if len(attributes) > 0 {
		options = append(options[:len(options):len(options)], trace.WithAttributes(attributes...))
	}
	return r.Tracer.Start(ctx, name, options...)
}

// answer is what the sampler said before the SDK was asked for a span.
type answer struct {
	traceID trace.TraceID
	spanID  trace.SpanID
	result  sdktrace.SamplingResult
}

// decided gives the SDK the answer that Request.Start has, and asks the sampler for
// every other span.
type decided struct{ sdktrace.Sampler }

func (d decided) ShouldSample(p sdktrace.SamplingParameters) sdktrace.SamplingResult {
	if s, ok := p.ParentContext.(*remote); ok && s.early != nil {
		return s.early.result
	}
	return d.Sampler.ShouldSample(p)
}

// ids gives the SDK the ids the sampler was asked about, and random ones for
// every other span.
type ids struct{}

func (ids) NewIDs(ctx context.Context) (trace.TraceID, trace.SpanID) {
	if s, ok := ctx.(*remote); ok && s.early != nil {
		return s.early.traceID, s.early.spanID
	}
	return rootTraceID(ctx), newSpanID()
}

// rootTraceID is the ID that a header brought without a parent, or a new one.
func rootTraceID(ctx context.Context) trace.TraceID {
	if id := hint.RootTraceID(ctx); id.IsValid() {
		return id
	}
	return newTraceID()
}

func (ids) NewSpanID(ctx context.Context, _ trace.TraceID) trace.SpanID {
	if s, ok := ctx.(*remote); ok && s.early != nil {
		return s.early.spanID
	}
	return newSpanID()
}

func newTraceID() (id trace.TraceID) {
	for !id.IsValid() {
		binary.NativeEndian.PutUint64(id[:8], rand.Uint64())
		binary.NativeEndian.PutUint64(id[8:], rand.Uint64())
	}
	return id
}

func newSpanID() (id trace.SpanID) {
	for !id.IsValid() {
		binary.NativeEndian.PutUint64(id[:], rand.Uint64())
	}
	return id
}
