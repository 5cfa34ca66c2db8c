package clients

import (
	"bytes"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// prepared is the folder that prepare.sh filled.
func prepared(t *testing.T) string {
	t.Helper()
	dir := os.Getenv("KISEKI_CLIENTS")
	if dir == "" {
		t.Skip("NOT RUN: no client is installed. Run `make test`, or:\n" +
			"\ttest/clients/prepare.sh .cache/clients\n" +
			"\tKISEKI_CLIENTS=$PWD/.cache/clients go test ./test/clients")
	}
	dir, err := filepath.Abs(dir)
	if err != nil {
		t.Fatal(err)
	}
	for _, part := range []string{"node/node_modules", "python/bin/python", "bin/telemetrygen", "bin/collector", "bin/xray"} {
		if _, err := os.Stat(filepath.Join(dir, part)); err != nil {
			t.Fatalf("KISEKI_CLIENTS is not prepared, run test/clients/prepare.sh %s: %v", dir, err)
		}
	}
	return dir
}

// withJava returns the folder of the clients for Java. prepare.sh may have left
// them out, and then the test is too.
func withJava(t *testing.T) string {
	t.Helper()
	dir := filepath.Join(prepared(t), "java")
	if _, err := os.Stat(filepath.Join(dir, "recorder.jar")); err != nil {
		t.Skip("NOT RUN: prepare.sh left out the clients for Java, and said why")
	}
	return dir
}

// TestSDKs lets every SDK send over every protocol it speaks, and reads what
// it sent. Reading is at once: a client that was answered finds its spans.
func TestSDKs(t *testing.T) {
	dir := prepared(t)
	goClient := build(t, "./go", "client")
	kiseki := build(t, "../../cmd/kiseki", "kiseki")
	nodeScript, pythonScript := absolute(t, "node/client.mjs"), absolute(t, "python/client.py")
	python := filepath.Join(dir, "python/bin/python")

	data := t.TempDir()
	s := start(t, kiseki, data)
	sent := map[string][]span{}
	for _, c := range []struct {
		name      string
		program   []string
		dir       string
		protocols []string
	}{
		{"go", []string{goClient}, "", []string{"grpc", "http/protobuf", "http/json"}},
		{"node", []string{"node", nodeScript}, filepath.Join(dir, "node"), []string{"grpc", "http/protobuf", "http/json"}},
		{"python", []string{python, pythonScript}, "", []string{"grpc", "http/protobuf"}},
		{"java agent", []string{absolute(t, "java/agent.sh")}, filepath.Join(dir, "java"), []string{"grpc", "http/protobuf"}},
	} {
		for _, protocol := range c.protocols {
			name := c.name + " " + protocol
			t.Run(name, func(t *testing.T) {
				if c.name == "java agent" {
					withJava(t)
				}
				endpoint := s.otlpHTTP
				if protocol == "grpc" {
					endpoint = s.otlpGRPC
				}
				sent[name] = send(t, c.dir, append(c.program, protocol, endpoint)...)
				compare(t, s, sent[name])
			})
		}
	}

	s.stop(t)
	s = start(t, kiseki, data)
	for name, spans := range sent {
		t.Run(name+" after a restart", func(t *testing.T) { compare(t, s, spans) })
	}
	s.stop(t)
}

func absolute(t *testing.T, path string) string {
	t.Helper()
	path, err := filepath.Abs(path)
	if err != nil {
		t.Fatal(err)
	}
	return path
}

// send runs a client in dir and returns what it says it sent. A client that
// complains has failed: SDKs log failed exports and go on.
func send(t *testing.T, dir string, command ...string) []span {
	t.Helper()
	var stdout, stderr bytes.Buffer
	cmd := exec.Command(command[0], command[1:]...)
	cmd.Dir, cmd.Stdout, cmd.Stderr = dir, &stdout, &stderr
	if err := cmd.Run(); err != nil || stderr.Len() > 0 {
		t.Fatalf("%v: %v\n%s", command, err, stderr.String())
	}
	var spans []span
	if err := json.Unmarshal(stdout.Bytes(), &spans); err != nil {
		t.Fatalf("decode what the client sent: %v\n%s", err, stdout.String())
	}
	if len(spans) < 6 {
		t.Fatalf("the client sent %d spans", len(spans))
	}
	return spans
}

// compare reads the traces of the spans and reports every field that differs.
func compare(t *testing.T, s *server, sent []span) {
	t.Helper()
	var ids []string
	for _, x := range sent {
		ids = append(ids, x.TraceID)
	}
	slices.Sort(ids)
	var read []span
	for _, id := range slices.Compact(ids) {
		spans, err := s.trace(id)
		if err != nil {
			t.Error(err)
		}
		read = append(read, spans...)
	}
	for _, line := range differences(sent, read) {
		t.Error(line)
	}
}

// TestTelemetrygen runs the load generator of the Collector project, which
// does not say what it sent: its flags do.
func TestTelemetrygen(t *testing.T) {
	dir := prepared(t)
	s := start(t, build(t, "../../cmd/kiseki", "kiseki"), t.TempDir())
	for _, protocol := range []string{"grpc", "http"} {
		t.Run(protocol, func(t *testing.T) {
			args := []string{"traces", "--otlp-insecure", "--service", "generated-" + protocol,
				"--traces", "25", "--child-spans", "3", "--rate", "0", "--span-duration", "1500us", "--status-code", "Error",
				"--otlp-attributes", `deployment="test"`, "--telemetry-attributes", "answer=42", "--otlp-endpoint"}
			if protocol == "grpc" {
				args = append(args, s.otlpGRPC)
			} else {
				args = append(args, strings.TrimPrefix(s.otlpHTTP, "http://"), "--otlp-http")
			}
			if out, err := exec.Command(filepath.Join(dir, "bin/telemetrygen"), args...).CombinedOutput(); err != nil {
				t.Fatalf("telemetrygen: %v\n%s", err, out)
			}
			ids, err := s.search(fmt.Sprintf(`{ resource.service.name = "generated-%s" && span.answer = 42 }`, protocol))
			if err != nil {
				t.Fatal(err)
			}
			if len(ids) != 25 {
				t.Errorf("found %d traces, want 25", len(ids))
			}
			for _, id := range ids {
				checkGenerated(t, s, id, "generated-"+protocol)
			}
		})
	}
	s.stop(t)
}

// checkGenerated compares a trace with what telemetrygen's flags asked for.
func checkGenerated(t *testing.T, s *server, id, service string) {
	t.Helper()
	spans, err := s.trace(id)
	if err != nil {
		t.Error(err)
		return
	}
	names := map[string]string{} // span name to parent's name
	byID := map[string]string{}
	for _, x := range spans {
		byID[x.SpanID] = x.Name
	}
	for _, x := range spans {
		names[x.Name] = byID[x.ParentSpanID]
		f := x.fields()
		for path, want := range map[string]string{
			"status.code":                       "2",
			"attributes[answer]":                "int 42",
			"resource.attributes[deployment]":   `string "test"`,
			"resource.attributes[service.name]": fmt.Sprintf("string %q", service),
			"scope.name":                        "telemetrygen",
		} {
			if f[path] != want {
				t.Errorf("span %q: %s is %s, want %s", x.Name, path, f[path], want)
			}
		}
	}
	want := map[string]string{"lets-go": "", "okey-dokey-0": "lets-go", "okey-dokey-1": "lets-go", "okey-dokey-2": "lets-go"}
	if fmt.Sprint(names) != fmt.Sprint(want) {
		t.Errorf("spans and their parents are %v, want %v", names, want)
	}
}
