package delivery

import (
	"compress/gzip"
	"context"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	sdktrace "go.opentelemetry.io/otel/sdk/trace"
	"google.golang.org/protobuf/proto"

	tracepb "go.opentelemetry.io/proto/otlp/trace/v1"
)

// receiver is an OTLP/HTTP receiver that answers as a test says.
type receiver struct {
	*httptest.Server
	status atomic.Int64 // answered to every request; 0 means 200
	header atomic.Pointer[http.Header]

	mu    sync.Mutex
	names map[string]int // spans that were acknowledged, by name
	calls int
	last  http.Header
}

func newReceiver(t *testing.T) *receiver {
	t.Helper()
	r := &receiver{names: map[string]int{}}
	r.Server = httptest.NewServer(r)
	t.Cleanup(r.Close)
	return r
}

func (r *receiver) ServeHTTP(w http.ResponseWriter, req *http.Request) {
	r.mu.Lock()
	r.calls++
	r.last = req.Header.Clone()
	r.mu.Unlock()
	if h := r.header.Load(); h != nil {
		for k, v := range *h {
			w.Header()[k] = v
		}
	}
	if s := int(r.status.Load()); s != 0 {
		http.Error(w, "as the test says", s)
		return
	}
	body := io.Reader(req.Body)
	if req.Header.Get("Content-Encoding") == "gzip" {
		z, err := gzip.NewReader(body)
		if err != nil {
			http.Error(w, err.Error(), http.StatusBadRequest)
			return
		}
		body = z
	}
	b, err := io.ReadAll(body)
	var data tracepb.TracesData
	if err == nil {
		err = proto.Unmarshal(b, &data)
	}
	if err != nil {
		http.Error(w, err.Error(), http.StatusBadRequest)
		return
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, rs := range data.ResourceSpans {
		for _, ss := range rs.ScopeSpans {
			for _, s := range ss.Spans {
				r.names[s.Name]++
			}
		}
	}
}

func (r *receiver) requests() int {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.calls
}

// check says which of n spans are missing or came twice.
func (r *receiver) check(t *testing.T, n int) {
	t.Helper()
	r.mu.Lock()
	defer r.mu.Unlock()
	missing, twice := 0, 0
	for i := range n {
		switch c := r.names[nameOf(i)]; {
		case c == 0:
			missing++
		case c > 1:
			twice++
		}
	}
	if missing > 0 || twice > 0 || len(r.names) != n {
		t.Errorf("of %d spans %d are missing, %d came twice; %d names arrived", n, missing, twice, len(r.names))
	}
}

func nameOf(i int) string { return fmt.Sprintf("span %d", i) }

// maker makes numbered spans.
type maker struct{ next int }

func (m *maker) make(d *Delivery, n int) {
	tracer := sdktrace.NewTracerProvider(sdktrace.WithSpanProcessor(d)).Tracer("test")
	for range n {
		_, s := tracer.Start(context.Background(), nameOf(m.next))
		s.End()
		m.next++
	}
}

// start makes a delivery with short intervals that ends with the test.
func start(t *testing.T, o Options) *Delivery {
	t.Helper()
	if o.Interval == 0 {
		o.Interval = 5 * time.Millisecond
	}
	if o.Service == "" {
		o.Service = "shop"
	}
	o.Logger = slog.New(slog.DiscardHandler)
	d, err := New(o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { d.Shutdown(done()) })
	return d
}

// done is a context that has ended.
func done() context.Context {
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	return ctx
}

// eventually waits until the condition holds.
func eventually(t *testing.T, what string, holds func() bool) {
	t.Helper()
	deadline := time.Now().Add(20 * time.Second)
	for !holds() {
		if time.Now().After(deadline) {
			t.Fatalf("still not after 20 s: %s", what)
		}
		time.Sleep(2 * time.Millisecond)
	}
}

// balance fails when spans are neither sent nor waiting nor dropped.
func balance(t *testing.T, s Stats) {
	t.Helper()
	if s.Ended+s.Recovered != s.Sent+s.Waiting+s.Dropped() {
		t.Errorf("the counts do not add up: %+v", s)
	}
}
