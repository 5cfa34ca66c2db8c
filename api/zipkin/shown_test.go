package zipkin_test

import (
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"net/http"
	"net/url"
	"strings"
	"testing"

	"github.com/kiseki-dev/kiseki/storage/scan/scantest"
	"github.com/kiseki-dev/kiseki/telemetry"
	"github.com/kiseki-dev/kiseki/telemetry/telemetrytest"
)

// shown is a span as a client reads it.
type shown struct {
	TraceID       string `json:"traceId"`
	ID            string `json:"id"`
	Kind          string
	Name          string
	LocalEndpoint struct{ ServiceName string }
	Remote        struct{ ServiceName string } `json:"remoteEndpoint"`
	Tags          map[string]string
}

// TestWhatIsShownIsFound: whatever spans look like, what a client shows of one
// finds the span when it is searched for.
func TestWhatIsShownIsFound(t *testing.T) {
	b := telemetrytest.Random(7, 150)
	for i := range b.Spans { // one span a trace, so that a trace that is found is the span
		b.Spans[i].TraceID = telemetry.TraceID{1, 14: byte(i >> 8), 15: byte(i)}
		b.Spans[i].Start = epoch
	}
	h := handler(scantest.Split(b, rand.New(rand.NewPCG(1, 2)), 3, 4))
	var spans []shown
	for i := range b.Spans {
		w := get(h, "/api/v2/trace/"+b.Spans[i].TraceID.String())
		var trace []shown
		if err := json.Unmarshal(w.Body.Bytes(), &trace); err != nil || len(trace) != 1 {
			t.Fatalf("%v in %d %s", err, w.Code, w.Body)
		}
		spans = append(spans, trace[0])
	}
	tags := 0
	for i, s := range spans {
		find := func(query url.Values) {
			t.Helper()
			query.Set("limit", "1000")
			query.Set("serviceName", s.LocalEndpoint.ServiceName)
			w := get(h, "/api/v2/traces?"+query.Encode())
			if w.Code != http.StatusOK || !strings.Contains(w.Body.String(), s.TraceID) {
				t.Errorf("%s does not find the span %+v", query.Encode(), s)
			}
		}
		find(url.Values{"spanName": {s.Name}})
		if s.Remote.ServiceName != "" {
			find(url.Values{"remoteServiceName": {s.Remote.ServiceName}})
		}
		for k, v := range s.Tags {
			if searchable(k, v) && !isBytes(b, i, k) {
				find(url.Values{"annotationQuery": {fmt.Sprintf("%s=%s", k, v)}})
				find(url.Values{"annotationQuery": {k}})
				tags++
			}
		}
	}
	if tags < 300 {
		t.Errorf("only %d tags were tried", tags)
	}
}

// searchable reports whether a tag can be written in an annotationQuery, and
// has a value of a type that is searched.
func searchable(k, v string) bool {
	switch {
	case k == "", strings.TrimSpace(k) != k, strings.Contains(k, "="), strings.Contains(k+v, " and "), strings.TrimSpace(v) != v:
		return false
	case strings.HasPrefix(k, "otel.dropped_"), v == "NaN", strings.ContainsAny(v, "[{"):
		return false
	}
	return len(k)+len(v) < 4000
}

// isBytes reports whether span i has bytes under a key, whose text is not
// searched.
func isBytes(b *telemetry.Batch, i int, key string) bool {
	s := &b.Spans[i]
	for _, r := range []telemetry.Range{s.Attrs, b.Resources[s.Resource].Attrs} {
		if v, ok := b.Lookup(r, key); ok {
			return v.Type() == telemetry.ValueBytes
		}
	}
	return false
}

// FuzzRequest: whatever is asked, the answer is JSON or a refusal in words.
func FuzzRequest(f *testing.F) {
	for _, seed := range [][2]string{
		{"/api/v2/traces", "serviceName=checkout&annotationQuery=error+and+a%3Db&minDuration=1&maxDuration=2&endTs=1790000000001&lookback=5&limit=3"},
		{"/api/v2/traces", "remoteServiceName=10.0.0.7"}, {"/api/v2/trace/aa", ""}, {"/zipkin/api/v2/traceMany", "traceIds=aa,,bb"},
		{"/api/v2/dependencies", "endTs=18446744073709551615"}, {"/api/v2/autocompleteValues", "key=%00"}, {"/zipkin/..", "%"},
	} {
		f.Add(seed[0], seed[1])
	}
	h := handler(scantest.New(shop()))
	f.Fuzz(func(t *testing.T, path, query string) {
		r := &http.Request{Method: http.MethodGet, URL: &url.URL{Path: path, RawQuery: query}, Header: http.Header{}}
		w := serve(h, r.WithContext(t.Context()))
		plain := strings.HasPrefix(w.Header().Get("Content-Type"), "text/")
		if w.Code >= 500 || w.Code == http.StatusOK && !json.Valid(w.Body.Bytes()) || w.Code >= 400 && !plain {
			t.Fatalf("%s?%s: %d %s", path, query, w.Code, w.Body)
		}
	})
}
