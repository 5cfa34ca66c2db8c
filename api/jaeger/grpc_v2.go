package jaeger

import (
	"context"
	"math"
	"strings"

	"google.golang.org/grpc"
	"google.golang.org/protobuf/types/known/durationpb"
	"google.golang.org/protobuf/types/known/timestamppb"

	"github.com/kiseki-dev/kiseki/api/jaeger/apiv2"
	"github.com/kiseki-dev/kiseki/query/exec"
	"github.com/kiseki-dev/kiseki/storage/scan"
	"github.com/kiseki-dev/kiseki/telemetry"
	"github.com/kiseki-dev/kiseki/telemetry/jaegerspan"
)

// serverV2 is jaeger.api_v2.QueryService.
type serverV2 struct {
	apiv2.UnimplementedQueryServiceServer
	*API
}

// GetTrace implements the method of the service.
func (s *serverV2) GetTrace(in *apiv2.GetTraceRequest, out grpc.ServerStreamingServer[apiv2.SpansResponseChunk]) error {
	return s.call(out.Context(), func(q *query, snap scan.Snapshot) error {
		if len(in.TraceId) != len(telemetry.TraceID{}) {
			return badRequest("trace_id has %d bytes, not 16", len(in.TraceId))
		}
		t, err := q.present(snap, telemetry.TraceID(in.TraceId))
		if err != nil {
			return err
		}
		return stream(t, encodeSpans, out.Send)
	})
}

// FindTraces implements the method of the service.
func (s *serverV2) FindTraces(in *apiv2.FindTracesRequest, out grpc.ServerStreamingServer[apiv2.SpansResponseChunk]) error {
	return s.call(out.Context(), func(q *query, snap scan.Snapshot) error {
		search, err := s.readQueryV2(in.Query)
		if err != nil {
			return err
		}
		return q.findWhole(snap, search, func(t *exec.Trace) error { return stream(t, encodeSpans, out.Send) })
	})
}

// GetServices implements the method of the service.
func (s *serverV2) GetServices(ctx context.Context, _ *apiv2.GetServicesRequest) (out *apiv2.GetServicesResponse, err error) {
	err = s.call(ctx, func(q *query, snap scan.Snapshot) error {
		names, err := q.services(snap)
		for i := range names {
			names[i] = strings.Clone(names[i]) // the snapshot is released before they are sent
		}
		out = &apiv2.GetServicesResponse{Services: names}
		return err
	})
	return out, err
}

// GetOperations implements the method of the service.
func (s *serverV2) GetOperations(ctx context.Context, in *apiv2.GetOperationsRequest) (out *apiv2.GetOperationsResponse, err error) {
	err = s.call(ctx, func(q *query, snap scan.Snapshot) error {
		ops, err := q.operations(snap, in.Service, strings.ToLower(in.SpanKind))
		out = &apiv2.GetOperationsResponse{}
		for i, op := range ops {
			name := strings.Clone(op.name)
			if i == 0 || name != ops[i-1].name {
				out.OperationNames = append(out.OperationNames, name)
			}
			out.Operations = append(out.Operations, &apiv2.Operation{Name: name, SpanKind: op.kind})
		}
		return err
	})
	return out, err
}

// GetDependencies implements the method of the service.
func (s *serverV2) GetDependencies(ctx context.Context, in *apiv2.GetDependenciesRequest) (out *apiv2.GetDependenciesResponse, err error) {
	err = s.call(ctx, func(q *query, snap scan.Snapshot) error {
		start, end, err := readTimes(in.StartTime, in.EndTime)
		if err != nil {
			return err
		}
		links, err := q.links(snap, start, end)
		out = &apiv2.GetDependenciesResponse{}
		for _, l := range links {
			out.Dependencies = append(out.Dependencies, &apiv2.DependencyLink{Parent: strings.Clone(l.Parent), Child: strings.Clone(l.Child), CallCount: l.Calls})
		}
		return err
	})
	return out, err
}

