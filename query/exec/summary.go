package exec

import (
	"cmp"
	"math"
	"slices"

	"github.com/kiseki-dev/kiseki/query/plan"
	"github.com/kiseki-dev/kiseki/query/traceql"
	"github.com/kiseki-dev/kiseki/storage/scan"
	"github.com/kiseki-dev/kiseki/telemetry"
)

// Summary describes a whole trace.
type Summary struct {
	ID          telemetry.TraceID
	RootService string // of the earliest span whose parent is not in the trace
	RootName    string
	RootMissing bool   // that span names a parent
	Orphans     int    // spans that name a parent which is not in the trace
	Start       uint64 // the earliest start
	Duration    uint64 // from Start to the latest end
	Spans       int
	Errors      int
	Matched     int // spans that satisfy the query, within its range of time
	Services    []ServiceCount
	Sets        []SpanSet // where the search asks for them
}

// nothing reports whether no span of a trace that was read satisfies the query
// after all: one that does is outdated.
func (t *Summary) nothing() bool { return t.Matched == 0 && t.Spans > 0 }

// SpanSet is a result of a query in a trace.
type SpanSet struct {
	Matched int // spans
	Traits  []Trait
	Spans   []SetSpan // the earliest ones
}

// SetSpan is a span of a [SpanSet].
type SetSpan struct {
	ID              telemetry.SpanID
	Start, Duration uint64 // Unix nanoseconds, nanoseconds
	Name, Service   string
	Values          []GroupValue // of the search's Fields
}

// ServiceCount is a service's share of a trace.
type ServiceCount struct {
	Name   string
	Spans  int
	Errors int
}

const summaryColumns = scan.ColSpanID | scan.ColParentID | scan.ColStart | scan.ColDuration |
	scan.ColKind | scan.ColStatus | scan.ColName | scan.ColService

// summaryRow is a span as far as a summary needs it.
type summaryRow struct {
	id, parent      telemetry.SpanID
	start, duration uint64
	kind            telemetry.Kind
	status          telemetry.Status
	name, service   string
	// twin tells apart rows that are equal in all this and of spans that are
	// not; it does not depend on where they are stored.
	twin int
}

// summarise reads the trace from wherever its pieces are; at is one of them,
// or none. Where found is not
// nil the plan asks nothing about the whole trace, and found is what is known
// of one piece: often that is the whole trace, and its rows need not be
// decided again.
func (s *search) summarise(id telemetry.TraceID, at piece, found *matchedPiece) Summary {
	v := s.whole(id, at)
	sum := v.trace()
	switch {
	case s.plan.Spans != nil || s.plan.SetSpans != 0 || plan.HasPlaceLeaves(s.plan.Filter):
		if err := s.evaluate(v); err != nil {
			s.damaged("evaluate trace "+id.String(), err)
		}
	case found != nil && len(v.pieces) == 1 && v.pieces[0] == found.piece && v.present.Count() == len(v.rows):
		sum.Matched = found.rows
	default:
		sum.Matched = s.matches(v)
	}
	return *sum
}

// whole reads all that relations in a trace, and questions about it, need; at
// is a piece of it, or none.
func (s *search) whole(id telemetry.TraceID, at piece) *view {
	rows, pieces := s.readRows(s.locate(id, at))
	v := &view{run: s.run, filter: &s.filter, cache: &s.cache, spans: s.plan.Spans, id: id, rows: rows, pieces: pieces}
	v.present.Reset(len(rows), true)
	if s.doubtful(rows) {
		for i, again := range s.copies(pieces, rows) {
			if again {
				v.present.Clear(i)
			}
		}
	}
	return v
}

// trace is the summary of the trace, but for what satisfies a query.
func (v *view) trace() *Summary {
	if v.summary != nil {
		return v.summary
	}
	sum := &Summary{ID: v.id}
	v.summary = sum
	ids := make(map[telemetry.SpanID]struct{}, len(v.rows))
	for i := range v.rows {
		ids[v.rows[i].id] = struct{}{}
	}
	services := map[string]int{}
	var end uint64
	var root *summaryRow
	for i := v.present.Next(0); i >= 0; i = v.present.Next(i + 1) {
		r := &v.rows[i]
		if sum.Spans == 0 || r.start < sum.Start {
			sum.Start = r.start
		}
		end = max(end, r.start+r.duration)
		sum.count(r, services)
		if _, here := ids[r.parent]; !here && !r.parent.IsZero() {
			sum.Orphans++
		}
		if root == nil || compareRoots(r, root, ids) < 0 {
			root = r
		}
	}
	if root != nil {
		sum.Duration = end - sum.Start
		sum.RootService, sum.RootName = root.service, root.name
		_, here := ids[root.parent]
		sum.RootMissing = !root.parent.IsZero() && !here
	}
	slices.SortFunc(sum.Services, func(a, b ServiceCount) int {
		return cmp.Or(cmp.Compare(b.Spans, a.Spans), cmp.Compare(a.Name, b.Name))
	})
	return sum
}

// count adds a span to the counts; services holds the place of each service.
func (t *Summary) count(r *summaryRow, services map[string]int) {
	at, ok := services[r.service]
	if !ok {
		at = len(t.Services)
		services[r.service] = at
		t.Services = append(t.Services, ServiceCount{Name: r.service})
	}
	t.Spans++
	t.Services[at].Spans++
	if r.status == telemetry.StatusError {
		t.Errors++
		t.Services[at].Errors++
	}
}

