package demo

import (
	"context"
	"database/sql"
	"fmt"
	"net/http"

	"github.com/go-chi/chi/v5"
	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/trace"
)

// recommendation suggests products. It has two well-known faults for a trace
// to show: it asks the database once per product (N+1), and it panics for
// customers who have not bought anything yet.
type recommendation struct {
	*service
	db *sql.DB
}

type suggestion struct {
	SKU    string  `json:"sku"`
	Rating float64 `json:"rating"`
}

func newRecommendation(s *service, d *databases) (*recommendation, error) {
	db, err := d.create(s, `
		CREATE TABLE related (sku TEXT, other TEXT, weight REAL);
		CREATE TABLE ratings (sku TEXT, stars INTEGER);
		CREATE INDEX ratings_sku ON ratings (sku)`)
	if err != nil {
		return nil, err
	}
	for i, p := range assortment {
		for j := 1; j <= 10; j++ {
			other := assortment[(i+j)%len(assortment)].SKU
			if _, err := db.Exec(`INSERT INTO related VALUES (?, ?, ?)`, p.SKU, other, 1/float64(j)); err != nil {
				return nil, fmt.Errorf("fill related products: %w", err)
			}
		}
		if _, err := db.Exec(`INSERT INTO ratings VALUES (?, ?), (?, ?)`, p.SKU, 3+i%3, p.SKU, 4); err != nil {
			return nil, fmt.Errorf("fill ratings: %w", err)
		}
	}
	return &recommendation{s, db}, nil
}

func (c *recommendation) handler() http.Handler {
	r := chi.NewRouter()
	r.Use(c.instrument)
	r.Get("/users/{user}/suggestions", handle(c.suggest))
	return r
}

func (c *recommendation) suggest(r *http.Request) (any, error) {
	ctx := r.Context()
	bought := history(chi.URLParam(r, "user"))
	last := bought[len(bought)-1]
	trace.SpanFromContext(ctx).SetAttributes(
		attribute.String("shop.product.sku", last),
		attribute.StringSlice("shop.user.history", bought))
	related, err := c.related(ctx, last)
	if err != nil {
		return nil, err
	}
	found := make([]suggestion, 0, len(related))
	for _, sku := range related {
		s := suggestion{SKU: sku}
		if err := c.db.QueryRowContext(ctx, `SELECT avg(stars) FROM ratings WHERE sku = ?`, sku).Scan(&s.Rating); err != nil {
			return nil, fmt.Errorf("read rating of %s: %w", sku, err)
		}
		found = append(found, s)
	}
	return found, nil
}

func (c *recommendation) related(ctx context.Context, sku string) ([]string, error) {
	rows, err := c.db.QueryContext(ctx, `SELECT other FROM related WHERE sku = ? ORDER BY weight DESC LIMIT 10`, sku)
	if err != nil {
		return nil, fmt.Errorf("query related products: %w", err)
	}
	defer rows.Close()
	var found []string
	for rows.Next() {
		var other string
		if err := rows.Scan(&other); err != nil {
			return nil, fmt.Errorf("read related product: %w", err)
		}
		found = append(found, other)
	}
	if err := rows.Err(); err != nil {
		return nil, fmt.Errorf("read related products: %w", err)
	}
	return found, nil
}

// history is what a customer bought, oldest first.
func history(user string) []string {
	if user == userNew {
		return nil
	}
	n := 0
	for _, c := range user {
		n += int(c)
	}
	return []string{assortment[n%len(assortment)].SKU, assortment[(n*7+3)%len(assortment)].SKU}
}
