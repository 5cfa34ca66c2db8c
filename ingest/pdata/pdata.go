// Package pdata copies the spans of OpenTelemetry's pdata into batches. It is
// for the protocols whose well-kept translators speak pdata: OTLP itself never
// takes this way, which costs ten times its decoder's.
package pdata

import (
	"fmt"
	"strings"
	"unicode/utf8"

	"go.opentelemetry.io/collector/pdata/pcommon"
	"go.opentelemetry.io/collector/pdata/ptrace"

	"github.com/kiseki-dev/kiseki/ingest"
	"github.com/kiseki-dev/kiseki/telemetry"
)

// Append appends all spans of td to b, whose strings then alias those of td.
// Spans without a trace or span ID are rejected and links without them
// dropped; invalid UTF-8 is repaired. The error is of more elements, or deeper
// ones, than the limits allow, and wraps [ingest.ErrTooMany].
func Append(b *telemetry.Batch, td ptrace.Traces, limits ingest.Limits) (ingest.Report, error) {
	c := copier{b: b, limits: limits.WithDefaults()}
	for _, rs := range td.ResourceSpans().All() {
		b.Resources = append(b.Resources, telemetry.Resource{
			Attrs: c.attrs(rs.Resource().Attributes()), DroppedAttrs: rs.Resource().DroppedAttributesCount(), SchemaURL: c.text(rs.SchemaUrl()),
		})
		for _, ss := range rs.ScopeSpans().All() {
			scope := ss.Scope()
			b.Scopes = append(b.Scopes, telemetry.Scope{
				Name: c.text(scope.Name()), Version: c.text(scope.Version()),
				Attrs: c.attrs(scope.Attributes()), DroppedAttrs: scope.DroppedAttributesCount(), SchemaURL: c.text(ss.SchemaUrl()),
			})
			for _, s := range ss.Spans().All() {
				c.span(s)
			}
		}
	}
	return c.report, c.err
}

// copier is the state of one [Append].
type copier struct {
	b        *telemetry.Batch
	limits   ingest.Limits
	elements int
	report   ingest.Report
	err      error
}

func (c *copier) span(s ptrace.Span) {
	if s.TraceID().IsEmpty() || s.SpanID().IsEmpty() {
		c.report.RejectedSpans++
		c.report.Reason = fmt.Sprintf("%d spans rejected: no trace ID or span ID", c.report.RejectedSpans)
		return
	}
	if !c.count(1) {
		return
	}
	out := telemetry.Span{
		TraceID: telemetry.TraceID(s.TraceID()), SpanID: telemetry.SpanID(s.SpanID()), ParentID: telemetry.SpanID(s.ParentSpanID()),
		Start: uint64(s.StartTimestamp()), End: uint64(s.EndTimestamp()), Name: c.text(s.Name()), TraceState: c.text(s.TraceState().AsRaw()),
		StatusMessage: c.text(s.Status().Message()), Flags: s.Flags(), Kind: kind(s.Kind()), Status: status(s.Status().Code()),
		Resource: uint32(len(c.b.Resources) - 1), Scope: uint32(len(c.b.Scopes) - 1),
		Attrs:        c.attrs(s.Attributes()),
		DroppedAttrs: s.DroppedAttributesCount(), DroppedEvents: s.DroppedEventsCount(), DroppedLinks: s.DroppedLinksCount(),
	}
	start := len(c.b.Events)
	for _, e := range s.Events().All() {
		if !c.count(1) {
			return
		}
		c.b.Events = append(c.b.Events, telemetry.Event{
			Time: uint64(e.Timestamp()), Name: c.text(e.Name()), Attrs: c.attrs(e.Attributes()), DroppedAttrs: e.DroppedAttributesCount(),
		})
	}
	out.Events = telemetry.Range{Start: uint32(start), End: uint32(len(c.b.Events))}
	start = len(c.b.Links)
	for _, l := range s.Links().All() {
		c.link(&out, l)
	}
	out.Links = telemetry.Range{Start: uint32(start), End: uint32(len(c.b.Links))}
	c.b.Spans = append(c.b.Spans, out)
}

