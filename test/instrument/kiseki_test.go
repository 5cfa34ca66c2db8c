package instrument

import (
	"bufio"
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
)

// built compiles kiseki once for all tests.
var built = sync.OnceValues(func() (string, error) {
	dir, err := os.MkdirTemp("", "kiseki-instrument-")
	if err != nil {
		return "", err
	}
	bin := filepath.Join(dir, "kiseki")
	cmd := exec.Command("go", "build", "-o", bin, "./cmd/kiseki")
	cmd.Dir = "../.."
	if out, err := cmd.CombinedOutput(); err != nil {
		return "", fmt.Errorf("build kiseki: %w\n%s", err, out)
	}
	return bin, nil
})

func TestMain(m *testing.M) {
	if os.Getenv(applicationEnv) != "" {
		application()
		return
	}
	code := m.Run()
	if bin, err := built(); err == nil {
		os.RemoveAll(filepath.Dir(bin))
	}
	os.Exit(code)
}

// kiseki is a server that can be killed and started again at the same
// addresses.
type kiseki struct {
	t         *testing.T
	data      string
	web, otlp string // "http://127.0.0.1:port"
	cmd       *exec.Cmd
	log       bytes.Buffer
}

func startKiseki(t *testing.T) *kiseki {
	t.Helper()
	k := &kiseki{t: t, data: t.TempDir(), web: "http://127.0.0.1:0", otlp: "http://127.0.0.1:0"}
	k.start()
	t.Cleanup(k.kill)
	return k
}

// start returns when the server is ready.
func (k *kiseki) start() {
	k.t.Helper()
	bin, err := built()
	if err != nil {
		k.t.Fatal(err)
	}
	k.cmd = exec.Command(bin, "serve", "--data", k.data, "--otlp-grpc", "127.0.0.1:0",
		"--http", strings.TrimPrefix(k.web, "http://"), "--otlp-http", strings.TrimPrefix(k.otlp, "http://"))
	k.cmd.Stderr = &k.log
	out, err := k.cmd.StdoutPipe()
	if err == nil {
		err = k.cmd.Start()
	}
	if err != nil {
		k.t.Fatal(err)
	}
	k.web, k.otlp = "", ""
	lines := bufio.NewScanner(out)
	for (k.web == "" || k.otlp == "") && lines.Scan() {
		line := strings.TrimSpace(lines.Text())
		if v, ok := strings.CutPrefix(line, "UI and API"); ok {
			k.web = strings.TrimSpace(v)
		}
		if v, ok := strings.CutPrefix(line, "OTLP/HTTP"); ok {
			k.otlp = strings.TrimSuffix(strings.TrimSpace(v), "/v1/traces")
		}
	}
	if k.web == "" || k.otlp == "" {
		k.kill()
		k.t.Fatalf("kiseki did not start:\n%s", k.log.String())
	}
	go io.Copy(io.Discard, out)
}

// kill sends SIGKILL and waits until the process is gone.
func (k *kiseki) kill() {
	if k.cmd.ProcessState == nil {
		k.cmd.Process.Kill()
		k.cmd.Wait() // its error only says that the process was killed
	}
}

// answer is a trace as OTLP/JSON.
type answer struct {
	ResourceSpans []struct {
		Resource   struct{ Attributes []attr }
		ScopeSpans []struct {
			Scope struct{ Name, Version string }
			Spans []span
		}
	}
}

type attr struct {
	Key   string
	Value map[string]any
}

type span struct {
	TraceID, SpanID, ParentSpanID, Name, TraceState string
	Kind                                            any
	StartTimeUnixNano, EndTimeUnixNano              string
	Attributes                                      []attr
	Events                                          []struct {
		Name         string
		TimeUnixNano string
		Attributes   []attr
	}
	Links []struct {
		TraceID, SpanID, TraceState string
		Attributes                  []attr
	}
	Status struct {
		Code    any
		Message string
	}
}

// trace returns what kiseki has of a trace.
func (k *kiseki) trace(id string) answer {
	k.t.Helper()
	resp, err := http.Get(k.web + "/api/kiseki/v1/traces/" + id + "?format=otlp")
	if err != nil {
		k.t.Fatal(err)
	}
	defer resp.Body.Close()
	var a answer
	if resp.StatusCode == http.StatusNotFound {
		return a
	}
	if resp.StatusCode != http.StatusOK {
		k.t.Fatalf("get trace %s: %s", id, resp.Status)
	}
	if err := json.NewDecoder(resp.Body).Decode(&a); err != nil {
		k.t.Fatal(err)
	}
	return a
}

// count returns how many different spans of the traces arrived, and how many
// came again.
func (k *kiseki) count(traceIDs []string) (spans, again int) {
	k.t.Helper()
	for _, id := range traceIDs {
		seen := map[string]bool{}
		for _, r := range k.trace(id).ResourceSpans {
			for _, s := range r.ScopeSpans {
				for _, span := range s.Spans {
					if seen[span.SpanID] {
						again++
						continue
					}
					seen[span.SpanID] = true
					spans++
				}
			}
		}
	}
	return spans, again
}
