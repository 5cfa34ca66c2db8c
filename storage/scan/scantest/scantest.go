// Package scantest is the reference model of [scan]: a store in memory that
// visits every span and has no index, dictionary or summary. What a real
// store answers must be what this one answers.
package scantest

import (
	"bytes"
	"math"
	"math/rand/v2"
	"slices"

	"github.com/kiseki-dev/kiseki/storage/scan"
	"github.com/kiseki-dev/kiseki/telemetry"
)

// Store is a [scan.Store] over batches. It is immutable.
type Store struct{ sources []*source }

// New makes a store of one source with one block, which is sorted by trace as
// a segment is.
func New(b *telemetry.Batch) *Store { return Sorted(b, 1) }

// Sorted makes a store of one source that is sorted by trace and cut into
// about the given number of blocks.
func Sorted(b *telemetry.Batch, blocks int) *Store {
	s := &source{}
	s.addTraces(sorted(spansOf(b)), 1+len(b.Spans)/blocks)
	return &Store{[]*source{s}}
}

// Split deals the spans of b at random to sources, about half of which are
// sorted by trace as a segment is, the rest in arrival order with a trace's
// spans in several blocks, as in the head.
func Split(b *telemetry.Batch, r *rand.Rand, sources, blocks int) *Store {
	dealt := make([][]span, sources)
	for _, s := range spansOf(b) {
		i := r.IntN(sources)
		dealt[i] = append(dealt[i], s)
	}
	st := &Store{}
	for _, spans := range dealt {
		s := &source{}
		if r.IntN(2) == 0 {
			s.addTraces(sorted(spans), 1+len(spans)/blocks)
		} else {
			for c := range slices.Chunk(spans, 1+len(spans)/blocks) {
				s.add(c)
				s.blocks[len(s.blocks)-1].head = true
			}
		}
		st.sources = append(st.sources, s)
	}
	return st
}

// Snapshot implements [scan.Store].
func (s *Store) Snapshot() scan.Snapshot { return snapshot{s} }

type snapshot struct{ store *Store }

func (s snapshot) Sources() (out []scan.Source) {
	for _, src := range s.store.sources {
		out = append(out, src)
	}
	return out
}

func (snapshot) Release() {}

// span is span i of a batch.
type span struct {
	b *telemetry.Batch
	i int
}

func (s span) get() *telemetry.Span { return &s.b.Spans[s.i] }

func spansOf(b *telemetry.Batch) []span {
	out := make([]span, len(b.Spans))
	for i := range out {
		out[i] = span{b, i}
	}
	return out
}

// sorted orders spans by the start of their trace, then trace, then start.
func sorted(spans []span) []span {
	first := map[telemetry.TraceID]uint64{}
	for _, s := range spans {
		if at, ok := first[s.get().TraceID]; !ok || s.get().Start < at {
			first[s.get().TraceID] = s.get().Start
		}
	}
	slices.SortFunc(spans, func(x, y span) int {
		a, b := x.get(), y.get()
		if d := compare(first[a.TraceID], first[b.TraceID]); d != 0 {
			return d
		}
		if d := bytes.Compare(a.TraceID[:], b.TraceID[:]); d != 0 {
			return d
		}
		if d := compare(a.Start, b.Start); d != 0 {
			return d
		}
		return bytes.Compare(a.SpanID[:], b.SpanID[:])
	})
	return spans
}

func compare(a, b uint64) int {
	switch {
	case a < b:
		return -1
	case a > b:
		return 1
	}
	return 0
}

// source implements [scan.Source].
type source struct {
	blocks []*block
	first  map[telemetry.TraceID]uint64 // each trace's earliest start in the source
}

func (s *source) add(spans []span) {
	if s.first == nil {
		s.first = map[telemetry.TraceID]uint64{}
	}
	for _, sp := range spans {
		x := sp.get()
		if at, ok := s.first[x.TraceID]; !ok || x.Start < at {
			s.first[x.TraceID] = x.Start
		}
	}
	s.blocks = append(s.blocks, &block{source: s, spans: spans})
}

