package demo

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"net/http"
	"time"

	"github.com/go-chi/chi/v5"
	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/trace"

	"github.com/kiseki-dev/kiseki/instrument"
)

// inventory counts stock. Its background jobs (see jobs.go) write to the
// same tables as the orders do.
type inventory struct {
	*service
	db *sql.DB
}

// fullShelf is the stock of a product after restocking.
const fullShelf = 500

func newInventory(s *service, d *databases) (*inventory, error) {
	db, err := d.create(s, `
		CREATE TABLE stock (sku TEXT PRIMARY KEY, quantity INTEGER NOT NULL CHECK (quantity >= 0), counted INTEGER);
		CREATE TABLE reservations (order_id TEXT, sku TEXT, quantity INTEGER);
		CREATE INDEX reservations_order ON reservations (order_id)`)
	if err != nil {
		return nil, err
	}
	for _, p := range assortment {
		if _, err := db.Exec(`INSERT INTO stock VALUES (?, ?, 0)`, p.SKU, fullShelf); err != nil {
			return nil, fmt.Errorf("fill shelves: %w", err)
		}
	}
	return &inventory{s, db}, nil
}

func (i *inventory) handler() http.Handler {
	r := chi.NewRouter()
	r.Use(i.instrument)
	r.Get("/stock/{sku}", handle(i.stock))
	r.Post("/reservations/{order}", handle(i.reserve))
	r.Delete("/reservations/{order}", handle(i.release))
	return r
}

func (i *inventory) stock(r *http.Request) (any, error) {
	var n int
	err := i.db.QueryRowContext(r.Context(), `SELECT quantity FROM stock WHERE sku = ?`, chi.URLParam(r, "sku")).Scan(&n)
	if err != nil {
		return nil, fmt.Errorf("read stock: %w", err)
	}
	return n, nil
}

// reserve takes all lines of an order from the stock, or none.
func (i *inventory) reserve(r *http.Request) (any, error) {
	ctx, id := r.Context(), chi.URLParam(r, "order")
	lines, err := decode[[]line](r)
	if err != nil {
		return nil, err
	}
	trace.SpanFromContext(ctx).SetAttributes(attribute.String("shop.order.id", id))
	return nil, inTx(ctx, i.db, func(tx *sql.Tx) error {
		for _, l := range lines {
			if err := take(ctx, tx, id, l); err != nil {
				return err
			}
		}
		return nil
	})
}

func take(ctx context.Context, tx *sql.Tx, id string, l line) error {
	var n int
	err := tx.QueryRowContext(ctx,
		`UPDATE stock SET quantity = max(quantity - ?, 0) WHERE sku = ? AND quantity >= ? RETURNING quantity`,
		l.Quantity, l.SKU, l.Quantity).Scan(&n)
	if errors.Is(err, sql.ErrNoRows) {
		return &apiError{Status: http.StatusConflict, Code: "out_of_stock", Message: "not enough of " + l.SKU}
	}
	if err != nil {
		return fmt.Errorf("take %s: %w", l.SKU, err)
	}
	if _, err := tx.ExecContext(ctx, `INSERT INTO reservations VALUES (?, ?, ?)`, id, l.SKU, l.Quantity); err != nil {
		return fmt.Errorf("reserve %s: %w", l.SKU, err)
	}
	return nil
}

// release puts the lines of an order back.
func (i *inventory) release(r *http.Request) (any, error) {
	ctx, id := r.Context(), chi.URLParam(r, "order")
	return nil, inTx(ctx, i.db, func(tx *sql.Tx) error {
		if _, err := tx.ExecContext(ctx, `UPDATE stock SET quantity = quantity + reserved.n
			FROM (SELECT sku, sum(quantity) AS n FROM reservations WHERE order_id = ? GROUP BY sku) AS reserved
			WHERE stock.sku = reserved.sku`, id); err != nil {
			return fmt.Errorf("put back: %w", err)
		}
		if _, err := tx.ExecContext(ctx, `DELETE FROM reservations WHERE order_id = ?`, id); err != nil {
			return fmt.Errorf("forget reservation: %w", err)
		}
		return nil
	})
}

// count is one round of the stock-take: it locks the table against orders
// while somebody walks along the shelf.
func (i *inventory) count(ctx context.Context, walk time.Duration) error {
	return inTx(ctx, i.db, func(tx *sql.Tx) error {
		var n int
		if err := tx.QueryRowContext(ctx, `SELECT sum(quantity) FROM stock`).Scan(&n); err != nil {
			return fmt.Errorf("count stock: %w", err)
		}
		if err := instrument.Do(ctx, "walk along the shelf", func(ctx context.Context) error { return work(ctx, walk) },
			attribute.Int("shop.stock.total", n)); err != nil {
			return err
		}
		if _, err := tx.ExecContext(ctx, `UPDATE stock SET counted = unixepoch()`); err != nil {
			return fmt.Errorf("note count: %w", err)
		}
		return nil
	})
}

// restock fills the shelves.
func (i *inventory) restock(ctx context.Context) error {
	if _, err := i.db.ExecContext(ctx, `UPDATE stock SET quantity = ? WHERE quantity < ?`, fullShelf, fullShelf/2); err != nil {
		return fmt.Errorf("fill shelves: %w", err)
	}
	if _, err := i.db.ExecContext(ctx, `DELETE FROM reservations WHERE rowid < (SELECT max(rowid) - 1000 FROM reservations)`); err != nil {
		return fmt.Errorf("forget old reservations: %w", err)
	}
	return nil
}
