package jaeger

import (
	"cmp"
	"context"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"net/http/httptest"
	"reflect"
	"slices"
	"testing"

	athrift "github.com/apache/thrift/lib/go/thrift"
	"github.com/jaegertracing/jaeger-idl/thrift-gen/agent"
	jthrift "github.com/jaegertracing/jaeger-idl/thrift-gen/jaeger"

	api "github.com/kiseki-dev/kiseki/api/jaeger"
	"github.com/kiseki-dev/kiseki/ingest"
	"github.com/kiseki-dev/kiseki/ingest/thrift"
	"github.com/kiseki-dev/kiseki/storage/scan/scantest"
	"github.com/kiseki-dev/kiseki/telemetry"
)

type object = map[string]any

// The one trace of these tests.
const (
	traceHigh = 0x463ac35c9f6413ad
	traceLow  = 0x48485a3953bb6124
	testTrace = "463ac35c9f6413ad48485a3953bb6124"
)

func pick[T any](r *rand.Rand, choices ...T) T { return choices[r.IntN(len(choices))] }

func ptr[T any](v T) *T { return &v }

// randomTag is a tag whose key may mean something elsewhere, of any type.
func randomTag(r *rand.Rand) *jthrift.Tag {
	t := &jthrift.Tag{Key: pick(r, "http.url", "error", "otel.status_code", "otel.status_description", "span.kind", "event", "w3c.tracestate",
		"otel.scope.name", "otel.dropped_events_count", "@jaeger@warnings", "service.name", "", "level", "answer")}
	switch pick(r, jthrift.TagType_STRING, jthrift.TagType_DOUBLE, jthrift.TagType_BOOL, jthrift.TagType_LONG, jthrift.TagType_BINARY) {
	case jthrift.TagType_STRING:
		t.VType, t.VStr = jthrift.TagType_STRING, ptr(pick(r, "", "true", "false", "ERROR", "OK", "client", "unspecified", "日本"))
	case jthrift.TagType_DOUBLE:
		t.VType, t.VDouble = jthrift.TagType_DOUBLE, ptr(pick(r, 0, 0.1, -1e300))
	case jthrift.TagType_BOOL:
		t.VType, t.VBool = jthrift.TagType_BOOL, ptr(r.IntN(2) == 0)
	case jthrift.TagType_LONG:
		t.VType, t.VLong = jthrift.TagType_LONG, ptr(pick(r, int64(0), 7, -1, 1<<60))
	case jthrift.TagType_BINARY:
		t.VType, t.VBinary = jthrift.TagType_BINARY, pick(r, []byte{}, []byte{0, 255})
	}
	return t
}

func randomTags(r *rand.Rand) (out []*jthrift.Tag) {
	for range r.IntN(6) {
		out = append(out, randomTag(r))
	}
	return out
}

func randomBatch(r *rand.Rand) *jthrift.Batch {
	b := &jthrift.Batch{Process: &jthrift.Process{ServiceName: pick(r, "shop", "日本"), Tags: randomTags(r)}}
	b.Process.Tags = slices.DeleteFunc(b.Process.Tags, func(t *jthrift.Tag) bool { return t.Key == "@jaeger@warnings" })
	for i := range 1 + r.IntN(5) {
		s := &jthrift.Span{
			TraceIdHigh: traceHigh, TraceIdLow: traceLow, SpanId: int64(i + 1), OperationName: pick(r, "", "get", "日本"),
			Flags: pick(r, int32(0), 1, 3, 9), StartTime: 1790000000000000 + r.Int64N(1e9), Duration: r.Int64N(1e6), Tags: randomTags(r),
		}
		for range r.IntN(4) {
			s.References = append(s.References, &jthrift.SpanRef{
				RefType: pick(r, jthrift.SpanRefType_CHILD_OF, jthrift.SpanRefType_FOLLOWS_FROM), TraceIdHigh: pick(r, int64(traceHigh), 1), TraceIdLow: traceLow,
				SpanId: 100 + r.Int64N(3),
			})
		}
		for _, ref := range s.References { // as clients do
			if ref.RefType == jthrift.SpanRefType_CHILD_OF && ref.TraceIdHigh == traceHigh && r.IntN(2) == 0 {
				s.ParentSpanId = ref.SpanId
				break
			}
		}
		for range r.IntN(3) {
			s.Logs = append(s.Logs, &jthrift.Log{Timestamp: 1790000000000000 + r.Int64N(1e9), Fields: randomTags(r)})
		}
		b.Spans = append(b.Spans, s)
	}
	return b
}

// told is what Jaeger's UI is to be answered of a batch.
func told(b *jthrift.Batch) (spans []object) {
	for _, s := range b.Spans {
		refs := []any{}
		for _, ref := range s.References {
			trace := testTrace
			if ref.TraceIdHigh == 1 {
				trace = "0000000000000001" + testTrace[16:]
			}
			refs = append(refs, object{"refType": ref.RefType.String(), "traceID": trace, "spanID": fmt.Sprintf("%016x", ref.SpanId)})
		}
		logs := []any{}
		for _, l := range s.Logs {
			logs = append(logs, object{"timestamp": float64(l.Timestamp), "fields": toldTags(l.Fields)})
		}
		o := object{
			"traceID": testTrace, "spanID": fmt.Sprintf("%016x", s.SpanId), "operationName": s.OperationName, "references": sorted(refs),
			"startTime": float64(s.StartTime), "duration": float64(s.Duration), "tags": toldTags(s.Tags), "logs": logs, "warnings": nil,
			"process": object{"serviceName": b.Process.ServiceName, "tags": toldTags(b.Process.Tags)},
		}
		if s.Flags != 0 {
			o["flags"] = float64(s.Flags)
		}
		spans = append(spans, o)
	}
	return spans
}

