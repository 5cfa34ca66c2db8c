// Command chi is the smallest traced service: a chi router, one line that
// starts tracing and one that traces the routes.
package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"os"
	"os/signal"
	"time"

	"github.com/go-chi/chi/v5"
	"go.opentelemetry.io/otel/attribute"

	"github.com/kiseki-dev/kiseki/instrument"
	"github.com/kiseki-dev/kiseki/instrument/chitrace"
)

func main() {
	ctx, cancel := signal.NotifyContext(context.Background(), os.Interrupt)
	defer cancel()
	if err := run(ctx); err != nil {
		slog.Error("hello ends", "error", err)
		os.Exit(1)
	}
}

func run(ctx context.Context) error {
	// Where to: OTEL_EXPORTER_OTLP_ENDPOINT, or http://localhost:4318.
	stop, err := instrument.Start(ctx, instrument.Options{Service: "hello"})
	if err != nil {
		slog.Warn("no traces", "error", err)
	}
	defer func() { _ = stop(context.Background()) }() // sends what is left

	r := chi.NewRouter()
	r.Use(chitrace.Middleware())
	r.Get("/hello/{name}", hello)

	server := &http.Server{Addr: cmp.Or(os.Getenv("ADDRESS"), "127.0.0.1:8080"), Handler: r, ReadHeaderTimeout: 5 * time.Second}
	context.AfterFunc(ctx, func() { _ = server.Shutdown(context.Background()) })
	slog.Info("listening", "address", server.Addr)
	if err := server.ListenAndServe(); !errors.Is(err, http.ErrServerClosed) {
		return err
	}
	return nil
}

// hello answers in two steps, of which the second may fail.
func hello(w http.ResponseWriter, r *http.Request) {
	name := chi.URLParam(r, "name")
	var greeting string
	err := instrument.Do(r.Context(), "choose greeting", func(context.Context) error {
		time.Sleep(5 * time.Millisecond)
		greeting = "Hello"
		return nil
	}, attribute.String("hello.language", "en"))
	if err == nil {
		err = instrument.Do(r.Context(), "check name", func(context.Context) error {
			if name == "nobody" {
				return errors.New("nobody is nobody's name")
			}
			return nil
		})
	}
	if err != nil {
		http.Error(w, err.Error(), http.StatusInternalServerError)
		return
	}
	fmt.Fprintf(w, "%s, %s!\n", greeting, name)
}
