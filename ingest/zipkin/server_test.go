package zipkin

import (
	"bytes"
	"compress/gzip"
	"context"
	"errors"
	"io"
	"log/slog"
	"net"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/kiseki-dev/kiseki/ingest"
	"github.com/kiseki-dev/kiseki/telemetry"
)

// fixture is a server and what it was given.
type fixture struct {
	url      string
	spans    int
	outcomes []string
	busy     bool
}

func start(t *testing.T, limits ingest.Limits) *fixture {
	t.Helper()
	f := &fixture{}
	s := New(Options{Ingest: ingest.Options{
		Append: func(_ context.Context, b *telemetry.Batch) (telemetry.Outcome, error) {
			if f.busy {
				return telemetry.Outcome{}, &telemetry.RetryError{After: 3 * time.Second, Err: errors.New("the disk is full")}
			}
			f.spans += len(b.Spans)
			return telemetry.Outcome{}, nil
		},
		Limits: limits, Observe: func(o ingest.Observation) { f.outcomes = append(f.outcomes, o.Encoding+" "+o.Outcome) },
		Logger: slog.New(slog.DiscardHandler),
	}})
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	done := make(chan error, 1)
	go func() { done <- s.Serve(l) }()
	f.url = "http://" + l.Addr().String()
	t.Cleanup(func() {
		http.DefaultClient.CloseIdleConnections()
		if err := errors.Join(s.Shutdown(context.Background()), <-done); err != nil {
			t.Error(err)
		}
	})
	return f
}

