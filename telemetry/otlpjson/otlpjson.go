// Package otlpjson writes spans as OTLP/JSON,
// https://opentelemetry.io/docs/specs/otlp/#json-protobuf-encoding, by
// appending text and not by reflection.
package otlpjson

import (
	"encoding/base64"
	"slices"
	"strconv"

	"github.com/kiseki-dev/kiseki/telemetry"
)

// Append appends the spans of b as a TracesData message: hex ids, 64-bit
// numbers as strings, enums as numbers, defaults left out. Spans are grouped
// by resource and scope and keep their order within a group.
func Append(dst []byte, b *telemetry.Batch) []byte {
	// A guess at the size saves most of the copying while dst grows.
	dst = slices.Grow(dst, 256*len(b.Spans)+64*len(b.Attrs))
	dst, _ = Write(dst, b, func(p []byte) ([]byte, error) { return p, nil }) // its only error is the function's
	return dst
}

// Write is Append for messages that are not to be held in memory. After each
// span it offers what is written to spill, which takes it, or not, and returns
// what is to be appended to; an error of it ends the writing. What Write
// returns is the rest.
func Write(dst []byte, b *telemetry.Batch, spill func([]byte) ([]byte, error)) ([]byte, error) {
	dst, err := WriteResourceSpans(append(dst, `{"resourceSpans":[`...), b, OTLP, spill)
	return append(dst, `]}`...), err
}

// Form is how ids and enums are spelt.
type Form uint8

// The forms. Protobuf is that of protobuf's own mapping to JSON, which OTLP/JSON
// departs from.
const (
	OTLP     Form = iota // ids in hexadecimal, enums as numbers
	Protobuf             // ids in base64, enums by their names; each span with a status, if an empty one
)

// WriteResourceSpans is [Write] of the elements of the list alone, with commas
// between them: a message may have those of several batches.
func WriteResourceSpans(dst []byte, b *telemetry.Batch, form Form, spill func([]byte) ([]byte, error)) ([]byte, error) {
	order := b.Grouped()
	for i, at := range order {
		s := &b.Spans[at]
		newResource := i == 0 || b.Spans[order[i-1]].Resource != s.Resource
		newScope := newResource || b.Spans[order[i-1]].Scope != s.Scope
		switch {
		case i > 0 && newResource:
			dst = closeResource(closeScope(dst, b, order[i-1]), b, order[i-1])
			dst = append(dst, ',')
		case i > 0 && newScope:
			dst = append(closeScope(dst, b, order[i-1]), ',')
		case i > 0:
			dst = append(dst, ',')
		}
		if newResource {
			dst = openResource(dst, b, &b.Resources[s.Resource])
		}
		if newScope {
			dst = openScope(dst, b, &b.Scopes[s.Scope])
		}
		var err error
		if dst, err = spill(appendSpan(dst, b, s, form)); err != nil {
			return nil, err
		}
	}
	if n := len(order); n > 0 {
		dst = closeResource(closeScope(dst, b, order[n-1]), b, order[n-1])
	}
	return dst, nil
}

func openResource(dst []byte, b *telemetry.Batch, r *telemetry.Resource) []byte {
	o := object{dst: append(dst, `{"resource":`...)}.open()
	o.attrs(b, r.Attrs)
	o.uint32("droppedAttributesCount", r.DroppedAttrs)
	return append(o.close(), `,"scopeSpans":[`...)
}

func closeResource(dst []byte, b *telemetry.Batch, span uint32) []byte {
	return closeList(dst, b.Resources[b.Spans[span].Resource].SchemaURL)
}

func openScope(dst []byte, b *telemetry.Batch, s *telemetry.Scope) []byte {
	o := object{dst: append(dst, `{"scope":`...)}.open()
	o.string("name", s.Name)
	o.string("version", s.Version)
	o.attrs(b, s.Attrs)
	o.uint32("droppedAttributesCount", s.DroppedAttrs)
	return append(o.close(), `,"spans":[`...)
}

func closeScope(dst []byte, b *telemetry.Batch, span uint32) []byte {
	return closeList(dst, b.Scopes[b.Spans[span].Scope].SchemaURL)
}

func closeList(dst []byte, schemaURL string) []byte {
	dst = append(dst, ']')
	if schemaURL != "" {
		dst = AppendString(append(dst, `,"schemaUrl":`...), schemaURL)
	}
	return append(dst, '}')
}