func (c *copier) link(s *telemetry.Span, l ptrace.SpanLink) {
	if l.TraceID().IsEmpty() || l.SpanID().IsEmpty() {
		s.DroppedLinks++
		c.report.DroppedLinks++
		return
	}
	if c.count(1) {
		c.b.Links = append(c.b.Links, telemetry.Link{
			TraceID: telemetry.TraceID(l.TraceID()), SpanID: telemetry.SpanID(l.SpanID()), TraceState: c.text(l.TraceState().AsRaw()),
			Attrs: c.attrs(l.Attributes()), DroppedAttrs: l.DroppedAttributesCount(), Flags: l.Flags(),
		})
	}
}

func kind(k ptrace.SpanKind) telemetry.Kind {
	if k < 0 || k > ptrace.SpanKindConsumer {
		return telemetry.KindUnspecified
	}
	return telemetry.Kind(k)
}

func status(s ptrace.StatusCode) telemetry.Status {
	if s < 0 || s > ptrace.StatusCodeError {
		return telemetry.StatusUnset
	}
	return telemetry.Status(s)
}

// count takes n more elements, or none and leaves an error.
func (c *copier) count(n int) bool {
	c.elements += n
	if c.elements > c.limits.Elements {
		c.err = fmt.Errorf("%w: %d spans, events, links and attributes", ingest.ErrTooMany, c.limits.Elements)
	}
	return c.err == nil
}

// text is s as valid UTF-8.
func (c *copier) text(s string) string {
	if utf8.ValidString(s) {
		return s
	}
	c.report.InvalidUTF8++
	return strings.ToValidUTF8(s, "\uFFFD")
}

func (c *copier) attrs(m pcommon.Map) telemetry.Range {
	start := len(c.b.Attrs)
	for k, v := range m.All() {
		if !c.count(1) {
			break
		}
		c.b.Attrs = append(c.b.Attrs, telemetry.Attr{Key: c.text(k), Value: c.value(v, 1)})
	}
	return telemetry.Range{Start: uint32(start), End: uint32(len(c.b.Attrs))}
}

func (c *copier) value(v pcommon.Value, depth int) telemetry.Value {
	switch v.Type() {
	case pcommon.ValueTypeStr:
		return telemetry.StringValue(c.text(v.Str()))
	case pcommon.ValueTypeBool:
		return telemetry.BoolValue(v.Bool())
	case pcommon.ValueTypeInt:
		return telemetry.IntValue(v.Int())
	case pcommon.ValueTypeDouble:
		return telemetry.DoubleValue(v.Double())
	case pcommon.ValueTypeBytes:
		return telemetry.BytesValue(string(v.Bytes().AsRaw()))
	case pcommon.ValueTypeSlice, pcommon.ValueTypeMap:
		return c.nested(v, depth)
	}
	return telemetry.Value{}
}

func (c *copier) nested(v pcommon.Value, depth int) telemetry.Value {
	if depth > c.limits.Depth {
		c.err = fmt.Errorf("%w: values nested deeper than %d", ingest.ErrTooMany, c.limits.Depth)
		return telemetry.Value{}
	}
	var encoded []byte
	if v.Type() == pcommon.ValueTypeSlice {
		for _, e := range v.Slice().All() {
			if !c.count(1) {
				break
			}
			encoded = telemetry.AppendElement(encoded, c.value(e, depth+1))
		}
		return telemetry.ArrayValue(string(encoded))
	}
	for k, e := range v.Map().All() {
		if !c.count(1) {
			break
		}
		encoded = telemetry.AppendEntry(encoded, c.text(k), c.value(e, depth+1))
	}
	return telemetry.MapValue(string(encoded))
}
