package main

import (
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/kiseki-dev/kiseki/internal/terminal"
	"github.com/kiseki-dev/kiseki/telemetry"
)

// shopTrace is a trace of two services: a checkout that fails because its
// payment does, and a third span beside it.
func shopTrace(id byte) *telemetry.Batch {
	const start = 1_790_000_000_000_000_000
	b := &telemetry.Batch{
		Attrs: []telemetry.Attr{
			{Key: "service.name", Value: telemetry.StringValue("checkout")},
			{Key: "service.name", Value: telemetry.StringValue("支払い")},
		},
		Resources: []telemetry.Resource{{Attrs: telemetry.Range{Start: 0, End: 1}}, {Attrs: telemetry.Range{Start: 1, End: 2}}},
		Scopes:    []telemetry.Scope{{}},
	}
	trace := telemetry.TraceID{15: id}
	span := func(n, parent byte, resource uint32, name string, from, ms uint64, status telemetry.Status, message string) {
		s := telemetry.Span{TraceID: trace, SpanID: telemetry.SpanID{7: n}, Name: name, Resource: resource, Status: status, StatusMessage: message}
		if parent != 0 {
			s.ParentID = telemetry.SpanID{7: parent}
		}
		s.Start = start + uint64(id)*1e9 + from*1e6
		s.End = s.Start + ms*1e6
		b.Spans = append(b.Spans, s)
	}
	span(1, 0, 0, "POST /checkout", 0, 200, telemetry.StatusError, "")
	span(2, 1, 1, "charge \x1b[31mcard", 50, 100, telemetry.StatusError, "card declined")
	span(3, 1, 0, "send mail", 150, 50, telemetry.StatusOK, "")
	return b
}

// shops is a data folder with n of these traces.
func shops(t *testing.T, n int) string {
	t.Helper()
	data := filepath.Join(t.TempDir(), "data")
	for i := range n {
		addSpans(t, data, shopTrace(byte(i+1)))
	}
	return data
}

// same compares with a golden text.
func same(t *testing.T, what, got, want string) {
	t.Helper()
	if got != want {
		t.Errorf("%s:\n%s\nwant\n%s", what, got, want)
	}
}

func inUTC(t *testing.T) {
	local := time.Local
	time.Local = time.UTC
	t.Cleanup(func() { time.Local = local })
}

func TestQueryTable(t *testing.T) {
	inUTC(t)
	data := shops(t, 3)
	stdout, stderr := ok(t, "query", "{ status = error }", "--data", data, "--limit", "2")
	same(t, "table", stdout, `TIME            DURATION  SPANS  ERR  ROOT                      TRACE ID
09-21 14:13:23     200ms    2/3    2  checkout: POST /checkout  00000000000000000000000000000003
09-21 14:13:22     200ms    2/3    2  checkout: POST /checkout  00000000000000000000000000000002
`)
	cursor, more := strings.CutPrefix(strings.TrimSpace(stderr), "There are more: --cursor ")
	if !more {
		t.Fatalf("stderr: %s", stderr)
	}
	stdout, stderr = ok(t, "query", "{ status = error }", "--data", data, "--cursor", cursor)
	if !strings.Contains(stdout, "0000000000000001") || strings.Count(stdout, "\n") != 2 || stderr != "" {
		t.Errorf("the second page: %s%s", stdout, stderr)
	}
	stdout, _ = ok(t, "query", `{ } | by(resource.service.name) | count() > 1`, "--data", data, "--limit", "1")
	if !strings.Contains(stdout, "FOUND") || !strings.HasSuffix(stdout, "checkout 2\n") {
		t.Errorf("spansets: %s", stdout)
	}
	stdout, _ = ok(t, "query", "{ name = \"send mail\" }", "--data", data, "--output", "json")
	if strings.Count(stdout, "\n") != 3 || strings.Count(stdout, `"spanId":"0000000000000003"`) != 3 {
		t.Errorf("JSON: %s", stdout)
	}
}

// TestQueryOfAServer: a server is asked as a folder is.
func TestQueryOfAServer(t *testing.T) {
	data := shops(t, 2)
	want, _ := ok(t, "query", "--data", data)
	r := startServe(t, data, "--retention-age", "0")
	got, _ := ok(t, "query", "--server", r.web)
	same(t, "from a server", got, want)
	if status, _, stderr := kiseki(t, "query", "--data", data); status != exitFailed || !strings.Contains(stderr, "in use by another kiseki") {
		t.Errorf("a folder in use: status %d, %s", status, stderr)
	}
}

