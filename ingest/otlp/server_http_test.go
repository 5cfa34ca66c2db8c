package otlp

import (
	"bytes"
	"context"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"runtime"
	"slices"
	"strings"
	"testing"
	"time"

	coltracepb "go.opentelemetry.io/proto/otlp/collector/trace/v1"
	spb "google.golang.org/genproto/googleapis/rpc/status"
	"google.golang.org/protobuf/encoding/protojson"
	"google.golang.org/protobuf/proto"

	"github.com/kiseki-dev/kiseki/ingest"
	"github.com/kiseki-dev/kiseki/telemetry"
)

// Both encodings in all compressions, answered in the request's encoding.
func TestHTTPExport(t *testing.T) {
	f := start(t, &sink{}, Options{})
	protoBody, jsonBody := wrapSpans(span(5, "sale")), []byte(jsonRequest(jsonSpan(`"name":"sale"`)))
	for _, c := range []struct {
		contentType, encoding string
		body                  []byte
		answer                string
	}{
		{typeProto, "", protoBody, ""},
		{typeProto, "identity", protoBody, ""},
		{typeProto, "gzip", gzipped(t, protoBody), ""},
		{"application/protobuf", "zstd", zstded(t, protoBody), ""},
		{typeJSON, "", jsonBody, "{}"},
		{"Application/JSON; charset=utf-8", "GZIP", gzipped(t, jsonBody), "{}"},
		{"application/json;", "zstd", zstded(t, jsonBody), "{}"},
	} {
		for range 3 { // pooled memory is used again
			before := strings.Count(f.all(), `name="sale"`)
			res, answer := f.post(t, c.body, "Content-Type", c.contentType, "Content-Encoding", c.encoding)
			if res.StatusCode != http.StatusOK || string(answer) != c.answer || encodingOf(res.Header.Get("Content-Type")) != encodingOf(c.contentType) {
				t.Errorf("%s %s: %s, %s, %q", c.contentType, c.encoding, res.Status, res.Header.Get("Content-Type"), answer)
			}
			if got := strings.Count(f.all(), `name="sale"`); got != before+1 {
				t.Errorf("%s %s: stored %d spans", c.contentType, c.encoding, got-before)
			}
		}
	}
	// Nothing to store is fine.
	if res, _ := f.post(t, nil, "Content-Type", typeProto); res.StatusCode != http.StatusOK {
		t.Errorf("empty: %s", res.Status)
	}
}

func TestHTTPPartialSuccess(t *testing.T) {
	f := start(t, &sink{append: func(context.Context, *telemetry.Batch) (telemetry.Outcome, error) {
		return telemetry.Outcome{RejectedSpans: 2, Message: `too "long"`}, nil
	}}, Options{})
	const want = `1 spans rejected: trace_id is not 16 bytes (1); too "long"`
	var fromProto, fromJSON coltracepb.ExportTraceServiceResponse
	_, answer := f.post(t, wrapSpans(span(), span(), span(), msg()), "Content-Type", typeProto)
	if err := proto.Unmarshal(answer, &fromProto); err != nil {
		t.Fatal(err)
	}
	span := jsonSpan(`"flags":1`)
	_, answer = f.post(t, []byte(jsonRequest(span, span, span, "{}")), "Content-Type", typeJSON)
	if err := protojson.Unmarshal(answer, &fromJSON); err != nil {
		t.Fatalf("%s: %v", answer, err)
	}
	for _, res := range []*coltracepb.ExportTraceServiceResponse{&fromProto, &fromJSON} {
		if p := res.GetPartialSuccess(); p.GetRejectedSpans() != 3 || p.GetErrorMessage() != want {
			t.Errorf("got %v", p)
		}
	}
	for _, o := range f.observed() {
		if o.Outcome != ingest.OutcomePartial || o.Spans != 4 || o.Rejected != 3 {
			t.Errorf("observed %+v", o)
		}
	}
}

