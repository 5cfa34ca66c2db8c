package zipkin

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/kiseki-dev/kiseki/ingest"
	"github.com/kiseki-dev/kiseki/telemetry"
	"github.com/kiseki-dev/kiseki/telemetry/plain"
)

// errorTag is the tag of spans that failed; its value may say why.
const errorTag = "error"

// appender makes a batch of Zipkin's spans:
//
//	traceId, id, parentId    as they are, padded with zeros
//	kind, name               as they are
//	timestamp, duration      start and end; without a timestamp see plain.ZipkinNoStartKey
//	localEndpoint            serviceName is the resource's service.name; addresses and port
//	                         are attributes of the span
//	remoteEndpoint           attributes of the span
//	annotations              events
//	tags                     attributes; error and otel.status_code give the status,
//	                         otel.scope.name and otel.scope.version the scope
//	debug, shared            attributes
//
// plain has the attributes' keys; package api/zipkin reads them back. Tags that
// OpenTelemetry has a field for become that field only if the way back makes the
// same tag of it.
type appender struct {
	b         *telemetry.Batch
	limits    ingest.Limits
	now       uint64            // when the request came, Unix nanoseconds
	resources map[string]uint32 // by service name
	scopes    map[[2]string]uint32
	elements  int
	report    ingest.Report
}

func (a *appender) reset(b *telemetry.Batch) {
	if a.resources == nil {
		a.resources, a.scopes = map[string]uint32{}, map[[2]string]uint32{}
	}
	clear(a.resources)
	clear(a.scopes)
	a.b, a.elements, a.report, a.now = b, 0, ingest.Report{}, uint64(time.Now().UnixNano())
}

// add appends a span, which it takes apart.
func (a *appender) add(s *span) error {
	if err := s.check(); err != nil {
		return err
	}
	a.elements += 1 + len(s.annotations) + len(s.tags)
	if a.elements > a.limits.Elements {
		return fmt.Errorf("%w: %d spans, annotations and tags", ingest.ErrTooMany, a.limits.Elements)
	}
	out := telemetry.Span{TraceID: s.traceID, SpanID: s.id, ParentID: s.parent, Name: a.text(s.name), Kind: s.kind}
	if out.ParentID == out.SpanID {
		out.ParentID = telemetry.SpanID{} // as Zipkin has it
	}
	out.Resource = a.resource(a.text(s.local.service))
	out.Scope = a.scope(s)
	start := uint32(len(a.b.Attrs))
	a.endpoints(s)
	a.times(s, &out)
	a.flag(s.debug, plain.ZipkinDebugKey)
	a.flag(s.shared, plain.ZipkinSharedKey)
	a.tags(s, &out)
	out.Attrs = telemetry.Range{Start: start, End: uint32(len(a.b.Attrs))}
	a.b.Spans = append(a.b.Spans, out)
	return nil
}

// text is s as valid UTF-8.
func (a *appender) text(s string) string {
	if utf8.ValidString(s) {
		return s
	}
	a.report.InvalidUTF8++
	return strings.ToValidUTF8(s, "\uFFFD")
}

func (a *appender) attr(key string, v telemetry.Value) {
	a.b.Attrs = append(a.b.Attrs, telemetry.Attr{Key: key, Value: v})
}

func (a *appender) attrText(key, text string) {
	if text != "" {
		a.attr(key, telemetry.StringValue(a.text(text)))
	}
}

func (a *appender) flag(set bool, key string) {
	if set {
		a.attr(key, telemetry.BoolValue(true))
	}
}

// resource is that of a service; one without a name has no attributes.
func (a *appender) resource(service string) uint32 {
	if i, ok := a.resources[service]; ok {
		return i
	}
	start := uint32(len(a.b.Attrs))
	a.attrText(telemetry.ServiceNameKey, service)
	i := uint32(len(a.b.Resources))
	a.b.Resources = append(a.b.Resources, telemetry.Resource{Attrs: telemetry.Range{Start: start, End: uint32(len(a.b.Attrs))}})
	a.resources[service] = i
	return i
}

// scope is the one that a span's tags name, which says too that it came by
// Zipkin.
func (a *appender) scope(s *span) uint32 {
	name, version := scopeOf(s)
	key := [2]string{a.text(name), a.text(version)}
	if i, ok := a.scopes[key]; ok {
		return i
	}
	start := uint32(len(a.b.Attrs))
	a.attr(plain.ReceivedKey, telemetry.StringValue(plain.ReceivedZipkin))
	i := uint32(len(a.b.Scopes))
	a.b.Scopes = append(a.b.Scopes, telemetry.Scope{
		Name: key[0], Version: key[1], Attrs: telemetry.Range{Start: start, End: uint32(len(a.b.Attrs))},
	})
	a.scopes[key] = i
	return i
}

func scopeOf(s *span) (name, version string) {
	for _, t := range s.tags {
		switch {
		case t.key == plain.ScopeNameKey && name == "":
			name = t.value
		case t.key == plain.ScopeVersionKey && version == "":
			version = t.value
		}
	}
	return name, version
}

// endpoints appends what a span says of its two sides, before any of its tags.
func (a *appender) endpoints(s *span) {
	a.attrText(plain.RemoteServiceKey, s.remote.service)
	a.address(&s.remote, plain.RemoteAddressKey, plain.RemoteIPv6Key, plain.RemotePortKey)
	a.address(&s.local, plain.LocalAddressKey, plain.LocalIPv6Key, plain.LocalPortKey)
}

