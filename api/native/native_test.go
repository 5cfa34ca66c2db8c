package native_test

import (
	"compress/gzip"
	"context"
	"errors"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/kiseki-dev/kiseki/api/native"
	"github.com/kiseki-dev/kiseki/query/exec"
	"github.com/kiseki-dev/kiseki/storage/scan"
	"github.com/kiseki-dev/kiseki/storage/scan/scantest"
	"github.com/kiseki-dev/kiseki/telemetry"
	"github.com/kiseki-dev/kiseki/telemetry/telemetrytest"
)

// shop is a small trace: checkout calls payment, which fails; a job whose
// parent is elsewhere is another.
func shop() *telemetry.Batch {
	b := &telemetry.Batch{}
	attrs := func(kv ...telemetry.Attr) telemetry.Range {
		start := uint32(len(b.Attrs))
		b.Attrs = append(b.Attrs, kv...)
		return telemetry.Range{Start: start, End: uint32(len(b.Attrs))}
	}
	text := func(k, v string) telemetry.Attr { return telemetry.Attr{Key: k, Value: telemetry.StringValue(v)} }
	array := telemetry.AppendElement(nil, telemetry.IntValue(1))
	array = telemetry.AppendElement(array, telemetry.MapValue(string(telemetry.AppendEntry(nil, "k", telemetry.Value{}))))
	b.Resources = []telemetry.Resource{
		{Attrs: attrs(text("service.name", "checkout")), SchemaURL: "https://opentelemetry.io/schemas/1.37.0"},
		{Attrs: attrs(text("service.name", "payment"), text("host.name", "a\"b\n\x01é")), DroppedAttrs: 2},
	}
	b.Scopes = []telemetry.Scope{{Name: "net/http", Version: "1.2"}, {Attrs: attrs(text("s", ""))}}
	b.Events = []telemetry.Event{{Time: 1_790_000_000_000_000_150, Name: "exception", Attrs: attrs(text("exception.message", "card declined"))}}
	b.Links = []telemetry.Link{{TraceID: telemetry.TraceID{1}, SpanID: telemetry.SpanID{2}, TraceState: "a=b", Flags: 256}}
	b.Spans = []telemetry.Span{
		{
			TraceID: telemetry.TraceID{15: 0xaa}, SpanID: telemetry.SpanID{7: 2}, ParentID: telemetry.SpanID{7: 1}, Name: "charge",
			Start: 1_790_000_000_000_000_100, End: 1_790_000_000_000_000_300, Kind: telemetry.KindClient, Status: telemetry.StatusError,
			StatusMessage: "card declined", Resource: 1, Scope: 1, Events: telemetry.Range{Start: 0, End: 1},
			Attrs: attrs(telemetry.Attr{Key: "http.status_code", Value: telemetry.IntValue(402)}, telemetry.Attr{Key: "ratio", Value: telemetry.DoubleValue(0.5)},
				telemetry.Attr{Key: "ok", Value: telemetry.BoolValue(false)}, telemetry.Attr{Key: "raw", Value: telemetry.BytesValue("\x00\xff")},
				telemetry.Attr{Key: "list", Value: telemetry.ArrayValue(string(array))}, telemetry.Attr{Key: "none"}),
		},
		{
			TraceID: telemetry.TraceID{15: 0xaa}, SpanID: telemetry.SpanID{7: 1}, Name: "POST /checkout", TraceState: "ot=th:c", Flags: 257,
			Start: 1_790_000_000_000_000_000, End: 1_790_000_000_000_000_500, Kind: telemetry.KindServer, Links: telemetry.Range{Start: 0, End: 1},
		},
		{
			TraceID: telemetry.TraceID{15: 0xbb}, SpanID: telemetry.SpanID{7: 3}, ParentID: telemetry.SpanID{7: 9}, Name: "job",
			Start: 1_790_000_001_000_000_000, End: 1_790_000_001_000_000_040, Kind: telemetry.KindInternal, Status: telemetry.StatusOK,
		},
	}
	return b
}

