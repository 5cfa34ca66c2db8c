package main

import (
	"context"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/kiseki-dev/kiseki/api/gate"
	"github.com/kiseki-dev/kiseki/api/querylog"
	"github.com/kiseki-dev/kiseki/api/tempo/tempopb"
)

// busyServer runs one query at a time and lets one wait.
func busyServer() *server {
	return &server{queries: gate.New(gate.Options{Running: 1, Waiting: 1, Wait: time.Minute}), queryLog: querylog.New(querylog.Options{}), metrics: newMetrics()}
}

// TestBusyServer: with one query running and one waiting a third is told to
// come back in its protocol's terms, and a question about the server's state
// is answered at once.
func TestBusyServer(t *testing.T) {
	s := busyServer()
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
	for _, path := range []string{"/api/kiseki/v1/status", "/api/kiseki/v1/server", "/api/kiseki/v1/settings", "/api/kiseki/v1/backups/3", "/api/echo", "/zipkin/config.json", "/grpc.health.v1.Health/Check"} {
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
	s := busyServer()
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

// TestQueryLog: queries of all APIs are listed with what they cost and without
// their constants, the slow ones are logged, and their routes are still those
// of the metrics.
func TestQueryLog(t *testing.T) {
	r := startServe(t, shops(t, 2), "--retention-age", "0", "--log-slow-query", "1ns")
	q := url.QueryEscape(`{ span.user = "alice" || status = error }`)
	r.get(t, "/api/kiseki/v1/traces?q="+q)
	r.get(t, "/api/search?q="+q)
	r.get(t, "/api/kiseki/v1/traces/"+traceID)
	_, list := r.get(t, "/api/kiseki/v1/queries")
	for _, want := range []string{
		`{"route":"/api/kiseki/v1/traces","class":"filter","text":"q={ span.user = ? || status = error }","client":"127.0.0.1","status":"200",`,
		`{"route":"/api/search","class":"filter"`,
		`{"queries":[{"route":"/api/kiseki/v1/traces/{traceId}","class":"other","text":"","client":"127.0.0.1","status":"404",`,
		`"scannedSpans":6,`,
	} {
		if !strings.Contains(list, want) {
			t.Errorf("no %s in\n%s", want, list)
		}
	}
	if strings.Contains(list, "alice") || strings.Count(list, `"route"`) != 3 {
		t.Errorf("listed are\n%s", list)
	}
	if log := r.log.String(); strings.Count(log, `msg="slow query"`) != 3 || strings.Contains(log, "alice") {
		t.Errorf("logged is\n%s", log)
	}
	_, metrics := r.get(t, "/metrics")
	for _, want := range []string{`kiseki_query_duration_seconds_count{class="filter"} 2`, `kiseki_api_requests_total{route="/api/kiseki/v1/traces",status="200"} 1`} {
		if !strings.Contains(metrics, want) {
			t.Errorf("no %s in /metrics", want)
		}
	}
}

// TestQueryLogOfCalls: of a gRPC call its message is logged, without constants,
// and how much its answer is of.
func TestQueryLogOfCalls(t *testing.T) {
	r := startServe(t, shops(t, 2), "--retention-age", "0")
	stream, err := tempopb.NewStreamingQuerierClient(r.dialWeb(t, nil)).Search(t.Context(), &tempopb.SearchRequest{Query: `{ status = error && name != "alice" }`, Limit: 7})
	for err == nil {
		_, err = stream.Recv()
	}
	if !errors.Is(err, io.EOF) {
		t.Fatal(err)
	}
	_, list := r.get(t, "/api/kiseki/v1/queries")
	for _, want := range []string{
		`{"route":"/tempopb.StreamingQuerier/Search","class":"filter","text":"limit=7 query={ status = error && name != ? }",`,
		`"matchedSpans":4,"matchedTraces":2,"complete":true}`,
	} {
		if !strings.Contains(list, want) {
			t.Errorf("no %s in\n%s", want, list)
		}
	}
}
