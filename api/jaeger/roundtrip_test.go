package jaeger_test

import (
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"math"
	"net/http"
	"strconv"
	"testing"
	"time"

	"google.golang.org/protobuf/types/known/durationpb"
	"google.golang.org/protobuf/types/known/timestamppb"

	"github.com/kiseki-dev/kiseki/api/jaeger/apiv2"
	"github.com/kiseki-dev/kiseki/storage/scan/scantest"
	"github.com/kiseki-dev/kiseki/telemetry"
	"github.com/kiseki-dev/kiseki/telemetry/plain"
	"github.com/kiseki-dev/kiseki/telemetry/telemetrytest"
)

// TestRoundTrip: whatever spans look like, all that Jaeger's model has a place
// for is read back from both of its forms, as OpenTelemetry's specification
// says that tags are to be read.
func TestRoundTrip(t *testing.T) {
	for seed := range uint64(25) {
		b := telemetrytest.Random(seed, 60)
		h := newAPI(scantest.New(b))
		client := dial(t, h)
		for id := range traceIDs(b) {
			var inJSON, inProto []*apiv2.Span
			w := get(h, "/api/traces/"+id.String())
			if w.Code != http.StatusOK {
				t.Fatalf("seed %d: %d %s", seed, w.Code, w.Body)
			}
			inJSON = parseJSON(t, w.Body.Bytes())
			answer, err := client.v2.GetTrace(t.Context(), &apiv2.GetTraceRequest{TraceId: id[:]})
			if err != nil {
				t.Fatal(err)
			}
			for m := range messages(t, answer) {
				inProto = append(inProto, m.Spans...)
			}
			for unit, spans := range map[uint64][]*apiv2.Span{1000: inJSON, 1: inProto} {
				want := told(telemetrytest.Random(seed, 60), id, unit)
				if g, w := telemetrytest.Dump(readBack(spans)), telemetrytest.Dump(want); g != w {
					t.Fatalf("seed %d, trace %s, unit %d ns:\ngot\n%s\nwant\n%s", seed, id, unit, g, w)
				}
			}
		}
	}
}

func traceIDs(b *telemetry.Batch) map[telemetry.TraceID]bool {
	ids := map[telemetry.TraceID]bool{}
	for i := range b.Spans {
		ids[b.Spans[i].TraceID] = true
	}
	return ids
}

// told is what Jaeger's model has a place for of a trace, with times in a unit
// of so many nanoseconds.
func told(b *telemetry.Batch, id telemetry.TraceID, unit uint64) *telemetry.Batch {
	for i := range b.Attrs {
		if v := &b.Attrs[i].Value; v.Type() == telemetry.ValueArray || v.Type() == telemetry.ValueMap || v.Type() == telemetry.ValueEmpty {
			*v = telemetry.StringValue(string(plain.AppendText(nil, *v)))
		} else if v.Type() == telemetry.ValueDouble && unit > 1 && math.IsNaN(v.Double()) {
			*v = telemetry.DoubleValue(math.NaN())
		}
	}
	for i := range b.Resources {
		r := &b.Resources[i]
		r.DroppedAttrs, r.SchemaURL = 0, ""
		attrs := b.AttrsOf(r.Attrs)
		for k := range attrs { // the name comes first
			if attrs[k].Key == telemetry.ServiceNameKey {
				name := attrs[k]
				copy(attrs[1:k+1], attrs[:k])
				attrs[0] = name
			}
		}
	}
	for i := range b.Scopes {
		b.Scopes[i] = telemetry.Scope{Name: b.Scopes[i].Name, Version: b.Scopes[i].Version}
	}
	for i := range b.Links {
		b.Links[i] = telemetry.Link{TraceID: b.Links[i].TraceID, SpanID: b.Links[i].SpanID}
	}
	for i := range b.Events {
		b.Events[i].Time -= b.Events[i].Time % unit
	}
	kept := b.Spans[:0]
	for _, s := range b.Spans {
		length := s.Duration()
		s.Start -= s.Start % unit
		s.End = s.Start + length - length%unit
		s.Flags &= 1
		if s.TraceID == id {
			kept = append(kept, s)
		}
	}
	b.Spans = kept
	return b
}

