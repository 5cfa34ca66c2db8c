package main

import (
	"bytes"
	"encoding/json"
	"slices"
	"strings"
	"testing"
	"time"
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
	if raw := p.perSpan(p.rawBytes); raw < 400 || raw > 700 || p.zstdBytes*3 > p.rawBytes || p.entropy > p.perSpan(p.zstdBytes) {
		t.Errorf("%.0f bytes a span, %.0f compressed, entropy %.0f", raw, p.perSpan(p.zstdBytes), p.entropy)
	}
}

func TestUsersAreRare(t *testing.T) {
	users := someUsers(corpusFor(10_000), 100)
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

func TestReport(t *testing.T) {
	q := quantiles{N: 2000, P50: 1e6, P99: 2e6, P999: 3e6, Max: 4e6}
	r := report{
		Commit: "abc", Machine: machine{CPU: "CPU", Cores: 2},
		Decode: &decodeResult{Spans: 10, OwnNanos: 300, PdataNanos: 3000},
		Ingest: []*ingestResult{{Transport: "HTTP", Spans: 1_000_000, SpansPerSecond: 100_000, CPU: 10, DiskPerSpan: 50, PeakMemory: 300 << 20, Acks: q}},
		Sizes:  &sizes{Raw: 500, Zstd: 60, Entropy: 17},
		Queries: []*querySet{{Spans: 1_000_000, Traces: 60_000, Results: []*queryResult{
			{Question: "a", Times: q}, {Question: "b", Times: q}, {Question: "c", Times: q}, {Question: "d", Times: q}}}},
		Restart: &restartResult{Spans: 100_000, Ready: time.Second},
	}
	var text, encoded bytes.Buffer
	r.writeMarkdown(&text)
	for _, want := range []string{"| pdata   |        3000 |  10.0 |", "| OTLP               | 500.0 |", "Tempo", "59 (5.9×)", "100,000 spans", "not in this run"} {
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
