package tempo_test

import (
	"encoding/json"
	"fmt"
	"math"
	"net/http"
	"net/http/httptest"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"

	"google.golang.org/protobuf/proto"

	"github.com/kiseki-dev/kiseki/api/tempo/tempopb"
	"github.com/kiseki-dev/kiseki/query/traceql"
	"github.com/kiseki-dev/kiseki/storage/scan/scantest"
	"github.com/kiseki-dev/kiseki/telemetry"
	"github.com/kiseki-dev/kiseki/telemetry/telemetrytest"
)

// ask is an answer in full.
func (c *client) ask(path string, query url.Values, accept string) *httptest.ResponseRecorder {
	req := httptest.NewRequest(http.MethodGet, path+"?"+query.Encode(), nil)
	req.Header.Set("Accept", accept)
	w := httptest.NewRecorder()
	c.api.ServeHTTP(w, req)
	return w
}

// searchMessage is what a search finds.
func (c *client) searchMessage(query url.Values) *tempopb.SearchResponse {
	c.Helper()
	w := c.ask("/api/search", query, "application/protobuf")
	out := &tempopb.SearchResponse{}
	if err := proto.Unmarshal(w.Body.Bytes(), out); err != nil || w.Code != http.StatusOK {
		c.Fatalf("%v: %d %v", query, w.Code, err)
	}
	return out
}

// The traps are those that other servers of this API have fallen into.

// TestDurationFits: clients have 32 bits with a sign for milliseconds.
func TestDurationFits(t *testing.T) {
	for _, x := range []struct{ start, end, want uint64 }{
		{epoch * 1e9, 0, 0}, // no end yet
		{1, epoch * 1e9, math.MaxInt32},
		{0, math.MaxUint64, math.MaxInt32},
		{1e9, 3e9, 2000},
	} {
		b := &telemetry.Batch{Resources: make([]telemetry.Resource, 1), Scopes: make([]telemetry.Scope, 1)}
		b.Spans = []telemetry.Span{{TraceID: telemetry.TraceID{1}, SpanID: telemetry.SpanID{1}, Start: x.start, End: x.end}}
		if got := newClient(t, scantest.New(b)).searchMessage(nil).Traces[0].DurationMs; uint64(got) != x.want {
			t.Errorf("from %d to %d: %d ms, want %d", x.start, x.end, got, x.want)
		}
	}
}

// TestIntegersAreStrings: JSON's numbers do not hold 64 bits.
func TestIntegersAreStrings(t *testing.T) {
	c := newClient(t, scantest.New(shop()))
	var out struct {
		Traces []struct {
			StartTimeUnixNano json.RawMessage
			SpanSets          []struct {
				Spans []struct{ StartTimeUnixNano, DurationNanos json.RawMessage }
			}
		}
	}
	if err := json.Unmarshal(c.ask("/api/search", nil, "").Body.Bytes(), &out); err != nil {
		t.Fatal(err)
	}
	span := out.Traces[0].SpanSets[0].Spans[0]
	for _, text := range []json.RawMessage{out.Traces[0].StartTimeUnixNano, span.StartTimeUnixNano, span.DurationNanos} {
		if !strings.HasPrefix(string(text), `"`) {
			t.Errorf("%s is not a string", text)
		}
	}
}

// TestTimeZones: an instant is the same however it is written, wherever the
// server is.
func TestTimeZones(t *testing.T) {
	local := time.Local
	t.Cleanup(func() { time.Local = local })
	c := newClient(t, scantest.New(shop()))
	at := time.Unix(epoch, 0)
	var want string
	for _, zone := range []*time.Location{time.UTC, time.FixedZone("", 5*3600+1800), time.FixedZone("", -11*3600)} {
		time.Local = zone
		for _, start := range []string{fmt.Sprint(epoch), fmt.Sprintf("%d.0", epoch), fmt.Sprint(at.UnixNano()), at.In(zone).Format(time.RFC3339)} {
			w := c.ask("/api/metrics/query_range", url.Values{"q": {"{} | count_over_time()"}, "start": {start}, "end": {fmt.Sprint(epoch + 10)}, "step": {"1s"}}, "")
			if want == "" {
				want = w.Body.String()
			}
			if got := w.Body.String(); got != want || w.Code != 200 {
				t.Errorf("%s in %s: %d %s, want %s", start, zone, w.Code, got, want)
			}
		}
	}
}

// TestPriorKnowledge: a gRPC client begins with HTTP/2 at once, on the port
// where others speak HTTP/1.
func TestPriorKnowledge(t *testing.T) {
	c := newClient(t, scantest.New(shop()))
	var p http.Protocols
	p.SetUnencryptedHTTP2(true)
	transport := &http.Transport{Protocols: &p}
	defer transport.CloseIdleConnections()
	for _, client := range []*http.Client{{Transport: transport}, http.DefaultClient} {
		res, err := client.Get("http://" + c.addr + "/api/echo")
		if err != nil {
			t.Fatal(err)
		}
		res.Body.Close()
		if res.StatusCode != http.StatusOK {
			t.Error(res.Status)
		}
	}
	http.DefaultClient.CloseIdleConnections()
	if out := c.call("Search", `{"Query": "{}", "Limit": 1}`); !strings.HasSuffix(out, "OK\n") {
		t.Error(out)
	}
}

