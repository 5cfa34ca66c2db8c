package clients

import (
	"bufio"
	"bytes"
	"encoding/json"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// TestCollector lets Jaeger's client for Node.js send to the Collector's
// receiver for Jaeger, whose exporters for OTLP send on to kiseki what the
// receiver made of it.
func TestCollector(t *testing.T) {
	dir := prepared(t)
	script := absolute(t, "node/older.mjs")
	s := start(t, build(t, "../../cmd/kiseki", "kiseki"), t.TempDir())
	for _, c := range []struct{ format, endpoint string }{{"grpc", s.otlpGRPC}, {"proto", s.otlpHTTP}, {"json", s.otlpHTTP}} {
		t.Run("Jaeger to OTLP "+c.format, func(t *testing.T) {
			url, stop := startCollector(t, dir, c.endpoint, c.format)
			client := sendObjects(t, filepath.Join(dir, "node"), "node", script, "jaeger-http", url)
			sent := stop().spans()
			if len(sent) != len(client) {
				t.Errorf("the client sent %d spans, the Collector %d", len(client), len(sent))
			}
			compare(t, s, sent)
		})
	}
	s.stop(t)
}

// startCollector returns the URL of the receiver for Jaeger, and what ends the
// Collector once all is sent on and returns what was.
func startCollector(t *testing.T, dir, endpoint, format string) (url string, stop func() tracesData) {
	t.Helper()
	cmd := exec.Command(filepath.Join(dir, "bin/collector"), "jaeger", endpoint, format)
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	stdin, err := cmd.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	stdout, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		stdin.Close()
		cmd.Wait() // a second time, if stop was called
	})
	lines := bufio.NewReader(stdout)
	url, err = lines.ReadString('\n')
	if err != nil {
		t.Fatalf("the Collector did not start: %v", err)
	}
	return strings.TrimSpace(url), func() (sent tracesData) {
		stdin.Close()
		if err := json.NewDecoder(lines).Decode(&sent); err != nil {
			t.Errorf("decode what the Collector sent: %v", err)
		}
		if err := cmd.Wait(); err != nil {
			t.Errorf("%v\n%s", err, stderr.String())
		}
		return sent
	}
}
