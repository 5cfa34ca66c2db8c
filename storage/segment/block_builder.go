package segment

import (
	"fmt"
	"math"

	"github.com/kiseki-dev/kiseki/storage/column"
	"github.com/kiseki-dev/kiseki/telemetry"
)

// maxColumns is how many attribute columns a builder knows before its block
// is closed and all are forgotten: clients that make up keys must not fill the
// memory.
const maxColumns = 4096

type attrKey struct {
	space space
	typ   telemetry.ValueType
	key   string
}

// lastEntries is how many resources, and scopes, of a trace are known by their
// number in the batch; a trace goes to and fro between services.
const lastEntries = 16

// lastEntry is a resource or scope of the batch: its number + 1 and its code.
type lastEntry struct{ next, code uint32 }

// blockBuilder collects the spans of one block. It is used by one goroutine
// and reused from block to block and from segment to segment.
type blockBuilder struct {
	pageRows  int
	arena     arena
	fixed     [kindCount]*columnBuilder
	attrs     []*columnBuilder
	sorted    []*columnBuilder // attrs in the order in which they are written
	byKey     map[attrKey]*columnBuilder
	shapes    [spaces]shapeSet
	resources entrySet
	scopes    entrySet
	former    former
	contexts  contexter

	rows      int
	counts    [spaces]int
	traceIDs  []telemetry.TraceID
	traceRows []uint64 // first row of each trace
	starts    []uint64 // earliest start of each trace
	minStart  uint64
	maxStart  uint64
	maxEnd    uint64
	// transient says that the block is encoded to be merged right away: it is
	// not compressed, and has as many forms as there are.
	transient bool

	// The batch's resources and scopes that the trace had lately, and their codes.
	lastResources, lastScopes [lastEntries]lastEntry
	name                      uint32 // code of the latest span's name
	coded                     *Codes // of the batch, nil if it has none
	number                    uint64 // of the block, among those of this builder

	enc        column.Encoder
	texts      column.Texts
	chunks     *chunkEncoder
	body       []byte
	values     []string
	codes      []uint32
	table      numberTable // scratch of whoever needs one
	tally      []operationCount
	entries    []uint64
	hashes     []uint64
	entrySpans []uint64
}

func newBlockBuilder() *blockBuilder {
	b := &blockBuilder{chunks: newChunkEncoder(), byKey: make(map[attrKey]*columnBuilder)}
	for k := kindSpanID; k < kindCount; k++ {
		b.fixed[k] = newColumnBuilder(k, 0, "")
	}
	b.reset()
	return b
}

func (b *blockBuilder) reset() {
	for k := kindSpanID; k < kindCount; k++ {
		b.fixed[k].reset()
	}
	if len(b.attrs) > maxColumns {
		b.attrs, b.sorted = nil, nil
		clear(b.byKey)
	}
	for _, c := range b.attrs {
		c.reset()
	}
	for i := range b.shapes {
		b.shapes[i].reset()
	}
	b.resources.reset()
	b.scopes.reset()
	b.arena.reset()
	b.rows, b.counts, b.coded = 0, [spaces]int{}, nil
	b.number++
	b.traceIDs, b.traceRows, b.starts = b.traceIDs[:0], b.traceRows[:0], b.starts[:0]
	b.minStart, b.maxStart, b.maxEnd = math.MaxUint64, 0, 0
}

// addTrace appends a trace whose rows are in order; parents holds the code
// of each row's parent.
func (b *blockBuilder) addTrace(batch *telemetry.Batch, rows, parents []uint32) error {
	clear(b.lastResources[:])
	clear(b.lastScopes[:])
	for i, row := range rows {
		if err := b.addSpan(batch, row, parents[i]); err != nil {
			return err
		}
	}
	return nil
}

