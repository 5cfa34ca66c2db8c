// Command orders takes orders and keeps them.
package main

import (
	"cmp"
	"context"
	"database/sql"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"os"
	"os/signal"
	"time"

	"github.com/go-chi/chi/v5"
	"github.com/go-chi/chi/v5/middleware"
	_ "modernc.org/sqlite" // registers the driver "sqlite"

	"github.com/kiseki-dev/kiseki/instrument"
	"github.com/kiseki-dev/kiseki/instrument/chitrace"
	"github.com/kiseki-dev/kiseki/instrument/httptrace"
	"github.com/kiseki-dev/kiseki/instrument/sqltrace"

	"example.com/shop/queue"
)

func main() {
	ctx, cancel := signal.NotifyContext(context.Background(), os.Interrupt)
	defer cancel()
	if err := run(ctx); err != nil {
		slog.Error("orders ends", "error", err)
		os.Exit(1)
	}
}

func run(ctx context.Context) error {
	stop, err := instrument.Start(ctx, instrument.Options{Service: "orders", Version: "1.0.0"})
	if err != nil {
		slog.Warn("no traces", "error", err)
	}
	defer func() { _ = stop(context.Background()) }()

	db, err := open(ctx, cmp.Or(os.Getenv("DATABASE"), "orders.db"))
	if err != nil {
		return err
	}
	defer db.Close()

	server := &http.Server{
		Addr:              cmp.Or(os.Getenv("ADDRESS"), "127.0.0.1:8081"),
		Handler:           (&orders{db}).routes(),
		ReadHeaderTimeout: 5 * time.Second,
	}
	context.AfterFunc(ctx, func() { _ = server.Shutdown(context.Background()) })
	slog.Info("listening", "address", server.Addr)
	if err := server.ListenAndServe(); !errors.Is(err, http.ErrServerClosed) {
		return err
	}
	return nil
}

// open opens the database. What is not part of a trace, such as the tables'
// creation, is not traced.
func open(ctx context.Context, file string) (*sql.DB, error) {
	db, err := sqltrace.Open("sqlite", file+"?_pragma=busy_timeout(5000)&_pragma=journal_mode(WAL)",
		sqltrace.System("sqlite"), sqltrace.Database("orders", "", 0), sqltrace.InTracesOnly())
	if err != nil {
		return nil, err
	}
	for _, schema := range []string{
		"CREATE TABLE IF NOT EXISTS orders (id INTEGER PRIMARY KEY, sku TEXT NOT NULL, count INTEGER NOT NULL, address TEXT NOT NULL)",
		queue.Schema,
	} {
		if _, err := db.ExecContext(ctx, schema); err != nil {
			return nil, errors.Join(fmt.Errorf("create tables: %w", err), db.Close())
		}
	}
	return db, nil
}

type orders struct{ db *sql.DB }

func (o *orders) routes() http.Handler {
	r := chi.NewRouter()
	// The queue is polled ten times a second: traces of that would be noise.
	r.Use(middleware.Recoverer, chitrace.Middleware(httptrace.Except("/queue/*")))
	r.Post("/orders", o.place)
	r.Get("/orders/{id}/address", o.address)
	r.Get("/queue/orders.placed", o.take)
	r.Delete("/queue/orders.placed/{id}", o.acknowledge)
	return r
}
