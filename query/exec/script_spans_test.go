package exec_test

import (
	"strconv"
	"strings"
	"testing"

	"github.com/kiseki-dev/kiseki/telemetry"
)

const epoch = 1_790_000_000_000_000_000

// words cuts a line at spaces that are not between double quotes, which go.
func words(line string) (out []string) {
	quoted := false
	for _, f := range strings.FieldsFunc(line, func(r rune) bool {
		quoted = quoted != (r == '"')
		return r == ' ' && !quoted
	}) {
		out = append(out, strings.ReplaceAll(f, `"`, ""))
	}
	return out
}

func addSpan(t *testing.T, b *telemetry.Batch, line string) {
	f := words(line)
	ids, parent, _ := strings.Cut(f[0], "<")
	trace, id, _ := strings.Cut(ids, "/")
	start, duration, _ := strings.Cut(f[3], "+")
	s := telemetry.Span{Name: f[2], Resource: uint32(len(b.Resources)), Scope: uint32(len(b.Scopes))}
	s.TraceID[15], s.SpanID[7], s.ParentID[7] = byte(number(t, trace, 16)), byte(number(t, id, 16)), byte(number(t, "0"+parent, 16))
	s.Start = epoch + number(t, start, 10)*1_000_000
	s.End = s.Start + number(t, duration, 10)*1_000_000
	s.Kind, _ = telemetry.ParseKind(f[4])
	s.Status, _ = telemetry.ParseStatus(f[5])
	d := details{t: t, span: &s, resource: []telemetry.Attr{{Key: "service.name", Value: telemetry.StringValue(f[1])}}}
	for _, kv := range f[6:] {
		key, value, _ := strings.Cut(kv, "=")
		d.add(key, value)
	}
	d.appendTo(b)
}

// details are what a line of a script says beyond its first words.
type details struct {
	t                       *testing.T
	span                    *telemetry.Span
	attrs, resource, scope  []telemetry.Attr
	scopeName, scopeVersion string
	events                  []telemetry.Event
	links                   []telemetry.Link
	eventAttrs, linkAttrs   [][]telemetry.Attr
}

func (d *details) add(key, value string) {
	switch key {
	case "statusMessage":
		d.span.StatusMessage = value
	case "traceState":
		d.span.TraceState = value
	case "instrumentation:name":
		d.scopeName = value
	case "instrumentation:version":
		d.scopeVersion = value
	case "event:name":
		d.events = append(d.events, telemetry.Event{Name: value, Time: d.span.Start})
		d.eventAttrs = append(d.eventAttrs, nil)
	case "event:timeSinceStart":
		n, err := strconv.ParseInt(value, 10, 64)
		if err != nil {
			d.t.Fatal(err)
		}
		d.events[len(d.events)-1].Time += uint64(n * 1_000_000)
	case "link:traceID":
		var l telemetry.Link
		l.TraceID[15] = byte(number(d.t, value, 16))
		d.links, d.linkAttrs = append(d.links, l), append(d.linkAttrs, nil)
	case "link:spanID":
		d.links[len(d.links)-1].SpanID[7] = byte(number(d.t, value, 16))
	default:
		scope, name, _ := strings.Cut(key, ".")
		d.attr(scope, telemetry.Attr{Key: name, Value: attrValue(value)})
	}
}

func (d *details) attr(scope string, a telemetry.Attr) {
	list := map[string]*[]telemetry.Attr{"span": &d.attrs, "resource": &d.resource, "instrumentation": &d.scope}[scope]
	switch scope {
	case "event":
		list = &d.eventAttrs[len(d.eventAttrs)-1]
	case "link":
		list = &d.linkAttrs[len(d.linkAttrs)-1]
	}
	if list == nil {
		d.t.Fatalf("unknown scope %q", scope)
	}
	*list = append(*list, a)
}

func (d *details) appendTo(b *telemetry.Batch) {
	add := func(list []telemetry.Attr) telemetry.Range {
		start := uint32(len(b.Attrs))
		b.Attrs = append(b.Attrs, list...)
		return telemetry.Range{Start: start, End: uint32(len(b.Attrs))}
	}
	s := d.span
	s.Attrs = add(d.attrs)
	s.Events = telemetry.Range{Start: uint32(len(b.Events)), End: uint32(len(b.Events) + len(d.events))}
	for i, e := range d.events {
		e.Attrs = add(d.eventAttrs[i])
		b.Events = append(b.Events, e)
	}
	s.Links = telemetry.Range{Start: uint32(len(b.Links)), End: uint32(len(b.Links) + len(d.links))}
	for i, l := range d.links {
		l.Attrs = add(d.linkAttrs[i])
		b.Links = append(b.Links, l)
	}
	b.Resources = append(b.Resources, telemetry.Resource{Attrs: add(d.resource)})
	b.Scopes = append(b.Scopes, telemetry.Scope{Name: d.scopeName, Version: d.scopeVersion, Attrs: add(d.scope)})
	b.Spans = append(b.Spans, *s)
}

func number(t *testing.T, s string, base int) uint64 {
	n, err := strconv.ParseUint(s, base, 64)
	if err != nil {
		t.Fatal(err)
	}
	return n
}

// attrValue is a bool, int or float if it looks like one, else a string, as it
// is between single quotes.
func attrValue(s string) telemetry.Value {
	if text, ok := strings.CutPrefix(s, "'"); ok {
		return telemetry.StringValue(strings.TrimSuffix(text, "'"))
	}
	if list, ok := strings.CutPrefix(s, "["); ok {
		var enc []byte
		for e := range strings.SplitSeq(strings.TrimSuffix(list, "]"), ",") {
			enc = telemetry.AppendElement(enc, attrValue(e))
		}
		return telemetry.ArrayValue(string(enc))
	}
	if s == "true" || s == "false" {
		return telemetry.BoolValue(s == "true")
	}
	if n, err := strconv.ParseInt(s, 10, 64); err == nil {
		return telemetry.IntValue(n)
	}
	if x, err := strconv.ParseFloat(s, 64); err == nil {
		return telemetry.DoubleValue(x)
	}
	return telemetry.StringValue(s)
}