// addTraces cuts sorted spans into blocks of about n spans, never within a
// trace.
func (s *source) addTraces(spans []span, n int) {
	for len(spans) > 0 {
		end := min(n, len(spans))
		for end < len(spans) && spans[end].get().TraceID == spans[end-1].get().TraceID {
			end++
		}
		s.add(spans[:end])
		spans = spans[end:]
	}
}

func (s *source) Blocks() (out []scan.Block) {
	for _, b := range s.blocks {
		out = append(out, b)
	}
	return out
}

func (s *source) SpanCount() (n uint64) {
	for _, b := range s.blocks {
		n += uint64(len(b.spans))
	}
	return n
}

func (s *source) Bounds() (lo, hi uint64) {
	lo = math.MaxUint64
	for _, b := range s.blocks {
		bl, bh := b.Bounds()
		lo, hi = min(lo, bl), max(hi, bh)
	}
	return lo, hi
}

func (s *source) Find(id telemetry.TraceID, f func(b scan.Block, lo, hi int) error) error {
	for _, b := range s.blocks {
		for i, sp := range b.spans {
			if sp.get().TraceID == id {
				if err := f(b, i, i+1); err != nil {
					return err
				}
			}
		}
	}
	return nil
}

func (s *source) Operations(f func(scan.Operation)) error {
	for _, b := range s.blocks {
		for _, sp := range b.spans {
			x := sp.get()
			op := scan.Operation{Service: sp.b.ServiceName(x.Resource), Name: x.Name, Kind: x.Kind, Spans: 1}
			if x.Status == telemetry.StatusError {
				op.Errors = 1
			}
			f(op)
		}
	}
	return nil
}

func (s *source) Keys(f func(scan.Key)) error {
	for _, b := range s.blocks {
		for _, sp := range b.spans {
			seen := map[scan.Key]bool{}
			for _, l := range sp.lists() {
				for _, a := range sp.b.AttrsOf(l.attrs) {
					k := scan.Key{Scope: l.scope, Key: a.Key, Type: a.Value.Type(), Spans: 1}
					if !seen[k] {
						seen[k] = true
						f(k)
					}
				}
			}
		}
	}
	return nil
}

// block implements [scan.Block].
type block struct {
	source *source
	spans  []span
	head   bool // in arrival order: Trace answers with single rows
}

func (b *block) Len() int { return len(b.spans) }

func (b *block) Bounds() (lo, hi uint64) {
	lo = math.MaxUint64
	for _, s := range b.spans {
		lo, hi = min(lo, s.get().Start), max(hi, s.get().Start)
	}
	return lo, hi
}

func (b *block) NewestTrace() (newest uint64) {
	for i := range b.spans {
		newest = max(newest, b.traceStart(i))
	}
	return newest
}

func (b *block) traceStart(row int) uint64 { return b.source.first[b.spans[row].get().TraceID] }

func (b *block) Narrow(all []scan.Predicate, sel *scan.Bitmap) error {
	for i, s := range b.spans {
		for p := range all {
			if sel.Get(i) && !s.holds(&all[p]) {
				sel.Clear(i)
			}
		}
	}
	return nil
}

func (b *block) Trace(row int) (scan.Trace, error) {
	id := b.spans[row].get().TraceID
	t := scan.Trace{ID: id, Start: b.traceStart(row), Lo: row, Hi: row + 1}
	for !b.head && t.Lo > 0 && b.spans[t.Lo-1].get().TraceID == id {
		t.Lo--
	}
	for !b.head && t.Hi < len(b.spans) && b.spans[t.Hi].get().TraceID == id {
		t.Hi++
	}
	return t, nil
}

// Parents implements [scan.Lineage].
func (b *block) Parents(lo, hi int, _ []uint32) ([]uint32, error) {
	out := make([]uint32, hi-lo)
	for i := range out {
		row := lo + i
		id := b.spans[row].get().ParentID
		if id.IsZero() {
			continue
		}
		out[i] = scan.ParentElsewhere
		t, _ := b.Trace(row)
		for j := t.Lo; j < row; j++ {
			if b.spans[j].get().SpanID == id {
				out[i] = uint32(row - j)
				break
			}
		}
	}
	return out, nil
}

