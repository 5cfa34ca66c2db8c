package main

import (
	"bytes"
	"context"
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/kiseki-dev/kiseki/bench/corpus"
	"github.com/kiseki-dev/kiseki/telemetry"
)

func TestQuantiles(t *testing.T) {
	var times []time.Duration
	for i := 1000; i > 0; i-- {
		times = append(times, time.Duration(i))
	}
	q := quantilesOf(times)
	if want := (quantiles{N: 1000, P50: 500, P99: 990, P999: 999, Max: 1000}); q != want {
		t.Errorf("of 1 to 1000: %+v, want %+v", q, want)
	}
	if q := quantilesOf([]time.Duration{7}); q.P50 != 7 || q.P999 != 7 {
		t.Errorf("of one: %+v", q)
	}
	if q := quantilesOf(nil); q.N != 0 {
		t.Errorf("of none: %+v", q)
	}
}

func TestParseStat(t *testing.T) {
	// The name of the process holds both a space and a parenthesis.
	const stat = "4711 (a (b) c) S 1 4711 4711 0 -1 4194560 2033 0 12 0 150 50 7 8 20 0 9 0 12345 1 2 3"
	if d, err := parseStat(stat); err != nil || d != 2*time.Second {
		t.Errorf("got %v, %v, want 2s", d, err)
	}
	for _, bad := range []string{"", "4711", "4711 (x) S 1", "4711 (x) S 1 2 3 4 5 6 7 8 9 10 x 50 7"} {
		if _, err := parseStat(bad); err == nil {
			t.Errorf("%q was understood", bad)
		}
	}
}

func TestParseMetric(t *testing.T) {
	const text = `# HELP kiseki_head_spans Spans.
# TYPE kiseki_head_spans gauge
kiseki_head_spans{shard="0"} 1.5e+03
kiseki_head_spans{shard="1"} 500
kiseki_head_spans_total 7
`
	if v, err := parseMetric(text, "kiseki_head_spans"); err != nil || v != 2000 {
		t.Errorf("got %v, %v, want 2000", v, err)
	}
	if _, err := parseMetric(text, "kiseki_head"); err == nil {
		t.Error("the beginning of a name was taken for a metric")
	}
}

func TestParseCounts(t *testing.T) {
	got, err := parseCounts("1M, 200k,7")
	if want := []int{1_000_000, 200_000, 7}; err != nil || !slices.Equal(got, want) {
		t.Errorf("got %v, %v, want %v", got, err, want)
	}
	for _, bad := range []string{"", "M", "-1k", "1kM2", "99999999999999999M"} {
		if _, err := parseCounts(bad); err == nil {
			t.Errorf("%q was understood", bad)
		}
	}
}

func TestFormats(t *testing.T) {
	for n, want := range map[int]string{0: "0", 999: "999", 1000: "1,000", -123456: "-123,456", 1234567: "1,234,567"} {
		if got := grouped(n); got != want {
			t.Errorf("grouped(%d) = %s, want %s", n, got, want)
		}
	}
	for d, want := range map[time.Duration]string{1234 * time.Microsecond: "1.23 ms", 12340 * time.Microsecond: "12.3 ms", 1234 * time.Millisecond: "1234 ms"} {
		if got := milliseconds(d); got != want {
			t.Errorf("milliseconds(%v) = %s, want %s", d, got, want)
		}
	}
}

func TestJudge(t *testing.T) {
	for _, x := range []struct {
		status int
		body   string
		traces int
		share  float64
		fails  bool
	}{
		{404, `{"title":"no such trace","status":404}`, 0, 0, false},
		{200, `{"traces":[{"traceId":"1"},{"traceId":"2"}],"stats":{"complete":true,"scannedSpans":5,"totalSpans":20}}`, 2, 0.25, false},
		{200, `{"traces":[],"stats":{"complete":true,"scannedSpans":0,"totalSpans":20}}`, 0, 0, false},
		{200, `{"traces":[],"stats":{"complete":false}}`, 0, 0, true},
		{200, `{"resourceSpans":[` + strings.Repeat(`{},`, 50) + `{}]}`, 1, 0, false},
		{400, `{"title":"bad"}`, 0, 0, true},
		{200, `<html>`, 0, 0, true},
	} {
		n, share, err := judge(x.status, []byte(x.body))
		if n != x.traces || share != x.share || (err != nil) != x.fails {
			t.Errorf("%d %s: %d traces, %g scanned, %v", x.status, x.body, n, share, err)
		}
	}
}

