package storage

import (
	"encoding/binary"
	"unsafe"

	"github.com/kiseki-dev/kiseki/storage/scan"
	"github.com/kiseki-dev/kiseki/telemetry"
)

// Narrow implements [scan.Block]: in the order given, the planner's.
func (b *headBlock) Narrow(all []scan.Predicate, sel *scan.Bitmap) error {
	for i := range all {
		if sel.Empty() {
			return nil
		}
		if err := all[i].Stopped(); err != nil {
			return err
		}
		if t := all[i].Trail; t != nil {
			t.Look(sel)
		}
		b.narrow(&all[i], sel)
		if t := all[i].Trail; t != nil {
			t.Kept.Add(uint64(sel.Count()))
		}
	}
	return nil
}

// narrow decides what a code of the row decides once a code, and walks the
// attributes of a span without decoding them.
func (b *headBlock) narrow(p *scan.Predicate, sel *scan.Bitmap) {
	f := newFieldReader(b.v, p.Field)
	switch {
	case f.never:
		if p.Op != scan.OpAbsent {
			sel.ClearAll()
		}
	case f.code != nil:
		b.narrowByCode(&f, p, sel)
	case f.wanted != nil:
		b.narrowByAttr(&f, p, sel)
	default:
		test := p.Holds // made once: a method value is an allocation
		for i := sel.Next(0); i >= 0; i = sel.Next(i + 1) {
			if found, held := f.any(b.row(i), test); !held && (found || p.Op != scan.OpAbsent) {
				sel.Clear(i)
			}
		}
	}
}

func (b *headBlock) narrowByCode(f *fieldReader, p *scan.Predicate, sel *scan.Bitmap) {
	test := p.Holds
	answers := make([]uint8, f.codes)
	const no, yes = 1, 2
	for i := sel.Next(0); i >= 0; i = sel.Next(i + 1) {
		r := b.row(i)
		code := f.code(r)
		if answers[code] == 0 {
			answers[code] = no
			if found, held := f.any(r, test); held || !found && p.Op == scan.OpAbsent {
				answers[code] = yes
			}
		}
		if answers[code] == no {
			sel.Clear(i)
		}
	}
}

// narrowByAttr is for an attribute of the span, or else of its resource.
func (b *headBlock) narrowByAttr(f *fieldReader, p *scan.Predicate, sel *scan.Bitmap) {
	absent := p.Op == scan.OpAbsent
	// What spans without the attribute get: by resource, where that is asked.
	var resources []uint8
	if p.Field.Scope == scan.ScopeAny {
		resources = make([]uint8, len(b.v.resources))
		for i := range resources {
			if found, held := first(b.v.resources[i].attrs, p.Field.Key, p.Holds); held || !found && absent {
				resources[i] = 1
			}
		}
	}
	text, isText := "", p.Op == scan.OpEqual && p.Value.Type() == telemetry.ValueString
	if isText {
		text = p.Value.Str()
	}
	carried := b.v.carriers(f.wanted)
	for i := sel.Next(0); i >= 0; i = sel.Next(i + 1) {
		r := b.row(i)
		var c cursor
		var typ telemetry.ValueType
		ok := carried[r.name]
		if ok {
			c = b.v.attrs(r)
			typ, ok = b.v.seek(&c, f.wanted)
		}
		var keep bool
		switch {
		case !ok && resources != nil:
			keep = resources[r.resource] != 0
		case !ok || absent:
			keep = absent && !ok
		case isText && typ == telemetry.ValueString:
			keep = c.text() == text
		default:
			keep = p.Holds(c.value(typ))
		}
		if !keep {
			sel.Clear(i)
		}
	}
}

// fieldReader reads one field of the rows of a view.
type fieldReader struct {
	// any calls f for each value a row has in the field until f returns true;
	// it reports whether there were values, and whether f returned true.
	any func(r *row, f func(telemetry.Value) bool) (found, held bool)
	// never says that no row has the field.
	never bool
	// code, if set, is a number below codes that decides the field's values.
	code  func(r *row) uint32
	codes int
	// wanted, if set, says of each column whether it is of the span attribute
	// that decides the field, first or (under ScopeAny) before the resource.
	wanted []bool
}

func newFieldReader(v *view, field scan.Field) fieldReader {
	switch field.Scope {
	case scan.ScopeIntrinsic:
		return intrinsicReader(v, field.Intrinsic)
	case scan.ScopeResource:
		return v.ofResource(func(r *row, f func(telemetry.Value) bool) (found, held bool) {
			return first(v.resources[r.resource].attrs, field.Key, f)
		})
	case scan.ScopeInstrumentation:
		return v.ofScope(func(r *row, f func(telemetry.Value) bool) (found, held bool) {
			return first(v.scopes[r.scope].attrs, field.Key, f)
		})
	}
	return attrReader(v, field)
}

