package demo

import (
	"context"
	"fmt"
	"math/rand/v2"
	"net/url"
	"time"

	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/baggage"
	semconv "go.opentelemetry.io/otel/semconv/v1.43.0"
	"go.opentelemetry.io/otel/trace"

	"github.com/kiseki-dev/kiseki/instrument"
)

// customer is one visit to the shop: everything that will happen in it is
// decided before it starts.
type customer struct {
	user, session, email string
	currency, card       string
	search               string // empty for a customer who does not search
	looks                []string
	buys                 []line // empty for a customer who only looks
	pace                 time.Duration
}

// tour is the customers who come first: together they show every story, in
// less than two seconds.
func tour() []customer {
	visit := func(user, card string, skus ...string) customer {
		c := customer{user: user, session: "s-tour-" + user, email: user + "@example.com", currency: "EUR", card: card}
		for _, sku := range skus {
			c.looks = append(c.looks, sku)
			c.buys = append(c.buys, line{sku, 1})
		}
		return c
	}
	unmailable := visit("u-mail", cardGood, "TEA-002")
	unmailable.email = "nobody"
	abroad := visit("u-abroad", cardGood, "CUP-002")
	abroad.currency = "ATS"
	reader := visit("u-reader", "")
	reader.search, reader.looks = "pot", []string{"POT-001"}
	return []customer{
		visit("u-good", cardGood, "TEA-001", "POT-001", "KIT-001"),
		visit("u-poor", cardDeclined, "KIT-003"),
		visit("u-flaky", cardFlaky, "TEA-005", "CUP-002"),
		visit("u-slow", cardSlow, "BOX-001"),
		visit(userNew, ""),
		unmailable, abroad, reader,
	}
}

var searches = []string{"tea", "pot", "cup", "matcha", "kettle", "first flush", "saffron"}

// nextCustomer draws a customer; the same source gives the same customers.
func nextCustomer(r *rand.Rand, n int) customer {
	c := customer{
		user:     fmt.Sprintf("u-%03d", r.IntN(200)),
		session:  fmt.Sprintf("s-%08x", r.Uint32()),
		currency: pick(r, "EUR", "EUR", "EUR", "USD", "GBP", "JPY"),
		card:     cardGood,
		pace:     20*time.Millisecond + time.Duration(r.IntN(180))*time.Millisecond,
	}
	// A cart belongs to a user: two visits at once must not share one.
	c.user = fmt.Sprintf("%s-%d", c.user, n%7)
	c.email = c.user + "@example.com"
	if r.IntN(100) < 2 {
		c.user = userNew
	}
	if r.IntN(3) == 0 {
		c.search = pick(r, searches...)
	}
	for range 1 + r.IntN(3) {
		c.looks = append(c.looks, assortment[r.IntN(len(assortment))].SKU)
	}
	if r.IntN(2) == 0 {
		for range 1 + r.IntN(4) {
			c.buys = append(c.buys, line{assortment[r.IntN(len(assortment))].SKU, 1 + r.IntN(2)})
		}
	}
	switch p := r.IntN(100); {
	case p < 6:
		c.card = cardDeclined
	case p < 14:
		c.card = cardFlaky
	case p < 18:
		c.card = cardSlow
	case p < 20:
		c.email = "nobody"
	case p < 21:
		c.currency = "ATS"
	}
	return c
}

func pick[T any](r *rand.Rand, from ...T) T { return from[r.IntN(len(from))] }

// web is the customers' browser: every click is a trace that begins here.
type web struct{ *service }

// visit plays a customer until ctx ends; a click that is under way then may
// go on until clicks ends. Failures are part of the visit: they are in the
// traces, and the customer goes on as far as that makes sense.
func (w *web) visit(ctx, clicks context.Context, c customer) {
	clicks = w.withBaggage(clicks, c)
	user := url.Values{"user": {c.user}}
	_ = w.click(clicks, "open home page", request{method: "GET", template: "/", query: user})
	if c.search != "" && work(ctx, c.pace) == nil {
		_ = w.click(clicks, "search", request{method: "GET", template: "/search", query: url.Values{"q": {c.search}}})
	}
	for _, sku := range c.looks {
		if work(ctx, c.pace) != nil {
			return
		}
		_ = w.click(clicks, "open product", request{method: "GET", template: "/products/{sku}", args: []any{sku},
			query: url.Values{"user": {c.user}, "currency": {c.currency}}})
	}
	for _, l := range c.buys {
		if work(ctx, c.pace) != nil {
			return
		}
		if w.click(clicks, "add to cart", request{method: "POST", template: "/cart/{user}", args: []any{c.user}, body: l}) != nil {
			return
		}
	}
	if len(c.buys) > 0 && work(ctx, c.pace) == nil {
		_ = w.click(clicks, "place order", request{method: "POST", template: "/checkout",
			body: orderRequest{User: c.user, Email: c.email, Currency: c.currency, Card: c.card}})
	}
}

// clickTimeout is how long a customer waits for a page.
const clickTimeout = 15 * time.Second

func (w *web) click(ctx context.Context, name string, r request) error {
	ctx, cancel := context.WithTimeout(ctx, clickTimeout)
	defer cancel()
	ctx, span := w.tracer.Start(ctx, name, trace.WithNewRoot(), trace.WithAttributes(
		attribute.String("browser.event", "click"),
		semconv.URLFull("http://"+hostname("frontend")+expand(r.template, r.args))))
	defer span.End()
	r.host = "frontend"
	err := w.call(ctx, r, nil)
	if err != nil {
		instrument.RecordError(span, err)
	}
	return err
}

// withBaggage names user and session for all services, see baggageProcessor.
func (w *web) withBaggage(ctx context.Context, c customer) context.Context {
	var b baggage.Baggage
	for _, kv := range [][2]string{{string(semconv.UserIDKey), c.user}, {string(semconv.SessionIDKey), c.session}} {
		// Neither parsing nor adding fails for ids of letters and digits.
		if m, err := baggage.NewMemberRaw(kv[0], kv[1]); err == nil {
			b, _ = b.SetMember(m)
		}
	}
	return baggage.ContextWithBaggage(ctx, b)
}
