package datadog

import (
	"encoding/binary"
	"fmt"
	"math"
	"strconv"
	"strings"
	"unicode/utf8"

	"github.com/kiseki-dev/kiseki/ingest"
	"github.com/kiseki-dev/kiseki/telemetry"
)

// appender makes a batch of Datadog's spans:
//
//	trace_id, meta._dd.p.tid      the trace ID's lower and upper half; the upper one
//	                              is that of the first span of a chunk which has it
//	span_id, parent_id            as they are
//	start, duration               start and end
//	resource                      the name, but for databases, where it is the
//	                              statement: db.query.text
//	name, type                    operation.name, span.type; the name where resource
//	                              is none. These and resource.name are the names that
//	                              Datadog has for them in OpenTelemetry
//	service                       service.name of the resource
//	error                         status
//	span_links, span_events       links and events, also where they are JSON in meta
//	meta, metrics                 see meta.go
type appender struct {
	b        *telemetry.Batch
	limits   ingest.Limits
	elements int
	report   ingest.Report

	process   process             // of the chunk
	first     int                 // span of the chunk
	services  []string            // of the chunk's spans
	resources map[resource]uint32 // of the batch
}

// process is what some span of a chunk says of the process that sent it.
type process struct {
	environment, version, instance, language, host string
	pid                                            int64
	traceHigh                                      uint64
}

// resource is what tells resources apart.
type resource struct {
	service string
	process process
}

func (a *appender) reset(b *telemetry.Batch) {
	if a.resources == nil {
		a.resources = map[resource]uint32{}
	}
	clear(a.resources)
	a.b, a.elements, a.report = b, 0, ingest.Report{}
}

// begin begins a chunk.
func (a *appender) begin() {
	a.process, a.first, a.services = process{}, len(a.b.Spans), a.services[:0]
	if len(a.b.Scopes) == 0 { // one for all spans

		a.b.Scopes = append(a.b.Scopes, telemetry.Scope{Name: scopeName})
	}
}

// scopeName is the scope of all spans: Datadog has none.
const scopeName = "datadog"

// end ends a chunk: what one of its spans says of all is known now.
func (a *appender) end() {
	for i := range a.b.Spans[a.first:] {
		s := &a.b.Spans[a.first+i]
		binary.BigEndian.PutUint64(s.TraceID[:8], a.process.traceHigh)
		s.Resource = a.resource(a.services[i])
	}
}

func (a *appender) resource(service string) uint32 {
	key := resource{service, a.process}
	key.process.traceHigh = 0
	if i, ok := a.resources[key]; ok {
		return i
	}
	start := uint32(len(a.b.Attrs))
	for _, x := range []pair{
		{telemetry.ServiceNameKey, service}, {"deployment.environment.name", a.process.environment}, {"service.version", a.process.version},
		{"service.instance.id", a.process.instance}, {"telemetry.sdk.name", scopeName}, {"telemetry.sdk.language", languageOf(a.process.language)},
		{"host.name", a.process.host},
	} {
		if x.value != "" {
			a.attr(x.key, telemetry.StringValue(x.value))
		}
	}
	if a.process.pid != 0 {
		a.attr("process.pid", telemetry.IntValue(a.process.pid))
	}
	i := uint32(len(a.b.Resources))
	a.b.Resources = append(a.b.Resources, telemetry.Resource{Attrs: telemetry.Range{Start: start, End: uint32(len(a.b.Attrs))}})
	a.resources[key] = i
	return i
}

// languageOf is a language by the name that the semantic conventions have.
func languageOf(s string) string {
	switch s {
	case "javascript":
		return "nodejs"
	case "jvm":
		return "java"
	case ".NET":
		return "dotnet"
	}
	return s
}

// add appends a span, which it takes apart.
func (a *appender) add(s *span) error {
	if a.elements += 1 + len(s.meta) + len(s.metrics) + len(s.links) + len(s.events) + len(s.attrs); a.elements > a.limits.Elements {
		return fmt.Errorf("%w: %d spans, tags, links and events", ingest.ErrTooMany, a.limits.Elements)
	}
	if s.traceID == 0 || s.id == 0 {
		a.report.RejectedSpans++
		a.report.Reason = fmt.Sprintf("%d spans rejected: no trace ID or span ID", a.report.RejectedSpans)
		return nil
	}
	out := telemetry.Span{Start: uint64(max(s.start, 0)), Kind: kindOf(s.kind)}
	out.End = out.Start + uint64(min(max(s.duration, 0), math.MaxInt64-int64(out.Start)))
	binary.BigEndian.PutUint64(out.TraceID[8:], s.traceID)
	binary.BigEndian.PutUint64(out.SpanID[:], s.id)
	binary.BigEndian.PutUint64(out.ParentID[:], s.parent)
	if s.failed {
		out.Status = telemetry.StatusError
	}
	start := uint32(len(a.b.Attrs))
	a.names(s, &out)
	more := a.tags(s, &out)
	out.Attrs = telemetry.Range{Start: start, End: uint32(len(a.b.Attrs))}
	if err := a.lists(s, &out, more); err != nil {
		return err
	}
	a.b.Spans = append(a.b.Spans, out)
	a.services = append(a.services, a.text(s.service))
	return nil
}

