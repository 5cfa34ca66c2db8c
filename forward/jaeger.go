package forward

import (
	"context"
	"math"

	"google.golang.org/protobuf/encoding/protowire"

	"github.com/kiseki-dev/kiseki/telemetry"
	"github.com/kiseki-dev/kiseki/telemetry/jaegerspan"
)

const postSpansMethod = "/jaeger.api_v2.CollectorService/PostSpans"

// jaeger calls PostSpans of Jaeger's collectors.
type jaeger struct {
	*caller
	body []byte
}

func newJaeger(_ *Options, t *target) (sender, error) {
	c, err := newCaller(t, postSpansMethod)
	if err != nil {
		return nil, err
	}
	return &jaeger{caller: c}, nil
}

func (s *jaeger) send(ctx context.Context, b *telemetry.Batch) error {
	s.body = appendPostSpans(s.body[:0], b)
	_, err := s.call(ctx, s.body, len(b.Spans))
	return err
}

// The numbers of the fields of Jaeger's api_v2,
// https://github.com/jaegertracing/jaeger-idl/blob/main/proto/api_v2/model.proto.
const (
	postBatch  = 1
	batchSpans = 1

	spanTraceID    = 1
	spanID         = 2
	spanOperation  = 3
	spanReferences = 4
	spanFlags      = 5
	spanStart      = 6
	spanDuration   = 7
	spanTags       = 8
	spanLogs       = 9
	spanProcess    = 10
	spanWarnings   = 12

	refTraceID = 1
	refSpanID  = 2
	refType    = 3 // CHILD_OF is 0
	followsRef = 1

	logTime   = 1
	logFields = 2

	processService = 1
	processTags    = 2

	tagKey    = 1
	tagType   = 2 // a string is 0
	tagString = 3
	tagBool   = 4
	tagInt    = 5
	tagDouble = 6
	tagBytes  = 7

	typeBool   = 1
	typeInt    = 2
	typeDouble = 3
	typeBytes  = 4
)

// appendPostSpans appends a PostSpansRequest. Each span has its own process, as
// a batch may be of many.
func appendPostSpans(dst []byte, b *telemetry.Batch) []byte {
	m := jaegerspan.Model{Batch: b}
	processes := map[uint32][]byte{}
	var spans []byte
	for i := range b.Spans {
		s := &b.Spans[i]
		if processes[s.Resource] == nil {
			processes[s.Resource] = appendProcess(nil, &m, s.Resource)
		}
		spans = appendMessage(spans, batchSpans, appendSpan(nil, &m, s, processes[s.Resource]))
	}
	return appendMessage(dst, postBatch, spans)
}

func appendProcess(dst []byte, m *jaegerspan.Model, resource uint32) []byte {
	service, tags := m.ProcessOf(resource)
	return appendTags(appendString(dst, processService, service), processTags, tags)
}

func appendSpan(dst []byte, m *jaegerspan.Model, s *telemetry.Span, process []byte) []byte {
	dst = appendMessage(dst, spanTraceID, s.TraceID[:])
	dst = appendMessage(dst, spanID, s.SpanID[:])
	dst = appendString(dst, spanOperation, s.Name)
	for _, r := range m.ReferencesOf(s) {
		ref := appendMessage(appendMessage(nil, refTraceID, r.Trace[:]), refSpanID, r.Span[:])
		if !r.ChildOf {
			ref = appendNumber(ref, refType, followsRef)
		}
		dst = appendMessage(dst, spanReferences, ref)
	}
	dst = appendNumber(dst, spanFlags, uint64(m.FlagsOf(s)))
	dst = appendMessage(dst, spanStart, appendTime(nil, s.Start))
	dst = appendMessage(dst, spanDuration, appendTime(nil, s.Duration()))
	dst = appendTags(dst, spanTags, m.TagsOf(s))
	events := m.EventsOf(s)
	for i := range events {
		log := appendMessage(nil, logTime, appendTime(nil, events[i].Time))
		dst = appendMessage(dst, spanLogs, appendTags(log, logFields, m.FieldsOf(&events[i])))
	}
	dst = appendMessage(dst, spanProcess, process)
	for _, w := range m.WarningsOf(s) {
		dst = appendMessage(dst, spanWarnings, []byte(w))
	}
	return dst
}

func appendTags(dst []byte, field protowire.Number, tags []jaegerspan.Tag) []byte {
	for _, t := range tags {
		kv := appendString(nil, tagKey, t.Key)
		switch v := t.Value; v.Type() {
		case telemetry.ValueBool:
			kv = appendNumber(appendNumber(kv, tagType, typeBool), tagBool, v.Num())
		case telemetry.ValueInt:
			kv = appendNumber(appendNumber(kv, tagType, typeInt), tagInt, v.Num())
		case telemetry.ValueDouble:
			kv = appendNumber(kv, tagType, typeDouble)
			kv = protowire.AppendFixed64(protowire.AppendTag(kv, tagDouble, protowire.Fixed64Type), math.Float64bits(v.Double()))
		case telemetry.ValueBytes:
			kv = appendString(appendNumber(kv, tagType, typeBytes), tagBytes, v.Str())
		default:
			kv = appendString(kv, tagString, v.Str())
		}
		dst = appendMessage(dst, field, kv)
	}
	return dst
}

// appendTime appends a Timestamp or a Duration.
func appendTime(dst []byte, ns uint64) []byte {
	const second = 1_000_000_000
	ns = min(ns, math.MaxInt64) // what clients hold it in
	return appendNumber(appendNumber(dst, 1, ns/second), 2, ns%second)
}

func appendMessage(dst []byte, field protowire.Number, m []byte) []byte {
	return protowire.AppendBytes(protowire.AppendTag(dst, field, protowire.BytesType), m)
}

// The appenders below leave out what is zero, as proto3 does.

func appendString(dst []byte, field protowire.Number, s string) []byte {
	if s == "" {
		return dst
	}
	return protowire.AppendString(protowire.AppendTag(dst, field, protowire.BytesType), s)
}

func appendNumber(dst []byte, field protowire.Number, n uint64) []byte {
	if n == 0 {
		return dst
	}
	return protowire.AppendVarint(protowire.AppendTag(dst, field, protowire.VarintType), n)
}
