package segment

import (
	"cmp"
	"fmt"
	"slices"

	"github.com/kiseki-dev/kiseki/storage/column"
	"github.com/kiseki-dev/kiseki/storage/scan"
	"github.com/kiseki-dev/kiseki/telemetry"
)

// Most of what aggregations ask follows from a span's form and its service.
// So the spans of a block are added up once by these two, which makes some
// hundred cells of a block's tens of thousands of spans, and every question
// about fields that follow from form and service is answered from the cells.
// Where a question is about other columns with a dictionary, or about the
// instances of services, there are cells for these too.
//
// Series ask for the same by intervals of time, so cells may be cut at these.
//
// Cells are made by the first question that can be answered from them and kept
// in the cache, where they take a hundredth of the pages they are made from, or
// with durations a tenth.

// serviceKeys are the attributes of a resource that are the same for all
// instances of a service: cells are not made for each instance.
var serviceKeys = [...]string{"service.name", "service.namespace", "service.version", "deployment.environment.name", "deployment.environment"}

// sameService is for each resource the first one that equals it in all
// serviceKeys.
func sameService(resources []*entry) []uint32 {
	first := map[[len(serviceKeys)]telemetry.Value]uint32{}
	like := make([]uint32, len(resources))
	for i, x := range resources {
		var values [len(serviceKeys)]telemetry.Value
		for k, key := range serviceKeys {
			values[k], _ = x.lookup(key)
		}
		if _, ok := first[values]; !ok {
			first[values] = uint32(i)
		}
		like[i] = first[values]
	}
	return like
}

// agree reports whether a resource has the attribute exactly as the one that
// it is like.
func (e *entries) agree(key string) bool {
	for i, j := range e.like {
		v, ok := e.list[i].lookup(key)
		w, found := e.list[j].lookup(key)
		if v != w || ok != found {
			return false
		}
	}
	return true
}

// cells are the spans of a block added up by form, service or resource, and
// further columns. They are immutable.
type cells struct {
	id         cellsID
	forms      []uint32
	resources  []uint32 // of those of a service, the first
	extra      []cellColumn
	spans      []uint32
	starts     []uint64 // of the intervals; nil where time is not cut
	min, max   []uint64 // and histograms: nil where durations do not matter
	histograms []scan.Histogram
}

// cellsID says which cells of a block they are.
type cellsID struct {
	columns     uint64 // see dimensions
	phase, step uint64
	durations   bool
}

// part is that of the cacheKey of the cells, which no page has. Others may
// have the same.
func (id cellsID) part() uint64 {
	h := id.columns*0x9e3779b97f4a7c15 ^ id.phase
	h = (h*0xff51afd7ed558ccd>>1 ^ id.step) * 0xc4ceb9fe1a85ec53
	if id.durations {
		h = ^h
	}
	return h | 1<<63
}

// cellColumn is a column with a code for each cell.
type cellColumn struct {
	position int
	codes    []uint32 // plus one; 0 where the spans have no value
}

func (c *cells) size() int {
	n := 256 + (12+4*len(c.extra))*len(c.spans) + 8*len(c.starts)
	for i := range c.histograms {
		n += 40 + len(c.histograms[i])
	}
	return n
}

// Digest implements [scan.Digester].
func (b *block) Digest(q scan.DigestQuery) (*scan.Digest, error) {
	d, err := b.dir()
	if err != nil {
		return nil, err
	}
	e, err := b.resources(d)
	if err != nil {
		return nil, err
	}
	var by dimensions
	for _, f := range q.Fields {
		if !by.add(d, e, f) {
			return nil, nil
		}
	}
	c, err := b.cellsOf(d, e, &by, &q)
	if err != nil || len(c.spans) == 0 {
		return nil, err
	}
	info := *b.info
	info.rows = len(c.spans)
	return &scan.Digest{
		Cells: &block{r: b.r, info: &info, cells: c, known: d},
		Spans: c.spans, Min: c.min, Max: c.max, Histograms: c.histograms, Starts: c.starts,
	}, nil
}

// dimensions are the columns by which cells are made, beside form and service.
type dimensions struct {
	instances bool // each resource, not each service
	columns   []*columnInfo
}

// maxDimensions is how many columns a cellsID can name.
const maxDimensions = 3

