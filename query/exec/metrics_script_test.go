package exec_test

import (
	"fmt"
	"math"
	"math/rand/v2"
	"strconv"
	"strings"
	"testing"

	"github.com/kiseki-dev/kiseki/query/exec"
	"github.com/kiseki-dev/kiseki/query/traceql"
	"github.com/kiseki-dev/kiseki/storage/scan"
	"github.com/kiseki-dev/kiseki/storage/scan/scantest"
	"github.com/kiseki-dev/kiseki/telemetry"
)

// metricsAnswer is the series of "query [; [from ms] [to ms] [step ms]
// [exemplars n]]", whatever the layout of the spans. The time is from 0 to
// 1000 ms, in one interval where no step is given.
func metricsAnswer(t *testing.T, b *telemetry.Batch, line string) string {
	query, rest, _ := strings.Cut(line, " ; ")
	q := &exec.MetricsQuery{Start: epoch, End: epoch + 1_000_000_000}
	for options := strings.Fields(rest); len(options) > 1; options = options[2:] {
		n := number(t, options[1], 10)
		switch options[0] {
		case "from":
			q.Start = epoch + n*1_000_000
		case "to":
			q.End = epoch + n*1_000_000
		case "step":
			q.Step = n * 1_000_000
		case "exemplars":
			q.Exemplars = int(n)
		}
	}
	parsed, err := traceql.Parse(query)
	if err != nil {
		return problem(t, err)
	}
	q.Expr, q.Hints = parsed.Metrics, parsed.Hints
	text := seriesText(t, scantest.New(b), q)
	for seed := range uint64(10) {
		r := rand.New(rand.NewPCG(seed, 4))
		if again := seriesText(t, scantest.Split(b, r, 1+r.IntN(4), 1+r.IntN(3)), q); again != text {
			t.Errorf("%s\nin one place %s\nin several   %s", line, text, again)
		}
	}
	return text
}

func seriesText(t *testing.T, store scan.Store, q *exec.MetricsQuery) string {
	res, err := exec.Metrics(t.Context(), store.Snapshot(), q, exec.DefaultLimits)
	if err != nil {
		t.Fatal(err)
	}
	if len(res.Series) == 0 {
		return "nothing"
	}
	var lines []string
	for _, s := range res.Series {
		lines = append(lines, seriesLine(&s))
	}
	if !res.Stats.Complete {
		lines = append(lines, "incomplete: "+res.Stats.Reason)
	}
	return strings.Join(lines, "\n")
}

// seriesLine is the labels, the points ("-" for none) and the exemplars.
func seriesLine(s *exec.Series) string {
	var labels []string
	for _, l := range s.Labels {
		labels = append(labels, l.Name+"="+groupText(l.Value))
	}
	line := "{" + strings.Join(labels, ", ") + "}"
	for _, x := range s.Points {
		if math.IsNaN(x) {
			line += " -"
		} else {
			line += " " + strconv.FormatFloat(x, 'g', 12, 64)
		}
	}
	for _, x := range s.Exemplars {
		line += fmt.Sprintf(" @%x/%x:%g", x.TraceID[15], x.SpanID[7], x.Value)
	}
	return line
}
