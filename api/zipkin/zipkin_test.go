package zipkin_test

import (
	"bytes"
	"encoding/json"
	"flag"
	"fmt"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/kiseki-dev/kiseki/api/zipkin"
	"github.com/kiseki-dev/kiseki/query/exec"
	"github.com/kiseki-dev/kiseki/storage/scan"
	"github.com/kiseki-dev/kiseki/storage/scan/scantest"
	"github.com/kiseki-dev/kiseki/telemetry"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

var rewrite = flag.Bool("rewrite", false, "write the answers the tests get to testdata")

// epoch is when the spans of these tests begin, in nanoseconds.
const epoch = 1_790_000_000_000_000_000

// builder makes a batch.
type builder struct{ telemetry.Batch }

func (b *builder) attrs(all ...any) (r telemetry.Range) {
	r.Start = uint32(len(b.Attrs))
	for i := 0; i < len(all); i += 2 {
		v, ok := all[i+1].(telemetry.Value)
		if !ok {
			v = telemetry.StringValue(all[i+1].(string))
		}
		b.Attrs = append(b.Attrs, telemetry.Attr{Key: all[i].(string), Value: v})
	}
	r.End = uint32(len(b.Attrs))
	return r
}

// span adds a span that begins and lasts so many microseconds.
func (b *builder) span(trace, id, parent byte, resource uint32, kind telemetry.Kind, name string, start, duration uint64, attrs ...any) *telemetry.Span {
	b.Spans = append(b.Spans, telemetry.Span{
		TraceID: telemetry.TraceID{15: trace}, SpanID: telemetry.SpanID{7: id}, ParentID: telemetry.SpanID{7: parent},
		Name: name, Kind: kind, Resource: resource, Start: epoch + start*1000, End: epoch + (start+duration)*1000, Attrs: b.attrs(attrs...),
	})
	return &b.Spans[len(b.Spans)-1]
}

// shop is a checkout that calls a payment service, which calls a database and
// sends a message, and a job of a service without a name.
func shop() *telemetry.Batch {
	b := &builder{}
	b.Resources = []telemetry.Resource{
		{Attrs: b.attrs("service.name", "checkout", "service.namespace", "shop")},
		{Attrs: b.attrs("service.name", "Payment", "region", "eu", "host.name", "h1")},
		{},
	}
	b.Scopes = []telemetry.Scope{{Name: "net/http", Version: "1.2"}}
	b.span(0xaa, 1, 0, 0, telemetry.KindServer, "POST /checkout", 0, 500, "http.request.method", "POST")
	client := b.span(0xaa, 2, 1, 0, telemetry.KindClient, "charge", 100, 300, "peer.service", "Payment",
		"http.status_code", telemetry.IntValue(402), "ratio", telemetry.DoubleValue(0.5), "retried", telemetry.BoolValue(true), "error", telemetry.BoolValue(true))
	client.Status, client.StatusMessage, client.DroppedAttrs = telemetry.StatusError, "card declined", 3
	array := telemetry.AppendElement(nil, telemetry.StringValue("a"))
	array = telemetry.AppendElement(array, telemetry.MapValue(string(telemetry.AppendEntry(nil, "k", telemetry.IntValue(1)))))
	server := b.span(0xaa, 2, 1, 1, telemetry.KindServer, "Charge", 150, 200, "region", "us", "list", telemetry.ArrayValue(string(array)),
		"raw", telemetry.BytesValue("\x00\xff"), "error", "false", "none", telemetry.Value{})
	server.Status = telemetry.StatusOK
	b.Events = []telemetry.Event{{Time: epoch + 160_000, Name: "cache miss"}, {Time: epoch + 170_000, Name: "retry", Attrs: b.attrs("n", telemetry.IntValue(2), "why", "t\"o")}}
	server.Events = telemetry.Range{Start: 0, End: 2}
	b.span(0xaa, 3, 2, 1, telemetry.KindClient, "SELECT", 200, 0, "db.name", "ledger", "network.peer.address", "10.0.0.7", "network.peer.port", telemetry.IntValue(5432))
	b.span(0xaa, 4, 2, 1, telemetry.KindProducer, "send", 210, 5, "server.address", "broker", "error", "timeout")
	b.Spans[4].End = b.Spans[4].Start + 300 // nanoseconds
	b.span(0xbb, 5, 0, 2, telemetry.KindInternal, "job", 1_000_000, 2_000_000)
	b.Spans[5].TraceID[0] = 1
	return &b.Batch
}

func options(store scan.Store) zipkin.Options {
	return zipkin.Options{
		Store: store, Logger: slog.New(slog.DiscardHandler),
		Now: func() time.Time { return time.Unix(0, epoch).Add(time.Minute) },
	}
}

func handler(store scan.Store) http.Handler { return zipkin.New(options(store)) }

func get(h http.Handler, path string) *httptest.ResponseRecorder {
	return serve(h, httptest.NewRequest(http.MethodGet, path, nil))
}

func serve(h http.Handler, r *http.Request) *httptest.ResponseRecorder {
	w := httptest.NewRecorder()
	h.ServeHTTP(w, r)
	return w
}

// TestAnswers compares what the API answers with testdata/api.txt: a request,
// then the status and the body, indented.
func TestAnswers(t *testing.T) {
	const file = "testdata/api.txt"
	text, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	h := handler(scantest.New(shop()))
	var got strings.Builder
	for line := range strings.Lines(string(text)) {
		path, isRequest := strings.CutPrefix(line, "GET ")
		switch {
		case strings.HasPrefix(line, "#"):
			got.WriteString(line)
		case isRequest:
			got.WriteString(line)
			w := get(h, strings.TrimSpace(path))
			body := w.Body.Bytes()
			if w.Header().Get("Content-Type") == "application/json" {
				var indented bytes.Buffer
				if err := json.Indent(&indented, body, "", "  "); err != nil {
					t.Errorf("%s: %v in %s", line, err, body)
				}
				body = append(indented.Bytes(), '\n')
			}
			fmt.Fprintf(&got, "%d %s\n", w.Code, body)
		}
	}
	if *rewrite {
		if err := os.WriteFile(file, []byte(got.String()), 0o644); err != nil {
			t.Fatal(err)
		}
	} else if got.String() != string(text) {
		t.Errorf("got\n%s", got.String())
	}
}

// A database with the name of a service is not that service.
func TestDatabaseNamedAsAService(t *testing.T) {
	b := &builder{}
	b.Resources = []telemetry.Resource{{Attrs: b.attrs("service.name", "orders")}}
	b.Scopes = []telemetry.Scope{{}}
	b.span(1, 1, 0, 0, telemetry.KindClient, "SELECT", 0, 5, "db.system.name", "mysql", "db.namespace", "orders")
	got := get(handler(scantest.New(&b.Batch)), "/api/v2/dependencies?endTs=1790000060000").Body.String()
	if want := `[{"parent":"orders","child":"mysql:orders","callCount":1}]`; got != want {
		t.Errorf("got %s, want %s", got, want)
	}
}

// Names are all told where spans differ in more than a query may tell apart.
func TestRemoteServicesOfManyAddresses(t *testing.T) {
	b := &builder{}
	b.Resources = []telemetry.Resource{{Attrs: b.attrs("service.name", "orders")}}
	b.Scopes = []telemetry.Scope{{}}
	b.span(1, 1, 0, 0, telemetry.KindClient, "a", 0, 5, "server.address", "db", "network.peer.address", "10.0.0.1")
	b.span(1, 2, 0, 0, telemetry.KindClient, "b", 0, 5, "server.address", "db", "network.peer.address", "10.0.0.2")
	b.span(1, 3, 0, 0, telemetry.KindClient, "c", 0, 5, "server.address", "db", "network.peer.address", "hidden")
	b.span(1, 4, 0, 0, telemetry.KindClient, "d", 0, 5, "network.peer.address", "cache")
	o := options(scantest.New(&b.Batch))
	o.Limits = exec.DefaultLimits
	o.Limits.Series = 3
	w := get(zipkin.New(o), "/api/v2/remoteServices?serviceName=orders")
	if got, want := w.Body.String(), `["cache","db"]`; got != want || w.Header().Get("Kiseki-Incomplete") != "" {
		t.Errorf("got %s %v, want %s", got, w.Header(), want)
	}
}

// TestSearches lists searches and the spans of the shop that satisfy them, by
// looking whether each alone is found.
func TestSearches(t *testing.T) {
	whole := shop()
	stores := map[string]http.Handler{}
	var names []string
	for i, s := range whole.Spans {
		alone := *whole
		alone.Spans = whole.Spans[i : i+1]
		names = append(names, s.Name)
		stores[s.Name] = handler(scantest.New(&alone))
	}
	for query, want := range map[string]string{
		"":                                           "POST /checkout, charge, Charge, SELECT, send, job",
		"serviceName=checkout":                       "POST /checkout, charge",
		"serviceName=Checkout":                       "", // names keep their case
		"serviceName=unknown_service":                "job",
		"serviceName=Payment&spanName=SELECT":        "SELECT",
		"spanName=all&serviceName=checkout":          "POST /checkout, charge",
		"remoteServiceName=Payment":                  "charge",
		"remoteServiceName=broker":                   "send",
		"remoteServiceName=ledger":                   "", // an address ranks before it
		"annotationQuery=error":                      "charge, send",
		"annotationQuery=error%3Dtimeout":            "send",
		"annotationQuery=error%3Dcard+declined":      "charge",
		"annotationQuery=error%3Dtrue":               "",
		"annotationQuery=otel.status_code%3DERROR":   "charge",
		"annotationQuery=otel.status_code":           "charge, Charge",
		"annotationQuery=otel.scope.name%3Dnet/http": "POST /checkout, charge, Charge, SELECT, send, job",
		"annotationQuery=http.status_code%3D402+and+ratio%3D0.5+and+retried%3Dtrue": "charge",
		"annotationQuery=http.status_code%3D403":                                    "",
		"annotationQuery=region%3Deu":                                               "SELECT, send", // the span's own us goes before
		"annotationQuery=region":                                                    "Charge, SELECT, send",
		"annotationQuery=cache+miss":                                                "Charge",
		"annotationQuery=cache+miss+and+nope":                                       "",
		"minDuration=300":                                                           "POST /checkout, charge, job",
		"minDuration=1&maxDuration=1":                                               "send", // 300 ns
		"minDuration=200&maxDuration=300":                                           "charge, Charge",
		"endTs=1790000000001":                                                       "POST /checkout, charge, Charge, SELECT, send",
		"endTs=1790000002000&lookback=1500":                                         "job",
		"endTs=1790000001000&lookback=1000":                                         "POST /checkout, charge, Charge, SELECT, send, job",
	} {
		var got []string
		for _, name := range names {
			w := get(stores[name], "/api/v2/traces?"+query)
			if w.Code != http.StatusOK {
				t.Fatalf("%s: %d %s", query, w.Code, w.Body)
			}
			if strings.Contains(w.Body.String(), `"id"`) {
				got = append(got, name)
			}
		}
		if strings.Join(got, ", ") != want {
			t.Errorf("%s found %s, want %s", query, strings.Join(got, ", "), want)
		}
	}
}

func TestBadRequests(t *testing.T) {
	h := handler(scantest.New(shop()))
	for path, want := range map[string]string{
		"/api/v2/spans":                                                        "serviceName parameter is missing",
		"/api/v2/remoteServices":                                               "serviceName parameter is missing",
		"/api/v2/autocompleteValues":                                           "key parameter is missing",
		"/api/v2/dependencies":                                                 "endTs parameter is missing",
		"/api/v2/traces?limit=0":                                               "limit is not a number from 1",
		"/api/v2/traces?endTs=-1":                                              "endTs is not a number",
		"/api/v2/traces?lookback=99999999999999999999":                         "lookback is not a number",
		"/api/v2/traces?maxDuration=5":                                         "maxDuration is only valid with minDuration",
		"/api/v2/traces?minDuration=6&maxDuration=5":                           "maxDuration < minDuration",
		"/api/v2/traces?serviceName=%ff":                                       "serviceName is not valid UTF-8",
		"/api/v2/traces?spanName=" + strings.Repeat("x", 5000):                 "longer than 4096 bytes",
		"/api/v2/traces?annotationQuery=" + strings.Repeat("x+and+", 40) + "x": "more than 32 terms",
		"/api/v2/traces?%zz":                                                   "query string is not valid",
		"/api/v2/trace/xyz":                                                    "lower-hex",
		"/api/v2/traceMany":                                                    "traceIds parameter is empty",
		"/api/v2/traceMany?traceIds=1":                                         "single trace",
		"/api/v2/traceMany?traceIds=1,01":                                      "redundant traceId",
		"/api/v2/traceMany?traceIds=" + strings.Repeat("1,", 1000):             "more than 1000",
	} {
		w := get(h, path)
		if w.Code != http.StatusBadRequest || !strings.Contains(w.Body.String(), want) {
			t.Errorf("%.60s: %d %s, want 400 with %q", path, w.Code, w.Body, want)
		}
	}
	w := httptest.NewRecorder()
	h.ServeHTTP(w, httptest.NewRequest(http.MethodPost, "/api/v2/spans", nil))
	if w.Code != http.StatusMethodNotAllowed || w.Header().Get("Allow") == "" {
		t.Errorf("POST: %d %v", w.Code, w.Header())
	}
}

func TestPaths(t *testing.T) {
	paths := zipkin.Paths()
	if !slices.Contains(paths, "/api/v2/trace/{traceId}") || !slices.Contains(paths, "/zipkin/") {
		t.Errorf("got %v", paths)
	}
}
