package otlp

import (
	"encoding/base64"
	"encoding/binary"
	"encoding/hex"
	"math"
	"strings"

	"github.com/kiseki-dev/kiseki/telemetry"
)

// The messages of OTLP/JSON, a function each
// (https://opentelemetry.io/docs/specs/otlp/#json-protobuf-encoding). In JSON
// an attribute list is one array, so that every message is read in one walk
// whatever the order of its fields.

func (d *Decoder) jsonRequest() {
	if d.peek() != '{' {
		d.expected("an object")
	}
	for o := d.object(); d.member(&o); {
		switch o.name {
		case "resourceSpans", "resource_spans":
			for a := d.array(); d.item(&a); {
				d.resourceSpans++
				d.jsonResourceSpans()
			}
			d.endPath(&d.resourceSpans)
		default:
			d.skip(0)
		}
	}
	if d.err == nil && d.peek() != 0 {
		d.expected("the end")
	}
	if d.err == nil && d.pos < len(d.in) {
		d.fail(d.pos, "zero byte after the request")
	}
}

// endPath leaves an array that a path names; after an error the path stays.
func (d *Decoder) endPath(i *int) {
	if d.err == nil {
		*i = -1
	}
}

func (d *Decoder) jsonResourceSpans() {
	before, index := d.mark(), len(d.b.Resources)
	d.b.Resources = append(d.b.Resources, telemetry.Resource{})
	var r telemetry.Resource
	for o := d.object(); d.member(&o); {
		switch o.name {
		case "resource":
			for o := d.object(); d.member(&o); {
				switch o.name {
				case "attributes":
					r.Attrs = d.jsonAttrs()
				case "droppedAttributesCount", "dropped_attributes_count":
					d.jsonUint32(&r.DroppedAttrs)
				default:
					d.skip(0)
				}
			}
		case "scopeSpans", "scope_spans":
			d.scopeSpans = -1
			for a := d.array(); d.item(&a); {
				d.scopeSpans++
				d.jsonScopeSpans(uint32(index))
			}
			d.endPath(&d.scopeSpans)
		case "schemaUrl", "schema_url":
			d.jsonText(&r.SchemaURL)
		default:
			d.skip(0)
		}
	}
	d.b.Resources[index] = r
	if len(d.b.Spans) == before.spans {
		d.undo(before)
	}
}

func (d *Decoder) jsonScopeSpans(resource uint32) {
	before, index := d.mark(), len(d.b.Scopes)
	d.b.Scopes = append(d.b.Scopes, telemetry.Scope{})
	var s telemetry.Scope
	for o := d.object(); d.member(&o); {
		switch o.name {
		case "scope":
			d.jsonScope(&s)
		case "spans":
			d.span = -1
			for a := d.array(); d.item(&a); {
				d.span++
				d.jsonSpan(resource, uint32(index))
			}
			d.endPath(&d.span)
		case "schemaUrl", "schema_url":
			d.jsonText(&s.SchemaURL)
		default:
			d.skip(0)
		}
	}
	d.b.Scopes[index] = s
	if len(d.b.Spans) == before.spans {
		d.undo(before)
	}
}

func (d *Decoder) jsonScope(s *telemetry.Scope) {
	for o := d.object(); d.member(&o); {
		switch o.name {
		case "name":
			d.jsonText(&s.Name)
		case "version":
			d.jsonText(&s.Version)
		case "attributes":
			s.Attrs = d.jsonAttrs()
		case "droppedAttributesCount", "dropped_attributes_count":
			d.jsonUint32(&s.DroppedAttrs)
		default:
			d.skip(0)
		}
	}
}

func (d *Decoder) jsonSpan(resource, scope uint32) {
	if !d.element(d.pos) {
		return
	}
	before := d.mark()
	s := telemetry.Span{Resource: resource, Scope: scope}
	var ids jsonIDs
	for o := d.object(); d.member(&o); {
		switch o.name {
		case "traceId", "trace_id":
			d.jsonText(&ids.trace)
		case "spanId", "span_id":
			d.jsonText(&ids.span)
		case "parentSpanId", "parent_span_id":
			d.jsonText(&ids.parent)
		case "traceState", "trace_state":
			d.jsonText(&s.TraceState)
		case "name":
			d.jsonText(&s.Name)
		case "kind":
			d.jsonKind(&s)
		case "startTimeUnixNano", "start_time_unix_nano":
			d.jsonUint(&s.Start, math.MaxUint64)
		case "endTimeUnixNano", "end_time_unix_nano":
			d.jsonUint(&s.End, math.MaxUint64)
		case "attributes":
			s.Attrs = d.jsonAttrs()
		case "events":
			s.Events = d.jsonEvents()
		case "links":
			s.Links = d.jsonLinks(&ids.droppedLinks)
		case "status":
			d.jsonStatus(&s)
		case "flags":
			d.jsonUint32(&s.Flags)
		case "droppedAttributesCount", "dropped_attributes_count":
			d.jsonUint32(&s.DroppedAttrs)
		case "droppedEventsCount", "dropped_events_count":
			d.jsonUint32(&s.DroppedEvents)
		case "droppedLinksCount", "dropped_links_count":
			d.jsonUint32(&s.DroppedLinks)
		default:
			d.skip(0)
		}
	}
	s.DroppedLinks += ids.droppedLinks
	if reason := ids.decode(&s); reason >= 0 {
		d.reject(reason, before)
		return
	}
	d.b.Spans = append(d.b.Spans, s)
}

