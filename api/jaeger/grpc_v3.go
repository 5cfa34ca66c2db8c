package jaeger

import (
	"context"
	"strings"

	"google.golang.org/grpc"

	trace "go.opentelemetry.io/proto/otlp/trace/v1"

	"github.com/kiseki-dev/kiseki/api/jaeger/apiv3"
	"github.com/kiseki-dev/kiseki/query/exec"
	"github.com/kiseki-dev/kiseki/storage/scan"
	"github.com/kiseki-dev/kiseki/telemetry"
	"github.com/kiseki-dev/kiseki/telemetry/jaegerspan"
	"github.com/kiseki-dev/kiseki/telemetry/otlpproto"
)

// serverV3 is jaeger.api_v3.QueryService.
type serverV3 struct {
	apiv3.UnimplementedQueryServiceServer
	*API
}

// encodeOTLP is a message whose bytes are those of the spans. They are its
// unknown fields, which are written as they are: so spans are encoded once, not
// turned into objects before.
func encodeOTLP(b *telemetry.Batch) *trace.TracesData {
	m := &trace.TracesData{}
	m.ProtoReflect().SetUnknown(otlpproto.Append(nil, b))
	return m
}

// GetTrace implements the method of the service.
func (s *serverV3) GetTrace(in *apiv3.GetTraceRequest, out grpc.ServerStreamingServer[trace.TracesData]) error {
	return s.call(out.Context(), func(q *query, snap scan.Snapshot) error {
		id, err := parseID(in.TraceId)
		if err != nil {
			return err
		}
		t, err := q.present(snap, id)
		if err != nil {
			return err
		}
		return stream(t, encodeOTLP, out.Send)
	})
}

// FindTraces implements the method of the service.
func (s *serverV3) FindTraces(in *apiv3.FindTracesRequest, out grpc.ServerStreamingServer[trace.TracesData]) error {
	return s.call(out.Context(), func(q *query, snap scan.Snapshot) error {
		search, err := readQueryV3(in.Query)
		if err != nil {
			return err
		}
		return q.findWhole(snap, search, func(t *exec.Trace) error { return stream(t, encodeOTLP, out.Send) })
	})
}

// FindTraceSummaries implements the method of the service.
func (s *serverV3) FindTraceSummaries(in *apiv3.FindTraceSummariesRequest, out grpc.ServerStreamingServer[apiv3.FindTraceSummariesResponse]) error {
	return s.call(out.Context(), func(q *query, snap scan.Snapshot) error {
		search, err := readQueryV3(in.Query)
		if err != nil {
			return err
		}
		found, err := q.find(snap, search)
		if err != nil {
			return err
		}
		const some = 100 // kilobytes a message
		for len(found) > 0 {
			n := min(len(found), some)
			m := &apiv3.FindTraceSummariesResponse{}
			for i := range found[:n] {
				m.Summaries = append(m.Summaries, summaryMessage(&found[i]))
			}
			if err := out.Send(m); err != nil {
				return err
			}
			found = found[n:]
		}
		return nil
	})
}

func summaryMessage(t *exec.Summary) *apiv3.TraceSummary {
	m := &apiv3.TraceSummary{
		TraceId: t.ID.String(), RootServiceName: jaegerspan.ServiceName(t.RootService), RootOperationName: t.RootName,
		MinStartTimeUnixNano: t.Start, MaxEndTimeUnixNano: t.Start + t.Duration,
		SpanCount: int32(t.Spans), ErrorSpanCount: int32(t.Errors), OrphanSpanCount: int32(t.Orphans),
	}
	for _, s := range byName(t.Services) {
		m.Services = append(m.Services, &apiv3.ServiceSummary{Name: jaegerspan.ServiceName(s.Name), SpanCount: int32(s.Spans), ErrorSpanCount: int32(s.Errors)})
	}
	return m
}

// GetServices implements the method of the service.
func (s *serverV3) GetServices(ctx context.Context, _ *apiv3.GetServicesRequest) (out *apiv3.GetServicesResponse, err error) {
	err = s.call(ctx, func(q *query, snap scan.Snapshot) error {
		names, err := q.services(snap)
		for i := range names {
			names[i] = strings.Clone(names[i]) // the snapshot is released before they are sent
		}
		out = &apiv3.GetServicesResponse{Services: names}
		return err
	})
	return out, err
}

// GetOperations implements the method of the service.
func (s *serverV3) GetOperations(ctx context.Context, in *apiv3.GetOperationsRequest) (out *apiv3.GetOperationsResponse, err error) {
	err = s.call(ctx, func(q *query, snap scan.Snapshot) error {
		ops, err := q.operations(snap, in.Service, strings.ToLower(in.SpanKind))
		out = &apiv3.GetOperationsResponse{}
		for _, op := range ops {
			out.Operations = append(out.Operations, &apiv3.Operation{Name: strings.Clone(op.name), SpanKind: op.kind})
		}
		return err
	})
	return out, err
}

// GetDependencies implements the method of the service.
func (s *serverV3) GetDependencies(ctx context.Context, in *apiv3.GetDependenciesRequest) (out *apiv3.DependenciesResponse, err error) {
	err = s.call(ctx, func(q *query, snap scan.Snapshot) error {
		start, end, err := readTimes(in.StartTime, in.EndTime)
		if err != nil {
			return err
		}
		links, err := q.links(snap, start, end)
		out = &apiv3.DependenciesResponse{}
		for _, l := range links {
			out.Dependencies = append(out.Dependencies, &apiv3.Dependency{Parent: strings.Clone(l.Parent), Child: strings.Clone(l.Child), CallCount: l.Calls})
		}
		return err
	})
	return out, err
}

func readQueryV3(in *apiv3.TraceQueryParameters) (*search, error) {
	if in == nil {
		return nil, badRequest("missing query")
	}
	if len(in.ProtoReflect().GetUnknown()) > 0 {
		return nil, badRequest("the query has conditions that are not known here")
	}
	s, err := readCommon(in.ServiceName, in.OperationName, in.Attributes, in.DurationMin, in.DurationMax, in.SearchDepth)
	if err != nil {
		return nil, err
	}
	if in.Filter != nil {
		if s.filter, err = readFilter(in.Filter); err != nil {
			return nil, err
		}
	}
	var okStart, okEnd bool
	s.start, okStart = momentOf(in.StartTimeMin)
	s.end, okEnd = momentOf(in.StartTimeMax)
	if !okStart || !okEnd || s.start >= s.end {
		return nil, badRequest("start_time_min and start_time_max are required, the first before the other")
	}
	return s, nil
}
