package jaeger

import (
	"math"

	"github.com/kiseki-dev/kiseki/telemetry"
	"github.com/kiseki-dev/kiseki/telemetry/plain"
)

// The fields of OpenTelemetry that tags may stand for.
const (
	fieldScopeName = iota
	fieldScopeVersion
	fieldKind
	fieldCode
	fieldError
	fieldMessage
	fieldTraceState
	fieldDroppedAttrs
	fieldDroppedEvents
	fieldDroppedLinks
	fields
)

// fieldOf is the field that a tag of that key may stand for, or -1.
func fieldOf(key string) int {
	switch key {
	case plain.ScopeNameKey:
		return fieldScopeName
	case plain.ScopeVersionKey:
		return fieldScopeVersion
	case kindTag:
		return fieldKind
	case plain.StatusCodeKey:
		return fieldCode
	case errorTag:
		return fieldError
	case plain.StatusDescriptionKey:
		return fieldMessage
	case traceStateTag:
		return fieldTraceState
	case plain.DroppedAttrsKey:
		return fieldDroppedAttrs
	case plain.DroppedEventsKey:
		return fieldDroppedEvents
	case plain.DroppedLinksKey:
		return fieldDroppedLinks
	}
	return -1
}

// found is what a span's tags say of such fields.
type found struct {
	tag    [fields]telemetry.Attr // the one tag of the field's key; without a key if there is none
	taken  [fields]bool           // whether the tag becomes the field, and is no attribute
	twice  [fields]bool
	status telemetry.Status
}

// find reads tags. A key that there is twice is left alone.
func find(tags []telemetry.Attr) (f found) {
	failed := false
	for _, t := range tags {
		i := fieldOf(t.Key)
		if i < 0 {
			continue
		}
		failed = failed || i == fieldError && (t.Value == telemetry.BoolValue(true) || textOf(t) == "true")
		f.twice[i] = f.twice[i] || f.tag[i].Key != ""
		f.tag[i] = t
	}
	for i, t := range f.tag {
		switch {
		case t.Key == "" || f.twice[i]:
			f.tag[i] = telemetry.Attr{}
		case i == fieldKind:
			k, ok := telemetry.ParseKind(textOf(t))
			f.taken[i] = ok && k != telemetry.KindUnspecified
		case i >= fieldDroppedAttrs:
			f.taken[i] = counts(t)
		case i != fieldCode && i != fieldError:
			f.taken[i] = textOf(t) != ""
		}
	}
	f.findStatus(failed)
	return f
}

// findStatus takes the status from the tags error, a bool or its text, and
// otel.status_code. They become it only together, as OpenTelemetry's exporters
// send them, for both are made of it on the way back.
func (f *found) findStatus(failed bool) {
	code := textOf(f.tag[fieldCode])
	switch {
	case code == plain.StatusError || failed:
		f.status = telemetry.StatusError
		both := code == plain.StatusError && f.tag[fieldError].Value == telemetry.BoolValue(true)
		f.taken[fieldCode], f.taken[fieldError] = both, both
	case code == plain.StatusOK:
		f.status = telemetry.StatusOK
		f.taken[fieldCode] = f.tag[fieldError].Key == "" && !f.twice[fieldError]
	}
}

// has reports whether a tag is told by a field.
func (f *found) has(t telemetry.Attr) bool {
	i := fieldOf(t.Key)
	return i >= 0 && f.taken[i]
}

// text is the text of a field, "" if no tag has it.
func (f *found) text(field int) string {
	if !f.taken[field] {
		return ""
	}
	return textOf(f.tag[field])
}

func (f *found) count(field int) uint32 {
	if !f.taken[field] {
		return 0
	}
	return uint32(f.tag[field].Value.Int())
}

// into sets the fields of a span.
func (f *found) into(a *appender, out *telemetry.Span) {
	out.Kind, _ = telemetry.ParseKind(f.text(fieldKind))
	out.Status = f.status
	out.StatusMessage, out.TraceState = a.text(f.text(fieldMessage)), a.text(f.text(fieldTraceState))
	out.DroppedAttrs, out.DroppedEvents = f.count(fieldDroppedAttrs), f.count(fieldDroppedEvents)
	out.DroppedLinks += f.count(fieldDroppedLinks)
}

// counts reports whether a tag counts something that was dropped.
func counts(t telemetry.Attr) bool {
	return t.Value.Type() == telemetry.ValueInt && t.Value.Int() > 0 && t.Value.Int() <= math.MaxUint32
}

// textOf is the text of a tag that is a string, or "".
func textOf(t telemetry.Attr) string {
	if t.Value.Type() != telemetry.ValueString {
		return ""
	}
	return t.Value.Str()
}

// only is the index of the one tag of a key, or -1.
func only(tags []telemetry.Attr, key string) int {
	at := -1
	for i, t := range tags {
		if t.Key == key {
			if at >= 0 {
				return -1
			}
			at = i
		}
	}
	return at
}
