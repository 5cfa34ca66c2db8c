package demo

import (
	"context"
	"hash/fnv"
	"net/http"
	"net/url"
	"strconv"
	"sync"

	"github.com/go-chi/chi/v5"
	"go.opentelemetry.io/otel/attribute"
	semconv "go.opentelemetry.io/otel/semconv/v1.43.0"
	"go.opentelemetry.io/otel/trace"
)

// frontend is what browsers talk to. It puts pages together from the other
// services, and does without suggestions when it cannot have them.
type frontend struct{ *service }

func (f *frontend) handler() http.Handler {
	r := chi.NewRouter()
	r.Use(f.instrument)
	r.Get("/", handle(f.home))
	r.Get("/search", handle(f.search))
	r.Get("/products/{sku}", handle(f.product))
	r.Post("/cart/{user}", handle(f.addToCart))
	r.Post("/checkout", handle(f.checkout))
	return r
}

type page struct {
	Products    []product    `json:"products"`
	Stock       int          `json:"stock,omitempty"`
	Price       money        `json:"price"`
	Suggestions []suggestion `json:"suggestions"`
}

func (f *frontend) home(r *http.Request) (any, error) {
	ctx, user := r.Context(), r.URL.Query().Get("user")
	layout := f.flag(ctx, "home-layout", user, "grid", "carousel")
	category := "tea"
	if layout == "carousel" {
		category = "gifts"
	}
	var p page
	return &p, parallel(
		func() error {
			return f.call(ctx, request{method: "GET", host: "catalog", template: "/products",
				query: url.Values{"category": {category}}}, &p.Products)
		},
		func() error { f.suggest(ctx, user, &p); return nil },
	)
}

func (f *frontend) search(r *http.Request) (any, error) {
	var p page
	err := f.call(r.Context(), request{method: "GET", host: "catalog", template: "/search",
		query: url.Values{"q": {r.URL.Query().Get("q")}}}, &p.Products)
	return &p, err
}

func (f *frontend) product(r *http.Request) (any, error) {
	ctx, sku, q := r.Context(), chi.URLParam(r, "sku"), r.URL.Query()
	p := page{Products: make([]product, 1)}
	err := f.call(ctx, request{method: "GET", host: "catalog", template: "/products/{sku}", args: []any{sku}}, &p.Products[0])
	if err != nil {
		return nil, err
	}
	return &p, parallel(
		func() error {
			query := url.Values{"cents": {strconv.Itoa(p.Products[0].Price)}, "to": {q.Get("currency")}}
			return f.call(ctx, request{method: "GET", host: "currency", template: "/convert", query: query}, &p.Price)
		},
		func() error {
			return f.call(ctx, request{method: "GET", host: "inventory", template: "/stock/{sku}", args: []any{sku}}, &p.Stock)
		},
		func() error { f.suggest(ctx, q.Get("user"), &p); return nil },
	)
}

// suggest leaves the page without suggestions if they fail.
func (f *frontend) suggest(ctx context.Context, user string, p *page) {
	err := f.call(ctx, request{method: "GET", host: "recommendation", template: "/users/{user}/suggestions", args: []any{user}}, &p.Suggestions)
	if err != nil {
		trace.SpanFromContext(ctx).AddEvent("page degraded", trace.WithAttributes(
			attribute.String("shop.missing", "suggestions"), attribute.String("shop.reason", err.Error())))
	}
}

func (f *frontend) addToCart(r *http.Request) (any, error) {
	item, err := decode[line](r)
	if err != nil {
		return nil, err
	}
	return nil, f.call(r.Context(), request{method: "POST", host: "cart", template: "/carts/{user}/items",
		args: []any{chi.URLParam(r, "user")}, body: item}, nil)
}

func (f *frontend) checkout(r *http.Request) (any, error) {
	asked, err := decode[orderRequest](r)
	if err != nil {
		return nil, err
	}
	f.flag(r.Context(), "one-page-checkout", asked.User, "off", "on")
	var o order
	err = f.call(r.Context(), request{method: "POST", host: "checkout", template: "/orders", body: asked}, &o)
	return o, err
}

// flag evaluates a feature flag for a user and notes it as the conventions
// say, https://opentelemetry.io/docs/specs/semconv/feature-flags/.
func (f *frontend) flag(ctx context.Context, key, user string, variants ...string) string {
	h := fnv.New32a()
	h.Write([]byte(key + user))
	variant := variants[h.Sum32()%uint32(len(variants))]
	trace.SpanFromContext(ctx).AddEvent("feature_flag.evaluation", trace.WithAttributes(
		semconv.FeatureFlagKey(key),
		semconv.FeatureFlagResultVariant(variant),
		semconv.FeatureFlagProviderName("shop-flags"),
		semconv.FeatureFlagResultReasonSplit,
		semconv.FeatureFlagContextID(user)))
	return variant
}

// parallel runs fs at once and returns the first error in their order.
func parallel(fs ...func() error) error {
	errs := make([]error, len(fs))
	var wg sync.WaitGroup
	for i, f := range fs {
		wg.Go(func() { errs[i] = f() })
	}
	wg.Wait()
	for _, err := range errs {
		if err != nil {
			return err
		}
	}
	return nil
}