func TestHTTPErrors(t *testing.T) {
	var appendErr error
	f := start(t, &sink{append: func(context.Context, *telemetry.Batch) (telemetry.Outcome, error) {
		return telemetry.Outcome{}, appendErr
	}}, Options{Limits: ingest.Limits{RequestBytes: 100 << 10, DecodedBytes: 1 << 20}})
	good, bomb := wrapSpans(span()), make([]byte, 8<<20)
	const metrics = "/v1/metrics"
	for _, c := range []struct {
		name, contentType, encoding string
		body                        []byte
		appendErr                   error
		status                      int
		outcome, message            string
		retryAfter                  string
	}{
		{"malformed protobuf", typeProto, "", []byte{0x0a, 0x05}, nil, 400, ingest.OutcomeMalformed, "malformed OTLP protobuf: field cut off at byte 0", ""},
		{"malformed JSON", typeJSON, "", []byte(`{"resourceSpans":[{]}`), nil, 400, ingest.OutcomeMalformed, "malformed OTLP json: expected a string, found ']' at byte 19, in resourceSpans[0]", ""},
		{"not gzip", typeProto, "gzip", good, nil, 400, ingest.OutcomeMalformed, "read body: decompress gzip: gzip: invalid header", ""},
		{"gzip cut off", typeJSON, "gzip", gzipped(t, good)[:20], nil, 400, ingest.OutcomeMalformed, "read body: decompress gzip: unexpected EOF", ""},
		{"not zstd", typeProto, "zstd", good, nil, 400, ingest.OutcomeMalformed, "read body: decompress zstd: invalid input: magic number mismatch", ""},
		{"content type", "text/plain", "", good, nil, 415, ingest.OutcomeUnsupported, `Content-Type must be application/x-protobuf or application/json, not "text/plain"`, ""},
		{"no content type", "", "", good, nil, 415, ingest.OutcomeUnsupported, `Content-Type must be application/x-protobuf or application/json, not ""`, ""},
		{"content encoding", typeProto, "br", good, nil, 415, ingest.OutcomeUnsupported, `Content-Encoding must be gzip, zstd or identity, not "br"`, ""},
		{"too large", typeProto, "", bomb[:200<<10], nil, 413, ingest.OutcomeTooLarge, "request is larger than the limit of 102400 bytes", ""},
		{"gzip bomb", typeProto, "gzip", gzipped(t, bomb), nil, 413, ingest.OutcomeTooLarge, "request is larger than the limit after decompression: 1048576 bytes", ""},
		{"zstd bomb", typeProto, "zstd", zstded(t, bomb), nil, 413, ingest.OutcomeTooLarge, "request is larger than the limit after decompression: 1048576 bytes", ""},
		{"retry", typeProto, "", good, &telemetry.RetryError{After: 1500 * time.Millisecond, Err: errors.New("disk is full")}, 503, ingest.OutcomeUnavailable, "disk is full", "2"},
		{"retry at once", typeJSON, "", []byte(jsonRequest(jsonSpan(`"flags":1`))), &telemetry.RetryError{Err: errors.New("busy")}, 503, ingest.OutcomeUnavailable, "busy", "1"},
		{"fatal", typeProto, "", good, errors.New("bad batch"), 500, ingest.OutcomeFailed, "bad batch", ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			appendErr = c.appendErr
			res, answer := f.post(t, c.body, "Content-Type", c.contentType, "Content-Encoding", c.encoding)
			checkStatus(t, res, answer, c.status, c.message)
			if got := res.Header.Get("Retry-After"); got != c.retryAfter {
				t.Errorf("Retry-After is %q", got)
			}
			if o := f.observed(); o[len(o)-1].Outcome != c.outcome || o[len(o)-1].Spans != 0 {
				t.Errorf("observed %+v", o[len(o)-1])
			}
		})
	}
	res, answer := f.do(t, http.MethodGet, f.url, nil)
	checkStatus(t, res, answer, 405, `traces are sent with POST, not "GET"`)
	if got := res.Header.Get("Allow"); got != "POST, OPTIONS" {
		t.Errorf("Allow is %q", got)
	}
	res, answer = f.do(t, http.MethodPost, strings.Replace(f.url, TracesPath, metrics, 1), nil, "Content-Type", typeProto)
	checkStatus(t, res, answer, 404, `traces are taken at /v1/traces; nothing is at "/v1/metrics"`)
	// Without a Content-Length the size shows only on reading.
	res, answer = f.do(t, http.MethodPost, f.url, io.MultiReader(bytes.NewReader(bomb[:200<<10])), "Content-Type", typeProto)
	checkStatus(t, res, answer, 413, "request is larger than the limit of 102400 bytes")
	if used := f.budget.Used(); used != 0 {
		t.Errorf("%d bytes of the budget are lost", used)
	}
}

