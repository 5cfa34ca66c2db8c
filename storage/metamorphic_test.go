package storage

import (
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"

	"github.com/kiseki-dev/kiseki/query/exec"
	"github.com/kiseki-dev/kiseki/query/plan"
	"github.com/kiseki-dev/kiseki/query/traceql"
	"github.com/kiseki-dev/kiseki/storage/scan"
	"github.com/kiseki-dev/kiseki/storage/scan/scantest"
	"github.com/kiseki-dev/kiseki/storage/vfs"
	"github.com/kiseki-dev/kiseki/telemetry"
	"github.com/kiseki-dev/kiseki/telemetry/telemetrytest"
)

// TestMetamorphic: the same spans in other batches and another order, over
// other shards, with flushes, compactions and restarts elsewhere, give the same
// answers, which are those of the reference model.
func TestMetamorphic(t *testing.T) {
	seeds := uint64(12)
	if testing.Short() {
		seeds = 3
	}
	for seed := range seeds {
		r := rand.New(rand.NewPCG(seed, 5))
		src := telemetrytest.Random(seed, 150+r.IntN(300))
		queries := []string{
			"{}", "{ status = error }", "{ kind = server && duration > 1ms }",
			fmt.Sprintf("{ name = %q }", src.Spans[r.IntN(len(src.Spans))].Name),
			fmt.Sprintf("{ resource.service.name = %q }", src.ServiceName(src.Spans[r.IntN(len(src.Spans))].Resource)),
		}
		want := queryAnswers(t, scantest.New(src), queries, src)
		for range 3 {
			s, what := laidOut(t, r, src)
			if got := queryAnswers(t, s, queries, src); got != want {
				t.Fatalf("seed %d, %s:\n%s", seed, what, diff(got, want))
			}
			closeStore(t, s)
		}
	}
}

// laidOut is a store with the spans of src, come by in a random way, which it
// tells.
func laidOut(t *testing.T, r *rand.Rand, src *telemetry.Batch) (*Store, string) {
	o := options(vfs.NewMem(0))
	o.Shards = 1 + r.IntN(5)
	how := []string{fmt.Sprint(o.Shards, " shards")}
	s := open(t, o)
	order := r.Perm(len(src.Spans))
	for len(order) > 0 {
		n := min(len(order), 1+r.IntN(80))
		b := *src
		b.Spans = nil
		for _, i := range order[:n] {
			b.Spans = append(b.Spans, src.Spans[i])
		}
		order = order[n:]
		add(t, s, &b)
		how = append(how, fmt.Sprint(n))
		switch r.IntN(5) {
		case 0:
			how = append(how, "flush")
			flush(t, s)
		case 1:
			how = append(how, "restart")
			closeStore(t, s)
			o.Shards = 1 + r.IntN(5)
			s = open(t, o)
		case 2:
			if len(numbers(s)) > 1 {
				how = append(how, "compact")
				if _, err := s.rewrite(t.Context(), rewriteJob{inputs: numbers(s)}); err != nil {
					t.Fatal(err)
				}
			}
		}
	}
	return s, strings.Join(how, " ")
}

// queryAnswers are the answers to queries, page by page, and some traces, as
// text.
func queryAnswers(t *testing.T, s scan.Store, queries []string, src *telemetry.Batch) string {
	t.Helper()
	var out strings.Builder
	snap := s.Snapshot()
	defer snap.Release()
	for _, text := range queries {
		q, err := traceql.ParseFilter(text)
		if err != nil {
			t.Fatal(err)
		}
		p := plan.Search{Filter: plan.Filter(q), End: plan.All, Limit: 7}
		for {
			res, err := exec.Search(t.Context(), snap, &p, exec.DefaultLimits)
			if err != nil || !res.Stats.Complete {
				t.Fatalf("%s: %v, %+v", text, err, res.Stats)
			}
			for _, tr := range res.Traces {
				fmt.Fprintf(&out, "%s: %s %d %d spans %d errors %d matched %s %s\n", text, tr.ID, tr.Start, tr.Spans, tr.Errors, tr.Matched, tr.RootService, tr.RootName)
			}
			if res.Next == nil {
				break
			}
			p.After = res.Next
		}
	}
	for i := 0; i < len(src.Spans); i += 17 {
		tr, err := exec.FindTrace(t.Context(), snap, src.Spans[i].TraceID, exec.DefaultLimits)
		if err != nil {
			t.Fatal(err)
		}
		out.WriteString(telemetrytest.Dump(&tr.Batch))
	}
	return out.String()
}
