package exec_test

import (
	"testing"

	"github.com/kiseki-dev/kiseki/query/exec"
	"github.com/kiseki-dev/kiseki/telemetry"
)

// TestTracesApartAreWhole: who reads many traces looks up hardly any that lies
// in one place, and finds all of those that do not.
func TestTracesApartAreWhole(t *testing.T) {
	const traces = 3000
	together, apart := many(traces), &telemetry.Batch{}
	*apart = *together
	all := together.Spans
	together.Spans, apart.Spans = nil, nil
	for i, s := range all {
		if i%50 == 4 { // the last span of each tenth trace
			apart.Spans = append(apart.Spans, s)
		} else {
			together.Spans = append(together.Spans, s)
		}
	}
	store := openStore(t)
	for _, b := range []*telemetry.Batch{together, apart} {
		if _, err := store.Append(t.Context(), b); err != nil {
			t.Fatal(err)
		}
		if err := store.Flush(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
	snap := store.Snapshot()
	defer snap.Release()
	c := &counting{Snapshot: snap}
	type tally struct{ traces, spans int }
	sums, stats, err := exec.Traces(t.Context(), c, search(t, `{ nestedSetParent < 0 }`), exec.DefaultLimits, func() *tally { return &tally{} },
		func(sum *tally, w *exec.WholeTrace) error {
			sum.traces++
			sum.spans += len(w.Spans)
			return nil
		})
	if err != nil || !stats.Complete {
		t.Fatal(err, stats)
	}
	var got tally
	for _, sum := range sums {
		got.traces += sum.traces
		got.spans += sum.spans
	}
	if want := (tally{traces, 5 * traces}); got != want {
		t.Errorf("got %+v, want %+v", got, want)
	}
	if n := c.finds.Load(); n > traces {
		t.Errorf("asked %d times for %d traces, of which %d are apart", n, traces, traces/10)
	}
}
