package xray

import (
	"encoding/json"
	"strings"

	"github.com/kiseki-dev/kiseki/telemetry"
)

// exceptionNames are attributes of the event exception.
var exceptionNames = names{
	{"type", "exception.type"}, {"message", "exception.message"}, {"id", prefix + "exception.id"}, {"remote", prefix + "exception.remote"},
	{"truncated", prefix + "exception.truncated"}, {"skipped", prefix + "exception.skipped"}, {"cause", prefix + "exception.cause"},
}

// cause takes why a segment failed: adds what is not an exception to its
// attributes, and returns its exceptions. A cause that is only the ID of an
// exception, which another segment has, is kept as it is.
func (a *appender) cause(f fields) (exceptions []fields) {
	cause := f.object("cause")
	if cause == nil {
		return nil
	}
	list, _ := cause["exceptions"].([]any)
	var left []any
	for _, entry := range list {
		if m, ok := entry.(map[string]any); ok {
			exceptions = append(exceptions, m)
		} else {
			left = append(left, entry)
		}
	}
	if list != nil {
		delete(cause, "exceptions")
	}
	if len(left) > 0 {
		cause["exceptions"] = left
	}
	a.rest(prefix+"cause.", cause)
	delete(f, "cause")
	return exceptions
}

// exceptions appends an event for each, at the time given. The first message
// becomes that of the status of a span that failed.
func (a *appender) exceptions(all []fields, at uint64, s *telemetry.Span) telemetry.Range {
	first := uint32(len(a.b.Events))
	for _, e := range all {
		if message, _ := e["message"].(string); s.Status == telemetry.StatusError && s.StatusMessage == "" {
			s.StatusMessage = message
		}
		start := uint32(len(a.b.Attrs))
		stack, ok := stackOf(e)
		a.take(e, exceptionNames)
		if ok {
			a.attr("exception.stacktrace", telemetry.StringValue(stack))
			delete(e, "stack")
		}
		a.rest(prefix+"exception.", e)
		end := uint32(len(a.b.Attrs))
		a.elements += int(end - start)
		a.b.Events = append(a.b.Events, telemetry.Event{Time: at, Name: "exception", Attrs: telemetry.Range{Start: start, End: end}})
	}
	return telemetry.Range{Start: first, End: uint32(len(a.b.Events))}
}

// stackOf is the stack of an exception as Java and others print theirs; ok is
// false where there is none or it has anything else.
func stackOf(e fields) (text string, ok bool) {
	frames, _ := e["stack"].([]any)
	if len(frames) == 0 {
		return "", false
	}
	var out strings.Builder
	kind, _ := e["type"].(string)
	message, _ := e["message"].(string)
	out.WriteString(kind + ": " + message)
	for _, frame := range frames {
		m, _ := frame.(map[string]any)
		path, _ := m["path"].(string)
		label, _ := m["label"].(string)
		line, _ := m["line"].(json.Number)
		for key := range m {
			if key != "path" && key != "label" && key != "line" {
				return "", false
			}
		}
		if m == nil {
			return "", false
		}
		out.WriteString("\n\tat " + label + "(" + path)
		if line != "" {
			out.WriteString(":" + string(line))
		}
		out.WriteString(")")
	}
	return out.String(), true
}
