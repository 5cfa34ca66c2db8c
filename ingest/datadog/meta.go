package datadog

import (
	"bytes"
	"encoding/json"
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"

	"github.com/kiseki-dev/kiseki/ingest"
	"github.com/kiseki-dev/kiseki/telemetry"
)

// renamed are tags that the semantic conventions have another name for.
var renamed = map[string]string{
	"http.method":              "http.request.method",
	"http.status_code":         "http.response.status_code",
	"http.url":                 "url.full",
	"http.useragent":           "user_agent.original",
	"http.client_ip":           "client.address",
	"out.host":                 "server.address",
	"out.port":                 "server.port",
	"network.destination.port": "server.port",
	"db.type":                  "db.system.name",
	"db.name":                  "db.namespace",
	"db.statement":             "db.query.text",
	"_sampling_priority_v1":    "sampling.priority",
}

// whole are attributes that are integers in the semantic conventions, which
// tracers send as text.
var whole = map[string]bool{"http.response.status_code": true, "server.port": true}

// keptInternal are the tags with a leading _, which Datadog keeps to itself,
// that say something about the span.
var keptInternal = map[string]bool{"_sampling_priority_v1": true, "_dd.base_service": true}

// held are the tags that become something else than attributes.
type held struct {
	links, events                       string // JSON
	errorType, errorMessage, errorStack string
}

// tags appends a span's attributes.
func (a *appender) tags(s *span, out *telemetry.Span) (h held) {
	for _, t := range s.meta {
		if a.holds(&h, s, out, t) {
			continue
		}
		key := a.key(t.key)
		if key == "" {
			continue
		}
		if whole[key] {
			if n, err := strconv.ParseInt(t.value, 10, 64); err == nil {
				a.attr(key, telemetry.IntValue(n))
				continue
			}
		}
		a.attr(key, telemetry.StringValue(a.text(t.value)))
	}
	for _, m := range s.metrics {
		if m.key == "process_id" && m.value.Type() == telemetry.ValueInt {
			a.process.pid = m.value.Int()
		} else if key := a.key(m.key); key != "" {
			a.attr(key, m.value)
		}
	}
	return h
}

// key is the name of an attribute for a tag, "" for none.
func (a *appender) key(tag string) string {
	if strings.HasPrefix(tag, "_") && !keptInternal[tag] {
		return ""
	}
	if key, ok := renamed[tag]; ok {
		return key
	}
	return a.text(tag)
}

// holds takes the tags that become no attributes, and reports whether t is one.
func (a *appender) holds(h *held, s *span, out *telemetry.Span, t pair) bool {
	p := &a.process
	set := func(to *string) bool {
		if *to == "" {
			*to = a.text(t.value)
		}
		return true
	}
	switch t.key {
	case "env":
		return set(&p.environment)
	case "version":
		return set(&p.version)
	case "runtime-id":
		return set(&p.instance)
	case "language":
		return set(&p.language)
	case "_dd.hostname":
		return set(&p.host)
	case "_dd.p.tid":
		if p.traceHigh == 0 {
			p.traceHigh = parseHigh(t.value)
		}
		return true
	case "_dd.span_links":
		h.links = t.value
		return true
	case "events":
		h.events = t.value
		return isList(t.value)
	case "span.kind":
		kind, ok := telemetry.ParseKind(t.value)
		if ok {
			out.Kind = kind
		}
		return ok
	case "service":
		return t.value == s.service
	case "error.type":
		h.errorType = a.text(t.value)
		return false // an attribute too
	case "error.message", "error.msg":
		h.errorMessage = a.text(t.value)
		if s.failed {
			out.StatusMessage = h.errorMessage
		}
		return true
	case "error.stack":
		h.errorStack = a.text(t.value)
		return true
	}
	return false
}

// maxJSON bounds a tag that is read as JSON; tracers cut theirs at 25,000
// characters.
const maxJSON = 64 << 10

// isList reports whether a tag holds events; a user's own tag may have the same
// name.
func isList(text string) bool { return strings.HasPrefix(text, "[{") && len(text) <= maxJSON }

