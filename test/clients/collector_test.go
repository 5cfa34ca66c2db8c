package clients

import (
	"bufio"
	"bytes"
	"encoding/json"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kfake"
)

// TestCollector lets Jaeger's client for Node.js send to the Collector's
// receiver for Jaeger, whose exporters for OTLP and Kafka send on to kiseki what
// the receiver made of it.
func TestCollector(t *testing.T) {
	dir := prepared(t)
	script := absolute(t, "node/older.mjs")
	kafka, err := kfake.NewCluster(kfake.NumBrokers(1), kfake.SeedTopics(1, "otlp_spans"))
	if err != nil {
		t.Fatal(err)
	}
	defer kafka.Close()
	broker := kafka.ListenAddrs()[0]
	s := start(t, build(t, "../../cmd/kiseki", "kiseki"), t.TempDir(), "--kafka-brokers", broker, "--kafka-topics", "otlp_spans")
	for _, c := range []struct{ format, endpoint string }{{"grpc", s.otlpGRPC}, {"proto", s.otlpHTTP}, {"json", s.otlpHTTP}, {"kafka", broker}} {
		t.Run("Jaeger to "+c.format, func(t *testing.T) {
			url, stop := startCollector(t, dir, c.endpoint, c.format)
			client := sendObjects(t, filepath.Join(dir, "node"), "node", script, "jaeger-http", url)
			sent := stop().spans()
			if len(sent) != len(client) {
				t.Errorf("the client sent %d spans, the Collector %d", len(client), len(sent))
			}
			for until := time.Now().Add(20 * time.Second); time.Now().Before(until) && missing(s, sent); {
				time.Sleep(10 * time.Millisecond) // what is in a topic is fetched from there
			}
			compare(t, s, sent)
		})
	}
	s.stop(t)
}

// missing tells whether some of the spans cannot be read.
func missing(s *server, sent []span) bool {
	return slices.ContainsFunc(sent, func(x span) bool {
		read, err := s.trace(x.TraceID)
		return err != nil || !slices.ContainsFunc(read, func(y span) bool { return y.SpanID == x.SpanID })
	})
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
