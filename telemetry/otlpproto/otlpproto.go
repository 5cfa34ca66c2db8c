// Package otlpproto writes spans as OTLP's protobuf,
// https://opentelemetry.io/docs/specs/otlp/#binary-protobuf-encoding, by
// appending bytes and not by reflection.
package otlpproto

import (
	"encoding/binary"
	"math/bits"
	"slices"

	"github.com/kiseki-dev/kiseki/telemetry"
)

// The numbers of the fields, opentelemetry/proto/{trace,common,resource}/v1,
// with their wire types as tags.
const (
	resourceSpans = 1<<3 | wireBytes // of TracesData

	resourceOf     = 1<<3 | wireBytes // of ResourceSpans
	scopeSpans     = 2<<3 | wireBytes
	resourceSchema = 3<<3 | wireBytes

	resourceAttrs   = 1<<3 | wireBytes // of Resource
	resourceDropped = 2<<3 | wireVarint

	scopeOf     = 1<<3 | wireBytes // of ScopeSpans
	spans       = 2<<3 | wireBytes
	scopeSchema = 3<<3 | wireBytes

	scopeName    = 1<<3 | wireBytes // of InstrumentationScope
	scopeVersion = 2<<3 | wireBytes
	scopeAttrs   = 3<<3 | wireBytes
	scopeDropped = 4<<3 | wireVarint

	spanTraceID       = 1<<3 | wireBytes // of Span
	spanID            = 2<<3 | wireBytes
	spanTraceState    = 3<<3 | wireBytes
	spanParentID      = 4<<3 | wireBytes
	spanName          = 5<<3 | wireBytes
	spanKind          = 6<<3 | wireVarint
	spanStart         = 7<<3 | wireFixed64
	spanEnd           = 8<<3 | wireFixed64
	spanAttrs         = 9<<3 | wireBytes
	spanDroppedAttrs  = 10<<3 | wireVarint
	spanEvents        = 11<<3 | wireBytes
	spanDroppedEvents = 12<<3 | wireVarint
	spanLinks         = 13<<3 | wireBytes
	spanDroppedLinks  = 14<<3 | wireVarint
	spanStatus        = 15<<3 | wireBytes
	spanFlags         = 16<<3 | wireFixed32

	statusMessage = 2<<3 | wireBytes // of Status
	statusCode    = 3<<3 | wireVarint

	eventTime    = 1<<3 | wireFixed64 // of Event
	eventName    = 2<<3 | wireBytes
	eventAttrs   = 3<<3 | wireBytes
	eventDropped = 4<<3 | wireVarint

	linkTraceID    = 1<<3 | wireBytes // of Link
	linkSpanID     = 2<<3 | wireBytes
	linkTraceState = 3<<3 | wireBytes
	linkAttrs      = 4<<3 | wireBytes
	linkDropped    = 5<<3 | wireVarint
	linkFlags      = 6<<3 | wireFixed32
)

// The wire types, https://protobuf.dev/programming-guides/encoding.
const (
	wireVarint  = 0
	wireFixed64 = 1
	wireBytes   = 2
	wireFixed32 = 5
)

// Append appends the spans of b as a TracesData message. Spans are grouped by
// resource and scope and keep their order within a group.
func Append(dst []byte, b *telemetry.Batch) []byte {
	order := b.Grouped()
	// A guess at the size saves most of the copying while dst grows.
	w := writer{slices.Grow(dst, 128*len(b.Spans)+48*len(b.Attrs)), b}
	for len(order) > 0 {
		n := run(order, func(at uint32) uint32 { return b.Spans[at].Resource })
		w.resource(order[:n])
		order = order[n:]
	}
	return w.dst
}

// run is how many spans from the first on have the same key.
func run(order []uint32, key func(uint32) uint32) int {
	n := 1
	for n < len(order) && key(order[n]) == key(order[0]) {
		n++
	}
	return n
}

type writer struct {
	dst []byte
	b   *telemetry.Batch
}

// resource writes the spans of one resource.
func (w *writer) resource(order []uint32) {
	r := &w.b.Resources[w.b.Spans[order[0]].Resource]
	outer := w.begin(resourceSpans)
	inner := w.begin(resourceOf)
	w.attrs(resourceAttrs, r.Attrs)
	w.number(resourceDropped, r.DroppedAttrs)
	w.end(inner)
	for len(order) > 0 {
		n := run(order, func(at uint32) uint32 { return w.b.Spans[at].Scope })
		w.scope(order[:n])
		order = order[n:]
	}
	w.text(resourceSchema, r.SchemaURL)
	w.end(outer)
}

