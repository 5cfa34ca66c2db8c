package tempo

import (
	"encoding/hex"
	"math"

	common "go.opentelemetry.io/proto/otlp/common/v1"

	"github.com/kiseki-dev/kiseki/api/tempo/tempopb"
	"github.com/kiseki-dev/kiseki/query/exec"
	"github.com/kiseki-dev/kiseki/query/traceql"
	"github.com/kiseki-dev/kiseki/storage/scan"
	"github.com/kiseki-dev/kiseki/telemetry"
)

// attribute is how a field is told among the attributes of a span.
type attribute struct {
	field traceql.Field
	name  string
}

// attributeNames are the names of fields: an attribute's is its key without
// its scope, as it is in Tempo.
func attributeNames(fields []traceql.Field) []attribute {
	out := make([]attribute, len(fields))
	for i, f := range fields {
		out[i] = attribute{f, f.Key}
		if f.Scope == scan.ScopeIntrinsic {
			out[i].name = f.String()
		}
	}
	return out
}

func traceMessage(s *exec.Summary, names []attribute) *tempopb.TraceSearchMetadata {
	out := &tempopb.TraceSearchMetadata{
		TraceID: s.ID.String(), RootServiceName: s.RootService, RootTraceName: s.RootName,
		StartTimeUnixNano: s.Start, DurationMs: milliseconds(s.Duration), ServiceStats: map[string]*tempopb.ServiceStats{},
	}
	if s.RootMissing {
		out.RootTraceName = rootMissing
	}
	for _, c := range s.Services {
		out.ServiceStats[c.Name] = &tempopb.ServiceStats{SpanCount: uint32(c.Spans), ErrorCount: uint32(c.Errors)}
	}
	for i := range s.Sets {
		out.SpanSets = append(out.SpanSets, setMessage(&s.Sets[i], names))
	}
	if len(out.SpanSets) > 0 {
		out.SpanSet = out.SpanSets[0]
	}
	return out
}

// rootMissing stands for the name of a root that has not arrived, in Tempo's
// words; the service is that of the earliest span.
const rootMissing = "<root span not yet received>"

// milliseconds fits the signed 32 bits that clients have for a duration.
func milliseconds(nanos uint64) uint32 { return uint32(min(nanos/1e6, math.MaxInt32)) }

func setMessage(s *exec.SpanSet, names []attribute) *tempopb.SpanSet {
	out := &tempopb.SpanSet{Matched: uint32(s.Matched)}
	for _, t := range s.Traits {
		if v := t.Value; t.Present {
			out.Attributes = append(out.Attributes, &common.KeyValue{Key: t.Name, Value: anyValue(v)})
		}
	}
	for i := range s.Spans {
		span := &s.Spans[i]
		m := &tempopb.Span{SpanID: span.ID.String(), Name: span.Name, StartTimeUnixNano: span.Start, DurationNanos: span.Duration}
		for k, v := range span.Values {
			if v.Present {
				m.Attributes = append(m.Attributes, &common.KeyValue{Key: names[k].name, Value: fieldValue(names[k].field, v.Value)})
			}
		}
		out.Spans = append(out.Spans, m)
	}
	return out
}

// fieldValue is a field's value as clients want it: statuses and kinds are
// words, ids are hexadecimal.
func fieldValue(f traceql.Field, v telemetry.Value) *common.AnyValue {
	switch f.Intrinsic {
	case scan.IntrinsicStatus:
		return textValue(telemetry.Status(v.Int()).String())
	case scan.IntrinsicKind:
		return textValue(telemetry.Kind(v.Int()).String())
	case scan.IntrinsicTraceID, scan.IntrinsicSpanID, scan.IntrinsicParentID, scan.IntrinsicLinkTraceID, scan.IntrinsicLinkSpanID:
		return textValue(hex.EncodeToString([]byte(v.Str())))
	}
	return anyValue(v)
}

func textValue(s string) *common.AnyValue {
	return &common.AnyValue{Value: &common.AnyValue_StringValue{StringValue: s}}
}

// anyValue is a value as a message.
func anyValue(v telemetry.Value) *common.AnyValue {
	out := &common.AnyValue{}
	switch v.Type() {
	case telemetry.ValueString:
		return textValue(v.Str())
	case telemetry.ValueBool:
		out.Value = &common.AnyValue_BoolValue{BoolValue: v.Bool()}
	case telemetry.ValueInt:
		out.Value = &common.AnyValue_IntValue{IntValue: v.Int()}
	case telemetry.ValueDouble:
		out.Value = &common.AnyValue_DoubleValue{DoubleValue: v.Double()}
	case telemetry.ValueBytes:
		out.Value = &common.AnyValue_BytesValue{BytesValue: []byte(v.Str())}
	case telemetry.ValueArray:
		list := &common.ArrayValue{}
		_ = telemetry.Elements(v.Str(), func(e telemetry.Value) bool { // stored arrays are well formed
			list.Values = append(list.Values, anyValue(e))
			return true
		})
		out.Value = &common.AnyValue_ArrayValue{ArrayValue: list}
	case telemetry.ValueMap:
		list := &common.KeyValueList{}
		_ = telemetry.Entries(v.Str(), func(e telemetry.Attr) bool { // likewise
			list.Values = append(list.Values, &common.KeyValue{Key: e.Key, Value: anyValue(e.Value)})
			return true
		})
		out.Value = &common.AnyValue_KvlistValue{KvlistValue: list}
	}
	return out
}

// searchMetrics tells what was read; jobs are blocks, and all of them are
// done once the answer is whole, for then those left could add nothing.
func searchMetrics(s exec.Stats, traces int) *tempopb.SearchMetrics {
	done := s.TotalBlocks
	if !s.Complete {
		done = min(s.ScannedBlocks, s.TotalBlocks)
	}
	return &tempopb.SearchMetrics{
		InspectedTraces: uint32(traces), InspectedSpans: s.ScannedSpans, TotalBlocks: uint32(s.TotalBlocks),
		CompletedJobs: uint32(done), TotalJobs: uint32(s.TotalBlocks),
	}
}

// metadataMetrics is searchMetrics for names and values.
func metadataMetrics(s exec.Stats) *tempopb.MetadataMetrics {
	m := searchMetrics(s, 0)
	return &tempopb.MetadataMetrics{TotalBlocks: m.TotalBlocks, CompletedJobs: m.CompletedJobs, TotalJobs: m.TotalJobs}
}
