package exec_test

import (
	"context"
	"errors"
	"fmt"
	"math"
	"math/rand/v2"
	"strings"
	"testing"

	"github.com/kiseki-dev/kiseki/query/exec"
	"github.com/kiseki-dev/kiseki/query/plan"
	"github.com/kiseki-dev/kiseki/query/traceql"
	"github.com/kiseki-dev/kiseki/storage/scan"
	"github.com/kiseki-dev/kiseki/storage/scan/scantest"
	"github.com/kiseki-dev/kiseki/telemetry"
)

func metricsQuery(t *testing.T, text string) *exec.MetricsQuery {
	t.Helper()
	q, err := traceql.Parse(text)
	if err != nil {
		t.Fatal(err)
	}
	return &exec.MetricsQuery{Expr: q.Metrics, Hints: q.Hints, Start: epoch, End: epoch + 1_000_000_000}
}

// allSeries is an answer as text.
func allSeries(t *testing.T, snap scan.Snapshot, q *exec.MetricsQuery) string {
	t.Helper()
	res, err := exec.Metrics(t.Context(), snap, q, exec.DefaultLimits)
	if err != nil || !res.Stats.Complete {
		t.Fatalf("%v, %+v", err, res)
	}
	var lines []string
	for _, s := range res.Series {
		lines = append(lines, seriesLine(&s))
	}
	return strings.Join(lines, "\n")
}

// TestMetricsOfPipelines: whatever the layout, as many spans are counted as a
// search finds, and the series are the same.
func TestMetricsOfPipelines(t *testing.T) {
	for seed := range uint64(4) {
		r := rand.New(rand.NewPCG(seed, 7))
		b := randomBatch(r, 30+r.IntN(200))
		for i := range b.Spans {
			b.Spans[i].TraceState = "" // each counts once
		}
		stores := layouts(t, b, r)
		for range 8 {
			op := []string{">", ">>", "<", "<<", "~", "!>>", "!<", "&>>", "&~", "&&", "||"}[r.IntN(11)]
			spans := fmt.Sprintf("{%s} %s {%s}", randomExpr(r, 1), op, randomExpr(r, 1))
			spans += []string{"", " | count() > 1", " | by(name) | max(duration) > 20us | {status != error}"}[r.IntN(3)]
			start, end := epoch+uint64(r.IntN(20))*1000, epoch+uint64(20+r.IntN(20))*1000
			q, err := traceql.ParseSearch(spans)
			if err != nil {
				t.Fatal(err)
			}
			p := plan.Search{Start: start, End: end, Limit: 1000}
			p.Filter, p.Spans = plan.Pipeline(q.Spans, true)
			found := 0
			res, err := exec.Search(t.Context(), stores[0].Snapshot(), &p, exec.DefaultLimits)
			if err != nil || res.Next != nil {
				t.Fatalf("search: %v, %+v", err, res)
			}
			for i := range res.Traces {
				found += res.Traces[i].Matched
			}
			for _, f := range []string{
				"count_over_time() by (name, rootName)", "sum_over_time(duration - childCount) by (kind)", "compare({ childCount > 0 || " + randomExpr(r, 1) + " }, 3)",
			} {
				m := metricsQuery(t, spans+" | "+f)
				m.Start, m.End, m.Step = start, end, 7000
				var first string
				for layout, store := range stores {
					snap := store.Snapshot()
					text := allSeries(t, snap, m)
					if layout == 0 {
						first = text
					}
					count := metricsQuery(t, spans+" | count_over_time()")
					count.Start, count.End = start, end
					if got, want := allSeries(t, snap, count), fmt.Sprintf("{} %d", found); got != want || text != first {
						t.Fatalf("seed %d, layout %d, %s | %s\ncount is %s, a search finds %s\n%s\nelsewhere\n%s", seed, layout, spans, f, got, want, text, first)
					}
					snap.Release()
				}
			}
		}
	}
}

