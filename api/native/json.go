package native

import (
	"encoding/base64"
	"encoding/hex"
	"math"
	"strconv"
	"unicode/utf8"

	"github.com/kiseki-dev/kiseki/query/exec"
	"github.com/kiseki-dev/kiseki/telemetry"
)

// The appenders below write JSON as protojson does where it matters: 64-bit
// integers are strings, bytes are base64, NaN and the infinities are strings.

// appendString appends s in quotes. What is not UTF-8 becomes U+FFFD.
func appendString(dst []byte, s string) []byte {
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

// appendStringField appends a comma, the name and the text.
func appendStringField(dst []byte, name, value string) []byte {
	return appendString(appendName(dst, name), value)
}

// appendName appends `,"name":`; the name needs no escape.
func appendName(dst []byte, name string) []byte {
	return append(append(append(dst, `,"`...), name...), `":`...)
}

// appendIntField appends a comma, the name and the number.
func appendIntField(dst []byte, name string, n int64) []byte {
	return strconv.AppendInt(appendName(dst, name), n, 10)
}

// appendUint64Field appends a comma, the name and the number as a string.
func appendUint64Field(dst []byte, name string, n uint64) []byte {
	dst = append(appendName(dst, name), '"')
	return append(strconv.AppendUint(dst, n, 10), '"')
}

// appendHex appends an id in quotes.
func appendHex(dst, id []byte) []byte {
	return append(hex.AppendEncode(append(dst, '"'), id), '"')
}

// appendValue appends an AnyValue object of OTLP/JSON. Nested values are
// well formed and of limited depth, as [telemetry.Value] says.
func appendValue(dst []byte, v telemetry.Value) []byte {
	switch v.Type() {
	case telemetry.ValueString:
		dst = appendString(append(dst, `{"stringValue":`...), v.Str())
	case telemetry.ValueBool:
		dst = strconv.AppendBool(append(dst, `{"boolValue":`...), v.Bool())
	case telemetry.ValueInt:
		dst = append(strconv.AppendInt(append(dst, `{"intValue":"`...), v.Int(), 10), '"')
	case telemetry.ValueDouble:
		dst = appendDouble(append(dst, `{"doubleValue":`...), v.Double())
	case telemetry.ValueBytes:
		dst = append(dst, `{"bytesValue":"`...)
		dst = append(base64.StdEncoding.AppendEncode(dst, []byte(v.Str())), '"')
	case telemetry.ValueArray:
		dst = append(dst, `{"arrayValue":{"values":[`...)
		first := true
		_ = telemetry.Elements(v.Str(), func(e telemetry.Value) bool { // well formed, see above
			dst = appendValue(appendComma(dst, &first), e)
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
	dst = appendString(append(dst, `{"key":`...), a.Key)
	return append(appendValue(append(dst, `,"value":`...), a.Value), '}')
}

func appendDouble(dst []byte, f float64) []byte {
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

// appendStats appends the Stats object.
func appendStats(dst []byte, s exec.Stats) []byte {
	dst = strconv.AppendBool(append(dst, `{"complete":`...), s.Complete)
	if !s.Complete {
		dst = appendStringField(dst, "incompleteReason", s.Reason)
	}
	dst = appendIntField(dst, "scannedSpans", int64(s.ScannedSpans))
	dst = appendIntField(dst, "totalSpans", int64(s.TotalSpans))
	dst = appendIntField(dst, "scannedBlocks", int64(s.ScannedBlocks))
	dst = appendIntField(dst, "totalBlocks", int64(s.TotalBlocks))
	return append(appendUint64Field(dst, "elapsedNanos", uint64(max(s.Elapsed, 0))), '}')
}