// client calls a handler and checks each exchange against openapi.yaml.
type client struct {
	*testing.T
	handler http.Handler
	*contract
}

func newClient(t *testing.T, store scan.Store) *client {
	t.Helper()
	limits := exec.DefaultLimits
	limits.Time = 10 * time.Minute // with the race detector on a busy machine 30 s are not enough
	h := native.New(native.Options{Store: store, Status: shopStatus, Logger: slog.New(slog.DiscardHandler), Limits: limits})
	return &client{t, h, readContract(t)}
}

func shopStatus() native.Status {
	return native.Status{
		Version: "1.0", StartTime: 5, SpanCount: 3, DiskBytes: 100, SegmentCount: 1, MinSpanStart: 1, MaxSpanStart: 2,
		Endpoints: native.Endpoints{OTLPHTTP: "http://localhost:4318", OTLPGRPC: "localhost:4317"},
		Storage:   native.Storage{HeadSpanCount: 1, HeadBytes: 900, SegmentSpanCount: 2, SegmentBytes: 50},
		Retention: native.Retention{
			Age: 5, Bytes: 6, Rules: []native.RetentionRule{{Match: "{ status = error }", Age: 7}, {Match: "{ }"}},
			Next: &native.Expiry{Due: 8, SpanCount: 2, Bytes: 50, MinSpanStart: 1, MaxSpanStart: 2},
		},
		Lost: []native.Lost{{File: "0000000000000001.seg", Spans: 4, MinSpanStart: 1, MaxSpanStart: 2}, {File: "0000000000000002.wal", MaxSpanStart: 1<<64 - 1}},
	}
}

// dropReasons are all that openapi.yaml knows.
var dropReasons = strings.Fields(`malformed unsupported too_large overloaded unavailable failed canceled invalid_span too_many_attributes
	attribute_key_too_long too_many_events too_many_links invalid_link value_too_long name_too_long invalid_utf8`)

func shopServer() native.Server {
	out := native.Server{
		HistoryStep: 10e9, HistoryEnd: 20e9, TenantCount: 1,
		Receivers: []native.Receiver{{Protocol: "otlp", Transport: "grpc", RequestCount: 2, SpanCount: 9, Bytes: 99, DecompressedBytes: 999,
			SpanHistory: []uint32{4, 5}, ByteHistory: []uint32{40, 59}, RequestHistory: []uint32{1, 1}}},
		Destinations: []native.Destination{{
			Name: "far", Address: "otlp+grpc://far:4317", SentSpanCount: 3, RequestCount: 2, FailedRequestCount: 1, QueuedBytes: 10, QueueLimit: 1 << 30,
			Drops:   []native.Drop{{Reason: "queue_full", Count: 1}, {Reason: "queue_failed", Count: 1}, {Reason: "refused", Count: 1}, {Reason: "too_large", Count: 1}, {Reason: "damaged", Count: 1}},
			Failure: "answered Unavailable", FailingSince: 5,
		}},
		Listeners: []native.Listener{
			{Title: "Zipkin", Setting: "zipkin.address", State: native.ListenerOpen, Address: "http://127.0.0.1:9411"},
			{Title: "Other", Setting: "other.address", State: native.ListenerOff},
			{Title: "Third", Setting: "third.address", State: native.ListenerMissing, Address: "127.0.0.1:1", Reason: "taken"},
		},
		Disk:   &native.Disk{Directory: "/data", Size: 100, Free: 50, Reserved: 5, Watermark: 10},
		Memory: native.Memory{Resident: 3, Limit: 4, ResidentHistory: []uint32{1, 2}},
	}
	for i, reason := range dropReasons {
		out.Drops = append(out.Drops, native.Drop{Reason: reason, Count: uint64(i), History: []uint32{0, uint32(i)}})
	}
	return out
}

