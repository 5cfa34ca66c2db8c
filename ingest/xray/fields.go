package xray

import (
	"bytes"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"math"
	"strconv"
	"strings"

	"github.com/kiseki-dev/kiseki/telemetry"
)

// fields is a JSON object whose members are taken out as they are understood;
// those that stay are kept as they are. Members of another type than asked for
// stay.
type fields map[string]any

func (f fields) text(key string) string {
	s, ok := f[key].(string)
	if ok {
		delete(f, key)
	}
	return s
}

// object is a member that is an object, which stays; nil if it is none.
func (f fields) object(key string) fields {
	m, _ := f[key].(map[string]any)
	return m
}

// list takes a member that is an array.
func (f fields) list(key string) []any {
	l, ok := f[key].([]any)
	if ok {
		delete(f, key)
	}
	return l
}

// traceID takes an X-Ray or a W3C trace ID.
func (f fields) traceID() (telemetry.TraceID, error) {
	text, _ := f["trace_id"].(string)
	id, err := telemetry.ParseTraceID(text)
	if err != nil || len(text) < 32 || id.IsZero() {
		return id, invalid("InvalidTraceId", "trace_id %.60q is not of the form 1-5759e988-bd862e3fe1be46a994272793", text)
	}
	delete(f, "trace_id")
	return id, nil
}

// spanID takes an ID of 16 hexadecimal digits.
func (f fields) spanID(key string) (telemetry.SpanID, error) {
	text, _ := f[key].(string)
	var id telemetry.SpanID
	if _, err := hex.Decode(id[:], []byte(text)); len(text) != 16 || err != nil || id.IsZero() {
		return telemetry.SpanID{}, invalid("InvalidId", "%s %.60q has not 16 hexadecimal digits", key, text)
	}
	delete(f, key)
	return id, nil
}

// time takes a time in Unix seconds; ok is false where there is none.
func (f fields) time(key string) (nanos uint64, ok bool, err error) {
	v, ok := f[key]
	if !ok || v == nil {
		delete(f, key)
		return 0, false, nil
	}
	n, _ := v.(json.Number)
	nanos, ok = nanoseconds(string(n))
	if !ok {
		return 0, false, invalid("InvalidTime", "%s is no time in Unix seconds before 2262: %.60s", key, asJSON(v))
	}
	delete(f, key)
	return nanos, true, nil
}

// nanoseconds reads a decimal number of seconds, exactly but for what is below
// a nanosecond, which a double cannot hold. ok is false for what is negative or
// no int64 of nanoseconds.
func nanoseconds(text string) (n uint64, ok bool) {
	mantissa, exponent := text, 0
	if i := strings.IndexAny(text, "eE"); i >= 0 {
		mantissa = text[:i]
		var err error
		if exponent, err = strconv.Atoi(text[i+1:]); err != nil || exponent < -100 || exponent > 100 {
			return 0, false
		}
	}
	whole, fraction, _ := strings.Cut(mantissa, ".")
	digits := whole + fraction
	point := len(whole) + exponent + 9
	if digits == "" {
		return 0, false
	}
	for i := range max(point, len(digits)) {
		digit := byte('0')
		if i < len(digits) {
			digit = digits[i]
		}
		if digit < '0' || digit > '9' {
			return 0, false
		}
		if i >= point {
			continue
		}
		if n > (math.MaxInt64-9)/10 {
			return 0, false
		}
		n = n*10 + uint64(digit-'0')
	}
	return n, true
}

// valueOf is a JSON value as an attribute's: text, true and false, and numbers
// as they are, everything else as JSON. A whole number is an integer.
func valueOf(v any) telemetry.Value {
	switch v := v.(type) {
	case string:
		return telemetry.StringValue(v)
	case bool:
		return telemetry.BoolValue(v)
	case json.Number:
		if n, err := strconv.ParseInt(string(v), 10, 64); err == nil {
			return telemetry.IntValue(n)
		}
		if d, err := strconv.ParseFloat(string(v), 64); err == nil {
			return telemetry.DoubleValue(d)
		}
		return telemetry.StringValue(string(v))
	}
	return telemetry.StringValue(asJSON(v))
}

// asJSON is a value as it came, but for the order of an object's members.
func asJSON(v any) string {
	var out bytes.Buffer
	e := json.NewEncoder(&out)
	e.SetEscapeHTML(false)
	if err := e.Encode(v); err != nil { // never for what was JSON
		return fmt.Sprint(v)
	}
	return strings.TrimSuffix(out.String(), "\n")
}