// TestCompareCountsAll: the totals of a field are the spans that have it, and
// its values and those that are not told add up to them, also when values are
// forgotten for want of room.
func TestCompareCountsAll(t *testing.T) {
	b := many(4000)
	for i := range b.Spans {
		b.Spans[i].Name = fmt.Sprint("op ", i)
		if i%5 == 0 {
			b.Spans[i].Name = "common"
		}
	}
	q := metricsQuery(t, `{} | compare({ resource.service.name = "cart" }, 3)`)
	q.End = epoch + 10_000_000_000
	limits := exec.DefaultLimits
	limits.Memory = 1 << 20
	res, err := exec.Metrics(t.Context(), scantest.Sorted(b, 3).Snapshot(), q, limits)
	if err != nil {
		t.Fatal(err)
	}
	sums := map[string]float64{}
	for _, s := range res.Series {
		if s.Labels[1].Name == "name" {
			sums[s.Labels[0].Value.Value.Str()] += s.Points[0]
			if v := s.Labels[1].Value; v.Value.Str() == "common" {
				sums["common"] += s.Points[0]
			}
		}
	}
	told := sums[exec.MetaBaseline] + sums[exec.MetaSelection] + sums[exec.MetaTooManyValues]
	if n := float64(len(b.Spans)); sums[exec.MetaBaselineTotal]+sums[exec.MetaSelectionTotal] != n || told != n || sums["common"] != n/5 {
		t.Errorf("%v: of %v spans", sums, n)
	}
}

// TestCompareInTurns: a block with too many values and intervals to be counted
// at once.
func TestCompareInTurns(t *testing.T) {
	b := many(1000)
	for i := range b.Spans {
		b.Spans[i].Name = fmt.Sprint("op ", i%3000)
	}
	q := metricsQuery(t, `{} | compare({ name = "op 2001" }, 1)`)
	q.Step = 1_000_000 // there are five spans in each
	res, err := exec.Metrics(t.Context(), scantest.New(b).Snapshot(), q, exec.DefaultLimits)
	if err != nil {
		t.Fatal(err)
	}
	for _, s := range res.Series {
		if s.Labels[1].Name != "name" {
			continue
		}
		switch at := 2001 / 5; s.Labels[0].Value.Value.Str() {
		case exec.MetaSelection:
			if s.Points[at] != 1 || s.Points[at-1] != 0 {
				t.Errorf("the selection is at the wrong time: %v", s.Points)
			}
		case exec.MetaBaselineTotal:
			if s.Points[at] != 4 || s.Points[at-1] != 5 {
				t.Errorf("totals of the baseline: %v", s.Points)
			}
		}
	}
}

// TestSampleHint: a share of the traces stands for all, and the answer says
// how large it is.
func TestSampleHint(t *testing.T) {
	snap := scantest.Sorted(many(4000), 9).Snapshot()
	for text, want := range map[string]float64{
		"{} | count_over_time() with(sample=0.25)": 20_000, "{} > {} || {} | count_over_time() with(sample=0.25)": 20_000,
		"{} | sum_over_time(.x) with(trace_sample=0.25)": math.NaN(), "{} | count_over_time() with(sample=true)": 20_000,
	} {
		q := metricsQuery(t, text)
		q.End = epoch + 10_000_000_000
		res, err := exec.Metrics(t.Context(), snap, q, exec.DefaultLimits)
		if err != nil {
			t.Fatal(err)
		}
		if share := 0.25; strings.Contains(text, "true") && res.Share != 1 || !strings.Contains(text, "true") && res.Share != share {
			t.Errorf("%s: the share is %v", text, res.Share)
		}
		if math.IsNaN(want) {
			continue
		}
		if got := res.Series[0].Points[0]; math.Abs(got-want) > want/10 || got == want && res.Share < 1 {
			t.Errorf("%s: %v, want about %v", text, got, want)
		}
	}
}