// checkStatus checks an error's code, and its google.rpc.Status in the
// encoding that its Content-Type names.
func checkStatus(t *testing.T, res *http.Response, answer []byte, code int, message string) {
	t.Helper()
	var s spb.Status
	var err error
	if res.Header.Get("Content-Type") == typeProto {
		err = proto.Unmarshal(answer, &s)
	} else {
		err = protojson.Unmarshal(answer, &s)
	}
	if err != nil || res.StatusCode != code || s.GetMessage() != message || s.GetCode() == 0 {
		t.Errorf("%s, %q (%v); want %d, %q", res.Status, s.GetMessage(), err, code, message)
	}
}

// A bomb is refused long before it is unpacked.
func TestBombMemory(t *testing.T) {
	s := New(Options{Append: discard})
	bomb := gzipped(t, make([]byte, 256<<20))
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	w := httptest.NewRecorder()
	r := httptest.NewRequest(http.MethodPost, TracesPath, bytes.NewReader(bomb))
	r.Header.Set("Content-Type", typeProto)
	r.Header.Set("Content-Encoding", "gzip")
	s.Handler().ServeHTTP(w, r)
	runtime.ReadMemStats(&after)
	// Buffers of 64 KiB, 128 KiB … 64 MiB make 128 MiB together.
	if allocated := after.TotalAlloc - before.TotalAlloc; w.Code != 413 || allocated > 130<<20 {
		t.Errorf("status %d after allocating %d bytes", w.Code, allocated)
	}
}

func TestHTTPOverload(t *testing.T) {
	entered, leave := make(chan struct{}), make(chan struct{})
	f := start(t, &sink{append: func(context.Context, *telemetry.Batch) (telemetry.Outcome, error) {
		entered <- struct{}{}
		<-leave
		return telemetry.Outcome{}, nil
	}}, Options{Budget: ingest.NewBudget(64 << 10)})
	body := append(wrapSpans(span()), msg(9, make([]byte, 64<<10))...) // takes two chunks
	first := make(chan int)
	go func() {
		res, _ := f.post(t, body, "Content-Type", typeProto)
		first <- res.StatusCode
	}()
	<-entered
	res, answer := f.post(t, body, "Content-Type", typeProto)
	checkStatus(t, res, answer, 429, "too many bytes in flight, send again later")
	if res.Header.Get("Retry-After") != "1" {
		t.Errorf("Retry-After is %q", res.Header.Get("Retry-After"))
	}
	leave <- struct{}{}
	if got := <-first; got != http.StatusOK {
		t.Errorf("first: %d", got)
	}
	if o := f.observed(); !slices.ContainsFunc(o, func(o ingest.Observation) bool { return o.Outcome == ingest.OutcomeOverloaded }) {
		t.Errorf("observed %+v", o)
	}
}

