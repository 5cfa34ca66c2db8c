package main

import (
	"context"
	"fmt"
	"strconv"

	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/codes"
	sdktrace "go.opentelemetry.io/otel/sdk/trace"
	"go.opentelemetry.io/otel/trace"
)

type object map[string]any

// recorder collects every span that ends.
type recorder struct{ spans []object }

// OnStart does nothing.
func (r *recorder) OnStart(context.Context, sdktrace.ReadWriteSpan) {}

// OnEnd describes the span.
func (r *recorder) OnEnd(s sdktrace.ReadOnlySpan) { r.spans = append(r.spans, describe(s)) }

// Shutdown does nothing.
func (r *recorder) Shutdown(context.Context) error { return nil }

// ForceFlush does nothing.
func (r *recorder) ForceFlush(context.Context) error { return nil }

func describe(s sdktrace.ReadOnlySpan) object {
	events, links := []object{}, []object{}
	for _, e := range s.Events() {
		events = append(events, object{
			"timeUnixNano":           fmt.Sprint(e.Time.UnixNano()),
			"name":                   e.Name,
			"attributes":             describeAttributes(e.Attributes),
			"droppedAttributesCount": e.DroppedAttributeCount,
		})
	}
	for _, l := range s.Links() {
		links = append(links, object{ // this SDK does not send the trace state of a link
			"traceId":                l.SpanContext.TraceID().String(),
			"spanId":                 l.SpanContext.SpanID().String(),
			"flags":                  flags(l.SpanContext, l.SpanContext),
			"attributes":             describeAttributes(l.Attributes),
			"droppedAttributesCount": l.DroppedAttributeCount,
		})
	}
	parent := ""
	if s.Parent().HasSpanID() {
		parent = s.Parent().SpanID().String()
	}
	scope := s.InstrumentationScope()
	return object{
		"traceId":                s.SpanContext().TraceID().String(),
		"spanId":                 s.SpanContext().SpanID().String(),
		"parentSpanId":           parent,
		"traceState":             s.SpanContext().TraceState().String(),
		"flags":                  flags(s.SpanContext(), s.Parent()),
		"name":                   s.Name(),
		"kind":                   int(s.SpanKind()), // its numbers are those of OTLP
		"startTimeUnixNano":      fmt.Sprint(s.StartTime().UnixNano()),
		"endTimeUnixNano":        fmt.Sprint(s.EndTime().UnixNano()),
		"status":                 object{"code": statusCodes[s.Status().Code], "message": s.Status().Description},
		"attributes":             describeAttributes(s.Attributes()),
		"droppedAttributesCount": s.DroppedAttributes(),
		"events":                 events,
		"droppedEventsCount":     s.DroppedEvents(),
		"links":                  links,
		"droppedLinksCount":      s.DroppedLinks(),
		"scope": object{
			"name": scope.Name, "version": scope.Version, "attributes": describeAttributes(scope.Attributes.ToSlice()),
		},
		"scopeSchemaUrl":    scope.SchemaURL,
		"resource":          object{"attributes": describeAttributes(s.Resource().Attributes())},
		"resourceSchemaUrl": s.Resource().SchemaURL(),
	}
}

// statusCodes are the SDK's codes in OTLP's numbers; the SDK counts
// differently.
var statusCodes = map[codes.Code]int{codes.Unset: 0, codes.Ok: 1, codes.Error: 2}

// flags are those of OTLP: W3C's own, that it is known whether the context
// is remote (0x100), and that it is (0x200).
func flags(own, context trace.SpanContext) int {
	f := int(own.TraceFlags()) | 0x100
	if context.IsRemote() {
		f |= 0x200
	}
	return f
}

func describeAttributes(attrs []attribute.KeyValue) []object {
	list := []object{}
	for _, a := range attrs {
		list = append(list, object{"key": string(a.Key), "value": describeValue(a.Value)})
	}
	return list
}

func describeValue(v attribute.Value) object {
	switch v.Type() {
	case attribute.BOOL:
		return object{"boolValue": v.AsBool()}
	case attribute.INT64:
		return object{"intValue": fmt.Sprint(v.AsInt64())}
	case attribute.FLOAT64:
		return object{"doubleValue": strconv.FormatFloat(v.AsFloat64(), 'g', -1, 64)}
	case attribute.STRING:
		return object{"stringValue": v.AsString()}
	case attribute.BOOLSLICE:
		return array(v.AsBoolSlice(), attribute.BoolValue)
	case attribute.INT64SLICE:
		return array(v.AsInt64Slice(), attribute.Int64Value)
	case attribute.FLOAT64SLICE:
		return array(v.AsFloat64Slice(), attribute.Float64Value)
	case attribute.STRINGSLICE:
		return array(v.AsStringSlice(), attribute.StringValue)
	case attribute.BYTESLICE:
		return object{"bytesValue": v.AsByteSlice()} // base64, as in OTLP/JSON
	case attribute.SLICE:
		return array(v.AsSlice(), func(e attribute.Value) attribute.Value { return e })
	case attribute.MAP:
		return object{"kvlistValue": object{"values": describeAttributes(v.AsMap())}}
	default:
		return object{}
	}
}

func array[T any](elements []T, value func(T) attribute.Value) object {
	values := []object{}
	for _, e := range elements {
		values = append(values, describeValue(value(e)))
	}
	return object{"arrayValue": object{"values": values}}
}
