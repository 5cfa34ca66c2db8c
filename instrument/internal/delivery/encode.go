package delivery

import (
	"encoding/binary"
	"math"
	"slices"
	"strings"
	"time"
	"unicode/utf8"

	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/codes"
	"go.opentelemetry.io/otel/sdk/instrumentation"
	"go.opentelemetry.io/otel/sdk/resource"
	sdktrace "go.opentelemetry.io/otel/sdk/trace"
	"go.opentelemetry.io/otel/trace"
)

// The wire format is protobuf's encoding of ExportTraceServiceRequest,
// https://github.com/open-telemetry/opentelemetry-proto. It is appended
// straight from the SDK's spans: the generated types would cost an
// application their reflection, some megabytes, and a copy of every span.
// The test compares with the generated types, field by field.

// Field numbers of the messages, as the .proto files name them.
const (
	requestResourceSpans = 1

	resourceSpansResource, resourceSpansScopeSpans, resourceSpansSchemaURL = 1, 2, 3
	resourceAttributes                                                     = 1
	scopeSpansScope, scopeSpansSpans, scopeSpansSchemaURL                  = 1, 2, 3
	scopeName, scopeVersion, scopeAttributes                               = 1, 2, 3

	spanTraceID, spanSpanID, spanTraceState, spanParent        = 1, 2, 3, 4
	spanName, spanKind, spanStart, spanEnd                     = 5, 6, 7, 8
	spanAttributes, spanDroppedAttributes                      = 9, 10
	spanEvents, spanDroppedEvents, spanLinks, spanDroppedLinks = 11, 12, 13, 14
	spanStatus, spanFlags                                      = 15, 16
	eventTime, eventName, eventAttributes, eventDropped        = 1, 2, 3, 4
	linkTraceID, linkSpanID, linkTraceState                    = 1, 2, 3
	linkAttributes, linkDropped, linkFlags                     = 4, 5, 6
	statusMessage, statusCode                                  = 2, 3
	pairKey, pairValue                                         = 1, 2
	valueString, valueBool, valueInt, valueDouble              = 1, 2, 3, 4
	valueArray, valueMap, valueBytes                           = 5, 6, 7
	listValues                                                 = 1
)

// Wire types of protobuf.
const (
	wireVarint  = 0
	wireFixed64 = 1
	wireBytes   = 2
	wireFixed32 = 5
)

// Flags of a span and of a link beside W3C's eight bits: the sender knows
// whether the parent is remote, and it is.
const (
	flagKnowsRemote = 1 << 8
	flagIsRemote    = 1 << 9
)

// encode appends an ExportTraceServiceRequest of the spans to b.
func encode(b []byte, spans []sdktrace.ReadOnlySpan) []byte {
	for _, r := range groupByResource(spans) {
		b = message(b, requestResourceSpans, func(b []byte) []byte {
			b = message(b, resourceSpansResource, func(b []byte) []byte {
				return attributes(b, resourceAttributes, r.resource.Attributes())
			})
			for _, s := range r.scopes {
				b = message(b, resourceSpansScopeSpans, func(b []byte) []byte { return appendScope(b, s) })
			}
			return text(b, resourceSpansSchemaURL, r.resource.SchemaURL())
		})
	}
	return b
}

type resourceGroup struct {
	resource *resource.Resource
	scopes   []*scopeGroup
}

type scopeGroup struct {
	scope instrumentation.Scope
	spans []sdktrace.ReadOnlySpan
}

// groupByResource keeps the order of the spans within a scope. A program has
// one resource and a handful of scopes, so that looking through the groups
// is cheaper than a map.
func groupByResource(spans []sdktrace.ReadOnlySpan) []*resourceGroup {
	var groups []*resourceGroup
	for _, s := range spans {
		res, scope := s.Resource(), s.InstrumentationScope()
		i := slices.IndexFunc(groups, func(g *resourceGroup) bool {
			return g.resource == res || g.resource.Equal(res)
		})
		if i < 0 {
			i = len(groups)
			groups = append(groups, &resourceGroup{resource: res})
		}
		g := groups[i]
		j := slices.IndexFunc(g.scopes, func(s *scopeGroup) bool { return s.scope == scope })
		if j < 0 {
			j = len(g.scopes)
			g.scopes = append(g.scopes, &scopeGroup{scope: scope})
		}
		g.scopes[j].spans = append(g.scopes[j].spans, s)
	}
	return groups
}

