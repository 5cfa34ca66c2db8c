package clients

import (
	"bytes"
	"encoding/json"
	"fmt"
	"math"
	"net"
	"net/http"
	"net/http/httputil"
	"net/url"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"
)

// TestXRay lets the SDKs of AWS X-Ray send to kiseki as to X-Ray's daemon, and
// looks for every field of what went over the wire in what kiseki answers.
func TestXRay(t *testing.T) {
	dir := prepared(t)
	s := start(t, build(t, "../../cmd/kiseki", "kiseki"), t.TempDir())
	for name, c := range map[string]struct {
		program []string
		dir     string
	}{
		"go":     {[]string{filepath.Join(dir, "bin/xray")}, ""},
		"node":   {[]string{"node", absolute(t, "node/xray.mjs")}, filepath.Join(dir, "node")},
		"python": {[]string{filepath.Join(dir, "python/bin/python"), absolute(t, "python/xray_client.py")}, ""},
	} {
		t.Run(name, func(t *testing.T) {
			w := tap(t, s.others["AWS X-Ray"])
			var stderr bytes.Buffer
			cmd := exec.Command(c.program[0], append(c.program[1:], w.address)...)
			cmd.Dir, cmd.Stderr = c.dir, &stderr
			if err := cmd.Run(); err != nil || strings.Contains(stderr.String(), "rror") {
				t.Fatalf("%v\n%s", err, stderr.String())
			}
			documents, asked := w.seen()
			if !slices.Contains(asked, "/GetSamplingRules") {
				t.Errorf("the client asked for %q only", asked)
			}
			byRule := false
			for _, d := range documents {
				aws, _ := d["aws"].(object)
				xray, _ := aws["xray"].(object)
				byRule = byRule || xray["sampling_rule_name"] == "Default" || xray["rule_name"] == "Default"
			}
			if !byRule {
				t.Error("no segment was sampled by kiseki's rule")
			}
			compareSegments(t, s, documents)
		})
	}
	s.stop(t)
}

// wiretap stands between clients and kiseki.
type wiretap struct {
	address string
	mu      sync.Mutex
	sent    []object
	asked   []string
}

// tap is a wiretap in front of an address, for UDP and TCP.
func tap(t *testing.T, address string) *wiretap {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	in, err := net.ListenPacket("udp", l.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	out, err := net.Dial("udp", address)
	if err != nil {
		t.Fatal(err)
	}
	w := &wiretap{address: l.Addr().String()}
	proxy := httputil.NewSingleHostReverseProxy(&url.URL{Scheme: "http", Host: address})
	server := &http.Server{Handler: http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) {
		w.mu.Lock()
		w.asked = append(w.asked, r.URL.Path)
		w.mu.Unlock()
		proxy.ServeHTTP(rw, r)
	})}
	go server.Serve(l)
	go func() {
		packet := make([]byte, 64<<10)
		for {
			n, _, err := in.ReadFrom(packet)
			if err != nil {
				return
			}
			_, text, _ := bytes.Cut(packet[:n], []byte("\n"))
			var document object
			if err := json.Unmarshal(text, &document); err != nil {
				t.Errorf("%v: %s", err, packet[:n])
			}
			w.mu.Lock()
			w.sent = append(w.sent, document)
			w.mu.Unlock()
			if _, err := out.Write(packet[:n]); err != nil {
				t.Error(err)
			}
		}
	}()
	t.Cleanup(func() {
		server.Close()
		in.Close()
		out.Close()
	})
	return w
}

func (w *wiretap) seen() ([]object, []string) {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.sent, w.asked
}

// xrayKeys is where the fields of a segment are found.
var xrayKeys = map[string]string{
	"http.request.method": "http.request.method", "http.request.url": "url.full", "http.request.user_agent": "user_agent.original",
	"http.request.client_ip": "client.address", "http.request.x_forwarded_for": "aws.xray.x_forwarded_for",
	"http.response.status": "http.response.status_code", "http.response.content_length": "http.response.body.size",
	"aws.xray.sdk": "telemetry.sdk.name", "aws.xray.sdk_version": "telemetry.sdk.version", "aws.xray.package": "aws.xray.package",
	"aws.xray.sampling_rule_name": "aws.xray.sampling_rule_name", "aws.xray.rule_name": "aws.xray.rule_name",
	"aws.operation": "aws.operation", "aws.region": "aws.region", "aws.table_name": "aws.table_name", "aws.request_id": "aws.request_id", "aws.retries": "aws.retries",
	"service.version": "service.version", "service.runtime": "process.runtime.name", "service.runtime_version": "process.runtime.version",
	"service.name":      "aws.xray.service.name",
	"sql.database_type": "db.system.name", "sql.user": "db.user", "sql.sanitized_query": "db.query.text",
	"annotations.customer": "customer", "annotations.items": "items", "annotations.express": "express", "metadata.cart": "aws.xray.metadata.cart",
	"metadata.http": "aws.xray.metadata.http", "cause.working_directory": "aws.xray.cause.working_directory",
	"user": "enduser.id", "fault": "aws.xray.fault", "error": "aws.xray.error", "throttle": "aws.xray.throttle", "namespace": "aws.xray.namespace",
	"in_progress": "aws.xray.inprogress", "Dummy": "aws.xray.Dummy",
}

