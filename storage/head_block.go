package storage

import (
	"sync/atomic"

	"github.com/kiseki-dev/kiseki/storage/scan"
	"github.com/kiseki-dev/kiseki/storage/segment"
	"github.com/kiseki-dev/kiseki/telemetry"
)

// headBlock is up to chunkRows rows of a shard, as a view has them.
type headBlock struct {
	v        *view
	base     uint32 // the first row
	n        int
	min, max uint64
}

func (b *headBlock) row(i int) *row { return &b.v.chunks[b.base/chunkRows].rows[i] }

// Len implements [scan.Block].
func (b *headBlock) Len() int { return b.n }

// Bounds implements [scan.Block].
func (b *headBlock) Bounds() (min, max uint64) { return b.min, b.max }

// NewestTrace implements [scan.Block]: no trace starts after its spans do.
func (b *headBlock) NewestTrace() uint64 { return b.max }

// Trace implements [scan.Block].
func (b *headBlock) Trace(i int) (scan.Trace, error) {
	t := b.v.trace(b.row(i).trace)
	return scan.Trace{ID: t.id, Start: atomic.LoadUint64(&t.minStart), Lo: i, Hi: i + 1}, nil
}

// Rows implements [scan.Block].
func (b *headBlock) Rows(lo, hi int, want scan.Columns, dst *scan.Rows) error {
	v := b.v
	dst.TraceID = fill(dst.TraceID, b, lo, hi, want&scan.ColTraceID, func(r *row) telemetry.TraceID { return v.trace(r.trace).id })
	dst.SpanID = fill(dst.SpanID, b, lo, hi, want&scan.ColSpanID, func(r *row) telemetry.SpanID { return r.spanID })
	dst.ParentID = fill(dst.ParentID, b, lo, hi, want&scan.ColParentID, func(r *row) telemetry.SpanID { return r.parentID })
	dst.Start = fill(dst.Start, b, lo, hi, want&scan.ColStart, func(r *row) uint64 { return r.start })
	dst.Duration = fill(dst.Duration, b, lo, hi, want&scan.ColDuration, (*row).duration)
	dst.Kind = fill(dst.Kind, b, lo, hi, want&scan.ColKind, func(r *row) telemetry.Kind { return r.kind })
	dst.Status = fill(dst.Status, b, lo, hi, want&scan.ColStatus, func(r *row) telemetry.Status { return r.status })
	dst.Name = fill(dst.Name, b, lo, hi, want&scan.ColName, func(r *row) string { return v.names[r.name] })
	dst.Service = fill(dst.Service, b, lo, hi, want&scan.ColService, func(r *row) string { return v.resources[r.resource].service })
	return nil
}

func fill[T any](dst []T, b *headBlock, lo, hi int, want scan.Columns, get func(*row) T) []T {
	dst = dst[:0]
	if want == 0 {
		return dst
	}
	for i := lo; i < hi; i++ {
		dst = append(dst, get(b.row(i)))
	}
	return dst
}

// duration is as [telemetry.Span.Duration].
func (r *row) duration() uint64 {
	if r.end <= r.start {
		return 0
	}
	return r.end - r.start
}

// Spans implements [scan.Block].
func (b *headBlock) Spans(lo, hi int, dst *telemetry.Batch) error {
	w := newSpanReader(b.v, dst)
	for i := lo; i < hi; i++ {
		w.add(b.row(i))
	}
	return nil
}

// spanReader copies rows of one view into a batch; each resource and scope
// once. Strings alias the head's memory.
type spanReader struct {
	v         *view
	dst       *telemetry.Batch
	resources map[uint32]uint32
	scopes    map[uint32]uint32
	// codes, if not nil, gets the codes of what is added to dst. Resources and
	// scopes then have the same indexes in dst as in v.
	codes *segment.Codes
}

func newSpanReader(v *view, dst *telemetry.Batch) *spanReader {
	return &spanReader{v: v, dst: dst, resources: map[uint32]uint32{}, scopes: map[uint32]uint32{}}
}

func (w *spanReader) add(r *row) {
	v, dst := w.v, w.dst
	s := telemetry.Span{
		TraceID: v.trace(r.trace).id, SpanID: r.spanID, ParentID: r.parentID, Start: r.start, End: r.end,
		Name: v.names[r.name], Flags: r.flags, Kind: r.kind, Status: r.status,
		Resource: w.resource(r.resource), Scope: w.scope(r.scope),
	}
	c := v.attrs(r)
	s.Attrs = w.list(&c)
	rest := v.rest(r, true)
	s.TraceState, s.StatusMessage = rest.state, rest.message
	s.DroppedAttrs, s.DroppedEvents, s.DroppedLinks = rest.dropped[0], rest.dropped[1], rest.dropped[2]
	if rest.events != nil {
		s.Events.Start = uint32(len(dst.Events))
		v.eachEvent(&rest.events, func(time int64, name string, dropped uint32, attrs *cursor) {
			dst.Events = append(dst.Events, telemetry.Event{
				Time: r.start + uint64(time), Name: name, DroppedAttrs: dropped, Attrs: w.list(attrs),
			})
		})
		s.Events.End = uint32(len(dst.Events))
	}
	if rest.links != nil {
		s.Links.Start = uint32(len(dst.Links))
		v.eachLink(&rest.links, func(l *telemetry.Link, attrs *cursor) {
			l.Attrs = w.list(attrs)
			dst.Links = append(dst.Links, *l)
		})
		s.Links.End = uint32(len(dst.Links))
	}
	dst.Spans = append(dst.Spans, s)
	if w.codes != nil {
		w.codes.Names = append(w.codes.Names, r.name)
	}
}

// list reads an attribute list.
func (w *spanReader) list(c *cursor) telemetry.Range {
	if w.codes == nil {
		return w.v.readAttrs(c, w.dst, nil)
	}
	return w.v.readAttrs(c, w.dst, &w.codes.Columns)
}

func (w *spanReader) resource(code uint32) uint32 {
	if w.codes != nil {
		return code
	}
	if i, ok := w.resources[code]; ok {
		return i
	}
	w.resources[code] = w.addResource(&w.v.resources[code])
	return w.resources[code]
}

func (w *spanReader) addResource(r *headResource) uint32 {
	out := r.Resource
	out.Attrs = w.attrs(r.attrs)
	w.dst.Resources = append(w.dst.Resources, out)
	return uint32(len(w.dst.Resources) - 1)
}

func (w *spanReader) scope(code uint32) uint32 {
	if w.codes != nil {
		return code
	}
	if i, ok := w.scopes[code]; ok {
		return i
	}
	w.scopes[code] = w.addScope(&w.v.scopes[code])
	return w.scopes[code]
}

func (w *spanReader) addScope(s *headScope) uint32 {
	out := s.Scope
	out.Attrs = w.attrs(s.attrs)
	w.dst.Scopes = append(w.dst.Scopes, out)
	return uint32(len(w.dst.Scopes) - 1)
}

func (w *spanReader) attrs(attrs []telemetry.Attr) telemetry.Range {
	first := len(w.dst.Attrs)
	w.dst.Attrs = append(w.dst.Attrs, attrs...)
	return telemetry.Range{Start: uint32(first), End: uint32(len(w.dst.Attrs))}
}