// readQueryV2 takes a range of time that need not be given, as in the older
// API over HTTP.
func (s *serverV2) readQueryV2(in *apiv2.TraceQueryParameters) (*search, error) {
	if in == nil {
		return nil, badRequest("missing query")
	}
	out, err := readCommon(in.ServiceName, in.OperationName, in.Tags, in.DurationMin, in.DurationMax, in.SearchDepth)
	if err != nil {
		return nil, err
	}
	end, ok := momentOf(in.StartTimeMax)
	if !ok {
		end = unixNano(s.o.Now())
	}
	start, ok := momentOf(in.StartTimeMin)
	if !ok {
		start = end - min(end, uint64(defaultLookback))
	}
	if start > end {
		return nil, badRequest("start_time_min is after start_time_max")
	}
	out.start, out.end = start, end+1
	return out, nil
}

// encodeSpans turns spans into those of Jaeger's model, each with its process.
func encodeSpans(b *telemetry.Batch) *apiv2.SpansResponseChunk {
	m := &jaegerspan.Model{Batch: b}
	processes := map[uint32]*apiv2.Process{}
	out := &apiv2.SpansResponseChunk{}
	for i := range b.Spans {
		s := &b.Spans[i]
		if processes[s.Resource] == nil {
			name, tags := m.ProcessOf(s.Resource)
			processes[s.Resource] = &apiv2.Process{ServiceName: name, Tags: keyValues(tags)}
		}
		out.Spans = append(out.Spans, encodeSpan(m, s, processes[s.Resource]))
	}
	return out
}

func encodeSpan(m *jaegerspan.Model, s *telemetry.Span, process *apiv2.Process) *apiv2.Span {
	out := &apiv2.Span{
		TraceId: s.TraceID[:], SpanId: s.SpanID[:], OperationName: s.Name, Flags: m.FlagsOf(s),
		StartTime: timestamp(s.Start), Duration: duration(s.Duration()),
		Tags: keyValues(m.TagsOf(s)), Process: process, Warnings: append([]string(nil), m.WarningsOf(s)...),
	}
	for _, r := range m.ReferencesOf(s) {
		ref := &apiv2.SpanRef{TraceId: r.Trace[:], SpanId: r.Span[:], RefType: apiv2.SpanRefType_FOLLOWS_FROM}
		if r.ChildOf {
			ref.RefType = apiv2.SpanRefType_CHILD_OF
		}
		out.References = append(out.References, ref)
	}
	events := m.EventsOf(s)
	for i := range events {
		out.Logs = append(out.Logs, &apiv2.Log{Timestamp: timestamp(events[i].Time), Fields: keyValues(m.FieldsOf(&events[i]))})
	}
	return out
}

func keyValues(tags []jaegerspan.Tag) []*apiv2.KeyValue {
	out := make([]*apiv2.KeyValue, len(tags))
	for i, t := range tags {
		kv := &apiv2.KeyValue{Key: t.Key}
		switch t.Value.Type() {
		case telemetry.ValueBool:
			kv.VType, kv.VBool = apiv2.ValueType_BOOL, t.Value.Bool()
		case telemetry.ValueInt:
			kv.VType, kv.VInt64 = apiv2.ValueType_INT64, t.Value.Int()
		case telemetry.ValueDouble:
			kv.VType, kv.VFloat64 = apiv2.ValueType_FLOAT64, t.Value.Double()
		case telemetry.ValueBytes:
			kv.VType, kv.VBinary = apiv2.ValueType_BINARY, []byte(t.Value.Str())
		default:
			kv.VStr = t.Value.Str()
		}
		out[i] = kv
	}
	return out
}

const second = 1_000_000_000 // nanoseconds

func timestamp(ns uint64) *timestamppb.Timestamp {
	return &timestamppb.Timestamp{Seconds: int64(ns / second), Nanos: int32(ns % second)}
}

func duration(ns uint64) *durationpb.Duration {
	ns = min(ns, math.MaxInt64) // what clients hold it in
	return &durationpb.Duration{Seconds: int64(ns / second), Nanos: int32(ns % second)}
}