// TestMetricsLimits: what does not fit makes the answer incomplete, but too
// many points are refused.
func TestMetricsLimits(t *testing.T) {
	b := many(200)
	for i := range b.Spans {
		b.Spans[i].Name = fmt.Sprint(i)
		b.Spans[i].End = b.Spans[i].Start + uint64(i)*uint64(i)
	}
	snap := scantest.Sorted(b, 4).Snapshot()
	for _, c := range []struct {
		name, query string
		limit       func(*exec.Limits)
		reason      string
		least, most int // series
	}{
		{"series", "{} | rate() by (name)", func(l *exec.Limits) { l.Series = 10 }, "there are more than 10 series", 10, 10},
		{"memory", "{} | rate() by (name)", func(l *exec.Limits) { l.Memory = 1000 }, "memory", 10, 100},
		{"memory of quantiles", "{} | quantile_over_time(duration, .5) by (name)", func(l *exec.Limits) { l.Memory = 50_000 }, "memory", 10, 400},
		{"series of compare", "{} | compare({}, 20)", func(l *exec.Limits) { l.Series = 3 }, "there are more than 3 series", 3, 3},
		{"attributes", "{} | compare({}, 20)", func(l *exec.Limits) { l.Memory = 30_000 }, "attributes to compare", 3, 100},
		{"time", "{} | rate() by (name)", func(l *exec.Limits) { l.Time = -1 }, "longer", 0, 0},
	} {
		limits := exec.DefaultLimits
		c.limit(&limits)
		res, err := exec.Metrics(t.Context(), snap, metricsQuery(t, c.query), limits)
		if err != nil || res.Stats.Complete || !strings.Contains(res.Stats.Reason, c.reason) || len(res.Series) < c.least || len(res.Series) > c.most {
			t.Errorf("%s: %v, %d series, %+v", c.name, err, len(res.Series), res.Stats)
		}
	}
	q := metricsQuery(t, "{} | rate()")
	q.Step = 1
	var wrong *exec.RangeError
	if _, err := exec.Metrics(t.Context(), snap, q, exec.DefaultLimits); !errors.As(err, &wrong) || !strings.Contains(wrong.Why, "longer step") {
		t.Errorf("points: %v", err)
	}
	q.Start = q.End
	if _, err := exec.Metrics(t.Context(), snap, q, exec.DefaultLimits); !errors.As(err, &wrong) {
		t.Errorf("no time: %v", err)
	}
	ctx, cancel := context.WithCancelCause(t.Context())
	cause := errors.New("the client went away")
	cancel(cause)
	if _, err := exec.Metrics(ctx, snap, metricsQuery(t, "{} >> {} | rate()"), exec.DefaultLimits); !errors.Is(err, cause) {
		t.Errorf("cancel: %v", err)
	}
	res, err := exec.Metrics(t.Context(), damagedSnapshot{snap}, metricsQuery(t, `{ name != "1" } | rate()`), exec.DefaultLimits)
	if err != nil || res.Stats.Complete || res.Stats.Damage == nil {
		t.Errorf("damage: %v, %+v", err, res)
	}
}

// TestWeights: thresholds of OpenTelemetry's probability sampling, and what is
// none.
func TestWeights(t *testing.T) {
	for state, want := range map[string]float64{
		"": 1, "ot=th:0": 1, "ot=th:8": 2, "ot=th:c": 4, "ot=th:fd70a": 99.9977, "vendor=1, ot=rv:ab;th:c,x=y": 4, "ot=th:ffffffffffffff": 1 << 56,
		"ot=th:": 1, "ot=th:g": 1, "ot=th:000000000000001": 1, "th:8": 1, "ot=rv:8": 1,
	} {
		b := &telemetry.Batch{Resources: make([]telemetry.Resource, 1), Scopes: make([]telemetry.Scope, 1)}
		b.Spans = []telemetry.Span{{TraceState: state, Start: epoch, End: epoch + 1e9}}
		res, err := exec.Metrics(t.Context(), scantest.New(b).Snapshot(), metricsQuery(t, "{} | count_over_time()"), exec.DefaultLimits)
		if err != nil || math.Abs(res.Series[0].Points[0]-want) > want/1e6 {
			t.Errorf("%q: %v, %v, want %v", state, err, res.Series[0].Points, want)
		}
	}
}
