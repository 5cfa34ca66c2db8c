package main

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/kiseki-dev/kiseki/config"
	"github.com/kiseki-dev/kiseki/storage"
)

// running is a server in this process, on free ports.
type running struct {
	web, otlpHTTP, otlpGRPC string
	others                  map[string]string // by the title of a receiver beside OTLP

	cancel context.CancelFunc
	done   chan error
	log    bytes.Buffer // complete once the server has stopped
	client *http.Client
}

// startServe starts a server on a data folder and waits until it is ready.
func startServe(t *testing.T, data string, flags ...string) *running {
	t.Helper()
	args := append([]string{"--data", data, "--http", "127.0.0.1:0", "--otlp-http", "127.0.0.1:0", "--otlp-grpc", "127.0.0.1:0"}, flags...)
	c, err := config.Load(args, func(string) (string, bool) { return "", false })
	if err != nil {
		t.Fatal(err)
	}
	c.Fit(1 << 30)
	ctx, cancel := context.WithCancel(context.Background())
	r := &running{cancel: cancel, done: make(chan error, 1), client: &http.Client{Transport: &http.Transport{}}, others: map[string]string{}}
	stdout, w := io.Pipe()
	go func() {
		r.done <- serve(ctx, &c, w, newLogger(&r.log, c.Log))
		w.Close()
	}()
	lines := bufio.NewScanner(stdout)
	for lines.Scan() {
		for prefix, to := range map[string]*string{"UI and API": &r.web, "OTLP/HTTP": &r.otlpHTTP, "OTLP/gRPC": &r.otlpGRPC} {
			if rest, ok := strings.CutPrefix(strings.TrimSpace(lines.Text()), prefix); ok {
				*to = strings.TrimSpace(rest)
			}
		}
		if title, address, ok := strings.Cut(strings.TrimSpace(lines.Text()), "  "); ok && r.otlpGRPC != "" {
			r.others[title] = strings.TrimSpace(address)
		}
		if r.others["Data"] != "" { // the last line
			go io.Copy(io.Discard, stdout)
			t.Cleanup(func() { r.stop(t) })
			return r
		}
	}
	cancel()
	t.Fatalf("serve ended with %v before it was ready\n%s", <-r.done, r.log.String())
	return nil
}

// stop ends the server as a signal would and waits for it. Further calls do
// nothing.
func (r *running) stop(t *testing.T) {
	t.Helper()
	if r.done == nil {
		return
	}
	r.cancel()
	r.client.CloseIdleConnections()
	if err := <-r.done; err != nil {
		t.Errorf("serve ended with %v\n%s", err, r.log.String())
	}
	r.done = nil
}

// get returns the status and body of a GET.
func (r *running) get(t *testing.T, path string) (int, string) {
	t.Helper()
	resp, err := r.client.Get(r.web + path)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	return resp.StatusCode, string(body)
}

// send posts one span in a trace of its own as OTLP/JSON and returns the
// status.
func (r *running) send(t *testing.T, traceID, name string) int {
	t.Helper()
	body := fmt.Sprintf(`{"resourceSpans":[{"resource":{"attributes":[{"key":"service.name","value":{"stringValue":"test"}}]},
		"scopeSpans":[{"spans":[{"traceId":%q,"spanId":"eee19b7ec3c1b174","name":%q,
		"startTimeUnixNano":"1790000000000000000","endTimeUnixNano":"1790000000250000000"}]}]}]}`, traceID, name)
	resp, err := r.client.Post(r.otlpHTTP+"/v1/traces", "application/json", strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	io.Copy(io.Discard, resp.Body)
	return resp.StatusCode
}

const traceID = "5b8efff798038103d269b633813fc60c"

func TestServeStoresAndServes(t *testing.T) {
	data := t.TempDir()
	r := startServe(t, data, "--retention-age", "0")
	if status := r.send(t, traceID, "hello"); status != 200 {
		t.Fatalf("OTLP request was answered %d", status)
	}
	// The second server reads what the first one was sent.
	for range 2 {
		if status, body := r.get(t, "/api/kiseki/v1/traces/"+traceID); status != 200 || !strings.Contains(body, `"hello"`) {
			t.Errorf("get trace: %d %s", status, body)
		}
		if status, body := r.get(t, "/readyz"); status != 200 {
			t.Errorf("/readyz: %d %s", status, body)
		}
		if status, body := r.get(t, "/"); status != 200 || !strings.Contains(strings.ToLower(body), "<!doctype html>") {
			t.Errorf("UI: %d %.100s", status, body)
		}
		r.stop(t)
		r = startServe(t, data, "--retention-age", "0")
	}
}

func TestStatus(t *testing.T) {
	r := startServe(t, t.TempDir(), "--retention-age", "0")
	r.send(t, traceID, "hello")
	_, body := r.get(t, "/api/kiseki/v1/status")
	var status struct {
		Version           string
		StartTimeUnixNano string
		SpanCount         int
		Endpoints         struct{ OTLPHTTP, OTLPGRPC string }
	}
	if err := json.Unmarshal([]byte(body), &status); err != nil {
		t.Fatal(err)
	}
	if status.SpanCount != 1 || status.Version == "" || len(status.StartTimeUnixNano) != 19 ||
		status.Endpoints.OTLPHTTP != r.otlpHTTP || status.Endpoints.OTLPGRPC != r.otlpGRPC {
		t.Errorf("got %s", body)
	}
}

func TestSecondServerOnOneFolder(t *testing.T) {
	data := t.TempDir()
	startServe(t, data)
	c := config.Default()
	c.Data, c.HTTP.Address, c.OTLP.HTTPAddress, c.OTLP.GRPCAddress = data, "127.0.0.1:0", "127.0.0.1:0", "127.0.0.1:0"
	err := serve(t.Context(), &c, io.Discard, newLogger(io.Discard, c.Log))
	if !errors.Is(err, storage.ErrLocked) || !strings.Contains(err.Error(), "in use by another kiseki") || !strings.Contains(err.Error(), data) {
		t.Errorf("got %v", err)
	}
}

func TestDataFolderThatIsAFile(t *testing.T) {
	file := filepath.Join(t.TempDir(), "data")
	if err := os.WriteFile(file, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	c := config.Default()
	c.Data, c.HTTP.Address, c.OTLP.HTTPAddress, c.OTLP.GRPCAddress = file, "127.0.0.1:0", "127.0.0.1:0", "127.0.0.1:0"
	err := serve(t.Context(), &c, io.Discard, newLogger(io.Discard, c.Log))
	if err == nil || !strings.Contains(err.Error(), file) {
		t.Errorf("got %v", err)
	}
}

func TestExposedListenersAreWarnedAbout(t *testing.T) {
	r := startServe(t, t.TempDir(), "--otlp-http", ":0")
	r.stop(t)
	if log := r.log.String(); strings.Count(log, "other machines can connect without TLS") != 1 {
		t.Errorf("log:\n%s", log)
	}
}
