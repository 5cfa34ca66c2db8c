package exec_test

import (
	"context"
	"errors"
	"math/rand/v2"
	"testing"

	"github.com/kiseki-dev/kiseki/query/exec"
	"github.com/kiseki-dev/kiseki/query/plan"
	"github.com/kiseki-dev/kiseki/query/traceql"
	"github.com/kiseki-dev/kiseki/telemetry"
)

// TestMatchingAgreesWithSearch: the traces that are found are those that a
// search without a limit finds.
func TestMatchingAgreesWithSearch(t *testing.T) {
	b := randomBatch(rand.New(rand.NewPCG(4, 4)), 300)
	s := openStore(t)
	for lo := 0; lo < len(b.Spans); lo += 60 {
		if _, err := s.Append(t.Context(), part(b, lo, lo+60)); err != nil {
			t.Fatal(err)
		}
		if err := s.Flush(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
	snap := s.Snapshot()
	defer snap.Release()
	for _, text := range []string{"", "{ status = error }", "{ kind = server && !(status = error) }", "{ trace:duration > 50ms && status = error }", "{ false }"} {
		q, err := traceql.ParseFilter(text)
		if err != nil {
			t.Fatal(err)
		}
		got := map[telemetry.TraceID]bool{}
		if err := exec.Matching(t.Context(), snap, traceql.FilterQuery(q).Spans, func(id telemetry.TraceID) { got[id] = true }); err != nil {
			t.Fatal(err)
		}
		found, err := exec.Search(t.Context(), snap, &plan.Search{Filter: plan.Filter(q), End: plan.All, Limit: 1000}, exec.DefaultLimits)
		if err != nil {
			t.Fatal(err)
		}
		for _, trace := range found.Traces {
			if !got[trace.ID] {
				t.Errorf("%s: trace %s is missing", text, trace.ID)
			}
		}
		if len(got) != len(found.Traces) {
			t.Errorf("%s: %d traces, a search finds %d", text, len(got), len(found.Traces))
		}
	}
	canceled, cancel := context.WithCancel(t.Context())
	cancel()
	if err := exec.Matching(canceled, snap, traceql.FilterQuery(nil).Spans, func(telemetry.TraceID) {}); !errors.Is(err, context.Canceled) {
		t.Errorf("canceled: %v", err)
	}
}
