package jaeger

import (
	"fmt"
	"strings"
	"unicode/utf8"

	"github.com/kiseki-dev/kiseki/ingest"
	"github.com/kiseki-dev/kiseki/telemetry"
	"github.com/kiseki-dev/kiseki/telemetry/plain"
)

// The tags and fields that OpenTelemetry has a field for, beside those of plain.
const (
	errorTag      = "error"
	kindTag       = "span.kind"
	traceStateTag = "w3c.tracestate"
	eventField    = "event"
)

const sampledFlag = 1

// noService is the name of a process that has none, of those who made Jaeger's
// spans of OpenTelemetry's.
const noService = "OTLPResourceNoServiceName"

// appender makes a batch of Jaeger's spans, after what it has:
//
//	traceID, spanID          as they are
//	references               the first parent of the same trace is the parent; others
//	                         are links, with opentracing.ref_type
//	operationName            the name
//	startTime, duration      start and end
//	flags                    whether it was sampled; all of them as an attribute where
//	                         there are more
//	tags                     attributes; span.kind, error, otel.status_code and others
//	                         are the field that they stand for
//	logs                     events, named by the field event
//	process                  the resource; its name is service.name
//	warnings                 the attribute plain.JaegerWarningsKey
//
// Package api/jaeger reads them back. A tag becomes a field only if the way
// back makes the same tag of it.
type appender struct {
	b        *telemetry.Batch
	limits   ingest.Limits
	scopes   map[[2]string]uint32
	elements int
	report   ingest.Report
}

func (a *appender) begin(b *telemetry.Batch) {
	if a.scopes == nil {
		a.scopes = map[[2]string]uint32{}
	}
	clear(a.scopes)
	a.b, a.elements, a.report = b, 0, ingest.Report{}
}

// text is s as valid UTF-8.
func (a *appender) text(s string) string {
	if utf8.ValidString(s) {
		return s
	}
	a.report.InvalidUTF8++
	return strings.ToValidUTF8(s, "\uFFFD")
}

// attr appends a tag as it is.
func (a *appender) attr(t telemetry.Attr) {
	t.Key = a.text(t.Key)
	if t.Value.Type() == telemetry.ValueString {
		t.Value = telemetry.StringValue(a.text(t.Value.Str()))
	}
	a.b.Attrs = append(a.b.Attrs, t)
}

// since is the range of the attributes from start on.
func (a *appender) since(start int) telemetry.Range {
	return telemetry.Range{Start: uint32(start), End: uint32(len(a.b.Attrs))}
}

// resource appends a process.
func (a *appender) resource(p *process) uint32 {
	start := len(a.b.Attrs)
	if p.service != "" && p.service != noService {
		a.attr(telemetry.Attr{Key: telemetry.ServiceNameKey, Value: telemetry.StringValue(p.service)})
	}
	for _, t := range p.tags {
		a.attr(t)
	}
	a.elements += len(p.tags)
	a.b.Resources = append(a.b.Resources, telemetry.Resource{Attrs: a.since(start)})
	return uint32(len(a.b.Resources) - 1)
}

// scope is that of a span's tags, which says too that it came by Jaeger.
func (a *appender) scope(f *found) uint32 {
	key := [2]string{a.text(f.text(fieldScopeName)), a.text(f.text(fieldScopeVersion))}
	if i, ok := a.scopes[key]; ok {
		return i
	}
	start := len(a.b.Attrs)
	a.attr(telemetry.Attr{Key: plain.ReceivedKey, Value: telemetry.StringValue(plain.ReceivedJaeger)})
	a.b.Scopes = append(a.b.Scopes, telemetry.Scope{Name: key[0], Version: key[1], Attrs: a.since(start)})
	a.scopes[key] = uint32(len(a.b.Scopes) - 1)
	return a.scopes[key]
}