func (a *appender) address(e *endpoint, key, ipv6Key, portKey string) {
	if e.ipv4 != "" {
		a.attrText(key, e.ipv4)
		a.attrText(ipv6Key, e.ipv6)
	} else {
		a.attrText(key, e.ipv6)
	}
	if e.port != 0 {
		a.attr(portKey, telemetry.IntValue(int64(e.port)))
	}
}

// times sets the start, end and events of a span. One whose timestamp is not
// known starts with its first annotation, or when it came: 1970 would be too
// old to be kept.
func (a *appender) times(s *span, out *telemetry.Span) {
	out.Start = s.timestamp * 1000
	first := uint32(len(a.b.Events))
	for _, n := range s.annotations {
		a.b.Events = append(a.b.Events, telemetry.Event{Time: n.timestamp * 1000, Name: a.text(n.value)})
		if s.timestamp == 0 && n.timestamp > 0 && (out.Start == 0 || n.timestamp*1000 < out.Start) {
			out.Start = n.timestamp * 1000
		}
	}
	out.Events = telemetry.Range{Start: first, End: uint32(len(a.b.Events))}
	if s.timestamp == 0 {
		a.flag(true, plain.ZipkinNoStartKey)
		if out.Start == 0 {
			out.Start = a.now
		}
	}
	out.End = out.Start + s.duration*1000
}

// tags appends a span's tags, but for those that the way back makes of its
// status, scope and counts.
func (a *appender) tags(s *span, out *telemetry.Span) {
	name, version := scopeOf(s)
	fromStatus := a.status(s, out)
	a.onlyTags(s)
	for _, t := range s.tags {
		switch {
		case t.key == plain.ScopeNameKey && t.value == name && name != "":
			name = "" // once
			continue
		case t.key == plain.ScopeVersionKey && t.value == version && version != "":
			version = ""
			continue
		case fromStatus && (t.key == errorTag || t.key == plain.StatusCodeKey), dropped(out, t):
			continue
		}
		a.attr(a.text(t.key), telemetry.StringValue(a.text(t.value)))
	}
}

// onlyTags lists the tags that look like a part of an endpoint and are none.
func (a *appender) onlyTags(s *span) {
	var list []byte
	var keys []string // that are in it: at most all endpoint keys
	for _, t := range s.tags {
		if plain.IsEndpointKey(t.key) && !s.says(t.key) && !slices.Contains(keys, t.key) {
			keys = append(keys, t.key)
			list = telemetry.AppendElement(list, telemetry.StringValue(t.key))
		}
	}
	if list != nil {
		a.attr(plain.ZipkinTagsKey, telemetry.ArrayValue(string(list)))
	}
}

// status sets the status that a span's tags give it: one with a tag error has
// failed. It reports whether these tags are what the way back makes of it.
func (a *appender) status(s *span, out *telemetry.Span) (same bool) {
	var code, reason, description string
	codes, reasons := 0, 0
	for _, t := range s.tags {
		switch t.key {
		case plain.StatusCodeKey:
			code, codes = t.value, codes+1
		case errorTag:
			reason, reasons = t.value, reasons+1
		case plain.StatusDescriptionKey: // of the Collector's exporter, beside error=true
			description = t.value
		}
	}
	failed := reasons > 0 && reason != "false"
	switch {
	case failed || code == plain.StatusError:
		out.Status = telemetry.StatusError
		same = failed && reasons == 1 && code == plain.StatusError && codes == 1
		out.StatusMessage = a.text(description)
		if failed && (same || reason != "true") { // which says nothing
			out.StatusMessage = a.text(reason)
		}
	case code == plain.StatusOK:
		out.Status = telemetry.StatusOK
		same = codes == 1 && reasons == 0
	}
	return same
}

// says reports whether an endpoint of a span says what an attribute of
// plain.IsEndpointKey is for.
func (s *span) says(key string) bool {
	both := func(e *endpoint) bool { return e.ipv4 != "" && e.ipv6 != "" }
	switch key {
	case plain.RemoteServiceKey:
		return s.remote.service != ""
	case plain.RemoteAddressKey:
		return s.remote.ipv4 != "" || s.remote.ipv6 != ""
	case plain.LocalAddressKey:
		return s.local.ipv4 != "" || s.local.ipv6 != ""
	case plain.RemoteIPv6Key:
		return both(&s.remote)
	case plain.LocalIPv6Key:
		return both(&s.local)
	case plain.RemotePortKey:
		return s.remote.port != 0
	}
	return s.local.port != 0
}

// dropped takes a tag that counts what was dropped.
func dropped(out *telemetry.Span, t tag) bool {
	var to *uint32
	switch t.key {
	case plain.DroppedAttrsKey:
		to = &out.DroppedAttrs
	case plain.DroppedEventsKey:
		to = &out.DroppedEvents
	case plain.DroppedLinksKey:
		to = &out.DroppedLinks
	default:
		return false
	}
	n, err := strconv.ParseUint(t.value, 10, 32)
	if err != nil || n == 0 || *to != 0 || strconv.FormatUint(n, 10) != t.value {
		return false
	}
	*to = uint32(n)
	return true
}