func (b *block) Rows(lo, hi int, want scan.Columns, dst *scan.Rows) error {
	*dst = scan.Rows{}
	for _, s := range b.spans[lo:hi] {
		x := s.get()
		column(&dst.TraceID, want&scan.ColTraceID, x.TraceID)
		column(&dst.SpanID, want&scan.ColSpanID, x.SpanID)
		column(&dst.ParentID, want&scan.ColParentID, x.ParentID)
		column(&dst.Start, want&scan.ColStart, x.Start)
		column(&dst.Duration, want&scan.ColDuration, x.Duration())
		column(&dst.Kind, want&scan.ColKind, x.Kind)
		column(&dst.Status, want&scan.ColStatus, x.Status)
		column(&dst.Name, want&scan.ColName, x.Name)
		column(&dst.Service, want&scan.ColService, s.b.ServiceName(x.Resource))
	}
	return nil
}

func (b *block) Codes(field scan.Field, lo, hi int, dst *scan.Codes) error {
	dst.Resize(hi - lo)
	for i, s := range b.spans[lo:hi] {
		dst.Rows[i] = 0
		for _, v := range s.values(field) {
			dst.Rows[i] = dst.Code(v)
		}
	}
	return nil
}

func column[T any](dst *[]T, want scan.Columns, v T) {
	if want != 0 {
		*dst = append(*dst, v)
	}
}

func (b *block) Spans(lo, hi int, dst *telemetry.Batch) error {
	c := copier{dst: dst, resources: map[key]uint32{}, scopes: map[key]uint32{}}
	for _, s := range b.spans[lo:hi] {
		c.copy(s)
	}
	return nil
}

// key is a resource or scope of a batch.
type key struct {
	b *telemetry.Batch
	i uint32
}

type copier struct {
	dst               *telemetry.Batch
	resources, scopes map[key]uint32
}

func (c *copier) attrs(b *telemetry.Batch, r telemetry.Range) telemetry.Range {
	start := uint32(len(c.dst.Attrs))
	c.dst.Attrs = append(c.dst.Attrs, b.AttrsOf(r)...)
	return telemetry.Range{Start: start, End: uint32(len(c.dst.Attrs))}
}

func (c *copier) copy(s span) {
	x := *s.get()
	at, ok := c.resources[key{s.b, x.Resource}]
	if !ok {
		r := s.b.Resources[x.Resource]
		r.Attrs = c.attrs(s.b, r.Attrs)
		at = uint32(len(c.dst.Resources))
		c.resources[key{s.b, x.Resource}] = at
		c.dst.Resources = append(c.dst.Resources, r)
	}
	x.Resource = at
	if at, ok = c.scopes[key{s.b, x.Scope}]; !ok {
		r := s.b.Scopes[x.Scope]
		r.Attrs = c.attrs(s.b, r.Attrs)
		at = uint32(len(c.dst.Scopes))
		c.scopes[key{s.b, x.Scope}] = at
		c.dst.Scopes = append(c.dst.Scopes, r)
	}
	x.Scope = at
	x.Attrs = c.attrs(s.b, x.Attrs)
	start := uint32(len(c.dst.Events))
	for _, e := range s.b.EventsOf(s.get()) {
		e.Attrs = c.attrs(s.b, e.Attrs)
		c.dst.Events = append(c.dst.Events, e)
	}
	x.Events = telemetry.Range{Start: start, End: uint32(len(c.dst.Events))}
	start = uint32(len(c.dst.Links))
	for _, l := range s.b.LinksOf(s.get()) {
		l.Attrs = c.attrs(s.b, l.Attrs)
		c.dst.Links = append(c.dst.Links, l)
	}
	x.Links = telemetry.Range{Start: start, End: uint32(len(c.dst.Links))}
	c.dst.Spans = append(c.dst.Spans, x)
}
