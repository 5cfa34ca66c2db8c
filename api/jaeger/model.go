package jaeger

import (
	"math"

	"github.com/kiseki-dev/kiseki/query/exec"
	"github.com/kiseki-dev/kiseki/telemetry"
	"github.com/kiseki-dev/kiseki/telemetry/plain"
)

// The tags and fields that are no attributes, as the OpenTelemetry Collector
// (opentelemetry-collector-contrib, pkg/translator/jaeger) and
// https://opentelemetry.io/docs/specs/otel/common/mapping-to-non-otlp/ name
// them; plain has the others.
const (
	errorTag      = "error"
	kindTag       = "span.kind"
	traceStateTag = "w3c.tracestate"
	eventField    = "event" // of a log: the event's name
)

// sampledFlag is the one flag that W3C and Jaeger have in common.
const sampledFlag = 1

var statusNames = map[telemetry.Status]string{telemetry.StatusOK: plain.StatusOK, telemetry.StatusError: plain.StatusError}

// tag is a KeyValue of Jaeger's: a string, bool, int, double or bytes.
type tag struct {
	key   string
	value telemetry.Value
}

// reference is a SpanRef.
type reference struct {
	trace   telemetry.TraceID
	span    telemetry.SpanID
	childOf bool // else it follows from the span
}

// model tells what becomes of a trace in Jaeger's model:
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
type model struct {
	*telemetry.Batch
	tags       []tag
	references []reference
	warnings   []string
	text       []byte
}

func (m *model) add(key string, v telemetry.Value) { m.tags = append(m.tags, tag{key, v}) }

func (m *model) addText(key, text string) {
	if text != "" {
		m.add(key, telemetry.StringValue(text))
	}
}

func (m *model) addCount(key string, n uint32) {
	if n > 0 {
		m.add(key, telemetry.IntValue(int64(n)))
	}
}

// addAttrs adds attributes but those that Jaeger has a field for; nil: it has
// none.
func (m *model) addAttrs(r telemetry.Range, hasField func(*telemetry.Attr) bool) {
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
func (m *model) own(s *telemetry.Span) bool {
	v, ok := m.Lookup(m.Scopes[s.Scope].Attrs, plain.ReceivedKey)
	return ok && v.Str() == plain.ReceivedJaeger
}

// hasField tells the attributes of a span that are fields of Jaeger's.
func (m *model) hasField(s *telemetry.Span) func(*telemetry.Attr) bool {
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
func hasStatus(tags []tag) bool {
	for _, t := range tags {
		if t.key == errorTag || t.key == plain.StatusCodeKey {
			return true
		}
	}
	return false
}

// flagsOf are the flags of a span.
func (m *model) flagsOf(s *telemetry.Span) uint32 {
	if m.own(s) {
		if v, ok := m.Lookup(s.Attrs, plain.JaegerFlagsKey); ok && v.Type() == telemetry.ValueInt {
			return uint32(v.Int())
		}
	}
	return s.Flags & sampledFlag
}

// tagsOf are the tags of a span.
func (m *model) tagsOf(s *telemetry.Span) []tag {
	m.tags = m.tags[:0]
	scope := &m.Scopes[s.Scope]
	m.addText(plain.ScopeNameKey, scope.Name)
	m.addText(plain.ScopeVersionKey, scope.Version)
	first := len(m.tags)
	m.addAttrs(s.Attrs, m.hasField(s))
	if s.Kind != telemetry.KindUnspecified {
		m.addText(kindTag, s.Kind.String())
	}
	if !m.own(s) || !hasStatus(m.tags[first:]) {
		m.addText(plain.StatusCodeKey, statusNames[s.Status])
		if s.Status == telemetry.StatusError {
			m.add(errorTag, telemetry.BoolValue(true))
		}
	}
	m.addText(plain.StatusDescriptionKey, s.StatusMessage)
	m.addText(traceStateTag, s.TraceState)
	m.addCount(plain.DroppedAttrsKey, s.DroppedAttrs)
	m.addCount(plain.DroppedEventsKey, s.DroppedEvents)
	m.addCount(plain.DroppedLinksKey, s.DroppedLinks)
	return m.tags
}

// fieldsOf are the fields of an event's log.
func (m *model) fieldsOf(e *telemetry.Event) []tag {
	m.tags = m.tags[:0]
	if _, named := m.Lookup(e.Attrs, eventField); !named {
		m.addText(eventField, e.Name)
	}
	m.addAttrs(e.Attrs, nil)
	m.addCount(plain.DroppedAttrsKey, e.DroppedAttrs)
	return m.tags
}

// processOf is the service of a resource and the tags of its process.
func (m *model) processOf(resource uint32) (service string, tags []tag) {
	m.tags = m.tags[:0]
	named := false
	m.addAttrs(m.Resources[resource].Attrs, func(a *telemetry.Attr) bool {
		if named || !isServiceName(a) {
			return false
		}
		named = true
		return true
	})
	return serviceName(m.ServiceName(resource)), m.tags
}

// referencesOf are the references of a span, its parent's first.
func (m *model) referencesOf(s *telemetry.Span) []reference {
	m.references = m.references[:0]
	told := false // the parent, by a link
	if !s.ParentID.IsZero() {
		m.references = append(m.references, reference{s.TraceID, s.ParentID, true})
	}
	for _, l := range m.LinksOf(s) {
		v, _ := m.Lookup(l.Attrs, plain.RefTypeKey)
		r := reference{l.TraceID, l.SpanID, v.Type() == telemetry.ValueString && v.Str() == plain.RefChildOf}
		if !told && !s.ParentID.IsZero() && r.trace == s.TraceID && r.span == s.ParentID {
			m.references[0], told = r, true // a parent that the span followed from
			continue
		}
		m.references = append(m.references, r)
	}
	return m.references
}

// warningsOf are the warnings of a span.
func (m *model) warningsOf(s *telemetry.Span) []string {
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

// warningOf is what is wrong with a whole trace, or "".
func warningOf(s *exec.Stats) string {
	if s.Complete {
		return ""
	}
	return "this may not be the whole trace: " + s.Reason
}