func appendScope(b []byte, s *scopeGroup) []byte {
	b = message(b, scopeSpansScope, func(b []byte) []byte {
		b = text(b, scopeName, s.scope.Name)
		b = text(b, scopeVersion, s.scope.Version)
		return attributes(b, scopeAttributes, s.scope.Attributes.ToSlice())
	})
	for _, span := range s.spans {
		b = message(b, scopeSpansSpans, func(b []byte) []byte { return appendSpan(b, span) })
	}
	return text(b, scopeSpansSchemaURL, s.scope.SchemaURL)
}

func appendSpan(b []byte, s sdktrace.ReadOnlySpan) []byte {
	sc := s.SpanContext()
	traceID, spanID := sc.TraceID(), sc.SpanID()
	b = blob(b, spanTraceID, traceID[:])
	b = blob(b, spanSpanID, spanID[:])
	b = text(b, spanTraceState, sc.TraceState().String())
	if parent := s.Parent().SpanID(); parent.IsValid() {
		b = blob(b, spanParent, parent[:])
	}
	b = text(b, spanName, s.Name())
	b = number(b, spanKind, uint64(s.SpanKind()))
	b = fixed64(b, spanStart, nanoseconds(s.StartTime()))
	b = fixed64(b, spanEnd, nanoseconds(s.EndTime()))
	b = attributes(b, spanAttributes, s.Attributes())
	b = count(b, spanDroppedAttributes, s.DroppedAttributes())
	for _, e := range s.Events() {
		b = message(b, spanEvents, func(b []byte) []byte {
			b = fixed64(b, eventTime, nanoseconds(e.Time))
			b = text(b, eventName, e.Name)
			b = attributes(b, eventAttributes, e.Attributes)
			return count(b, eventDropped, e.DroppedAttributeCount)
		})
	}
	b = count(b, spanDroppedEvents, s.DroppedEvents())
	for _, l := range s.Links() {
		b = message(b, spanLinks, func(b []byte) []byte { return appendLink(b, l) })
	}
	b = count(b, spanDroppedLinks, s.DroppedLinks())
	if st := s.Status(); st.Code != codes.Unset {
		b = message(b, spanStatus, func(b []byte) []byte {
			b = text(b, statusMessage, st.Description)
			return number(b, statusCode, otlpStatus(st.Code))
		})
	}
	return fixed32(b, spanFlags, flags(sc, s.Parent()))
}

func appendLink(b []byte, l sdktrace.Link) []byte {
	traceID, spanID := l.SpanContext.TraceID(), l.SpanContext.SpanID()
	b = blob(b, linkTraceID, traceID[:])
	b = blob(b, linkSpanID, spanID[:])
	b = text(b, linkTraceState, l.SpanContext.TraceState().String())
	b = attributes(b, linkAttributes, l.Attributes)
	b = count(b, linkDropped, l.DroppedAttributeCount)
	return fixed32(b, linkFlags, flags(l.SpanContext, l.SpanContext))
}

// otlpStatus maps the API's numbers of a status, which are not OTLP's.
func otlpStatus(c codes.Code) uint64 {
	if c == codes.Ok {
		return 1
	}
	return 2
}

func flags(sc, parent trace.SpanContext) uint32 {
	f := uint32(sc.TraceFlags()) | flagKnowsRemote
	if parent.IsRemote() {
		f |= flagIsRemote
	}
	return f
}

// nanoseconds is a time as OTLP has it; what lies before 1970 becomes 0.
func nanoseconds(t time.Time) uint64 {
	return uint64(max(0, t.UnixNano()))
}

func attributes(b []byte, field int, kvs []attribute.KeyValue) []byte {
	for _, kv := range kvs {
		b = message(b, field, func(b []byte) []byte {
			b = text(b, pairKey, string(kv.Key))
			return message(b, pairValue, func(b []byte) []byte { return appendValue(b, kv.Value) })
		})
	}
	return b
}

