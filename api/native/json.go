package native

import (
	"strconv"
	"time"

	"github.com/kiseki-dev/kiseki/query/exec"
	"github.com/kiseki-dev/kiseki/telemetry/otlpjson"
)

// The appenders below write JSON as protojson does where it matters: 64-bit
// integers are strings, bytes are base64, NaN and the infinities are strings.

// appendString appends s in quotes.
func appendString(dst []byte, s string) []byte { return otlpjson.AppendString(dst, s) }

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

// appendTimeField appends a comma, the name and the time in Unix nanoseconds.
func appendTimeField(dst []byte, name string, t time.Time) []byte {
	return appendUint64Field(dst, name, uint64(max(0, t.UnixNano())))
}

// appendHex appends an id in quotes.
func appendHex(dst, id []byte) []byte { return otlpjson.AppendHex(dst, id) }

func appendComma(dst []byte, first *bool) []byte {
	if *first {
		*first = false
		return dst
	}
	return append(dst, ',')
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
