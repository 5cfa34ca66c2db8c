package main

import (
	"context"
	"net/http"
	"net/http/httptest"
	"testing"
	"time"

	"github.com/kiseki-dev/kiseki/api/gate"
)

// TestBusyServer: with one query running and one waiting a third is told to
// come back in its protocol's terms, and a question about the server's state
// is answered at once.
func TestBusyServer(t *testing.T) {
	s := &server{queries: gate.New(gate.Options{Running: 1, Waiting: 1, Wait: time.Minute})}
	answer := func(path string, h http.Handler, header ...string) *httptest.ResponseRecorder {
		w, r := httptest.NewRecorder(), httptest.NewRequestWithContext(t.Context(), http.MethodGet, path, nil)
		if len(header) == 2 {
			r.Header.Set(header[0], header[1])
		}
		s.queued(w, r, "default", h)
		return w
	}
	started, finish := make(chan bool), make(chan bool)
	slow := http.HandlerFunc(func(http.ResponseWriter, *http.Request) {
		started <- true
		<-finish
	})
	ended := make(chan int, 2)
	for range 2 {
		go func() { ended <- answer("/api/search", slow).Code }()
	}
	<-started
	for s.queries.Stats().Waiting == 0 {
		time.Sleep(time.Millisecond)
	}
	none := http.NotFoundHandler()
	if w := answer("/api/search", none); w.Code != http.StatusTooManyRequests || w.Header().Get("Retry-After") != "15" {
		t.Errorf("HTTP: %d, Retry-After %q, %s", w.Code, w.Header().Get("Retry-After"), w.Body)
	}
	if w := answer("/tempopb.StreamingQuerier/Search", none, "Content-Type", "application/grpc"); w.Header().Get("Grpc-Status") != "8" || w.Header().Get("Grpc-Retry-Pushback-Ms") != "15000" {
		t.Errorf("gRPC: %v", w.Header())
	}
	for _, path := range []string{"/api/kiseki/v1/status", "/api/kiseki/v1/backups/3", "/api/echo", "/zipkin/config.json", "/grpc.health.v1.Health/Check"} {
		if w := answer(path, none); w.Code != http.StatusNotFound {
			t.Errorf("%s waits: %d", path, w.Code)
		}
	}
	finish <- true
	<-started
	finish <- true
	for range 2 {
		if code := <-ended; code != http.StatusOK {
			t.Errorf("a query that waited: %d", code)
		}
	}
}

// TestClientThatLeavesTheQueue: its query does not run.
func TestClientThatLeavesTheQueue(t *testing.T) {
	s := &server{queries: gate.New(gate.Options{Running: 1, Waiting: 1, Wait: time.Minute})}
	leave, err := s.queries.Enter(t.Context(), "other")
	if err != nil {
		t.Fatal(err)
	}
	web := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		s.queued(w, r, "default", http.HandlerFunc(func(http.ResponseWriter, *http.Request) { t.Error("it ran") }))
	}))
	defer web.Close()
	ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
	defer cancel()
	r, err := http.NewRequestWithContext(ctx, http.MethodGet, web.URL+"/api/search", nil)
	if err != nil {
		t.Fatal(err)
	}
	if resp, err := web.Client().Do(r); err == nil {
		resp.Body.Close()
		t.Errorf("answered %d", resp.StatusCode)
	}
	for s.queries.Stats().Gone == 0 {
		time.Sleep(time.Millisecond)
	}
	leave()
}