// add appends a span of a resource.
func (a *appender) add(s *span, resource uint32) error {
	if a.elements += 1 + s.parts(); a.elements > a.limits.Elements {
		return fmt.Errorf("%w: %d spans, references, tags and logs", ingest.ErrTooMany, a.limits.Elements)
	}
	if s.traceID.IsZero() || s.id.IsZero() {
		a.report.RejectedSpans++
		a.report.Reason = fmt.Sprintf("%d spans rejected: no trace ID or span ID", a.report.RejectedSpans)
		return nil
	}
	out := telemetry.Span{
		TraceID: s.traceID, SpanID: s.id, Name: a.text(s.name), Start: s.start, End: s.end,
		Flags: s.flags & sampledFlag, Resource: resource,
	}
	f := find(s.tags)
	out.Scope = a.scope(&f)
	a.links(s, &out)
	a.events(s, &out)
	start := len(a.b.Attrs)
	if s.flags&^sampledFlag != 0 {
		a.attr(telemetry.Attr{Key: plain.JaegerFlagsKey, Value: telemetry.IntValue(int64(s.flags))})
	}
	if len(s.warnings) > 0 {
		var list []byte
		for _, w := range s.warnings {
			list = telemetry.AppendElement(list, telemetry.StringValue(a.text(w)))
		}
		a.attr(telemetry.Attr{Key: plain.JaegerWarningsKey, Value: telemetry.ArrayValue(string(list))})
	}
	f.into(a, &out)
	for _, t := range s.tags {
		if !f.has(t) {
			a.attr(t)
		}
	}
	out.Attrs = a.since(start)
	a.b.Spans = append(a.b.Spans, out)
	return nil
}

// links sets the parent and the links of a span. A parent that a span follows
// from, and one that it refers to twice, is told by links too.
func (a *appender) links(s *span, out *telemetry.Span) {
	out.ParentID = s.parent
	if s.parent.IsZero() {
		for _, r := range s.references {
			if r.trace == s.traceID && (!r.followsFrom || out.ParentID.IsZero()) {
				out.ParentID = r.span
				if !r.followsFrom {
					break
				}
			}
		}
	}
	toParent, follows := 0, false
	for _, r := range s.references {
		if r.trace == s.traceID && r.span == out.ParentID {
			toParent++
			follows = follows || r.followsFrom
		}
	}
	start := len(a.b.Links)
	for _, r := range s.references {
		own := r.trace == s.traceID && r.span == out.ParentID
		if own && !follows && toParent == 1 {
			continue
		}
		a.link(r, out)
	}
	out.Links = telemetry.Range{Start: uint32(start), End: uint32(len(a.b.Links))}
}

func (a *appender) link(r reference, out *telemetry.Span) {
	if r.trace.IsZero() || r.span.IsZero() {
		a.report.DroppedLinks++
		out.DroppedLinks++
		return
	}
	kind := plain.RefChildOf
	if r.followsFrom {
		kind = plain.RefFollowsFrom
	}
	start := len(a.b.Attrs)
	a.attr(telemetry.Attr{Key: plain.RefTypeKey, Value: telemetry.StringValue(kind)})
	a.b.Links = append(a.b.Links, telemetry.Link{TraceID: r.trace, SpanID: r.span, Attrs: a.since(start)})
}

func (a *appender) events(s *span, out *telemetry.Span) {
	first := len(a.b.Events)
	for _, l := range s.logs {
		fields := s.fields[l.fields.Start:l.fields.End]
		e := telemetry.Event{Time: l.time}
		named := only(fields, eventField)
		if named >= 0 && textOf(fields[named]) == "" {
			named = -1
		}
		dropped := only(fields, plain.DroppedAttrsKey)
		if dropped >= 0 && !counts(fields[dropped]) {
			dropped = -1
		}
		start := len(a.b.Attrs)
		for i, f := range fields {
			switch i {
			case named:
				e.Name = a.text(f.Value.Str())
			case dropped:
				e.DroppedAttrs = uint32(f.Value.Int())
			default:
				a.attr(f)
			}
		}
		e.Attrs = a.since(start)
		a.b.Events = append(a.b.Events, e)
	}
	out.Events = telemetry.Range{Start: uint32(first), End: uint32(len(a.b.Events))}
}
