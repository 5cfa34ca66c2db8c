package demo

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"time"

	"go.opentelemetry.io/otel/attribute"
	semconv "go.opentelemetry.io/otel/semconv/v1.43.0"
	"go.opentelemetry.io/otel/trace"

	"github.com/kiseki-dev/kiseki/instrument"
)

// shipping quotes what sending costs, and prints a label for every placed
// order. There is one printer: under load, orders queue for it.
type shipping struct {
	*service
	printer chan struct{} // holds a token while somebody prints
}

func newShipping(s *service) *shipping { return &shipping{s, make(chan struct{}, 1)} }

func (s *shipping) handler() http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("POST /quotes", handle(s.quote))
	return s.instrument(mux)
}

func (s *shipping) quote(r *http.Request) (any, error) {
	lines, err := decode[[]line](r)
	if err != nil {
		return nil, err
	}
	grams := 0
	for _, l := range lines {
		grams += 350 * l.Quantity
	}
	trace.SpanFromContext(r.Context()).SetAttributes(attribute.Int("shop.parcel.weight_g", grams))
	return 390 + grams/10, work(r.Context(), 3*time.Millisecond)
}

// consume handles each order in a span of its own, several at a time; the
// trace of the order goes on. It returns when the queue is closed and done.
func (s *shipping) consume(ctx context.Context, queue <-chan message) {
	done := make(chan struct{})
	const workers = 4
	for range workers {
		go func() {
			for m := range queue {
				s.process(ctx, m)
			}
			done <- struct{}{}
		}()
	}
	for range workers {
		<-done
	}
}

// process goes on with the trace of the order. What fails is in the trace;
// there is nobody to return it to.
func (s *shipping) process(ctx context.Context, m message) {
	_ = s.orders.Process(ctx, m.headers, func(ctx context.Context) error {
		var o order
		if err := json.Unmarshal(m.body, &o); err != nil {
			return fmt.Errorf("decode order: %w", err)
		}
		trace.SpanFromContext(ctx).SetAttributes(attribute.String("shop.order.id", o.ID))
		return s.printLabel(ctx, o)
	}, semconv.MessagingMessageID(m.id), semconv.MessagingMessageBodySize(len(m.body)))
}

func (s *shipping) printLabel(ctx context.Context, o order) error {
	asked := time.Now()
	err := instrument.Do(ctx, "wait for the printer", func(ctx context.Context) error {
		select {
		case s.printer <- struct{}{}:
			return nil
		case <-ctx.Done():
			return context.Cause(ctx)
		}
	})
	if err != nil {
		return fmt.Errorf("wait for the printer: %w", err)
	}
	defer func() { <-s.printer }()
	return instrument.Do(ctx, "print label", func(ctx context.Context) error { return work(ctx, 40*time.Millisecond) },
		attribute.Int("shop.label.lines", len(o.Lines)),
		attribute.Float64("shop.printer.waited_ms", float64(time.Since(asked).Microseconds())/1000))
}