// readBack reads spans of Jaeger's model.
func readBack(spans []*apiv2.Span) *telemetry.Batch {
	b := &telemetry.Batch{}
	for _, in := range spans {
		start := uint64(in.StartTime.AsTime().UnixNano())
		s := telemetry.Span{
			TraceID: telemetry.TraceID(in.TraceId), SpanID: telemetry.SpanID(in.SpanId), Name: in.OperationName, Flags: in.Flags,
			Start: start, End: start + uint64(in.Duration.AsDuration()),
			Resource: uint32(len(b.Resources)), Scope: uint32(len(b.Scopes)),
		}
		b.Resources = append(b.Resources, readProcess(b, in.Process))
		b.Scopes = append(b.Scopes, readTags(b, &s, in.Tags))
		s.Events.Start = uint32(len(b.Events))
		for _, l := range in.Logs {
			b.Events = append(b.Events, readLog(b, l))
		}
		s.Events.End = uint32(len(b.Events))
		s.Links.Start = uint32(len(b.Links))
		for _, r := range in.References {
			if r.RefType == apiv2.SpanRefType_CHILD_OF {
				s.ParentID = telemetry.SpanID(r.SpanId)
			} else {
				b.Links = append(b.Links, telemetry.Link{TraceID: telemetry.TraceID(r.TraceId), SpanID: telemetry.SpanID(r.SpanId)})
			}
		}
		s.Links.End = uint32(len(b.Links))
		b.Spans = append(b.Spans, s)
	}
	return b
}

func readProcess(b *telemetry.Batch, p *apiv2.Process) (r telemetry.Resource) {
	r.Attrs.Start = uint32(len(b.Attrs))
	if p.ServiceName != "OTLPResourceNoServiceName" {
		b.Attrs = append(b.Attrs, telemetry.Attr{Key: telemetry.ServiceNameKey, Value: telemetry.StringValue(p.ServiceName)})
	}
	for _, t := range p.Tags {
		b.Attrs = append(b.Attrs, readTag(t))
	}
	r.Attrs.End = uint32(len(b.Attrs))
	return r
}

func readTags(b *telemetry.Batch, s *telemetry.Span, tags []*apiv2.KeyValue) (scope telemetry.Scope) {
	s.Attrs.Start = uint32(len(b.Attrs))
	for _, t := range tags {
		switch t.Key {
		case "otel.scope.name":
			scope.Name = t.VStr
		case "otel.scope.version":
			scope.Version = t.VStr
		case "span.kind":
			s.Kind, _ = telemetry.ParseKind(t.VStr)
		case "otel.status_code":
			s.Status = map[string]telemetry.Status{"OK": telemetry.StatusOK, "ERROR": telemetry.StatusError}[t.VStr]
		case "error": // said by the status too
		case "otel.status_description":
			s.StatusMessage = t.VStr
		case "w3c.tracestate":
			s.TraceState = t.VStr
		case "otel.dropped_attributes_count":
			s.DroppedAttrs = uint32(t.VInt64)
		case "otel.dropped_events_count":
			s.DroppedEvents = uint32(t.VInt64)
		case "otel.dropped_links_count":
			s.DroppedLinks = uint32(t.VInt64)
		default:
			b.Attrs = append(b.Attrs, readTag(t))
		}
	}
	s.Attrs.End = uint32(len(b.Attrs))
	return scope
}

func readLog(b *telemetry.Batch, l *apiv2.Log) telemetry.Event {
	e := telemetry.Event{Time: uint64(l.Timestamp.AsTime().UnixNano())}
	e.Attrs.Start = uint32(len(b.Attrs))
	for _, f := range l.Fields {
		switch f.Key {
		case "event":
			e.Name = f.VStr
		case "otel.dropped_attributes_count":
			e.DroppedAttrs = uint32(f.VInt64)
		default:
			b.Attrs = append(b.Attrs, readTag(f))
		}
	}
	e.Attrs.End = uint32(len(b.Attrs))
	return e
}

