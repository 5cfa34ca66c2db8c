package clients

import (
	"bytes"
	"cmp"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"os/exec"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/openzipkin/zipkin-go"
	"github.com/openzipkin/zipkin-go/model"
	"github.com/openzipkin/zipkin-go/proto/zipkin_proto3"
	"github.com/openzipkin/zipkin-go/reporter"
	zipkinhttp "github.com/openzipkin/zipkin-go/reporter/http"
)

// object is a span as the query API of Jaeger or Zipkin answers it.
type object = map[string]any

// TestOlderClients lets the clients of Jaeger and Zipkin send, and asks the
// query API of the same protocol for what they sent.
func TestOlderClients(t *testing.T) {
	dir := prepared(t)
	script := absolute(t, "node/older.mjs")
	s := start(t, build(t, "../../cmd/kiseki", "kiseki"), t.TempDir())
	zipkinURL := s.others["Zipkin"]
	for _, c := range []struct {
		name, endpoint string
		ask            func(*testing.T, string, string) []object
		from           string
		command        []string // nil: the script for Node.js
	}{
		{"jaeger-udp", s.others["Jaeger binary"], askJaeger, s.web, nil},
		{"jaeger-http", s.others["Jaeger/HTTP"], askJaeger, s.web, nil},
		{"zipkin-v1", zipkinURL, askZipkin, zipkinURL, nil},
		{"zipkin-v2", zipkinURL, askZipkin, s.web, nil},
		{"otel-zipkin", zipkinURL, askZipkin, zipkinURL, nil},
		{"Brave in JSON", zipkinURL, askZipkin, zipkinURL, brave("JSON", zipkinURL)},
		{"Brave in protobuf", zipkinURL, askZipkin, s.web, brave("PROTO3", zipkinURL)},
		{"the Collector's exporter in JSON", zipkinURL, askZipkin, zipkinURL, []string{filepath.Join(dir, "bin/collector"), "zipkin", zipkinURL, "json"}},
		{"the Collector's exporter in protobuf", zipkinURL, askZipkin, zipkinURL, []string{filepath.Join(dir, "bin/collector"), "zipkin", zipkinURL, "proto"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			if strings.HasPrefix(c.name, "Brave") {
				withJava(t)
			}
			command := c.command
			if command == nil {
				command = []string{"node", script, c.name, c.endpoint}
			}
			sent := sendObjects(t, filepath.Join(dir, "node"), command...)
			compareObjects(t, sent, func(id string) []object { return c.ask(t, c.from, id) })
		})
	}
	for name, serializer := range map[string]reporter.SpanSerializer{"JSON": reporter.JSONSerializer{}, "protobuf": zipkin_proto3.SpanSerializer{}} {
		t.Run("zipkin-go in "+name, func(t *testing.T) {
			sent := sendZipkinGo(t, zipkinURL, serializer)
			compareObjects(t, sent, func(id string) []object { return askZipkin(t, zipkinURL, id) })
		})
	}
	s.stop(t)
}

// sendObjects runs a client in dir and returns what it says it sent.
func sendObjects(t *testing.T, dir string, command ...string) (sent []object) {
	t.Helper()
	var stdout, stderr bytes.Buffer
	cmd := exec.Command(command[0], command[1:]...)
	cmd.Dir, cmd.Stdout, cmd.Stderr = dir, &stdout, &stderr
	if err := cmd.Run(); err != nil {
		t.Fatalf("%v\n%s", err, stderr.String())
	}
	if err := json.Unmarshal(stdout.Bytes(), &sent); err != nil || len(sent) < 2 {
		t.Fatalf("%v: %s", err, stdout.String())
	}
	return sent
}

// brave is the command of Zipkin's client for Java.
func brave(encoding, url string) []string {
	jars := "../java/jars/"
	path := "../java/classes:" + jars + "brave.jar:" + jars + "zipkin-reporter.jar:" + jars + "zipkin-reporter-brave.jar:" + jars + "zipkin-sender-urlconnection.jar"
	return []string{"java", "-cp", path, "BraveClient", encoding, url}
}

// compareObjects asks for the traces of spans until all are there, which
// takes a moment for those that were sent over UDP, and compares them.
func compareObjects(t *testing.T, sent []object, ask func(id string) []object) {
	t.Helper()
	ids := map[string]bool{}
	for _, s := range sent {
		ids[traceOf(s)] = true
	}
	var read []object
	for until := time.Now().Add(10 * time.Second); time.Now().Before(until) && len(read) < len(sent); time.Sleep(10 * time.Millisecond) {
		read = nil
		for id := range ids {
			read = append(read, ask(id)...)
		}
	}
	for _, list := range [][]object{sent, read} {
		for _, s := range list {
			arrange(s)
		}
		slices.SortFunc(list, func(a, b object) int { return cmp.Compare(indented(a), indented(b)) })
	}
	if len(read) != len(sent) {
		t.Fatalf("%d spans were sent and %d read", len(sent), len(read))
	}
	for i := range sent {
		if !reflect.DeepEqual(sent[i], read[i]) {
			t.Errorf("sent\n%s\nread\n%s", indented(sent[i]), indented(read[i]))
		}
	}
}

