package otlp

import (
	"encoding/base64"
	"encoding/hex"
	"fmt"
	"strings"

	"go.opentelemetry.io/collector/pdata/pcommon"
	"go.opentelemetry.io/collector/pdata/ptrace"
	coltracepb "go.opentelemetry.io/proto/otlp/collector/trace/v1"
	commonpb "go.opentelemetry.io/proto/otlp/common/v1"
	tracepb "go.opentelemetry.io/proto/otlp/trace/v1"

	"github.com/kiseki-dev/kiseki/telemetry"
)

// The oracles: pdata, the collector's model, writes the corpus and reads it
// back; Google's protobuf library with the generated messages judges what
// fuzzing finds, because it follows the specification of merging where pdata
// takes shortcuts.

// toTraces is b in pdata's model, with one ResourceSpans a span so that the
// order of spans is kept.
func toTraces(b *telemetry.Batch) ptrace.Traces {
	td := ptrace.NewTraces()
	for i := range b.Spans {
		s := &b.Spans[i]
		resource, scope := b.Resources[s.Resource], b.Scopes[s.Scope]
		rs := td.ResourceSpans().AppendEmpty()
		rs.SetSchemaUrl(resource.SchemaURL)
		rs.Resource().SetDroppedAttributesCount(resource.DroppedAttrs)
		putAttrs(rs.Resource().Attributes(), b.AttrsOf(resource.Attrs))
		ss := rs.ScopeSpans().AppendEmpty()
		ss.SetSchemaUrl(scope.SchemaURL)
		ss.Scope().SetName(scope.Name)
		ss.Scope().SetVersion(scope.Version)
		ss.Scope().SetDroppedAttributesCount(scope.DroppedAttrs)
		putAttrs(ss.Scope().Attributes(), b.AttrsOf(scope.Attrs))
		putSpan(ss.Spans().AppendEmpty(), b, s)
	}
	return td
}

func putSpan(p ptrace.Span, b *telemetry.Batch, s *telemetry.Span) {
	p.SetTraceID(pcommon.TraceID(s.TraceID))
	p.SetSpanID(pcommon.SpanID(s.SpanID))
	p.SetParentSpanID(pcommon.SpanID(s.ParentID))
	p.SetName(s.Name)
	p.SetStartTimestamp(pcommon.Timestamp(s.Start))
	p.SetEndTimestamp(pcommon.Timestamp(s.End))
	p.TraceState().FromRaw(s.TraceState)
	p.SetFlags(s.Flags)
	p.SetKind(ptrace.SpanKind(s.Kind))
	p.Status().SetCode(ptrace.StatusCode(s.Status))
	p.Status().SetMessage(s.StatusMessage)
	p.SetDroppedAttributesCount(s.DroppedAttrs)
	p.SetDroppedEventsCount(s.DroppedEvents)
	p.SetDroppedLinksCount(s.DroppedLinks)
	putAttrs(p.Attributes(), b.AttrsOf(s.Attrs))
	for _, e := range b.EventsOf(s) {
		pe := p.Events().AppendEmpty()
		pe.SetName(e.Name)
		pe.SetTimestamp(pcommon.Timestamp(e.Time))
		pe.SetDroppedAttributesCount(e.DroppedAttrs)
		putAttrs(pe.Attributes(), b.AttrsOf(e.Attrs))
	}
	for _, l := range b.LinksOf(s) {
		pl := p.Links().AppendEmpty()
		pl.SetTraceID(pcommon.TraceID(l.TraceID))
		pl.SetSpanID(pcommon.SpanID(l.SpanID))
		pl.TraceState().FromRaw(l.TraceState)
		pl.SetFlags(l.Flags)
		pl.SetDroppedAttributesCount(l.DroppedAttrs)
		putAttrs(pl.Attributes(), b.AttrsOf(l.Attrs))
	}
}

func putAttrs(m pcommon.Map, attrs []telemetry.Attr) {
	for _, a := range attrs {
		putValue(m.PutEmpty(a.Key), a.Value)
	}
}

