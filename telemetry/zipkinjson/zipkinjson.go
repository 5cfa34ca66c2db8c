// Package zipkinjson writes spans as Zipkin's, in the JSON of its API v2,
// https://zipkin.io/zipkin-api/, by appending text and not by reflection.
package zipkinjson

import (
	"encoding/hex"
	"strconv"

	"github.com/kiseki-dev/kiseki/telemetry"
	"github.com/kiseki-dev/kiseki/telemetry/otlpjson"
	"github.com/kiseki-dev/kiseki/telemetry/plain"
)

// ErrorTag is the tag of spans that failed, with the status message.
const ErrorTag = "error"

// StatusNames are the values of the tag of a status; an unset one has none.
var StatusNames = map[telemetry.Status]string{telemetry.StatusOK: plain.StatusOK, telemetry.StatusError: plain.StatusError}

var kindNames = map[telemetry.Kind]string{
	telemetry.KindClient: "CLIENT", telemetry.KindServer: "SERVER", telemetry.KindProducer: "PRODUCER", telemetry.KindConsumer: "CONSUMER",
}

// writer writes the spans of one trace as Zipkin's:
//
//	traceId, id, parentId   in hexadecimal; a trace ID of 64 bits with 16 digits
//	kind                    unless internal or unspecified
//	timestamp, duration     microseconds; a duration below one is one, none is left out
//	localEndpoint           the resource's service.name
//	remoteEndpoint          of spans that call, see remoteKeys
//	annotations             events: the name, and attributes as JSON behind it
//	tags                    attributes of the span, then of the resource; status,
//	                        scope, what was dropped
//	shared                  of a server's span whose client's span has its ID too
//
// A span that came by Zipkin is written as it was sent, see [received].
// Links and the trace state have no place in Zipkin's model.
type writer struct {
	batch *telemetry.Batch
	spill func([]byte) ([]byte, error) // see otlpjson.Write

	clients map[telemetry.SpanID]bool // the IDs of spans of kind client
	tags    map[string]bool           // the keys written of the span at hand
}

// Write appends the array of all spans of b; spill is that of
// [otlpjson.Write]. What is shared between a client and a server is found within
// b, so it is best a whole trace.
func Write(dst []byte, b *telemetry.Batch, spill func([]byte) ([]byte, error)) ([]byte, error) {
	w := writer{batch: b, spill: spill}
	return w.trace(dst)
}

// UnknownService is what OpenTelemetry calls a service without a name.
const UnknownService = "unknown_service"

// ServiceName is the name that a service is shown with.
func ServiceName(name string) string {
	if name == "" {
		return UnknownService
	}
	return name
}

// trace appends the array of all spans.
func (w *writer) trace(dst []byte) (_ []byte, err error) {
	w.clients, w.tags = map[telemetry.SpanID]bool{}, map[string]bool{}
	for i := range w.batch.Spans {
		if s := &w.batch.Spans[i]; s.Kind == telemetry.KindClient {
			w.clients[s.SpanID] = true
		}
	}
	dst = append(dst, '[')
	for i := range w.batch.Spans {
		if i > 0 {
			dst = append(dst, ',')
		}
		if dst, err = w.spill(w.span(dst, &w.batch.Spans[i])); err != nil {
			return dst, err
		}
	}
	return append(dst, ']'), nil
}

func (w *writer) span(dst []byte, s *telemetry.Span) []byte {
	dst = append(dst, `{"traceId":"`...)
	id := s.TraceID[:]
	if [8]byte(id) == ([8]byte{}) {
		id = id[8:]
	}
	dst = append(hex.AppendEncode(dst, id), '"')
	if !s.ParentID.IsZero() {
		dst = otlpjson.AppendHex(append(dst, `,"parentId":`...), s.ParentID[:])
	}
	dst = otlpjson.AppendHex(append(dst, `,"id":`...), s.SpanID[:])
	if k := kindNames[s.Kind]; k != "" {
		dst = appendText(dst, `,"kind":`, k)
	}
	if s.Name != "" {
		dst = appendText(dst, `,"name":`, s.Name)
	}
	r, own := w.receivedOf(s)
	if !own || !r.noStart {
		dst = appendNumber(dst, `,"timestamp":`, s.Start/1000)
	}
	if d := s.Duration(); d > 0 {
		dst = appendNumber(dst, `,"duration":`, max(1, d/1000))
	}
	if own {
		dst = r.remote.append(r.local.append(dst, `,"localEndpoint":`), `,"remoteEndpoint":`)
	} else {
		dst = append(appendText(dst, `,"localEndpoint":{"serviceName":`, ServiceName(w.batch.ServiceName(s.Resource))), '}')
		dst = appendEndpoint(dst, remoteOf(w.batch, s))
	}
	dst = w.annotations(dst, s)
	dst = w.allTags(dst, s, r)
	if own && r.debug {
		dst = append(dst, `,"debug":true`...)
	}
	if own && r.shared || !own && s.Kind == telemetry.KindServer && w.clients[s.SpanID] {
		dst = append(dst, `,"shared":true`...)
	}
	return append(dst, '}')
}