func traceOf(s object) string {
	if id, ok := s["traceId"].(string); ok {
		return id
	}
	return s["traceID"].(string)
}

// arrange brings what has no order into one, and Jaeger's trace IDs to one
// length.
func arrange(v any) {
	switch v := v.(type) {
	case object:
		if id, ok := v["traceID"].(string); ok {
			v["traceID"] = strings.Repeat("0", 32-len(id)) + id
		}
		for _, e := range v {
			arrange(e)
		}
	case []any:
		for _, e := range v {
			arrange(e)
		}
		slices.SortFunc(v, func(a, b any) int { return cmp.Compare(indented(a), indented(b)) })
	}
}

func indented(v any) string {
	b, err := json.MarshalIndent(v, "", " ")
	if err != nil {
		panic(err)
	}
	return string(b)
}

// fetch decodes an answer; what is not there yet is nothing.
func fetch(t *testing.T, url string, out any) {
	t.Helper()
	resp, err := http.Get(url)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	if resp.StatusCode == http.StatusNotFound {
		return
	}
	if err := json.Unmarshal(body, out); err != nil {
		t.Fatalf("%s: %v: %s", url, err, body)
	}
}

func askZipkin(t *testing.T, url, id string) (spans []object) {
	fetch(t, url+"/api/v2/trace/"+id, &spans)
	return spans
}

// askJaeger returns the spans of a trace, each with its process.
func askJaeger(t *testing.T, url, id string) (spans []object) {
	var answer struct {
		Data []struct {
			Spans     []object
			Processes map[string]object
		}
	}
	fetch(t, url+"/api/traces/"+id, &answer)
	for _, d := range answer.Data {
		for _, s := range d.Spans {
			s["process"] = d.Processes[s["processID"].(string)]
			delete(s, "processID")
			spans = append(spans, s)
		}
	}
	return spans
}

// sendZipkinGo sends a trace with Zipkin's library for Go.
func sendZipkinGo(t *testing.T, url string, serializer reporter.SpanSerializer) (sent []object) {
	t.Helper()
	send := zipkinhttp.NewReporter(url+"/api/v2/spans", zipkinhttp.Serializer(serializer))
	recorder := &recording{Reporter: send}
	local, err := zipkin.NewEndpoint("shop", "10.0.0.1:8080")
	if err != nil {
		t.Fatal(err)
	}
	remote, err := zipkin.NewEndpoint("bank", "[2001:db8::c001]:9000")
	if err != nil {
		t.Fatal(err)
	}
	tracer, err := zipkin.NewTracer(recorder, zipkin.WithLocalEndpoint(local), zipkin.WithTraceID128Bit(true), zipkin.WithSharedSpans(true))
	if err != nil {
		t.Fatal(err)
	}
	now := time.Now().Truncate(time.Microsecond) // the one encoding rounds, the other cuts
	client := tracer.StartSpan("pay", zipkin.StartTime(now), zipkin.Kind(model.Client), zipkin.RemoteEndpoint(remote), zipkin.Tags(map[string]string{"a": "軌跡"}))
	client.Annotate(now.Add(3*time.Microsecond), "waiting")
	server := tracer.StartSpan("pay", zipkin.StartTime(now.Add(time.Millisecond)), zipkin.Kind(model.Server), zipkin.Parent(client.Context())) // shares the ID
	server.Tag("error", "no money")
	server.FinishedWithDuration(time.Millisecond)
	client.FinishedWithDuration(3 * time.Millisecond)
	if err := send.Close(); err != nil {
		t.Fatal(err)
	}
	for _, s := range recorder.spans {
		text, err := json.Marshal(s)
		if err != nil {
			t.Fatal(err)
		}
		var o object
		if err := json.Unmarshal(text, &o); err != nil {
			t.Fatal(err)
		}
		sent = append(sent, o)
	}
	if len(sent) != 2 || fmt.Sprint(sent[0]["id"]) != fmt.Sprint(sent[1]["id"]) {
		t.Fatalf("the sides do not share an ID: %s", indented(sent))
	}
	return sent
}

// recording keeps what it passes on.
type recording struct {
	reporter.Reporter
	spans []model.SpanModel
}

func (r *recording) Send(s model.SpanModel) {
	r.spans = append(r.spans, s)
	r.Reporter.Send(s)
}
