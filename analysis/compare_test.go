package analysis_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/kiseki-dev/kiseki/analysis"
	"github.com/kiseki-dev/kiseki/query/exec"
	"github.com/kiseki-dev/kiseki/query/plan"
	"github.com/kiseki-dev/kiseki/query/traceql"
	"github.com/kiseki-dev/kiseki/storage/scan"
	"github.com/kiseki-dev/kiseki/telemetry/telemetrytest"
)

func valueText(v exec.GroupValue) string {
	if !v.Present {
		return "nil"
	}
	return telemetrytest.DumpValue(v.Value)
}

func valuesAnswer(t *testing.T, store scan.Store, text string) string {
	name, query, _ := strings.Cut(text, " ")
	field, err := traceql.ParseField(name)
	if err != nil {
		t.Fatal(err)
	}
	l, err := analysis.TopValues(t.Context(), store.Snapshot(), search(t, query, noOptions(t)), field.Field, 3, exec.DefaultLimits)
	if err != nil {
		t.Fatal(err)
	}
	lines := []string{fmt.Sprintf("%d spans, %d values", l.Spans, l.Distinct)}
	for _, v := range l.Values {
		lines = append(lines, fmt.Sprintf("%s: %d spans, %d errors, %s", valueText(v.GroupValue), v.Count, v.Errors, latency(v.Latency)))
	}
	return strings.Join(lines, "\n")
}

// compareAnswer has a line a difference.
func compareAnswer(t *testing.T, store scan.Store, text string) string {
	first, second, given := strings.Cut(text, " to ")
	var b *plan.Search
	if given {
		b = search(t, second, noOptions(t))
	}
	c, err := analysis.Compare(t.Context(), store.Snapshot(), search(t, first, noOptions(t)), b, 20, exec.DefaultLimits)
	if err != nil {
		t.Fatal(err)
	}
	lines := []string{fmt.Sprintf("%d spans and %d, %d of %d tests, without %v", c.SpansA, c.SpansB, c.Significant, c.Tests, c.Skipped)}
	for _, d := range c.Differences {
		line := traceql.Field{Field: d.Field}.String()
		if d.Numeric {
			line += fmt.Sprintf(": median %.4g and %.4g", d.QuantilesA[0], d.QuantilesB[0])
		} else {
			line += fmt.Sprintf(" = %s: %.3g %% and %.3g %%", valueText(d.GroupValue), 100*d.ShareA, 100*d.ShareB)
		}
		lines = append(lines, line+fmt.Sprintf(", effect %.3g, p %.2g, q %.2g", d.Effect, d.P, d.Q))
	}
	return strings.Join(lines, "\n")
}
