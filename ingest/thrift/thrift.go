// Package thrift reads Apache Thrift's binary and compact protocols
// (https://github.com/apache/thrift/tree/master/doc/specs) in place.
//
// Goals: a length that a client made up costs nothing, for it is compared with
// what is left of the body before anything is made of it; nesting is bounded;
// what a caller does not know is skipped; no allocation.
//
// Apache's own library is not used because it reads from a stream, so that
// each string is copied, and because its generated types are filled before
// anybody can count their elements.
package thrift

import (
	"encoding/binary"
	"errors"
	"fmt"
	"math"
	"unsafe"
)

// Type is a type of the binary protocol; those of the compact one are
// translated.
type Type byte

// The types.
const (
	Stop   Type = 0
	Bool   Type = 2
	Byte   Type = 3
	Double Type = 4
	I16    Type = 6
	I32    Type = 8
	I64    Type = 10
	String Type = 11 // and binary
	Struct Type = 12
	Map    Type = 13
	Set    Type = 14
	List   Type = 15
)

// compactTypes are the types by their numbers in the compact protocol, in
// which there are two for a bool in a field.
var compactTypes = [...]Type{Stop, Bool, Bool, Byte, I16, I32, I64, Double, String, List, Set, Map, Struct}

// maxDepth bounds the nesting of what is skipped. The structs that are read
// nest four deep.
const maxDepth = 32

var errCutOff = errors.New("cut off")

// Reader reads a body. Errors stick: after one all values are zero and all
// structs and lists at their end, so that a caller looks at Err once.
type Reader struct {
	in      []byte
	pos     int
	compact bool
	bool    byte // the value of a compact field of type bool: 0 where there is none
	err     error
}

// NewBinary makes a reader of the binary protocol. What it returns aliases the
// body.
func NewBinary(body []byte) *Reader { return &Reader{in: body} }

// NewCompact is NewBinary for the compact protocol.
func NewCompact(body []byte) *Reader { return &Reader{in: body, compact: true} }

// Err is the first error, and where it is.
func (r *Reader) Err() error { return r.err }

// Fail records an error unless there is one.
func (r *Reader) Fail(err error) {
	if r.err == nil {
		r.err = fmt.Errorf("%w at byte %d", err, r.pos)
	}
}

// Rest is the number of bytes that are left.
func (r *Reader) Rest() int { return len(r.in) - r.pos }

// take is the next n bytes.
func (r *Reader) take(n int) []byte {
	if r.err != nil {
		return nil
	}
	if n < 0 || n > r.Rest() {
		r.Fail(errCutOff)
		return nil
	}
	b := r.in[r.pos : r.pos+n]
	r.pos += n
	return b
}

func (r *Reader) byte() byte {
	if b := r.take(1); b != nil {
		return b[0]
	}
	return 0
}

func (r *Reader) uvarint() uint64 {
	if r.err != nil {
		return 0
	}
	u, n := binary.Uvarint(r.in[r.pos:])
	if n <= 0 {
		r.Fail(errCutOff)
		return 0
	}
	r.pos += n
	return u
}

// zigzag reads a signed integer of the compact protocol.
func (r *Reader) zigzag() int64 {
	u := r.uvarint()
	return int64(u>>1) ^ -int64(u&1)
}

// Fields walks a struct:
//
//	for f := r.Struct(); r.Next(&f); {
//		switch {
//		case f.Is(1, thrift.I64):
//			id = r.I64()
//		default:
//			r.Skip(f)
//		}
//	}
type Fields struct {
	id   int16
	typ  Type
	done bool
}

// Is reports whether the field is the one of that number, and of that type.
func (f Fields) Is(id int16, typ Type) bool { return f.id == id && f.typ == typ }

// Struct begins a struct.
func (r *Reader) Struct() Fields { return Fields{} }

// Next goes to the next field, whose value must then be read or skipped.
func (r *Reader) Next(f *Fields) bool {
	r.bool = 0
	head := r.byte()
	if r.err != nil || f.done || head == byte(Stop) {
		f.done = true
		return false
	}
	if !r.compact {
		f.typ = Type(head)
		if b := r.take(2); b != nil {
			f.id = int16(binary.BigEndian.Uint16(b))
		}
		return r.err == nil
	}
	number := head & 0x0f
	f.typ = r.compactType(number)
	if f.typ == Bool {
		r.bool = number
	}
	if delta := int16(head >> 4); delta != 0 {
		f.id += delta
	} else {
		f.id = int16(r.zigzag())
	}
	return r.err == nil
}

