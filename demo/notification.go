package demo

import (
	"context"
	"encoding/json"
	"fmt"
	"strings"
	"text/template"
	"time"

	"go.opentelemetry.io/otel/attribute"
	semconv "go.opentelemetry.io/otel/semconv/v1.43.0"
	"go.opentelemetry.io/otel/trace"

	"github.com/kiseki-dev/kiseki/instrument"
)

// notification mails customers. It is a worker without a server: it takes
// orders from the queue in batches, and a batch is a trace of its own whose
// first span links to every order in it.
type notification struct{ *service }

type mail struct {
	To   string `json:"to"`
	Text string `json:"text"`
}

const (
	mailBatch = 8
	// mailLinger lets orders gather, so that a batch holds several.
	mailLinger = 300 * time.Millisecond
)

var confirmation = template.Must(template.New("confirmation").Parse(
	`Thank you! Order {{.ID}} has {{len .Lines}} {{if eq (len .Lines) 1}}line{{else}}lines{{end}}.`))

// consume returns when the queue is closed and done.
func (n *notification) consume(ctx context.Context, queue <-chan message) {
	for {
		batch := receiveBatch(queue, mailBatch)
		if batch == nil {
			return
		}
		n.handleBatch(ctx, batch)
		// On shutdown the rest is mailed without waiting for more.
		_ = work(ctx, mailLinger)
	}
}

func (n *notification) handleBatch(ctx context.Context, batch []message) {
	links := make([]trace.Link, len(batch))
	for i, m := range batch {
		links[i] = linkTo(m)
	}
	ctx, span := n.tracer.Start(ctx, "receive "+topicOrders,
		trace.WithNewRoot(),
		trace.WithSpanKind(trace.SpanKindConsumer),
		trace.WithLinks(links...),
		trace.WithAttributes(messagingAttributes("receive", semconv.MessagingOperationTypeReceive)...),
		trace.WithAttributes(
			semconv.MessagingConsumerGroupName(n.name),
			semconv.MessagingBatchMessageCount(len(batch))))
	defer span.End()
	for _, m := range batch {
		n.process(ctx, m)
	}
}

func (n *notification) process(ctx context.Context, m message) {
	ctx, span := n.tracer.Start(ctx, "process "+topicOrders,
		trace.WithLinks(linkTo(m)),
		trace.WithAttributes(messagingAttributes("process", semconv.MessagingOperationTypeProcess)...),
		trace.WithAttributes(semconv.MessagingMessageID(m.id)))
	defer span.End()
	if err := n.confirm(ctx, m.body); err != nil {
		instrument.RecordError(span, err)
	}
}

func (n *notification) confirm(ctx context.Context, body []byte) error {
	var o order
	if err := json.Unmarshal(body, &o); err != nil {
		return fmt.Errorf("decode order: %w", err)
	}
	var text strings.Builder
	err := instrument.Do(ctx, "render mail", func(context.Context) error { return confirmation.Execute(&text, o) },
		attribute.String("shop.order.id", o.ID), attribute.String("shop.mail.template", confirmation.Name()))
	if err != nil {
		return fmt.Errorf("render mail: %w", err)
	}
	return n.call(ctx, request{
		method: "POST", host: "mail-provider", template: "/v1/messages",
		body: mail{To: o.Email, Text: text.String()},
	}, nil)
}
