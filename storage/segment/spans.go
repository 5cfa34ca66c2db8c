package segment

import (
	"sync"

	"github.com/kiseki-dev/kiseki/storage/column"
	"github.com/kiseki-dev/kiseki/telemetry"
)

// Spans implements [scan.Block].
func (b *block) Spans(lo, hi int, dst *telemetry.Batch) error {
	if err := b.checkRange(lo, hi); err != nil || lo == hi {
		return err
	}
	m := materializers.Get().(*materializer)
	defer m.release()
	if err := m.init(b, dst); err != nil {
		return err
	}
	for p := lo / b.r.footer.pageRows; lo < hi; p++ {
		first, last := b.pageRows(p)
		if err := m.page(p, lo-first, min(hi, last)-first); err != nil {
			return err
		}
		lo = last
	}
	return nil
}

// materializer turns rows back into spans. Its memory is reused.
type materializer struct {
	b         *block
	d         *directory
	dst       *telemetry.Batch
	shapes    *shapes
	resources *entries
	scopes    *entries
	traces    *traceTable

	resourceAt []uint32 // index+1 in dst by code
	scopeAt    []uint32
	cursors    []cursor // by position in the directory
	counts     []uint32 // by shape; all zero between uses
	parents    []telemetry.SpanID
	broken     *columnInfo // lacks a value that a shape promises
}

var materializers = sync.Pool{New: func() any { return new(materializer) }}

// release drops what would keep pages alive.
func (m *materializer) release() {
	clear(m.cursors)
	*m = materializer{
		resourceAt: m.resourceAt[:0], scopeAt: m.scopeAt[:0], cursors: m.cursors[:0], counts: m.counts[:0], parents: m.parents[:0],
	}
	materializers.Put(m)
}

func (m *materializer) init(b *block, dst *telemetry.Batch) (err error) {
	m.b, m.dst = b, dst
	if m.d, err = b.dir(); err != nil {
		return err
	}
	if m.shapes, err = b.shapes(m.d); err != nil {
		return err
	}
	if m.resources, err = b.resources(m.d); err != nil {
		return err
	}
	if m.scopes, err = b.scopes(m.d); err != nil {
		return err
	}
	if m.traces, err = b.traces(); err != nil {
		return err
	}
	m.resourceAt = append(m.resourceAt, make([]uint32, m.d.resources.entries)...)
	m.scopeAt = append(m.scopeAt, make([]uint32, m.d.scopes.entries)...)
	m.cursors = append(m.cursors, make([]cursor, len(m.d.columns))...)
	most := 0
	for _, lists := range m.shapes.lists {
		most = max(most, len(lists))
	}
	m.counts = append(m.counts, make([]uint32, most)...)
	return nil
}

// open places the cursors of columns that every element has at element lo of
// page p, and checks that n elements are there.
func (m *materializer) open(p, lo, n int, kinds ...kind) error {
	for _, k := range kinds {
		info := m.d.byKind[k]
		var err error
		if m.cursors[info.position], err = m.b.cursor(info, p, m.neededOf(k, lo, n)); err != nil {
			return err
		}
		m.cursors[info.position].next = lo
	}
	return nil
}

// neededOf is what is read of a column that every element has: of those that
// say where other columns' values are, all before too.
func (m *materializer) neededOf(k kind, lo, n int) needed {
	switch k {
	case kindShape, kindEvents, kindLinks, kindEventShape, kindLinkShape:
		lo = 0
	}
	return rowsNeeded(lo, n)
}

func (m *materializer) at(k kind) *cursor { return &m.cursors[m.d.byKind[k].position] }

