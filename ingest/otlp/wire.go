package otlp

import (
	"encoding/binary"
	"slices"
	"unsafe"
)

// The protobuf wire types, https://protobuf.dev/programming-guides/encoding.
// Types 3 and 4 delimit groups, which are refused.
const (
	varint  = 0
	fixed64 = 1
	length  = 2
	fixed32 = 5
)

// maxField is protobuf's largest field number.
const maxField = 1<<29 - 1

// next splits the first field off m, which is not empty. tag is the field
// number times 8 plus the wire type, so that a known field of an unexpected
// type is an unknown one, as in protobuf. num is the value of a number, and
// payload that of a string, bytes or message field.
func next(m string) (tag, num uint64, payload, rest string, ok bool) {
	tag, i := uint64(m[0]), 1
	if tag >= 0x80 {
		tag, i = uvarint(m, 0)
	}
	if i < 0 || tag>>3-1 >= maxField {
		return 0, 0, "", "", false
	}
	switch tag & 7 {
	case length:
		if i < len(m) && m[i] < 0x80 {
			num = uint64(m[i])
			i++
		} else if num, i = uvarint(m, i); i < 0 {
			break
		}
		if num > uint64(len(m)-i) {
			break
		}
		end := i + int(num)
		return tag, 0, m[i:end], m[end:], true
	case varint:
		if num, i = uvarint(m, i); i < 0 {
			break
		}
		return tag, num, "", m[i:], true
	case fixed64:
		if len(m)-i < 8 {
			break
		}
		return tag, binary.LittleEndian.Uint64(bytesOf(m[i:])), "", m[i+8:], true
	case fixed32:
		if len(m)-i < 4 {
			break
		}
		return tag, uint64(binary.LittleEndian.Uint32(bytesOf(m[i:]))), "", m[i+4:], true
	}
	return 0, 0, "", "", false
}

// bytesOf is s as bytes, which must not be written.
func bytesOf(s string) []byte { return unsafe.Slice(unsafe.StringData(s), len(s)) }

// uvarint reads the varint at m[i:] and returns the index after it, or -1 if
// it is cut off or does not fit 64 bits.
func uvarint(m string, i int) (u uint64, after int) {
	for shift := 0; i < len(m) && shift < 70; shift += 7 {
		b := m[i]
		i++
		if b < 0x80 {
			if shift == 63 && b > 1 {
				return 0, -1
			}
			return u | uint64(b)<<shift, i
		}
		u |= uint64(b&0x7f) << shift
	}
	return 0, -1
}

// ascii reports whether s has no byte above 127, as nearly all texts in spans
// do not: eight bytes at a time, the last eight perhaps twice, which takes half
// the time of utf8.ValidString on what is so short.
func ascii(s string) bool {
	const high = 0x8080808080808080
	b := bytesOf(s)
	if len(b) < 8 {
		all := byte(0)
		for _, c := range b {
			all |= c
		}
		return all < 0x80
	}
	all := binary.LittleEndian.Uint64(b[len(b)-8:])
	for ; len(b) > 8; b = b[8:] {
		all |= binary.LittleEndian.Uint64(b)
	}
	return all&high == 0
}

// offsetOf is where m, a piece of the body, begins.
func (d *Decoder) offsetOf(m string) int {
	return int(uintptr(unsafe.Pointer(unsafe.StringData(m))) - uintptr(unsafe.Pointer(unsafe.StringData(d.in))))
}

// badField says what is wrong with the first field of m, which next refused.
func (d *Decoder) badField(m string) bool {
	reason := "field cut off"
	tag, i := uvarint(m, 0)
	switch {
	case i < 0:
		reason = "malformed field tag"
	case tag>>3-1 >= maxField:
		reason = "field number out of range"
	case tag&7 == 3 || tag&7 == 4:
		reason = "group, which OTLP does not have"
	case tag&7 > fixed32:
		reason = "unknown wire type"
	}
	return d.fail(d.offsetOf(m), reason)
}

// wrap makes arena[start:] the payload of a field: it inserts the tag, which
// is below 128, and the length before it.
func (d *Decoder) wrap(start int, tag byte) {
	var header [1 + binary.MaxVarintLen64]byte
	header[0] = tag
	n := 1 + binary.PutUvarint(header[1:], uint64(len(d.arena)-start))
	d.arena = slices.Insert(d.arena, start, header[:n]...)
}