// readRows reads the pieces; one that cannot be read is left out of both
// results, and so are all that are left when time runs out. The rows are valid
// until the next call.
func (s *search) readRows(pieces []piece) (rows []summaryRow, read []piece) {
	rows = s.rowsRead[:0]
	defer func() {
		if len(rows) <= mostKept {
			s.rowsRead = rows
		}
	}()
	for _, p := range pieces {
		if s.late() {
			break
		}
		buf, at := &s.filter.rows, 0
		if s.cache.block == p.block {
			buf, at = &s.cache.rows, p.lo
		} else if err := p.block.Rows(p.lo, p.hi, summaryColumns, buf); err != nil {
			s.damaged("read rows", err)
			continue
		}
		read = append(read, p)
		rows = slices.Grow(rows, p.hi-p.lo)
		for i := at; i < at+p.hi-p.lo; i++ {
			rows = append(rows, summaryRow{
				buf.SpanID[i], buf.ParentID[i], buf.Start[i], buf.Duration[i], buf.Kind[i], buf.Status[i], buf.Name[i], buf.Service[i], 0,
			})
		}
	}
	return rows, read
}

// mostKept rows have their memory kept, and cleared, from trace to trace.
const mostKept = 1 << 12

// doubtful reports whether two rows are equal, so that they may be copies of
// one span, or have one ID and perhaps no end, so that one may be outdated.
func (s *search) doubtful(rows []summaryRow) bool {
	if s.ids == nil || len(s.ids) > mostKept {
		s.ids = make(map[telemetry.SpanID]struct{}, len(rows))
	}
	clear(s.ids)
	for i := range rows {
		s.ids[rows[i].id] = struct{}{}
	}
	if len(s.ids) == len(rows) {
		return false
	}
	distinct, open := make(map[summaryRow]struct{}, len(rows)), make(map[telemetry.SpanID]int)
	for i := range rows {
		distinct[rows[i]] = struct{}{}
		if rows[i].duration == 0 {
			open[rows[i].id] = 0
		}
	}
	if len(distinct) < len(rows) {
		return true
	}
	for i := range rows {
		if n, ok := open[rows[i].id]; ok && n > 0 {
			return true
		} else if ok {
			open[rows[i].id] = 1
		}
	}
	return false
}

// compareRoots orders spans by how well they serve as the root: first those
// whose parent is not in the trace, and of these the earliest. A span that
// names itself has no parent. Where all spans are in a circle the earliest is
// as good as any.
func compareRoots(a, b *summaryRow, ids map[telemetry.SpanID]struct{}) int {
	inner := func(r *summaryRow) int {
		if _, here := ids[r.parent]; here && r.parent != r.id && !r.parent.IsZero() {
			return 1
		}
		return 0
	}
	return cmp.Or(inner(a)-inner(b), compareRows(a, b))
}

// copies marks the rows of the pieces that repeat an earlier row in every
// field or are outdated, or is nil if that cannot be told. It numbers twins.
func (s *search) copies(pieces []piece, rows []summaryRow) []bool {
	b := s.load(pieces)
	if len(b.Spans) != len(rows) {
		return nil
	}
	again := repeated(b)
	alike := make(map[summaryRow][]int, len(rows))
	for i := range rows {
		if !again[i] {
			alike[rows[i]] = append(alike[rows[i]], i)
		}
	}
	for _, twins := range alike {
		if len(twins) < 2 {
			continue
		}
		content := make(map[int]string, len(twins))
		for _, i := range twins {
			content[i] = string(appendContent(nil, b, &b.Spans[i]))
		}
		slices.SortFunc(twins, func(i, j int) int { return cmp.Compare(content[i], content[j]) })
		for n, i := range twins {
			rows[i].twin = n
		}
	}
	return again
}

// matches counts the rows of the trace that satisfy the plan.
func (s *search) matches(v *view) (n int) {
	bound := v.trace().bind(s.plan.Filter)
	sel := s.filter.get()
	defer s.filter.put(sel)
	row := 0 // of the trace, over all pieces
	for pieces := v.pieces; len(pieces) > 0; {
		block, same := pieces[0].block, 1
		sel.Reset(block.Len(), false)
		for same < len(pieces) && pieces[same].block == block {
			same++
		}
		for _, p := range pieces[:same] {
			for i := p.lo; i < p.hi; i++ {
				if v.present.Get(row) {
					sel.Set(i)
				}
				row++
			}
		}
		if err := s.filter.narrowWithin(s.plan, bound, block, sel); err != nil {
			s.damaged("filter trace "+v.id.String(), err)
		} else {
			n += sel.Count()
		}
		pieces = pieces[same:]
	}
	return n
}

// bind is a filter with all that it asks about the trace answered.
func (t *Summary) bind(n plan.Node) plan.Node {
	return plan.Bind(n, func(l *plan.TraceLeaf) bool { return l.Predicate.Holds(t.field(l.Field)) })
}

// field is the value of a trace-level field.
func (t *Summary) field(f traceql.TraceField) telemetry.Value {
	switch f {
	case traceql.TraceDuration:
		return telemetry.IntValue(int64(min(t.Duration, math.MaxInt64)))
	case traceql.TraceRootName:
		return telemetry.StringValue(t.RootName)
	}
	return telemetry.StringValue(t.RootService)
}
