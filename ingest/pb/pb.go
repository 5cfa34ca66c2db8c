// Package pb walks protobuf messages in place, for protocols whose messages are
// read without generated types: nothing is made of a message before its reader
// has counted it.
package pb

import (
	"errors"
	"unsafe"

	"google.golang.org/protobuf/encoding/protowire"
)

// The wire types, to name fields by: field 3 of type bytes is 3<<3 | pb.Bytes.
// A known field of another type is an unknown one, as protobuf has it.
const (
	Varint  = int(protowire.VarintType)
	Fixed64 = int(protowire.Fixed64Type)
	Bytes   = int(protowire.BytesType)
)

var errGroup = errors.New("a group, which these messages have none of")

// Walk calls f with each field of a message: the key names it, number is the
// value of a field that has no length, payload of one that has. It ends with
// the first error.
func Walk(m []byte, f func(key int, number uint64, payload []byte) error) error {
	for len(m) > 0 {
		field, typ, n := protowire.ConsumeTag(m)
		if n < 0 {
			return protowire.ParseError(n)
		}
		m = m[n:]
		var number uint64
		var payload []byte
		switch typ {
		case protowire.VarintType:
			number, n = protowire.ConsumeVarint(m)
		case protowire.Fixed64Type:
			number, n = protowire.ConsumeFixed64(m)
		case protowire.BytesType:
			payload, n = protowire.ConsumeBytes(m)
		case protowire.Fixed32Type:
			_, n = protowire.ConsumeFixed32(m)
		default:
			return errGroup
		}
		if n < 0 {
			return protowire.ParseError(n)
		}
		m = m[n:]
		if err := f(int(field)<<3|int(typ), number, payload); err != nil {
			return err
		}
	}
	return nil
}

// Text is a payload as a string, which aliases it and need not be valid UTF-8.
func Text(payload []byte) string { return unsafe.String(unsafe.SliceData(payload), len(payload)) }
