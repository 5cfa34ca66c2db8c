package instrument_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"

	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/trace"

	"github.com/kiseki-dev/kiseki/instrument"
	"github.com/kiseki-dev/kiseki/instrument/httptrace"
	"github.com/kiseki-dev/kiseki/instrument/redact"
	"github.com/kiseki-dev/kiseki/instrument/sampler"
)

// receiver stands for kiseki in the examples.
var receiver = httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
	io.Copy(io.Discard, r.Body)
}))

func ExampleStart() {
	stop, err := instrument.Start(context.Background(), instrument.Options{
		Service:  "shop",
		Endpoint: receiver.URL, // without it http://localhost:4318
	})
	if err != nil {
		slog.Warn("no traces", "error", err)
	}
	defer stop(context.Background())

	mux := http.NewServeMux()
	mux.HandleFunc("GET /products/{sku}", func(w http.ResponseWriter, r *http.Request) {
		_ = instrument.Do(r.Context(), "load product", func(ctx context.Context) error {
			return nil // what takes time
		}, attribute.String("shop.sku", r.PathValue("sku")))
		io.WriteString(w, "tea")
	})
	w := httptest.NewRecorder()
	httptrace.Handler(mux).ServeHTTP(w, httptest.NewRequest("GET", "/products/4711", nil))
	fmt.Println(w.Body)
	// Output: tea
}

func ExampleStart_options() {
	stop, err := instrument.Start(context.Background(), instrument.Options{
		Service:     "shop",
		Version:     "1.2.3",
		Environment: "production",
		Endpoint:    receiver.URL,
		Headers:     map[string]string{"X-Scope-OrgID": "shop"},
		Sampler:     sampler.ParentBased(sampler.RateLimited(100)),
		Redact:      redact.Options{Emails: true, Keys: []string{"shop.voucher"}},
	})
	fmt.Println(err)
	defer stop(context.Background())
	// Output: <nil>
}

func ExampleDo() {
	err := instrument.Do(context.Background(), "reserve stock", func(ctx context.Context) error {
		return errors.New("out of stock") // is recorded in the span
	}, attribute.Int("shop.order.lines", 3))
	fmt.Println(err)
	// Output: out of stock
}

func ExampleGo() {
	sent := make(chan bool)
	handler := func(w http.ResponseWriter, r *http.Request) {
		// The mail goes on after the answer, in a trace of its own that is
		// linked to this one.
		instrument.Go(r.Context(), "send mail", func(ctx context.Context) error {
			defer close(sent)
			return ctx.Err()
		})
		w.WriteHeader(http.StatusAccepted)
	}
	handler(httptest.NewRecorder(), httptest.NewRequest("POST", "/orders", nil))
	<-sent
	// Output:
}

func ExampleLinkedTo() {
	// messages are contexts in which the producer's span was extracted.
	work := func(ctx context.Context, tracer trace.Tracer, messages []context.Context) {
		_, span := tracer.Start(ctx, "process batch", instrument.LinkedTo(messages...))
		defer span.End()
	}
	work(context.Background(), trace.SpanFromContext(context.Background()).TracerProvider().Tracer("shop"), nil)
	// Output:
}

func ExampleDeliveryStats() {
	s := instrument.DeliveryStats()
	if s.LastError != nil {
		slog.Warn("traces are late", "waiting", s.Waiting, "error", s.LastError)
	}
	fmt.Println(s.Dropped())
	// Output: 0
}
