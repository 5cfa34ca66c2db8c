package messagetrace_test

import (
	"context"
	"errors"
	"fmt"
	"testing"

	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/baggage"
	"go.opentelemetry.io/otel/propagation"
	"go.opentelemetry.io/otel/trace"

	"github.com/kiseki-dev/kiseki/instrument/internal/spantest"
	"github.com/kiseki-dev/kiseki/instrument/messagetrace"
)

// The shapes of the client libraries.
type (
	franzHeader struct {
		Key   string
		Value []byte
	}
	saramaHeader struct{ Key, Value []byte }
	natsHeader   map[string][]string
	amqpTable    map[string]any
	sqsValue     struct {
		DataType    *string
		StringValue *string
		BinaryValue []byte
	}
)

func sqs(m map[string]sqsValue) propagation.TextMapCarrier {
	return messagetrace.Attributes(m,
		func(v sqsValue) string {
			if v.StringValue == nil {
				return ""
			}
			return *v.StringValue
		},
		func(s string) sqsValue {
			kind := "String"
			return sqsValue{DataType: &kind, StringValue: &s}
		})
}

// What every carrier keeps: the trace, the state, the baggage, and the
// headers that are the message's own.
func TestCarriers(t *testing.T) {
	franz := []franzHeader{{"tenant", []byte("acme")}, {"traceparent", []byte("old")}}
	sarama := []saramaHeader{{[]byte("tenant"), []byte("acme")}, {[]byte("Traceparent"), []byte("old")}}
	text := "acme"
	for name, c := range map[string]propagation.TextMapCarrier{
		"kafka":  messagetrace.KafkaHeaders(&franz),
		"sarama": messagetrace.BytesHeaders(&sarama),
		"nats":   messagetrace.Values(natsHeader{"tenant": {"acme"}, "Traceparent": {"old"}}),
		"amqp":   messagetrace.Table(amqpTable{"tenant": "acme", "attempt": 3}),
		"sqs":    sqs(map[string]sqsValue{"tenant": {StringValue: &text}}),
		"map":    propagation.MapCarrier{"tenant": "acme"},
	} {
		rec := spantest.New()
		member, _ := baggage.NewMember("user.id", "u-7")
		bag, _ := baggage.New(member)
		ctx, span := rec.Provider.Tracer("test").Start(baggage.ContextWithBaggage(context.Background(), bag), "sender")
		spantest.Propagator.Inject(ctx, c)
		came := spantest.Propagator.Extract(context.Background(), c)
		if got, want := trace.SpanContextFromContext(came), span.SpanContext().WithRemote(true); !got.Equal(want) {
			t.Errorf("%s: %+v arrives, %+v was sent", name, got, want)
		}
		if got := baggage.FromContext(came).Member("user.id").Value(); got != "u-7" {
			t.Errorf("%s: the baggage is %q", name, got)
		}
		if got := c.Get("tenant"); got != "acme" {
			t.Errorf("%s: the message's own header is %q", name, got)
		}
		if n := len(c.Keys()); n < 3 || n > 4 {
			t.Errorf("%s: there are %q", name, c.Keys())
		}
	}
}

func newQueue(rec *spantest.Recorder, options ...messagetrace.Option) *messagetrace.Queue {
	return messagetrace.NewQueue("kafka", "orders", append(options,
		messagetrace.WithTracerProvider(rec.Provider), messagetrace.WithPropagator(spantest.Propagator))...)
}

// send puts n messages on the queue.
func send(t *testing.T, q *messagetrace.Queue, n int) []propagation.TextMapCarrier {
	t.Helper()
	var messages []propagation.TextMapCarrier
	for i := range n {
		headers := new([]franzHeader)
		if err := q.Send(context.Background(), messagetrace.KafkaHeaders(headers), func(context.Context) error { return nil },
			attribute.Int("n", i)); err != nil {
			t.Fatal(err)
		}
		messages = append(messages, messagetrace.KafkaHeaders(headers))
	}
	return messages
}

func nothing(context.Context) error { return nil }

var usual = []string{"messaging.system", "messaging.destination.name"}

func TestSendAndProcess(t *testing.T) {
	rec := spantest.New()
	q := newQueue(rec, messagetrace.Group("shipping"))
	err := q.Process(context.Background(), send(t, q, 1)[0], func(context.Context) error { return errors.New("no label") })
	if err == nil || err.Error() != "no label" {
		t.Errorf("the error is %v", err)
	}
	spantest.Compare(t, rec.Text(t, 2), `
		producer send orders
		  messaging.destination.name = orders
		  messaging.operation.name = send
		  messaging.operation.type = send
		  messaging.system = kafka
		  n = 0
		  consumer process orders (called) Error: no label
		    error.type = *errors.errorString
		    messaging.consumer.group.name = shipping
		    messaging.destination.name = orders
		    messaging.operation.name = process
		    messaging.operation.type = process
		    messaging.system = kafka
		    event exception exception.message=no label exception.type=*errors.errorString
		`)
}

func TestNewTraces(t *testing.T) {
	rec := spantest.New()
	q := newQueue(rec, messagetrace.NewTraces())
	if err := q.Process(context.Background(), send(t, q, 1)[0], nothing); err != nil {
		t.Fatal(err)
	}
	spantest.Compare(t, rec.Text(t, 2, append(usual, "n", "messaging.operation.name", "messaging.operation.type")...), `
		producer send orders
		consumer process orders
		  link to send orders
		`)
	if spans := rec.Spans(t, 2); spans[0].SpanContext().TraceID() == spans[1].SpanContext().TraceID() {
		t.Error("both spans are of one trace")
	}
}

func TestBatch(t *testing.T) {
	rec := spantest.New()
	q := newQueue(rec)
	messages := append(send(t, q, 2), propagation.MapCarrier{})
	if err := q.ProcessBatch(context.Background(), messages, nothing); err != nil {
		t.Fatal(err)
	}
	spantest.Compare(t, rec.Text(t, 3, append(usual, "messaging.operation.name", "messaging.operation.type")...), `
		producer send orders
		  n = 0
		producer send orders
		  n = 1
		consumer process orders
		  messaging.batch.message_count = 3
		  link to send orders
		  link to send orders
		`)
}

func TestPanicGoesOn(t *testing.T) {
	rec := spantest.New()
	defer func() {
		if p := recover(); fmt.Sprint(p) != "jam" {
			t.Errorf("the panic is %v", p)
		}
		if status := rec.Spans(t, 1)[0].Status(); status.Description != "panic: jam" {
			t.Errorf("the span's status is %+v", status)
		}
	}()
	_ = newQueue(rec).Process(context.Background(), propagation.MapCarrier{}, func(context.Context) error { panic("jam") })
}