func TestRequestsCarryAllSpans(t *testing.T) {
	p, err := makePayload(20_000)
	if err != nil {
		t.Fatal(err)
	}
	if p.spans < 20_000 || p.spans > 30_000 || p.traces < 500 {
		t.Errorf("%d spans of %d traces", p.spans, p.traces)
	}
	if raw := p.perSpan(p.rawBytes); raw < 400 || raw > 700 || p.zstdBytes*3 > p.rawBytes || p.entropy.Total() > p.perSpan(p.zstdBytes) {
		t.Errorf("%.0f bytes a span, %.0f compressed, entropy %.0f", raw, p.perSpan(p.zstdBytes), p.entropy.Total())
	}
}

func TestUsersAreRare(t *testing.T) {
	users := someUsers(corpusFor(seed, 10_000), 100)
	if len(users) < 50 || len(users) > 100 {
		t.Errorf("%d users", len(users))
	}
	seen := map[string]bool{}
	for _, u := range users {
		if seen[u] || !strings.HasPrefix(u, "usr_") {
			t.Errorf("user %q twice or odd", u)
		}
		seen[u] = true
	}
}

func TestParseColumns(t *testing.T) {
	const text = `data folder data

segments: 2
  0000000000000001.seg  intact, 100 bytes, 10 spans (10.0 bytes each), 1 traces, starts 2026-01-01T00:00:00Z to 2026-01-01T00:00:01Z
            80 bytes     8.00 a span  span id
            10 bytes     1.00 a span  span.http.route (string)
            10 bytes     1.00 a span  (trace index)
  0000000000000002.seg  intact, 50 bytes, 10 spans (5.0 bytes each), 1 traces, starts 2026-01-01T00:00:00Z to 2026-01-01T00:00:01Z
            40 bytes     4.00 a span  span.http.route (string)
            10 bytes     1.00 a span  (trace index)
`
	got, err := parseColumns(text, 20)
	want := []columnSize{{"span id", 4}, {"span.http.route (string)", 2.5}, {"(trace index)", 1}}
	if err != nil || !slices.Equal(got, want) {
		t.Errorf("got %v, %v, want %v", got, err, want)
	}
	if _, err := parseColumns("data folder data\n", 20); err == nil {
		t.Error("a report without columns was understood")
	}
}

func TestGoals(t *testing.T) {
	set := querySet{Spans: 10, IdleBefore: 99e6, IdleAfter: 101e6, Results: []*queryResult{
		{Question: "id", Goal: goalByID, Times: quantiles{P50: 900 * time.Microsecond, P99: 6 * time.Millisecond}},
		{Question: "fast", Goal: goalSearch, Times: quantiles{P50: 4 * time.Millisecond, P99: 25 * time.Millisecond}},
		{Question: "search", Goal: goalSearch, Times: quantiles{P50: 4 * time.Millisecond, P99: 26 * time.Millisecond}}},
		Aggregates: []*aggregateResult{{Question: "rate", Goal: goalMetrics, PerCPU: 24e6}, {Question: "groups", Goal: goalMetrics, PerCPU: 25e6}}}
	r := report{Queries: []*querySet{&set}}
	var met, missed []string
	for _, g := range r.goals() {
		_, what, _ := strings.Cut(g.what, "10 spans: ")
		if g.met {
			met = append(met, what)
		} else {
			missed = append(missed, what)
		}
	}
	if want := []string{"idle memory after the questions", "id, p50 and p99", "search, p50 and p99", "rate, spans a CPU second"}; !slices.Equal(missed, want) {
		t.Errorf("missed %q, want %q; met %q", missed, want, met)
	}
}

