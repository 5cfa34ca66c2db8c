package exec_test

import (
	"testing"

	"github.com/kiseki-dev/kiseki/query/exec"
	"github.com/kiseki-dev/kiseki/query/plan"
	"github.com/kiseki-dev/kiseki/query/traceql"
	"github.com/kiseki-dev/kiseki/storage/scan"
	"github.com/kiseki-dev/kiseki/telemetry"
)

// reading is a snapshot of one source that counts the traces read.
type reading struct {
	scan.Snapshot
	traces int
}

type readSource struct {
	scan.Source
	r *reading
}

type readBlock struct {
	scan.Block
	scan.Lineage
	r *reading
}

func (r *reading) Sources() (out []scan.Source) {
	for _, s := range r.Snapshot.Sources() {
		out = append(out, readSource{s, r})
	}
	return out
}

func (s readSource) Blocks() (out []scan.Block) {
	for _, b := range s.Source.Blocks() {
		out = append(out, readBlock{b, b.(scan.Lineage), s.r})
	}
	return out
}

func (s readSource) Find(id telemetry.TraceID, f func(scan.Block, int, int) error) error {
	return s.Source.Find(id, func(b scan.Block, lo, hi int) error { return f(readBlock{b, b.(scan.Lineage), s.r}, lo, hi) })
}

func (b readBlock) Rows(lo, hi int, want scan.Columns, dst *scan.Rows) error {
	if hi-lo < b.Len() {
		b.r.traces++
	}
	return b.Block.Rows(lo, hi, want, dst)
}

// TestSieve: of traces whose spans are a chain from a to b to c, nearly all of
// those without a result are never looked at. The oldest trace has its spans
// the other way round, and one twice.
func TestSieve(t *testing.T) {
	const traces = 3000
	b := &telemetry.Batch{Scopes: make([]telemetry.Scope, 1), Resources: make([]telemetry.Resource, 1)}
	for i := range traces {
		names := []string{"a", "b", "c"}
		if i == 0 {
			names = []string{"c", "b", "a", "a"}
		}
		for j, name := range names {
			s := telemetry.Span{Name: name, Start: epoch + uint64(i)*1000 + uint64(j), End: epoch + uint64(i)*1000 + 9}
			s.TraceID = telemetry.TraceID{0: 1, 14: byte(i >> 8), 15: byte(i)}
			s.SpanID = telemetry.SpanID{6: 1, 7: byte(j)}
			if j > 0 {
				s.ParentID = telemetry.SpanID{6: 1, 7: byte(j - 1)}
			}
			b.Spans = append(b.Spans, s)
		}
	}
	store := openStore(t)
	if _, err := store.Append(t.Context(), b); err != nil {
		t.Fatal(err)
	}
	if err := store.Flush(t.Context()); err != nil {
		t.Fatal(err)
	}
	snap := store.Snapshot()
	defer snap.Release()
	for _, query := range []string{
		`{ name = "c" } > { name = "b" }`,
		`{ name = "c" } >> { name = "a" }`,
		`{ name = "b" } < { name = "c" }`,
		`{ name = "a" } << { name = "b" }`,
		`{ name = "b" } &> { name = "a" }`,
		`({ name = "c" } >> { name = "b" }) >> { name = "a" }`,
		`{ } | by(name) | count() > 1`,
		`{ name != "d" } | count() >= 4`,
		`{ } | by(kind) | by(name) | 1 < count()`,
		`{ name = "a" } | count() = 2`,
	} {
		q, err := traceql.ParseSearch(query)
		if err != nil {
			t.Fatal(err)
		}
		p := &plan.Search{End: plan.All, Limit: 10}
		p.Filter, p.Spans = plan.Pipeline(q.Spans, false)
		r := &reading{Snapshot: snap}
		got, err := exec.Search(t.Context(), r, p, exec.DefaultLimits)
		if err != nil || !got.Stats.Complete {
			t.Fatal(err, got.Stats)
		}
		if len(got.Traces) != 1 || got.Traces[0].Start != epoch {
			t.Errorf("%s: %d traces, want the oldest", query, len(got.Traces))
		}
		if r.traces > traces/20 {
			t.Errorf("%s: read %d traces of %d", query, r.traces, traces)
		}
	}
}
