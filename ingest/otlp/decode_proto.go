package otlp

import (
	"github.com/kiseki-dev/kiseki/telemetry"
)

// The messages of opentelemetry/proto/trace/v1/trace.proto and common.proto,
// a function each. Every function gets the bytes of one message and returns
// false if it has recorded an error.
//
// A message whose own attributes can be interleaved with submessages that
// have attributes is walked twice, its own fields first: that keeps each
// attribute list in one piece whatever the order on the wire, in linear time.

func (d *Decoder) protoRequest(m string) bool {
	for len(m) > 0 {
		tag, _, p, rest, ok := next(m)
		if !ok {
			return d.badField(m)
		}
		m = rest
		if tag == 1<<3|length {
			d.resourceSpans++
			if !d.protoResourceSpans(p) {
				return false
			}
		}
	}
	return true
}

func (d *Decoder) protoResourceSpans(m string) bool {
	before, index := d.mark(), uint32(len(d.b.Resources))
	var r telemetry.Resource
	nested := ""
	for len(m) > 0 {
		tag, _, p, rest, ok := next(m)
		if !ok {
			return d.badField(m)
		}
		switch tag {
		case 1<<3 | length:
			if !d.protoResource(p, &r) {
				return false
			}
		case 2<<3 | length:
			if nested == "" {
				nested = m
			}
		case 3<<3 | length:
			r.SchemaURL = d.text(p)
		}
		m = rest
	}
	r.Attrs = d.attrsSince(before.attrs)
	d.b.Resources = append(d.b.Resources, r)
	for d.scopeSpans = -1; len(nested) > 0; {
		tag, _, p, rest, _ := next(nested) // well formed: the first walk read it
		nested = rest
		if tag == 2<<3|length {
			d.scopeSpans++
			if !d.protoScopeSpans(p, index) {
				return false
			}
		}
	}
	d.scopeSpans = -1
	if len(d.b.Spans) == before.spans {
		d.undo(before)
	}
	return true
}

func (d *Decoder) protoResource(m string, r *telemetry.Resource) bool {
	for len(m) > 0 {
		tag, num, p, rest, ok := next(m)
		if !ok {
			return d.badField(m)
		}
		m = rest
		switch tag {
		case 1<<3 | length:
			if !d.protoAttr(p) {
				return false
			}
		case 2<<3 | varint:
			r.DroppedAttrs = uint32(num)
		}
	}
	return true
}

func (d *Decoder) protoScopeSpans(m string, resource uint32) bool {
	before, index := d.mark(), uint32(len(d.b.Scopes))
	var s telemetry.Scope
	nested := ""
	for len(m) > 0 {
		tag, _, p, rest, ok := next(m)
		if !ok {
			return d.badField(m)
		}
		switch tag {
		case 1<<3 | length:
			if !d.protoScope(p, &s) {
				return false
			}
		case 2<<3 | length:
			if nested == "" {
				nested = m
			}
		case 3<<3 | length:
			s.SchemaURL = d.text(p)
		}
		m = rest
	}
	s.Attrs = d.attrsSince(before.attrs)
	d.b.Scopes = append(d.b.Scopes, s)
	for d.span = -1; len(nested) > 0; {
		tag, _, p, rest, _ := next(nested) // well formed: the first walk read it
		nested = rest
		if tag == 2<<3|length {
			d.span++
			if !d.protoSpan(p, resource, index) {
				return false
			}
		}
	}
	d.span = -1
	if len(d.b.Spans) == before.spans {
		d.undo(before)
	}
	return true
}

func (d *Decoder) protoScope(m string, s *telemetry.Scope) bool {
	for len(m) > 0 {
		tag, num, p, rest, ok := next(m)
		if !ok {
			return d.badField(m)
		}
		m = rest
		switch tag {
		case 1<<3 | length:
			s.Name = d.text(p)
		case 2<<3 | length:
			s.Version = d.text(p)
		case 3<<3 | length:
			if !d.protoAttr(p) {
				return false
			}
		case 4<<3 | varint:
			s.DroppedAttrs = uint32(num)
		}
	}
	return true
}

func (d *Decoder) protoSpan(m string, resource, scope uint32) bool {
	if !d.element(d.offsetOf(m)) {
		return false
	}
	before := d.mark()
	d.b.Spans = append(d.b.Spans, telemetry.Span{Resource: resource, Scope: scope})
	s := &d.b.Spans[before.spans]
	var trace, span, parent, nested string
	for len(m) > 0 {
		tag, num, p, rest, ok := next(m)
		if !ok {
			return d.badField(m)
		}
		switch tag {
		case 1<<3 | length:
			trace = p
		case 2<<3 | length:
			span = p
		case 3<<3 | length:
			s.TraceState = d.text(p)
		case 4<<3 | length:
			parent = p
		case 5<<3 | length:
			s.Name = d.text(p)
		case 6<<3 | varint:
			s.Kind = kindOf(num)
		case 7<<3 | fixed64:
			s.Start = num
		case 8<<3 | fixed64:
			s.End = num
		case 9<<3 | length:
			if !d.protoAttr(p) {
				return false
			}
		case 10<<3 | varint:
			s.DroppedAttrs = uint32(num)
		case 11<<3 | length, 13<<3 | length:
			if nested == "" {
				nested = m
			}
		case 12<<3 | varint:
			s.DroppedEvents = uint32(num)
		case 14<<3 | varint:
			s.DroppedLinks = uint32(num)
		case 15<<3 | length:
			if !d.protoStatus(p, s) {
				return false
			}
		case 16<<3 | fixed32:
			s.Flags = uint32(num)
		}
		m = rest
	}
	s.Attrs = d.attrsSince(before.attrs)
	if nested != "" && !d.protoEventsAndLinks(nested, s) {
		return false
	}
	s.Events = telemetry.Range{Start: uint32(before.events), End: uint32(len(d.b.Events))}
	s.Links = telemetry.Range{Start: uint32(before.links), End: uint32(len(d.b.Links))}
	d.identify(s, trace, span, parent, before)
	return true
}

