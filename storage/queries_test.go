package storage

import (
	"flag"
	"math/rand/v2"
	"testing"

	"github.com/kiseki-dev/kiseki/query/plan"
	"github.com/kiseki-dev/kiseki/query/querytest"
	"github.com/kiseki-dev/kiseki/query/traceql"
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
		closeStore(t, s)
	}
}
