package otlpjson

import (
	"encoding/base64"
	"encoding/hex"
	"math"
	"strconv"
	"unicode/utf8"

	"github.com/kiseki-dev/kiseki/telemetry"
)

// The appenders below write JSON as protojson does where it matters: 64-bit
// integers are strings, bytes are base64, NaN and the infinities are strings.

// AppendString appends s in quotes. What is not UTF-8 becomes U+FFFD.
func AppendString(dst []byte, s string) []byte {
	dst = append(dst, '"')
	from := 0
	for i := 0; i < len(s); {
		c := s[i]
		if c >= ' ' && c != '"' && c != '\\' && c < utf8.RuneSelf {
			i++
			continue
		}
		if c >= utf8.RuneSelf {
			r, n := utf8.DecodeRuneInString(s[i:])
			if r != utf8.RuneError || n > 1 {
				i += n
				continue
			}
			dst = append(append(dst, s[from:i]...), "\ufffd"...)
		} else {
			dst = appendEscape(append(dst, s[from:i]...), c)
		}
		i++
		from = i
	}
	return append(append(dst, s[from:]...), '"')
}

func appendEscape(dst []byte, c byte) []byte {
	switch c {
	case '"', '\\':
		return append(dst, '\\', c)
	case '\n':
		return append(dst, `\n`...)
	case '\r':
		return append(dst, `\r`...)
	case '\t':
		return append(dst, `\t`...)
	}
	const digits = "0123456789abcdef"
	return append(dst, '\\', 'u', '0', '0', digits[c>>4], digits[c&15])
}

// AppendHex appends an id in quotes.
func AppendHex(dst, id []byte) []byte {
	return append(hex.AppendEncode(append(dst, '"'), id), '"')
}

// AppendValue appends an AnyValue object of OTLP/JSON. Nested values are
// well formed and of limited depth, as [telemetry.Value] says.
func AppendValue(dst []byte, v telemetry.Value) []byte {
	switch v.Type() {
	case telemetry.ValueString:
		dst = AppendString(append(dst, `{"stringValue":`...), v.Str())
	case telemetry.ValueBool:
		dst = strconv.AppendBool(append(dst, `{"boolValue":`...), v.Bool())
	case telemetry.ValueInt:
		dst = append(strconv.AppendInt(append(dst, `{"intValue":"`...), v.Int(), 10), '"')
	case telemetry.ValueDouble:
		dst = AppendDouble(append(dst, `{"doubleValue":`...), v.Double())
	case telemetry.ValueBytes:
		dst = append(dst, `{"bytesValue":"`...)
		dst = append(base64.StdEncoding.AppendEncode(dst, []byte(v.Str())), '"')
	case telemetry.ValueArray:
		dst = append(dst, `{"arrayValue":{"values":[`...)
		first := true
		_ = telemetry.Elements(v.Str(), func(e telemetry.Value) bool { // well formed, see above
			dst = AppendValue(appendComma(dst, &first), e)
			return true
		})
		dst = append(dst, `]}`...)
	case telemetry.ValueMap:
		dst = append(dst, `{"kvlistValue":{"values":[`...)
		first := true
		_ = telemetry.Entries(v.Str(), func(a telemetry.Attr) bool { // well formed, see above
			dst = appendAttr(appendComma(dst, &first), a)
			return true
		})
		dst = append(dst, `]}`...)
	default:
		dst = append(dst, '{')
	}
	return append(dst, '}')
}

func appendComma(dst []byte, first *bool) []byte {
	if *first {
		*first = false
		return dst
	}
	return append(dst, ',')
}

// appendAttr appends a KeyValue object.
func appendAttr(dst []byte, a telemetry.Attr) []byte {
	dst = AppendString(append(dst, `{"key":`...), a.Key)
	return append(AppendValue(append(dst, `,"value":`...), a.Value), '}')
}

// AppendDouble appends f; NaN and the infinities are quoted words.
func AppendDouble(dst []byte, f float64) []byte {
	switch {
	case math.IsNaN(f):
		return append(dst, `"NaN"`...)
	case math.IsInf(f, 1):
		return append(dst, `"Infinity"`...)
	case math.IsInf(f, -1):
		return append(dst, `"-Infinity"`...)
	}
	return strconv.AppendFloat(dst, f, 'g', -1, 64)
}

// AppendAttrs appends a list of KeyValue objects.
func AppendAttrs(dst []byte, attrs []telemetry.Attr) []byte {
	dst = append(dst, '[')
	for i, a := range attrs {
		if i > 0 {
			dst = append(dst, ',')
		}
		dst = appendAttr(dst, a)
	}
	return append(dst, ']')
}