func shopSettings() native.Settings {
	out := native.Settings{File: "kiseki.yaml"}
	for _, source := range []string{"default", "file", "environment", "option", "derived"} {
		out.Settings = append(out.Settings, native.Setting{Group: "Data", Key: "data", Value: "x", Default: "data", Source: source})
	}
	return out
}

// get returns the answer's body.
func (c *client) get(path string, wantStatus int) string {
	c.Helper()
	return c.ask(http.MethodGet, path, "", wantStatus).Body.String()
}

// ask sends a request, with a body of JSON unless that is "".
func (c *client) ask(method, path, body string, wantStatus int) *httptest.ResponseRecorder {
	c.Helper()
	req := httptest.NewRequest(method, native.Prefix+path, strings.NewReader(body))
	if body != "" {
		req.Header.Set("Content-Type", "application/json")
	}
	return c.exchange(req, body, wantStatus)
}

// exchange sends a request with the given body.
func (c *client) exchange(req *http.Request, body string, wantStatus int) *httptest.ResponseRecorder {
	c.Helper()
	w := httptest.NewRecorder()
	c.handler.ServeHTTP(w, req)
	if w.Code != wantStatus {
		c.Fatalf("%s %s %s: status %d, want %d: %s", req.Method, req.URL, body, w.Code, wantStatus, w.Body)
	}
	req.Body = io.NopCloser(strings.NewReader(body))
	if err := c.check(req, w); err != nil {
		c.Errorf("%s %s %s: the answer %d is not as openapi.yaml says: %v", req.Method, req.URL, body, w.Code, err)
	}
	return w
}

// TestBadParameters: each is refused with its name, and what is right said.
func TestBadParameters(t *testing.T) {
	c := newClient(t, scantest.New(shop()))
	for path, want := range map[string]string{
		"/traces?limit=0":                       `"title":"Invalid parameter limit","status":400,"detail":"\"0\" is not an integer from 1 to 1000."`,
		"/traces?limit=1001":                    `Invalid parameter limit`,
		"/traces?limit=1&limit=2":               `"detail":"The parameter is given more than once."`,
		"/traces?start=-1":                      `Invalid parameter start`,
		"/traces?start=99999999999999999999":    `Invalid parameter start`,
		"/traces?start=5&end=4":                 `Invalid parameter end`,
		"/traces?cursor=5":                      `Invalid parameter cursor`,
		"/traces?cursor=5-zz":                   `Invalid parameter cursor`,
		"/traces?query=x":                       `"title":"Invalid parameter query","status":400,"detail":"There is no such parameter here."`,
		"/traces?q=%ff":                         `"detail":"The value is not valid UTF-8."`,
		"/traces?q=%zz":                         `Invalid parameter encoding`,
		"/traces?q=%7Bnmae%3D1%7D":              `"detail":"unknown field \"nmae\"; did you mean name?","position":1,"expected":"a field such as name, or an attribute such as span.nmae"`,
		"/traces?q=" + strings.Repeat("x", 2e4): `longer than 16384`,
		"/traces/xyz":                           `Invalid parameter traceId`,
		"/traces/aa?format=protobuf":            `"detail":"\"protobuf\" is not one of otlp, columns."`,
		"/services?x=1":                         `Invalid parameter x`,
		"/operations?service=a&service=b":       `Invalid parameter service`,
		"/attributes?scope=trace":               `Invalid parameter scope`,
		"/attributes?limit=10001":               `Invalid parameter limit`,
		"/attributes/duration/values":           `"detail":"The values of duration cannot be listed."`,
		"/attributes/bogus/values":              `"position":0`,
		"/attributes/name/values?limit=x":       `Invalid parameter limit`,
		"/attributes/span." + strings.Repeat("a", 1020) + "/values": `The field is longer than 1024 characters.`,
		"/status?x":                                                     `Invalid parameter x`,
		"/aggregate?by=trace:id":                                        `"detail":"Spans cannot be grouped by trace:id."`,
		"/aggregate?by=event:name":                                      `Spans cannot be grouped by event:name.`,
		"/aggregate?by=link.x":                                          `Spans cannot be grouped by link.x.`,
		"/aggregate?by=rootName":                                        `Spans cannot be grouped by rootName.`,
		"/aggregate?by=bogus":                                           `"position":0`,
		"/aggregate?limit=10001":                                        `Invalid parameter limit`,
		"/aggregate?start=5&end=4":                                      `Invalid parameter end`,
		"/aggregate?q=%7BrootName%3D%22x%22%7D":                         `"detail":"An aggregation is over spans: one pair of braces that does not ask about the whole trace."`,
		"/metrics/range?q=%7B%7D":                                       `"detail":"The query finds traces; one for metrics ends in a function, as in \"{} | rate()\"."`,
		"/metrics/range?q=%7B%7D%7Crate(":                               `"position":8`,
		"/metrics/instant?q=%7B%7D%7Crate()&start=5&end=4":              `"detail":"The time cannot be cut into steps: the end is not after the start."`,
		"/metrics/range?q=%7B%7D%7Crate()&step=0s":                      `is not a length of time such as 15s`,
		"/metrics/range?q=%7B%7D%7Crate()&step=1ns&start=1&end=9999999": `ask for a longer step or a shorter time`,
		"/metrics/range?q=%7B%7D%7Crate()&exemplars=1001":               `Invalid parameter exemplars`,
	} {
		if body := c.get(path, http.StatusBadRequest); !strings.Contains(body, want) {
			t.Errorf("%s: got %s, want it to contain %s", path, body, want)
		}
	}
}

