package demo

import (
	"context"
	"fmt"
	"net/http"
	"time"

	"github.com/go-chi/chi/v5"
	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/trace"

	"github.com/kiseki-dev/kiseki/instrument"
)

// payment charges cards through the provider, once per request; whether to
// try again is its callers' decision.
type payment struct{ *service }

type chargeRequest struct {
	Order string `json:"order"` // also the idempotency key
	Card  string `json:"card"`
	Total money  `json:"total"`
}

func (p *payment) handler() http.Handler {
	r := chi.NewRouter()
	r.Use(p.instrument)
	r.Post("/charges", handle(p.charge))
	return r
}

func (p *payment) charge(r *http.Request) (any, error) {
	charge, err := decode[chargeRequest](r)
	if err != nil {
		return nil, err
	}
	if len(charge.Card) < 4 {
		return nil, &apiError{Status: http.StatusBadRequest, Code: "bad_card", Message: "a card number has more digits"}
	}
	ctx := r.Context()
	trace.SpanFromContext(ctx).SetAttributes(
		attribute.String("shop.order.id", charge.Order),
		attribute.String("shop.payment.currency", charge.Total.Currency),
		attribute.Int("shop.payment.amount", charge.Total.Amount),
		attribute.String("shop.payment.card_last4", charge.Card[len(charge.Card)-4:]))
	if err := instrument.Do(ctx, "check for fraud", p.score(charge)); err != nil {
		return nil, err
	}
	ctx, cancel := context.WithTimeout(ctx, 3*time.Second)
	defer cancel()
	err = p.call(ctx, request{method: "POST", host: "payment-provider", template: "/v2/authorizations", body: charge}, nil)
	if err != nil {
		return nil, fmt.Errorf("authorise card: %w", err)
	}
	return nil, nil
}

// score takes longer for dear orders and notes which rules it applied.
func (p *payment) score(charge chargeRequest) func(context.Context) error {
	return func(ctx context.Context) error {
		rules := []string{"velocity", "country"}
		if charge.Total.Amount > 10_000 {
			rules = append(rules, "manual-limit", "device")
		}
		trace.SpanFromContext(ctx).SetAttributes(
			attribute.StringSlice("shop.fraud.rules", rules),
			attribute.Float64("shop.fraud.score", 0.04*float64(len(rules))))
		return work(ctx, time.Duration(len(rules))*2*time.Millisecond)
	}
}