// appendText appends what introduces a string, and the string.
func appendText(dst []byte, intro, s string) []byte {
	return otlpjson.AppendString(append(dst, intro...), s)
}

func appendNumber(dst []byte, intro string, n uint64) []byte {
	return strconv.AppendUint(append(dst, intro...), n, 10)
}

func appendEndpoint(dst []byte, e endpoint) []byte {
	switch {
	case e.name != "":
		dst = appendText(dst, `,"remoteEndpoint":{"serviceName":`, e.name)
	case e.address.Is4():
		dst = appendText(dst, `,"remoteEndpoint":{"ipv4":`, e.address.String())
	case e.address.Is6():
		dst = appendText(dst, `,"remoteEndpoint":{"ipv6":`, e.address.String())
	default:
		return dst
	}
	if e.port > 0 {
		dst = appendNumber(dst, `,"port":`, uint64(e.port))
	}
	return append(dst, '}')
}

func (w *writer) annotations(dst []byte, s *telemetry.Span) []byte {
	for i, e := range w.batch.EventsOf(s) {
		intro := `,{"timestamp":`
		if i == 0 {
			intro = `,"annotations":[{"timestamp":`
		}
		dst = appendNumber(dst, intro, e.Time/1000)
		text := e.Name
		if attrs := w.batch.AttrsOf(e.Attrs); len(attrs) > 0 {
			b := otlpjson.AppendString(nil, e.Name)
			text = string(plain.AppendObject(append(b, ": "...), attrs))
		}
		dst = append(appendText(dst, `,"value":`, text), '}')
	}
	if s.Events.Len() > 0 {
		dst = append(dst, ']')
	}
	return dst
}

// allTags appends the tags; r is nil unless the span came by Zipkin.
func (w *writer) allTags(dst []byte, s *telemetry.Span, r *received) []byte {
	clear(w.tags)
	if r == nil || !r.failure {
		if s.Status == telemetry.StatusError {
			dst = w.tag(dst, ErrorTag, s.StatusMessage)
		}
		if name := StatusNames[s.Status]; name != "" {
			dst = w.tag(dst, plain.StatusCodeKey, name)
		}
	}
	if r == nil {
		dst = w.attributes(dst, s.Attrs)
	} else {
		for i, a := range w.batch.AttrsOf(s.Attrs) {
			if !r.fields[i] {
				dst = w.tag(dst, a.Key, string(plain.AppendText(nil, a.Value)))
			}
		}
	}
	dst = w.attributes(dst, w.batch.Resources[s.Resource].Attrs)
	scope := &w.batch.Scopes[s.Scope]
	dst = w.unlessEmpty(dst, plain.ScopeNameKey, scope.Name)
	dst = w.unlessEmpty(dst, plain.ScopeVersionKey, scope.Version)
	dst = w.dropped(dst, plain.DroppedAttrsKey, s.DroppedAttrs)
	dst = w.dropped(dst, plain.DroppedEventsKey, s.DroppedEvents)
	dst = w.dropped(dst, plain.DroppedLinksKey, s.DroppedLinks)
	if len(w.tags) > 0 {
		dst = append(dst, '}')
	}
	return dst
}

func (w *writer) attributes(dst []byte, r telemetry.Range) []byte {
	for _, a := range w.batch.AttrsOf(r) {
		if a.Key == telemetry.ServiceNameKey && a.Value.Type() == telemetry.ValueString {
			continue // it is the local endpoint's
		}
		text := a.Value.Str()
		if a.Value.Type() != telemetry.ValueString {
			text = string(plain.AppendText(nil, a.Value))
		}
		if a.Key == ErrorTag && text == "false" {
			continue // any span with the tag has failed, to Zipkin
		}
		dst = w.tag(dst, a.Key, text)
	}
	return dst
}

func (w *writer) dropped(dst []byte, key string, n uint32) []byte {
	if n == 0 {
		return dst
	}
	return w.tag(dst, key, strconv.FormatUint(uint64(n), 10))
}

func (w *writer) unlessEmpty(dst []byte, key, text string) []byte {
	if text == "" {
		return dst
	}
	return w.tag(dst, key, text)
}

// tag appends a tag unless the span has one of that key.
func (w *writer) tag(dst []byte, key, text string) []byte {
	if w.tags[key] {
		return dst
	}
	intro := ","
	if len(w.tags) == 0 {
		intro = `,"tags":{`
	}
	w.tags[key] = true
	return appendText(appendText(dst, intro, key), ":", text)
}
