package exec_test

import (
	"fmt"
	"math/rand/v2"
	"sync/atomic"
	"testing"

	"github.com/kiseki-dev/kiseki/query/exec"
	"github.com/kiseki-dev/kiseki/query/plan"
	"github.com/kiseki-dev/kiseki/query/traceql"
)

// TestMetricsOfDigests: series of blocks in which spans resemble each other are
// those of their rows, whether the steps are longer or shorter than a block.
func TestMetricsOfDigests(t *testing.T) {
	var digests atomic.Int64 // blocks are dealt to several goroutines
	for seed := range uint64(2) {
		r := rand.New(rand.NewPCG(seed, 9))
		b := randomBatch(r, 30)
		once := b.Spans
		for i := range 100 {
			for _, s := range once {
				s.TraceID[0], s.SpanID[0] = s.TraceID[0]+byte(i), s.SpanID[0]^byte(i)
				s.End = s.Start + s.Duration()>>(i%16)
				if i%5 == 0 { // powers of two end a bucket of histogram_over_time
					s.End = s.Start + 1<<(i%40)
				}
				b.Spans = append(b.Spans, s)
			}
		}
		store := openStore(t)
		if _, err := store.Append(t.Context(), part(b, 0, len(b.Spans))); err != nil {
			t.Fatal(err)
		}
		if err := store.Flush(t.Context()); err != nil {
			t.Fatal(err)
		}
		snap := store.Snapshot()
		start, end := b.Spans[0].Start, b.Spans[0].Start+1
		for i := range b.Spans {
			start, end = min(start, b.Spans[i].Start), max(end, b.Spans[i].Start+1)
		}
		for _, form := range []string{
			"rate()", "count_over_time() by (name, status)", "min_over_time(duration) by (kind)", "max_over_time(duration)",
			"quantile_over_time(duration, .1, .5, .99) by (kind)", "histogram_over_time(duration)", "histogram_over_time(duration) by (resource.service.name)",
		} {
			for _, steps := range []uint64{0, 1, 3, 7} {
				text := "{" + randomExpr(r, 1) + "} | " + form
				q, err := traceql.Parse(text)
				if err != nil {
					t.Fatal(err)
				}
				if x, ok := q.Metrics.(*traceql.Metrics); ok && plan.SpanMetrics(x).OfTrace {
					continue
				}
				ask := exec.MetricsQuery{Expr: q.Metrics, Start: start - 5, End: end + 3}
				if steps > 0 {
					ask.Step = (ask.End-ask.Start)/steps + 1
				}
				got, err := exec.Metrics(t.Context(), plainSnapshot{Snapshot: snap, digests: &digests}, &ask, exec.DefaultLimits)
				if err != nil {
					t.Fatal(err)
				}
				want, err := exec.Metrics(t.Context(), plainSnapshot{Snapshot: snap}, &ask, exec.DefaultLimits)
				if err != nil {
					t.Fatal(err)
				}
				if g, w := fmt.Sprint(got.Series), fmt.Sprint(want.Series); g != w {
					t.Fatalf("seed %d, %d steps, %s\ngot\n%s\nfrom rows\n%s", seed, steps, text, g, w)
				}
			}
		}
		snap.Release()
	}
	if digests.Load() < 20 {
		t.Errorf("only %d answers come from a digest", digests.Load())
	}
}