func (v *view) ofResource(any func(*row, func(telemetry.Value) bool) (bool, bool)) fieldReader {
	return fieldReader{any: any, code: func(r *row) uint32 { return r.resource }, codes: len(v.resources)}
}

func (v *view) ofScope(any func(*row, func(telemetry.Value) bool) (bool, bool)) fieldReader {
	return fieldReader{any: any, code: func(r *row) uint32 { return r.scope }, codes: len(v.scopes)}
}

// first offers the first attribute with the key to f.
func first(attrs []telemetry.Attr, key string, f func(telemetry.Value) bool) (found, held bool) {
	for i := range attrs {
		if attrs[i].Key == key {
			return true, f(attrs[i].Value)
		}
	}
	return false, false
}

// always makes a reader of a field that every row has.
func always(get func(r *row) telemetry.Value) fieldReader {
	return fieldReader{any: func(r *row, f func(telemetry.Value) bool) (found, held bool) { return true, f(get(r)) }}
}

func intrinsicReader(v *view, what scan.Intrinsic) fieldReader {
	var f fieldReader
	switch what {
	case scan.IntrinsicName:
		f = always(func(r *row) telemetry.Value { return telemetry.StringValue(v.names[r.name]) })
		f.code, f.codes = func(r *row) uint32 { return r.name }, len(v.names)
	case scan.IntrinsicScopeName:
		f = always(func(r *row) telemetry.Value { return telemetry.StringValue(v.scopes[r.scope].Name) })
		return v.ofScope(f.any)
	case scan.IntrinsicScopeVersion:
		f = always(func(r *row) telemetry.Value { return telemetry.StringValue(v.scopes[r.scope].Version) })
		return v.ofScope(f.any)
	case scan.IntrinsicKind:
		f = always(func(r *row) telemetry.Value { return telemetry.IntValue(int64(r.kind)) })
		f.code, f.codes = func(r *row) uint32 { return uint32(r.kind) }, 256
	case scan.IntrinsicStatus:
		f = always(func(r *row) telemetry.Value { return telemetry.IntValue(int64(r.status)) })
		f.code, f.codes = func(r *row) uint32 { return uint32(r.status) }, 256
	case scan.IntrinsicDuration:
		f = always(func(r *row) telemetry.Value { return telemetry.IntValue(int64(r.duration())) })
	case scan.IntrinsicStart:
		f = always(func(r *row) telemetry.Value { return telemetry.IntValue(int64(r.start)) })
	case scan.IntrinsicTraceID:
		f = always(func(r *row) telemetry.Value { return idValue(v.trace(r.trace).id[:]) })
	case scan.IntrinsicSpanID:
		f = always(func(r *row) telemetry.Value { return idValue(r.spanID[:]) })
	case scan.IntrinsicParentID:
		f = always(func(r *row) telemetry.Value { return idValue(r.parentID[:]) })
	case scan.IntrinsicTraceState:
		f = always(func(r *row) telemetry.Value { return telemetry.StringValue(v.rest(r, false).state) })
	case scan.IntrinsicStatusMessage:
		f = always(func(r *row) telemetry.Value { return telemetry.StringValue(v.rest(r, false).message) })
	case scan.IntrinsicEventName:
		f.any = v.ofEvents(func(_ int64, name string) telemetry.Value { return telemetry.StringValue(name) })
	case scan.IntrinsicEventTime:
		f.any = v.ofEvents(func(time int64, _ string) telemetry.Value { return telemetry.IntValue(time) })
	case scan.IntrinsicLinkTraceID:
		f.any = v.ofLinks(func(l *telemetry.Link) telemetry.Value { return telemetry.BytesValue(string(l.TraceID[:])) })
	case scan.IntrinsicLinkSpanID:
		f.any = v.ofLinks(func(l *telemetry.Link) telemetry.Value { return telemetry.BytesValue(string(l.SpanID[:])) })
	default:
		f.never = true
	}
	return f
}

// idValue aliases id, which is in memory that never changes.
func idValue(id []byte) telemetry.Value {
	return telemetry.BytesValue(unsafe.String(unsafe.SliceData(id), len(id)))
}

