package demo

import (
	"context"
	"database/sql"
	"fmt"
	"net/http"
	"time"

	"github.com/go-chi/chi/v5"
	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/trace"

	"github.com/kiseki-dev/kiseki/instrument"
)

// catalog knows the products: SQLite behind a short-lived cache.
type catalog struct {
	*service
	db    *sql.DB
	cache *cache[product]
}

func newCatalog(s *service, d *databases) (*catalog, error) {
	db, err := d.create(s, `CREATE TABLE products (sku TEXT PRIMARY KEY, name TEXT, category TEXT, price INTEGER)`)
	if err != nil {
		return nil, err
	}
	for _, p := range assortment {
		if _, err := db.Exec(`INSERT INTO products VALUES (?, ?, ?, ?)`, p.SKU, p.Name, p.Category, p.Price); err != nil {
			return nil, fmt.Errorf("fill catalog: %w", err)
		}
	}
	return &catalog{service: s, db: db, cache: newCache[product](s, "products", 3*time.Second)}, nil
}

func (c *catalog) handler() http.Handler {
	r := chi.NewRouter()
	r.Use(c.instrument)
	r.Get("/products", handle(c.list))
	r.Get("/products/{sku}", handle(c.get))
	r.Get("/search", handle(c.search))
	return r
}

func (c *catalog) list(r *http.Request) (any, error) {
	return c.query(r.Context(), `SELECT sku, name, category, price FROM products WHERE category = ? ORDER BY price`,
		r.URL.Query().Get("category"))
}

func (c *catalog) get(r *http.Request) (any, error) {
	ctx, sku := r.Context(), chi.URLParam(r, "sku")
	trace.SpanFromContext(ctx).SetAttributes(attribute.String("shop.product.sku", sku))
	if p, ok := c.cache.get(ctx, sku); ok {
		return p, nil
	}
	found, err := c.query(ctx, `SELECT sku, name, category, price FROM products WHERE sku = ?`, sku)
	if err != nil {
		return nil, err
	}
	if len(found) == 0 {
		return nil, &apiError{Status: http.StatusNotFound, Code: "unknown_product", Message: "there is no product " + sku}
	}
	c.cache.set(ctx, sku, found[0])
	return found[0], nil
}

func (c *catalog) search(r *http.Request) (any, error) {
	ctx, text := r.Context(), r.URL.Query().Get("q")
	found, err := c.query(ctx, `SELECT sku, name, category, price FROM products WHERE name LIKE ? OR category LIKE ?`,
		"%"+text+"%", "%"+text+"%")
	if err != nil {
		return nil, err
	}
	err = instrument.Do(ctx, "rank results", func(ctx context.Context) error {
		return work(ctx, time.Duration(len(found))*time.Millisecond)
	}, attribute.String("shop.search.text", text), attribute.Int("shop.search.hits", len(found)))
	return found, err
}

func (c *catalog) query(ctx context.Context, query string, args ...any) ([]product, error) {
	rows, err := c.db.QueryContext(ctx, query, args...)
	if err != nil {
		return nil, fmt.Errorf("query products: %w", err)
	}
	defer rows.Close()
	found := []product{}
	for rows.Next() {
		var p product
		if err := rows.Scan(&p.SKU, &p.Name, &p.Category, &p.Price); err != nil {
			return nil, fmt.Errorf("read product: %w", err)
		}
		found = append(found, p)
	}
	if err := rows.Err(); err != nil {
		return nil, fmt.Errorf("read products: %w", err)
	}
	return found, nil
}
