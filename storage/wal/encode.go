package wal

import (
	"encoding/binary"

	"github.com/klauspost/compress/s2"

	"github.com/kiseki-dev/kiseki/telemetry"
)

// Encoder makes records. It may be reused, by one goroutine at a time.
type Encoder struct {
	flat []byte
	rec  []byte
}

// Encode is the record of b, for [Writer.Append]; it is valid until the next
// call.
func (e *Encoder) Encode(b *telemetry.Batch) ([]byte, error) {
	e.flat = AppendBatch(e.flat[:0], b)
	n := s2.MaxEncodedLen(len(e.flat))
	if len(e.flat) > MaxRecord || n < 0 || n > MaxRecord {
		return nil, ErrTooLarge
	}
	if cap(e.rec) < frameSize+n {
		e.rec = make([]byte, frameSize+n)
	}
	rec := e.rec[:frameSize+n]
	return rec[:frameSize+len(s2.Encode(rec[frameSize:], e.flat))], nil
}

// Size is how much memory e holds on to.
func (e *Encoder) Size() int { return cap(e.flat) + cap(e.rec) }

// A span's header byte says what of the following it has.
const (
	hasTrace = 1 << iota // a trace ID other than the span's before it
	hasParent
	hasState
	hasMessage
	hasFlags
	hasDropped
	hasEvents
	hasLinks
)

// AppendBatch appends the flat encoding of b. Integers are LEB128 varints
// (signed ones zigzag), ids raw, strings and lists preceded by their length:
//
//	batch     attrs total, events total, links total, resources, scopes, spans
//	resource  attrs, dropped, schema URL
//	scope     name, version, attrs, dropped, schema URL
//	span      has 1, [trace ID 16], span ID 8, [parent ID 8],
//	          start - the start before (signed), end - start (signed),
//	          kind 1, status 1, resource, scope, name, attrs,
//	          [state] [message] [flags] [dropped attrs, events, links]
//	          [events] [links]
//	event     time - span's start (signed), name, dropped, attrs
//	link      trace ID 16, span ID 8, state, flags, dropped, attrs
//	attr      key, type 1, value: varint of the signed int; 1 byte of a bool;
//	          8 bytes of a double; string otherwise; nothing if empty
func AppendBatch(dst []byte, b *telemetry.Batch) []byte {
	for _, n := range [...]int{len(b.Attrs), len(b.Events), len(b.Links), len(b.Resources)} {
		dst = binary.AppendUvarint(dst, uint64(n))
	}
	for i := range b.Resources {
		r := &b.Resources[i]
		dst = appendAttrs(dst, b.AttrsOf(r.Attrs))
		dst = binary.AppendUvarint(dst, uint64(r.DroppedAttrs))
		dst = appendString(dst, r.SchemaURL)
	}
	dst = binary.AppendUvarint(dst, uint64(len(b.Scopes)))
	for i := range b.Scopes {
		s := &b.Scopes[i]
		dst = appendString(dst, s.Name)
		dst = appendString(dst, s.Version)
		dst = appendAttrs(dst, b.AttrsOf(s.Attrs))
		dst = binary.AppendUvarint(dst, uint64(s.DroppedAttrs))
		dst = appendString(dst, s.SchemaURL)
	}
	dst = binary.AppendUvarint(dst, uint64(len(b.Spans)))
	var before telemetry.Span
	for i := range b.Spans {
		dst = appendSpan(dst, b, &b.Spans[i], &before)
		before.TraceID, before.Start = b.Spans[i].TraceID, b.Spans[i].Start
	}
	return dst
}

func spanHeader(s, before *telemetry.Span) (has byte) {
	flag := func(bit byte, on bool) {
		if on {
			has |= bit
		}
	}
	flag(hasTrace, s.TraceID != before.TraceID)
	flag(hasParent, !s.ParentID.IsZero())
	flag(hasState, s.TraceState != "")
	flag(hasMessage, s.StatusMessage != "")
	flag(hasFlags, s.Flags != 0)
	flag(hasDropped, s.DroppedAttrs|s.DroppedEvents|s.DroppedLinks != 0)
	flag(hasEvents, s.Events.Len() != 0)
	flag(hasLinks, s.Links.Len() != 0)
	return has
}

