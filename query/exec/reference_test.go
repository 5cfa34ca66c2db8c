package exec_test

import (
	"flag"
	"math/rand/v2"
	"testing"

	"github.com/kiseki-dev/kiseki/query/exec"
	"github.com/kiseki-dev/kiseki/query/plan"
	"github.com/kiseki-dev/kiseki/query/querytest"
	"github.com/kiseki-dev/kiseki/query/traceql"
	"github.com/kiseki-dev/kiseki/storage/scan"
	"github.com/kiseki-dev/kiseki/storage/scan/scantest"
	"github.com/kiseki-dev/kiseki/telemetry"
)

var queries = flag.Int("queries", 3000, "random queries to ask the reference too")

// TestAgreesWithReference: random queries over random traces in any layout,
// page by page, have the answers that their definition gives them.
func TestAgreesWithReference(t *testing.T) {
	asked := *queries
	if testing.Short() {
		asked /= 5
	}
	for n := 0; n < asked; {
		seed := uint64(n)
		r := rand.New(rand.NewPCG(seed, 1))
		b := querytest.RandomTraces(r, 10+r.IntN(90))
		ref := querytest.New(b)
		layouts := []scan.Store{scantest.New(b), scantest.Split(b, r, 1+r.IntN(5), 1+r.IntN(6))}
		for range 20 {
			n++
			undo := func() {}
			if haste := r.IntN(3); haste > 0 {
				undo = exec.Hasten(haste > 1)
			}
			checkSearch(t, r, ref, querytest.RandomQuery(r), layouts...)
			undo()
		}
		if t.Failed() {
			t.Fatalf("seed %d", seed)
		}
	}
}

// checkSearch asks the stores about all time or a part of it.
func checkSearch(t *testing.T, r *rand.Rand, ref *querytest.Reference, text string, stores ...scan.Store) {
	t.Helper()
	q, err := traceql.ParseSearch(text)
	if err != nil {
		t.Fatalf("%s: %v", text, err)
	}
	question := randomQuestion(r, q)
	for i, store := range stores {
		if err := ref.Check(t.Context(), store, question, 1+r.IntN(6)); err != nil {
			t.Errorf("layout %d: %v", i, err)
		}
	}
}

// TestTwins: spans that differ in an attribute alone have an order, which the
// layout does not change: it decides which of them is a parent.
func TestTwins(t *testing.T) {
	b := &telemetry.Batch{}
	for _, x := range []string{"3", "x", "0.1", "1e300", "-1e300"} {
		addSpan(t, b, "a/1 web GET 0+9 server ok span.x="+x)
		addSpan(t, b, "a/2<1 web call 1+1 client ok span.x="+x)
	}
	for _, query := range []string{
		`{ .x = 3 } > {} | select(.x)`, `{} | by(.x) | count() > 0`, `{} | sum(.x) != 0.7`, `{} | by(nestedSetLeft, .x)`,
	} {
		answer(t, b, query)
	}
}

// randomQuestion asks about all time or a part of it, for spansets or not.
func randomQuestion(r *rand.Rand, q *traceql.Query) querytest.Question {
	out := querytest.Question{Query: q, End: plan.All, SetSpans: r.IntN(2) * r.IntN(5)}
	if r.IntN(3) == 0 {
		unit := uint64(1_000_000) // as the traces asked about, see querytest.RandomTraces and randomBatch
		if r.IntN(2) == 0 {
			unit = 1000
		}
		out.Start = querytest.Epoch + uint64(r.IntN(500))*unit
		out.End = out.Start + uint64(1+r.IntN(500))*unit
	}
	return out
}