func TestQuestionsAreAskedUntilTheEnd(t *testing.T) {
	ctx, cancel := context.WithCancel(context.Background())
	var asked atomic.Int64
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		if asked.Add(1) == 3 {
			cancel()
		}
		w.Write([]byte(`{"traces":[],"stats":{"complete":true}}`))
	}))
	defer s.Close()
	a := asker{base: s.URL, ids: make([]telemetry.TraceID, 1)}
	if q, err := a.run(ctx); err != nil || q.N < 3 {
		t.Errorf("%d answers, %v", q.N, err)
	}
	a.base += "\n"
	ctx, cancel = context.WithTimeout(context.Background(), time.Millisecond)
	defer cancel()
	if _, err := a.run(ctx); err == nil {
		t.Error("a question that can not be asked is no error")
	}
}

func TestReport(t *testing.T) {
	q := quantiles{N: 2000, P50: 1e6, P99: 2e6, P999: 3e6, Max: 4e6}
	r := report{
		Commit: "abc", Machine: machine{CPU: "CPU", Cores: 2, Load: "3.14"}, LoadAfter: "2.5",
		Decode: &decodeResult{Spans: 10, OwnNanos: 300, PdataNanos: 3000},
		Ingest: []*ingestResult{{Transport: "HTTP", Spans: 1_000_000, SpansPerSecond: 100_000, CPU: 10, DiskPerSpan: 50, PeakMemory: 300 << 20, Acks: q}},
		Sizes: &sizes{Raw: 500, Zstd: 60, Entropy: corpus.Entropy{IDs: 9, Times: 5, Content: 6},
			Columns: []columnSize{{"span id", 30}, {"start", 15}, {"name", 5}}},
		Queries: []*querySet{{Spans: 1_000_000, Traces: 60_000, IdleBefore: 90e6, IdleAfter: 110e6,
			Aggregates: []*aggregateResult{{Question: "by service", Times: q, Groups: 12, PerCPU: 90e6}},
			Analyses:   []*analysisResult{{Question: "service graph", Times: q, CPU: 100 * time.Millisecond, Sampled: 3}}, Results: []*queryResult{
				{Question: "a", Times: q}, {Question: "b", Times: q}, {Question: "c", Times: q}, {Question: "d", Times: q}}}},
		Compact: &compactResult{Spans: 1_000_000, CPU: 1.5, Merged: 0.9, Segments: [2]int{40, 2}, Disk: [2]float64{40, 30}, Written: 75},
		Mixed: &mixedResult{Stored: 1_000_000, PerSecond: 50, Questions: q,
			Alone: &mixedLoad{SpansPerSecond: 200_000, Acks: q}, Queried: &mixedLoad{SpansPerSecond: 150_000, Acks: q, Questions: q}},
		Restart: &restartResult{Spans: 100_000, Ready: time.Second},
	}
	var text, encoded bytes.Buffer
	r.writeMarkdown(&text)
	for _, want := range []string{"| pdata   |        3000 |  10.0 |", "| OTLP               | 500.0 |", "Tempo", "59 (5.1×)", "100,000 spans", "not in this run",
		"| span id    |  30.00 | 60.0 % |  60.0 % |", "| all others |   0.00 |  0.0 % | 100.0 % |", "of it times", "2.50×", "by service, spans a CPU second",
		"| by service | 1.00 ms | 2.00 ms |               12 |                 90.0 |",
		"| service graph | 1.00 ms | 2.00 ms | 100 ms |                 3 |                 10.0 |", "before the run 3.14, after it 2.5. The machine was BUSY", "| both           | 150,000 |",
		"| **kiseki** | 11.5 s | 100,000 | 50 | 0.31 GB | 1.0 ms | 1.0 ms | all |"} {
		if !strings.Contains(text.String(), want) {
			t.Errorf("no %q in\n%s", want, text.String())
		}
	}
	if err := r.writeJSON(&encoded); err != nil {
		t.Fatal(err)
	}
	var again report
	if err := json.Unmarshal(encoded.Bytes(), &again); err != nil || again.Ingest[0].CPU != 10 {
		t.Errorf("JSON does not come back: %v", err)
	}
}
