package otlp

import (
	"encoding/binary"
	"unicode/utf8"

	"github.com/kiseki-dev/kiseki/telemetry"
)

// The members of AnyValue's oneof as tags.
const (
	anyString   = 1<<3 | length
	anyBool     = 2<<3 | varint
	anyInt      = 3<<3 | varint
	anyDouble   = 4<<3 | fixed64
	anyArray    = 5<<3 | length
	anyMap      = 6<<3 | length
	anyBytes    = 7<<3 | length
	anyStrindex = 8<<3 | varint // of profiles only: elsewhere an empty value
)

// The fields of KeyValue, and the one of ArrayValue and KeyValueList, as tags.
const (
	keyField    = 1<<3 | length
	valueField  = 2<<3 | length
	valuesField = 1<<3 | length
)

// protoAttr adds the attribute that m, a KeyValue, holds.
func (d *Decoder) protoAttr(m string) bool {
	if !d.element(d.offsetOf(m)) {
		return false
	}
	d.b.Attrs = append(d.b.Attrs, telemetry.Attr{})
	a := &d.b.Attrs[len(d.b.Attrs)-1]
	whole, values, canonical := m, 0, true
	for len(m) > 0 {
		tag, _, p, rest, ok := next(m)
		if !ok {
			return d.badField(m)
		}
		m = rest
		switch tag {
		case keyField:
			a.Key = d.text(p)
		case valueField:
			values++
			if !d.protoAny(p, &a.Value, &canonical) {
				return false
			}
		}
	}
	if values > 1 || !canonical {
		a.Value = d.rewriteValue(whole)
	}
	return true
}

// protoAny reads the AnyValue m. It clears canonical if what it set v to is
// not all there is to it: then the value needs [Decoder.rewriteValue].
func (d *Decoder) protoAny(m string, v *telemetry.Value, canonical *bool) bool {
	// Four values in five are a string shorter than 128 bytes and nothing else.
	if len(m) >= 2 && m[0] == anyString && int(m[1]) == len(m)-2 && m[1] < 0x80 {
		*v = telemetry.StringValue(d.text(m[2:]))
		return true
	}
	for members := 0; len(m) > 0; {
		tag, num, p, rest, ok := next(m)
		if !ok {
			return d.badField(m)
		}
		m = rest
		switch tag {
		case anyString:
			*v = telemetry.StringValue(d.text(p))
		case anyBool:
			*v = telemetry.BoolValue(num != 0)
		case anyInt:
			*v = telemetry.IntValue(int64(num))
		case anyDouble:
			*v = telemetry.RawValue(telemetry.ValueDouble, num, "")
		case anyArray:
			*v = telemetry.ArrayValue(p)
		case anyMap:
			*v = telemetry.MapValue(p)
		case anyBytes:
			*v = telemetry.BytesValue(p)
		case anyStrindex:
			*v = telemetry.Value{}
		default:
			continue
		}
		if members++; members > 1 {
			*canonical = false
		}
		if (tag == anyArray || tag == anyMap) && !d.checkList(tag, p, 1, canonical) {
			return false
		}
	}
	return true
}

// checkList validates an encoded array or map at a depth. It clears canonical
// if [telemetry.Elements] or [telemetry.Entries] would read it otherwise than
// protobuf means it, or hand out invalid UTF-8.
func (d *Decoder) checkList(kind uint64, m string, depth int, canonical *bool) bool {
	if depth > d.limits.Depth {
		return d.tooDeep(d.offsetOf(m))
	}
	for len(m) > 0 {
		tag, _, p, rest, ok := next(m)
		if !ok {
			return d.badField(m)
		}
		m = rest
		switch {
		case tag != valuesField:
		case kind == anyArray:
			ok = d.checkAny(p, depth, canonical)
		default:
			ok = d.checkKeyValue(p, depth, canonical)
		}
		if !ok {
			return false
		}
	}
	return true
}

func (d *Decoder) checkAny(m string, depth int, canonical *bool) bool {
	for members := 0; len(m) > 0; {
		tag, _, p, rest, ok := next(m)
		if !ok {
			return d.badField(m)
		}
		m = rest
		switch tag {
		case anyBool, anyInt, anyDouble, anyBytes:
		case anyString:
			*canonical = *canonical && utf8.ValidString(p)
		case anyArray, anyMap:
			if !d.checkList(tag, p, depth+1, canonical) {
				return false
			}
		case anyStrindex:
			*canonical = false
		default:
			continue
		}
		if members++; members > 1 {
			*canonical = false
		}
	}
	return true
}

