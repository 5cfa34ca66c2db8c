package archive

import (
	"encoding/base64"
	"encoding/hex"
	"strconv"
	"unsafe"

	"github.com/parquet-go/parquet-go"

	"github.com/kiseki-dev/kiseki/telemetry"
	"github.com/kiseki-dev/kiseki/telemetry/otlpjson"
)

// rowBuilder makes rows of [Columns], column by column in their order. It
// writes repetition and definition levels itself: a Go map would cost an
// allocation an attribute and lose their order, on which compression depends.
//
// The levels (https://parquet.apache.org/docs/file-format/nestedencoding/): a
// value at the top has 0, 0, an optional one 0, 1. What repeats adds one to
// the definition, and to the repetition from its second value on.
type rowBuilder struct {
	row   parquet.Row
	col   int
	bytes int // of all rows of the group
	// text is what values refer to. It is only appended to until they have
	// been written: values keep what it was before it grew.
	text []byte
	keys map[string]struct{}
}

func (r *rowBuilder) put(v parquet.Value, repetition, definition int) {
	r.row = append(r.row, v.Level(repetition, definition, r.col))
	r.bytes += 8
	if v.Kind() == parquet.ByteArray && !v.IsNull() {
		r.bytes += len(v.ByteArray())
	}
}

func text(s string) parquet.Value {
	return parquet.ByteArrayValue(unsafe.Slice(unsafe.StringData(s), len(s)))
}

// made is the text that has been appended since start.
func (r *rowBuilder) made(start int) string {
	return unsafe.String(unsafe.SliceData(r.text[start:]), len(r.text)-start)
}

func (r *rowBuilder) hex(id []byte) string {
	start := len(r.text)
	r.text = hex.AppendEncode(r.text, id)
	return r.made(start)
}

// otlp is an attribute list as OTLP/JSON, "" if empty.
func (r *rowBuilder) otlp(attrs []telemetry.Attr) string {
	if len(attrs) == 0 {
		return ""
	}
	start := len(r.text)
	r.text = otlpjson.AppendAttrs(r.text, attrs)
	return r.made(start)
}

// required and the methods below each write one column, or those of one map.
func (r *rowBuilder) required(v parquet.Value) {
	r.put(v, 0, 0)
	r.col++
}

func (r *rowBuilder) string(s string) { r.required(text(s)) }

func (r *rowBuilder) int(n int64) { r.required(parquet.Int64Value(n)) }

func (r *rowBuilder) optional(v parquet.Value, present bool) {
	if present {
		r.put(v, 0, 1)
	} else {
		r.put(parquet.Value{}, 0, 0)
	}
	r.col++
}

// optionalString takes the empty text for absent.
func (r *rowBuilder) optionalString(s string) { r.optional(text(s), s != "") }

// each writes a column of the elements of a list.
func (r *rowBuilder) each(n int, value func(i int) parquet.Value) {
	if n == 0 {
		r.put(parquet.Value{}, 0, 0)
	}
	for i := range n {
		r.put(value(i), min(i, 1), 1)
	}
	r.col++
}

// attrs writes an attribute map at the top.
func (r *rowBuilder) attrs(attrs []telemetry.Attr) {
	r.maps(0, 1, func(int) []telemetry.Attr { return attrs })
}

// maps writes n attribute maps, of the elements of a list where depth is 1.
func (r *rowBuilder) maps(depth, n int, attrs func(i int) []telemetry.Attr) {
	for _, value := range []func(a telemetry.Attr) string{
		func(a telemetry.Attr) string { return a.Key },
		func(a telemetry.Attr) string { return r.plain(a.Value) },
	} {
		if n == 0 {
			r.put(parquet.Value{}, 0, 0)
		}
		for i := range n {
			repetition := min(i, 1)
			clear(r.keys)
			for _, a := range attrs(i) {
				if _, again := r.keys[a.Key]; again {
					continue
				}
				r.keys[a.Key] = struct{}{}
				r.put(text(value(a)), repetition, depth+1)
				repetition = depth + 1
			}
			if len(r.keys) == 0 {
				r.put(parquet.Value{}, repetition, depth)
			}
		}
		r.col++
	}
}

// plain is a value as text: numbers in decimal, bytes in base64, arrays and
// maps as JSON.
func (r *rowBuilder) plain(v telemetry.Value) string {
	if v.Type() == telemetry.ValueString {
		return v.Str()
	}
	start := len(r.text)
	switch v.Type() {
	case telemetry.ValueEmpty:
	case telemetry.ValueDouble:
		r.text = strconv.AppendFloat(r.text, v.Double(), 'g', -1, 64)
	case telemetry.ValueBytes:
		r.text = base64.StdEncoding.AppendEncode(r.text, []byte(v.Str()))
	default:
		r.text = appendPlain(r.text, v)
	}
	return r.made(start)
}

// appendPlain appends a value as the JSON that people write.
func appendPlain(dst []byte, v telemetry.Value) []byte {
	switch v.Type() {
	case telemetry.ValueEmpty:
		return append(dst, "null"...)
	case telemetry.ValueString:
		return otlpjson.AppendString(dst, v.Str())
	case telemetry.ValueBool:
		return strconv.AppendBool(dst, v.Bool())
	case telemetry.ValueInt:
		return strconv.AppendInt(dst, v.Int(), 10)
	case telemetry.ValueDouble:
		return otlpjson.AppendDouble(dst, v.Double())
	case telemetry.ValueBytes:
		return otlpjson.AppendString(dst, base64.StdEncoding.EncodeToString([]byte(v.Str())))
	}
	open, end := byte('['), byte(']')
	if v.Type() == telemetry.ValueMap {
		open, end = '{', '}'
	}
	dst = append(dst, open)
	first := len(dst)
	separate := func() {
		if len(dst) > first {
			dst = append(dst, ',')
		}
	}
	// Nested values are well formed, as telemetry.Value says.
	if v.Type() == telemetry.ValueArray {
		_ = telemetry.Elements(v.Str(), func(e telemetry.Value) bool {
			separate()
			dst = appendPlain(dst, e)
			return true
		})
	} else {
		_ = telemetry.Entries(v.Str(), func(a telemetry.Attr) bool {
			separate()
			dst = appendPlain(append(otlpjson.AppendString(dst, a.Key), ':'), a.Value)
			return true
		})
	}
	return append(dst, end)
}