// add adds what decides f; false means that f is not decided by codes.
func (by *dimensions) add(d *directory, e *entries, f scan.Field) bool {
	switch f.Scope {
	case scan.ScopeResource:
		by.resources(e, f)
		return true
	case scan.ScopeInstrumentation:
		return by.column(d.byKind[kindScope])
	case scan.ScopeAny, scan.ScopeSpan:
		if f.Scope == scan.ScopeAny {
			by.resources(e, f)
		}
		for _, c := range d.attrs[spaceSpan][f.Key] {
			if !by.column(c) {
				return false
			}
		}
		return by.column(d.byKind[kindShape])
	case scan.ScopeIntrinsic:
		if k := kindOfIntrinsic(f.Intrinsic); k != 0 {
			return by.column(d.byKind[k])
		}
	}
	return false
}

// kindOfIntrinsic is the column of an intrinsic that has codes, else 0.
func kindOfIntrinsic(f scan.Intrinsic) kind {
	switch f {
	case scan.IntrinsicName:
		return kindName
	case scan.IntrinsicKind:
		return kindKind
	case scan.IntrinsicStatus:
		return kindStatus
	case scan.IntrinsicStatusMessage:
		return kindMessage
	case scan.IntrinsicTraceState:
		return kindTraceState
	case scan.IntrinsicScopeName, scan.IntrinsicScopeVersion:
		return kindScope
	}
	return 0
}

func (by *dimensions) resources(e *entries, f scan.Field) {
	by.instances = by.instances || !e.agree(f.Key)
}

// column adds c unless it follows from the form.
func (by *dimensions) column(c *columnInfo) bool {
	switch {
	case c.derived, c.constant(), c.class() == classNone, slices.Contains(by.columns, c):
		return true
	case c.class() != classCodes && c.enc != encDict, len(by.columns) == maxDimensions, c.position >= 1<<16-1:
		return false
	}
	by.columns = append(by.columns, c)
	return true
}

// id is that of the columns in a cellsID.
func (by *dimensions) id() uint64 {
	slices.SortFunc(by.columns, func(x, y *columnInfo) int { return cmp.Compare(x.position, y.position) })
	part := uint64(2)
	if by.instances {
		part = 3
	}
	for i := range maxDimensions {
		part <<= 16
		if i < len(by.columns) {
			part |= uint64(by.columns[i].position) + 1
		}
	}
	return part
}

// cellsOf takes the block's cells from the cache or makes them. There are
// none where they would save nothing.
func (b *block) cellsOf(d *directory, e *entries, by *dimensions, q *scan.DigestQuery) (*cells, error) {
	id := cellsID{by.id(), q.Phase, q.Step, true}
	if c := b.cachedCells(id); c != nil && (q.Durations || len(c.spans) > 0) {
		return c, nil
	}
	if !q.Durations {
		id.durations = false
		if c := b.cachedCells(id); c != nil {
			return c, nil
		}
	}
	m := cellMakers.Get().(*cellMaker)
	defer cellMakers.Put(m)
	c, err := m.make(&block{r: b.r, info: b.info, passing: true}, d, e, by, id)
	if err == nil && b.r.cache != nil {
		b.r.cache.put(cacheKey{b.r.id, b.info.dir.off, id.part()}, c, c.size(), keepTable)
	}
	return c, err
}

// cachedCells is the cells from the cache, or nil.
func (b *block) cachedCells(id cellsID) *cells {
	if b.r.cache == nil {
		return nil
	}
	c, ok := b.r.cache.get(cacheKey{b.r.id, b.info.dir.off, id.part()}).(*cells)
	if !ok || c.id != id {
		return nil
	}
	return c
}

// cellPage is page p of a column of the cells.
func (b *block) cellPage(c *columnInfo, p int) (*page, error) {
	lo, hi := b.pageRows(p)
	var codes []uint32
	switch {
	case c.derived:
		return b.derivedPage(c, p)
	case c.kind == kindForm:
		codes = b.cells.forms[lo:hi]
	case c.kind == kindResource:
		codes = b.cells.resources[lo:hi]
	default:
		i := slices.IndexFunc(b.cells.extra, func(x cellColumn) bool { return x.position == c.position })
		if i < 0 {
			return nil, fmt.Errorf("the cells of a block are asked for %s, which does not decide them", c.name())
		}
		codes = make([]uint32, 0, hi-lo)
		for _, code := range b.cells.extra[i].codes[lo:hi] {
			if code > 0 {
				codes = append(codes, code-1)
			}
		}
	}
	return &page{codes: column.Codes{W: codes}, n: len(codes)}, nil
}