// ofEvents makes a reader of a value that each event has.
func (v *view) ofEvents(get func(time int64, name string) telemetry.Value) func(*row, func(telemetry.Value) bool) (bool, bool) {
	return func(r *row, f func(telemetry.Value) bool) (found, held bool) {
		if r.has&hasEvents == 0 {
			return false, false
		}
		events := v.rest(r, false).events
		v.eachEvent(&events, func(time int64, name string, _ uint32, _ *cursor) {
			found = true
			held = held || f(get(time, name))
		})
		return found, held
	}
}

// ofLinks makes a reader of a value that each link has.
func (v *view) ofLinks(get func(*telemetry.Link) telemetry.Value) func(*row, func(telemetry.Value) bool) (bool, bool) {
	return func(r *row, f func(telemetry.Value) bool) (found, held bool) {
		if r.has&hasLinks == 0 {
			return false, false
		}
		rest := v.rest(r, true)
		v.eachLink(&rest.links, func(l *telemetry.Link, _ *cursor) {
			found = true
			held = held || f(get(l))
		})
		return found, held
	}
}

// attrReader is the reader of a span, event or link attribute, and of one
// looked up in the span and then in its resource.
func attrReader(v *view, field scan.Field) fieldReader {
	// wanted, by column, says whether it has the key.
	wanted, known := make([]bool, len(v.columns)), false
	for i := range v.columns {
		wanted[i] = v.columns[i].key == field.Key
		known = known || wanted[i]
	}
	list := func(c *cursor, f func(telemetry.Value) bool) (found, held bool) {
		typ, ok := v.seek(c, wanted)
		return ok, ok && f(c.value(typ))
	}
	span := func(r *row, f func(telemetry.Value) bool) (found, held bool) {
		c := v.attrs(r)
		return list(&c, f)
	}
	ofResource := func(r *row, f func(telemetry.Value) bool) (found, held bool) {
		return first(v.resources[r.resource].attrs, field.Key, f)
	}
	switch field.Scope {
	case scan.ScopeSpan:
		return fieldReader{never: !known, any: span, wanted: wanted}
	case scan.ScopeAny:
		if !known {
			return v.ofResource(ofResource)
		}
		return fieldReader{wanted: wanted, any: func(r *row, f func(telemetry.Value) bool) (found, held bool) {
			if found, held = span(r, f); found {
				return found, held
			}
			return ofResource(r, f)
		}}
	case scan.ScopeEvent:
		return fieldReader{never: !known, any: v.eachOf(hasEvents, list)}
	case scan.ScopeLink:
		return fieldReader{never: !known, any: v.eachOf(hasLinks, list)}
	}
	return fieldReader{never: true}
}

// carriers says by name whether spans of that name may have an attribute of a
// wanted column: most have the same attributes as others of their name, so
// most rows need not be walked.
func (v *view) carriers(wanted []bool) []bool {
	out := make([]bool, len(v.names))
	for code, w := range wanted {
		if !w {
			continue
		}
		for name := range out {
			out[name] = out[name] || v.carried[name].has(uint32(code))
		}
	}
	return out
}

// seek moves c, at an attribute list, to the value of the first attribute of
// a wanted column.
func (v *view) seek(c *cursor, wanted []bool) (typ telemetry.ValueType, ok bool) {
	p, at := *c, 0
	// next reads a uvarint; nearly all are one byte.
	next := func() uint64 {
		if u := p[at]; u < 0x80 {
			at++
			return uint64(u)
		}
		u, n := binary.Uvarint(p[at:])
		at += n
		return u
	}
	for n := next(); n > 0; n-- {
		code := next()
		typ = v.columns[code].typ
		if wanted[code] {
			*c = p[at:]
			return typ, true
		}
		switch typ {
		case telemetry.ValueEmpty:
		case telemetry.ValueBool:
			at++
		case telemetry.ValueInt:
			next()
		case telemetry.ValueDouble:
			at += 8
		default:
			size := next()
			at += int(size)
		}
	}
	return 0, false
}

// eachOf applies list to the attributes of each event or link of a row.
func (v *view) eachOf(has uint8, list func(*cursor, func(telemetry.Value) bool) (bool, bool)) func(*row, func(telemetry.Value) bool) (bool, bool) {
	return func(r *row, f func(telemetry.Value) bool) (found, held bool) {
		if r.has&has == 0 {
			return false, false
		}
		one := func(c *cursor) {
			if !held {
				fo, he := list(c, f)
				found, held = found || fo, held || he
			}
		}
		rest := v.rest(r, has == hasLinks)
		if has == hasEvents {
			v.eachEvent(&rest.events, func(_ int64, _ string, _ uint32, c *cursor) { one(c) })
		} else {
			v.eachLink(&rest.links, func(_ *telemetry.Link, c *cursor) { one(c) })
		}
		return found, held
	}
}