func appendSpan(dst []byte, b *telemetry.Batch, s, before *telemetry.Span) []byte {
	has := spanHeader(s, before)
	dst = append(dst, has)
	if has&hasTrace != 0 {
		dst = append(dst, s.TraceID[:]...)
	}
	dst = append(dst, s.SpanID[:]...)
	if has&hasParent != 0 {
		dst = append(dst, s.ParentID[:]...)
	}
	dst = binary.AppendVarint(dst, int64(s.Start-before.Start))
	dst = binary.AppendVarint(dst, int64(s.End-s.Start))
	dst = append(dst, byte(s.Kind), byte(s.Status))
	dst = binary.AppendUvarint(dst, uint64(s.Resource))
	dst = binary.AppendUvarint(dst, uint64(s.Scope))
	dst = appendString(dst, s.Name)
	dst = appendAttrs(dst, b.AttrsOf(s.Attrs))
	if has&hasState != 0 {
		dst = appendString(dst, s.TraceState)
	}
	if has&hasMessage != 0 {
		dst = appendString(dst, s.StatusMessage)
	}
	if has&hasFlags != 0 {
		dst = binary.AppendUvarint(dst, uint64(s.Flags))
	}
	if has&hasDropped != 0 {
		dst = binary.AppendUvarint(dst, uint64(s.DroppedAttrs))
		dst = binary.AppendUvarint(dst, uint64(s.DroppedEvents))
		dst = binary.AppendUvarint(dst, uint64(s.DroppedLinks))
	}
	if has&hasEvents != 0 {
		dst = binary.AppendUvarint(dst, uint64(s.Events.Len()))
		for _, e := range b.EventsOf(s) {
			dst = binary.AppendVarint(dst, int64(e.Time-s.Start))
			dst = appendString(dst, e.Name)
			dst = binary.AppendUvarint(dst, uint64(e.DroppedAttrs))
			dst = appendAttrs(dst, b.AttrsOf(e.Attrs))
		}
	}
	if has&hasLinks != 0 {
		dst = appendLinks(dst, b, b.LinksOf(s))
	}
	return dst
}

func appendLinks(dst []byte, b *telemetry.Batch, links []telemetry.Link) []byte {
	dst = binary.AppendUvarint(dst, uint64(len(links)))
	for i := range links {
		l := &links[i]
		dst = append(dst, l.TraceID[:]...)
		dst = append(dst, l.SpanID[:]...)
		dst = appendString(dst, l.TraceState)
		dst = binary.AppendUvarint(dst, uint64(l.Flags))
		dst = binary.AppendUvarint(dst, uint64(l.DroppedAttrs))
		dst = appendAttrs(dst, b.AttrsOf(l.Attrs))
	}
	return dst
}

func appendAttrs(dst []byte, attrs []telemetry.Attr) []byte {
	dst = binary.AppendUvarint(dst, uint64(len(attrs)))
	for i := range attrs {
		a := &attrs[i]
		dst = appendString(dst, a.Key)
		dst = append(dst, byte(a.Value.Type()))
		switch a.Value.Type() {
		case telemetry.ValueEmpty:
		case telemetry.ValueBool:
			dst = append(dst, byte(a.Value.Num()))
		case telemetry.ValueInt:
			dst = binary.AppendVarint(dst, a.Value.Int())
		case telemetry.ValueDouble:
			dst = binary.LittleEndian.AppendUint64(dst, a.Value.Num())
		default:
			dst = appendString(dst, a.Value.Str())
		}
	}
	return dst
}

func appendString(dst []byte, s string) []byte {
	dst = binary.AppendUvarint(dst, uint64(len(s)))
	return append(dst, s...)
}