// kindOf is a span kind from its number on the wire, of which 32 bits count.
func kindOf(num uint64) telemetry.Kind {
	if uint32(num) > uint32(telemetry.KindConsumer) {
		return telemetry.KindUnspecified
	}
	return telemetry.Kind(num)
}

// statusOf is a status code from its number on the wire, of which 32 bits
// count.
func statusOf(num uint64) telemetry.Status {
	if uint32(num) > uint32(telemetry.StatusError) {
		return telemetry.StatusUnset
	}
	return telemetry.Status(num)
}

// identify gives s its ids, or rejects it.
func (d *Decoder) identify(s *telemetry.Span, trace, span, parent string, before mark) {
	copy(s.TraceID[:], trace)
	copy(s.SpanID[:], span)
	copy(s.ParentID[:], parent)
	switch {
	case len(trace) != len(s.TraceID):
		d.reject(rejectTraceIDLength, before)
	case s.TraceID.IsZero():
		d.reject(rejectTraceIDZero, before)
	case len(span) != len(s.SpanID):
		d.reject(rejectSpanIDLength, before)
	case s.SpanID.IsZero():
		d.reject(rejectSpanIDZero, before)
	case len(parent) != 0 && len(parent) != len(s.ParentID):
		d.reject(rejectParentLength, before)
	}
}

func (d *Decoder) protoStatus(m string, s *telemetry.Span) bool {
	for len(m) > 0 {
		tag, num, p, rest, ok := next(m)
		if !ok {
			return d.badField(m)
		}
		m = rest
		switch tag {
		case 2<<3 | length:
			s.StatusMessage = d.text(p)
		case 3<<3 | varint:
			s.Status = statusOf(num)
		}
	}
	return true
}

// protoEventsAndLinks reads the events and links of a span whose other fields
// have been read; m begins at the first of them.
func (d *Decoder) protoEventsAndLinks(m string, s *telemetry.Span) bool {
	for len(m) > 0 {
		tag, _, p, rest, _ := next(m) // well formed: the first walk read it
		m = rest
		switch tag {
		case 11<<3 | length:
			if !d.protoEvent(p) {
				return false
			}
		case 13<<3 | length:
			if !d.protoLink(p, s) {
				return false
			}
		}
	}
	return true
}

func (d *Decoder) protoEvent(m string) bool {
	if !d.element(d.offsetOf(m)) {
		return false
	}
	var e telemetry.Event
	start := len(d.b.Attrs)
	for len(m) > 0 {
		tag, num, p, rest, ok := next(m)
		if !ok {
			return d.badField(m)
		}
		m = rest
		switch tag {
		case 1<<3 | fixed64:
			e.Time = num
		case 2<<3 | length:
			e.Name = d.text(p)
		case 3<<3 | length:
			if !d.protoAttr(p) {
				return false
			}
		case 4<<3 | varint:
			e.DroppedAttrs = uint32(num)
		}
	}
	e.Attrs = d.attrsSince(start)
	d.b.Events = append(d.b.Events, e)
	return true
}

func (d *Decoder) protoLink(m string, s *telemetry.Span) bool {
	if !d.element(d.offsetOf(m)) {
		return false
	}
	var l telemetry.Link
	var trace, span string
	start := len(d.b.Attrs)
	for len(m) > 0 {
		tag, num, p, rest, ok := next(m)
		if !ok {
			return d.badField(m)
		}
		m = rest
		switch tag {
		case 1<<3 | length:
			trace = p
		case 2<<3 | length:
			span = p
		case 3<<3 | length:
			l.TraceState = d.text(p)
		case 4<<3 | length:
			if !d.protoAttr(p) {
				return false
			}
		case 5<<3 | varint:
			l.DroppedAttrs = uint32(num)
		case 6<<3 | fixed32:
			l.Flags = uint32(num)
		}
	}
	copy(l.TraceID[:], trace)
	copy(l.SpanID[:], span)
	d.link(&l, len(trace) == len(l.TraceID) && len(span) == len(l.SpanID), start, s)
	return true
}

// link adds l, whose attributes begin at start, unless it points nowhere.
func (d *Decoder) link(l *telemetry.Link, valid bool, start int, s *telemetry.Span) {
	if !valid || l.TraceID.IsZero() || l.SpanID.IsZero() {
		d.b.Attrs = d.b.Attrs[:start]
		d.report.DroppedLinks++
		s.DroppedLinks++
		return
	}
	l.Attrs = d.attrsSince(start)
	d.b.Links = append(d.b.Links, *l)
}
