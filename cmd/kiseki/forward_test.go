package main

import (
	"encoding/json"
	"net"
	"strings"
	"testing"
	"time"

	"github.com/kiseki-dev/kiseki/api/native"
)

// freeAddress is an address that nothing listens on.
func freeAddress(t *testing.T) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	return l.Addr().String()
}

func destination(t *testing.T, r *running) native.Destination {
	t.Helper()
	var s native.Server
	if status, body := r.get(t, "/api/kiseki/v1/server"); status != 200 || json.Unmarshal([]byte(body), &s) != nil || len(s.Destinations) != 1 {
		t.Fatalf("%d %s", status, body)
	}
	return s.Destinations[0]
}

// One kiseki sends on to another, which is not there yet: what was taken
// meanwhile comes once it is, after a restart of the first one too.
func TestForward(t *testing.T) {
	data, address := t.TempDir(), freeAddress(t)
	forward := []string{"--forward", `[{name: other, to: "otlp+grpc://` + address + `", headers: {x-key: secret}}]`}
	first := startServe(t, data, forward...)
	first.send(t, traceID, "before")
	var d native.Destination
	eventually(t, func() bool { d = destination(t, first); return d.Failure != "" }, "the failure is not told")
	if d.QueuedBytes == 0 || d.SentSpanCount > 0 || d.FailingSince == 0 || d.Address != "otlp+grpc://"+address {
		t.Errorf("%+v", d)
	}
	if _, body := first.get(t, "/api/kiseki/v1/settings"); strings.Contains(body, "secret") || !strings.Contains(body, address) {
		t.Errorf("settings: %s", body)
	}
	first.stop(t)

	other := startServe(t, t.TempDir(), "--otlp-grpc", address)
	first = startServe(t, data, forward...)
	eventually(t, func() bool {
		status, _ := other.get(t, "/api/kiseki/v1/traces/"+traceID)
		return status == 200
	}, "the span does not come")
	eventually(t, func() bool { return destination(t, first).QueuedBytes == 0 }, "the queue is not emptied")
	_, body := first.get(t, "/metrics")
	for _, line := range []string{
		`kiseki_forward_sent_spans_total{destination="other"} 1`,
		`kiseki_forward_queued_bytes{destination="other"} 0`,
		`kiseki_forward_dropped_spans_total{destination="other",reason="queue_full"} 0`,
	} {
		if !strings.Contains(body, line+"\n") {
			t.Errorf("/metrics has no line %s", line)
		}
	}
}

// eventually waits for ok to hold.
func eventually(t *testing.T, ok func() bool, why string) {
	t.Helper()
	for end := time.Now().Add(30 * time.Second); !ok(); time.Sleep(20 * time.Millisecond) {
		if time.Now().After(end) {
			t.Fatal(why)
		}
	}
}
