package querytest

import (
	"github.com/kiseki-dev/kiseki/query/traceql"
	"github.com/kiseki-dev/kiseki/storage/scan"
	"github.com/kiseki-dev/kiseki/telemetry"
)

// field is the value of a field of span i; ok is false where it is nil. Of
// events and links the first that has the field gives it. What every span has
// as a string or ID, the name apart, is nil where it is empty.
func (t *trace) field(i int, f traceql.Field) (v telemetry.Value, ok bool) {
	values := t.values(i, f)
	if len(values) == 0 {
		return v, false
	}
	v = values[0]
	if f.Scope != scan.ScopeIntrinsic {
		return v, true
	}
	switch {
	case f.Intrinsic == scan.IntrinsicParentID:
		return v, v.Str() != string(make([]byte, 8))
	case f.Intrinsic == scan.IntrinsicName, f.Intrinsic == scan.IntrinsicEventName, f.Trace == traceql.TraceRootName:
		return v, true
	}
	return v, v.Type() != telemetry.ValueString || v.Str() != ""
}

// values are what span i has for a field: one of each event or link that has
// it, else one or none.
func (t *trace) values(i int, f traceql.Field) []telemetry.Value {
	s := t.spans[i]
	one := func(v telemetry.Value) []telemetry.Value { return []telemetry.Value{v} }
	text := func(s string) []telemetry.Value { return one(telemetry.StringValue(s)) }
	number := func(n int64) []telemetry.Value { return one(telemetry.IntValue(n)) }
	switch {
	case f.Scope != scan.ScopeIntrinsic:
		return t.attributes(s, f)
	case f.Trace == traceql.TraceDuration:
		return number(int64(t.duration))
	case f.Trace == traceql.TraceRootName:
		return text(t.rootName)
	case f.Trace == traceql.TraceRootService:
		return text(t.rootService)
	case f.Trace != traceql.TraceNone:
		return number(int64(t.placeOf(i, f.Trace)))
	}
	switch f.Intrinsic {
	case scan.IntrinsicName:
		return text(s.Name)
	case scan.IntrinsicKind:
		return number(int64(s.Kind))
	case scan.IntrinsicStatus:
		return number(int64(s.Status))
	case scan.IntrinsicStatusMessage:
		return text(s.StatusMessage)
	case scan.IntrinsicTraceState:
		return text(s.TraceState)
	case scan.IntrinsicScopeName:
		return text(t.b.Scopes[s.Scope].Name)
	case scan.IntrinsicScopeVersion:
		return text(t.b.Scopes[s.Scope].Version)
	case scan.IntrinsicDuration:
		return number(int64(s.Duration()))
	case scan.IntrinsicTraceID:
		return one(telemetry.BytesValue(string(s.TraceID[:])))
	case scan.IntrinsicSpanID:
		return one(telemetry.BytesValue(string(s.SpanID[:])))
	case scan.IntrinsicParentID:
		return one(telemetry.BytesValue(string(s.ParentID[:])))
	}
	return t.ofLists(s, f.Intrinsic)
}

// ofLists are the intrinsic values of a span's events and links.
func (t *trace) ofLists(s *telemetry.Span, f scan.Intrinsic) (out []telemetry.Value) {
	for _, e := range t.b.EventsOf(s) {
		switch f {
		case scan.IntrinsicEventName:
			out = append(out, telemetry.StringValue(e.Name))
		case scan.IntrinsicEventTime:
			out = append(out, telemetry.IntValue(int64(e.Time-s.Start)))
		}
	}
	for _, l := range t.b.LinksOf(s) {
		switch f {
		case scan.IntrinsicLinkTraceID:
			out = append(out, telemetry.BytesValue(string(l.TraceID[:])))
		case scan.IntrinsicLinkSpanID:
			out = append(out, telemetry.BytesValue(string(l.SpanID[:])))
		}
	}
	return out
}

// attributes are the values of an attribute in a scope. Without a scope it is
// the span's, or else the resource's.
func (t *trace) attributes(s *telemetry.Span, f traceql.Field) (out []telemetry.Value) {
	add := func(r telemetry.Range) {
		for _, a := range t.b.AttrsOf(r) {
			if a.Key == f.Key {
				out = append(out, a.Value)
				return
			}
		}
	}
	switch f.Scope {
	case scan.ScopeSpan:
		add(s.Attrs)
	case scan.ScopeResource:
		add(t.b.Resources[s.Resource].Attrs)
	case scan.ScopeInstrumentation:
		add(t.b.Scopes[s.Scope].Attrs)
	case scan.ScopeEvent:
		for _, e := range t.b.EventsOf(s) {
			add(e.Attrs)
		}
	case scan.ScopeLink:
		for _, l := range t.b.LinksOf(s) {
			add(l.Attrs)
		}
	case scan.ScopeAny:
		if add(s.Attrs); out == nil {
			add(t.b.Resources[s.Resource].Attrs)
		}
	}
	return out
}