func readTag(t *apiv2.KeyValue) telemetry.Attr {
	v := telemetry.StringValue(t.VStr)
	switch t.VType {
	case apiv2.ValueType_BOOL:
		v = telemetry.BoolValue(t.VBool)
	case apiv2.ValueType_INT64:
		v = telemetry.IntValue(t.VInt64)
	case apiv2.ValueType_FLOAT64:
		v = telemetry.DoubleValue(t.VFloat64)
	case apiv2.ValueType_BINARY:
		v = telemetry.BytesValue(string(t.VBinary))
	}
	return telemetry.Attr{Key: t.Key, Value: v}
}

// uiTag and uiSpan are the JSON of Jaeger's UI.
type uiTag struct {
	Key, Type string
	Value     json.RawMessage
}

type uiSpan struct {
	TraceID, SpanID, OperationName, ProcessID string
	Flags                                     uint32
	StartTime, Duration                       int64 // microseconds
	References                                []struct{ RefType, TraceID, SpanID string }
	Tags                                      []uiTag
	Logs                                      []struct {
		Timestamp int64
		Fields    []uiTag
	}
}

// parseJSON reads the one trace of an answer.
func parseJSON(t *testing.T, text []byte) (out []*apiv2.Span) {
	t.Helper()
	var answer struct {
		Data []struct {
			Spans     []uiSpan
			Processes map[string]struct {
				ServiceName string
				Tags        []uiTag
			}
		}
	}
	if err := json.Unmarshal(text, &answer); err != nil || len(answer.Data) != 1 {
		t.Fatalf("%v in %s", err, text)
	}
	for _, in := range answer.Data[0].Spans {
		p := answer.Data[0].Processes[in.ProcessID]
		s := &apiv2.Span{
			TraceId: parseHex(t, in.TraceID, 16), SpanId: parseHex(t, in.SpanID, 8), OperationName: in.OperationName, Flags: in.Flags,
			StartTime: timestamppb.New(time.UnixMicro(in.StartTime)), Duration: durationpb.New(time.Duration(in.Duration) * time.Microsecond),
			Tags: parseTags(t, in.Tags), Process: &apiv2.Process{ServiceName: p.ServiceName, Tags: parseTags(t, p.Tags)},
		}
		for _, l := range in.Logs {
			s.Logs = append(s.Logs, &apiv2.Log{Timestamp: timestamppb.New(time.UnixMicro(l.Timestamp)), Fields: parseTags(t, l.Fields)})
		}
		for _, r := range in.References {
			s.References = append(s.References, &apiv2.SpanRef{
				TraceId: parseHex(t, r.TraceID, 16), SpanId: parseHex(t, r.SpanID, 8), RefType: apiv2.SpanRefType(apiv2.SpanRefType_value[r.RefType]),
			})
		}
		out = append(out, s)
	}
	return out
}

func parseHex(t *testing.T, text string, size int) []byte {
	t.Helper()
	id, err := hex.DecodeString(fmt.Sprintf("%0*s", 2*size, text))
	if err != nil || len(id) != size {
		t.Fatalf("%q is no ID of %d bytes", text, size)
	}
	return id
}

func parseTags(t *testing.T, tags []uiTag) (out []*apiv2.KeyValue) {
	t.Helper()
	for _, in := range tags {
		kv := &apiv2.KeyValue{Key: in.Key}
		var text string
		if json.Unmarshal(in.Value, &text) != nil {
			text = string(in.Value) // a number or bool
		}
		var err error
		switch in.Type {
		case "string":
			kv.VStr = text
		case "bool":
			kv.VType = apiv2.ValueType_BOOL
			kv.VBool, err = strconv.ParseBool(text)
		case "int64":
			kv.VType = apiv2.ValueType_INT64
			kv.VInt64, err = strconv.ParseInt(text, 10, 64)
		case "float64":
			kv.VType = apiv2.ValueType_FLOAT64
			kv.VFloat64, err = strconv.ParseFloat(text, 64)
		case "binary":
			kv.VType = apiv2.ValueType_BINARY
			kv.VBinary, err = base64.StdEncoding.DecodeString(text)
		default:
			err = fmt.Errorf("no such type")
		}
		if err != nil {
			t.Fatalf("%+v: %v", in, err)
		}
		out = append(out, kv)
	}
	return out
}