func TestQueryWaterfall(t *testing.T) {
	inUTC(t)
	data := shops(t, 1)
	stdout, _ := ok(t, "query", "{ duration = 100ms }", "--data", data, "--output", "waterfall")
	want := `00000000000000000000000000000001  2026-09-21 14:13:21.000 UTC  200ms
3 spans in 2 services, 2 errors
! 支払い: charge ` + "\uFFFD" + `[31mcard: card declined

 !checkout: POST /checkout                         ███████████████████████████████████████████████████████████    200ms
*!  支払い: charge ` + "\uFFFD" + `[31mcard                                     ██████████████████████████████▎                  100ms
    checkout: send mail                                                                        ███████████████   50.0ms
`
	same(t, "waterfall", stdout, want)
	stdout, _ = ok(t, "trace", "00000000000000000000000000000001", "--data", data)
	same(t, "trace", stdout, strings.Replace(want, "*!", " !", 1))
	stdout, _ = ok(t, "trace", "00000000000000000000000000000001", "--output", "otlp", "--data", data)
	if !strings.HasPrefix(stdout, `{"resourceSpans":[`) {
		t.Errorf("OTLP: %s", stdout)
	}
	if status, _, stderr := kiseki(t, "trace", "00000000000000000000000000000009", "--data", data); status != exitNone {
		t.Errorf("a trace that is not there: status %d, %s", status, stderr)
	}
}

// TestWaterfallFits: no line is longer than the terminal, and no colour stays
// on.
func TestWaterfallFits(t *testing.T) {
	c := &traceColumns{TraceID: "1", Strings: []string{"", "支払いサービス", strings.Repeat("長", 90)}}
	c.Resources.Service = []int{1}
	for i := range 40 {
		s := &c.Spans
		s.ID, s.Parent = append(s.ID, "x"), append(s.Parent, i-1)
		s.Name, s.StatusMessage = append(s.Name, 2), append(s.StatusMessage, 2)
		s.Resource, s.Status = append(s.Resource, 0), append(s.Status, i%3)
		s.Start, s.Duration = append(s.Start, uint64(i)*1e9), append(s.Duration, 1e9*3600)
	}
	if err := c.check(); err != nil {
		t.Fatal(err)
	}
	for _, columns := range []int{40, 49, 50, 80, 200} {
		var w strings.Builder
		if err := c.draw(&w, terminal.Screen{Columns: columns}, nil); err != nil {
			t.Fatal(err)
		}
		lines := strings.Split(w.String(), "\n")
		for _, line := range lines[2:] { // the head may wrap
			if terminal.Width(line) > columns {
				t.Errorf("%d columns, not %d: %s", terminal.Width(line), columns, line)
			}
		}
	}
	var w strings.Builder
	if err := c.draw(&w, terminal.Screen{Columns: 80, Colours: true}, nil); err != nil {
		t.Fatal(err)
	}
	for line := range strings.Lines(w.String()) {
		if strings.Count(line, "\x1b[38;5;") != strings.Count(line, "\x1b[0m") {
			t.Errorf("a colour stays on: %q", line)
		}
	}
	c.Spans.Parent[3] = 7
	if c.check() == nil {
		t.Error("a parent after its child was taken")
	}
}

func TestQueryMetrics(t *testing.T) {
	inUTC(t)
	data := shops(t, 3)
	span := []string{"--start", "2026-09-21T14:13:20Z", "--end", "2026-09-21T14:13:26Z", "--data", data}
	stdout, _ := ok(t, append([]string{"query", "{ } | count_over_time() by(resource.service.name)", "--step", "1s"}, span...)...)
	same(t, "metrics", stdout, `2026-09-21 14:13:20 to 2026-09-21 14:13:26, every 1s; the charts are from 0 to 2

SERIES                          MIN  MAX  LAST  CHART
resource.service.name=checkout    0    2     0  ▁███▁▁
resource.service.name=支払い      0    1     0  ▁▅▅▅▁▁
`)
	stdout, _ = ok(t, append([]string{"query", "{ } | count_over_time()", "--instant"}, span...)...)
	same(t, "instant", stdout, "SERIES  VALUE\nall         9\n")
	stdout, _ = ok(t, append([]string{"query", "{ } | count_over_time()", "--instant", "--output", "json"}, span...)...)
	same(t, "JSON", stdout, `{"labels":[],"points":[9]}`+"\n")
}