func toldTags(tags []*jthrift.Tag) []any {
	out := []any{}
	for _, t := range tags {
		o := object{"key": t.Key}
		switch t.VType {
		case jthrift.TagType_STRING:
			o["type"], o["value"] = "string", t.GetVStr()
		case jthrift.TagType_DOUBLE:
			o["type"], o["value"] = "float64", t.GetVDouble()
		case jthrift.TagType_BOOL:
			o["type"], o["value"] = "bool", t.GetVBool()
		case jthrift.TagType_LONG:
			o["type"], o["value"] = "int64", float64(t.GetVLong())
			if t.GetVLong() > 1<<53 {
				o["value"] = fmt.Sprint(t.GetVLong())
			}
		case jthrift.TagType_BINARY:
			o["type"], o["value"] = "binary", base64.StdEncoding.EncodeToString(t.VBinary)
		}
		out = append(out, o)
	}
	return sorted(out)
}

// sorted brings what has no order in Jaeger into one.
func sorted(list []any) []any {
	slices.SortFunc(list, func(a, b any) int { return cmp.Compare(text(a), text(b)) })
	return list
}

func text(v any) string {
	b, err := json.MarshalIndent(v, "", " ")
	if err != nil {
		panic(err)
	}
	return string(b)
}

// ask is what Jaeger's query API answers, each span with its process.
func ask(t *testing.T, b *telemetry.Batch) (spans []object) {
	t.Helper()
	w := httptest.NewRecorder()
	api.New(api.Options{Store: scantest.New(b)}).ServeHTTP(w, httptest.NewRequest("GET", "/api/traces/"+testTrace, nil))
	var answer struct {
		Data []struct {
			Spans     []object
			Processes map[string]object
		}
	}
	if err := json.Unmarshal(w.Body.Bytes(), &answer); err != nil || len(answer.Data) != 1 {
		t.Fatalf("%v: %s", err, w.Body)
	}
	for _, s := range answer.Data[0].Spans {
		p := answer.Data[0].Processes[s["processID"].(string)]
		delete(s, "processID")
		s["process"] = object{"serviceName": p["serviceName"], "tags": sorted(p["tags"].([]any))}
		s["tags"], s["references"] = sorted(s["tags"].([]any)), sorted(s["references"].([]any))
		for _, l := range s["logs"].([]any) {
			l.(object)["fields"] = sorted(l.(object)["fields"].([]any))
		}
		spans = append(spans, s)
	}
	return spans
}

func same(t *testing.T, what string, got, want []object) {
	t.Helper()
	for _, l := range [][]object{got, want} {
		slices.SortFunc(l, func(a, b object) int { return cmp.Compare(a["spanID"].(string), b["spanID"].(string)) })
	}
	if len(got) != len(want) {
		t.Fatalf("%s: %d spans, not %d", what, len(got), len(want))
	}
	for i := range got {
		if !reflect.DeepEqual(got[i], want[i]) {
			t.Fatalf("%s: got\n%s\nwant\n%s", what, text(got[i]), text(want[i]))
		}
	}
}

// written is a Thrift struct, or a call, in one of the protocols.
func written(t *testing.T, compact bool, write func(athrift.TProtocol) error) []byte {
	t.Helper()
	buffer := athrift.NewTMemoryBuffer()
	var p athrift.TProtocol = athrift.NewTBinaryProtocolConf(buffer, &athrift.TConfiguration{TBinaryStrictWrite: ptr(true)})
	if compact {
		p = athrift.NewTCompactProtocolConf(buffer, nil)
	}
	if err := write(p); err != nil {
		t.Fatal(err)
	}
	return buffer.Bytes()
}

// call is a datagram that calls emitBatch.
func call(t *testing.T, compact bool, b *jthrift.Batch) []byte {
	return written(t, compact, func(p athrift.TProtocol) error {
		if err := p.WriteMessageBegin(context.Background(), "emitBatch", athrift.ONEWAY, 1); err != nil {
			return err
		}
		args := agent.AgentEmitBatchArgs{Batch: b}
		if err := args.Write(context.Background(), p); err != nil {
			return err
		}
		return p.WriteMessageEnd(context.Background())
	})
}

// What is sent in Thrift, in any of its ways, is what is answered.
func TestThriftRoundTrip(t *testing.T) {
	for seed := range uint64(500) {
		r := rand.New(rand.NewPCG(seed, 1))
		sent := randomBatch(r)
		want := told(sent)
		d := newDecoder(ingest.Limits{})
		body := written(t, false, func(p athrift.TProtocol) error { return sent.Write(context.Background(), p) })
		compact, binary := call(t, true, sent), call(t, false, sent)
		for what, decode := range map[string]func(*telemetry.Batch) (ingest.Report, error){
			"HTTP":    func(b *telemetry.Batch) (ingest.Report, error) { return d.Decode(encodingThrift, body, b) },
			"compact": func(b *telemetry.Batch) (ingest.Report, error) { return d.packet(thrift.NewCompact(compact), b) },
			"binary":  func(b *telemetry.Batch) (ingest.Report, error) { return d.packet(thrift.NewBinary(binary), b) },
		} {
			var b telemetry.Batch
			if report, err := decode(&b); err != nil || report != (ingest.Report{}) {
				t.Fatalf("seed %d, %s: %v, %+v", seed, what, err, report)
			}
			same(t, fmt.Sprintf("seed %d, %s", seed, what), ask(t, &b), want)
		}
	}
}
