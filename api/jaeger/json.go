package jaeger

import (
	"encoding/base64"
	"encoding/hex"
	"strconv"

	"github.com/kiseki-dev/kiseki/query/exec"
	"github.com/kiseki-dev/kiseki/telemetry"
	"github.com/kiseki-dev/kiseki/telemetry/jaegerspan"
	"github.com/kiseki-dev/kiseki/telemetry/otlpjson"
)

// maxSafe is the largest integer that a JavaScript client reads exactly; others
// are strings, as Jaeger has them.
const maxSafe = 1<<53 - 1

// writer writes traces in the JSON of Jaeger's UI.
type writer struct {
	*jaegerspan.Model
	spill func([]byte) ([]byte, error) // see otlpjson.Write
}

// appendTrace appends a whole trace.
func appendTrace(dst []byte, t *exec.Trace, spill func([]byte) ([]byte, error)) (_ []byte, err error) {
	w := &writer{&jaegerspan.Model{Batch: &t.Batch}, spill}
	dst = appendTraceID(append(dst, `{"traceID":`...), t.Batch.Spans[0].TraceID)
	dst = append(dst, `,"spans":[`...)
	for i := range t.Batch.Spans {
		if i > 0 {
			dst = append(dst, ',')
		}
		if dst, err = spill(w.span(dst, &t.Batch.Spans[i])); err != nil {
			return dst, err
		}
	}
	if dst, err = w.processes(append(dst, `],"processes":{`...)); err != nil {
		return dst, err
	}
	dst = append(dst, `},"warnings":`...)
	var warnings []string
	if why := warningOf(&t.Stats); why != "" {
		warnings = []string{why}
	}
	return append(appendTexts(dst, warnings), '}'), nil
}

func (w *writer) span(dst []byte, s *telemetry.Span) []byte {
	dst = appendTraceID(append(dst, `{"traceID":`...), s.TraceID)
	dst = otlpjson.AppendHex(append(dst, `,"spanID":`...), s.SpanID[:])
	if flags := w.FlagsOf(s); flags != 0 {
		dst = appendNumber(dst, `,"flags":`, uint64(flags))
	}
	dst = appendText(dst, `,"operationName":`, s.Name)
	dst = appendReferences(append(dst, `,"references":[`...), w.ReferencesOf(s))
	dst = appendNumber(dst, `],"startTime":`, s.Start/1000)
	dst = appendNumber(dst, `,"duration":`, s.Duration()/1000)
	dst = appendTags(append(dst, `,"tags":`...), w.TagsOf(s))
	dst = append(dst, `,"logs":[`...)
	events := w.EventsOf(s)
	for i := range events {
		if i > 0 {
			dst = append(dst, ',')
		}
		dst = appendNumber(dst, `{"timestamp":`, events[i].Time/1000)
		dst = append(appendTags(append(dst, `,"fields":`...), w.FieldsOf(&events[i])), '}')
	}
	dst = appendNumber(dst, `],"processID":"p`, uint64(s.Resource)+1)
	return append(appendTexts(append(dst, `","warnings":`...), w.WarningsOf(s)), '}')
}

// processes appends the resources; equal ones are one in a trace.
func (w *writer) processes(dst []byte) (_ []byte, err error) {
	for i := range w.Resources {
		if i > 0 {
			dst = append(dst, ',')
		}
		name, tags := w.ProcessOf(uint32(i))
		dst = append(strconv.AppendInt(append(dst, `"p`...), int64(i)+1, 10), '"')
		dst = appendText(dst, `:{"serviceName":`, name)
		dst = appendTags(append(dst, `,"tags":`...), tags)
		if dst, err = w.spill(append(dst, '}')); err != nil {
			return dst, err
		}
	}
	return dst, nil
}

// warningOf is what is wrong with a whole trace, or "".
func warningOf(s *exec.Stats) string {
	if s.Complete {
		return ""
	}
	return "this may not be the whole trace: " + s.Reason
}

// appendTraceID appends an ID with 16 digits where it has 64 bits.
func appendTraceID(dst []byte, id telemetry.TraceID) []byte {
	digits := id[:]
	if [8]byte(digits) == ([8]byte{}) {
		digits = digits[8:]
	}
	return append(hex.AppendEncode(append(dst, '"'), digits), '"')
}

func appendReferences(dst []byte, refs []jaegerspan.Reference) []byte {
	for i, r := range refs {
		if i > 0 {
			dst = append(dst, ',')
		}
		if r.ChildOf {
			dst = append(dst, `{"refType":"CHILD_OF","traceID":`...)
		} else {
			dst = append(dst, `{"refType":"FOLLOWS_FROM","traceID":`...)
		}
		dst = appendTraceID(dst, r.Trace)
		dst = append(otlpjson.AppendHex(append(dst, `,"spanID":`...), r.Span[:]), '}')
	}
	return dst
}

func appendTags(dst []byte, tags []jaegerspan.Tag) []byte {
	dst = append(dst, '[')
	for i, t := range tags {
		if i > 0 {
			dst = append(dst, ',')
		}
		dst = append(appendValue(appendText(dst, `{"key":`, t.Key), t.Value), '}')
	}
	return append(dst, ']')
}

// appendValue appends the type and the value of a tag.
func appendValue(dst []byte, v telemetry.Value) []byte {
	switch v.Type() {
	case telemetry.ValueBool:
		return strconv.AppendBool(append(dst, `,"type":"bool","value":`...), v.Bool())
	case telemetry.ValueInt:
		dst = append(dst, `,"type":"int64","value":`...)
		if n := v.Int(); n > maxSafe || n < -maxSafe {
			return append(strconv.AppendInt(append(dst, '"'), n, 10), '"')
		}
		return strconv.AppendInt(dst, v.Int(), 10)
	case telemetry.ValueDouble:
		return otlpjson.AppendDouble(append(dst, `,"type":"float64","value":`...), v.Double())
	case telemetry.ValueBytes:
		dst = append(dst, `,"type":"binary","value":"`...)
		return append(base64.StdEncoding.AppendEncode(dst, []byte(v.Str())), '"')
	}
	return appendText(dst, `,"type":"string","value":`, v.Str())
}

// appendText appends what introduces a string, and the string.
func appendText(dst []byte, intro, s string) []byte {
	return otlpjson.AppendString(append(dst, intro...), s)
}

func appendNumber(dst []byte, intro string, n uint64) []byte {
	return strconv.AppendUint(append(dst, intro...), n, 10)
}

// appendTexts appends an array of strings, null for none.
func appendTexts(dst []byte, all []string) []byte {
	if len(all) == 0 {
		return append(dst, `null`...)
	}
	return append(appendList(append(dst, '['), all, otlpjson.AppendString), ']')
}

// appendList appends the elements of an array with commas between them.
func appendList[T any](dst []byte, all []T, one func([]byte, T) []byte) []byte {
	for i, x := range all {
		if i > 0 {
			dst = append(dst, ',')
		}
		dst = one(dst, x)
	}
	return dst
}