// TestMetrics: series with their labels, points and exemplars.
func TestMetrics(t *testing.T) {
	c := newClient(t, scantest.New(shop()))
	const in = "&start=1790000000000000000&end=1790000001000000000"
	for path, want := range map[string]string{
		"/metrics/instant?q=%7B%7D%7Ccount_over_time()by(kind,resource.host.name)" + in: `{"series":[{"labels":[{"name":"kind","value":{"stringValue":"server"}},` +
			`{"name":"resource.host.name","value":null}],"points":[4]},{"labels":[{"name":"kind","value":{"stringValue":"client"}},` +
			`{"name":"resource.host.name","value":{"stringValue":"a\"b\n\u0001é"}}],"points":[1]}],` +
			`"startTimeUnixNano":"1790000000000000000","stepNanos":"1000000000","share":1,"stats":{"complete":true,`,
		"/metrics/range?step=500ms&exemplars=1&q=%7Bstatus=error%7D%7Cmax_over_time(duration)" + in: `{"series":[{"labels":[],"points":[2e-07,null],` +
			`"exemplars":[{"traceId":"000000000000000000000000000000aa","spanId":"0000000000000002","timeUnixNano":"1790000000000000100","value":2e-07}]}],` +
			`"startTimeUnixNano":"1790000000000000000","stepNanos":"500000000",`,
	} {
		if body := c.get(path, http.StatusOK); !strings.HasPrefix(body, want) {
			t.Errorf("%s: got %s, want it to begin with %s", path, body, want)
		}
	}
}