func (d *Decoder) checkKeyValue(m string, depth int, canonical *bool) bool {
	for values := 0; len(m) > 0; {
		tag, _, p, rest, ok := next(m)
		if !ok {
			return d.badField(m)
		}
		m = rest
		switch tag {
		case keyField:
			*canonical = *canonical && utf8.ValidString(p)
		case valueField:
			if values++; values > 1 {
				*canonical = false
			}
			if !d.checkAny(p, depth, canonical) {
				return false
			}
		}
	}
	return true
}

// member is the oneof member of an AnyValue under construction. Arrays and
// maps, and only they, lie at the end of the arena.
type member struct {
	tag uint64 // 0 if none is set
	num uint64
	str string
}

// rewriteValue is the value of a KeyValue that passed protoAny, read with all
// of protobuf's rules for merging, and re-encoded into the arena where it
// nests. Few clients ever need it.
func (d *Decoder) rewriteValue(m string) telemetry.Value {
	start := len(d.arena)
	v := d.mergeValues(m, start)
	switch v.tag {
	case anyString:
		return telemetry.StringValue(d.text(v.str))
	case anyBool:
		return telemetry.BoolValue(v.num != 0)
	case anyInt:
		return telemetry.IntValue(int64(v.num))
	case anyDouble:
		return telemetry.RawValue(telemetry.ValueDouble, v.num, "")
	case anyBytes:
		return telemetry.BytesValue(v.str)
	case anyArray:
		return telemetry.ArrayValue(alias(d.arena[start:]))
	case anyMap:
		return telemetry.MapValue(alias(d.arena[start:]))
	}
	return telemetry.Value{}
}

// mergeValues merges all value fields of the KeyValue m; an array or map is
// built at arena[start:].
func (d *Decoder) mergeValues(m string, start int) (v member) {
	for len(m) > 0 {
		tag, _, p, rest, _ := next(m)
		m = rest
		if tag == valueField {
			d.mergeAny(p, &v, start)
		}
	}
	return v
}

// mergeAny merges the AnyValue m into v: another member replaces the one that
// is set, and a repeated array or map adds to it.
func (d *Decoder) mergeAny(m string, v *member, start int) {
	for len(m) > 0 {
		tag, num, p, rest, _ := next(m)
		m = rest
		switch tag {
		case anyString, anyBool, anyInt, anyDouble, anyBytes, anyStrindex:
			d.arena = d.arena[:start]
		case anyArray, anyMap:
			if v.tag != tag {
				d.arena = d.arena[:start]
			}
			d.rewriteList(tag, p)
		default:
			continue
		}
		*v = member{tag, num, p}
	}
}

// rewriteList appends the elements of an array or the entries of a map.
func (d *Decoder) rewriteList(kind uint64, m string) {
	for len(m) > 0 {
		tag, _, p, rest, _ := next(m)
		m = rest
		if tag != valuesField {
			continue
		}
		start := len(d.arena)
		if kind == anyArray {
			var v member
			d.mergeAny(p, &v, start)
			d.finishAny(v, start)
		} else {
			d.rewriteKeyValue(p)
		}
		d.wrap(start, valuesField)
	}
}

func (d *Decoder) rewriteKeyValue(m string) {
	key := ""
	for rest := m; len(rest) > 0; {
		var tag uint64
		var p string
		if tag, _, p, rest, _ = next(rest); tag == keyField {
			key = p
		}
	}
	start := len(d.arena)
	d.appendText(key)
	d.wrap(start, keyField)
	start = len(d.arena)
	d.finishAny(d.mergeValues(m, start), start)
	d.wrap(start, valueField)
}

// finishAny makes arena[start:] the AnyValue message that holds v.
func (d *Decoder) finishAny(v member, start int) {
	switch v.tag {
	case anyString:
		d.appendText(v.str)
	case anyBytes:
		d.arena = append(d.arena, v.str...)
	case anyBool, anyInt:
		d.arena = binary.AppendUvarint(append(d.arena, byte(v.tag)), v.num)
		return
	case anyDouble:
		d.arena = binary.LittleEndian.AppendUint64(append(d.arena, byte(v.tag)), v.num)
		return
	case anyArray, anyMap:
	default:
		return
	}
	d.wrap(start, byte(v.tag))
}
