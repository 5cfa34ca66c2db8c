package main

import (
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/prometheus/client_golang/prometheus/testutil/promlint"
)

// scrape sends a span, asks the API for it and returns /metrics.
func scrape(t *testing.T) string {
	t.Helper()
	r := startServe(t, t.TempDir(), "--retention-age", "0")
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

// TestMetricsAreDocumented compares /metrics with the table in
// docs/operations.md, both ways.
func TestMetricsAreDocumented(t *testing.T) {
	page, err := os.ReadFile("../../docs/operations.md")
	if err != nil {
		t.Fatal(err)
	}
	exposed := names(scrape(t), `(?m)^# TYPE (kiseki_\w+) `)
	documented := names(string(page), "(?m)^\\| `(kiseki_\\w+)`")
	for _, name := range exposed {
		if !slices.Contains(documented, name) {
			t.Errorf("docs/operations.md does not list %s", name)
		}
	}
	for _, name := range documented {
		if !slices.Contains(exposed, name) {
			t.Errorf("docs/operations.md lists %s, which /metrics does not have", name)
		}
	}
}

// names are the distinct first groups of the matches.
func names(text, expression string) (out []string) {
	for _, m := range regexp.MustCompile(expression).FindAllStringSubmatch(text, -1) {
		out = append(out, m[1])
	}
	slices.Sort(out)
	return slices.Compact(out)
}
