// Command xray is the AWS X-Ray SDK for Go as a program: it traces what TestXRay of
// test/clients asks for, and ends when all of it is sent.
package main

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"time"

	"github.com/aws/aws-xray-sdk-go/v2/strategy/ctxmissing"
	"github.com/aws/aws-xray-sdk-go/v2/xray"
)

func main() {
	if err := run(os.Args[1]); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

func run(daemon string) error {
	if err := xray.Configure(xray.Config{
		DaemonAddr: daemon, ServiceVersion: "1.2.3", ContextMissingStrategy: ctxmissing.NewDefaultRuntimeErrorStrategy(),
	}); err != nil {
		return err
	}
	backend := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { fmt.Fprint(w, "hello") }))
	defer backend.Close()
	handler := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		ctx := r.Context()
		_ = xray.AddAnnotation(ctx, "customer", "c-17")
		_ = xray.AddAnnotation(ctx, "items", 3)
		_ = xray.AddAnnotation(ctx, "express", true)
		_ = xray.AddMetadataToNamespace(ctx, "cart", "lines", []map[string]any{{"sku": "<a&b>", "price": 2.5}})
		_ = xray.Capture(ctx, "charge", func(ctx context.Context) error {
			_ = xray.AddError(ctx, errors.New("card declined"))
			return errors.New("card declined")
		})
		if err := call(ctx, backend.URL+"/stock?sku=1"); err != nil {
			http.Error(w, err.Error(), http.StatusInternalServerError)
			return
		}
		w.WriteHeader(http.StatusNotFound)
		fmt.Fprint(w, "no such cart")
	})
	front := httptest.NewServer(xray.Handler(xray.NewFixedSegmentNamer("go-shop"), handler))
	defer front.Close()
	for range 2 { // before and after the rules are known
		if err := ask(front.URL + "/cart?id=7"); err != nil {
			return err
		}
		time.Sleep(500 * time.Millisecond) // they are asked for beside
	}
	return nil
}

func ask(url string) error {
	req, err := http.NewRequest(http.MethodGet, url, nil)
	if err != nil {
		return err
	}
	req.Header.Set("User-Agent", "clients-test")
	req.Header.Set("X-Forwarded-For", "203.0.113.9")
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		return err
	}
	return resp.Body.Close()
}

func call(ctx context.Context, url string) error {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
	if err != nil {
		return err
	}
	resp, err := xray.Client(nil).Do(req)
	if err != nil {
		return err
	}
	return resp.Body.Close()
}