// jsonIDs is what must wait for a span's end.
type jsonIDs struct {
	trace, span, parent string
	droppedLinks        uint32
}

// decode sets the ids of s, or returns the reason why it must be rejected, or
// -1.
func (ids *jsonIDs) decode(s *telemetry.Span) int {
	if reason := hexID(s.TraceID[:], ids.trace, rejectTraceIDLength); reason >= 0 {
		return reason
	}
	if reason := hexID(s.SpanID[:], ids.span, rejectSpanIDLength); reason >= 0 {
		return reason
	}
	if ids.parent != "" {
		if reason := hexID(s.ParentID[:], ids.parent, rejectParentLength); reason >= 0 {
			return reason
		}
	}
	switch {
	case s.TraceID.IsZero():
		return rejectTraceIDZero
	case s.SpanID.IsZero():
		return rejectSpanIDZero
	}
	return -1
}

// hexID decodes text into id and returns -1, or the reason why it cannot.
func hexID(id []byte, text string, wrongLength int) int {
	if len(text) != hex.EncodedLen(len(id)) {
		return wrongLength
	}
	if _, err := hex.Decode(id, bytesOf(text)); err != nil {
		return rejectHex
	}
	return -1
}

func (d *Decoder) jsonKind(s *telemetry.Span) {
	if n, ok := d.jsonEnum("SPAN_KIND_", func(name string) uint64 {
		k, _ := telemetry.ParseKind(name)
		return uint64(k)
	}); ok {
		s.Kind = kindOf(n)
	}
}

func (d *Decoder) jsonStatus(s *telemetry.Span) {
	for o := d.object(); d.member(&o); {
		switch o.name {
		case "message":
			d.jsonText(&s.StatusMessage)
		case "code":
			if n, ok := d.jsonEnum("STATUS_CODE_", func(name string) uint64 {
				c, _ := telemetry.ParseStatus(name)
				return uint64(c)
			}); ok {
				s.Status = statusOf(n)
			}
		default:
			d.skip(0)
		}
	}
}

// jsonEnum reads an enum's number or name; ok is false for null. byName gets
// the name without its prefix, in lower case.
func (d *Decoder) jsonEnum(prefix string, byName func(string) uint64) (n uint64, ok bool) {
	if d.peek() != '"' {
		i, ok := d.jsonInt()
		return uint64(i), ok
	}
	start := len(d.arena)
	if name, ok := strings.CutPrefix(d.quoted(), prefix); ok && name == strings.ToUpper(name) {
		n = byName(strings.ToLower(name))
	}
	d.arena = d.arena[:start]
	return n, d.err == nil
}

func (d *Decoder) jsonEvents() telemetry.Range {
	first := len(d.b.Events)
	for a := d.array(); d.item(&a) && d.element(d.pos); {
		var e telemetry.Event
		for o := d.object(); d.member(&o); {
			switch o.name {
			case "timeUnixNano", "time_unix_nano":
				d.jsonUint(&e.Time, math.MaxUint64)
			case "name":
				d.jsonText(&e.Name)
			case "attributes":
				e.Attrs = d.jsonAttrs()
			case "droppedAttributesCount", "dropped_attributes_count":
				d.jsonUint32(&e.DroppedAttrs)
			default:
				d.skip(0)
			}
		}
		d.b.Events = append(d.b.Events, e)
	}
	return telemetry.Range{Start: uint32(first), End: uint32(len(d.b.Events))}
}

// jsonLinks reads links and counts those that point nowhere.
func (d *Decoder) jsonLinks(dropped *uint32) telemetry.Range {
	first := len(d.b.Links)
	for a := d.array(); d.item(&a) && d.element(d.pos); {
		start := len(d.b.Attrs)
		var l telemetry.Link
		var trace, span string
		for o := d.object(); d.member(&o); {
			switch o.name {
			case "traceId", "trace_id":
				d.jsonText(&trace)
			case "spanId", "span_id":
				d.jsonText(&span)
			case "traceState", "trace_state":
				d.jsonText(&l.TraceState)
			case "attributes":
				l.Attrs = d.jsonAttrs()
			case "droppedAttributesCount", "dropped_attributes_count":
				d.jsonUint32(&l.DroppedAttrs)
			case "flags":
				d.jsonUint32(&l.Flags)
			default:
				d.skip(0)
			}
		}
		if hexID(l.TraceID[:], trace, 0) >= 0 || hexID(l.SpanID[:], span, 0) >= 0 || l.TraceID.IsZero() || l.SpanID.IsZero() {
			d.b.Attrs = d.b.Attrs[:start]
			d.report.DroppedLinks++
			*dropped++
			continue
		}
		d.b.Links = append(d.b.Links, l)
	}
	return telemetry.Range{Start: uint32(first), End: uint32(len(d.b.Links))}
}

