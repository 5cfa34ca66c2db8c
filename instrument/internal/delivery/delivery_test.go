package delivery

import (
	"context"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"go.opentelemetry.io/otel/attribute"
	sdktrace "go.opentelemetry.io/otel/sdk/trace"
)

func TestSpansArrive(t *testing.T) {
	r := newReceiver(t)
	d := start(t, Options{URL: r.URL + "/v1/traces", Headers: map[string]string{"X-Scope-OrgID": "team"}})
	m := &maker{}
	m.make(d, 5000)
	if err := d.ForceFlush(context.Background()); err != nil {
		t.Fatal(err)
	}
	r.check(t, 5000)
	if got := r.last.Get("X-Scope-OrgID"); got != "team" {
		t.Errorf("header is %q", got)
	}
	m.make(d, 10)
	if err := d.Shutdown(context.Background()); err != nil {
		t.Fatal(err)
	}
	m.make(d, 1) // too late
	s := d.Stats()
	balance(t, s)
	if s.Sent != 5010 || s.DroppedShutdown != 1 || s.LastError != nil {
		t.Errorf("stats: %+v", s)
	}
}

// TestOutage: spans that end while the receiver is down go to disk, and
// arrive when it is back.
func TestOutage(t *testing.T) {
	r := newReceiver(t)
	r.status.Store(http.StatusServiceUnavailable)
	d := start(t, Options{URL: r.URL, Dir: t.TempDir()})
	m := &maker{}
	for range 20 {
		m.make(d, 100)
		time.Sleep(6 * time.Millisecond)
	}
	eventually(t, "everything is on disk", func() bool { return d.Stats().WaitingOnDisk == 2000 })
	s := d.Stats()
	balance(t, s)
	if s.FailedRequests == 0 || s.LastError == nil || s.DiskBytes == 0 {
		t.Errorf("stats: %+v", s)
	}
	r.status.Store(0)
	eventually(t, "everything is sent", func() bool { return d.Stats().Sent == 2000 })
	r.check(t, 2000)
	if s := d.Stats(); s.LastError != nil || s.WaitingOnDisk != 0 || s.DiskBytes != 0 {
		t.Errorf("stats: %+v", s)
	}
}

// TestAnswers: which answers keep a batch, and which drop it.
func TestAnswers(t *testing.T) {
	for _, x := range []struct {
		status int
		kept   bool
	}{
		{400, false}, {413, false}, {415, false}, {422, false},
		{401, true}, {403, true}, {404, true}, {408, true}, {429, true}, {302, true},
		{500, true}, {502, true}, {503, true}, {504, true},
	} {
		t.Run(http.StatusText(x.status), func(t *testing.T) {
			r := newReceiver(t)
			r.status.Store(int64(x.status))
			d := start(t, Options{URL: r.URL})
			(&maker{}).make(d, 10)
			eventually(t, "a request", func() bool { return d.Stats().FailedRequests == 1 })
			eventually(t, "the answer counted", func() bool { return (d.Stats().DroppedRejected == 0) == x.kept })
			if !x.kept {
				return
			}
			r.status.Store(0)
			eventually(t, "sent again", func() bool { return d.Stats().Sent == 10 })
			if r.requests() != 2 {
				t.Errorf("%d requests", r.requests())
			}
		})
	}
}

// TestRetryAfter: the receiver says when it wants to be asked again, and a
// flush does not ask earlier.
func TestRetryAfter(t *testing.T) {
	r := newReceiver(t)
	r.status.Store(http.StatusTooManyRequests)
	r.header.Store(&http.Header{"Retry-After": {"1"}})
	d := start(t, Options{URL: r.URL})
	(&maker{}).make(d, 1)
	eventually(t, "a request", func() bool { return d.Stats().FailedRequests == 1 })
	began := time.Now()
	r.status.Store(0)
	r.header.Store(&http.Header{})
	if err := d.ForceFlush(context.Background()); err != nil {
		t.Fatal(err)
	}
	if waited := time.Since(began); waited < 800*time.Millisecond || r.requests() != 2 {
		t.Errorf("%d requests, the last after %v", r.requests(), waited)
	}
}

