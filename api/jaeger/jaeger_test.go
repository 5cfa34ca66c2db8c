package jaeger_test

import (
	"bytes"
	"encoding/json"
	"flag"
	"fmt"
	"log/slog"
	"math"
	"math/rand/v2"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/kiseki-dev/kiseki/api/jaeger"
	"github.com/kiseki-dev/kiseki/ingest"
	"github.com/kiseki-dev/kiseki/ingest/otlp"
	"github.com/kiseki-dev/kiseki/storage/scan"
	"github.com/kiseki-dev/kiseki/storage/scan/scantest"
	"github.com/kiseki-dev/kiseki/telemetry"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

var rewrite = flag.Bool("rewrite", false, "write the answers the tests get to testdata")

// shop is a checkout that calls a payment service, which calls a database, and
// a job of a service without a name: testdata/shop.json.
func shop(t testing.TB) *telemetry.Batch {
	t.Helper()
	text, err := os.ReadFile("testdata/shop.json")
	if err != nil {
		t.Fatal(err)
	}
	var b telemetry.Batch
	report, err := otlp.NewDecoder(otlp.DecodeLimits{Depth: 32, Elements: math.MaxInt}).DecodeJSON(text, &b)
	if err != nil || report != (ingest.Report{}) {
		t.Fatal(report, err)
	}
	return &b
}

// now is when the requests of these tests come in.
var now = time.Unix(1_790_000_060, 0)

func newAPI(store scan.Store) *jaeger.API {
	return jaeger.New(jaeger.Options{Store: store, Logger: slog.New(slog.DiscardHandler), Now: func() time.Time { return now }})
}

func get(h http.Handler, path string) *httptest.ResponseRecorder {
	return serve(h, httptest.NewRequest(http.MethodGet, path, nil))
}

func serve(h http.Handler, r *http.Request) *httptest.ResponseRecorder {
	w := httptest.NewRecorder()
	h.ServeHTTP(w, r)
	return w
}

// TestAnswers compares what the API answers with testdata/api.txt: a request,
// then the status and the body, indented. The layout of the store changes
// nothing.
func TestAnswers(t *testing.T) {
	const file = "testdata/api.txt"
	text, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	stores := []scan.Store{scantest.New(shop(t))}
	for seed := range uint64(3) {
		stores = append(stores, scantest.Split(shop(t), rand.New(rand.NewPCG(seed, 1)), 3, 2))
	}
	for _, store := range stores {
		h := newAPI(store)
		var got strings.Builder
		for line := range strings.Lines(string(text)) {
			path, isRequest := strings.CutPrefix(line, "GET ")
			switch {
			case strings.HasPrefix(line, "#"):
				fmt.Fprintf(&got, "%s\n", line)
			case isRequest:
				w := get(h, strings.TrimSpace(path))
				var indented bytes.Buffer
				if err := json.Indent(&indented, w.Body.Bytes(), "", "  "); err != nil {
					t.Errorf("%s: %v in %s", line, err, w.Body)
				}
				fmt.Fprintf(&got, "%s%d %s\n\n", line, w.Code, indented.Bytes())
			}
		}
		if *rewrite {
			if err := os.WriteFile(file, []byte(got.String()), 0o644); err != nil {
				t.Fatal(err)
			}
			text = []byte(got.String())
		} else if got.String() != string(text) {
			t.Fatalf("got\n%s", got.String())
		}
	}
}

// TestSearches lists searches and the spans of the shop that satisfy them, by
// looking whether each alone is found.
func TestSearches(t *testing.T) {
	whole := shop(t)
	stores := map[string]*jaeger.API{}
	var names []string
	for i, s := range whole.Spans {
		alone := *whole
		alone.Spans = whole.Spans[i : i+1]
		name := fmt.Sprintf("%d %s", s.SpanID[7], s.Name)
		names = append(names, name)
		stores[name] = newAPI(scantest.New(&alone))
	}
	tag := func(key, value string) string {
		text, err := json.Marshal(map[string]string{key: value})
		if err != nil {
			t.Fatal(err)
		}
		return "tags=" + url.QueryEscape(string(text))
	}
	for query, want := range map[string]string{
		"":                                              "1 POST /checkout, 2 charge, 3 Charge, 4 SELECT, 5 job, 6 job",
		"service=checkout":                              "1 POST /checkout, 2 charge",
		"service=OTLPResourceNoServiceName":             "5 job, 6 job",
		"service=payment&operation=SELECT":              "4 SELECT",
		"operation=job&limit=1":                         "5 job, 6 job",
		"minDuration=300ms":                             "1 POST /checkout, 2 charge",
		"minDuration=200ms&maxDuration=300001us":        "2 charge, 3 Charge",
		"maxDuration=1ms":                               "4 SELECT, 5 job, 6 job",
		"start=1790000010000000&end=1790000010000000":   "5 job",
		"end=1790000000100000":                          "1 POST /checkout, 2 charge",
		"end=1790000010000000&lookback=5s":              "5 job",
		"end=1790000010000000&lookback=1d":              "1 POST /checkout, 2 charge, 3 Charge, 4 SELECT, 5 job",
		"start=1790000000200000&lookback=custom":        "4 SELECT, 5 job, 6 job",
		"tag=region:eu&tag=db.namespace:ledger":         "4 SELECT",
		tag("error", "true"):                            "2 charge",
		tag("error", "false"):                           "",
		tag("span.kind", "client"):                      "2 charge, 4 SELECT",
		tag("otel.status_code", "error"):                "2 charge",
		tag("otel.status_code", "OK"):                   "3 Charge",
		tag("otel.status_description", "card declined"): "2 charge",
		tag("otel.scope.name", "net/http"):              "1 POST /checkout, 2 charge",
		tag("otel.library.version", "1.2"):              "1 POST /checkout, 2 charge",
		tag("w3c.tracestate", "ot=th:8"):                "2 charge",
		tag("http.response.status_code", "402"):         "2 charge",
		tag("ratio", "0.5"):                             "2 charge",
		tag("retried", "true"):                          "2 charge",
		tag("host.name", "h1"):                          "1 POST /checkout, 2 charge",
		tag("event", "cache miss"):                      "3 Charge",
		tag("event", "error"):                           "3 Charge",
		tag("cache.key", "u-7"):                         "3 Charge",
		tag("cache.key", "u-8"):                         "",
	} {
		var got []string
		for _, name := range names {
			w := get(stores[name], "/api/traces?"+query)
			if w.Code != http.StatusOK {
				t.Fatalf("%s: %d %s", query, w.Code, w.Body)
			}
			if strings.Contains(w.Body.String(), `"spanID"`) {
				got = append(got, name)
			}
		}
		if strings.Join(got, ", ") != want {
			t.Errorf("%s found %s, want %s", query, strings.Join(got, ", "), want)
		}
	}
}

// TestNewest: of many traces the newest are told, newest first.
func TestNewest(t *testing.T) {
	b := &telemetry.Batch{Resources: make([]telemetry.Resource, 1), Scopes: make([]telemetry.Scope, 1)}
	const all = 3000
	for i := range all {
		start := uint64(now.UnixNano()) - uint64((i*7919)%all+1)*1000
		b.Spans = append(b.Spans, telemetry.Span{
			TraceID: telemetry.TraceID{0: 1, 14: byte(i >> 8), 15: byte(i)}, SpanID: telemetry.SpanID{7: 1}, Start: start, End: start + 1,
		})
	}
	h := newAPI(scantest.Split(b, rand.New(rand.NewPCG(5, 6)), 4, 10))
	for query, want := range map[string]int{"": 100, "limit=0": 100, "limit=7": 7, "limit=100000": 1500} {
		var answer struct {
			Data []struct{ Spans []struct{ StartTime uint64 } }
		}
		if err := json.Unmarshal(get(h, "/api/traces?"+query).Body.Bytes(), &answer); err != nil {
			t.Fatal(err)
		}
		if len(answer.Data) != want {
			t.Errorf("%q finds %d traces, want %d", query, len(answer.Data), want)
		}
		for i, trace := range answer.Data {
			if got, want := trace.Spans[0].StartTime, uint64(now.UnixMicro())-uint64(i+1); got != want {
				t.Fatalf("%q: trace %d starts at %d, want %d", query, i, got, want)
			}
		}
	}
}

func TestBadRequests(t *testing.T) {
	h := newAPI(scantest.New(shop(t)))
	const times = "query.startTimeMin=2026-01-01T00:00:00Z&query.startTimeMax=2026-01-02T00:00:00Z"
	for path, want := range map[string]string{
		"/api/operations":                                      "parameter 'service' is required",
		"/api/traces?limit=-1":                                 "unable to parse param 'limit'",
		"/api/traces?start=x":                                  "unable to parse param 'start'",
		"/api/traces?start=2&end=1":                            "'start' is after 'end'",
		"/api/traces?end=99999999999999999999":                 "unable to parse param 'end'",
		"/api/traces?minDuration=5":                            "unable to parse param 'minDuration'",
		"/api/traces?minDuration=2s&maxDuration=1s":            "'maxDuration' should be greater",
		"/api/traces?tag=a":                                    "malformed 'tag' parameter",
		"/api/traces?tags=%7B%22a%22%3A1%7D":                   "malformed 'tags' parameter",
		"/api/traces?tags=[]":                                  "malformed 'tags' parameter",
		"/api/traces?service=%ff":                              "not valid UTF-8",
		"/api/traces?tag=a:%ff":                                "not valid UTF-8",
		"/api/traces?service=" + strings.Repeat("x", 5e3):      "longer than 4096 bytes",
		"/api/traces?" + strings.Repeat("traceID=1&", 1001):    "more than 1000 traces",
		"/api/traces?traceID=0":                                "not a trace ID",
		"/api/traces?%zz":                                      "query string is not valid",
		"/api/traces/xyz":                                      "not a trace ID",
		"/api/dependencies?endTs=x":                            "unable to parse param 'endTs'",
		"/api/metrics/calls":                                   "at least one service name",
		"/api/metrics/calls?service=a&spanKind=odd":            "unsupported span kind",
		"/api/metrics/calls?service=a&step=0":                  "at least 1",
		"/api/metrics/calls?service=a&step=1":                  "steps", // too many
		"/api/metrics/latencies?service=a":                     "unable to parse param 'quantile'",
		"/api/metrics/calls?service=a&groupByOperation=2":      "neither true nor false",
		"/api/v3/traces/xyz":                                   "not a trace ID",
		"/api/v3/traces":                                       "query.startTimeMin is required",
		"/api/v3/traces?query.startTimeMin=now":                "malformed parameter query.startTimeMin",
		"/api/v3/trace-summaries?query.filter=x&" + times:      "malformed parameter query.filter",
		"/api/v3/trace-summaries?query.attributes=x&" + times:  "malformed 'query.attributes'",
		"/api/v3/trace-summaries?query.durationMin=x&" + times: "unable to parse param 'query.durationMin'",
		"/api/v3/dependencies?startTime=2026-01-01T00:00:00Z&endTime=2026-01-01T00:00:00Z": "after startTime",
	} {
		w := get(h, path)
		var body struct {
			Errors []struct {
				Code int
				Msg  string
			}
			Error struct {
				HTTPCode int
				Message  string
			}
		}
		if err := json.Unmarshal(w.Body.Bytes(), &body); err != nil {
			t.Fatalf("%.60s: %v in %s", path, err, w.Body)
		}
		code, text := body.Error.HTTPCode, body.Error.Message
		if len(body.Errors) > 0 {
			code, text = body.Errors[0].Code, body.Errors[0].Msg
		}
		if w.Code != http.StatusBadRequest || code != w.Code || !strings.Contains(text, want) {
			t.Errorf("%.60s: %d %s, want 400 with %q", path, w.Code, w.Body, want)
		}
	}
	tags := map[string]string{}
	for i := range 33 {
		tags[fmt.Sprint("k", i)] = "v"
	}
	text, _ := json.Marshal(tags) // strings always can be
	if w := get(h, "/api/traces?tags="+url.QueryEscape(string(text))); !strings.Contains(w.Body.String(), "more than 32 tags") {
		t.Errorf("33 tags: %d %s", w.Code, w.Body)
	}
	if w := serve(h, httptest.NewRequest(http.MethodPost, "/api/services", nil)); w.Code != http.StatusMethodNotAllowed || w.Header().Get("Allow") == "" {
		t.Errorf("POST: %d %v", w.Code, w.Header())
	}
	if w := get(h, "/api/none"); w.Code != http.StatusNotFound {
		t.Errorf("no such path: %d", w.Code)
	}
}

func TestPaths(t *testing.T) {
	mux := http.NewServeMux()
	for _, path := range jaeger.Paths() {
		mux.Handle(path, newAPI(scantest.New(shop(t))))
	}
	if !slices.Contains(jaeger.Paths(), "/api/traces/{traceID}") {
		t.Errorf("got %v", jaeger.Paths())
	}
	if w := get(mux, "/api/services/a%2Fb%20c/operations"); w.Code != http.StatusOK {
		t.Errorf("a service with a slash in its name: %d %s", w.Code, w.Body)
	}
}

// FuzzRequest: whatever is asked, the answer is JSON.
func FuzzRequest(f *testing.F) {
	for _, seed := range [][2]string{
		{"/api/traces", "service=checkout&tags=%7B%22error%22%3A%22true%22%7D&minDuration=1ms&maxDuration=2s&start=1&end=1790000060000000&lookback=2d&limit=3"},
		{"/api/traces", "traceID=aa&traceID=bb"}, {"/api/traces/aa", ""}, {"/api/services/%2F/operations", ""},
		{"/api/v3/traces", "query.startTimeMin=0001-01-01T00:00:00Z&query.startTimeMax=9999-01-01T00:00:00Z&query.attributes={}"},
		{"/api/dependencies", "endTs=18446744073709551615"}, {"/api/metrics/errors", "service=checkout&step=60000&endTs=1790000060000"}, {"/..", "%"},
	} {
		f.Add(seed[0], seed[1])
	}
	h := newAPI(scantest.New(shop(f)))
	f.Fuzz(func(t *testing.T, path, query string) {
		r := &http.Request{Method: http.MethodGet, URL: &url.URL{Path: path, RawQuery: query}, Header: http.Header{}}
		w := serve(h, r.WithContext(t.Context()))
		redirect := w.Code == http.StatusMovedPermanently || w.Code == http.StatusTemporaryRedirect || w.Code == http.StatusPermanentRedirect
		if w.Code >= 500 || !redirect && !json.Valid(w.Body.Bytes()) {
			t.Fatalf("%s?%s: %d %s", path, query, w.Code, w.Body)
		}
	})
}