func (d *Decoder) jsonAttrs() telemetry.Range {
	start := len(d.b.Attrs)
	for a := d.array(); d.item(&a) && d.element(d.pos); {
		var attr telemetry.Attr
		for o := d.object(); d.member(&o); {
			switch o.name {
			case "key":
				d.jsonText(&attr.Key)
			case "value":
				attr.Value = d.jsonValue()
			default:
				d.skip(0)
			}
		}
		d.b.Attrs = append(d.b.Attrs, attr)
	}
	return d.attrsSince(start)
}

// jsonValue reads the AnyValue of an attribute.
func (d *Decoder) jsonValue() (v telemetry.Value) {
	for o := d.object(); d.member(&o); {
		if d.null() {
			continue
		}
		start := len(d.arena)
		switch o.name {
		case "stringValue", "string_value":
			v = telemetry.StringValue(d.quoted())
		case "boolValue", "bool_value":
			b, _ := d.jsonBool()
			v = telemetry.BoolValue(b)
		case "intValue", "int_value":
			i, _ := d.jsonInt()
			v = telemetry.IntValue(i)
		case "doubleValue", "double_value":
			f, _ := d.jsonDouble()
			v = telemetry.DoubleValue(f)
		case "bytesValue", "bytes_value":
			d.jsonBytes()
			v = telemetry.BytesValue(alias(d.arena[start:]))
		case "arrayValue", "array_value":
			d.jsonList(anyArray, 1)
			v = telemetry.ArrayValue(alias(d.arena[start:]))
		case "kvlistValue", "kvlist_value":
			d.jsonList(anyMap, 1)
			v = telemetry.MapValue(alias(d.arena[start:]))
		default:
			d.skip(0)
		}
	}
	return v
}

// jsonBytes appends the bytes of a base64 string to the arena.
func (d *Decoder) jsonBytes() {
	start := len(d.arena)
	text := strings.TrimRight(d.quoted(), "=")
	encoding := base64.RawStdEncoding
	if strings.ContainsAny(text, "-_") {
		encoding = base64.RawURLEncoding
	}
	// The text may itself be the end of the arena, if it was escaped: then its
	// bytes are overwritten from the front while they are read, no faster than
	// they are read.
	out, err := encoding.AppendDecode(d.arena[:start], bytesOf(text))
	if err != nil {
		d.fail(d.pos, "bytes value is not base64")
		return
	}
	d.arena = out
}

// jsonList appends the values of an ArrayValue or KeyValueList to the arena,
// encoded as [telemetry.ArrayValue] wants them.
func (d *Decoder) jsonList(kind byte, depth int) {
	if depth > d.limits.Depth {
		d.tooDeep(d.pos)
		return
	}
	for o := d.object(); d.member(&o); {
		if o.name != "values" {
			d.skip(0)
			continue
		}
		for a := d.array(); d.item(&a); {
			start := len(d.arena)
			if kind == anyArray {
				d.jsonNested(depth)
			} else {
				d.jsonEntry(depth)
			}
			d.wrap(start, valuesField)
		}
	}
}

// jsonEntry appends the fields of a nested KeyValue.
func (d *Decoder) jsonEntry(depth int) {
	for o := d.object(); d.member(&o); {
		start := len(d.arena)
		switch o.name {
		case "key":
			if !d.null() {
				d.appendQuoted(keyField)
			}
		case "value":
			d.jsonNested(depth)
			d.wrap(start, valueField)
		default:
			d.skip(0)
		}
	}
}

// jsonNested appends the fields of a nested AnyValue. Where an object has
// several, all are kept: the last one counts when they are read.
func (d *Decoder) jsonNested(depth int) {
	for o := d.object(); d.member(&o); {
		if d.null() {
			continue
		}
		start := len(d.arena)
		switch o.name {
		case "stringValue", "string_value":
			d.appendQuoted(anyString)
		case "boolValue", "bool_value":
			b, _ := d.jsonBool()
			d.arena = binary.AppendUvarint(append(d.arena, anyBool), telemetry.BoolValue(b).Num())
		case "intValue", "int_value":
			i, _ := d.jsonInt()
			d.arena = binary.AppendUvarint(append(d.arena, anyInt), uint64(i))
		case "doubleValue", "double_value":
			f, _ := d.jsonDouble()
			d.arena = binary.LittleEndian.AppendUint64(append(d.arena, anyDouble), math.Float64bits(f))
		case "bytesValue", "bytes_value":
			d.jsonBytes()
			d.wrap(start, anyBytes)
		case "arrayValue", "array_value":
			d.jsonList(anyArray, depth+1)
			d.wrap(start, anyArray)
		case "kvlistValue", "kvlist_value":
			d.jsonList(anyMap, depth+1)
			d.wrap(start, anyMap)
		default:
			d.skip(0)
		}
	}
}

// appendQuoted appends a string as a field.
func (d *Decoder) appendQuoted(tag byte) {
	start := len(d.arena)
	s := d.quoted()
	if len(d.arena) == start { // not there already, as an escaped one is
		d.arena = append(d.arena, s...)
	}
	d.wrap(start, tag)
}