// openAttrs places the cursors of the attribute columns that elements
// [lo, hi) of page p use, given the column of their shapes.
func (m *materializer) openAttrs(s space, k kind, p, lo, hi int) error {
	lists := m.shapes.lists[s]
	codes := m.at(k)
	for i := range lo {
		m.counts[codes.code(i)]++
	}
	skip := func(list []uint32, n uint32) {
		for _, at := range list {
			m.cursors[at].next += int(n)
		}
	}
	for code := range lists {
		skip(lists[code], m.counts[code])
		m.counts[code] = 0
	}
	for i := lo; i < hi; i++ {
		m.counts[codes.code(i)]++
	}
	need := make([]uint32, len(m.cursors))
	for code, list := range lists {
		n := m.counts[code]
		m.counts[code] = 0
		if n == 0 {
			continue
		}
		for _, at := range list {
			need[at] += n
		}
	}
	for at, n := range need {
		if n == 0 {
			continue
		}
		next := m.cursors[at].next
		var err error
		if m.cursors[at], err = m.b.cursor(&m.d.columns[at], p, needed{lo, hi, next, next + int(n)}); err != nil {
			return err
		}
		m.cursors[at].next = next
	}
	return nil
}

// page appends rows [lo, hi) of page p, counted from the page's first.
func (m *materializer) page(p, lo, hi int) error {
	clear(m.cursors)
	err := m.open(p, lo, hi, kindSpanID, kindStart, kindDuration, kindEnd, kindKind, kindStatus, kindName, kindTraceState,
		kindMessage, kindFlags, kindDroppedAttrs, kindDroppedEvents, kindDroppedLinks, kindResource, kindScope, kindShape,
		kindEvents, kindLinks)
	if err != nil {
		return err
	}
	if err := m.openAttrs(spaceSpan, kindShape, p, lo, hi); err != nil {
		return err
	}
	if err := m.openEvents(p, lo, hi); err != nil {
		return err
	}
	if err := m.openLinks(p, lo, hi); err != nil {
		return err
	}
	if m.parents, err = m.b.parents(m.d, p, lo, hi, m.parents[:0]); err != nil {
		return err
	}
	first, _ := m.b.pageRows(p)
	trace := m.traces.at(first + lo)
	for i := lo; i < hi; i++ {
		for m.traces.end(trace) <= first+i {
			trace++
		}
		m.span(i, m.traces.id(trace), m.parents[i-lo])
	}
	if m.broken != nil {
		return m.b.corruptPage(m.broken, p)
	}
	return nil
}

// elements counts the events or links of rows [0, lo) and [lo, hi).
func (m *materializer) elements(k kind, lo, hi int) (before, within int) {
	v := m.at(k)
	if v.constant() {
		n := int(v.info.low)
		return n * lo, n * (hi - lo)
	}
	for i := range lo {
		before += int(v.code(i))
	}
	for i := lo; i < hi; i++ {
		within += int(v.code(i))
	}
	return before, within
}

func (m *materializer) openEvents(p, lo, hi int) error {
	before, n := m.elements(kindEvents, lo, hi)
	if n == 0 {
		return nil
	}
	if before+n > m.d.events {
		return m.b.corruptPage(m.d.byKind[kindEvents], p)
	}
	err := m.open(p, before, before+n, kindEventTime, kindEventName, kindEventDropped, kindEventShape)
	if err != nil {
		return err
	}
	return m.openAttrs(spaceEvent, kindEventShape, p, before, before+n)
}

func (m *materializer) openLinks(p, lo, hi int) error {
	before, n := m.elements(kindLinks, lo, hi)
	if n == 0 {
		return nil
	}
	if before+n > m.d.links {
		return m.b.corruptPage(m.d.byKind[kindLinks], p)
	}
	err := m.open(p, before, before+n, kindLinkTraceID, kindLinkSpanID, kindLinkState, kindLinkFlags, kindLinkDropped, kindLinkShape)
	if err != nil {
		return err
	}
	return m.openAttrs(spaceLink, kindLinkShape, p, before, before+n)
}

