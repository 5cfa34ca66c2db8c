package messagetrace

import (
	"context"

	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/propagation"
	semconv "go.opentelemetry.io/otel/semconv/v1.43.0"
	"go.opentelemetry.io/otel/trace"

	"github.com/kiseki-dev/kiseki/instrument/internal/source"
	"github.com/kiseki-dev/kiseki/instrument/internal/tracing"
)

const scope = "github.com/kiseki-dev/kiseki/instrument/messagetrace"

// Option changes how a queue is traced.
type Option func(*Queue)

// WithTracerProvider takes p in the place of otel.GetTracerProvider.
func WithTracerProvider(p trace.TracerProvider) Option {
	return func(q *Queue) { q.senders.Provider, q.consumers.Provider = p, p }
}

// WithPropagator takes p in the place of otel.GetTextMapPropagator.
func WithPropagator(p propagation.TextMapPropagator) Option {
	return func(q *Queue) { q.senders.Propagator, q.consumers.Propagator = p, p }
}

// Group is the name of the consumer group or subscription.
func Group(name string) Option {
	return func(q *Queue) { q.group = name }
}

// NewTraces makes Process begin a new trace, linked to the sender's, in the
// place of going on with that one. It is for messages that wait for long or
// are read by many: the trace of a request should not grow for hours.
func NewTraces() Option {
	return func(q *Queue) { q.newTraces = true }
}

// Queue is a queue or topic as seen by those who send to it and those who
// read from it. It is safe for use by several goroutines.
type Queue struct {
	name       string
	group      string
	attributes []attribute.KeyValue
	newTraces  bool
	senders    source.Source
	consumers  source.Source
}

// NewQueue describes a queue. system is messaging.system: "kafka", "aws_sqs",
// "rabbitmq", "nats" …; name is that of the queue or topic, which must not
// hold ids: it becomes part of the spans' names.
func NewQueue(system, name string, options ...Option) *Queue {
	q := &Queue{name: name, attributes: []attribute.KeyValue{
		semconv.MessagingSystemKey.String(system), semconv.MessagingDestinationName(name)}}
	for _, option := range options {
		option(q)
	}
	q.senders.Init(scope, trace.SpanKindProducer)
	q.consumers.Init(scope, trace.SpanKindConsumer)
	return q
}

// Send makes a producer span "send NAME", writes it to the message's carrier
// and runs send, whose error it records and returns.
func (q *Queue) Send(ctx context.Context, message propagation.TextMapCarrier, send func(context.Context) error,
	attrs ...attribute.KeyValue,
) error {
	ctx, span := q.senders.Start(ctx, "send "+q.name, trace.WithAttributes(q.attributes...),
		trace.WithAttributes(semconv.MessagingOperationName("send"), semconv.MessagingOperationTypeSend),
		trace.WithAttributes(attrs...))
	q.senders.TextMap().Inject(ctx, message)
	return run(ctx, span, send)
}

// Process makes a consumer span "process NAME" below the one that sent the
// message, or linked to it with NewTraces, and runs process, whose error it
// records and returns. The context that process gets has the message's
// baggage too.
func (q *Queue) Process(ctx context.Context, message propagation.TextMapCarrier, process func(context.Context) error,
	attrs ...attribute.KeyValue,
) error {
	return q.process(ctx, []propagation.TextMapCarrier{message}, q.newTraces, process, attrs)
}

// ProcessBatch makes one consumer span for several messages, linked to all
// that sent them: a span has one parent only, and any of them would be wrong.
func (q *Queue) ProcessBatch(ctx context.Context, messages []propagation.TextMapCarrier,
	process func(context.Context) error, attrs ...attribute.KeyValue,
) error {
	attrs = append(attrs[:len(attrs):len(attrs)], semconv.MessagingBatchMessageCount(len(messages)))
	return q.process(ctx, messages, true, process, attrs)
}

// maxLinks bounds the links of a batch; the SDK keeps no more.
const maxLinks = 128

func (q *Queue) process(ctx context.Context, messages []propagation.TextMapCarrier, newTrace bool,
	process func(context.Context) error, attrs []attribute.KeyValue,
) error {
	options := []trace.SpanStartOption{
		trace.WithAttributes(q.attributes...),
		trace.WithAttributes(semconv.MessagingOperationName("process"), semconv.MessagingOperationTypeProcess),
		trace.WithAttributes(attrs...),
	}
	if q.group != "" {
		options = append(options, trace.WithAttributes(semconv.MessagingConsumerGroupName(q.group)))
	}
	if newTrace {
		var links []trace.Link
		for _, m := range messages[:min(len(messages), maxLinks)] {
			came := q.consumers.TextMap().Extract(context.Background(), m)
			if l := trace.LinkFromContext(came); l.SpanContext.IsValid() {
				links = append(links, l)
			}
		}
		options = append(options, trace.WithNewRoot(), trace.WithLinks(links...))
	}
	if len(messages) == 1 {
		ctx = q.consumers.TextMap().Extract(ctx, messages[0])
	}
	ctx, span := q.consumers.Start(ctx, "process "+q.name, options...)
	return run(ctx, span, process)
}

// run calls f and ends the span with its error or panic.
func run(ctx context.Context, span trace.Span, f func(context.Context) error) (err error) {
	defer func() {
		p := recover()
		if p != nil {
			tracing.RecordPanic(span, p)
		}
		span.End()
		if p != nil {
			panic(p)
		}
	}()
	err = f(ctx)
	tracing.RecordError(span, err)
	return err
}
