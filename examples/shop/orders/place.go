package main

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"strconv"

	"github.com/go-chi/chi/v5"
	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/trace"

	"github.com/kiseki-dev/kiseki/instrument"

	"example.com/shop/queue"
)

// order is what is ordered.
type order struct {
	ID    int64  `json:"id"`
	SKU   string `json:"sku"`
	Count int    `json:"count"`
}

// errInvalid is the client's fault: the span of the part shows it, that of
// the request is no error.
var errInvalid = errors.New("an order needs a sku and a count from 1 to 100")

func (o *orders) place(w http.ResponseWriter, r *http.Request) {
	ctx := r.Context()
	var placed order
	err := instrument.Do(ctx, "read order", func(context.Context) error {
		return read(w, r, &placed)
	})
	if err == nil {
		// What one will want to search and compare by, on the span of the request.
		trace.SpanFromContext(ctx).SetAttributes(
			attribute.String("shop.sku", placed.SKU), attribute.Int("shop.count", placed.Count))
		err = instrument.Do(ctx, "keep order", func(ctx context.Context) error { return o.keep(ctx, &placed) })
	}
	switch {
	case errors.Is(err, errInvalid):
		http.Error(w, err.Error(), http.StatusBadRequest)
	case err != nil:
		fail(w, r, err)
	default:
		answer(w, http.StatusCreated, placed)
	}
}

func read(w http.ResponseWriter, r *http.Request, into *order) error {
	if err := json.NewDecoder(http.MaxBytesReader(w, r.Body, 1<<16)).Decode(into); err != nil {
		return fmt.Errorf("%w: %w", errInvalid, err)
	}
	if into.SKU == "" || into.Count < 1 || into.Count > 100 {
		return errInvalid
	}
	return nil
}

// keep writes the order and its message in one transaction.
func (o *orders) keep(ctx context.Context, placed *order) error {
	tx, err := o.db.BeginTx(ctx, nil)
	if err != nil {
		return err
	}
	defer tx.Rollback() // after a commit it does nothing
	result, err := tx.ExecContext(ctx, "INSERT INTO orders (sku, count, address) VALUES (?, ?, ?)", placed.SKU, placed.Count, "1 Main Street")
	if err != nil {
		return fmt.Errorf("insert order: %w", err)
	}
	if placed.ID, err = result.LastInsertId(); err != nil {
		return fmt.Errorf("insert order: %w", err)
	}
	if err := queue.Put(ctx, tx, placed); err != nil {
		return err
	}
	return tx.Commit()
}

func (o *orders) address(w http.ResponseWriter, r *http.Request) {
	var address string
	err := o.db.QueryRowContext(r.Context(), "SELECT address FROM orders WHERE id = ?", chi.URLParam(r, "id")).Scan(&address)
	switch {
	case errors.Is(err, sql.ErrNoRows):
		http.Error(w, "there is no such order", http.StatusNotFound)
	case err != nil:
		fail(w, r, err)
	default:
		answer(w, http.StatusOK, address)
	}
}

func (o *orders) take(w http.ResponseWriter, r *http.Request) {
	messages, err := queue.Take(r.Context(), o.db)
	if err != nil {
		fail(w, r, err)
		return
	}
	answer(w, http.StatusOK, messages)
}

func (o *orders) acknowledge(w http.ResponseWriter, r *http.Request) {
	id, err := strconv.ParseInt(chi.URLParam(r, "id"), 10, 64)
	if err != nil {
		http.Error(w, "the id of a message is a number", http.StatusBadRequest)
		return
	}
	if err := queue.Acknowledge(r.Context(), o.db, id); err != nil {
		fail(w, r, err)
	}
}

// fail answers 500; the reason is on the span, where those who may know it
// find it, and not in the answer.
func fail(w http.ResponseWriter, r *http.Request, err error) {
	instrument.RecordError(trace.SpanFromContext(r.Context()), err)
	http.Error(w, "internal error", http.StatusInternalServerError)
}

func answer(w http.ResponseWriter, status int, v any) {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	_ = json.NewEncoder(w).Encode(v) // the client may be gone
}
