package storage

import (
	"strings"
	"sync"
	"sync/atomic"

	"github.com/kiseki-dev/kiseki/telemetry"
)

const (
	// chunkRows is the number of rows of a block of the head: enough that a
	// predicate's set-up is spread thin, few enough that start-time bounds skip.
	chunkRows = 4096
	// traceChunk is the number of trace entries allocated at a time.
	traceChunk = 1024
	// arenaChunk is the arena's allocation unit; a longer span gets its own.
	arenaChunk = 256 << 10
)

// row is the fixed part of a span; the rest is in the arena, see appendRow.
type row struct {
	spanID, parentID telemetry.SpanID
	start, end       uint64
	trace            uint32 // entry of the shard's traces
	next             uint32 // next row of the trace plus one; atomic, set once
	name             uint32 // codes of the shard's tables
	resource         uint32
	scope            uint32
	flags            uint32
	chunk, off       uint32 // place in the arena: attributes
	rest             uint32 // from off to what follows the attributes
	kind             telemetry.Kind
	status           telemetry.Status
	has              uint8 // the has... bits
}

const rowSize = 72

// rowChunk is a block of the head. Its bounds cover all published rows and
// perhaps rows about to be.
type rowChunk struct {
	rows               [chunkRows]row
	minStart, maxStart atomic.Uint64
}

// traceEntry is one trace of a shard.
type traceEntry struct {
	id       telemetry.TraceID
	minStart uint64 // atomic
	first    uint32 // row
	last     uint32 // row; the writer's
}

const traceEntrySize = 32 + 8 // with its share of the index

// column is an attribute key with a type; an attribute's code names both.
type column struct {
	key string
	typ telemetry.ValueType
}

type headResource struct {
	telemetry.Resource // Attrs unused
	attrs              []telemetry.Attr
	service            string
}

type headScope struct {
	telemetry.Scope // Attrs unused
	attrs           []telemetry.Attr
}

// columnSet is a set of columns, kept by the last bits of their codes: one
// that is in it is found, one that is not may be. It only grows, so what it
// says of rows that are older than the set is right too.
type columnSet [4]atomic.Uint64

func (s *columnSet) add(code uint32) {
	w, bit := &s[code>>6%uint32(len(s))], uint64(1)<<(code&63)
	if w.Load()&bit == 0 {
		w.Or(bit)
	}
}

func (s *columnSet) has(code uint32) bool {
	return s[code>>6%uint32(len(s))].Load()>>(code&63)&1 != 0
}

// view is all that a reader needs of a shard at one moment. It is immutable:
// the slices grow only beyond their lengths here, and of what they reach only
// row.next, traceEntry.minStart, traceEntry.last, the index's empty slots, the
// last chunk's bounds and the column sets still change, atomically or (last)
// unread.
type view struct {
	n          int // rows
	chunks     []*rowChunk
	arena      [][]byte
	columns    []column
	names      []string
	carried    []*columnSet // by name: what spans of that name have as attributes
	resources  []headResource
	scopes     []headScope
	traceCount int
	traceList  []*[traceChunk]traceEntry
	index      []uint32 // open addressing by hash: entry plus one; atomic
}

func (v *view) row(i uint32) *row          { return &v.chunks[i/chunkRows].rows[i%chunkRows] }
func (v *view) trace(e uint32) *traceEntry { return &v.traceList[e/traceChunk][e%traceChunk] }

// find is the entry of a trace.
func (v *view) find(id *telemetry.TraceID, hash uint64) (entry uint32, ok bool) {
	mask := uint32(len(v.index) - 1)
	for i := uint32(hash) & mask; ; i = (i + 1) & mask {
		e := atomic.LoadUint32(&v.index[i])
		if e == 0 {
			return 0, false
		}
		if e-1 < uint32(v.traceCount) && v.trace(e-1).id == *id {
			return e - 1, true
		}
	}
}

// shard is a part of a head. Appends take mu, fill rows beyond the published
// count and then publish a new view; readers load the view and need no lock.
type shard struct {
	hash  func(*telemetry.TraceID) uint64
	view  atomic.Pointer[view]
	bytes atomic.Int64 // what the spans take; slack of chunks not counted

	mu struct {
		sync.Mutex
		view                 // the next one to publish
		used          uint32 // of the last regular arena chunk
		current       uint32 // which that is, plus one; 0: none yet
		nameCodes     map[string]uint32
		columnCodes   [8]map[string]uint32 // by type
		resourceCodes map[string]uint32    // by content
		scopeCodes    map[string]uint32
		// Attributes come in the same order again and again: after is, by
		// column, the column that followed it last time, firsts, by name, the
		// first column. A right guess saves hashing the key.
		after, firsts []uint32
		buf           []byte
		grown         int64 // bytes since the last publish
	}
}

