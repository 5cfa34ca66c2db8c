package analysis_test

import (
	"fmt"
	"strconv"
	"strings"
	"testing"

	"github.com/kiseki-dev/kiseki/analysis"
	"github.com/kiseki-dev/kiseki/query/exec"
	"github.com/kiseki-dev/kiseki/storage/scan"
	"github.com/kiseki-dev/kiseki/telemetry"
)

// criticalAnswer has a line a stretch: from, to, service and name.
func criticalAnswer(t *testing.T, store scan.Store, text string) string {
	id, err := strconv.Atoi(text)
	if err != nil {
		t.Fatal(err)
	}
	trace, err := exec.FindTrace(t.Context(), store.Snapshot(), telemetry.TraceID{15: byte(id)}, exec.DefaultLimits)
	if err != nil {
		t.Fatal(err)
	}
	var lines []string
	for _, s := range analysis.CriticalPathOf(trace) {
		span := &trace.Batch.Spans[s.Span]
		lines = append(lines, fmt.Sprintf("%s to %s %s %s", at(s.Start), at(s.End), trace.Batch.ServiceName(span.Resource), span.Name))
	}
	return strings.Join(lines, "\n")
}

func profileAnswer(t *testing.T, store scan.Store, text string) string {
	p, err := analysis.CriticalPaths(t.Context(), store.Snapshot(), search(t, text, noOptions(t)), exec.DefaultLimits)
	if err != nil {
		t.Fatal(err)
	}
	lines := []string{fmt.Sprintf("%d traces, one of %d, %s ms", p.Traces, p.Every, ms(p.Time))}
	for _, o := range p.Operations {
		lines = append(lines, fmt.Sprintf("%s %s %s: %s ms in %d spans of %d traces", o.Service, o.Name, o.Kind, ms(o.Time), o.Spans, o.Traces))
	}
	return strings.Join(lines, "\n")
}

func flameAnswer(t *testing.T, store scan.Store, text string) string {
	f, err := analysis.Flame(t.Context(), store.Snapshot(), search(t, text, noOptions(t)), exec.DefaultLimits)
	if err != nil {
		t.Fatal(err)
	}
	lines := []string{fmt.Sprintf("%d traces, one of %d", f.Traces, f.Every)}
	for i, n := range f.Nodes {
		lines = append(lines, fmt.Sprintf("%d below %d: %s %s %s, %d spans, %d errors, %s ms, itself %s",
			i, n.Parent, n.Service, n.Name, n.Kind, n.Spans, n.Errors, ms(n.Total), ms(n.Self)))
	}
	return strings.Join(lines, "\n")
}

// heatAnswer has a line a row: its durations, and the spans and errors of each
// of four columns.
func heatAnswer(t *testing.T, store scan.Store, text string) string {
	h, err := analysis.LatencyHeatMap(t.Context(), store.Snapshot(), search(t, text, noOptions(t)), 4, exec.DefaultLimits)
	if err != nil {
		t.Fatal(err)
	}
	lines := []string{fmt.Sprintf("%d spans from %s, columns of %s ms", h.Spans, at(h.Start), ms(h.Step))}
	for _, r := range h.Rows {
		lines = append(lines, fmt.Sprintf("%s to %s ms: %v, errors %v", ms(r.From), ms(r.To), r.Counts, r.Errors))
	}
	return strings.Join(lines, "\n")
}
