package exec_test

import (
	"context"
	"errors"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/kiseki-dev/kiseki/query/exec"
	"github.com/kiseki-dev/kiseki/query/plan"
	"github.com/kiseki-dev/kiseki/query/traceql"
	"github.com/kiseki-dev/kiseki/storage/scan/scantest"
	"github.com/kiseki-dev/kiseki/telemetry"
	"github.com/kiseki-dev/kiseki/telemetry/telemetrytest"
)

// TestSearchEach: the traces that are told one by one are those of the page,
// in its order, wherever spans are stored.
func TestSearchEach(t *testing.T) {
	for seed := range uint64(40) {
		r := rand.New(rand.NewPCG(seed, 1))
		snap := scantest.Split(telemetrytest.Random(seed, 300), r, 1+r.IntN(3), 1+r.IntN(6)).Snapshot()
		for _, text := range []string{"{}", "{ status = error }", "{} >> { kind = server } | count() > 1", "{ rootServiceName != nil }"} {
			query, err := traceql.ParseSearch(text)
			if err != nil {
				t.Fatal(err)
			}
			p := &plan.Search{End: plan.All, Limit: 1 + r.IntN(20), SetSpans: r.IntN(3)}
			p.Filter, p.Spans = plan.Pipeline(query.Spans, false)
			var told []telemetry.TraceID
			res, err := exec.SearchEach(context.Background(), snap, p, exec.DefaultLimits, func(s *exec.Summary) error {
				told = append(told, s.ID)
				return nil
			})
			if err != nil {
				t.Fatal(err)
			}
			want, err := exec.Search(context.Background(), snap, p, exec.DefaultLimits)
			if err != nil {
				t.Fatal(err)
			}
			if !slices.Equal(told, ids(res)) || !slices.Equal(told, ids(want)) {
				t.Fatalf("seed %d, %s: told %v, page %v, want %v", seed, text, told, ids(res), ids(want))
			}
		}
		snap.Release()
	}
}

// TestSearchEachEnds: an error ends the search that meets it, before it has
// looked at all that there is.
func TestSearchEachEnds(t *testing.T) {
	snap := scantest.Sorted(telemetrytest.Random(1, 3000), 50).Snapshot()
	defer snap.Release()
	enough := errors.New("enough")
	calls := 0
	_, err := exec.SearchEach(context.Background(), snap, &plan.Search{Filter: plan.Constant(true), End: plan.All, Limit: 1000}, exec.DefaultLimits,
		func(*exec.Summary) error {
			calls++
			return enough
		})
	if !errors.Is(err, enough) || calls != 1 {
		t.Errorf("%d calls, error %v", calls, err)
	}
}

func ids(res *exec.SearchResult) (out []telemetry.TraceID) {
	for i := range res.Traces {
		out = append(out, res.Traces[i].ID)
	}
	return out
}
