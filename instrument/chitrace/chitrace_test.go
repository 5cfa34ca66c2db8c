package chitrace_test

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/go-chi/chi/v5"
	"github.com/go-chi/chi/v5/middleware"

	"github.com/kiseki-dev/kiseki/instrument/chitrace"
	"github.com/kiseki-dev/kiseki/instrument/httptrace"
	"github.com/kiseki-dev/kiseki/instrument/internal/spantest"
)

func Example() {
	r := chi.NewRouter()
	r.Use(middleware.Recoverer, chitrace.Middleware(httptrace.Except("/healthz")))
	r.Get("/orders/{id}", func(w http.ResponseWriter, r *http.Request) {
		fmt.Fprintln(w, "order", chi.URLParam(r, "id"))
	})
	answer := httptest.NewRecorder()
	r.ServeHTTP(answer, httptest.NewRequest("GET", "/orders/42", nil))
	fmt.Print(answer.Body)
	// Output: order 42
}

// shop is a router with what routers have: groups, mounts, wildcards,
// middleware that copies the request.
func shop(rec *spantest.Recorder) http.Handler {
	ok := func(w http.ResponseWriter, _ *http.Request) { fmt.Fprint(w, "ok") }
	r := chi.NewRouter()
	r.Use(middleware.Recoverer, chitrace.Middleware(httptrace.WithTracerProvider(rec.Provider), httptrace.Except("/healthz")))
	r.Use(middleware.WithValue("key", "value"), middleware.RequestID)
	r.Get("/", ok)
	r.Get("/healthz", ok)
	r.Get("/orders/{id}", ok)
	r.Get("/users/{name:[a-z]+}", ok)
	r.Handle("/files/*", http.HandlerFunc(ok))
	r.Get("/panics", func(http.ResponseWriter, *http.Request) { panic("paper jam") })
	admin := chi.NewRouter()
	admin.Delete("/carts/{id}", ok)
	r.Mount("/admin", admin)
	r.Route("/api/v1", func(r chi.Router) {
		r.With(middleware.NoCache).Get("/prices/{sku}", ok)
	})
	return r
}

func TestNames(t *testing.T) {
	for request, want := range map[string]string{
		"GET /":                  "server GET / / 200",
		"GET /orders/42":         "server GET /orders/{id} /orders/{id} 200",
		"GET /users/ann":         "server GET /users/{name:[a-z]+} /users/{name:[a-z]+} 200",
		"PUT /files/a/b.txt":     "server PUT /files/* /files/* 200",
		"DELETE /admin/carts/7":  "server DELETE /admin/carts/{id} /admin/carts/{id} 200",
		"GET /api/v1/prices/s-1": "server GET /api/v1/prices/{sku} /api/v1/prices/{sku} 200",
		"GET /nowhere":           "server GET  404",
		"POST /orders/42":        "server POST  405",
		"GET /panics":            "server GET /panics Error: panic: paper jam /panics 500",
		"GET /healthz":           "",
	} {
		rec := spantest.New()
		server := httptest.NewServer(shop(rec))
		method, path, _ := strings.Cut(request, " ")
		r, err := http.NewRequest(method, server.URL+path, nil)
		if err != nil {
			t.Fatal(err)
		}
		resp, err := http.DefaultClient.Do(r)
		if err != nil {
			t.Fatal(err)
		}
		resp.Body.Close()
		server.Close() // waits for the handler
		got := ""
		if spans := rec.Spans(t, 0); len(spans) == 1 {
			head, attributes, _ := strings.Cut(rec.Text(t, 1), "\n")
			got = fmt.Sprintf("%s %s %s", head, attribute(attributes, "http.route"), attribute(attributes, "http.response.status_code"))
		}
		if got != want {
			t.Errorf("%s is %q, want %q", request, got, want)
		}
	}
}

func attribute(text, key string) string {
	_, after, _ := strings.Cut(text, "  "+key+" = ")
	value, _, _ := strings.Cut(after, "\n")
	return value
}
