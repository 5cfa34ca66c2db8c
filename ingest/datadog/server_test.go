package datadog

import (
	"context"
	"errors"
	"io"
	"log/slog"
	"net"
	"net/http"
	"strings"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/kiseki-dev/kiseki/ingest"
	"github.com/kiseki-dev/kiseki/telemetry"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// TestAnswers shows what clients are told, and what is counted.
func TestAnswers(t *testing.T) {
	outcomes := make(chan string, 100)
	busy := false
	s := New(ingest.Options{
		Append: func(context.Context, *telemetry.Batch) (telemetry.Outcome, error) {
			if busy {
				return telemetry.Outcome{}, &telemetry.RetryError{After: time.Second, Err: errors.New("the disk is full")}
			}
			return telemetry.Outcome{}, nil
		},
		Limits:  ingest.Limits{RequestBytes: 10_000},
		Observe: func(o ingest.Observation) { outcomes <- o.Encoding + " " + o.Outcome },
		Logger:  slog.New(slog.DiscardHandler),
	})
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	done := make(chan error, 1)
	go func() { done <- s.Serve(l) }()
	t.Cleanup(func() {
		http.DefaultClient.CloseIdleConnections()
		if err := errors.Join(s.Shutdown(context.Background()), <-done); err != nil {
			t.Error(err)
		}
	})
	good := string(pack(nil, []any{[]any{dict{"trace_id": 1, "span_id": 2, "name": "n"}}}))
	for _, c := range []struct {
		name, method, path, media, body string
		status                          int
		text, outcome                   string
	}{
		{"a span", "PUT", "/v0.4/traces", "application/msgpack", good, 200, `{"rate_by_service":{"service:,env:":1}}`, "msgpack_v0.4 ok"},
		{"of no type", "POST", "/v0.3/traces", "", good, 200, "rate_by_service", "msgpack_v0.4 ok"},
		{"none", "PUT", "/v0.4/traces", "application/msgpack", "\x90", 200, "rate_by_service", "msgpack_v0.4 ok"},
		{"nothing", "PUT", "/v0.4/traces", "application/msgpack", "", 200, "rate_by_service", "msgpack_v0.4 ok"},
		{"version 0.5", "PUT", "/v0.5/traces", "application/msgpack", "\x92\x90\x90", 200, "rate_by_service", "msgpack_v0.5 ok"},
		{"without IDs", "PUT", "/v0.4/traces", "application/msgpack", "\x91\x91\x80", 200, "rate_by_service", "msgpack_v0.4 partial"},
		{"JSON", "PUT", "/v0.4/traces", "application/json", "[]", 415, "application/msgpack", " unsupported"},
		{"malformed", "PUT", "/v0.4/traces", "application/msgpack", "[]", 400, "malformed Datadog msgpack_v0.4: at byte 1: an array begins with 0x5b", "msgpack_v0.4 malformed"},
		{"too large", "PUT", "/v0.4/traces", "application/msgpack", strings.Repeat("x", 10_001), 413, "10000", "msgpack_v0.4 too_large"},
		{"another method", "GET", "/v0.4/traces", "", "", 405, "PUT", " unsupported"},
		{"another path", "PUT", "/v1.0/traces", "", "", 404, "/v0.4/traces", " unsupported"},
		{"what kiseki says of itself", "GET", "/info", "", "", 200, `"endpoints":["/v0.3/traces","/v0.4/traces","/v0.5/traces"]`, ""},
		{"telemetry of the tracer's", "POST", "/telemetry/proxy/api/v2/apmtelemetry", "application/json", "{}", 404, "traces only", ""},
	} {
		r, _ := http.NewRequest(c.method, "http://"+l.Addr().String()+c.path, strings.NewReader(c.body))
		if c.media != "" {
			r.Header.Set("Content-Type", c.media)
		}
		resp, err := http.DefaultClient.Do(r)
		if err != nil {
			t.Fatal(err)
		}
		text, _ := io.ReadAll(resp.Body)
		resp.Body.Close()
		if resp.StatusCode != c.status || !strings.Contains(string(text), c.text) {
			t.Errorf("%s: %d %s", c.name, resp.StatusCode, text)
		}
		if c.outcome == "" {
			continue
		}
		select {
		case got := <-outcomes: // it is counted once it is answered
			if got != c.outcome {
				t.Errorf("%s: counted as %q", c.name, got)
			}
		case <-time.After(5 * time.Second):
			t.Errorf("%s: not counted", c.name)
		}
	}
	busy = true
	resp, err := http.Post("http://"+l.Addr().String()+"/v0.4/traces", "application/msgpack", strings.NewReader(good))
	if err != nil {
		t.Fatal(err)
	}
	resp.Body.Close()
	if resp.StatusCode != 503 || resp.Header.Get("Retry-After") != "1" || len(outcomes) > 1 {
		t.Errorf("while the store is busy: %s, %d more requests counted", resp.Status, len(outcomes))
	}
}