func (f *fixture) send(t *testing.T, method, path string, header map[string]string, body string) (int, string, http.Header) {
	t.Helper()
	req, err := http.NewRequest(method, f.url+path, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	for k, v := range header {
		req.Header.Set(k, v)
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	text, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	return resp.StatusCode, string(text), resp.Header
}

func zipped(text string) string {
	var b bytes.Buffer
	w := gzip.NewWriter(&b)
	w.Write([]byte(text))
	w.Close()
	return b.String()
}

const oneSpan = `[{"traceId":"1","id":"2","name":"n","timestamp":1790000000000000}]`

// TestAnswers shows what clients are told.
func TestAnswers(t *testing.T) {
	protobuf, thrift, gzipped := map[string]string{"Content-Type": "application/x-protobuf"}, map[string]string{"Content-Type": "application/x-thrift"}, map[string]string{"Content-Encoding": "gzip"}
	f := start(t, ingest.Limits{RequestBytes: 10_000, DecodedBytes: 20_000, Elements: 50})
	for _, c := range []struct {
		name, method, path string
		header             map[string]string
		body               string
		status             int
		text, outcome      string
	}{
		{"a span", "POST", pathV2, nil, oneSpan, 202, "", "json ok"},
		{"of any type", "POST", pathV2, map[string]string{"Content-Type": "text/plain"}, oneSpan, 202, "", "json ok"},
		{"compressed", "POST", pathV2, gzipped, zipped(oneSpan), 202, "", "json ok"},
		{"of version 1", "POST", pathV1, nil, oneSpan, 202, "", "json_v1 ok"},
		{"no spans", "POST", pathV2, nil, `[]`, 202, "", "json ok"},
		{"nothing", "POST", pathV2, protobuf, ``, 202, "", "protobuf ok"},
		{"no list", "POST", pathV2, nil, `{}`, 400, "Expected a JSON_V2 encoded list", "json malformed"},
		{"version 1 at 2", "POST", pathV2, nil, `[{"binaryAnnotations":[]}]`, 400, "Expected a JSON_V2 encoded list, but received: JSON_V1", "json malformed"},
		{"version 2 at 1", "POST", pathV1, nil, `[{"tags":{}}]`, 400, "Expected a JSON_V1 encoded list, but received: JSON_V2", "json_v1 malformed"},
		{"cut off", "POST", pathV2, nil, oneSpan[:20], 400, "unexpected EOF", "json malformed"},
		{"more behind", "POST", pathV2, nil, oneSpan + "x", 400, "behind the list", "json malformed"},
		{"null", "POST", pathV2, nil, "[null]", 400, "null", "json malformed"},
		{"no ID", "POST", pathV2, nil, `[{"traceId":"1"}]`, 400, "id is empty", "json malformed"},
		{"a trace ID of zeros", "POST", pathV2, nil, `[{"traceId":"00","id":"1"}]`, 400, "all zeros", "json malformed"},
		{"a long ID", "POST", pathV2, nil, `[{"traceId":"1","id":"12345678901234567"}]`, 400, "id.length > 16", "json malformed"},
		{"no hexadecimal", "POST", pathV2, nil, `[{"traceId":"1","id":"xyz"}]`, 400, "hexadecimal", "json malformed"},
		{"a kind", "POST", pathV2, nil, `[{"traceId":"1","id":"1","kind":"FRIEND"}]`, 400, "FRIEND", "json malformed"},
		{"a port", "POST", pathV2, nil, `[{"traceId":"1","id":"1","localEndpoint":{"port":70000}}]`, 400, "invalid port 70000", "json malformed"},
		{"a tag", "POST", pathV2, nil, `[{"traceId":"1","id":"1","tags":{"a":null}}]`, 400, "No value at tags.a", "json malformed"},
		{"an annotation", "POST", pathV2, nil, `[{"traceId":"1","id":"1","annotations":[{"timestamp":1}]}]`, 400, "Incomplete annotation", "json malformed"},
		{"a late time", "POST", pathV2, nil, `[{"traceId":"1","id":"1","timestamp":9223372036854775807}]`, 400, "2262", "json malformed"},
		{"protobuf", "POST", pathV2, protobuf, "\x0a\xff", 400, "malformed Zipkin protobuf", "protobuf malformed"},
		{"a group", "POST", pathV2, protobuf, "\x0b\x0c", 400, "none of", "protobuf malformed"},
		{"Thrift", "POST", pathV1, thrift, "\x0c\xff\xff\xff\xff", 400, "elements in", "thrift malformed"},
		{"gzip", "POST", pathV2, gzipped, "no", 400, "gzip", "json malformed"},
		{"too large", "POST", pathV2, nil, strings.Repeat(" ", 10_001), 413, "10000", "json too_large"},
		{"a bomb", "POST", pathV2, gzipped, zipped(strings.Repeat(" ", 1_000_000)), 413, "20000", "json too_large"},
		{"too many", "POST", pathV2, nil, "[" + strings.Repeat(`{"traceId":"1","id":"1"},`, 60) + `{"traceId":"1","id":"1"}]`, 413, "50 spans", "json too_large"},
		{"brotli", "POST", pathV2, map[string]string{"Content-Encoding": "br"}, oneSpan, 415, "Content-Encoding", "json unsupported"},
		{"another path", "POST", "/api/v3/spans", nil, oneSpan, 404, pathV2, " unsupported"},
		{"another method", "PUT", pathV1, nil, oneSpan, 405, "POST", " unsupported"},
	} {
		before, seen := f.spans, len(f.outcomes)
		status, text, _ := f.send(t, c.method, c.path, c.header, c.body)
		if status != c.status || !strings.Contains(text, c.text) || (c.text == "") != (text == "") {
			t.Errorf("%s: %d %s", c.name, status, text)
		}
		for until := time.Now().Add(time.Second); len(f.outcomes) == seen && time.Now().Before(until); {
			time.Sleep(time.Millisecond) // it is counted once it is answered
		}
		if len(f.outcomes) != seen+1 || f.outcomes[seen] != c.outcome || (f.spans > before) != (status == 202 && strings.Contains(c.body, "[{") || c.header["Content-Encoding"] == "gzip" && status == 202) {
			t.Errorf("%s: observed %q, %d spans", c.name, f.outcomes[seen:], f.spans-before)
		}
	}
	f.busy = true
	if status, text, h := f.send(t, "POST", pathV2, nil, oneSpan); status != 503 || !strings.Contains(text, "the disk is full") || h.Get("Retry-After") != "3" {
		t.Errorf("while the store is busy: %d %s %v", status, text, h)
	}
}