// scope writes the spans of one scope of one resource.
func (w *writer) scope(order []uint32) {
	s := &w.b.Scopes[w.b.Spans[order[0]].Scope]
	outer := w.begin(scopeSpans)
	inner := w.begin(scopeOf)
	w.text(scopeName, s.Name)
	w.text(scopeVersion, s.Version)
	w.attrs(scopeAttrs, s.Attrs)
	w.number(scopeDropped, s.DroppedAttrs)
	w.end(inner)
	for _, at := range order {
		w.span(&w.b.Spans[at])
	}
	w.text(scopeSchema, s.SchemaURL)
	w.end(outer)
}

func (w *writer) span(s *telemetry.Span) {
	outer := w.begin(spans)
	w.bytes(spanTraceID, s.TraceID[:])
	w.bytes(spanID, s.SpanID[:])
	w.text(spanTraceState, s.TraceState)
	if !s.ParentID.IsZero() {
		w.bytes(spanParentID, s.ParentID[:])
	}
	w.text(spanName, s.Name)
	w.number(spanKind, uint32(s.Kind))
	w.fixed64(spanStart, s.Start)
	w.fixed64(spanEnd, s.End)
	w.attrs(spanAttrs, s.Attrs)
	w.number(spanDroppedAttrs, s.DroppedAttrs)
	for _, e := range w.b.EventsOf(s) {
		inner := w.begin(spanEvents)
		w.fixed64(eventTime, e.Time)
		w.text(eventName, e.Name)
		w.attrs(eventAttrs, e.Attrs)
		w.number(eventDropped, e.DroppedAttrs)
		w.end(inner)
	}
	w.number(spanDroppedEvents, s.DroppedEvents)
	for _, l := range w.b.LinksOf(s) {
		inner := w.begin(spanLinks)
		w.bytes(linkTraceID, l.TraceID[:])
		w.bytes(linkSpanID, l.SpanID[:])
		w.text(linkTraceState, l.TraceState)
		w.attrs(linkAttrs, l.Attrs)
		w.number(linkDropped, l.DroppedAttrs)
		w.fixed32(linkFlags, l.Flags)
		w.end(inner)
	}
	w.number(spanDroppedLinks, s.DroppedLinks)
	inner := w.begin(spanStatus) // also an empty one: Grafana does not do without
	w.text(statusMessage, s.StatusMessage)
	w.number(statusCode, uint32(s.Status))
	w.end(inner)
	w.fixed32(spanFlags, s.Flags)
	w.end(outer)
}

// begin begins a message; end, which takes what begin returned, ends it.
func (w *writer) begin(tag uint64) (start int) {
	w.dst = binary.AppendUvarint(w.dst, tag)
	return len(w.dst)
}

// end puts the length before the message, which moves to make room for it.
func (w *writer) end(start int) {
	size := len(w.dst) - start
	n := (bits.Len(uint(size)|1) + 6) / 7
	var room [binary.MaxVarintLen64]byte
	w.dst = append(w.dst, room[:n]...)
	copy(w.dst[start+n:], w.dst[start:start+size])
	binary.PutUvarint(w.dst[start:], uint64(size))
}

// The writers of fields below leave out what is zero, as proto3 does.

func (w *writer) bytes(tag uint64, p []byte) {
	w.dst = binary.AppendUvarint(w.dst, tag)
	w.dst = append(binary.AppendUvarint(w.dst, uint64(len(p))), p...)
}

func (w *writer) text(tag uint64, s string) {
	if s == "" {
		return
	}
	w.dst = binary.AppendUvarint(w.dst, tag)
	w.dst = append(binary.AppendUvarint(w.dst, uint64(len(s))), s...)
}

func (w *writer) number(tag uint64, n uint32) {
	if n == 0 {
		return
	}
	w.dst = binary.AppendUvarint(w.dst, tag)
	w.dst = binary.AppendUvarint(w.dst, uint64(n))
}

func (w *writer) fixed64(tag, n uint64) {
	if n == 0 {
		return
	}
	w.dst = binary.LittleEndian.AppendUint64(binary.AppendUvarint(w.dst, tag), n)
}

func (w *writer) fixed32(tag uint64, n uint32) {
	if n == 0 {
		return
	}
	w.dst = binary.LittleEndian.AppendUint32(binary.AppendUvarint(w.dst, tag), n)
}

// attrs writes the attributes as the repeated field of tag, which is one byte
// as that of an encoded map's entries is.
func (w *writer) attrs(tag byte, r telemetry.Range) {
	for _, a := range w.b.AttrsOf(r) {
		at := len(w.dst)
		w.dst = telemetry.AppendEntry(w.dst, a.Key, a.Value)
		w.dst[at] = tag
	}
}
