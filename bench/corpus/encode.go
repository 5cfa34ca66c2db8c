package corpus

import (
	"encoding/binary"

	"github.com/kiseki-dev/kiseki/telemetry"
)

// encoder writes OTLP protobuf (opentelemetry/proto/collector/trace/v1 and
// below). A length comes before its message, so each level of nesting is
// written to a buffer of its own first.
type encoder struct {
	resource, scope, span, inner, value []byte
}

const (
	varint  = 0
	fixed64 = 1
	bytesOf = 2
	fixed32 = 5
)

func tag(dst []byte, field, wire int) []byte {
	return binary.AppendUvarint(dst, uint64(field<<3|wire))
}

// message appends a length-delimited field; an empty one is left out.
func message[T string | []byte](dst []byte, field int, m T) []byte {
	if len(m) == 0 {
		return dst
	}
	dst = binary.AppendUvarint(tag(dst, field, bytesOf), uint64(len(m)))
	return append(dst, m...)
}

// number appends a varint field; zero is left out.
func number(dst []byte, field int, n uint64) []byte {
	if n == 0 {
		return dst
	}
	return binary.AppendUvarint(tag(dst, field, varint), n)
}

// request appends an ExportTraceServiceRequest with all spans of b.
func (e *encoder) request(dst []byte, b *telemetry.Batch) []byte {
	for r := range b.Resources {
		res := &b.Resources[r]
		e.inner = e.attrs(e.inner[:0], 1, b.AttrsOf(res.Attrs))
		e.resource = message(e.resource[:0], 1, e.inner)
		for s := range b.Scopes {
			e.scopeSpans(b, uint32(r), uint32(s))
		}
		e.resource = message(e.resource, 3, res.SchemaURL)
		dst = message(dst, 1, e.resource)
	}
	return dst
}

// scopeSpans appends to e.resource the spans of one resource and scope.
func (e *encoder) scopeSpans(b *telemetry.Batch, resource, scope uint32) {
	sc := &b.Scopes[scope]
	e.inner = message(e.inner[:0], 1, sc.Name)
	e.inner = message(e.inner, 2, sc.Version)
	e.scope = message(e.scope[:0], 1, e.inner)
	empty := len(e.scope)
	for i := range b.Spans {
		if s := &b.Spans[i]; s.Resource == resource && s.Scope == scope {
			e.encodeSpan(b, s)
			e.scope = message(e.scope, 2, e.span)
		}
	}
	if len(e.scope) > empty {
		e.scope = message(e.scope, 3, sc.SchemaURL)
		e.resource = message(e.resource, 2, e.scope)
	}
}

func (e *encoder) encodeSpan(b *telemetry.Batch, s *telemetry.Span) {
	m := message(e.span[:0], 1, s.TraceID[:])
	m = message(m, 2, s.SpanID[:])
	m = message(m, 3, s.TraceState)
	if !s.ParentID.IsZero() {
		m = message(m, 4, s.ParentID[:])
	}
	m = message(m, 5, s.Name)
	m = number(m, 6, uint64(s.Kind))
	m = binary.LittleEndian.AppendUint64(tag(m, 7, fixed64), s.Start)
	m = binary.LittleEndian.AppendUint64(tag(m, 8, fixed64), s.End)
	m = e.attrs(m, 9, b.AttrsOf(s.Attrs))
	for i := range b.EventsOf(s) {
		ev := &b.EventsOf(s)[i]
		e.inner = binary.LittleEndian.AppendUint64(tag(e.inner[:0], 1, fixed64), ev.Time)
		e.inner = message(e.inner, 2, ev.Name)
		e.inner = e.attrs(e.inner, 3, b.AttrsOf(ev.Attrs))
		m = message(m, 11, e.inner)
	}
	if s.Status != telemetry.StatusUnset {
		e.inner = message(e.inner[:0], 2, s.StatusMessage)
		e.inner = number(e.inner, 3, uint64(s.Status))
		m = message(m, 15, e.inner)
	}
	e.span = binary.LittleEndian.AppendUint32(tag(m, 16, fixed32), s.Flags)
}

// attrs appends KeyValue messages; dst must not be e.value.
func (e *encoder) attrs(dst []byte, field int, attrs []telemetry.Attr) []byte {
	for _, a := range attrs {
		// An entry of an encoded map is a KeyValue in field 1 of its parent.
		e.value = telemetry.AppendEntry(e.value[:0], a.Key, a.Value)
		dst = append(tag(dst, field, bytesOf), e.value[1:]...)
	}
	return dst
}
