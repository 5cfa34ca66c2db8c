package tempo

import (
	"context"
	"errors"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/proto"

	"github.com/kiseki-dev/kiseki/api/tempo/tempopb"
	"github.com/kiseki-dev/kiseki/query/exec"
)

// Register registers the gRPC service.
func (a *API) Register(s grpc.ServiceRegistrar) {
	tempopb.RegisterStreamingQuerierServer(s, &streams{API: a})
}

// streams is the gRPC service. A stream ends with the whole answer, in
// messages of about messageBytes; what comes before is part of it and stays
// as it is.
type streams struct {
	tempopb.UnimplementedStreamingQuerierServer
	*API
}

// sendEvery is how often a stream tells of what was found since: Grafana draws
// its whole table anew for each message.
const sendEvery = 200 * time.Millisecond

// fail is the status for an error.
func (s *streams) fail(ctx context.Context, method string, err error) error {
	switch {
	case err == nil:
		return nil
	case ctx.Err() != nil:
		return status.FromContextError(ctx.Err()).Err()
	}
	var bad *badRequest
	var times *exec.RangeError
	if errors.As(err, &bad) || errors.As(err, &times) {
		return status.Error(codes.InvalidArgument, err.Error())
	}
	_, text := s.explain(method, err)
	return status.Error(codes.Internal, text)
}

// Search implements the method of the service.
func (s *streams) Search(in *tempopb.SearchRequest, out grpc.ServerStreamingServer[tempopb.SearchResponse]) error {
	q := &search{
		query: in.Query, tags: in.Tags, limit: in.Limit, spans: in.SpansPerSpanSet, start: in.Start, end: in.End,
		minDuration: time.Duration(in.MinDurationMs) * time.Millisecond, maxDuration: time.Duration(in.MaxDurationMs) * time.Millisecond,
	}
	ctx := out.Context()
	if len(in.Tags) > maxTags {
		return s.fail(ctx, "Search", refuse("invalid tags: there are more than %d", maxTags))
	}
	held := held{every: s.sendEvery, last: time.Now(), send: func(found []*tempopb.TraceSearchMetadata) error {
		return out.Send(&tempopb.SearchResponse{Traces: found, Metrics: &tempopb.SearchMetrics{}})
	}}
	var whole *tempopb.SearchResponse
	stats, err := s.search(ctx, q, held.found, func(m *tempopb.SearchResponse) { whole = m })
	if err != nil {
		return s.fail(ctx, "Search", err)
	}
	s.note(stats)
	return s.fail(ctx, "Search", sendTraces(whole, out.Send))
}

// held is traces that are found and not sent yet.
type held struct {
	traces []*tempopb.TraceSearchMetadata
	bytes  int
	every  time.Duration // they are held at most so long, once there is another
	last   time.Time     // that some were sent
	send   func([]*tempopb.TraceSearchMetadata) error
}

// found holds a trace, or sends it with those that are held.
func (h *held) found(t *tempopb.TraceSearchMetadata) error {
	h.traces, h.bytes = append(h.traces, t), h.bytes+proto.Size(t)
	if time.Since(h.last) < h.every && h.bytes < messageBytes {
		return nil
	}
	err := h.send(h.traces)
	h.traces, h.bytes, h.last = nil, 0, time.Now()
	return err
}

// sendTraces sends an answer in messages of about messageBytes.
func sendTraces(m *tempopb.SearchResponse, send func(*tempopb.SearchResponse) error) error {
	if len(m.Traces) == 0 {
		return send(m)
	}
	for _, traces := range chunks(m.Traces) {
		if err := send(&tempopb.SearchResponse{Traces: traces, Metrics: m.Metrics}); err != nil {
			return err
		}
	}
	return nil
}

// single sends the message that f makes.
func single[In any, Out any](s *streams, method string, in In, out grpc.ServerStreamingServer[Out], f func(context.Context, In) (*Out, exec.Stats, error)) error {
	ctx := out.Context()
	m, stats, err := f(ctx, in)
	if err == nil {
		s.note(stats)
		err = out.Send(m)
	}
	return s.fail(ctx, method, err)
}

// SearchTags implements the method of the service.
func (s *streams) SearchTags(in *tempopb.SearchTagsRequest, out grpc.ServerStreamingServer[tempopb.SearchTagsResponse]) error {
	return single(s, "SearchTags", in, out, s.tags)
}

// SearchTagsV2 implements the method of the service.
func (s *streams) SearchTagsV2(in *tempopb.SearchTagsRequest, out grpc.ServerStreamingServer[tempopb.SearchTagsV2Response]) error {
	return single(s, "SearchTagsV2", in, out, s.tagsV2)
}

// SearchTagValues implements the method of the service.
func (s *streams) SearchTagValues(in *tempopb.SearchTagValuesRequest, out grpc.ServerStreamingServer[tempopb.SearchTagValuesResponse]) error {
	return single(s, "SearchTagValues", in, out, s.values)
}

// SearchTagValuesV2 implements the method of the service.
func (s *streams) SearchTagValuesV2(in *tempopb.SearchTagValuesRequest, out grpc.ServerStreamingServer[tempopb.SearchTagValuesV2Response]) error {
	return single(s, "SearchTagValuesV2", in, out, s.valuesV2)
}

// MetricsQueryInstant implements the method of the service.
func (s *streams) MetricsQueryInstant(in *tempopb.QueryInstantRequest, out grpc.ServerStreamingServer[tempopb.QueryInstantResponse]) error {
	return single(s, "MetricsQueryInstant", &series{query: in.Query, start: in.Start, end: in.End}, out, s.queryInstant)
}

// MetricsQueryRange implements the method of the service.
func (s *streams) MetricsQueryRange(in *tempopb.QueryRangeRequest, out grpc.ServerStreamingServer[tempopb.QueryRangeResponse]) error {
	q := &series{query: in.Query, start: in.Start, end: in.End, step: in.Step, exemplars: in.Exemplars}
	ctx := out.Context()
	send := func(m *tempopb.QueryRangeResponse) error { return sendSeries(m, out.Send) }
	whole, stats, err := s.queryParts(ctx, q, send)
	if err == nil {
		s.note(stats)
		err = send(whole)
	}
	return s.fail(ctx, "MetricsQueryRange", err)
}

// sendSeries sends an answer in messages of about messageBytes.
func sendSeries(m *tempopb.QueryRangeResponse, send func(*tempopb.QueryRangeResponse) error) error {
	if len(m.Series) == 0 {
		return send(m)
	}
	for _, series := range chunks(m.Series) {
		if err := send(&tempopb.QueryRangeResponse{Series: series, Metrics: m.Metrics, Status: m.Status, Message: m.Message}); err != nil {
			return err
		}
	}
	return nil
}