func appendSpan(dst []byte, b *telemetry.Batch, s *telemetry.Span, form Form) []byte {
	o := object{dst: dst, form: form}.open()
	o.id("traceId", s.TraceID[:])
	o.id("spanId", s.SpanID[:])
	o.string("traceState", s.TraceState)
	if !s.ParentID.IsZero() {
		o.id("parentSpanId", s.ParentID[:])
	}
	o.uint32("flags", s.Flags)
	o.string("name", s.Name)
	o.enum("kind", uint32(s.Kind), kindNames)
	o.uint64("startTimeUnixNano", s.Start)
	o.uint64("endTimeUnixNano", s.End)
	o.attrs(b, s.Attrs)
	o.uint32("droppedAttributesCount", s.DroppedAttrs)
	o.events(b, s)
	o.uint32("droppedEventsCount", s.DroppedEvents)
	o.links(b, s)
	o.uint32("droppedLinksCount", s.DroppedLinks)
	if s.Status != telemetry.StatusUnset || s.StatusMessage != "" || form == Protobuf {
		o.name("status")
		status := object{dst: o.dst, form: form}.open()
		status.string("message", s.StatusMessage)
		status.enum("code", uint32(s.Status), statusNames)
		o.dst = status.close()
	}
	return o.close()
}

func (o *object) events(b *telemetry.Batch, s *telemetry.Span) {
	for i, e := range b.EventsOf(s) {
		o.element("events", i)
		event := object{dst: o.dst}.open()
		event.uint64("timeUnixNano", e.Time)
		event.string("name", e.Name)
		event.attrs(b, e.Attrs)
		event.uint32("droppedAttributesCount", e.DroppedAttrs)
		o.dst = event.close()
	}
	o.endList(s.Events.Len())
}

func (o *object) links(b *telemetry.Batch, s *telemetry.Span) {
	for i, l := range b.LinksOf(s) {
		o.element("links", i)
		link := object{dst: o.dst, form: o.form}.open()
		link.id("traceId", l.TraceID[:])
		link.id("spanId", l.SpanID[:])
		link.string("traceState", l.TraceState)
		link.attrs(b, l.Attrs)
		link.uint32("droppedAttributesCount", l.DroppedAttrs)
		link.uint32("flags", l.Flags)
		o.dst = link.close()
	}
	o.endList(s.Links.Len())
}

// object writes a JSON object that leaves default values out.
type object struct {
	dst  []byte
	form Form
	any  bool // a field has been written
}

func (o object) open() object {
	o.dst = append(o.dst, '{')
	return o
}

func (o *object) close() []byte { return append(o.dst, '}') }

func (o *object) name(name string) {
	if o.any {
		o.dst = append(o.dst, ',')
	}
	o.any = true
	o.dst = append(append(append(o.dst, '"'), name...), `":`...)
}

func (o *object) string(name, v string) {
	if v != "" {
		o.name(name)
		o.dst = AppendString(o.dst, v)
	}
}

func (o *object) uint32(name string, v uint32) {
	if v != 0 {
		o.name(name)
		o.dst = strconv.AppendUint(o.dst, uint64(v), 10)
	}
}

func (o *object) uint64(name string, v uint64) {
	if v != 0 {
		o.name(name)
		o.dst = append(strconv.AppendUint(append(o.dst, '"'), v, 10), '"')
	}
}

func (o *object) id(name string, id []byte) {
	o.name(name)
	if o.form == Protobuf {
		o.dst = append(base64.StdEncoding.AppendEncode(append(o.dst, '"'), id), '"')
		return
	}
	o.dst = AppendHex(o.dst, id)
}

// The names of the enums' numbers.
var (
	kindNames   = []string{"", "SPAN_KIND_INTERNAL", "SPAN_KIND_SERVER", "SPAN_KIND_CLIENT", "SPAN_KIND_PRODUCER", "SPAN_KIND_CONSUMER"}
	statusNames = []string{"", "STATUS_CODE_OK", "STATUS_CODE_ERROR"}
)

// enum writes a number, or its name where it has one.
func (o *object) enum(name string, v uint32, names []string) {
	if o.form == Protobuf && v < uint32(len(names)) {
		o.string(name, names[v])
		return
	}
	o.uint32(name, v)
}

func (o *object) attrs(b *telemetry.Batch, r telemetry.Range) {
	if r.Len() > 0 {
		o.name("attributes")
		o.dst = AppendAttrs(o.dst, b.AttrsOf(r))
	}
}

// element begins element i of a list field.
func (o *object) element(name string, i int) {
	if i == 0 {
		o.name(name)
		o.dst = append(o.dst, '[')
	} else {
		o.dst = append(o.dst, ',')
	}
}

// endList ends a list field of n elements, which is left out if empty.
func (o *object) endList(n int) {
	if n > 0 {
		o.dst = append(o.dst, ']')
	}
}
