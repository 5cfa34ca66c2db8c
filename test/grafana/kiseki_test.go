package grafana

import (
	"bufio"
	"bytes"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"
)

// base is the second in which everything that is stored happens. It is recent,
// which some data sources ask for, and half past a minute. The spans' times have
// no more digits than a plugin keeps that makes them float64: they are multiples
// of 256 ns.
var base = time.Now().Add(-90 * time.Second).Truncate(time.Minute).Add(30 * time.Second)

// seconds is the base as spans.json and the answers have it.
var seconds = strconv.FormatInt(base.Unix(), 10)

// kiseki starts one, sends it testdata/spans.json, in which BASE is for seconds,
// and returns its URL.
func kiseki(t *testing.T) string {
	t.Helper()
	bin := filepath.Join(t.TempDir(), "kiseki")
	build := exec.Command("go", "build", "-o", bin, "./cmd/kiseki")
	build.Dir = "../.."
	if out, err := build.CombinedOutput(); err != nil {
		t.Fatalf("build kiseki: %v\n%s", err, out)
	}
	cmd := exec.Command(bin, "serve", "--data", t.TempDir(), "--http", "127.0.0.1:0", "--otlp-http", "127.0.0.1:0", "--otlp-grpc", "127.0.0.1:0")
	stdout := run(t, cmd)
	found := map[string]string{}
	for found["OTLP/gRPC"] == "" && stdout.Scan() {
		for _, what := range []string{"UI and API", "OTLP/HTTP", "OTLP/gRPC"} {
			if rest, ok := strings.CutPrefix(strings.TrimSpace(stdout.Text()), what); ok {
				found[what] = strings.TrimSpace(rest)
			}
		}
	}
	spans, err := os.ReadFile("testdata/spans.json")
	if err != nil {
		t.Fatal(err)
	}
	spans = bytes.ReplaceAll(spans, []byte("BASE"), []byte(seconds))
	resp, err := http.Post(found["OTLP/HTTP"]+"/v1/traces", "application/json", bytes.NewReader(spans))
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	if body, _ := io.ReadAll(resp.Body); resp.StatusCode != http.StatusOK || string(body) != "{}" {
		t.Fatalf("send spans: %s: %s", resp.Status, body)
	}
	return found["UI and API"]
}

// run starts a program that ends with the test, and returns what it prints.
func run(t *testing.T, cmd *exec.Cmd) *bufio.Scanner {
	t.Helper()
	stdout, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		cmd.Process.Kill()
		cmd.Wait()
	})
	return bufio.NewScanner(stdout)
}
