// Package jaegerspan tells what becomes of spans in Jaeger's model,
// https://github.com/jaegertracing/jaeger-idl/blob/main/proto/api_v2/model.proto.
package jaegerspan

import (
	"math"

	"github.com/kiseki-dev/kiseki/telemetry"
	"github.com/kiseki-dev/kiseki/telemetry/plain"
)

// The tags and fields that are no attributes, as the OpenTelemetry Collector
// (opentelemetry-collector-contrib, pkg/translator/jaeger) and
// https://opentelemetry.io/docs/specs/otel/common/mapping-to-non-otlp/ name
// them; plain has the others.
const (
	ErrorTag      = "error"
	KindTag       = "span.kind"
	TraceStateTag = "w3c.tracestate"
	EventField    = "event" // of a log: the event's name
)

// sampledFlag is the one flag that W3C and Jaeger have in common.
const sampledFlag = 1

// StatusNames are the values of the tag of a status; an unset one has none.
var StatusNames = map[telemetry.Status]string{telemetry.StatusOK: plain.StatusOK, telemetry.StatusError: plain.StatusError}

// NoService is what the OpenTelemetry Collector calls a service without a name
// (pkg/translator/jaeger), since Jaeger demands one.
const NoService = "OTLPResourceNoServiceName"

// ServiceName is the name that a service is shown with.
func ServiceName(name string) string {
	if name == "" {
		return NoService
	}
	return name
}

// Tag is a KeyValue of Jaeger's: a string, bool, int, double or bytes.
type Tag struct {
	Key   string
	Value telemetry.Value
}

// Reference is a SpanRef.
type Reference struct {
	Trace   telemetry.TraceID
	Span    telemetry.SpanID
	ChildOf bool // else it follows from the span
}

// Model tells what becomes of a trace in Jaeger's model:
//
//	traceID, spanID           as they are
//	operationName             the span's name
//	references                the parent as CHILD_OF; links as FOLLOWS_FROM,
//	                          but for those that were CHILD_OF in OpenTracing
//	flags                     whether the span was sampled, or those that it came with
//	startTime, duration       microseconds in JSON, nanoseconds in protobuf
//	tags                      scope, attributes, kind, status, trace state and
//	                          what was dropped; arrays and maps are their JSON
//	logs                      events: the name as a field, and the attributes
//	process                   the resource: service.name, and other attributes
//	warnings                  those that Jaeger knew of, and of times that make
//	                          no sense
//
// The attributes of scopes and links, the trace state of links, schema URLs
// and the other flags have no place in it. What its methods return is valid
// until the next call.
type Model struct {
	*telemetry.Batch
	tags       []Tag
	references []Reference
	warnings   []string
	text       []byte
}

func (m *Model) add(key string, v telemetry.Value) { m.tags = append(m.tags, Tag{key, v}) }

func (m *Model) addText(key, text string) {
	if text != "" {
		m.add(key, telemetry.StringValue(text))
	}
}

func (m *Model) addCount(key string, n uint32) {
	if n > 0 {
		m.add(key, telemetry.IntValue(int64(n)))
	}
}

// addAttrs adds attributes but those that Jaeger has a field for; nil: it has
// none.
func (m *Model) addAttrs(r telemetry.Range, hasField func(*telemetry.Attr) bool) {
	for _, a := range m.AttrsOf(r) {
		if hasField != nil && hasField(&a) {
			continue
		}
		switch a.Value.Type() {
		case telemetry.ValueArray, telemetry.ValueMap, telemetry.ValueEmpty:
			m.text = plain.AppendText(m.text[:0], a.Value)
			m.add(a.Key, telemetry.StringValue(string(m.text)))
		default:
			m.add(a.Key, a.Value)
		}
	}
}

func isServiceName(a *telemetry.Attr) bool {
	return a.Key == telemetry.ServiceNameKey && a.Value.Type() == telemetry.ValueString
}

func isWarnings(a *telemetry.Attr) bool {
	return a.Key == plain.JaegerWarningsKey && a.Value.Type() == telemetry.ValueArray
}

// own reports whether a span came by Jaeger's own protocol.
func (m *Model) own(s *telemetry.Span) bool {
	v, ok := m.Lookup(m.Scopes[s.Scope].Attrs, plain.ReceivedKey)
	return ok && v.Str() == plain.ReceivedJaeger
}

// hasField tells the attributes of a span that are fields of Jaeger's.
func (m *Model) hasField(s *telemetry.Span) func(*telemetry.Attr) bool {
	if !m.own(s) {
		return isWarnings
	}
	flags := false
	return func(a *telemetry.Attr) bool {
		if a.Key == plain.JaegerFlagsKey && a.Value.Type() == telemetry.ValueInt && !flags {
			flags = true
			return true
		}
		return isWarnings(a)
	}
}