// names sets the name, and adds what else is like one.
func (a *appender) names(s *span, out *telemetry.Span) {
	name, rest := a.text(s.name), a.text(s.resource)
	switch {
	case rest == "" || rest == name:
		out.Name = name
	case isQuery(s.kind):
		out.Name = name
		a.attr("db.query.text", telemetry.StringValue(rest))
	default:
		out.Name = rest
		a.attr("operation.name", telemetry.StringValue(name))
	}
	if s.kind != "" {
		a.attr("span.type", telemetry.StringValue(a.text(s.kind)))
	}
}

// isQuery reports whether the resource of a type of spans is a statement.
func isQuery(kind string) bool {
	switch kind {
	case "sql", "cassandra", "mongodb", "elasticsearch", "opensearch", "redis", "valkey", "memcached", "db", "cache", "graphql":
		return true
	}
	return false
}

// kindOf is the kind of spans of a type, where they do not say it.
func kindOf(kind string) telemetry.Kind {
	switch {
	case kind == "web":
		return telemetry.KindServer
	case kind == "http" || isQuery(kind) && kind != "graphql":
		return telemetry.KindClient
	}
	return telemetry.KindInternal
}

func (a *appender) attr(key string, v telemetry.Value) {
	a.b.Attrs = append(a.b.Attrs, telemetry.Attr{Key: key, Value: v})
}

// text is s as valid UTF-8.
func (a *appender) text(s string) string {
	if utf8.ValidString(s) {
		return s
	}
	a.report.InvalidUTF8++
	return valid(s)
}

func valid(s string) string { return strings.ToValidUTF8(s, "\uFFFD") }

// lists appends the links and events of a span: its own, and those that its
// tags hold as JSON.
func (a *appender) lists(s *span, out *telemetry.Span, more held) error {
	links, events := len(a.b.Links), len(a.b.Events)
	for _, l := range s.links {
		to := telemetry.Link{TraceState: a.text(l.state), Flags: l.flags, Attrs: a.copyAttrs(s.attrs[l.attrs.Start:l.attrs.End])}
		binary.BigEndian.PutUint64(to.TraceID[:8], l.high)
		binary.BigEndian.PutUint64(to.TraceID[8:], l.low)
		binary.BigEndian.PutUint64(to.SpanID[:], l.span)
		a.link(out, to)
	}
	for _, e := range s.events {
		a.b.Events = append(a.b.Events, telemetry.Event{Time: e.time, Name: a.text(e.name), Attrs: a.copyAttrs(s.attrs[e.attrs.Start:e.attrs.End])})
	}
	if err := a.jsonLinks(out, more.links); err != nil {
		return err
	}
	if err := a.jsonEvents(more.events); err != nil {
		return err
	}
	a.exception(out, more)
	out.Links = telemetry.Range{Start: uint32(links), End: uint32(len(a.b.Links))}
	out.Events = telemetry.Range{Start: uint32(events), End: uint32(len(a.b.Events))}
	return nil
}

func (a *appender) link(s *telemetry.Span, l telemetry.Link) {
	if l.TraceID.IsZero() || l.SpanID.IsZero() {
		s.DroppedLinks++
		a.report.DroppedLinks++
		return
	}
	a.b.Links = append(a.b.Links, l)
}

func (a *appender) copyAttrs(list []telemetry.Attr) telemetry.Range {
	start := uint32(len(a.b.Attrs))
	for _, x := range list {
		v := x.Value
		if v.Type() == telemetry.ValueString {
			v = telemetry.StringValue(a.text(v.Str()))
		}
		a.attr(a.text(x.Key), v)
	}
	return telemetry.Range{Start: start, End: uint32(len(a.b.Attrs))}
}

// exception appends the event that a span's error tags make.
func (a *appender) exception(s *telemetry.Span, h held) {
	if h.errorStack == "" && h.errorMessage == "" {
		return
	}
	start := uint32(len(a.b.Attrs))
	for _, x := range []pair{{"exception.type", h.errorType}, {"exception.message", h.errorMessage}, {"exception.stacktrace", h.errorStack}} {
		if x.value != "" {
			a.attr(x.key, telemetry.StringValue(x.value))
		}
	}
	a.b.Events = append(a.b.Events, telemetry.Event{
		Time: s.End, Name: "exception", Attrs: telemetry.Range{Start: start, End: uint32(len(a.b.Attrs))},
	})
}

// parseHigh is the upper half of a trace ID, 16 hexadecimal digits; 0 if it is
// none.
func parseHigh(s string) uint64 {
	n, err := strconv.ParseUint(s, 16, 64)
	if err != nil {
		return 0
	}
	return n
}