// span appends row i of the open page. Cursors of columns that every span
// has are read at i; those of attributes, events and links move on.
func (m *materializer) span(i int, trace telemetry.TraceID, parent telemetry.SpanID) {
	num := func(k kind) uint64 { return m.at(k).num(i) }
	code := func(k kind) uint32 { return m.at(k).code(i) }
	start := num(kindStart)
	s := telemetry.Span{
		TraceID: trace, SpanID: m.at(kindSpanID).id(i), ParentID: parent, Start: start,
		Name: m.at(kindName).str(i), TraceState: m.at(kindTraceState).str(i), StatusMessage: m.at(kindMessage).str(i),
		Flags: uint32(num(kindFlags)), Kind: telemetry.Kind(code(kindKind)), Status: telemetry.Status(code(kindStatus)),
		Resource: m.resource(code(kindResource)), Scope: m.scope(code(kindScope)),
		DroppedAttrs: uint32(num(kindDroppedAttrs)), DroppedEvents: uint32(num(kindDroppedEvents)),
		DroppedLinks: uint32(num(kindDroppedLinks)),
	}
	switch code(kindEnd) {
	case endAfter:
		s.End = start + num(kindDuration)
	case endBefore:
		s.End = start - num(kindDuration)
	}
	s.Attrs = m.attrs(spaceSpan, code(kindShape), i)
	s.Events.Start = uint32(len(m.dst.Events))
	for range code(kindEvents) {
		m.event(start)
	}
	s.Events.End = uint32(len(m.dst.Events))
	s.Links.Start = uint32(len(m.dst.Links))
	for range code(kindLinks) {
		m.link()
	}
	s.Links.End = uint32(len(m.dst.Links))
	m.dst.Spans = append(m.dst.Spans, s)
}

func (m *materializer) event(start uint64) {
	c := m.at(kindEventTime)
	i := c.next
	c.next++
	e := telemetry.Event{
		Time: start + column.Unzigzag(c.num(i)), Name: m.at(kindEventName).str(i),
		DroppedAttrs: uint32(m.at(kindEventDropped).num(i)),
	}
	e.Attrs = m.attrs(spaceEvent, m.at(kindEventShape).code(i), i)
	m.dst.Events = append(m.dst.Events, e)
}

func (m *materializer) link() {
	c := m.at(kindLinkTraceID)
	i := c.next
	c.next++
	l := telemetry.Link{
		TraceID: telemetry.TraceID(c.page.fixed[i*16:]), SpanID: m.at(kindLinkSpanID).id(i),
		TraceState: m.at(kindLinkState).str(i), Flags: uint32(m.at(kindLinkFlags).num(i)),
		DroppedAttrs: uint32(m.at(kindLinkDropped).num(i)),
	}
	l.Attrs = m.attrs(spaceLink, m.at(kindLinkShape).code(i), i)
	m.dst.Links = append(m.dst.Links, l)
}

// attrs appends the next attributes of a shape, which element i has.
func (m *materializer) attrs(s space, shape uint32, i int) telemetry.Range {
	r := telemetry.Range{Start: uint32(len(m.dst.Attrs))}
	for _, at := range m.shapes.lists[s][shape] {
		c := &m.cursors[at]
		v, ok := c.attr(i)
		if !ok {
			m.broken = c.info
		}
		m.dst.Attrs = append(m.dst.Attrs, telemetry.Attr{Key: c.info.key, Value: v})
	}
	r.End = uint32(len(m.dst.Attrs))
	return r
}

// resource is the place in dst of the resource with the given code, where it
// is put on first use.
func (m *materializer) resource(code uint32) uint32 {
	if at := m.resourceAt[code]; at != 0 {
		return at - 1
	}
	r := m.resources.list[code].resource
	r.Attrs = m.copyAttrs(m.resources.list[code].attrs)
	m.dst.Resources = append(m.dst.Resources, r)
	m.resourceAt[code] = uint32(len(m.dst.Resources))
	return m.resourceAt[code] - 1
}

func (m *materializer) scope(code uint32) uint32 {
	if at := m.scopeAt[code]; at != 0 {
		return at - 1
	}
	s := m.scopes.list[code].scope
	s.Attrs = m.copyAttrs(m.scopes.list[code].attrs)
	m.dst.Scopes = append(m.dst.Scopes, s)
	m.scopeAt[code] = uint32(len(m.dst.Scopes))
	return m.scopeAt[code] - 1
}

func (m *materializer) copyAttrs(attrs []telemetry.Attr) telemetry.Range {
	start := uint32(len(m.dst.Attrs))
	m.dst.Attrs = append(m.dst.Attrs, attrs...)
	return telemetry.Range{Start: start, End: uint32(len(m.dst.Attrs))}
}