// hasStatus reports whether there are tags of a status, which one that came by
// Jaeger has as they were sent.
func hasStatus(tags []Tag) bool {
	for _, t := range tags {
		if t.Key == ErrorTag || t.Key == plain.StatusCodeKey {
			return true
		}
	}
	return false
}

// FlagsOf are the flags of a span.
func (m *Model) FlagsOf(s *telemetry.Span) uint32 {
	if m.own(s) {
		if v, ok := m.Lookup(s.Attrs, plain.JaegerFlagsKey); ok && v.Type() == telemetry.ValueInt {
			return uint32(v.Int())
		}
	}
	return s.Flags & sampledFlag
}

// TagsOf are the tags of a span.
func (m *Model) TagsOf(s *telemetry.Span) []Tag {
	m.tags = m.tags[:0]
	scope := &m.Scopes[s.Scope]
	m.addText(plain.ScopeNameKey, scope.Name)
	m.addText(plain.ScopeVersionKey, scope.Version)
	first := len(m.tags)
	m.addAttrs(s.Attrs, m.hasField(s))
	if s.Kind != telemetry.KindUnspecified {
		m.addText(KindTag, s.Kind.String())
	}
	if !m.own(s) || !hasStatus(m.tags[first:]) {
		m.addText(plain.StatusCodeKey, StatusNames[s.Status])
		if s.Status == telemetry.StatusError {
			m.add(ErrorTag, telemetry.BoolValue(true))
		}
	}
	m.addText(plain.StatusDescriptionKey, s.StatusMessage)
	m.addText(TraceStateTag, s.TraceState)
	m.addCount(plain.DroppedAttrsKey, s.DroppedAttrs)
	m.addCount(plain.DroppedEventsKey, s.DroppedEvents)
	m.addCount(plain.DroppedLinksKey, s.DroppedLinks)
	return m.tags
}

// FieldsOf are the fields of an event's log.
func (m *Model) FieldsOf(e *telemetry.Event) []Tag {
	m.tags = m.tags[:0]
	if _, named := m.Lookup(e.Attrs, EventField); !named {
		m.addText(EventField, e.Name)
	}
	m.addAttrs(e.Attrs, nil)
	m.addCount(plain.DroppedAttrsKey, e.DroppedAttrs)
	return m.tags
}

// ProcessOf is the service of a resource and the tags of its process.
func (m *Model) ProcessOf(resource uint32) (service string, tags []Tag) {
	m.tags = m.tags[:0]
	named := false
	m.addAttrs(m.Resources[resource].Attrs, func(a *telemetry.Attr) bool {
		if named || !isServiceName(a) {
			return false
		}
		named = true
		return true
	})
	return ServiceName(m.ServiceName(resource)), m.tags
}

// ReferencesOf are the references of a span, its parent's first.
func (m *Model) ReferencesOf(s *telemetry.Span) []Reference {
	m.references = m.references[:0]
	told := false // the parent, by a link
	if !s.ParentID.IsZero() {
		m.references = append(m.references, Reference{s.TraceID, s.ParentID, true})
	}
	for _, l := range m.LinksOf(s) {
		v, _ := m.Lookup(l.Attrs, plain.RefTypeKey)
		r := Reference{l.TraceID, l.SpanID, v.Type() == telemetry.ValueString && v.Str() == plain.RefChildOf}
		if !told && !s.ParentID.IsZero() && r.Trace == s.TraceID && r.Span == s.ParentID {
			m.references[0], told = r, true // a parent that the span followed from
			continue
		}
		m.references = append(m.references, r)
	}
	return m.references
}

// WarningsOf are the warnings of a span.
func (m *Model) WarningsOf(s *telemetry.Span) []string {
	m.warnings = m.warnings[:0]
	if v, ok := m.Lookup(s.Attrs, plain.JaegerWarningsKey); ok && v.Type() == telemetry.ValueArray {
		_ = telemetry.Elements(v.Str(), func(e telemetry.Value) bool { // well formed, see telemetry.Value
			m.warnings = append(m.warnings, string(plain.AppendText(nil, e)))
			return true
		})
	}
	switch {
	case s.End == 0:
		m.warnings = append(m.warnings, "the span has no end; its duration is not known")
	case s.End < s.Start:
		m.warnings = append(m.warnings, "the span ends before it starts; its duration is shown as 0")
	case s.Duration() > math.MaxInt64:
		m.warnings = append(m.warnings, "the span lasts longer than can be told")
	}
	return m.warnings
}
