// Package messagetrace traces messages through queues and topics, without
// knowing any client library.
//
// A carrier puts the trace into the headers of a message in the shape the
// library has: KafkaHeaders, BytesHeaders, Values (NATS), Table (AMQP),
// Attributes (SQS), or propagation.MapCarrier for a plain map. A Queue makes
// the spans of sending and processing:
//
//	orders := messagetrace.NewQueue("kafka", "orders.placed")
//
//	err := orders.Send(ctx, messagetrace.KafkaHeaders(&record.Headers), func(ctx context.Context) error {
//		return client.Produce(ctx, record)
//	})
//
//	err := orders.Process(ctx, messagetrace.KafkaHeaders(&record.Headers), func(ctx context.Context) error {
//		return ship(ctx, record)
//	})
//
// Names and attributes are those of the semantic conventions v1.43,
// https://opentelemetry.io/docs/specs/semconv/messaging/messaging-spans/.
package messagetrace