// TestPoison: a batch to which the receiver answers 500 again and again,
// while it takes others, is dropped in the end, and the others are not held
// up by it.
func TestPoison(t *testing.T) {
	r := newReceiver(t)
	poison := http.HandlerFunc(func(w http.ResponseWriter, req *http.Request) {
		if req.ContentLength > 1000 {
			http.Error(w, "poison", http.StatusInternalServerError)
			return
		}
		r.ServeHTTP(w, req)
	})
	server := httptest.NewServer(poison)
	defer server.Close()
	d := start(t, Options{URL: server.URL, Plain: true})
	m := &maker{}
	m.make(d, 20) // more than 1000 bytes
	eventually(t, "a request", func() bool { return d.Stats().FailedRequests == 1 })
	for i := 0; d.Stats().DroppedRejected == 0; i++ {
		if i == 50 {
			t.Fatalf("never dropped: %+v", d.Stats())
		}
		m.make(d, 1)
		eventually(t, "the good span is sent", func() bool {
			select {
			case d.kick <- struct{}{}:
			default:
			}
			return d.Stats().Sent > uint64(i)
		})
	}
	if s := d.Stats(); s.DroppedRejected != 20 {
		t.Errorf("stats: %+v", s)
	}
}

// TestPartialSuccess: spans that the receiver says it did not take are not
// counted as sent.
func TestPartialSuccess(t *testing.T) {
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		// ExportTraceServiceResponse{partial_success: {rejected_spans: 3, error_message: "too old"}}
		io.WriteString(w, "\x0a\x0b\x08\x03\x12\x07too old")
	}))
	defer server.Close()
	d := start(t, Options{URL: server.URL})
	(&maker{}).make(d, 10)
	eventually(t, "the answer is counted", func() bool { return d.Stats().Sent == 7 })
	if s := d.Stats(); s.DroppedRejected != 3 {
		t.Errorf("stats: %+v", s)
	}
}

// TestPanickingTransform: a transformation that panics loses its batch and
// nothing else.
func TestPanickingTransform(t *testing.T) {
	r := newReceiver(t)
	d := start(t, Options{URL: r.URL, MaxBatch: 1, Transform: func(s sdktrace.ReadOnlySpan) sdktrace.ReadOnlySpan {
		if s.Name() == nameOf(1) {
			panic("cannot")
		}
		return s
	}})
	(&maker{}).make(d, 3)
	eventually(t, "the others are sent", func() bool { return d.Stats().Sent == 2 })
	s := d.Stats()
	balance(t, s)
	if s.DroppedInvalid != 1 {
		t.Errorf("stats: %+v", s)
	}
}

// TestMemoryBound: while nothing can be sent and there is no disk, memory
// stays within its bounds and what does not fit in is counted.
func TestMemoryBound(t *testing.T) {
	d := start(t, Options{URL: unreachable, Interval: time.Hour, MaxSpans: 100})
	m := &maker{}
	m.make(d, 150)
	if s := d.Stats(); s.DroppedMemory != 50 && s.Waiting > 150 {
		t.Errorf("stats: %+v", s)
	}
	balanceEventually(t, d)
	big := start(t, Options{URL: unreachable, Interval: time.Hour, MemoryLimit: 1 << 20})
	tracer := sdktrace.NewTracerProvider(sdktrace.WithSpanProcessor(big)).Tracer("test")
	for range 10 {
		_, s := tracer.Start(context.Background(), "large")
		s.SetAttributes(attribute.String("body", strings.Repeat("x", 300<<10)))
		s.End()
	}
	balanceEventually(t, big)
	big.mu.Lock()
	defer big.mu.Unlock()
	if big.mu.bytes > 1<<20 {
		t.Errorf("%d bytes are pending", big.mu.bytes)
	}
}

func balanceEventually(t *testing.T, d *Delivery) {
	t.Helper()
	eventually(t, "the counts add up", func() bool {
		s := d.Stats()
		return s.Ended+s.Recovered == s.Sent+s.Waiting+s.Dropped() && s.DroppedMemory > 0
	})
}

