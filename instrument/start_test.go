package instrument

import (
	"context"
	"errors"
	"net/http"
	"net/http/httptest"
	"sync/atomic"
	"testing"

	"go.opentelemetry.io/otel/trace"
)

func TestStartSends(t *testing.T) {
	var requests atomic.Int64
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path != "/v1/traces" {
			t.Errorf("path is %s", r.URL.Path)
		}
		requests.Add(1)
	}))
	defer server.Close()
	stop, err := Start(context.Background(), Options{Service: "shop", Endpoint: server.URL})
	if err != nil {
		t.Fatal(err)
	}
	failed := errors.New("out of stock")
	err = Do(context.Background(), "reserve stock", func(ctx context.Context) error {
		if !trace.SpanFromContext(ctx).IsRecording() {
			t.Error("there is no span")
		}
		return failed
	})
	if err != failed {
		t.Errorf("error is %v", err)
	}
	// A program that was interrupted stops with the context that ended.
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	if err := stop(ctx); err != nil {
		t.Fatal(err)
	}
	if s := DeliveryStats(); requests.Load() != 1 || s.Sent != 1 || s.Dropped() != 0 {
		t.Errorf("%d requests, stats %+v", requests.Load(), s)
	}
}
