package scantest

import (
	"strconv"
	"strings"

	"github.com/kiseki-dev/kiseki/storage/scan"
	"github.com/kiseki-dev/kiseki/telemetry"
)

// Holds reports whether p holds for span i of b, by the definition of
// [scan.Predicate].
func Holds(b *telemetry.Batch, i int, p *scan.Predicate) bool { return span{b, i}.holds(p) }

// Values are the values that span i of b has for f: none, one, or for events
// and links one each.
func Values(b *telemetry.Batch, i int, f scan.Field) []telemetry.Value { return span{b, i}.values(f) }

func (s span) holds(p *scan.Predicate) bool {
	values := s.values(p.Field)
	if p.Op == scan.OpAbsent {
		return len(values) == 0
	}
	for _, v := range values {
		if p.Holds(v) {
			return true
		}
	}
	return false
}

// list is a list of attributes that belongs to a span.
type list struct {
	scope scan.Scope
	attrs telemetry.Range
}

func (s span) lists() []list {
	x := s.get()
	out := []list{
		{scan.ScopeSpan, x.Attrs},
		{scan.ScopeResource, s.b.Resources[x.Resource].Attrs},
		{scan.ScopeInstrumentation, s.b.Scopes[x.Scope].Attrs},
	}
	for _, e := range s.b.EventsOf(x) {
		out = append(out, list{scan.ScopeEvent, e.Attrs})
	}
	for _, l := range s.b.LinksOf(x) {
		out = append(out, list{scan.ScopeLink, l.Attrs})
	}
	return out
}

// values is what [Values] says.
func (s span) values(f scan.Field) (out []telemetry.Value) {
	switch f.Scope {
	case scan.ScopeIntrinsic:
		return s.intrinsic(f.Intrinsic)
	case scan.ScopeAny:
		if out = s.values(scan.Field{Scope: scan.ScopeSpan, Key: f.Key}); len(out) > 0 {
			return out
		}
		return s.values(scan.Field{Scope: scan.ScopeResource, Key: f.Key})
	}
	for _, l := range s.lists() {
		if l.scope != f.Scope {
			continue
		}
		if v, ok := s.b.Lookup(l.attrs, f.Key); ok {
			out = append(out, v)
		}
	}
	return out
}

func (s span) intrinsic(i scan.Intrinsic) (out []telemetry.Value) {
	x := s.get()
	switch i {
	case scan.IntrinsicEventName, scan.IntrinsicEventTime:
		for _, e := range s.b.EventsOf(x) {
			if i == scan.IntrinsicEventName {
				out = append(out, telemetry.StringValue(e.Name))
			} else {
				out = append(out, telemetry.IntValue(int64(e.Time-x.Start)))
			}
		}
		return out
	case scan.IntrinsicLinkTraceID, scan.IntrinsicLinkSpanID:
		for _, l := range s.b.LinksOf(x) {
			if i == scan.IntrinsicLinkTraceID {
				out = append(out, telemetry.BytesValue(string(l.TraceID[:])))
			} else {
				out = append(out, telemetry.BytesValue(string(l.SpanID[:])))
			}
		}
		return out
	}
	return []telemetry.Value{map[scan.Intrinsic]telemetry.Value{
		scan.IntrinsicName:          telemetry.StringValue(x.Name),
		scan.IntrinsicKind:          telemetry.IntValue(int64(x.Kind)),
		scan.IntrinsicStatus:        telemetry.IntValue(int64(x.Status)),
		scan.IntrinsicStatusMessage: telemetry.StringValue(x.StatusMessage),
		scan.IntrinsicDuration:      telemetry.IntValue(int64(x.Duration())),
		scan.IntrinsicStart:         telemetry.IntValue(int64(x.Start)),
		scan.IntrinsicTraceID:       telemetry.BytesValue(string(x.TraceID[:])),
		scan.IntrinsicSpanID:        telemetry.BytesValue(string(x.SpanID[:])),
		scan.IntrinsicParentID:      telemetry.BytesValue(string(x.ParentID[:])),
		scan.IntrinsicTraceState:    telemetry.StringValue(x.TraceState),
		scan.IntrinsicScopeName:     telemetry.StringValue(s.b.Scopes[x.Scope].Name),
		scan.IntrinsicScopeVersion:  telemetry.StringValue(s.b.Scopes[x.Scope].Version),
	}[i]}
}

func (s *source) Values(field scan.Field, prefix string, f func(value string, spans uint64) bool) error {
	for _, b := range s.blocks {
		for _, sp := range b.spans {
			seen := map[string]bool{}
			for _, v := range sp.values(field) {
				text, ok := textOf(field, v)
				if !ok || seen[text] || !strings.HasPrefix(text, prefix) {
					continue
				}
				seen[text] = true
				if !f(text, 1) {
					return nil
				}
			}
		}
	}
	return nil
}

// textOf is the text form of a value of a field, if it has one.
func textOf(f scan.Field, v telemetry.Value) (string, bool) {
	if f.Scope == scan.ScopeIntrinsic && f.Intrinsic == scan.IntrinsicKind {
		return telemetry.Kind(v.Int()).String(), true
	}
	if f.Scope == scan.ScopeIntrinsic && f.Intrinsic == scan.IntrinsicStatus {
		return telemetry.Status(v.Int()).String(), true
	}
	switch v.Type() {
	case telemetry.ValueString:
		return v.Str(), true
	case telemetry.ValueBool:
		return strconv.FormatBool(v.Bool()), true
	case telemetry.ValueInt:
		return strconv.FormatInt(v.Int(), 10), true
	case telemetry.ValueDouble:
		return strconv.FormatFloat(v.Double(), 'g', -1, 64), true
	}
	return "", false
}
