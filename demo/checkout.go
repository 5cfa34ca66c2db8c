package demo

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strconv"
	"sync/atomic"
	"time"

	"github.com/go-chi/chi/v5"
	"go.opentelemetry.io/otel/attribute"
	semconv "go.opentelemetry.io/otel/semconv/v1.43.0"
	"go.opentelemetry.io/otel/trace"

	"github.com/kiseki-dev/kiseki/instrument"
)

// checkout turns a cart into an order: price, reserve, charge, ship, note,
// announce. A charge that fails gives the reservation back.
type checkout struct {
	*service
	db     *sql.DB
	broker *broker
	next   atomic.Uint64
}

func newCheckout(s *service, d *databases, b *broker) (*checkout, error) {
	db, err := d.create(s, `
		CREATE TABLE orders (id TEXT PRIMARY KEY, user_id TEXT, total INTEGER, currency TEXT);
		CREATE TABLE order_lines (order_id TEXT, sku TEXT, quantity INTEGER)`)
	if err != nil {
		return nil, err
	}
	return &checkout{service: s, db: db, broker: b}, nil
}

func (c *checkout) handler() http.Handler {
	r := chi.NewRouter()
	r.Use(c.instrument)
	r.Post("/orders", handle(c.place))
	return r
}

func (c *checkout) place(r *http.Request) (any, error) {
	ctx := r.Context()
	asked, err := decode[orderRequest](r)
	if err != nil {
		return nil, err
	}
	o := order{ID: fmt.Sprintf("o-%06d", c.next.Add(1)), User: asked.User, Email: asked.Email}
	span := trace.SpanFromContext(ctx)
	span.SetAttributes(attribute.String("shop.order.id", o.ID))
	err = instrument.Do(ctx, "price order", func(ctx context.Context) error { return c.price(ctx, &o, asked.Currency) })
	if err != nil {
		return nil, err
	}
	span.SetAttributes(
		attribute.Int("shop.order.lines", len(o.Lines)),
		attribute.Int("shop.order.total", o.Total.Amount),
		attribute.String("shop.order.currency", o.Total.Currency))
	err = c.call(ctx, request{method: "POST", host: "inventory", template: "/reservations/{order}", args: []any{o.ID}, body: o.Lines}, nil)
	if err != nil {
		return nil, err
	}
	if err := c.charge(ctx, o, asked.Card); err != nil {
		release := request{method: "DELETE", host: "inventory", template: "/reservations/{order}", args: []any{o.ID}}
		return nil, errors.Join(err, c.call(ctx, release, nil))
	}
	return o, c.finish(ctx, o)
}

// price fills in the lines and the total, shipping included.
func (c *checkout) price(ctx context.Context, o *order, currency string) error {
	err := c.call(ctx, request{method: "GET", host: "cart", template: "/carts/{user}", args: []any{o.User}}, &o.Lines)
	if err != nil {
		return err
	}
	if len(o.Lines) == 0 {
		return &apiError{Status: http.StatusConflict, Code: "empty_cart", Message: "there is nothing to buy"}
	}
	var cents int
	if err := c.call(ctx, request{method: "POST", host: "shipping", template: "/quotes", body: o.Lines}, &cents); err != nil {
		return err
	}
	for _, l := range o.Lines {
		var p product
		if err := c.call(ctx, request{method: "GET", host: "catalog", template: "/products/{sku}", args: []any{l.SKU}}, &p); err != nil {
			return err
		}
		cents += p.Price * l.Quantity
	}
	query := url.Values{"cents": {strconv.Itoa(cents)}, "to": {currency}}
	return c.call(ctx, request{method: "GET", host: "currency", template: "/convert", query: query}, &o.Total)
}

const (
	chargeAttempts = 4
	chargeBackoff  = 50 * time.Millisecond // doubles with each attempt
)

// charge tries again while the card's bank is away; a declined card is final.
func (c *checkout) charge(ctx context.Context, o order, card string) error {
	return instrument.Do(ctx, "charge card", func(ctx context.Context) error {
		span := trace.SpanFromContext(ctx)
		body := chargeRequest{Order: o.ID, Card: card, Total: o.Total}
		for attempt := 1; ; attempt++ {
			err := c.call(ctx, request{method: "POST", host: "payment", template: "/charges", body: body}, nil)
			span.SetAttributes(attribute.Int("shop.payment.attempts", attempt))
			var failed *apiError
			if err == nil || !errors.As(err, &failed) || failed.Status < 500 || attempt == chargeAttempts {
				return err
			}
			backoff := chargeBackoff << (attempt - 1)
			span.AddEvent("retry scheduled", trace.WithAttributes(
				semconv.HTTPRequestResendCount(attempt),
				attribute.Int64("shop.retry.backoff_ms", backoff.Milliseconds()),
				attribute.String("shop.retry.reason", failed.Code)))
			if err := work(ctx, backoff); err != nil {
				return err
			}
		}
	})
}

// finish notes the paid order and tells everybody who wants to know.
func (c *checkout) finish(ctx context.Context, o order) error {
	err := inTx(ctx, c.db, func(tx *sql.Tx) error {
		if _, err := tx.ExecContext(ctx, `INSERT INTO orders VALUES (?, ?, ?, ?)`,
			o.ID, o.User, o.Total.Amount, o.Total.Currency); err != nil {
			return fmt.Errorf("note order: %w", err)
		}
		for _, l := range o.Lines {
			if _, err := tx.ExecContext(ctx, `INSERT INTO order_lines VALUES (?, ?, ?)`, o.ID, l.SKU, l.Quantity); err != nil {
				return fmt.Errorf("note order line: %w", err)
			}
		}
		return nil
	})
	if err != nil {
		return err
	}
	if err := c.broker.send(ctx, c.service, o); err != nil {
		return err
	}
	return c.call(ctx, request{method: "DELETE", host: "cart", template: "/carts/{user}", args: []any{o.User}}, nil)
}
