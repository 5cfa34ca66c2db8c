package storage

import (
	"encoding/binary"
	"slices"
	"unsafe"

	"github.com/kiseki-dev/kiseki/telemetry"
)

// What a row has behind its attributes, in this order: row.has.
const (
	hasState = 1 << iota
	hasMessage
	hasDropped
	hasEvents
	hasLinks
)

// appendRow appends the variable part of span, which lives in memory only and
// is never damaged. Integers are varints, strings have their length in front,
// an attribute is its column's code and the value:
//
//	attrs, [state], [message], [dropped attrs, events, links],
//	[count, events: time - start, name, dropped, attrs],
//	[count, links: trace ID 16, span ID 8, state, flags, dropped, attrs]
//
// It sets r's rest and has, and appends to the tables of s.
func (s *shard) appendRow(p []byte, b *telemetry.Batch, span *telemetry.Span, r *row) []byte {
	p = s.appendAttrs(p, b.AttrsOf(span.Attrs), &s.mu.firsts[r.name], s.mu.carried[r.name])
	r.rest = uint32(len(p))
	if span.TraceState != "" {
		r.has |= hasState
		p = appendString(p, span.TraceState)
	}
	if span.StatusMessage != "" {
		r.has |= hasMessage
		p = appendString(p, span.StatusMessage)
	}
	if span.DroppedAttrs|span.DroppedEvents|span.DroppedLinks != 0 {
		r.has |= hasDropped
		p = binary.AppendUvarint(p, uint64(span.DroppedAttrs))
		p = binary.AppendUvarint(p, uint64(span.DroppedEvents))
		p = binary.AppendUvarint(p, uint64(span.DroppedLinks))
	}
	if events := b.EventsOf(span); len(events) > 0 {
		r.has |= hasEvents
		p = binary.AppendUvarint(p, uint64(len(events)))
		for i := range events {
			e, first := &events[i], uint32(0)
			p = binary.AppendVarint(p, int64(e.Time-span.Start))
			p = appendString(p, e.Name)
			p = binary.AppendUvarint(p, uint64(e.DroppedAttrs))
			p = s.appendAttrs(p, b.AttrsOf(e.Attrs), &first, nil)
		}
	}
	if links := b.LinksOf(span); len(links) > 0 {
		r.has |= hasLinks
		p = binary.AppendUvarint(p, uint64(len(links)))
		for i := range links {
			l, first := &links[i], uint32(0)
			p = append(p, l.TraceID[:]...)
			p = append(p, l.SpanID[:]...)
			p = appendString(p, l.TraceState)
			p = binary.AppendUvarint(p, uint64(l.Flags))
			p = binary.AppendUvarint(p, uint64(l.DroppedAttrs))
			p = s.appendAttrs(p, b.AttrsOf(l.Attrs), &first, nil)
		}
	}
	return p
}

// appendAttrs appends an attribute list. guess is where the code of the first
// attribute's column is expected, and remembered for the next time. The
// columns are added to carried, if there is one.
func (s *shard) appendAttrs(p []byte, attrs []telemetry.Attr, guess *uint32, carried *columnSet) []byte {
	p = binary.AppendUvarint(p, uint64(len(attrs)))
	for i := range attrs {
		a := &attrs[i]
		typ := a.Value.Type()
		code := *guess
		if int(code) >= len(s.mu.columns) || s.mu.columns[code].typ != typ || s.mu.columns[code].key != a.Key {
			// Growing the tables may move what guess points to; the old place is
			// then written for nothing.
			code = s.columnCode(a.Key, typ)
			*guess = code
		}
		guess = &s.mu.after[code]
		if carried != nil {
			carried.add(code)
		}
		p = binary.AppendUvarint(p, uint64(code))
		p = appendValue(p, a.Value)
	}
	return p
}

func appendValue(p []byte, v telemetry.Value) []byte {
	switch v.Type() {
	case telemetry.ValueEmpty:
		return p
	case telemetry.ValueBool:
		return append(p, byte(v.Num()))
	case telemetry.ValueInt:
		return binary.AppendVarint(p, v.Int())
	case telemetry.ValueDouble:
		return binary.LittleEndian.AppendUint64(p, v.Num())
	}
	return appendString(p, v.Str())
}

func appendString(p []byte, s string) []byte {
	p = binary.AppendUvarint(p, uint64(len(s)))
	return append(p, s...)
}

// appendContent appends what makes a resource or scope equal to another.
func appendContent(p []byte, attrs []telemetry.Attr, dropped uint32, text ...string) []byte {
	p = binary.AppendUvarint(p, uint64(dropped))
	for _, t := range text {
		p = appendString(p, t)
	}
	for i := range attrs {
		p = appendString(p, attrs[i].Key)
		p = append(p, byte(attrs[i].Value.Type()))
		p = appendValue(p, attrs[i].Value)
	}
	return p
}

// cursor reads what appendRow wrote.
type cursor []byte

func (c *cursor) uvarint() uint64 {
	p := *c
	if p[0] < 0x80 {
		*c = p[1:]
		return uint64(p[0])
	}
	v, n := binary.Uvarint(p)
	*c = p[n:]
	return v
}

func (c *cursor) varint() int64 {
	u := c.uvarint()
	return int64(u>>1) ^ -int64(u&1)
}

// text aliases the arena.
func (c *cursor) text() string {
	n := c.uvarint()
	p := (*c)[:n]
	*c = (*c)[n:]
	return unsafe.String(unsafe.SliceData(p), n)
}

