package clients

import (
	"bufio"
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// build compiles a package of this module and returns the program's path.
func build(t *testing.T, pkg, name string) string {
	t.Helper()
	bin := filepath.Join(t.TempDir(), name)
	if out, err := exec.Command("go", "build", "-o", bin, pkg).CombinedOutput(); err != nil {
		t.Fatalf("build %s: %v\n%s", pkg, err, out)
	}
	return bin
}

// server is a running kiseki.
type server struct {
	cmd *exec.Cmd
	log bytes.Buffer // stderr; read it only after the process ended
	// web and otlpHTTP are URLs, otlpGRPC is host:port.
	web, otlpHTTP, otlpGRPC string
	// others are the addresses of the receivers beside OTLP, by their titles.
	others map[string]string
}

// start runs kiseki on a data folder, with more options if there are any, and
// returns once it is ready.
func start(t *testing.T, bin, data string, options ...string) *server {
	t.Helper()
	options = append([]string{"serve", "--data", data,
		"--http", "127.0.0.1:0", "--otlp-http", "127.0.0.1:0", "--otlp-grpc", "127.0.0.1:0",
		"--jaeger-grpc", "127.0.0.1:0", "--jaeger-http", "127.0.0.1:0", "--jaeger-compact", "127.0.0.1:0", "--jaeger-binary", "127.0.0.1:0",
		"--jaeger-sampling", "127.0.0.1:0", "--zipkin", "127.0.0.1:0", "--xray", "127.0.0.1:0", "--datadog", "127.0.0.1:0"}, options...)
	s := &server{others: map[string]string{}, cmd: exec.Command(bin, options...)}
	s.cmd.Stderr = &s.log
	stdout, err := s.cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := s.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if s.cmd.ProcessState == nil {
			s.cmd.Process.Kill()
			s.cmd.Wait()
		}
	})
	addresses := map[string]*string{"UI and API": &s.web, "OTLP/HTTP": &s.otlpHTTP, "OTLP/gRPC": &s.otlpGRPC}
	for lines := bufio.NewScanner(stdout); s.others["Data"] == "" && lines.Scan(); {
		if title, rest, ok := strings.Cut(strings.TrimSpace(lines.Text()), "  "); ok {
			s.others[title] = strings.TrimSpace(rest)
		}
		for prefix, to := range addresses {
			if rest, ok := strings.CutPrefix(strings.TrimSpace(lines.Text()), prefix); ok {
				*to = strings.TrimSpace(rest)
			}
		}
	}
	if s.web == "" || s.otlpHTTP == "" || s.otlpGRPC == "" {
		s.cmd.Process.Kill()
		s.cmd.Wait()
		t.Fatalf("kiseki did not start:\n%s", s.log.String())
	}
	go io.Copy(io.Discard, stdout)
	return s
}

// stop ends the server as an operator would.
func (s *server) stop(t *testing.T) {
	t.Helper()
	if err := s.cmd.Process.Signal(os.Interrupt); err != nil {
		t.Fatal(err)
	}
	if err := s.cmd.Wait(); err != nil {
		t.Fatalf("stop kiseki: %v\n%s", err, s.log.String())
	}
}

// get reads an answer of the native API.
func (s *server) get(path string, out any) error {
	resp, err := http.Get(s.web + "/api/kiseki/v1" + path)
	if err != nil {
		return err
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	if err != nil {
		return fmt.Errorf("read answer: %w", err)
	}
	if resp.StatusCode != http.StatusOK {
		return fmt.Errorf("get %s: %s: %s", path, resp.Status, body)
	}
	if err := json.Unmarshal(body, out); err != nil {
		return fmt.Errorf("decode answer to %s: %w", path, err)
	}
	return nil
}

// trace returns the spans of one trace.
func (s *server) trace(id string) ([]span, error) {
	var data tracesData
	err := s.get("/traces/"+id+"?format=otlp", &data)
	return data.spans(), err
}

// search returns the ids of all traces that satisfy a query, of 1000 at most.
func (s *server) search(query string) ([]string, error) {
	var page struct{ Traces []struct{ TraceID string } }
	err := s.get("/traces?"+url.Values{"q": {query}, "limit": {"1000"}}.Encode(), &page)
	var ids []string
	for _, t := range page.Traces {
		ids = append(ids, t.TraceID)
	}
	return ids, err
}
