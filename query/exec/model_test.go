package exec_test

import (
	"bytes"
	"cmp"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"github.com/kiseki-dev/kiseki/query/exec"
	"github.com/kiseki-dev/kiseki/query/querytest"
	"github.com/kiseki-dev/kiseki/query/traceql"
	"github.com/kiseki-dev/kiseki/storage/scan"
	"github.com/kiseki-dev/kiseki/storage/scan/scantest"
	"github.com/kiseki-dev/kiseki/telemetry"
	"github.com/kiseki-dev/kiseki/telemetry/telemetrytest"
)

// model answers from the syntax tree of a condition and the spans alone, without
// plan, blocks or bounds. For whole queries there is package querytest.
type model struct{ b *telemetry.Batch }

// holds evaluates e for span i of trace t.
func (m model) holds(e traceql.Expr, i int, t *exec.Summary) bool {
	switch e := e.(type) {
	case nil:
		return true
	case *traceql.Constant:
		return e.Value
	case *traceql.Not:
		return !m.holds(e.X, i, t)
	case *traceql.Binary:
		if e.Op == traceql.And {
			return m.holds(e.Left, i, t) && m.holds(e.Right, i, t)
		}
		return m.holds(e.Left, i, t) || m.holds(e.Right, i, t)
	}
	c := e.(*traceql.Comparison)
	p := scan.Predicate{Field: c.Field.Field, Op: c.Op}
	switch c.Op {
	case scan.OpMatch, scan.OpNotMatch:
		p.Regex = c.Regex()
	case scan.OpExists, scan.OpAbsent:
		if c.Field.Intrinsic == scan.IntrinsicParentID {
			return m.b.Spans[i].ParentID.IsZero() == (c.Op == scan.OpAbsent)
		}
		if c.Field.Intrinsic == scan.IntrinsicStatusMessage {
			return (m.b.Spans[i].StatusMessage == "") == (c.Op == scan.OpAbsent)
		}
	default:
		p.Value = c.Value()
	}
	switch c.Field.Trace {
	case traceql.TraceDuration:
		return p.Holds(telemetry.IntValue(int64(t.Duration)))
	case traceql.TraceRootName:
		return p.Holds(telemetry.StringValue(t.RootName))
	case traceql.TraceRootService:
		return p.Holds(telemetry.StringValue(t.RootService))
	}
	return scantest.Holds(m.b, i, &p)
}

// distinct is the spans of each trace without copies.
func (m model) distinct() map[telemetry.TraceID][]int {
	out, seen := map[telemetry.TraceID][]int{}, map[string]bool{}
	for i := range m.b.Spans {
		if text := telemetrytest.DumpSpan(m.b, i); !seen[text] {
			seen[text] = true
			out[m.b.Spans[i].TraceID] = append(out[m.b.Spans[i].TraceID], i)
		}
	}
	return out
}

func (m model) summary(id telemetry.TraceID, rows []int) exec.Summary {
	t := exec.Summary{ID: id, Start: m.b.Spans[rows[0]].Start}
	ids := map[telemetry.SpanID]bool{}
	for _, i := range rows {
		ids[m.b.Spans[i].SpanID] = true
		t.Start = min(t.Start, m.b.Spans[i].Start)
	}
	var root *telemetry.Span
	for _, i := range rows {
		s := &m.b.Spans[i]
		t.Duration = max(t.Duration, s.Start+s.Duration()-t.Start)
		service := m.b.ServiceName(s.Resource)
		at := slices.IndexFunc(t.Services, func(c exec.ServiceCount) bool { return c.Name == service })
		if at < 0 {
			at = len(t.Services)
			t.Services = append(t.Services, exec.ServiceCount{Name: service})
		}
		t.Spans++
		t.Services[at].Spans++
		if s.Status == telemetry.StatusError {
			t.Errors++
			t.Services[at].Errors++
		}
		orphan := s.ParentID.IsZero() || !ids[s.ParentID]
		if orphan && (root == nil || s.Start < root.Start || s.Start == root.Start && bytes.Compare(s.SpanID[:], root.SpanID[:]) < 0) {
			root = s
			t.RootName, t.RootService, t.RootMissing = s.Name, service, !s.ParentID.IsZero()
		}
	}
	slices.SortFunc(t.Services, func(a, b exec.ServiceCount) int {
		return cmp.Or(b.Spans-a.Spans, strings.Compare(a.Name, b.Name))
	})
	return t
}

// randomBatch has close starts, some equal, parents that are missing, and
// spans sent twice.
func randomBatch(r *rand.Rand, n int) *telemetry.Batch {
	b := telemetrytest.Random(r.Uint64(), n)
	for i := range b.Spans {
		s := &b.Spans[i]
		d := s.Duration()
		s.Start = 1_790_000_000_000_000_000 + uint64(r.IntN(40))*1000
		s.End = s.Start + d%100_000
	}
	for range n / 8 {
		b.Spans = append(b.Spans, b.Spans[r.IntN(n)])
	}
	for range n / 20 {
		i := r.IntN(len(b.Spans))
		b.Spans = slices.Delete(b.Spans, i, i+1)
	}
	r.Shuffle(len(b.Spans), func(i, j int) { b.Spans[i], b.Spans[j] = b.Spans[j], b.Spans[i] })
	return b
}