func newShard(hash func(*telemetry.TraceID) uint64) *shard {
	s := &shard{hash: hash}
	s.mu.nameCodes = map[string]uint32{}
	for i := range s.mu.columnCodes {
		s.mu.columnCodes[i] = map[string]uint32{}
	}
	s.mu.resourceCodes = map[string]uint32{}
	s.mu.scopeCodes = map[string]uint32{}
	s.mu.index = make([]uint32, 1024)
	s.publish()
	return s
}

// publish makes all rows so far visible; mu is held or s not yet shared.
func (s *shard) publish() {
	v := s.mu.view
	s.view.Store(&v)
	s.bytes.Add(s.mu.grown)
	s.mu.grown = 0
}

func (s *shard) append(b *telemetry.Batch, rows []uint32, scratch *headScratch) {
	scratch.resourceCodes = zeroed(scratch.resourceCodes, len(b.Resources))
	scratch.scopeCodes = zeroed(scratch.scopeCodes, len(b.Scopes))
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, i := range rows {
		s.add(b, &b.Spans[i], scratch.hashes[i], scratch)
	}
	s.publish()
}

func zeroed(s []uint32, n int) []uint32 {
	if cap(s) < n {
		return make([]uint32, n)
	}
	s = s[:n]
	clear(s)
	return s
}

func (s *shard) add(b *telemetry.Batch, span *telemetry.Span, hash uint64, scratch *headScratch) {
	m := &s.mu
	if m.n == len(m.chunks)*chunkRows {
		c := new(rowChunk)
		c.minStart.Store(^uint64(0))
		m.chunks = append(m.chunks, c)
	}
	c := m.chunks[len(m.chunks)-1]
	r := &c.rows[m.n%chunkRows]
	*r = row{
		spanID: span.SpanID, parentID: span.ParentID, start: span.Start, end: span.End,
		name: s.nameCode(span.Name), flags: span.Flags, kind: span.Kind, status: span.Status,
		resource: s.resourceCode(b, span.Resource, scratch), scope: s.scopeCode(b, span.Scope, scratch),
	}
	s.store(b, span, r)
	if span.Start < c.minStart.Load() {
		c.minStart.Store(span.Start)
	}
	if span.Start > c.maxStart.Load() {
		c.maxStart.Store(span.Start)
	}
	s.link(span, r, hash)
	m.n++
	m.grown += rowSize + int64(len(m.buf))
}

// store puts the variable part of span into the arena.
func (s *shard) store(b *telemetry.Batch, span *telemetry.Span, r *row) {
	m := &s.mu
	m.buf = s.appendRow(m.buf[:0], b, span, r)
	if len(m.buf) > arenaChunk {
		r.chunk = uint32(len(m.arena))
		m.arena = append(m.arena, append([]byte(nil), m.buf...))
		return
	}
	if m.current == 0 || int(m.used)+len(m.buf) > arenaChunk {
		m.arena = append(m.arena, make([]byte, arenaChunk))
		m.current, m.used = uint32(len(m.arena)), 0
	}
	r.chunk, r.off = m.current-1, m.used
	m.used += uint32(copy(m.arena[r.chunk][r.off:], m.buf))
}

// link adds row r, the next one, to its trace.
func (s *shard) link(span *telemetry.Span, r *row, hash uint64) {
	m, n := &s.mu, uint32(s.mu.n)
	if e, ok := m.find(&span.TraceID, hash); ok {
		t := m.trace(e)
		r.trace = e
		if span.Start < t.minStart {
			atomic.StoreUint64(&t.minStart, span.Start)
		}
		atomic.StoreUint32(&m.row(t.last).next, n+1)
		t.last = n
		return
	}
	if m.traceCount == len(m.traceList)*traceChunk {
		m.traceList = append(m.traceList, new([traceChunk]traceEntry))
	}
	e := uint32(m.traceCount)
	*m.trace(e) = traceEntry{id: span.TraceID, minStart: span.Start, first: n, last: n}
	r.trace = e
	m.traceCount++
	m.grown += traceEntrySize
	if 2*m.traceCount > len(m.index) {
		s.growIndex(span, hash)
		return
	}
	insert(m.index, uint32(hash), e)
}