// TestBuildInfo: the fields are the documented ones.
func TestBuildInfo(t *testing.T) {
	c := newClient(t, scantest.New(shop()))
	var out map[string]string
	if err := json.Unmarshal(c.ask("/api/status/buildinfo", nil, "").Body.Bytes(), &out); err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"version", "revision", "branch", "buildDate", "buildUser", "goVersion"} {
		if _, ok := out[name]; !ok {
			t.Errorf("no %s in %v", name, out)
		}
	}
	if out["version"] != "1.0" {
		t.Error(out["version"])
	}
}

// TestIntrinsicsExist: what is offered can be asked for.
func TestIntrinsicsExist(t *testing.T) {
	c := newClient(t, scantest.New(shop()))
	w := c.ask("/api/v2/search/tags", url.Values{"scope": {"intrinsic"}}, "application/protobuf")
	out := &tempopb.SearchTagsV2Response{}
	if err := proto.Unmarshal(w.Body.Bytes(), out); err != nil {
		t.Fatal(err)
	}
	for _, name := range out.Scopes[0].Tags {
		if _, err := traceql.ParseField(name); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// TestStreamGrows: what a stream sends is part of the answer that it ends
// with, and in its order; and no message is larger than clients take.
func TestStreamGrows(t *testing.T) {
	b := telemetrytest.Random(7, 4000)
	for i := range b.Spans { // every span has much to tell
		b.Spans[i].StatusMessage = strings.Repeat("long ", 400)
	}
	c := newClient(t, scantest.Sorted(b, 20))
	in := &tempopb.SearchRequest{Query: "{} | select(statusMessage)", Limit: 1000, SpansPerSpanSet: 100}
	var sizes []int
	var ids []string
	err := c.stream("/tempopb.StreamingQuerier/Search", in, func() proto.Message { return &tempopb.SearchResponse{} }, func(m proto.Message) {
		sizes = append(sizes, proto.Size(m))
		for _, trace := range m.(*tempopb.SearchResponse).Traces {
			ids = append(ids, trace.TraceID)
		}
	})
	if err != nil {
		t.Fatal(err)
	}
	want := c.searchMessage(url.Values{"q": {in.Query}, "limit": {"1000"}, "spss": {"100"}}).Traces
	if len(sizes) < 4 {
		t.Errorf("%d messages of some MB", len(sizes))
	}
	for _, n := range sizes {
		if n > 4<<20 {
			t.Errorf("a message has %d bytes", n)
		}
	}
	early := len(ids) - len(want)
	if early == 0 {
		t.Error("nothing was sent before the whole answer")
	}
	for i, id := range ids {
		at := i
		if i >= early {
			at = i - early
		}
		if id != want[at].TraceID {
			t.Fatalf("trace %d of the stream is %s, want %s", i, id, want[at].TraceID)
		}
	}
}

// TestStreamAtOnce: each trace is sent when it is found, and all of them at
// the end.
func TestStreamAtOnce(t *testing.T) {
	c := newClient(t, scantest.New(shop()))
	c.api.SendEvery(0)
	var got []int
	err := c.stream("/tempopb.StreamingQuerier/Search", &tempopb.SearchRequest{Query: "{}"}, func() proto.Message { return &tempopb.SearchResponse{} },
		func(m proto.Message) { got = append(got, len(m.(*tempopb.SearchResponse).Traces)) })
	if want := []int{1, 1, 1, 3}; err != nil || !slices.Equal(got, want) {
		t.Errorf("messages with %v traces, want %v: %v", got, want, err)
	}
}

// FuzzParameters: no parameter makes the API fail otherwise than by saying so.
func FuzzParameters(f *testing.F) {
	f.Add("/api/search", "q", "{ status = error }")
	f.Add("/api/search", "tags", `a=b c="d\" e" f`)
	f.Add("/api/v2/search/tag/name/values", "q", "{ a = && .b = `c && d` }")
	f.Add("/api/metrics/query_range", "start", "2026-09-21T14:13:30Z")
	f.Add("/api/metrics/query_range", "step", "1e300")
	f.Add("/api/v2/traces/a1", "q", "{}")
	api := newAPI(scantest.New(shop()))
	f.Fuzz(func(t *testing.T, path, name, value string) {
		if len(path) == 0 || path[0] != '/' {
			return
		}
		query := url.Values{"q": {"{} | rate()"}, name: {value}}
		req, err := http.NewRequest(http.MethodGet, (&url.URL{Scheme: "http", Host: "localhost", Path: path, RawQuery: query.Encode()}).String(), nil)
		if err != nil {
			return
		}
		w := httptest.NewRecorder()
		api.ServeHTTP(w, req)
		if w.Code >= 500 {
			t.Errorf("%s %s=%q: %d %s", path, name, value, w.Code, w.Body)
		}
	})
}
