package crash

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// build compiles the binary once per test run and returns its path.
func build(t *testing.T) string {
	t.Helper()
	bin := filepath.Join(t.TempDir(), "kiseki")
	out, err := exec.Command("go", "build", "-o", bin, "../../cmd/kiseki").CombinedOutput()
	if err != nil {
		t.Fatalf("build kiseki: %v\n%s", err, out)
	}
	return bin
}

// server is a running kiseki.
type server struct {
	cmd                     *exec.Cmd
	log                     bytes.Buffer // stderr; read it only after the process ended
	web, otlpHTTP, otlpGRPC string
	startup                 time.Duration // from exec to ready
}

// start runs kiseki on a data folder and returns when it is ready.
func start(t *testing.T, bin, data string, flags ...string) *server {
	t.Helper()
	args := append([]string{"serve", "--data", data, "--http", "127.0.0.1:0", "--otlp-http", "127.0.0.1:0", "--otlp-grpc", "127.0.0.1:0"}, flags...)
	s := &server{cmd: exec.Command(bin, args...)}
	s.cmd.Stderr = &s.log
	stdout, err := s.cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	began := time.Now()
	if err := s.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(s.kill)
	lines := bufio.NewScanner(stdout)
	for s.otlpGRPC == "" && lines.Scan() {
		for prefix, to := range map[string]*string{"UI and API": &s.web, "OTLP/HTTP": &s.otlpHTTP, "OTLP/gRPC": &s.otlpGRPC} {
			if rest, ok := strings.CutPrefix(strings.TrimSpace(lines.Text()), prefix); ok {
				*to = strings.TrimSpace(rest)
			}
		}
	}
	if s.otlpGRPC == "" {
		s.kill()
		t.Fatalf("kiseki did not start:\n%s", s.log.String())
	}
	s.startup = time.Since(began)
	go io.Copy(io.Discard, stdout)
	return s
}

// kill sends SIGKILL and waits for the process to be gone. Only the first
// call does something.
func (s *server) kill() {
	if s.cmd.ProcessState == nil {
		s.cmd.Process.Kill()
		s.cmd.Wait() // its error only says that the process was killed
	}
}

// stop ends the server as an operator would and returns how it exited.
func (s *server) stop() error {
	s.cmd.Process.Signal(os.Interrupt)
	return s.cmd.Wait()
}

// names returns the span names of a trace by span ID, an ID as often as it
// is in the answer.
func (s *server) names(ctx context.Context, traceID string) (map[string][]string, error) {
	req, err := http.NewRequestWithContext(ctx, "GET", s.web+"/api/kiseki/v1/traces/"+traceID+"?format=otlp", nil)
	if err != nil {
		return nil, err
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		return nil, err
	}
	defer resp.Body.Close()
	var body struct {
		ResourceSpans []struct {
			ScopeSpans []struct {
				Spans []struct{ SpanID, Name string }
			}
		}
	}
	if resp.StatusCode != http.StatusOK {
		text, _ := io.ReadAll(resp.Body)
		return nil, fmt.Errorf("get trace %s: %s: %s", traceID, resp.Status, text)
	}
	if err := json.NewDecoder(resp.Body).Decode(&body); err != nil {
		return nil, fmt.Errorf("get trace %s: %w", traceID, err)
	}
	names := map[string][]string{}
	for _, r := range body.ResourceSpans {
		for _, c := range r.ScopeSpans {
			for _, span := range c.Spans {
				names[span.SpanID] = append(names[span.SpanID], span.Name)
			}
		}
	}
	return names, nil
}
