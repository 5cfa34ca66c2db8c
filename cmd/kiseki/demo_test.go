package main

import (
	"bytes"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"
)

// TestDemo opens the shop for a moment, before a receiver that first is not
// there.
func TestDemo(t *testing.T) {
	var exports atomic.Int64
	receiver := httptest.NewUnstartedServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		if r.URL.Path != "/v1/traces" {
			t.Errorf("request for %s", r.URL.Path)
		}
		exports.Add(1)
	}))
	address := receiver.Listener.Addr().String()
	receiver.Listener.Close()
	var stdout, stderr strings.Builder
	appear := func(text []byte) (int, error) {
		if bytes.Contains(text, []byte("Start one with")) {
			l, err := net.Listen("tcp", address)
			if err != nil {
				return 0, err
			}
			receiver.Listener = l
			receiver.Start()
		}
		return stdout.Write(text)
	}
	args := []string{"demo", "--otlp-http", "http://" + address, "--duration", "300ms", "--ui", "http://ui.test"}
	status := run(t.Context(), args, writerFunc(appear), &stderr)
	receiver.Close()
	if status != exitOK || stderr.Len() > 0 || exports.Load() < 2 {
		t.Errorf("status %d after %d exports, stderr %q", status, exports.Load(), stderr.String())
	}
	for _, want := range []string{"Start one with \"kiseki serve\"", "See its traces at http://ui.test", "The shop is closed: ", " spans sent, 0 failed\n"} {
		if !strings.Contains(stdout.String(), want) {
			t.Errorf("no %q in:\n%s", want, stdout.String())
		}
	}
}

type writerFunc func([]byte) (int, error)

func (f writerFunc) Write(p []byte) (int, error) { return f(p) }

func TestDemoUsage(t *testing.T) {
	for _, args := range [][]string{
		{"--rats", "5"}, {"--rate", "-1"}, {"--otlp-http", "127.0.0.1:4318"}, {"now"},
	} {
		status, _, stderr := kiseki(t, append([]string{"demo"}, args...)...)
		if status != exitUsage || !strings.Contains(stderr, "kiseki demo --help") {
			t.Errorf("%q: status %d, stderr %q", args, status, stderr)
		}
	}
}