func (r *Reader) compactType(number byte) Type {
	if int(number) >= len(compactTypes) {
		r.Fail(fmt.Errorf("unknown type %d", number))
		return Stop
	}
	return compactTypes[number]
}

// List begins a list or set and returns how many elements follow. There are
// none if they are of another type than the wanted one: they have been skipped.
func (r *Reader) List(want Type) int {
	typ, n := r.listHead()
	if typ == want || r.err != nil {
		return n
	}
	for ; n > 0 && r.err == nil; n-- {
		r.skip(typ, 0)
	}
	return 0
}

func (r *Reader) listHead() (typ Type, n int) {
	var size uint64
	if r.compact {
		head := r.byte()
		typ = r.compactType(head & 0x0f)
		if size = uint64(head >> 4); size == 15 {
			size = r.uvarint()
		}
	} else {
		typ = Type(r.byte())
		size = uint64(uint32(r.i32()))
	}
	return typ, r.count(size)
}

// count checks a number of elements, each of which is a byte at least.
func (r *Reader) count(size uint64) int {
	if size > uint64(r.Rest()) {
		r.Fail(fmt.Errorf("%d elements in %d bytes", size, r.Rest()))
	}
	if r.err != nil {
		return 0
	}
	return int(size)
}

func (r *Reader) i32() int32 {
	if b := r.take(4); b != nil {
		return int32(binary.BigEndian.Uint32(b))
	}
	return 0
}

// I32 reads an integer.
func (r *Reader) I32() int32 {
	if r.compact {
		return int32(r.zigzag())
	}
	return r.i32()
}

// I16 reads an integer.
func (r *Reader) I16() int16 {
	if r.compact {
		return int16(r.zigzag())
	}
	if b := r.take(2); b != nil {
		return int16(binary.BigEndian.Uint16(b))
	}
	return 0
}

// I64 reads an integer.
func (r *Reader) I64() int64 {
	if r.compact {
		return r.zigzag()
	}
	if b := r.take(8); b != nil {
		return int64(binary.BigEndian.Uint64(b))
	}
	return 0
}

// Double reads a float. Its bytes are in the one order in the binary protocol
// and in the other in the compact one, as all libraries but the first ones
// have it.
func (r *Reader) Double() float64 {
	b := r.take(8)
	switch {
	case b == nil:
		return 0
	case r.compact:
		return math.Float64frombits(binary.LittleEndian.Uint64(b))
	}
	return math.Float64frombits(binary.BigEndian.Uint64(b))
}

// Bool reads a bool.
func (r *Reader) Bool() bool {
	b := r.bool
	if b == 0 {
		b = r.byte()
	}
	r.bool = 0
	return b == 1
}

// Bytes reads a string or bytes, which alias the body.
func (r *Reader) Bytes() []byte {
	if r.compact {
		return r.take(int(min(r.uvarint(), math.MaxInt32)))
	}
	return r.take(int(r.i32()))
}

// Text is Bytes as a string, which need not be valid UTF-8.
func (r *Reader) Text() string {
	b := r.Bytes()
	return unsafe.String(unsafe.SliceData(b), len(b))
}

// Skip reads the value of a field and forgets it.
func (r *Reader) Skip(f Fields) { r.skip(f.typ, 0) }

func (r *Reader) skip(typ Type, depth int) {
	if depth > maxDepth {
		r.Fail(fmt.Errorf("nested deeper than %d", maxDepth))
	}
	if r.err != nil {
		return
	}
	switch typ {
	case Bool:
		r.Bool()
	case Byte:
		r.byte()
	case I16:
		r.I16()
	case I32:
		r.I32()
	case I64:
		r.I64()
	case Double:
		r.Double()
	case String:
		r.Bytes()
	case Struct:
		for f := r.Struct(); r.Next(&f); {
			r.skip(f.typ, depth+1)
		}
	case List, Set:
		for typ, n := r.listHead(); n > 0 && r.err == nil; n-- {
			r.skip(typ, depth+1)
		}
	case Map:
		for key, value, n := r.mapHead(); n > 0 && r.err == nil; n-- {
			r.skip(key, depth+1)
			r.skip(value, depth+1)
		}
	default:
		r.Fail(fmt.Errorf("unknown type %d", typ))
	}
}

func (r *Reader) mapHead() (key, value Type, n int) {
	if !r.compact {
		key, value = Type(r.byte()), Type(r.byte())
		return key, value, r.count(uint64(uint32(r.i32())))
	}
	if n = r.count(r.uvarint()); n > 0 {
		types := r.byte()
		key, value = r.compactType(types>>4), r.compactType(types&0x0f)
	}
	return key, value, n
}
