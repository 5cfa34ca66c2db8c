// Command shipping ships what was ordered.
package main

import (
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"log/slog"
	"net/http"
	"os"
	"os/signal"
	"strconv"
	"time"

	"go.opentelemetry.io/otel/attribute"
	semconv "go.opentelemetry.io/otel/semconv/v1.43.0"

	"github.com/kiseki-dev/kiseki/instrument"
	"github.com/kiseki-dev/kiseki/instrument/httptrace"

	"example.com/shop/queue"
)

func main() {
	ctx, cancel := signal.NotifyContext(context.Background(), os.Interrupt)
	defer cancel()
	stop, err := instrument.Start(ctx, instrument.Options{Service: "shipping", Version: "1.0.0"})
	if err != nil {
		slog.Warn("no traces", "error", err)
	}
	defer func() { _ = stop(context.Background()) }()

	s := &shipping{
		orders: cmp.Or(os.Getenv("ORDERS"), "http://127.0.0.1:8081"),
		client: &http.Client{Transport: httptrace.Transport(nil), Timeout: 5 * time.Second},
		poller: &http.Client{Timeout: 5 * time.Second}, // not traced: it polls
	}
	slog.Info("shipping", "orders", s.orders)
	for ctx.Err() == nil {
		if err := s.poll(ctx); err != nil && ctx.Err() == nil {
			slog.Warn("poll", "error", err)
		}
		select {
		case <-ctx.Done():
		case <-time.After(100 * time.Millisecond):
		}
	}
}

type shipping struct {
	orders         string
	client, poller *http.Client
}

// poll processes the messages that are there.
func (s *shipping) poll(ctx context.Context) error {
	var messages []queue.Message
	if err := get(ctx, s.poller, s.orders+"/queue/orders.placed", &messages); err != nil {
		return err
	}
	for _, m := range messages {
		// The span goes on with the trace of the request that sent the message.
		err := queue.Placed.Process(ctx, m.Headers, func(ctx context.Context) error { return s.ship(ctx, m) },
			semconv.MessagingMessageID(strconv.FormatInt(m.ID, 10)))
		if err != nil {
			return fmt.Errorf("message %d: %w", m.ID, err) // it stays in the queue
		}
		if err := s.acknowledge(ctx, m.ID); err != nil {
			return err
		}
	}
	return nil
}

func (s *shipping) ship(ctx context.Context, m queue.Message) error {
	var order struct {
		ID    int64
		Count int
	}
	if err := json.Unmarshal(m.Body, &order); err != nil {
		return fmt.Errorf("decode order: %w", err)
	}
	var address string
	called := httptrace.WithTemplate(ctx, "/orders/{id}/address")
	if err := get(called, s.client, fmt.Sprintf("%s/orders/%d/address", s.orders, order.ID), &address); err != nil {
		return err
	}
	return instrument.Do(ctx, "print label", func(context.Context) error {
		time.Sleep(time.Duration(order.Count) * time.Millisecond)
		return nil
	}, attribute.Int("shop.count", order.Count))
}

func (s *shipping) acknowledge(ctx context.Context, id int64) error {
	r, err := http.NewRequestWithContext(ctx, http.MethodDelete, fmt.Sprintf("%s/queue/orders.placed/%d", s.orders, id), nil)
	if err != nil {
		return err
	}
	resp, err := s.poller.Do(r)
	if err != nil {
		return err
	}
	return resp.Body.Close()
}

// get reads a JSON answer.
func get(ctx context.Context, client *http.Client, url string, into any) error {
	r, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
	if err != nil {
		return err
	}
	resp, err := client.Do(r)
	if err != nil {
		return err
	}
	defer resp.Body.Close()
	if resp.StatusCode != http.StatusOK {
		return fmt.Errorf("get %s: %s", url, resp.Status)
	}
	if err := json.NewDecoder(resp.Body).Decode(into); err != nil {
		return fmt.Errorf("decode answer of %s: %w", url, err)
	}
	return nil
}