func (c *cursor) skip(n uint64) { *c = (*c)[n:] }

func (c *cursor) value(typ telemetry.ValueType) telemetry.Value {
	switch typ {
	case telemetry.ValueEmpty:
		return telemetry.Value{}
	case telemetry.ValueBool:
		v := telemetry.BoolValue((*c)[0] != 0)
		c.skip(1)
		return v
	case telemetry.ValueInt:
		return telemetry.IntValue(c.varint())
	case telemetry.ValueDouble:
		v := telemetry.RawValue(typ, binary.LittleEndian.Uint64(*c), "")
		c.skip(8)
		return v
	}
	return telemetry.RawValue(typ, 0, c.text())
}

func (c *cursor) skipValue(typ telemetry.ValueType) {
	switch typ {
	case telemetry.ValueEmpty:
	case telemetry.ValueBool:
		c.skip(1)
	case telemetry.ValueInt:
		for (*c)[0] >= 0x80 {
			c.skip(1)
		}
		c.skip(1)
	case telemetry.ValueDouble:
		c.skip(8)
	default:
		c.skip(c.uvarint())
	}
}

// rest is what a row has behind its attributes.
type rest struct {
	state, message string
	dropped        [3]uint32 // attrs, events, links
	events, links  cursor    // at the count; nil if there are none
}

func (v *view) attrs(r *row) cursor { return cursor(v.arena[r.chunk][r.off:]) }

// rest reads a row's rest; links are located only if wanted, for that walks
// the events.
func (v *view) rest(r *row, links bool) (out rest) {
	if r.has == 0 {
		return out
	}
	c := cursor(v.arena[r.chunk][r.off+r.rest:])
	if r.has&hasState != 0 {
		out.state = c.text()
	}
	if r.has&hasMessage != 0 {
		out.message = c.text()
	}
	if r.has&hasDropped != 0 {
		for i := range out.dropped {
			out.dropped[i] = uint32(c.uvarint())
		}
	}
	if r.has&hasEvents != 0 {
		out.events = c
	}
	if links && r.has&hasLinks != 0 {
		if out.events != nil {
			v.eachEvent(&c, func(int64, string, uint32, *cursor) {})
		}
		out.links = c
	}
	return out
}

// eachEvent calls f for each event with its time (from the span's start),
// name and dropped count, and the cursor at its attributes. f may consume
// them or not.
func (v *view) eachEvent(c *cursor, f func(time int64, name string, dropped uint32, attrs *cursor)) {
	for range c.uvarint() {
		time, name, dropped := c.varint(), c.text(), uint32(c.uvarint())
		attrs := *c
		f(time, name, dropped, &attrs)
		v.skipAttrs(c)
	}
}

// eachLink is eachEvent for links; l lacks attributes.
func (v *view) eachLink(c *cursor, f func(l *telemetry.Link, attrs *cursor)) {
	for range c.uvarint() {
		var l telemetry.Link
		copy(l.TraceID[:], *c)
		c.skip(16)
		copy(l.SpanID[:], *c)
		c.skip(8)
		l.TraceState = c.text()
		l.Flags, l.DroppedAttrs = uint32(c.uvarint()), uint32(c.uvarint())
		attrs := *c
		f(&l, &attrs)
		v.skipAttrs(c)
	}
}

func (v *view) skipAttrs(c *cursor) {
	for range c.uvarint() {
		c.skipValue(v.columns[c.uvarint()].typ)
	}
}

// readAttrs appends an attribute list to dst and, if columns is not nil, the
// codes of the attributes' columns to that.
func (v *view) readAttrs(c *cursor, dst *telemetry.Batch, columns *[]uint32) telemetry.Range {
	p, first := *c, len(dst.Attrs)
	n, at := uvarintAt(p, 0)
	dst.Attrs = slices.Grow(dst.Attrs, int(n))[:first+int(n)]
	attrs := dst.Attrs[first:]
	for i := range attrs {
		var code, num uint64
		if code, at = uvarintAt(p, at); columns != nil {
			*columns = append(*columns, uint32(code))
		}
		col, a := &v.columns[code], &attrs[i]
		a.Key = col.key
		switch col.typ {
		case telemetry.ValueEmpty:
			a.Value = telemetry.Value{}
		case telemetry.ValueBool:
			a.Value = telemetry.RawValue(col.typ, uint64(p[at]), "")
			at++
		case telemetry.ValueInt:
			num, at = uvarintAt(p, at)
			a.Value = telemetry.IntValue(int64(num>>1) ^ -int64(num&1))
		case telemetry.ValueDouble:
			a.Value = telemetry.RawValue(col.typ, binary.LittleEndian.Uint64(p[at:]), "")
			at += 8
		default:
			num, at = uvarintAt(p, at)
			s := p[at : at+int(num)]
			a.Value = telemetry.RawValue(col.typ, 0, unsafe.String(unsafe.SliceData(s), len(s)))
			at += int(num)
		}
	}
	*c = p[at:]
	return telemetry.Range{Start: uint32(first), End: uint32(len(dst.Attrs))}
}

// uvarintAt reads the integer at p[at:] and returns where it ends; nearly all
// are one byte.
func uvarintAt(p []byte, at int) (v uint64, end int) {
	if b := p[at]; b < 0x80 {
		return uint64(b), at + 1
	}
	return longUvarintAt(p, at)
}

// longUvarintAt is apart so that uvarintAt is inlined.
func longUvarintAt(p []byte, at int) (v uint64, end int) {
	v, n := binary.Uvarint(p[at:])
	return v, at + n
}
