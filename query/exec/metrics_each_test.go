package exec_test

import (
	"context"
	"errors"
	"math"
	"math/rand/v2"
	"testing"

	"github.com/kiseki-dev/kiseki/query/exec"
	"github.com/kiseki-dev/kiseki/query/traceql"
	"github.com/kiseki-dev/kiseki/storage/scan/scantest"
	"github.com/kiseki-dev/kiseki/telemetry"
	"github.com/kiseki-dev/kiseki/telemetry/telemetrytest"
)

// TestMetricsEach: in parts the answer is the one that Metrics has, and a part
// is the answer of its intervals.
func TestMetricsEach(t *testing.T) {
	parts := 0
	for seed := range uint64(20) {
		r := rand.New(rand.NewPCG(seed, 2))
		b := telemetrytest.Random(seed, 300)
		lo, hi := spread(b)
		snap := scantest.Split(b, r, 1+r.IntN(3), 1+r.IntN(4)).Snapshot()
		for _, text := range []string{
			"{} | rate()", "{} | count_over_time() by (status, kind)", "{ kind = server } | quantile_over_time(duration, .5, .9) by (resource.service.name)",
			"{} | max_over_time(duration)", "{} >> {} | rate() by (kind)", "{} | compare({ status = error })", "({} | rate() by (kind)) * 2", "{} | rate() by (kind) | topk(2)",
		} {
			query, err := traceql.Parse(text)
			if err != nil {
				t.Fatal(err)
			}
			q := &exec.MetricsQuery{Expr: query.Metrics, Hints: query.Hints, Start: lo, End: hi + 1, Step: (hi-lo)/40 + 1, Exemplars: r.IntN(50)}
			want, err := exec.Metrics(context.Background(), snap, q, exec.DefaultLimits)
			if err != nil {
				t.Fatal(err)
			}
			index := map[string]*exec.Series{}
			for i := range want.Series {
				index[exec.LabelsKey(want.Series[i].Labels)] = &want.Series[i]
			}
			got, err := exec.MetricsEach(context.Background(), snap, q, exec.DefaultLimits, func(part *exec.MetricsResult) error {
				parts++
				for _, s := range part.Series {
					whole := index[exec.LabelsKey(s.Labels)]
					if whole == nil && !empty(s.Points) {
						t.Fatalf("seed %d, %s: the answer has no series %v", seed, text, s.Labels)
					}
					at := int((part.Start - q.Start) / q.Step)
					for i, x := range s.Points {
						if !near(x, whole.Points[at+i]) {
							t.Fatalf("seed %d, %s: point %d of %v is %v, in the answer %v", seed, text, at+i, s.Labels, x, whole.Points[at+i])
						}
					}
				}
				return nil
			})
			if err != nil || len(got.Series) != len(want.Series) || got.Start != want.Start || got.Step != want.Step {
				t.Fatalf("seed %d, %s: %d series, want %d: %v", seed, text, len(got.Series), len(want.Series), err)
			}
			for i := range want.Series {
				if exec.LabelsKey(got.Series[i].Labels) != exec.LabelsKey(want.Series[i].Labels) {
					t.Fatalf("seed %d, %s: series %d is %v, want %v", seed, text, i, got.Series[i].Labels, want.Series[i].Labels)
				}
				for k, x := range got.Series[i].Points {
					if !near(x, want.Series[i].Points[k]) {
						t.Fatalf("seed %d, %s: point %d of %v is %v, want %v", seed, text, k, want.Series[i].Labels, x, want.Series[i].Points[k])
					}
				}
				if n := len(got.Series[i].Exemplars); n > q.Exemplars {
					t.Errorf("%d exemplars, more than %d", n, q.Exemplars)
				}
			}
		}
		snap.Release()
	}
	if parts == 0 {
		t.Error("no answer came in parts")
	}
}

// TestMetricsEachEnds: an error ends the query that meets it.
func TestMetricsEachEnds(t *testing.T) {
	b := telemetrytest.Random(1, 100)
	lo, hi := spread(b)
	snap := scantest.New(b).Snapshot()
	defer snap.Release()
	query, err := traceql.Parse("{} | rate()")
	if err != nil {
		t.Fatal(err)
	}
	enough := errors.New("enough")
	q := &exec.MetricsQuery{Expr: query.Metrics, Start: lo, End: hi + 1, Step: (hi-lo)/40 + 1}
	if _, err := exec.MetricsEach(context.Background(), snap, q, exec.DefaultLimits, func(*exec.MetricsResult) error { return enough }); !errors.Is(err, enough) {
		t.Error(err)
	}
}

func near(x, y float64) bool {
	return math.IsNaN(x) && math.IsNaN(y) || math.Abs(x-y) <= 1e-9*math.Abs(y)
}

func empty(points []float64) bool {
	for _, x := range points {
		if !math.IsNaN(x) {
			return false
		}
	}
	return true
}

// spread is the earliest and the latest start of a batch.
func spread(b *telemetry.Batch) (lo, hi uint64) {
	lo = math.MaxUint64
	for i := range b.Spans {
		lo, hi = min(lo, b.Spans[i].Start), max(hi, b.Spans[i].Start)
	}
	return lo, hi
}