// growIndex doubles the index and adds the newest trace. Old views keep the
// old one, which has all they may see. Each slot holds no hash, so the
// entries' ids are hashed again.
func (s *shard) growIndex(span *telemetry.Span, hash uint64) {
	m := &s.mu
	index := make([]uint32, 2*len(m.index))
	for e := range uint32(m.traceCount) {
		t := m.trace(e)
		h := hash
		if t.id != span.TraceID {
			h = s.hash(&t.id)
		}
		insert(index, uint32(h), e)
	}
	m.index = index
}

func insert(index []uint32, hash, entry uint32) {
	mask := uint32(len(index) - 1)
	i := hash & mask
	for index[i] != 0 {
		i = (i + 1) & mask
	}
	atomic.StoreUint32(&index[i], entry+1)
}

func (s *shard) nameCode(name string) uint32 {
	if c, ok := s.mu.nameCodes[name]; ok {
		return c
	}
	name = strings.Clone(name)
	c := uint32(len(s.mu.names))
	s.mu.names = append(s.mu.names, name)
	s.mu.carried = append(s.mu.carried, new(columnSet))
	s.mu.firsts = append(s.mu.firsts, 0)
	s.mu.nameCodes[name] = c
	s.mu.grown += int64(len(name)) + 104
	return c
}

func (s *shard) columnCode(key string, typ telemetry.ValueType) uint32 {
	if c, ok := s.mu.columnCodes[typ&7][key]; ok {
		return c
	}
	key = strings.Clone(key)
	c := uint32(len(s.mu.columns))
	s.mu.columns = append(s.mu.columns, column{key, typ})
	s.mu.after = append(s.mu.after, 0)
	s.mu.columnCodes[typ&7][key] = c
	s.mu.grown += int64(len(key)) + 80
	return c
}

func (s *shard) resourceCode(b *telemetry.Batch, i uint32, scratch *headScratch) uint32 {
	if c := scratch.resourceCodes[i]; c != 0 {
		return c - 1
	}
	at := scratch.resources[i]
	content := scratch.content[at.start:at.end]
	c, ok := s.mu.resourceCodes[string(content)]
	if !ok {
		c = uint32(len(s.mu.resources))
		r := b.Resources[i]
		attrs := cloneAttrs(b.AttrsOf(r.Attrs))
		s.mu.resources = append(s.mu.resources, headResource{
			Resource: telemetry.Resource{DroppedAttrs: r.DroppedAttrs, SchemaURL: strings.Clone(r.SchemaURL)},
			attrs:    attrs, service: strings.Clone(b.ServiceName(i)),
		})
		s.mu.resourceCodes[string(content)] = c
		s.mu.grown += 2*int64(len(content)) + 48*int64(len(attrs)) + 160
	}
	scratch.resourceCodes[i] = c + 1
	return c
}

func (s *shard) scopeCode(b *telemetry.Batch, i uint32, scratch *headScratch) uint32 {
	if c := scratch.scopeCodes[i]; c != 0 {
		return c - 1
	}
	at := scratch.scopes[i]
	content := scratch.content[at.start:at.end]
	c, ok := s.mu.scopeCodes[string(content)]
	if !ok {
		c = uint32(len(s.mu.scopes))
		sc := b.Scopes[i]
		attrs := cloneAttrs(b.AttrsOf(sc.Attrs))
		s.mu.scopes = append(s.mu.scopes, headScope{attrs: attrs, Scope: telemetry.Scope{
			Name: strings.Clone(sc.Name), Version: strings.Clone(sc.Version),
			DroppedAttrs: sc.DroppedAttrs, SchemaURL: strings.Clone(sc.SchemaURL),
		}})
		s.mu.scopeCodes[string(content)] = c
		s.mu.grown += 2*int64(len(content)) + 48*int64(len(attrs)) + 160
	}
	scratch.scopeCodes[i] = c + 1
	return c
}

func cloneAttrs(attrs []telemetry.Attr) []telemetry.Attr {
	out := make([]telemetry.Attr, len(attrs))
	for i, a := range attrs {
		v := a.Value
		out[i] = telemetry.Attr{Key: strings.Clone(a.Key), Value: telemetry.RawValue(v.Type(), v.Num(), strings.Clone(v.Str()))}
	}
	return out
}
