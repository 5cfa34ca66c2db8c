package exec_test

import (
	"flag"
	"math/rand/v2"
	"sync/atomic"
	"testing"

	"github.com/kiseki-dev/kiseki/query/querytest"
	"github.com/kiseki-dev/kiseki/query/traceql"
	"github.com/kiseki-dev/kiseki/storage/scan"
	"github.com/kiseki-dev/kiseki/storage/scan/scantest"
)

var metricsQueries = flag.Int("metrics-queries", 1600, "random metrics queries to ask the reference too")

// TestMetricsAgreeWithReference: random metrics queries over random traces in
// any layout, of any time and step, have the series that their definition
// gives them.
func TestMetricsAgreeWithReference(t *testing.T) {
	asked := *metricsQueries
	if testing.Short() {
		asked /= 5
	}
	for n := 0; n < asked; n += 20 {
		seed := uint64(n)
		r := rand.New(rand.NewPCG(seed, 11))
		b := querytest.RandomTraces(r, 10+r.IntN(150))
		ref := querytest.New(b)
		for layout, store := range []scan.Store{scantest.New(b), scantest.Split(b, r, 1+r.IntN(5), 1+r.IntN(6))} {
			for range 10 {
				checkMetrics(t, r, ref, store.Snapshot())
			}
			if t.Failed() {
				t.Fatalf("seed %d, layout %d", seed, layout)
			}
		}
	}
}

// TestMetricsOfTrafficAgreeWithReference: likewise over traces that resemble
// each other, in blocks that know them as digests.
func TestMetricsOfTrafficAgreeWithReference(t *testing.T) {
	asked := *metricsQueries / 4
	var digests atomic.Int64
	if testing.Short() {
		asked /= 5
	}
	for n := 0; n < asked; n += 50 {
		seed := uint64(n)
		r := rand.New(rand.NewPCG(seed, 12))
		b := querytest.Distinct(querytest.RandomTraffic(r, 1000+r.IntN(2000)))
		if r.IntN(2) == 0 { // traces in pieces
			r.Shuffle(len(b.Spans), func(i, j int) { b.Spans[i], b.Spans[j] = b.Spans[j], b.Spans[i] })
		}
		ref := querytest.New(b)
		store := openStore(t)
		for rest := b.Spans; len(rest) > 0; {
			k := min(len(rest), 300+r.IntN(1500))
			if _, err := store.Append(t.Context(), part(b, len(b.Spans)-len(rest), len(b.Spans)-len(rest)+k)); err != nil {
				t.Fatal(err)
			}
			if rest = rest[k:]; len(rest) == 0 && r.IntN(3) == 0 {
				break // some are in memory
			}
			if err := store.Flush(t.Context()); err != nil {
				t.Fatal(err)
			}
		}
		snap := store.Snapshot()
		for range 25 {
			checkMetrics(t, r, ref, snap)
			checkMetrics(t, r, ref, plainSnapshot{Snapshot: snap, digests: &digests})
		}
		snap.Release()
		if t.Failed() {
			t.Fatalf("seed %d", seed)
		}
	}
	if digests.Load() == 0 {
		t.Error("no answer comes from a digest")
	}
}

// checkMetrics asks about the whole time of the traces or a part of it.
func checkMetrics(t *testing.T, r *rand.Rand, ref *querytest.Reference, snap scan.Snapshot) {
	t.Helper()
	text := querytest.RandomMetrics(r)
	q, err := traceql.Parse(text)
	if err != nil {
		t.Fatalf("%s: %v", text, err)
	}
	if err := ref.CheckMetrics(t.Context(), snap, randomMetricsQuestion(r, q)); err != nil {
		t.Error(err)
	}
}

func randomMetricsQuestion(r *rand.Rand, q *traceql.Query) querytest.MetricsQuestion {
	const ms = 1_000_000
	out := querytest.MetricsQuestion{Query: q, Start: querytest.Epoch - 5*ms, End: querytest.Epoch + 1100*ms}
	if r.IntN(3) == 0 {
		out.Start = querytest.Epoch + uint64(r.IntN(500))*ms
		out.End = out.Start + uint64(1+r.IntN(500))*ms
	}
	if r.IntN(4) > 0 { // mostly steps that are no whole milliseconds, so that some cut blocks
		out.Step = (out.End-out.Start)/uint64(1+r.IntN(12)) + uint64(r.IntN(3))*333
	}
	if r.IntN(3) == 0 {
		out.Exemplars = 1 + r.IntN(40)
	}
	return out
}
