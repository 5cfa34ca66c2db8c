package main

import (
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/prometheus/client_golang/prometheus/testutil/promlint"
)

var rewrite = flag.Bool("rewrite", false, "write the table of metrics in docs/operations.md, and testdata, anew")

// scrape sends a span, asks the API for it and returns /metrics.
func scrape(t *testing.T) string {
	t.Helper()
	r := startServe(t, t.TempDir(), "--retention-age", "0", "--forward", `[{name: file, to: "file://`+filepath.ToSlash(t.TempDir())+`/spans.jsonl"}]`)
	r.send(t, traceID, "hello")
	r.get(t, "/api/kiseki/v1/traces/"+traceID)
	status, body := r.get(t, "/metrics")
	if status != 200 {
		t.Fatalf("/metrics: %d %s", status, body)
	}
	return body
}

func TestMetricsAreWellNamed(t *testing.T) {
	problems, err := promlint.New(strings.NewReader(scrape(t))).Lint()
	if err != nil {
		t.Fatal(err)
	}
	for _, p := range problems {
		t.Errorf("%s: %s", p.Metric, p.Text)
	}
}

func TestMetricsCount(t *testing.T) {
	body := scrape(t)
	for _, line := range []string{
		`kiseki_receiver_requests_total{encoding="json",outcome="ok",protocol="otlp",transport="http"} 1`,
		`kiseki_receiver_accepted_spans_total{encoding="json",protocol="otlp",transport="http"} 1`,
		`kiseki_api_requests_total{route="/api/kiseki/v1/traces/{traceId}",status="200"} 1`,
		`kiseki_pipeline_dropped_total{reason="too_many_attributes"} 0`,
		`kiseki_head_spans 1`,
		`kiseki_wal_records_total 1`,
	} {
		if !strings.Contains(body, line+"\n") {
			t.Errorf("/metrics has no line %s", line)
		}
	}
	if t.Failed() {
		t.Log(body)
	}
}

// metricsTable matches the table in docs/operations.md: its two heading lines
// and the rows.
var metricsTable = regexp.MustCompile(`(?m)(^\| metric \| meaning \|\n\|---\|---\|\n)((?:\|.*\n)*)`)

// TestMetricsAreDocumented compares the table with what /metrics says of
// itself.
func TestMetricsAreDocumented(t *testing.T) {
	const path = "../../docs/operations.md"
	page, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	want := metricsTable.ReplaceAllLiteralString(string(page), metricsTable.FindStringSubmatch(string(page))[1]+rows(scrape(t)))
	if *rewrite {
		if err := os.WriteFile(path, []byte(want), 0o644); err != nil {
			t.Fatal(err)
		}
	} else if string(page) != want {
		t.Errorf("the metrics in docs/operations.md are out of date: run go test ./cmd/kiseki -rewrite")
	}
}

// rows are kiseki's own metrics with their help texts and labels as the rows
// of a table.
func rows(exposition string) string {
	var w strings.Builder
	for _, m := range regexp.MustCompile(`(?m)^# HELP (kiseki_\w+) (.*)`).FindAllStringSubmatch(exposition, -1) {
		name, help := m[1], strings.TrimSuffix(m[2], ".")
		sample := regexp.MustCompile(`(?m)^` + name + `(?:_bucket)?\{(.*)\} `).FindStringSubmatch(exposition)
		if sample != nil {
			var labels []string
			for _, l := range regexp.MustCompile(`(\w+)="`).FindAllStringSubmatch(sample[1], -1) {
				if l[1] != "le" {
					labels = append(labels, l[1])
				}
			}
			help += "; by " + strings.Join(labels, ", ")
		}
		fmt.Fprintf(&w, "| `%s` | %s |\n", name, help)
	}
	return w.String()
}
