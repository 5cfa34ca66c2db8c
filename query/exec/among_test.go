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

// TestAmong: of all traces, those are found that a search finds, with the same
// summaries.
func TestAmong(t *testing.T) {
	b := telemetrytest.Random(5, 400)
	var all []telemetry.TraceID
	for i := range b.Spans {
		all = append(all, b.Spans[i].TraceID, telemetry.TraceID{1, 2, 3}) // one that is not there
	}
	for _, text := range []string{"{}", "{ status = error }", "{ status = error } && { kind = client }", "{ } | count() > 3", "{ traceDuration > 1s }", "{ false }"} {
		query, err := traceql.ParseSearch(text)
		if err != nil {
			t.Fatal(err)
		}
		p := &plan.Search{End: plan.All, Limit: 1000}
		p.Filter, p.Spans = plan.Pipeline(query.Spans, false)
		for seed := range uint64(3) {
			snap := scantest.Split(b, rand.New(rand.NewPCG(seed, 1)), 3, 2).Snapshot()
			want, err := exec.Search(t.Context(), snap, p, exec.DefaultLimits)
			if err != nil {
				t.Fatal(err)
			}
			got, err := exec.Among(t.Context(), snap, p, all, exec.DefaultLimits)
			if err != nil {
				t.Fatal(err)
			}
			if g, w := matchedOf(got.Traces), matchedOf(want.Traces); !slices.Equal(g, w) || !got.Stats.Complete || got.Read != len(all) {
				t.Errorf("%s: %d of %d traces, %d of %d ids read, %s", text, len(g), len(w), got.Read, len(all), got.Stats.Reason)
			}
		}
	}
}

type matchedTrace struct {
	id      telemetry.TraceID
	matched int
}

func matchedOf(traces []exec.Summary) (out []matchedTrace) {
	for i := range traces {
		out = append(out, matchedTrace{traces[i].ID, traces[i].Matched})
	}
	slices.SortFunc(out, func(a, b matchedTrace) int { return slices.Compare(a.id[:], b.id[:]) })
	return out
}

func TestAmongStops(t *testing.T) {
	b := telemetrytest.Random(6, 50)
	snap := scantest.New(b).Snapshot()
	p := &plan.Search{Filter: plan.Constant(true), End: plan.All, Limit: 1}
	ids := []telemetry.TraceID{b.Spans[0].TraceID, b.Spans[1].TraceID}
	limits := exec.DefaultLimits
	limits.Time = 1
	got, err := exec.Among(t.Context(), snap, p, ids, limits)
	if err != nil || got.Read != 0 || len(got.Traces) > 0 || got.Stats.Complete {
		t.Errorf("without time: %v, %+v", err, got)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := exec.Among(ctx, snap, p, ids, exec.DefaultLimits); !errors.Is(err, context.Canceled) {
		t.Errorf("cancelled: %v", err)
	}
}
