package telemetry

import (
	"encoding/binary"
	"errors"
	"math"
)

// ValueType is the type of a [Value].
type ValueType uint8

// The types of OTLP's AnyValue. ValueEmpty is an AnyValue with nothing set.
const (
	ValueEmpty ValueType = iota
	ValueString
	ValueBool
	ValueInt
	ValueDouble
	ValueBytes
	ValueArray
	ValueMap
)

var valueTypeNames = [...]string{"empty", "string", "bool", "int", "double", "bytes", "array", "map"}

// String is the type's name.
func (t ValueType) String() string {
	if int(t) < len(valueTypeNames) {
		return valueTypeNames[t]
	}
	return "invalid"
}

// Value is an attribute's value: one word of number and one string. Arrays
// and maps are held encoded, as the bytes of OTLP's ArrayValue and
// KeyValueList messages (opentelemetry/proto/common/v1), so that a nested
// value costs no allocation and comes back exactly as it went in. Producers
// guarantee that those bytes are well formed and within the depth limit;
// [Elements] and [Entries] walk them.
type Value struct {
	str string
	num uint64
	typ ValueType
}

// StringValue is a string; s must be valid UTF-8.
func StringValue(s string) Value { return Value{typ: ValueString, str: s} }

// BoolValue is a boolean.
func BoolValue(b bool) Value {
	if b {
		return Value{typ: ValueBool, num: 1}
	}
	return Value{typ: ValueBool}
}

// IntValue is a 64-bit signed integer.
func IntValue(i int64) Value { return Value{typ: ValueInt, num: uint64(i)} }

// DoubleValue is a 64-bit float; NaN keeps its bits.
func DoubleValue(f float64) Value { return Value{typ: ValueDouble, num: math.Float64bits(f)} }

// BytesValue is a byte string.
func BytesValue(b string) Value { return Value{typ: ValueBytes, str: b} }

// ArrayValue is an array, given as the bytes of an OTLP ArrayValue message.
func ArrayValue(encoded string) Value { return Value{typ: ValueArray, str: encoded} }

// MapValue is a map, given as the bytes of an OTLP KeyValueList message.
func MapValue(encoded string) Value { return Value{typ: ValueMap, str: encoded} }

// RawValue makes a value from its parts, the inverse of Type, Num and Str.
func RawValue(t ValueType, num uint64, str string) Value { return Value{typ: t, num: num, str: str} }

// Type is the value's type.
func (v Value) Type() ValueType { return v.typ }

// Num is the value's word: 0 or 1 for a bool, two's complement for an int,
// IEEE 754 bits for a double, 0 for the other types.
func (v Value) Num() uint64 { return v.num }

// Str is the text of a string, the bytes of a bytes value, the encoded form
// of an array or map, and "" for the other types.
func (v Value) Str() string { return v.str }

// Bool is the value of a bool.
func (v Value) Bool() bool { return v.num != 0 }

// Int is the value of an int.
func (v Value) Int() int64 { return int64(v.num) }

// Double is the value of a double.
func (v Value) Double() float64 { return math.Float64frombits(v.num) }

// ErrValue is returned for an encoded array or map that is not well formed.
var ErrValue = errors.New("malformed nested value")

// Elements calls f for each element of an encoded array (see [ArrayValue]) in
// order, until f returns false.
func Elements(encoded string, f func(Value) bool) error {
	for len(encoded) > 0 {
		num, typ, payload, rest, err := field(encoded)
		if err != nil {
			return err
		}
		encoded = rest
		if num != 1 || typ != wireBytes {
			continue
		}
		v, err := decodeAny(payload)
		if err != nil {
			return err
		}
		if !f(v) {
			return nil
		}
	}
	return nil
}

// Entries calls f for each entry of an encoded map (see [MapValue]) in order,
// until f returns false.
func Entries(encoded string, f func(Attr) bool) error {
	for len(encoded) > 0 {
		num, typ, payload, rest, err := field(encoded)
		if err != nil {
			return err
		}
		encoded = rest
		if num != 1 || typ != wireBytes {
			continue
		}
		a, err := decodeKeyValue(payload)
		if err != nil {
			return err
		}
		if !f(a) {
			return nil
		}
	}
	return nil
}

// AppendElement appends v to an encoded array.
func AppendElement(dst []byte, v Value) []byte {
	dst = append(dst, 1<<3|wireBytes)
	dst = binary.AppendUvarint(dst, uint64(sizeAny(v)))
	return appendAny(dst, v)
}

// AppendEntry appends an entry to an encoded map.
func AppendEntry(dst []byte, key string, v Value) []byte {
	n := sizeAny(v)
	size := 1 + sizeVarint(uint64(len(key))) + len(key) + 1 + sizeVarint(uint64(n)) + n
	dst = append(dst, 1<<3|wireBytes)
	dst = binary.AppendUvarint(dst, uint64(size))
	dst = append(dst, 1<<3|wireBytes)
	dst = binary.AppendUvarint(dst, uint64(len(key)))
	dst = append(dst, key...)
	dst = append(dst, 2<<3|wireBytes)
	dst = binary.AppendUvarint(dst, uint64(n))
	return appendAny(dst, v)
}