// TestHangingReceiver: a receiver that accepts connections and says nothing
// holds up neither the application nor, beyond its deadline, the stop.
func TestHangingReceiver(t *testing.T) {
	release := make(chan struct{})
	server := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { <-release }))
	defer server.Close()
	defer close(release)
	d := start(t, Options{URL: server.URL, Dir: t.TempDir(), Timeout: time.Minute})
	m := &maker{}
	for range 20 {
		m.make(d, 100)
		time.Sleep(6 * time.Millisecond)
	}
	// Long before the request's timeout all but what it carries is safe.
	eventually(t, "what waits behind the request is on disk", func() bool {
		s, w := d.Stats(), d.queue.waiting()
		return w.memoryBatches == 1 && s.WaitingOnDisk+w.memorySpans == 2000
	})
	ctx, cancel := context.WithTimeout(context.Background(), 300*time.Millisecond)
	defer cancel()
	began := time.Now()
	if err := d.Shutdown(ctx); err == nil {
		t.Error("the stop says that all was sent")
	}
	if took := time.Since(began); took > 5*time.Second {
		t.Errorf("the stop took %v", took)
	}
	if s := d.Stats(); s.WaitingOnDisk != 2000 || s.Dropped() != 0 {
		t.Errorf("stats: %+v", s)
	}
}

// BenchmarkOnEnd: what the end of a span that is kept costs the application,
// beside the SDK's own work. Without the flushes in between most spans would be
// dropped, which is another path.
func BenchmarkOnEnd(b *testing.B) {
	working := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) { io.Copy(io.Discard, r.Body) }))
	defer working.Close()
	span := realSpans(1)[0]
	d, err := New(Options{URL: working.URL, Dir: b.TempDir(), Service: "bench", Logger: slog.New(slog.DiscardHandler)})
	if err != nil {
		b.Fatal(err)
	}
	defer d.Shutdown(context.Background())
	b.ReportAllocs()
	for n := 1; b.Loop(); n++ {
		d.OnEnd(span)
		if n%256 == 0 {
			b.StopTimer()
			if err := d.ForceFlush(b.Context()); err != nil {
				b.Fatal(err)
			}
			b.StartTimer()
		}
	}
	if dropped := d.Stats().DroppedMemory; dropped > 0 {
		b.Errorf("%d spans were dropped", dropped)
	}
}

// TestLostAnswer: a batch whose answer is lost is sent again, and only it:
// at least once.
func TestLostAnswer(t *testing.T) {
	r := newReceiver(t)
	var lost atomic.Bool
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, req *http.Request) {
		r.ServeHTTP(httptest.NewRecorder(), req)
		if lost.CompareAndSwap(false, true) {
			panic(http.ErrAbortHandler) // closes the connection
		}
	}))
	defer server.Close()
	d := start(t, Options{URL: server.URL, Dir: t.TempDir()})
	m := &maker{}
	m.make(d, 10)
	eventually(t, "the first answer is lost", func() bool { return d.Stats().FailedRequests == 1 })
	m.make(d, 10)
	eventually(t, "everything is sent", func() bool { return d.Stats().Sent == 20 })
	r.mu.Lock()
	defer r.mu.Unlock()
	twice := 0
	for i := range 20 {
		switch r.names[nameOf(i)] {
		case 0:
			t.Errorf("%s is missing", nameOf(i))
		case 2:
			twice++
		}
	}
	if twice == 0 || twice > 10 {
		t.Errorf("%d spans arrived twice", twice)
	}
}

// TestStopWithoutDisk: a receiver that is down does not hold up the end of a
// program for long, and what is lost is counted and said.
func TestStopWithoutDisk(t *testing.T) {
	d := start(t, Options{URL: unreachable})
	(&maker{}).make(d, 10)
	began := time.Now()
	err := d.Shutdown(context.Background())
	if err == nil || !strings.Contains(err.Error(), "10 are lost") {
		t.Errorf("error is %v", err)
	}
	if took := time.Since(began); took > 8*time.Second {
		t.Errorf("the stop took %v", took)
	}
	s := d.Stats()
	balance(t, s)
	if s.DroppedShutdown != 10 {
		t.Errorf("stats: %+v", s)
	}
}
