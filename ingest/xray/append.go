package xray

import (
	"fmt"
	"maps"
	"slices"

	"github.com/kiseki-dev/kiseki/ingest"
	"github.com/kiseki-dev/kiseki/telemetry"
)

// appender makes a batch of documents: a span of kind server of each segment;
// of each subsegment a span of kind client if it is a call (its namespace is
// remote or aws), else internal.
type appender struct {
	b        *telemetry.Batch
	limits   ingest.Limits
	elements int
	report   ingest.Report
}

// place is where a segment or subsegment was found.
type place struct {
	trace    telemetry.TraceID
	parent   telemetry.SpanID
	resource uint32
	segment  bool // no subsegment
}

// top appends a segment, or a subsegment that came apart from its segment, with
// all subsegments in it.
func (a *appender) top(f fields) error {
	p := place{segment: f["type"] != "subsegment"}
	var err error
	if p.trace, err = f.traceID(); err != nil {
		return err
	}
	if parent, ok := f["parent_id"]; ok && parent != nil && parent != "" {
		if p.parent, err = f.spanID("parent_id"); err != nil {
			return err
		}
	} else if !p.segment {
		return invalid("MissingParentId", "parent_id is missing in a subsegment")
	}
	p.resource = a.resource(f, p.segment)
	a.elements += 1 + a.b.Resources[p.resource].Attrs.Len()
	return a.span(f, p)
}

// span appends a segment or subsegment and then those in it.
func (a *appender) span(f fields, p place) error {
	s := telemetry.Span{TraceID: p.trace, ParentID: p.parent, Kind: telemetry.KindServer, Resource: p.resource, Scope: a.scope()}
	if s.Name = f.text("name"); s.Name == "" {
		return invalid("MissingName", "name is missing")
	}
	var err error
	if s.SpanID, err = f.spanID("id"); err != nil {
		return err
	}
	started, ended := false, false
	if s.Start, started, err = f.time("start_time"); err != nil {
		return err
	}
	if !started {
		return invalid("MissingStartTime", "start_time is missing")
	}
	if s.End, ended, err = f.time("end_time"); err != nil {
		return err
	}
	children := f.list("subsegments")
	for _, key := range []string{"type", "trace_id", "parent_id"} { // of a nested one its place says the same
		f.text(key)
	}
	if !p.segment {
		s.Kind = telemetry.KindInternal
		if n := f["namespace"]; n == namespaceRemote || n == namespaceAWS {
			s.Kind = telemetry.KindClient
		}
	}
	a.fill(f, &s, ended)
	if a.elements += 1 + s.Attrs.Len() + s.Events.Len() + s.Links.Len(); a.elements > a.limits.Elements {
		return fmt.Errorf("%w: %d segments, attributes, exceptions and links", ingest.ErrTooMany, a.limits.Elements)
	}
	a.b.Spans = append(a.b.Spans, s)
	for _, child := range children {
		c, ok := child.(map[string]any)
		if !ok {
			return invalid("InvalidSubsegment", "a subsegment of %v is no object", s.SpanID)
		}
		if err := a.span(c, place{trace: p.trace, parent: s.SpanID, resource: p.resource}); err != nil {
			return err
		}
	}
	return nil
}

// fill adds what a segment has beside its place, name and time.
func (a *appender) fill(f fields, s *telemetry.Span, ended bool) {
	start := len(a.b.Attrs)
	at := s.Start
	if ended {
		at = s.End
	}
	exceptions := a.cause(f)
	a.spanAttributes(f, s)
	s.Attrs = telemetry.Range{Start: uint32(start), End: uint32(len(a.b.Attrs))}
	for _, key := range []string{"fault", "error", "throttle"} {
		if v, ok := a.b.Lookup(s.Attrs, prefix+key); ok && v == telemetry.BoolValue(true) {
			s.Status = telemetry.StatusError
		}
	}
	s.Events = a.exceptions(exceptions, at, s)
}

// scope is that of all spans: X-Ray has none.
func (a *appender) scope() uint32 {
	if len(a.b.Scopes) == 0 || a.b.Scopes[len(a.b.Scopes)-1] != (telemetry.Scope{}) {
		a.b.Scopes = append(a.b.Scopes, telemetry.Scope{})
	}
	return uint32(len(a.b.Scopes) - 1)
}

func (a *appender) attr(key string, v telemetry.Value) {
	a.b.Attrs = append(a.b.Attrs, telemetry.Attr{Key: key, Value: v})
}

// keep adds a member of a document that is not null.
func (a *appender) keep(key string, v any) {
	if v != nil {
		a.attr(key, valueOf(v))
	}
}

// rest adds what is left of an object, each member on its own.
func (a *appender) rest(prefix string, f fields) {
	for _, key := range slices.Sorted(maps.Keys(f)) {
		a.keep(prefix+key, f[key])
		delete(f, key)
	}
}

// names is what a member of an object is called as an attribute.
type names []struct{ member, attribute string }

// take adds the members of f that have names.
func (a *appender) take(f fields, all names) {
	for _, n := range all {
		a.keep(n.attribute, f[n.member])
		delete(f, n.member)
	}
}

// part takes an object out of f and adds its members, those without a name
// under their own below the given one.
func (a *appender) part(f fields, key, below string, all names) {
	if part := f.object(key); part != nil {
		a.take(part, all)
		a.rest(below, part)
		delete(f, key)
	}
}