var atoms = []string{
	`name = "GET /cart"`, `name != "SELECT"`, `name =~ ".*a.*"`, `status = error`, `kind != server`, `duration > 30µs`, `statusMessage = nil`,
	`span:parentID = nil`, `resource.service.name = "cart"`, `resource.service.name !~ "c.*|p.*"`, `span.user.id0 != nil`, `.http.route1 = "GET"`,
	`.http.route0 = nil`, `.db.query.text1 > 0`, `.user.id2 <= 0.25`, `span.http.route0 =~ "G?ET|"`, `event:name = "exception"`, `event:name = nil`,
	`event.user.id0 != nil`, `link.鍵0 = nil`, `event.http.route0 != "GET"`, `instrumentation:name = "net/http"`, `instrumentation.user.id0 = nil`,
	`trace:duration > 50µs`, `rootName =~ "GET.*"`, `rootServiceName != "cart"`, `true`, `false`, `.user.id0 = true`, `span:traceState = "ot=th:c"`,
}

func randomExpr(r *rand.Rand, depth int) string {
	switch n := r.IntN(8); {
	case depth == 0 || n < 2:
		return atoms[r.IntN(len(atoms))]
	case n < 3:
		return "!(" + randomExpr(r, depth-1) + ")"
	case n < 6:
		return "(" + randomExpr(r, depth-1) + " && " + randomExpr(r, depth-1) + ")"
	}
	return "(" + randomExpr(r, depth-1) + " || " + randomExpr(r, depth-1) + ")"
}

// TestOddValues: the search, asked for what every type and size of value is.
func TestOddValues(t *testing.T) {
	for seed := range uint64(12) {
		r := rand.New(rand.NewPCG(seed, 1))
		b := randomBatch(r, 30+r.IntN(200))
		ref := querytest.New(b)
		for range 12 {
			checkSearch(t, r, ref, "{"+randomExpr(r, 3)+"}", scantest.New(b), scantest.Split(b, r, 1+r.IntN(5), 1+r.IntN(6)), scantest.Split(b, r, 3, 4))
		}
	}
}

// TestFindTrace: a trace comes back whole, once, parents first.
func TestFindTrace(t *testing.T) {
	for seed := range uint64(30) {
		r := rand.New(rand.NewPCG(seed, 2))
		b := randomBatch(r, 100)
		checkTraces(t, b, scantest.Split(b, r, 1+r.IntN(4), 3))
	}
}

// checkTraces finds every trace of b in the store.
func checkTraces(t *testing.T, b *telemetry.Batch, store scan.Store) {
	t.Helper()
	snap := store.Snapshot()
	defer snap.Release()
	for id, rows := range (model{b}).distinct() {
		got, err := exec.FindTrace(t.Context(), snap, id, exec.DefaultLimits)
		if err != nil || !got.Stats.Complete {
			t.Fatalf("find: %v, %+v", err, got)
		}
		want := *b
		want.Spans = nil
		for _, i := range rows {
			want.Spans = append(want.Spans, b.Spans[i])
		}
		if g, w := telemetrytest.Dump(&got.Batch), telemetrytest.Dump(&want); g != w {
			t.Fatalf("trace %s\ngot\n%s\nwant\n%s", id, g, w)
		}
		checkTree(t, got)
		for _, most := range []int{1, 3, len(rows)} {
			checkParts(t, snap, id, most, &want)
		}
	}
}

// checkParts: the parts of a trace have all of its spans, each once.
func checkParts(t *testing.T, snap scan.Snapshot, id telemetry.TraceID, most int, want *telemetry.Batch) {
	t.Helper()
	var got []string
	stats, err := exec.TraceParts(t.Context(), snap, id, exec.DefaultLimits, most, func(part *exec.Trace) error {
		if n := len(part.Batch.Spans); n == 0 || n > most {
			t.Errorf("a part of %d spans, at most %d", n, most)
		}
		got = append(got, dumpSpans(&part.Batch)...)
		return nil
	})
	if err != nil || !stats.Complete {
		t.Fatalf("parts: %v, %+v", err, stats)
	}
	slices.Sort(got)
	if w := dumpSpans(want); !slices.Equal(got, w) {
		t.Fatalf("trace %s in parts of %d\ngot\n%s\nwant\n%s", id, most, strings.Join(got, "\n"), strings.Join(w, "\n"))
	}
}

// dumpSpans is the text of each span, sorted.
func dumpSpans(b *telemetry.Batch) (spans []string) {
	for i := range b.Spans {
		one := *b
		one.Spans = b.Spans[i : i+1]
		spans = append(spans, telemetrytest.Dump(&one))
	}
	slices.Sort(spans)
	return spans
}

// checkTree checks what [exec.Trace] promises of the order of spans.
func checkTree(t *testing.T, tr *exec.Trace) {
	t.Helper()
	last := map[int32]uint64{} // the start of the child before, by parent
	for i, p := range tr.Parent {
		s := &tr.Batch.Spans[i]
		if p >= int32(i) {
			t.Fatalf("span %d stands before its parent %d", i, p)
		}
		if p >= 0 && tr.Batch.Spans[p].SpanID != s.ParentID {
			t.Fatalf("span %d has parent %s, not %s", i, tr.Batch.Spans[p].SpanID, s.ParentID)
		}
		if s.Start < last[p] {
			t.Fatalf("span %d starts before the sibling above it", i)
		}
		last[p] = s.Start
	}
}