// compareSegments looks for all documents, by the IDs that X-Ray's users know.
func compareSegments(t *testing.T, s *server, documents []object) {
	t.Helper()
	read := map[string]span{}
	lacking := func() (id string) {
		for _, d := range documents {
			spans, err := s.trace(d["trace_id"].(string))
			if err != nil {
				return fmt.Sprint(d["trace_id"], ": ", err)
			}
			for _, x := range spans {
				read[x.SpanID] = x
			}
			if _, ok := read[d["id"].(string)]; !ok {
				return d["id"].(string)
			}
		}
		return ""
	}
	why := "nothing was sent"
	for until := time.Now().Add(10 * time.Second); why != "" && time.Now().Before(until); time.Sleep(10 * time.Millisecond) {
		if len(documents) > 0 {
			why = lacking()
		}
	}
	if why != "" {
		t.Fatalf("not stored: %s", why)
	}
	annotated, sql, remote, causes := 0, 0, 0, 0
	var walk func(d object, parent string)
	walk = func(d object, parent string) {
		x, ok := read[d["id"].(string)]
		if !ok {
			t.Errorf("span %v is missing", d["id"])
			return
		}
		compareSegment(t, d, parent, x)
		for key, n := range map[string]*int{"annotations": &annotated, "sql": &sql, "namespace": &remote, "cause": &causes} {
			if d[key] != nil {
				*n++
			}
		}
		subsegments, _ := d["subsegments"].([]any)
		for _, sub := range subsegments {
			walk(sub.(object), x.SpanID)
		}
	}
	for _, d := range documents {
		parent, _ := d["parent_id"].(string)
		walk(d, parent)
	}
	if annotated == 0 || remote == 0 || causes == 0 {
		t.Errorf("the client sent %d segments with annotations, %d calls, %d queries, %d causes", annotated, remote, sql, causes)
	}
}

// compareSegment compares a segment or subsegment, field by field.
func compareSegment(t *testing.T, d object, parent string, x span) {
	t.Helper()
	if x.Name != d["name"] || x.ParentSpanID != parent {
		t.Errorf("%v below %q became %q below %q", d["name"], parent, x.Name, x.ParentSpanID)
	}
	for key, got := range map[string]string{"start_time": x.StartTimeUnixNano, "end_time": x.EndTimeUnixNano} {
		want, _ := d[key].(float64)
		if nanos, err := strconv.ParseFloat(got, 64); err != nil || math.Abs(want*1e9-nanos) > 1000 { // a float64 is no more exact
			t.Errorf("%s: %s %f became %s", x.Name, key, want, got)
		}
	}
	attrs := map[string]anyValue{}
	for _, a := range slices.Concat(x.Resource.Attributes, x.Attributes) {
		attrs[a.Key] = a.Value
	}
	failed := false
	for path, want := range leaves(d) {
		switch path {
		case "id", "name", "trace_id", "parent_id", "start_time", "end_time", "type":
			continue
		case "cause.exceptions":
			compareExceptions(t, want.([]any), x.Events)
			continue
		case "fault", "error", "throttle":
			failed = failed || want == true
		case "sql.database_type":
			want = strings.ToLower(want.(string))
		}
		key, ok := xrayKeys[path]
		if !ok {
			t.Errorf("%s: a field %s = %v that this test does not know", x.Name, path, want)
		} else if got := plain(attrs[key]); !same(got, want) {
			t.Errorf("%s: %s = %v became %s = %v", x.Name, path, want, key, got)
		}
	}
	if failed != (x.Status.Code == 2) {
		t.Errorf("%s: status %d, failed %v", x.Name, x.Status.Code, failed)
	}
}

func compareExceptions(t *testing.T, all []any, events []event) {
	t.Helper()
	if len(all) != len(events) {
		t.Errorf("%d exceptions became %d events", len(all), len(events))
		return
	}
	for i, e := range all {
		e, attrs := e.(object), map[string]any{}
		for _, a := range events[i].Attributes {
			attrs[a.Key] = plain(a.Value)
		}
		if events[i].Name != "exception" || !same(attrs["exception.type"], e["type"]) || !same(attrs["exception.message"], e["message"]) || !same(attrs["aws.xray.exception.id"], e["id"]) {
			t.Errorf("%v became %v", e, attrs)
		}
		stack, _ := attrs["exception.stacktrace"].(string)
		frames, _ := e["stack"].([]any)
		for k, line := range strings.Split(stack, "\n")[1:] {
			f := frames[k].(object)
			if !strings.Contains(line, f["label"].(string)) || !strings.Contains(line, f["path"].(string)) {
				t.Errorf("frame %v became %q", f, line)
			}
		}
		if n := strings.Count(stack, "\n"); n != len(frames) || n == 0 {
			t.Errorf("%d frames became %d lines", len(frames), n)
		}
	}
}

// leaves are the fields of a document by their paths, metadata by namespace.
func leaves(d object) map[string]any {
	out := map[string]any{}
	var walk func(prefix string, v any)
	walk = func(prefix string, v any) {
		m, ok := v.(object)
		if !ok || strings.HasPrefix(prefix, "metadata.") {
			out[prefix] = v
			return
		}
		for key, v := range m {
			walk(strings.TrimPrefix(prefix+"."+key, "."), v)
		}
	}
	walk("", d)
	for path := range out {
		if strings.HasPrefix(path, "subsegments") {
			delete(out, path)
		}
	}
	return out
}

// plain is an attribute's value as JSON has it.
func plain(v anyValue) any {
	switch {
	case v.StringValue != nil:
		return *v.StringValue
	case v.BoolValue != nil:
		return *v.BoolValue
	case v.IntValue != nil, v.DoubleValue != nil:
		var n float64
		if _, err := fmt.Sscan(unquote(slices.Concat(v.IntValue, v.DoubleValue)), &n); err != nil {
			return err
		}
		return n
	}
	return nil
}

// same compares what was sent with what was read, where an object is JSON.
func same(got, want any) bool {
	if _, ok := want.(object); ok {
		var read any
		text, _ := got.(string)
		return json.Unmarshal([]byte(text), &read) == nil && fmt.Sprint(read) == fmt.Sprint(want)
	}
	return got == want
}
