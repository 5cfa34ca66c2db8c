package demo

import (
	"net/http"
	"time"

	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/trace"
)

// cart keeps what customers want to buy, for half an hour.
type cart struct {
	*service
	carts *cache[[]line]
}

func newCart(s *service) *cart {
	return &cart{s, newCache[[]line](s, "carts", 30*time.Minute)}
}

func (c *cart) handler() http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("GET /carts/{user}", handle(c.get))
	mux.HandleFunc("POST /carts/{user}/items", handle(c.add))
	mux.HandleFunc("DELETE /carts/{user}", handle(c.empty))
	return c.instrument(mux)
}

func (c *cart) get(r *http.Request) (any, error) {
	lines, _ := c.carts.get(r.Context(), r.PathValue("user"))
	trace.SpanFromContext(r.Context()).SetAttributes(attribute.Int("shop.cart.lines", len(lines)))
	return lines, nil
}

func (c *cart) add(r *http.Request) (any, error) {
	ctx, user := r.Context(), r.PathValue("user")
	added, err := decode[line](r)
	if err != nil {
		return nil, err
	}
	// Asking the catalog keeps products that do not exist out of the cart.
	if err := c.call(ctx, request{method: "GET", host: "catalog", template: "/products/{sku}", args: []any{added.SKU}}, nil); err != nil {
		return nil, err
	}
	old, _ := c.carts.get(ctx, user)
	lines := append(old[:len(old):len(old)], added)
	c.carts.set(ctx, user, lines)
	return lines, nil
}

func (c *cart) empty(r *http.Request) (any, error) {
	c.carts.del(r.Context(), r.PathValue("user"))
	return nil, nil
}