// addSpan adds span at of the batch.
func (b *blockBuilder) addSpan(batch *telemetry.Batch, at, parent uint32) error {
	s, row := &batch.Spans[at], b.rows
	page := row / b.pageRows
	b.rows++
	b.minStart, b.maxStart, b.maxEnd = min(b.minStart, s.Start), max(b.maxStart, s.Start), max(b.maxEnd, s.End)
	b.bytes(kindSpanID, row, page, s.SpanID[:])
	b.code(kindParent, row, page, parent)
	if parent == 1 {
		b.bytes(kindParentRaw, row, page, s.ParentID[:])
	}
	b.num(kindStart, row, page, s.Start)
	end, duration := endAfter, s.End-s.Start
	if s.End < s.Start {
		end, duration = endBefore, s.Start-s.End
		if s.End == 0 {
			end, duration = endZero, 0
		}
	}
	b.num(kindDuration, row, page, duration)
	b.code(kindEnd, row, page, uint32(end))
	b.code(kindKind, row, page, uint32(s.Kind))
	b.code(kindStatus, row, page, uint32(s.Status))
	b.addName(at, s.Name)
	b.str(kindTraceState, row, page, s.TraceState)
	b.str(kindMessage, row, page, s.StatusMessage)
	b.num(kindFlags, row, page, uint64(s.Flags))
	b.num(kindDroppedAttrs, row, page, uint64(s.DroppedAttrs))
	b.num(kindDroppedEvents, row, page, uint64(s.DroppedEvents))
	b.num(kindDroppedLinks, row, page, uint64(s.DroppedLinks))
	b.code(kindResource, row, page, b.resource(batch, s.Resource))
	b.code(kindScope, row, page, b.scope(batch, s.Scope))
	shape, err := b.addAttrs(spaceSpan, row, page, batch, s.Attrs)
	if err != nil {
		return err
	}
	b.code(kindShape, row, page, shape)
	b.code(kindEvents, row, page, uint32(s.Events.Len()))
	b.code(kindLinks, row, page, uint32(s.Links.Len()))
	if err := b.addEvents(batch, s, row, page); err != nil {
		return err
	}
	return b.addLinks(batch, s, row, page)
}

func (b *blockBuilder) addEvents(batch *telemetry.Batch, s *telemetry.Span, row, page int) error {
	events := batch.EventsOf(s)
	for i := range events {
		e := &events[i]
		b.counts[spaceEvent]++
		b.num(kindEventTime, row, page, column.Zigzag(e.Time-s.Start))
		b.str(kindEventName, row, page, e.Name)
		b.num(kindEventDropped, row, page, uint64(e.DroppedAttrs))
		shape, err := b.addAttrs(spaceEvent, row, page, batch, e.Attrs)
		if err != nil {
			return err
		}
		b.code(kindEventShape, row, page, shape)
	}
	return nil
}

func (b *blockBuilder) addLinks(batch *telemetry.Batch, s *telemetry.Span, row, page int) error {
	links := batch.LinksOf(s)
	for i := range links {
		l := &links[i]
		b.counts[spaceLink]++
		b.bytes(kindLinkTraceID, row, page, l.TraceID[:])
		b.bytes(kindLinkSpanID, row, page, l.SpanID[:])
		b.str(kindLinkState, row, page, l.TraceState)
		b.num(kindLinkFlags, row, page, uint64(l.Flags))
		b.num(kindLinkDropped, row, page, uint64(l.DroppedAttrs))
		shape, err := b.addAttrs(spaceLink, row, page, batch, l.Attrs)
		if err != nil {
			return err
		}
		b.code(kindLinkShape, row, page, shape)
	}
	return nil
}

// begin is for columns that not every span has one value in.
func (b *blockBuilder) begin(k kind, row, page int) *columnBuilder {
	c := b.fixed[k]
	if k >= kindEventTime || k == kindParentRaw {
		c.begin(row, page)
	}
	return c
}

func (b *blockBuilder) code(k kind, row, page int, v uint32) {
	c := b.begin(k, row, page)
	c.codes = append(c.codes, v)
}

