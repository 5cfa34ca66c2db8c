package segment

import (
	"encoding/binary"
	"math"
	"unsafe"

	"github.com/kiseki-dev/kiseki/storage/column"
	"github.com/kiseki-dev/kiseki/telemetry"
)

// Resources and scopes are dictionary entries in this form: the strings and
// numbers of the struct, then a count of attributes, then for each its key,
// its type and its value. Strings are preceded by their length. Equal
// content has equal bytes, which is how they are deduplicated.

func appendResource(dst []byte, b *telemetry.Batch, r *telemetry.Resource) []byte {
	dst = appendString(dst, r.SchemaURL)
	dst = binary.AppendUvarint(dst, uint64(r.DroppedAttrs))
	return appendAttrs(dst, b.AttrsOf(r.Attrs))
}

func decodeResource(src string, b *telemetry.Batch) (r telemetry.Resource, err error) {
	c := column.Cursor{B: view(src)}
	r.SchemaURL = text(c.Sized())
	r.DroppedAttrs = uint32(c.Count(math.MaxUint32))
	r.Attrs = decodeAttrs(&c, b)
	return r, c.Err
}

func appendScope(dst []byte, b *telemetry.Batch, s *telemetry.Scope) []byte {
	dst = appendString(dst, s.Name)
	dst = appendString(dst, s.Version)
	dst = appendString(dst, s.SchemaURL)
	dst = binary.AppendUvarint(dst, uint64(s.DroppedAttrs))
	return appendAttrs(dst, b.AttrsOf(s.Attrs))
}

func decodeScope(src string, b *telemetry.Batch) (s telemetry.Scope, err error) {
	c := column.Cursor{B: view(src)}
	s.Name, s.Version, s.SchemaURL = text(c.Sized()), text(c.Sized()), text(c.Sized())
	s.DroppedAttrs = uint32(c.Count(math.MaxUint32))
	s.Attrs = decodeAttrs(&c, b)
	return s, c.Err
}

func appendAttrs(dst []byte, attrs []telemetry.Attr) []byte {
	dst = binary.AppendUvarint(dst, uint64(len(attrs)))
	for i := range attrs {
		a := &attrs[i]
		dst = appendString(dst, a.Key)
		t := a.Value.Type()
		dst = append(dst, byte(t))
		switch classOf(kindAttr, t) {
		case classInts:
			dst = binary.AppendUvarint(dst, column.Zigzag(a.Value.Num()))
		case classStrings:
			dst = appendString(dst, a.Value.Str())
		}
	}
	return dst
}

// decodeAttrs appends to b.Attrs; strings alias what c reads.
func decodeAttrs(c *column.Cursor, b *telemetry.Batch) telemetry.Range {
	r := telemetry.Range{Start: uint32(len(b.Attrs))}
	for n := c.Count(len(c.B)); n > 0; n-- {
		key, t := text(c.Sized()), telemetry.ValueType(c.Byte())
		if t > telemetry.ValueMap {
			c.Fail()
		}
		var v telemetry.Value
		switch classOf(kindAttr, t) {
		case classInts:
			v = telemetry.RawValue(t, column.Unzigzag(c.Uvarint()), "")
		case classStrings:
			v = telemetry.RawValue(t, 0, text(c.Sized()))
		}
		if c.Err != nil {
			break
		}
		b.Attrs = append(b.Attrs, telemetry.Attr{Key: key, Value: v})
	}
	r.End = uint32(len(b.Attrs))
	return r
}

func appendString(dst []byte, s string) []byte {
	dst = binary.AppendUvarint(dst, uint64(len(s)))
	return append(dst, s...)
}

// text and view convert without a copy; the bytes must not change.
func text(b []byte) string { return unsafe.String(unsafe.SliceData(b), len(b)) }
func view(s string) []byte { return unsafe.Slice(unsafe.StringData(s), len(s)) }