func TestUnknown(t *testing.T) {
	c := newClient(t, scantest.New(shop()))
	if body := c.get("/traces/0000000000000000000000000000dead", http.StatusNotFound); !strings.Contains(body, `"title":"No such trace"`) {
		t.Errorf("unknown trace: %s", body)
	}
	for method, want := range map[string]int{http.MethodGet: http.StatusNotFound, http.MethodPost: http.StatusMethodNotAllowed} {
		w := httptest.NewRecorder()
		c.handler.ServeHTTP(w, httptest.NewRequest(method, native.Prefix+"/nowhere", nil))
		if w.Code != want || w.Header().Get("Content-Type") != "application/problem+json" {
			t.Errorf("%s of an unknown path: %d %s", method, w.Code, w.Body)
		}
	}
	for _, path := range []string{"/attributes//values", "/attributes/./values"} {
		w := httptest.NewRecorder()
		c.handler.ServeHTTP(w, httptest.NewRequest(http.MethodGet, native.Prefix+path, nil))
		if w.Code != http.StatusNotFound || w.Header().Get("Content-Type") != "application/problem+json" {
			t.Errorf("%s: %d %s", path, w.Code, w.Body)
		}
	}
	w := httptest.NewRecorder()
	c.handler.ServeHTTP(w, httptest.NewRequest(http.MethodDelete, native.Prefix+"/traces", nil))
	if w.Code != http.StatusMethodNotAllowed || w.Header().Get("Allow") != "GET, HEAD" {
		t.Errorf("DELETE: %d, Allow %q", w.Code, w.Header().Get("Allow"))
	}
}

func TestOpenAPIIsServed(t *testing.T) {
	c := newClient(t, scantest.New(shop()))
	c.get("/openapi.yaml?x=1", http.StatusBadRequest)
	w := c.ask(http.MethodGet, "/openapi.yaml", "", http.StatusOK)
	if !strings.HasPrefix(w.Body.String(), "openapi: 3.1.0\n") || w.Header().Get("Content-Type") != "application/yaml" {
		t.Errorf("got %s %.40q", w.Header().Get("Content-Type"), w.Body)
	}
}

// TestEveryAnswerFitsTheSchema walks all paths over odd data.
func TestEveryAnswerFitsTheSchema(t *testing.T) {
	b := telemetrytest.Random(7, 200)
	c := newClient(t, scantest.New(b))
	for _, path := range []string{
		"/traces", "/traces?limit=3&q=%7Bduration%3E1ms%7D", "/services", "/operations", "/operations?service=cart", "/attributes",
		"/attributes?prefix=h&scope=event&limit=2", "/attributes/resource.service.name/values", "/attributes/kind/values",
		"/attributes/.http.route0/values?prefix=G&limit=2", "/attributes/span.%22a%20b%22/values", "/status",
		"/aggregate", "/aggregate?by=nothing", "/aggregate?by=kind&limit=2", "/aggregate?by=.http.route0&q=%7Bstatus%3Derror%7D", "/aggregate?by=span.%E9%8D%B50",
	} {
		c.get(path, http.StatusOK)
	}
	for _, i := range []int{0, 50, 199} {
		id := b.Spans[i].TraceID.String()
		c.get("/traces/"+id, http.StatusOK)
		c.get("/traces/"+id+"?format=columns", http.StatusOK)
	}
}

func TestGzip(t *testing.T) {
	b := telemetrytest.Random(7, 200)
	c := newClient(t, scantest.New(b))
	path := native.Prefix + "/traces?limit=1000"
	plain := httptest.NewRecorder()
	c.handler.ServeHTTP(plain, httptest.NewRequest(http.MethodGet, path, nil))
	for header, compressed := range map[string]bool{
		"gzip": true, "br, GZIP;q=0.5": true, "*": true, "gzip;q=0": false, "*, gzip;q=0": false, "br": false, "": false,
	} {
		req := httptest.NewRequest(http.MethodGet, path, nil)
		req.Header.Set("Accept-Encoding", header)
		w := httptest.NewRecorder()
		c.handler.ServeHTTP(w, req)
		if got := w.Header().Get("Content-Encoding") == "gzip"; got != compressed {
			t.Errorf("%q: compressed %t", header, got)
			continue
		}
		var body io.Reader = w.Body
		if compressed {
			z, err := gzip.NewReader(w.Body)
			if err != nil {
				t.Fatal(err)
			}
			body = z
		}
		got, err := io.ReadAll(body)
		if err != nil || withoutTime(string(got)) != withoutTime(plain.Body.String()) {
			t.Errorf("%q: body differs, %v", header, err)
		}
	}
}

var elapsed = regexp.MustCompile(`"elapsedNanos":"[0-9]+"`)