// appendValue appends the one field of an AnyValue. It is written even when
// it is zero: an AnyValue without a field is a value of no type.
func appendValue(b []byte, v attribute.Value) []byte {
	switch v.Type() {
	case attribute.BOOL:
		return append(tag(b, valueBool, wireVarint), boolByte(v.AsBool()))
	case attribute.INT64:
		return binary.AppendUvarint(tag(b, valueInt, wireVarint), uint64(v.AsInt64()))
	case attribute.FLOAT64:
		return binary.LittleEndian.AppendUint64(tag(b, valueDouble, wireFixed64), math.Float64bits(v.AsFloat64()))
	case attribute.STRING:
		return field(b, valueString, valid(v.AsString()))
	case attribute.BYTESLICE:
		return field(b, valueBytes, v.AsByteSlice())
	case attribute.BOOLSLICE:
		return array(b, v.AsBoolSlice(), attribute.BoolValue)
	case attribute.INT64SLICE:
		return array(b, v.AsInt64Slice(), attribute.Int64Value)
	case attribute.FLOAT64SLICE:
		return array(b, v.AsFloat64Slice(), attribute.Float64Value)
	case attribute.STRINGSLICE:
		return array(b, v.AsStringSlice(), attribute.StringValue)
	case attribute.SLICE:
		return array(b, v.AsSlice(), func(v attribute.Value) attribute.Value { return v })
	case attribute.MAP:
		return message(b, valueMap, func(b []byte) []byte { return attributes(b, listValues, v.AsMap()) })
	}
	return b
}

func array[T any](b []byte, list []T, value func(T) attribute.Value) []byte {
	return message(b, valueArray, func(b []byte) []byte {
		for _, x := range list {
			b = message(b, listValues, func(b []byte) []byte { return appendValue(b, value(x)) })
		}
		return b
	})
}

// message appends a length-delimited field whose content body appends. One
// byte is reserved for the length, which is enough for most; a longer one
// moves the content.
func message(b []byte, field int, body func([]byte) []byte) []byte {
	b = append(tag(b, field, wireBytes), 0)
	start := len(b)
	b = body(b)
	n := len(b) - start
	if n < 0x80 {
		b[start-1] = byte(n)
		return b
	}
	var length [binary.MaxVarintLen64]byte
	w := binary.PutUvarint(length[:], uint64(n))
	return slices.Replace(b, start-1, start, length[:w]...)
}

func tag(b []byte, field int, wire uint64) []byte {
	return binary.AppendUvarint(b, uint64(field)<<3|wire)
}

// field appends a length-delimited field, an empty one too.
func field[T string | []byte](b []byte, number int, s T) []byte {
	b = binary.AppendUvarint(tag(b, number, wireBytes), uint64(len(s)))
	return append(b, s...)
}

// text appends a string; protobuf leaves out the empty one.
func text(b []byte, number int, s string) []byte {
	if s == "" {
		return b
	}
	return field(b, number, valid(s))
}

// valid replaces what is not UTF-8: a receiver must refuse the whole request
// because of one such string.
func valid(s string) string {
	if utf8.ValidString(s) {
		return s
	}
	return strings.ToValidUTF8(s, "\uFFFD")
}

func blob(b []byte, number int, s []byte) []byte { return field(b, number, s) }

func number(b []byte, field int, v uint64) []byte {
	if v == 0 {
		return b
	}
	return binary.AppendUvarint(tag(b, field, wireVarint), v)
}

// count appends a uint32 that counts.
func count(b []byte, field, n int) []byte {
	return number(b, field, uint64(min(max(0, n), math.MaxUint32)))
}

func fixed64(b []byte, field int, v uint64) []byte {
	if v == 0 {
		return b
	}
	return binary.LittleEndian.AppendUint64(tag(b, field, wireFixed64), v)
}

func fixed32(b []byte, field int, v uint32) []byte {
	if v == 0 {
		return b
	}
	return binary.LittleEndian.AppendUint32(tag(b, field, wireFixed32), v)
}

func boolByte(v bool) byte {
	if v {
		return 1
	}
	return 0
}
