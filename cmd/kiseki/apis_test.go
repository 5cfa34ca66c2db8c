package main

import (
	"net/http"
	"strings"
	"testing"
)

// TestEveryAPIIsServed asks each API for the same trace.
func TestEveryAPIIsServed(t *testing.T) {
	r := startServe(t, t.TempDir(), "--retention-age", "0")
	r.send(t, traceID, "hello")
	for _, path := range []string{"/api/kiseki/v1/traces/", "/api/v2/trace/", "/zipkin/api/v2/trace/", "/api/v2/traces/", "/tempo/api/traces/", "/api/v3/traces/"} {
		if status, body := r.get(t, path+traceID); status != 200 || !strings.Contains(body, `"name":"hello"`) {
			t.Errorf("%s: %d %s", path, status, body)
		}
	}
	// The one path that two APIs have is Tempo's for those who ask for protobuf.
	if status, body := r.get(t, "/api/traces/"+traceID); status != 200 || !strings.Contains(body, `"operationName":"hello"`) {
		t.Errorf("Jaeger's trace: %d %s", status, body)
	}
	ask, err := http.NewRequest(http.MethodGet, r.web+"/api/traces/"+traceID, nil)
	if err != nil {
		t.Fatal(err)
	}
	ask.Header.Set("Accept", "application/protobuf")
	answer, err := r.client.Do(ask)
	if err != nil {
		t.Fatal(err)
	}
	answer.Body.Close()
	if answer.Header.Get("Content-Type") != "application/protobuf" {
		t.Errorf("Tempo's trace: %v", answer.Header)
	}
	if status, body := r.get(t, "/api/none"); status != 404 || !strings.Contains(body, "openapi.yaml") {
		t.Errorf("a path of no API: %d %s", status, body)
	}
	_, metrics := r.get(t, "/metrics")
	if line := `kiseki_api_requests_total{route="/zipkin/api/v2/trace/{traceId}",status="200"} 1`; !strings.Contains(metrics, line) {
		t.Errorf("/metrics has no line %s", line)
	}
}
