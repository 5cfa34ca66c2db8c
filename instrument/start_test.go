package instrument

import (
	"bytes"
	"context"
	"errors"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"sync/atomic"
	"testing"

	"go.opentelemetry.io/otel/attribute"
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

// TestSecretsDoNotReachTheDisk: what is redacted is redacted in the queue.
func TestSecretsDoNotReachTheDisk(t *testing.T) {
	noEnv(t)
	t.Setenv("OTEL_EXPORTER_OTLP_COMPRESSION", "none")
	dir := t.TempDir()
	p, err := New(t.Context(), Options{Service: "shop", Endpoint: "http://127.0.0.1:1", QueueDir: dir,
		Attributes: []attribute.KeyValue{attribute.String("db.dsn", "postgres://app:s3cret@db/")}})
	if err != nil {
		t.Fatal(err)
	}
	_, span := p.TracerProvider().Tracer("x").Start(t.Context(), "connect")
	span.SetAttributes(attribute.String("plain", "visible"), attribute.String("db.password", "s3cret"))
	RecordError(span, errors.New("dial postgres://app:s3cret@db/: refused"))
	span.End()
	if err := p.Stop(t.Context()); err == nil {
		t.Error("the span was delivered to nowhere")
	}
	files, _ := filepath.Glob(filepath.Join(dir, "*", "*", "*.spans"))
	if len(files) != 1 {
		t.Fatalf("files: %v", files)
	}
	content, err := os.ReadFile(files[0])
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Contains(content, []byte("visible")) || bytes.Contains(content, []byte("s3cret")) {
		t.Errorf("on disk is %q", content)
	}
}
