package native

import (
	"github.com/kiseki-dev/kiseki/query/exec"
	"github.com/kiseki-dev/kiseki/query/traceql"
	"github.com/kiseki-dev/kiseki/telemetry/otlpjson"
)

// appendSpanSets appends what a query found in a trace; fields are those that
// it selects.
func appendSpanSets(dst []byte, fields []traceql.Field, sets []exec.SpanSet) []byte {
	dst = append(dst, `,"spanSets":[`...)
	for i := range sets {
		if i > 0 {
			dst = append(dst, ',')
		}
		dst = append(dst, `{"traits":[`...)
		for j, t := range sets[i].Traits {
			if j > 0 {
				dst = append(dst, ',')
			}
			dst = appendNamedValue(dst, t.Name, exec.GroupValue{Present: t.Present, Value: t.Value})
		}
		dst = append(appendIntField(append(dst, ']'), "matchedCount", int64(sets[i].Matched)), `,"spans":[`...)
		for j := range sets[i].Spans {
			if j > 0 {
				dst = append(dst, ',')
			}
			dst = appendSetSpan(dst, fields, &sets[i].Spans[j])
		}
		dst = append(dst, `]}`...)
	}
	return append(dst, ']')
}

func appendSetSpan(dst []byte, fields []traceql.Field, s *exec.SetSpan) []byte {
	dst = appendHex(append(dst, `{"spanId":`...), s.ID[:])
	dst = appendStringField(dst, "service", s.Service)
	dst = appendStringField(dst, "name", s.Name)
	dst = appendUint64Field(dst, "startTimeUnixNano", s.Start)
	dst = appendUint64Field(dst, "durationNanos", s.Duration)
	dst = append(dst, `,"values":[`...)
	for i, v := range s.Values {
		if i > 0 {
			dst = append(dst, ',')
		}
		dst = appendNamedValue(dst, fields[i].String(), v)
	}
	return append(dst, `]}`...)
}

// appendNamedValue appends a name as a query spells it and its value, which is
// null where it has none; kinds and statuses have their names.
func appendNamedValue(dst []byte, name string, v exec.GroupValue) []byte {
	dst = append(appendString(append(dst, `{"name":`...), name), `,"value":`...)
	if !v.Present {
		return append(dst, `null}`...)
	}
	x := v.Value
	if f, err := traceql.ParseField(name); err == nil && f.Trace == traceql.TraceNone {
		x = named(f.Field, x)
	}
	return append(otlpjson.AppendValue(dst, x), '}')
}