func putValue(p pcommon.Value, v telemetry.Value) {
	switch v.Type() {
	case telemetry.ValueString:
		p.SetStr(v.Str())
	case telemetry.ValueBool:
		p.SetBool(v.Bool())
	case telemetry.ValueInt:
		p.SetInt(v.Int())
	case telemetry.ValueDouble:
		p.SetDouble(v.Double())
	case telemetry.ValueBytes:
		p.SetEmptyBytes().FromRaw([]byte(v.Str()))
	case telemetry.ValueArray:
		slice := p.SetEmptySlice()
		must(telemetry.Elements(v.Str(), func(e telemetry.Value) bool {
			putValue(slice.AppendEmpty(), e)
			return true
		}))
	case telemetry.ValueMap:
		m := p.SetEmptyMap()
		must(telemetry.Entries(v.Str(), func(a telemetry.Attr) bool {
			putValue(m.PutEmpty(a.Key), a.Value)
			return true
		}))
	}
}

func must(err error) {
	if err != nil {
		panic(err)
	}
}

// oracle builds a batch from the generated protobuf messages, with our rules
// for bad ids.
type oracle struct {
	b        telemetry.Batch
	rejected int
	// id turns the bytes of an id field into the id's bytes.
	id func([]byte) []byte
}

// protoID is [oracle.id] for messages that were read from protobuf.
func protoID(b []byte) []byte { return b }

// jsonID is [oracle.id] for messages that were read by protojson, which takes
// the hexadecimal digits for base64: encoding them again restores the digits.
func jsonID(b []byte) []byte {
	id, err := hex.DecodeString(base64.RawStdEncoding.EncodeToString(b))
	if err != nil {
		return []byte("bad")
	}
	return id
}

func (o *oracle) request(m *coltracepb.ExportTraceServiceRequest) {
	for _, rs := range m.GetResourceSpans() {
		resource := telemetry.Resource{
			Attrs: o.attrs(rs.GetResource().GetAttributes()), DroppedAttrs: rs.GetResource().GetDroppedAttributesCount(),
			SchemaURL: rs.GetSchemaUrl(),
		}
		o.b.Resources = append(o.b.Resources, resource)
		for _, ss := range rs.GetScopeSpans() {
			c := ss.GetScope()
			o.b.Scopes = append(o.b.Scopes, telemetry.Scope{
				Name: c.GetName(), Version: c.GetVersion(), Attrs: o.attrs(c.GetAttributes()),
				DroppedAttrs: c.GetDroppedAttributesCount(), SchemaURL: ss.GetSchemaUrl(),
			})
			for _, s := range ss.GetSpans() {
				o.span(s)
			}
		}
	}
}

func (o *oracle) span(m *tracepb.Span) {
	s := telemetry.Span{
		Name: m.GetName(), TraceState: m.GetTraceState(), Flags: m.GetFlags(),
		Start: m.GetStartTimeUnixNano(), End: m.GetEndTimeUnixNano(),
		StatusMessage: m.GetStatus().GetMessage(),
		Resource:      uint32(len(o.b.Resources) - 1), Scope: uint32(len(o.b.Scopes) - 1),
		DroppedAttrs: m.GetDroppedAttributesCount(), DroppedEvents: m.GetDroppedEventsCount(), DroppedLinks: m.GetDroppedLinksCount(),
	}
	if k := m.GetKind(); k > 0 && k <= tracepb.Span_SPAN_KIND_CONSUMER {
		s.Kind = telemetry.Kind(k)
	}
	if c := m.GetStatus().GetCode(); c > 0 && c <= tracepb.Status_STATUS_CODE_ERROR {
		s.Status = telemetry.Status(c)
	}
	parent := o.id(m.GetParentSpanId())
	badParent := len(m.GetParentSpanId()) > 0 && len(parent) != 8
	if !o.ids(m.GetTraceId(), m.GetSpanId(), &s.TraceID, &s.SpanID) || badParent {
		o.rejected++
		return
	}
	copy(s.ParentID[:], parent)
	s.Attrs = o.attrs(m.GetAttributes())
	s.Events.Start = uint32(len(o.b.Events))
	for _, e := range m.GetEvents() {
		o.b.Events = append(o.b.Events, telemetry.Event{
			Time: e.GetTimeUnixNano(), Name: e.GetName(), Attrs: o.attrs(e.GetAttributes()), DroppedAttrs: e.GetDroppedAttributesCount(),
		})
	}
	s.Events.End = uint32(len(o.b.Events))
	s.Links.Start = uint32(len(o.b.Links))
	for _, l := range m.GetLinks() {
		link := telemetry.Link{TraceState: l.GetTraceState(), Flags: l.GetFlags(), DroppedAttrs: l.GetDroppedAttributesCount()}
		if !o.ids(l.GetTraceId(), l.GetSpanId(), &link.TraceID, &link.SpanID) {
			s.DroppedLinks++
			continue
		}
		link.Attrs = o.attrs(l.GetAttributes())
		o.b.Links = append(o.b.Links, link)
	}
	s.Links.End = uint32(len(o.b.Links))
	o.b.Spans = append(o.b.Spans, s)
}

