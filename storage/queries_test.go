package storage

import (
	"flag"
	"math/rand/v2"
	"testing"

	"github.com/kiseki-dev/kiseki/query/plan"
	"github.com/kiseki-dev/kiseki/query/querytest"
	"github.com/kiseki-dev/kiseki/query/traceql"
	"github.com/kiseki-dev/kiseki/telemetry"
)

var queries = flag.Int("queries", 400, "random queries to ask the reference too")

// TestQueries: random queries over stores that came by their spans in random
// ways, which restarts, flushes and compactions are, have the answers that
// their definition gives them.
func TestQueries(t *testing.T) {
	for n := 0; n < *queries; n += 40 {
		seed := uint64(n)
		r := rand.New(rand.NewPCG(seed, 6))
		src := querytest.RandomTraces(r, 50+r.IntN(250))
		ref := querytest.New(src)
		s, how := laidOut(t, r, src)
		for range 40 {
			text := querytest.RandomQuery(r)
			q, err := traceql.ParseSearch(text)
			if err != nil {
				t.Fatalf("%s: %v", text, err)
			}
			if err := ref.Check(t.Context(), s, querytest.Question{Query: q, End: plan.All, SetSpans: r.IntN(2) * 4}, 1+r.IntN(9)); err != nil {
				t.Fatalf("seed %d, %s: %v", seed, how, err)
			}
		}
		askForSeries(t, r, querytest.Distinct(src))
		closeStore(t, s)
	}
}

// askForSeries asks a store with the spans of src, of which there are no
// copies, for series.
func askForSeries(t *testing.T, r *rand.Rand, src *telemetry.Batch) {
	t.Helper()
	s, how := laidOut(t, r, src)
	defer closeStore(t, s)
	ref := querytest.New(src)
	snap := s.Snapshot()
	defer snap.Release()
	for range 40 {
		text := querytest.RandomMetrics(r)
		q, err := traceql.Parse(text)
		if err != nil {
			t.Fatalf("%s: %v", text, err)
		}
		ask := querytest.MetricsQuestion{Query: q, Start: querytest.Epoch, End: querytest.Epoch + 1_000_000_000, Exemplars: r.IntN(2) * 9}
		ask.Step = uint64(r.IntN(2)) * uint64(10_000_000+r.IntN(400_000_000))
		if err := ref.CheckMetrics(t.Context(), snap, ask); err != nil {
			t.Fatalf("%s: %v", how, err)
		}
	}
}
