package httptrace_test

import (
	"context"
	"fmt"
	"net/http"

	"github.com/kiseki-dev/kiseki/instrument/httptrace"
)

func ExampleHandler() {
	mux := http.NewServeMux()
	mux.HandleFunc("GET /orders/{id}", func(w http.ResponseWriter, r *http.Request) {
		fmt.Fprintln(w, "order", r.PathValue("id"))
	})
	mux.HandleFunc("GET /healthz", func(http.ResponseWriter, *http.Request) {})
	_ = http.ListenAndServe(":8080", httptrace.Handler(mux, httptrace.Except("/healthz")))
}

func ExampleTransport() {
	client := &http.Client{Transport: httptrace.Transport(nil, httptrace.PropagateTo("*.shop.internal"))}
	ctx := httptrace.WithTemplate(context.Background(), "/users/{id}")
	r, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://users.shop.internal/users/42", nil)
	if err != nil {
		return
	}
	resp, err := client.Do(r) // the span is "GET /users/{id}"
	if err != nil {
		return
	}
	_ = resp.Body.Close()
}