func (b *blockBuilder) num(k kind, row, page int, v uint64) {
	c := b.begin(k, row, page)
	c.nums = append(c.nums, v)
}

func (b *blockBuilder) str(k kind, row, page int, v string) {
	b.begin(k, row, page).addString(v, b.name, &b.arena)
}

func (b *blockBuilder) bytes(k kind, row, page int, v []byte) {
	c := b.begin(k, row, page)
	c.fixed = append(c.fixed, v...)
}

// addAttrs adds a list of attributes and returns the code of its shape.
func (b *blockBuilder) addAttrs(s space, row, page int, batch *telemetry.Batch, list telemetry.Range) (uint32, error) {
	node, shapes := uint32(0), &b.shapes[s]
	for i := list.Start; i < list.End; i++ {
		a := &batch.Attrs[i]
		t := a.Value.Type()
		if t > telemetry.ValueMap {
			return 0, fmt.Errorf("add attribute %q: unknown type %d", a.Key, t)
		}
		if b.coded != nil {
			node = shapes.along(node, b.coded.column(b, s, b.coded.Columns[i], a))
		} else if next := shapes.find(node, t, a.Key); next != 0 {
			node = next
		} else {
			node = shapes.step(node, b.attr(s, t, a.Key))
		}
		c := shapes.nodes[node].column
		c.begin(row, page)
		switch c.class {
		case classInts:
			c.nums = append(c.nums, a.Value.Num())
		case classStrings:
			c.addString(a.Value.Str(), b.name, &b.arena)
		}
	}
	return shapes.code(node), nil
}

func (b *blockBuilder) attr(s space, t telemetry.ValueType, key string) *columnBuilder {
	c := b.byKey[attrKey{s, t, key}]
	if c == nil {
		// The builder outlives the arena, so the key is its own copy.
		key = string([]byte(key))
		c = newColumnBuilder(kindAttr+kind(s), t, key)
		c.order = uint32(len(b.attrs))
		b.attrs = append(b.attrs, c)
		b.byKey[attrKey{s, t, key}] = c
	}
	return c
}

// resource is the code of a resource of the batch. Only within a trace may
// the batch's own number stand for the content: the batch may be another one
// at the next call.
func (b *blockBuilder) resource(batch *telemetry.Batch, i uint32) uint32 {
	if b.coded != nil {
		return b.coded.resource(b, batch, i)
	}
	last := &b.lastResources[i%lastEntries]
	if last.next != i+1 {
		*last = lastEntry{i + 1, b.addResource(batch, i)}
	}
	return last.code
}

func (b *blockBuilder) scope(batch *telemetry.Batch, i uint32) uint32 {
	if b.coded != nil {
		return b.coded.scope(b, batch, i)
	}
	last := &b.lastScopes[i%lastEntries]
	if last.next != i+1 {
		*last = lastEntry{i + 1, b.addScope(batch, i)}
	}
	return last.code
}

func (b *blockBuilder) addResource(batch *telemetry.Batch, i uint32) uint32 {
	b.resources.scratch = appendResource(b.resources.scratch[:0], batch, &batch.Resources[i])
	return b.resources.code(&b.arena)
}

func (b *blockBuilder) addScope(batch *telemetry.Batch, i uint32) uint32 {
	b.scopes.scratch = appendScope(b.scopes.scratch[:0], batch, &batch.Scopes[i])
	return b.scopes.code(&b.arena)
}

// addName adds the name of span at of the batch.
func (b *blockBuilder) addName(at uint32, name string) {
	c, known := b.fixed[kindName], (*uint32)(nil)
	if b.coded != nil {
		if known = memo(&b.coded.names, b.coded.Names[at]); *known != 0 {
			b.name = *known - 1
			c.codes = append(c.codes, b.name)
			return
		}
	}
	c.addString(name, b.name, &b.arena)
	b.name = c.codes[len(c.codes)-1]
	if known != nil {
		*known = b.name + 1
	}
}