// A client that sends too slowly does not hold its connection for ever.
func TestHTTPReadTime(t *testing.T) {
	f := start(t, &sink{}, Options{Limits: ingest.Limits{ReadTime: 50 * time.Millisecond}})
	body, stop := io.Pipe()
	defer stop.Close()
	r, err := http.NewRequest(http.MethodPost, f.url, body)
	if err != nil {
		t.Fatal(err)
	}
	r.Header.Set("Content-Type", typeProto)
	if res, err := f.client.Do(r); err == nil {
		res.Body.Close()
		if res.StatusCode != http.StatusRequestTimeout {
			t.Errorf("got %s", res.Status)
		}
	}
}

func TestCORS(t *testing.T) {
	const page = "https://shop.example"
	for _, c := range []struct {
		name    string
		origins []string
		origin  string
		allowed bool
	}{
		{"localhost by default", nil, "http://localhost:3000", true},
		{"loopback by default", nil, "http://127.0.0.1", true},
		{"no other by default", nil, page, false},
		{"not a longer host", nil, "http://localhost.evil.example", false},
		{"not a port that is none", nil, "http://localhost:80.evil.example", false},
		{"listed", []string{page}, page, true},
		{"localhost unless listed", []string{page}, "http://localhost:3000", false},
		{"any port", []string{page + ":*"}, page + ":8443", true},
		{"any", []string{"*"}, "null", true},
	} {
		t.Run(c.name, func(t *testing.T) {
			h := New(Options{Append: discard, CORSOrigins: c.origins}).Handler()
			preflight := httptest.NewRequest(http.MethodOptions, TracesPath, nil)
			preflight.Header.Set("Origin", c.origin)
			preflight.Header.Set("Access-Control-Request-Method", http.MethodPost)
			preflight.Header.Set("Access-Control-Request-Headers", "content-encoding,content-type,traceparent,x-team")
			w := httptest.NewRecorder()
			h.ServeHTTP(w, preflight)
			allowed := w.Code == http.StatusNoContent && w.Header().Get("Access-Control-Allow-Origin") == c.origin &&
				w.Header().Get("Access-Control-Allow-Headers") == "content-encoding,content-type,traceparent,x-team" &&
				w.Header().Get("Access-Control-Allow-Methods") == http.MethodPost
			if allowed != c.allowed {
				t.Errorf("preflight: %d, %v", w.Code, w.Header())
			}
			post := httptest.NewRequest(http.MethodPost, TracesPath, bytes.NewReader(nil))
			post.Header.Set("Origin", c.origin)
			post.Header.Set("Content-Type", typeProto)
			w = httptest.NewRecorder()
			h.ServeHTTP(w, post)
			if allowed := w.Header().Get("Access-Control-Allow-Origin") == c.origin; w.Code != http.StatusOK || allowed != c.allowed {
				t.Errorf("post: %d, %v", w.Code, w.Header())
			}
		})
	}
}

// BenchmarkHandler is everything but the network: 512 spans a request.
func BenchmarkHandler(b *testing.B) {
	protoBody, jsonBody := encodeProto(b, benchTraces()), encodeJSON(b, benchTraces())
	for _, c := range []struct {
		name, contentType, encoding string
		body                        []byte
	}{
		{"protobuf", typeProto, "", protoBody},
		{"protobuf-gzip", typeProto, "gzip", gzipped(b, protoBody)},
		{"protobuf-zstd", typeProto, "zstd", zstded(b, protoBody)},
		{"json", typeJSON, "", jsonBody},
	} {
		b.Run(c.name, func(b *testing.B) {
			h := New(Options{Append: discard}).Handler()
			reader := bytes.NewReader(c.body)
			r := httptest.NewRequest(http.MethodPost, TracesPath, reader)
			r.Header.Set("Content-Type", c.contentType)
			r.Header.Set("Content-Encoding", c.encoding)
			w := httptest.NewRecorder()
			b.ReportAllocs()
			for b.Loop() {
				reader.Reset(c.body)
				w.Body.Reset()
				h.ServeHTTP(w, r)
			}
			if w.Code != http.StatusOK {
				b.Fatal(w.Code)
			}
			perSpan(b, c.body)
		})
	}
}