func TestQueryMistakes(t *testing.T) {
	data := shops(t, 1)
	for _, x := range []struct {
		args   []string
		status int
		want   string
	}{
		{[]string{`{ name = "支払い" && durration > 1s }`}, exitUsage, "\n  { name = \"支払い\" && durration > 1s }\n                       ^\n"},
		{[]string{"{ } |\n  cuont() > 1"}, exitUsage, "\n    cuont() > 1\n    ^\n"},
		{[]string{"--output", "csv"}, exitUsage, "not one of table"},
		{[]string{"--start", "soon"}, exitUsage, "--start"},
		{[]string{"--start", "-1h", "--end", "-2h"}, exitUsage, "--end is before --start"},
		{[]string{"--step", "1s"}, exitUsage, "metrics function"},
		{[]string{"{ } | rate()", "--output", "waterfall"}, exitUsage, "neither waterfalls nor pages"},
		{[]string{"{ } | rate()", "--step", "fast", "--data", data}, exitFailed, "not a length of time"},
		{[]string{"--cursor", "x", "--data", data}, exitFailed, "Invalid parameter cursor"},
		{[]string{"{ name = \"nobody\" }", "--data", data}, exitNone, "no trace matches"},
		{[]string{"{ name = \"nobody\" } | rate() by(name)", "--data", data}, exitNone, "no series"},
		{[]string{"--data", filepath.Join(data, "absent")}, exitFailed, "there is no store"},
		{[]string{"--server", "http://127.0.0.1:1"}, exitFailed, `is "kiseki serve" running?`},
	} {
		status, _, stderr := kiseki(t, append([]string{"query"}, x.args...)...)
		if status != x.status || !strings.Contains(stderr, x.want) {
			t.Errorf("%q: status %d, want %d\n%s\nwant\n%s", x.args, status, x.status, stderr, x.want)
		}
	}
	if status, _, stderr := kiseki(t, "trace", "xyz"); status != exitUsage || !strings.Contains(stderr, "32 hexadecimal digits") {
		t.Errorf("a bad ID: status %d, %s", status, stderr)
	}
	if _, err := os.Stat(filepath.Join(data, "absent")); err == nil {
		t.Error("a folder was made")
	}
}

func TestShortDuration(t *testing.T) {
	for ns, want := range map[uint64]string{
		0: "0ns", 999: "999ns", 1000: "1.00µs", 12_345: "12.3µs", 999_499: "999µs", 1e6: "1.00ms", 250e6: "250ms", 9_996e6: "10.0s", 59e9: "59.0s", 61e9: "1m1s", 1 << 63: "2562047h47m16s",
	} {
		if got := shortDuration(ns); got != want {
			t.Errorf("%d ns: %s, want %s", ns, got, want)
		}
	}
}

// times differ from run to run.
var times = regexp.MustCompile(`  +[0-9.]+(ns|µs|ms|s)\n`)

// TestQueryExplain: testdata/explain.txt has what is told of the spans of
// shopTrace, but for times.
func TestQueryExplain(t *testing.T) {
	data := shops(t, 1)
	var got strings.Builder
	for _, query := range []string{
		`{ status = error && duration > 50ms && span.user.id = "nobody" }`,
		`{ status = error } >> { duration > 50ms && !(name = "GET /") }`,
		`{ status = error } | rate() by (name)`,
		`{ } >> { status = error } | rate()`,
		`{ span.retries > span.limit } | compare({ kind = server })`,
		`({ status = error } | rate()) / ({ } | rate())`,
	} {
		stdout, _ := ok(t, "query", "--explain", query, "--data", data, "--end", "2026-09-21T14:14:00Z")
		fmt.Fprintf(&got, "explain %s\n\n%s\n", query, times.ReplaceAllString(stdout, "\n"))
	}
	path := filepath.Join("testdata", "explain.txt")
	if *rewrite {
		if err := os.WriteFile(path, []byte(got.String()), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	same(t, path, got.String(), string(want))
}