// jsonLinks appends links that a tag holds. What is no JSON is dropped: tracers
// cut it where it is long.
func (a *appender) jsonLinks(s *telemetry.Span, text string) error {
	if text == "" {
		return nil
	}
	var list []struct {
		TraceID    string         `json:"trace_id"`
		SpanID     string         `json:"span_id"`
		TraceState string         `json:"tracestate"`
		Flags      uint64         `json:"flags"`
		Attributes map[string]any `json:"attributes"`
	}
	if len(text) > maxJSON || json.Unmarshal([]byte(text), &list) != nil {
		s.DroppedLinks++
		a.report.DroppedLinks++
		return nil
	}
	for _, l := range list {
		if err := a.counted(1 + len(l.Attributes)); err != nil {
			return err
		}
		to := telemetry.Link{TraceState: a.text(l.TraceState), Flags: uint32(l.Flags & 0xff)}
		// An ID that is none leaves zeros, which no link has.
		to.TraceID, _ = telemetry.ParseTraceID(l.TraceID)
		to.SpanID, _ = telemetry.ParseSpanID(l.SpanID)
		to.Attrs = a.jsonAttrs(l.Attributes)
		a.link(s, to)
	}
	return nil
}

// jsonEvents appends events that a tag holds.
func (a *appender) jsonEvents(text string) error {
	if !isList(text) {
		return nil
	}
	var list []struct {
		Name       string         `json:"name"`
		Time       json.Number    `json:"time_unix_nano"`
		Attributes map[string]any `json:"attributes"`
	}
	d := json.NewDecoder(bytes.NewReader([]byte(text)))
	d.UseNumber()
	if d.Decode(&list) != nil {
		return nil
	}
	for _, e := range list {
		if err := a.counted(1 + len(e.Attributes)); err != nil {
			return err
		}
		a.b.Events = append(a.b.Events, telemetry.Event{Time: nanoseconds(e.Time), Name: a.text(e.Name), Attrs: a.jsonAttrs(e.Attributes)})
	}
	return nil
}

func (a *appender) counted(n int) error {
	if a.elements += n; a.elements > a.limits.Elements {
		return fmt.Errorf("%w: %d spans, tags, links and events", ingest.ErrTooMany, a.limits.Elements)
	}
	return nil
}

// nanoseconds is a time that may be written as 1.7e18.
func nanoseconds(n json.Number) uint64 {
	if i, err := strconv.ParseUint(n.String(), 10, 64); err == nil {
		return i
	}
	if f, err := n.Float64(); err == nil && f > 0 && f < math.MaxInt64 {
		return uint64(f)
	}
	return 0
}

// jsonAttrs appends attributes in the order of their names.
func (a *appender) jsonAttrs(m map[string]any) telemetry.Range {
	start := uint32(len(a.b.Attrs))
	keys := make([]string, 0, len(m))
	for k := range m {
		keys = append(keys, k)
	}
	slices.Sort(keys)
	for _, k := range keys {
		a.attr(k, jsonValue(m[k]))
	}
	return telemetry.Range{Start: start, End: uint32(len(a.b.Attrs))}
}

// jsonValue is a value of JSON; what has no simple one stays JSON.
func jsonValue(v any) telemetry.Value {
	switch v := v.(type) {
	case string:
		return telemetry.StringValue(v)
	case bool:
		return telemetry.BoolValue(v)
	case float64:
		return telemetry.DoubleValue(v)
	case json.Number:
		if i, err := v.Int64(); err == nil {
			return telemetry.IntValue(i)
		}
		f, _ := v.Float64()
		return telemetry.DoubleValue(f)
	case []any:
		var encoded []byte
		for _, e := range v {
			if _, nested := e.([]any); nested {
				e = fmt.Sprint(e)
			}
			encoded = telemetry.AppendElement(encoded, jsonValue(e))
		}
		return telemetry.ArrayValue(string(encoded))
	}
	text, err := json.Marshal(v)
	if err != nil {
		return telemetry.Value{}
	}
	return telemetry.StringValue(string(text))
}
