// Package plain writes the values of attributes for systems whose values have
// fewer types than OpenTelemetry's, as
// https://opentelemetry.io/docs/specs/otel/common/#attributevalue and
// https://opentelemetry.io/docs/specs/otel/common/mapping-to-non-otlp/ say.
package plain

import (
	"encoding/base64"
	"strconv"

	"github.com/kiseki-dev/kiseki/telemetry"
	"github.com/kiseki-dev/kiseki/telemetry/otlpjson"
)

// The keys under which such systems are told what they have no field for.
const (
	StatusCodeKey        = "otel.status_code" // [StatusOK] or [StatusError]
	StatusDescriptionKey = "otel.status_description"
	ScopeNameKey         = "otel.scope.name"
	ScopeVersionKey      = "otel.scope.version"
	DroppedAttrsKey      = "otel.dropped_attributes_count"
	DroppedEventsKey     = "otel.dropped_events_count"
	DroppedLinksKey      = "otel.dropped_links_count"
)

// The values of [StatusCodeKey]; an unset status has none.
const (
	StatusOK    = "OK"
	StatusError = "ERROR"
)

// AppendText appends a value as the text of a tag: lists and maps are JSON,
// bytes are base64.
func AppendText(dst []byte, v telemetry.Value) []byte {
	switch v.Type() {
	case telemetry.ValueString:
		return append(dst, v.Str()...)
	case telemetry.ValueDouble:
		return strconv.AppendFloat(dst, v.Double(), 'g', -1, 64)
	case telemetry.ValueBytes:
		return base64.StdEncoding.AppendEncode(dst, []byte(v.Str()))
	case telemetry.ValueEmpty:
		return dst
	}
	return AppendJSON(dst, v)
}

// AppendJSON appends a value as JSON has it, without OTLP's types.
func AppendJSON(dst []byte, v telemetry.Value) []byte {
	switch v.Type() {
	case telemetry.ValueString:
		return otlpjson.AppendString(dst, v.Str())
	case telemetry.ValueBool:
		return strconv.AppendBool(dst, v.Bool())
	case telemetry.ValueInt:
		return strconv.AppendInt(dst, v.Int(), 10)
	case telemetry.ValueDouble:
		return otlpjson.AppendDouble(dst, v.Double())
	case telemetry.ValueBytes:
		return append(base64.StdEncoding.AppendEncode(append(dst, '"'), []byte(v.Str())), '"')
	case telemetry.ValueArray:
		open := len(dst)
		_ = telemetry.Elements(v.Str(), func(e telemetry.Value) bool { // well formed, see telemetry.Value
			dst = AppendJSON(append(dst, ','), e)
			return true
		})
		return enclose(dst, open, "[]")
	case telemetry.ValueMap:
		open := len(dst)
		_ = telemetry.Entries(v.Str(), func(a telemetry.Attr) bool { // well formed, see telemetry.Value
			dst = appendEntry(append(dst, ','), a)
			return true
		})
		return enclose(dst, open, "{}")
	}
	return append(dst, "null"...)
}

// AppendObject appends attributes as a JSON object.
func AppendObject(dst []byte, attrs []telemetry.Attr) []byte {
	open := len(dst)
	for _, a := range attrs {
		dst = appendEntry(append(dst, ','), a)
	}
	return enclose(dst, open, "{}")
}

func appendEntry(dst []byte, a telemetry.Attr) []byte {
	return AppendJSON(append(otlpjson.AppendString(dst, a.Key), ':'), a.Value)
}

// enclose puts a pair of brackets around what was appended from open on, of
// which the first comma makes place for one of them.
func enclose(dst []byte, open int, brackets string) []byte {
	if len(dst) == open {
		return append(dst, brackets...)
	}
	dst[open] = brackets[0]
	return append(dst, brackets[1])
}
