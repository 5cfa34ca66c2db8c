package demo

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"sync"
	"sync/atomic"

	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/propagation"
	semconv "go.opentelemetry.io/otel/semconv/v1.43.0"
	"go.opentelemetry.io/otel/trace"
)

// topicOrders is the queue of placed orders.
const topicOrders = "orders.placed"

// message carries the context of the producer's span in its headers.
type message struct {
	id      string
	headers propagation.MapCarrier
	body    []byte
}

// broker is an in-process queue: every group gets every message once.
type broker struct {
	next atomic.Uint64

	mu struct {
		sync.Mutex
		closed bool
		groups map[string]chan message
	}
}

// queueLength is how many messages a group may be behind before senders see
// an error: a minute of orders at the default rate.
const queueLength = 256

var errQueue = errors.New("queue is full or closed")

// subscribe makes a consumer group; all groups exist before the first send.
func (b *broker) subscribe(group string) <-chan message {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.mu.groups == nil {
		b.mu.groups = map[string]chan message{}
	}
	ch := make(chan message, queueLength)
	b.mu.groups[group] = ch
	return ch
}

// close ends the queues; consumers still get what is in them.
func (b *broker) close() {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.mu.closed {
		return
	}
	b.mu.closed = true
	for _, ch := range b.mu.groups {
		close(ch)
	}
}

// send publishes v as JSON in a producer span of s.
func (b *broker) send(ctx context.Context, s *service, v any) error {
	body, err := json.Marshal(v)
	if err != nil {
		return fmt.Errorf("encode message: %w", err)
	}
	m := message{id: fmt.Sprintf("m-%06d", b.next.Add(1)), headers: propagation.MapCarrier{}, body: body}
	err = s.orders.Send(ctx, m.headers, func(context.Context) error { return b.deliver(m) },
		semconv.MessagingMessageID(m.id), semconv.MessagingMessageBodySize(len(body)))
	if err != nil {
		return fmt.Errorf("send to %s: %w", topicOrders, err)
	}
	return nil
}

func (b *broker) deliver(m message) error {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.mu.closed {
		return errQueue
	}
	for _, ch := range b.mu.groups {
		select {
		case ch <- m:
		default:
			return errQueue
		}
	}
	return nil
}

// receiveBatch waits for a message and takes up to max that are already
// there. It returns nil once the broker is closed and the queue empty.
func receiveBatch(ch <-chan message, max int) []message {
	m, ok := <-ch
	if !ok {
		return nil
	}
	batch := []message{m}
	for len(batch) < max {
		select {
		case m, ok := <-ch:
			if !ok {
				return batch
			}
			batch = append(batch, m)
		default:
			return batch
		}
	}
	return batch
}

// linkTo links a consumer's span to the producer's.
func linkTo(m message) trace.Link {
	ctx := propagator.Extract(context.Background(), m.headers)
	return trace.LinkFromContext(ctx, semconv.MessagingMessageID(m.id))
}

func messagingAttributes(name string, kind attribute.KeyValue) []attribute.KeyValue {
	return []attribute.KeyValue{
		semconv.MessagingSystemKey.String("in_process"),
		semconv.MessagingDestinationName(topicOrders),
		semconv.MessagingOperationName(name),
		kind,
	}
}