func (o *oracle) ids(trace, span []byte, t *telemetry.TraceID, s *telemetry.SpanID) bool {
	trace, span = o.id(trace), o.id(span)
	if len(trace) != len(t) || len(span) != len(s) {
		return false
	}
	copy(t[:], trace)
	copy(s[:], span)
	return !t.IsZero() && !s.IsZero()
}

func (o *oracle) attrs(kvs []*commonpb.KeyValue) telemetry.Range {
	start := len(o.b.Attrs)
	for _, kv := range kvs {
		o.b.Attrs = append(o.b.Attrs, telemetry.Attr{Key: kv.GetKey(), Value: oracleValue(kv.GetValue())})
	}
	return telemetry.Range{Start: uint32(start), End: uint32(len(o.b.Attrs))}
}

func oracleValue(m *commonpb.AnyValue) telemetry.Value {
	switch v := m.GetValue().(type) {
	case *commonpb.AnyValue_StringValue:
		return telemetry.StringValue(v.StringValue)
	case *commonpb.AnyValue_BoolValue:
		return telemetry.BoolValue(v.BoolValue)
	case *commonpb.AnyValue_IntValue:
		return telemetry.IntValue(v.IntValue)
	case *commonpb.AnyValue_DoubleValue:
		return telemetry.DoubleValue(v.DoubleValue)
	case *commonpb.AnyValue_BytesValue:
		return telemetry.BytesValue(string(v.BytesValue))
	case *commonpb.AnyValue_ArrayValue:
		var enc []byte
		for _, e := range v.ArrayValue.GetValues() {
			enc = telemetry.AppendElement(enc, oracleValue(e))
		}
		return telemetry.ArrayValue(string(enc))
	case *commonpb.AnyValue_KvlistValue:
		var enc []byte
		for _, kv := range v.KvlistValue.GetValues() {
			enc = telemetry.AppendEntry(enc, kv.GetKey(), oracleValue(kv.GetValue()))
		}
		return telemetry.MapValue(string(enc))
	}
	return telemetry.Value{}
}

// checkInvariants reports what is wrong with b by the rules that the
// telemetry package states for every batch.
func checkInvariants(b *telemetry.Batch) error {
	var attrs, events, links []telemetry.Range
	for _, r := range b.Resources {
		attrs = append(attrs, r.Attrs)
	}
	for _, s := range b.Scopes {
		attrs = append(attrs, s.Attrs)
	}
	for i := range b.Spans {
		s := &b.Spans[i]
		if int(s.Resource) >= len(b.Resources) || int(s.Scope) >= len(b.Scopes) {
			return fmt.Errorf("span %d: resource %d, scope %d", i, s.Resource, s.Scope)
		}
		if s.TraceID.IsZero() || s.SpanID.IsZero() {
			return fmt.Errorf("span %d has no id", i)
		}
		attrs, events, links = append(attrs, s.Attrs), append(events, s.Events), append(links, s.Links)
	}
	for _, e := range b.Events {
		attrs = append(attrs, e.Attrs)
	}
	for _, l := range b.Links {
		attrs = append(attrs, l.Attrs)
	}
	if !disjoint(attrs, len(b.Attrs)) || !disjoint(events, len(b.Events)) || !disjoint(links, len(b.Links)) {
		return fmt.Errorf("ranges overlap or lie outside: attrs %v, events %v, links %v", attrs, events, links)
	}
	return nil
}

func disjoint(ranges []telemetry.Range, n int) bool {
	used := make([]bool, n)
	for _, r := range ranges {
		if r.Start > r.End || int(r.End) > n {
			return false
		}
		for i := r.Start; i < r.End; i++ {
			if used[i] {
				return false
			}
			used[i] = true
		}
	}
	return true
}

// malformed reports whether a dump shows a nested value that cannot be read.
func malformed(dump string) bool { return strings.Contains(dump, telemetry.ErrValue.Error()) }
