package exec

import (
	"cmp"
	"errors"
	"slices"

	"github.com/kiseki-dev/kiseki/query/plan"
	"github.com/kiseki-dev/kiseki/query/traceql"
	"github.com/kiseki-dev/kiseki/storage/scan"
)

// The labels of compare, and what they say.
const (
	LabelMetaType  = "__meta_type"  // which spans the series counts
	LabelMetaError = "__meta_error" // that not all values of the field are told

	MetaBaseline       = "baseline"        // spans with the value that are not of the selection
	MetaSelection      = "selection"       // those that are
	MetaBaselineTotal  = "baseline_total"  // spans with any value of the field
	MetaSelectionTotal = "selection_total" // likewise
	MetaTooManyValues  = "__too_many_values__"
)

// The sides of a comparison.
const (
	baseline = iota
	selection
	sides
)

// comparedIntrinsics are the fields that every span is compared in, beside
// its own attributes, its resource's and its scope's.
var comparedIntrinsics = [...]scan.Intrinsic{
	scan.IntrinsicName, scan.IntrinsicKind, scan.IntrinsicStatus, scan.IntrinsicStatusMessage, scan.IntrinsicScopeName, scan.IntrinsicScopeVersion,
}

const (
	// maxCompared fields are compared, those that most spans have.
	maxCompared = 500
	// comparedValues of a field are counted by one worker, rare ones being
	// forgotten to make room; at least spareValues times those that are told.
	comparedValues = 1 << 13
	spareValues    = 4
)

// compare counts the spans of a pipeline by every field and value, those of
// the selection apart. Values are told that are among the TopN of one side.
// Counts are exact for a field with up to some thousands of values; of one with
// more, those of values that are rare over some stretch may be too low.
func (m *metrics) compare(x *traceql.Metrics) ([]Series, error) {
	p := plan.SpanMetrics(x)
	fields, err := m.comparedFields()
	if err != nil {
		return nil, err
	}
	n := workers(m.blocks)
	each := 16*m.grid.points + 128 // bytes a value
	room := max(m.limits.Memory/n/each, 1)
	if most := max(min(maxCompared, room/(spareValues*x.Compare.TopN)), 1); len(fields) > most {
		m.tooMany(most, "attributes to compare")
		fields = fields[:most]
	}
	most := min(comparedValues, room/len(fields))
	all := make([]*comparison, n)
	for i := range all {
		all[i] = &comparison{selector: newSelector(m, p), fields: fields, tables: make([]valueTable, len(fields)), weights: newWeights(m.hints)}
		for k := range all[i].tables {
			all[i].tables[k] = newValueTable(m.grid.points, max(most, spareValues*x.Compare.TopN))
		}
	}
	deal(m.blocks, n, func(worker int, b scan.Block) bool { return all[worker].visit(b) })
	began := m.clock()
	defer func() { m.took(stepCombine, began) }()
	for _, c := range all {
		m.join(c.run)
		for i := range c.tables {
			if c != all[0] {
				all[0].tables[i].merge(&c.tables[i])
			}
		}
	}
	if _, err := m.more(); err != nil {
		return nil, err
	}
	var out []Series
	for i, f := range fields {
		out = append(out, all[0].tables[i].series(f, x.Compare.TopN, 1/all[0].share)...)
	}
	if len(out) > m.limits.Series {
		m.tooMany(m.limits.Series, "series")
		out = out[:m.limits.Series]
	}
	return out, nil
}

// comparedFields are the intrinsics, and the attributes that most spans have.
func (m *metrics) comparedFields() (out []traceql.Field, err error) {
	for _, i := range comparedIntrinsics {
		out = append(out, traceql.Field{Field: scan.Field{Intrinsic: i}})
	}
	keys, err := m.keys(KeyQuery{Scope: scan.ScopeAny})
	if err != nil {
		return nil, err
	}
	slices.SortStableFunc(keys, func(a, b AttributeKey) int { return cmp.Compare(b.Spans, a.Spans) })
	for _, k := range keys {
		switch k.Scope {
		case scan.ScopeSpan, scan.ScopeResource, scan.ScopeInstrumentation:
			out = append(out, traceql.Field{Field: scan.Field{Scope: k.Scope, Key: k.Key}})
		}
	}
	return out, nil
}

