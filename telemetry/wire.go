package telemetry

import (
	"encoding/binary"
	"math/bits"
)

// The protobuf wire types, https://protobuf.dev/programming-guides/encoding.
const (
	wireVarint  = 0
	wireFixed64 = 1
	wireBytes   = 2
	wireFixed32 = 5
)

// Field numbers of opentelemetry.proto.common.v1.AnyValue.
const (
	anyString = 1
	anyBool   = 2
	anyInt    = 3
	anyDouble = 4
	anyArray  = 5
	anyMap    = 6
	anyBytes  = 7
)

// field splits the first field off a message. A varint or fixed field's
// payload is its own encoded bytes.
func field(m string) (num uint64, typ int, payload, rest string, err error) {
	tag, n := uvarint(m)
	if n <= 0 || tag>>3 == 0 {
		return 0, 0, "", "", ErrValue
	}
	m = m[n:]
	size := 0
	switch tag & 7 {
	case wireVarint:
		if _, size = uvarint(m); size <= 0 {
			return 0, 0, "", "", ErrValue
		}
	case wireFixed64:
		size = 8
	case wireFixed32:
		size = 4
	case wireBytes:
		l, n := uvarint(m)
		if n <= 0 || l > uint64(len(m)-n) {
			return 0, 0, "", "", ErrValue
		}
		m, size = m[n:], int(l)
	default:
		return 0, 0, "", "", ErrValue
	}
	if size > len(m) {
		return 0, 0, "", "", ErrValue
	}
	return tag >> 3, int(tag & 7), m[:size], m[size:], nil
}

// decodeAny reads an AnyValue message; of repeated fields the last one wins,
// as in every protobuf oneof.
func decodeAny(m string) (v Value, err error) {
	for len(m) > 0 {
		num, typ, p, rest, err := field(m)
		if err != nil {
			return Value{}, err
		}
		m = rest
		switch {
		case num == anyString && typ == wireBytes:
			v = StringValue(p)
		case num == anyBool && typ == wireVarint:
			u, _ := uvarint(p)
			v = BoolValue(u != 0)
		case num == anyInt && typ == wireVarint:
			u, _ := uvarint(p)
			v = IntValue(int64(u))
		case num == anyDouble && typ == wireFixed64:
			v = Value{typ: ValueDouble, num: fixed64(p)}
		case num == anyArray && typ == wireBytes:
			v = ArrayValue(p)
		case num == anyMap && typ == wireBytes:
			v = MapValue(p)
		case num == anyBytes && typ == wireBytes:
			v = BytesValue(p)
		}
	}
	return v, nil
}

func decodeKeyValue(m string) (a Attr, err error) {
	for len(m) > 0 {
		num, typ, p, rest, err := field(m)
		if err != nil {
			return Attr{}, err
		}
		m = rest
		switch {
		case num == 1 && typ == wireBytes:
			a.Key = p
		case num == 2 && typ == wireBytes:
			if a.Value, err = decodeAny(p); err != nil {
				return Attr{}, err
			}
		}
	}
	return a, nil
}

func sizeAny(v Value) int {
	switch v.typ {
	case ValueString, ValueBytes, ValueArray, ValueMap:
		return 1 + sizeVarint(uint64(len(v.str))) + len(v.str)
	case ValueBool:
		return 2
	case ValueInt:
		return 1 + sizeVarint(v.num)
	case ValueDouble:
		return 9
	}
	return 0
}

func appendAny(dst []byte, v Value) []byte {
	switch v.typ {
	case ValueString:
		return appendString(dst, anyString, v.str)
	case ValueBytes:
		return appendString(dst, anyBytes, v.str)
	case ValueArray:
		return appendString(dst, anyArray, v.str)
	case ValueMap:
		return appendString(dst, anyMap, v.str)
	case ValueBool:
		return append(dst, anyBool<<3|wireVarint, byte(v.num))
	case ValueInt:
		return binary.AppendUvarint(append(dst, anyInt<<3|wireVarint), v.num)
	case ValueDouble:
		return binary.LittleEndian.AppendUint64(append(dst, anyDouble<<3|wireFixed64), v.num)
	}
	return dst
}

func appendString(dst []byte, num int, s string) []byte {
	dst = append(dst, byte(num<<3|wireBytes))
	dst = binary.AppendUvarint(dst, uint64(len(s)))
	return append(dst, s...)
}

func sizeVarint(u uint64) int { return (bits.Len64(u|1) + 6) / 7 }

// uvarint is binary.Uvarint over a string; n <= 0 is an error.
func uvarint(s string) (u uint64, n int) {
	for i := 0; i < len(s) && i < binary.MaxVarintLen64; i++ {
		b := s[i]
		if b < 0x80 {
			if i == binary.MaxVarintLen64-1 && b > 1 {
				return 0, -1
			}
			return u | uint64(b)<<(7*i), i + 1
		}
		u |= uint64(b&0x7f) << (7 * i)
	}
	return 0, -1
}

func fixed64(s string) uint64 {
	_ = s[7]
	return uint64(s[0]) | uint64(s[1])<<8 | uint64(s[2])<<16 | uint64(s[3])<<24 |
		uint64(s[4])<<32 | uint64(s[5])<<40 | uint64(s[6])<<48 | uint64(s[7])<<56
}