// withoutTime cuts the part of an answer that no two have in common.
func withoutTime(body string) string { return elapsed.ReplaceAllString(body, `"elapsedNanos":"1"`) }

func TestPaging(t *testing.T) {
	c := newClient(t, scantest.New(shop()))
	first := c.get("/traces?limit=1", http.StatusOK)
	const cursor = "1790000001000000000-000000000000000000000000000000bb"
	if !strings.Contains(first, `"traceId":"000000000000000000000000000000bb"`) || !strings.Contains(first, `"nextCursor":"`+cursor+`"`) {
		t.Errorf("first page: %s", first)
	}
	second := c.get("/traces?limit=1&cursor="+cursor, http.StatusOK)
	if !strings.Contains(second, `"traceId":"000000000000000000000000000000aa"`) || strings.Contains(second, "nextCursor") {
		t.Errorf("second page: %s", second)
	}
}

// broken is a store whose source cannot be read.
type broken struct{ scan.Store }

type brokenSnapshot struct{ scan.Snapshot }

type brokenSource struct{ scan.Source }

func (s broken) Snapshot() scan.Snapshot { return brokenSnapshot{s.Store.Snapshot()} }

func (s brokenSnapshot) Sources() (out []scan.Source) {
	for _, src := range s.Snapshot.Sources() {
		out = append(out, brokenSource{src})
	}
	return out
}

var errBroken = errors.New("checksum mismatch in /data/1.seg")

func (brokenSource) Find(telemetry.TraceID, func(scan.Block, int, int) error) error { return errBroken }
func (brokenSource) Operations(func(scan.Operation)) error                          { return errBroken }

// TestDamage: the answer says that it is not whole, without the details.
func TestDamage(t *testing.T) {
	c := newClient(t, broken{scantest.New(shop())})
	body := c.get("/services", http.StatusOK)
	if !strings.Contains(body, `"complete":false,"incompleteReason":"some of the stored data could not be read"`) {
		t.Errorf("services: %s", body)
	}
	if body := c.get("/traces/000000000000000000000000000000aa", http.StatusInternalServerError); strings.Contains(body, "seg") {
		t.Errorf("trace: %s", body)
	}
}

// TestIncompleteTrace: OTLP/JSON has no place for statistics, so a header says
// that a trace is not whole, and only then.
func TestIncompleteTrace(t *testing.T) {
	const path = native.Prefix + "/traces/000000000000000000000000000000aa"
	for spans, want := range map[int]string{1: "there are more than 1 spans in the trace", 1000: ""} {
		limits := exec.DefaultLimits
		limits.TraceSpans = spans
		h := native.New(native.Options{Store: scantest.New(shop()), Logger: slog.New(slog.DiscardHandler), Limits: limits})
		w := httptest.NewRecorder()
		h.ServeHTTP(w, httptest.NewRequest(http.MethodGet, path, nil))
		if got := w.Header().Get("Kiseki-Incomplete"); w.Code != http.StatusOK || got != want {
			t.Errorf("limit of %d spans: %d, header %q, want %q", spans, w.Code, got, want)
		}
		w = httptest.NewRecorder()
		h.ServeHTTP(w, httptest.NewRequest(http.MethodGet, path+"?format=columns", nil))
		if got := strings.Contains(w.Body.String(), want); !got || w.Header().Get("Kiseki-Incomplete") != "" {
			t.Errorf("limit of %d spans: header %q, %s", spans, w.Header().Get("Kiseki-Incomplete"), w.Body)
		}
	}
}

func TestCancelledRequest(t *testing.T) {
	c := newClient(t, scantest.New(shop()))
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	w := httptest.NewRecorder()
	c.handler.ServeHTTP(w, httptest.NewRequestWithContext(ctx, http.MethodGet, native.Prefix+"/traces", nil))
	if w.Body.Len() != 0 {
		t.Errorf("a cancelled request was answered: %s", w.Body)
	}
}