// comparison counts blocks. It belongs to one goroutine at a time.
type comparison struct {
	selector
	fields []traceql.Field
	tables []valueTable // by field

	// Of the block at hand.
	weights weights
	codes   scan.Codes
	starts  scan.Rows
	picked  []pickedRow
	code    []uint32  // of each row picked
	counts  []float64 // by code, side and interval
}

// pickedRow is a span to count; its interval counts from the block's first.
type pickedRow struct {
	row, interval uint32
	side          int
	weight        float64
}

// maxCounts are held at a time: where a block has more values, sides and
// intervals, some of the intervals have their turn after others.
const maxCounts = 1 << 21

// visit adds a block; false means that the query is to end.
func (c *comparison) visit(b scan.Block) bool {
	c.scanned(b)
	err := c.addBlock(b)
	if errors.Is(err, scan.ErrStopped) {
		return false
	}
	if err != nil {
		c.damaged("compare block", err)
	}
	return !c.late()
}

func (c *comparison) addBlock(b scan.Block) error {
	sel := c.filter.get()
	defer c.filter.put(sel)
	from, err := c.rows(b, sel)
	if err != nil {
		return err
	}
	lo, hi := b.Bounds()
	first, _ := c.grid.interval(max(lo, c.grid.start))
	last, _ := c.grid.interval(min(hi, c.grid.end-1))
	n := last - first + 1 // intervals
	if err := c.pick(from, sel, first, n); err != nil || len(c.picked) == 0 {
		return err
	}
	began := c.clock()
	defer func() { c.took(stepAdd, began) }()
	for i, f := range c.fields {
		if err := c.read(from, f.Field); err != nil {
			return err
		}
		turn := max(maxCounts/(sides*(len(c.codes.Dict)+1)), 1)
		for at := 0; at < n; at += turn {
			m := min(turn, n-at)
			c.count(at, m)
			c.tables[i].add(f.Field, &c.codes, c.counts, first+at, m)
		}
	}
	return nil
}

// pick lists the rows of sel. Intervals count from the block's first, of n.
func (c *comparison) pick(from *columns, sel *scan.Bitmap, first, n int) error {
	c.picked = c.picked[:0]
	c.weights.begin()
	want := scan.ColStart
	if n == 1 {
		want = 0
	}
	var rows []uint32
	return c.filter.runs(sel, func(lo, hi int, words []uint64) error {
		if err := from.Rows(lo, hi, want, &c.starts); err != nil {
			return err
		}
		rows = appendRows(rows[:0], words)
		weights, err := c.weights.read(from, lo, hi, rows)
		if err != nil {
			return err
		}
		for k, i := range rows {
			p := pickedRow{row: uint32(lo) + i, weight: 1}
			if from.selected.Get(lo + int(i)) {
				p.side = selection
			}
			if n > 1 {
				interval, _ := c.grid.interval(c.starts.Start[i])
				p.interval = uint32(interval - first)
			}
			if weights != nil {
				p.weight = weights[k]
			}
			c.picked = append(c.picked, p)
		}
		return nil
	})
}

// read fills code with those of a field.
func (c *comparison) read(from *columns, f scan.Field) error {
	c.codes.Reset()
	c.code = c.code[:0]
	for picked := c.picked; len(picked) > 0; {
		if err := c.filter.stopped(); err != nil {
			return err
		}
		lo := int(picked[0].row) / runRows * runRows
		hi := min(lo+runRows, from.Len())
		if err := from.Codes(f, lo, hi, &c.codes); err != nil {
			return err
		}
		n := 0
		for n < len(picked) && int(picked[n].row) < hi {
			c.code = append(c.code, c.codes.Rows[int(picked[n].row)-lo])
			n++
		}
		picked = picked[n:]
	}
	return nil
}

// count fills counts with those of n intervals from the given one on.
func (c *comparison) count(first, n int) {
	size := (len(c.codes.Dict) + 1) * sides * n
	c.counts = slices.Grow(c.counts[:0], size)[:size]
	clear(c.counts)
	for k := range c.picked {
		p := &c.picked[k]
		if at := int(p.interval) - first; at >= 0 && at < n {
			c.counts[(int(c.code[k])*sides+p.side)*n+at] += p.weight
		}
	}
}
