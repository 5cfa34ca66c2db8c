package datadog

import "github.com/kiseki-dev/kiseki/telemetry"

// span is one of Datadog's. Its strings alias the body.
type span struct {
	service, name, resource, kind string // the last is the field type
	traceID, id, parent           uint64
	start, duration               int64 // nanoseconds
	failed                        bool
	meta                          []pair
	metrics                       []metric
	links                         []link
	events                        []event
	attrs                         []telemetry.Attr // of links and events, one after the other
}

type pair struct{ key, value string }

type metric struct {
	key   string
	value telemetry.Value
}

type link struct {
	high, low, span uint64
	state           string
	flags           uint32
	attrs           telemetry.Range // into span.attrs
}

type event struct {
	time  uint64
	name  string
	attrs telemetry.Range // into span.attrs
}

func (s *span) reset() {
	*s = span{meta: s.meta[:0], metrics: s.metrics[:0], links: s.links[:0], events: s.events[:0], attrs: s.attrs[:0]}
}

// positional reads a span of version 0.5, an array of twelve.
func (d *decoder) positional() {
	if n := d.in.array(); n != 12 {
		d.in.fail("a span of %d elements, want 12", n)
		return
	}
	s, in := &d.span, &d.in
	s.service, s.name, s.resource = d.listed(), d.listed(), d.listed()
	s.traceID, s.id, s.parent = uint64(in.integer()), uint64(in.integer()), uint64(in.integer())
	s.start, s.duration, s.failed = in.integer(), in.integer(), in.integer() != 0
	for range in.dict() {
		s.meta = append(s.meta, pair{d.listed(), d.listed()})
	}
	for range in.dict() {
		s.metrics = append(s.metrics, metric{d.listed(), in.value()})
	}
	s.kind = d.listed()
}

// named reads a span of version 0.4, a map. What it has beside what is read
// (meta_struct: bytes for products of Datadog's own) is left out.
func (d *decoder) named() {
	s, in := &d.span, &d.in
	for range in.dict() {
		switch in.text() {
		case "service":
			s.service = in.text()
		case "name":
			s.name = in.text()
		case "resource":
			s.resource = in.text()
		case "type":
			s.kind = in.text()
		case "trace_id":
			s.traceID = uint64(in.integer())
		case "span_id":
			s.id = uint64(in.integer())
		case "parent_id":
			s.parent = uint64(in.integer())
		case "start":
			s.start = in.integer()
		case "duration":
			s.duration = in.integer()
		case "error":
			s.failed = in.integer() != 0
		case "meta":
			for range in.dict() {
				s.meta = append(s.meta, pair{in.text(), in.text()})
			}
		case "metrics":
			for range in.dict() {
				s.metrics = append(s.metrics, metric{in.text(), in.value()})
			}
		case "span_links":
			for range in.array() {
				s.link(in)
			}
		case "span_events":
			for range in.array() {
				s.event(in)
			}
		default:
			in.skip()
		}
	}
}

// value is a number as an attribute has it.
func (r *reader) value() telemetry.Value {
	i, f, whole := r.number()
	if whole {
		return telemetry.IntValue(i)
	}
	return telemetry.DoubleValue(f)
}

func (s *span) link(in *reader) {
	var l link
	l.attrs.Start = uint32(len(s.attrs))
	for range in.dict() {
		switch in.text() {
		case "trace_id":
			l.low = uint64(in.integer())
		case "trace_id_high":
			l.high = uint64(in.integer())
		case "span_id":
			l.span = uint64(in.integer())
		case "tracestate":
			l.state = in.text()
		case "flags":
			l.flags = uint32(in.integer()) & 0xff // the others say that these are known
		case "attributes":
			for range in.dict() {
				s.attrs = append(s.attrs, telemetry.Attr{Key: in.text(), Value: telemetry.StringValue(in.text())})
			}
		default:
			in.skip()
		}
	}
	l.attrs.End = uint32(len(s.attrs))
	s.links = append(s.links, l)
}

func (s *span) event(in *reader) {
	var e event
	e.attrs.Start = uint32(len(s.attrs))
	for range in.dict() {
		switch in.text() {
		case "time_unix_nano":
			e.time = uint64(in.integer())
		case "name":
			e.name = in.text()
		case "attributes":
			for range in.dict() {
				s.attrs = append(s.attrs, telemetry.Attr{Key: in.text(), Value: in.typed(0)})
			}
		default:
			in.skip()
		}
	}
	e.attrs.End = uint32(len(s.attrs))
	s.events = append(s.events, e)
}

// typed is a value of an event's attribute: a map with its type, and a member
// for each type, of which one counts.
func (r *reader) typed(depth int) (v telemetry.Value) {
	if depth > 1 { // an array has no arrays
		r.skip()
		return v
	}
	kind, text, whole, list := int64(-1), "", int64(0), []byte(nil)
	float := telemetry.Value{}
	flag := false
	for range r.dict() {
		switch r.text() {
		case "type":
			kind = r.integer()
		case "string_value":
			text = r.text()
		case "bool_value":
			flag = r.integer() != 0
		case "int_value":
			whole = r.integer()
		case "double_value":
			_, f, _ := r.number()
			float = telemetry.DoubleValue(f)
		case "array_value":
			list = r.list(depth)
		default:
			r.skip()
		}
	}
	switch kind {
	case 0:
		return telemetry.StringValue(valid(text))
	case 1:
		return telemetry.BoolValue(flag)
	case 2:
		return telemetry.IntValue(whole)
	case 3:
		return float
	case 4:
		return telemetry.ArrayValue(string(list))
	}
	return v
}

func (r *reader) list(depth int) (encoded []byte) {
	for range r.dict() {
		if r.text() != "values" {
			r.skip()
			continue
		}
		for range r.array() {
			encoded = telemetry.AppendElement(encoded, r.typed(depth+1))
		}
	}
	return encoded
}
