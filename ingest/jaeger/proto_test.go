package jaeger

import (
	"fmt"
	"math/rand/v2"
	"testing"
	"time"

	model "github.com/jaegertracing/jaeger-idl/model/v1"
	"github.com/jaegertracing/jaeger-idl/proto-gen/api_v2"
	jthrift "github.com/jaegertracing/jaeger-idl/thrift-gen/jaeger"

	"github.com/kiseki-dev/kiseki/ingest"
	"github.com/kiseki-dev/kiseki/telemetry"
)

// inModel is a batch of Thrift in the types of Jaeger's protobuf.
func inModel(b *jthrift.Batch) *api_v2.PostSpansRequest {
	out := &api_v2.PostSpansRequest{Batch: model.Batch{Process: &model.Process{ServiceName: b.Process.ServiceName, Tags: modelTags(b.Process.Tags)}}}
	for _, s := range b.Spans {
		m := &model.Span{
			TraceID: model.NewTraceID(uint64(s.TraceIdHigh), uint64(s.TraceIdLow)), SpanID: model.NewSpanID(uint64(s.SpanId)),
			OperationName: s.OperationName, Flags: model.Flags(s.Flags), StartTime: time.UnixMicro(s.StartTime).UTC(),
			Duration: time.Duration(s.Duration) * time.Microsecond, Tags: modelTags(s.Tags),
		}
		for _, r := range s.References {
			ref := model.SpanRef{TraceID: model.NewTraceID(uint64(r.TraceIdHigh), uint64(r.TraceIdLow)), SpanID: model.NewSpanID(uint64(r.SpanId))}
			if r.RefType == jthrift.SpanRefType_FOLLOWS_FROM {
				ref.RefType = model.FollowsFrom
			}
			m.References = append(m.References, ref)
		}
		for _, l := range s.Logs {
			m.Logs = append(m.Logs, model.Log{Timestamp: time.UnixMicro(l.Timestamp).UTC(), Fields: modelTags(l.Fields)})
		}
		out.Batch.Spans = append(out.Batch.Spans, m)
	}
	return out
}

func modelTags(tags []*jthrift.Tag) (out []model.KeyValue) {
	for _, t := range tags {
		switch t.VType {
		case jthrift.TagType_STRING:
			out = append(out, model.String(t.Key, t.GetVStr()))
		case jthrift.TagType_DOUBLE:
			out = append(out, model.Float64(t.Key, t.GetVDouble()))
		case jthrift.TagType_BOOL:
			out = append(out, model.Bool(t.Key, t.GetVBool()))
		case jthrift.TagType_LONG:
			out = append(out, model.Int64(t.Key, t.GetVLong()))
		default:
			out = append(out, model.Binary(t.Key, t.VBinary))
		}
	}
	return out
}

// What Jaeger's own types send in protobuf is what is answered; some spans have
// a process of their own, and warnings.
func TestProtoRoundTrip(t *testing.T) {
	for seed := range uint64(500) {
		r := rand.New(rand.NewPCG(seed, 2))
		sent := randomBatch(r)
		request, want := inModel(sent), told(sent)
		for i, s := range request.Batch.Spans {
			if r.IntN(3) == 0 {
				s.Process = &model.Process{ServiceName: "own", Tags: []model.KeyValue{model.String("host", "a")}}
				want[i]["process"] = object{"serviceName": "own", "tags": []any{object{"key": "host", "type": "string", "value": "a"}}}
			}
			if r.IntN(3) == 0 {
				s.Warnings = []string{"clock skew", ""}
				want[i]["warnings"] = []any{"clock skew", ""}
			}
		}
		body, err := request.Marshal()
		if err != nil {
			t.Fatal(err)
		}
		var b telemetry.Batch
		if report, err := newDecoder(ingest.Limits{}).Decode(encodingProto, body, &b); err != nil || report != (ingest.Report{}) {
			t.Fatalf("seed %d: %v, %+v", seed, err, report)
		}
		same(t, fmt.Sprintf("seed %d", seed), ask(t, &b), want)
	}
}

// Nanoseconds, which Thrift does not have, are kept.
func TestNanoseconds(t *testing.T) {
	start := time.Unix(1790000000, 123456789).UTC()
	body, err := (&api_v2.PostSpansRequest{Batch: model.Batch{Spans: []*model.Span{{
		TraceID: model.NewTraceID(0, 1), SpanID: 2, StartTime: start, Duration: 7, Logs: []model.Log{{Timestamp: start.Add(3)}},
	}}}}).Marshal()
	if err != nil {
		t.Fatal(err)
	}
	var b telemetry.Batch
	if _, err := newDecoder(ingest.Limits{}).Decode(encodingProto, body, &b); err != nil {
		t.Fatal(err)
	}
	s, at := b.Spans[0], uint64(start.UnixNano())
	if s.Start != at || s.End != at+7 || b.Events[0].Time != at+3 || s.TraceID.String() != "00000000000000000000000000000001" {
		t.Errorf("%+v %+v", s, b.Events)
	}
}
