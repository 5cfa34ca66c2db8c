package jaeger

import (
	"context"
	"net/http"
	"strings"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/metadata"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/durationpb"
	"google.golang.org/protobuf/types/known/timestamppb"

	"github.com/kiseki-dev/kiseki/api/jaeger/apiv2"
	"github.com/kiseki-dev/kiseki/api/jaeger/apiv3"
	"github.com/kiseki-dev/kiseki/query/exec"
	"github.com/kiseki-dev/kiseki/storage/scan"
	"github.com/kiseki-dev/kiseki/telemetry"
)

// Register registers the gRPC services jaeger.api_v3.QueryService and
// jaeger.api_v2.QueryService.
func (a *API) Register(s grpc.ServiceRegistrar) {
	apiv3.RegisterQueryServiceServer(s, &serverV3{API: a})
	apiv2.RegisterQueryServiceServer(s, &serverV2{API: a})
}

const (
	// messageSpans and messageBytes bound one message of a stream: clients take
	// 4 MiB unless they are told otherwise. A span that is larger is sent alone.
	messageSpans = 1000
	messageBytes = 2 << 20
)

// call runs f over the stored data of this moment. An answer that is not the
// whole one has the trailer kiseki-incomplete with the reason.
func (a *API) call(ctx context.Context, f func(*query, scan.Snapshot) error) error {
	tell := func(why string) {
		_ = grpc.SetTrailer(ctx, metadata.Pairs(strings.ToLower(incompleteHeader), why)) // fails once the call is over
	}
	err := a.snapshot(func(snap scan.Snapshot) error { return f(&query{a, ctx, tell}, snap) })
	switch {
	case err == nil:
		return nil
	case ctx.Err() != nil:
		return status.FromContextError(ctx.Err()).Err()
	}
	method, _ := grpc.Method(ctx)
	why := a.explain(method, err)
	code := codes.Internal
	switch why.status {
	case http.StatusBadRequest:
		code = codes.InvalidArgument
	case http.StatusNotFound:
		code = codes.NotFound
	}
	return status.Error(code, why.text)
}

// stream sends the spans of a trace in messages that encode makes of them.
func stream[M proto.Message](t *exec.Trace, encode func(*telemetry.Batch) M, send func(M) error) error {
	part := t.Batch
	for rest := t.Batch.Spans; len(rest) > 0; rest = rest[len(part.Spans):] {
		part.Spans = rest[:min(len(rest), messageSpans)]
		m := encode(&part)
		for proto.Size(m) > messageBytes && len(part.Spans) > 1 {
			part.Spans = part.Spans[:len(part.Spans)/2]
			m = encode(&part)
		}
		if err := send(m); err != nil {
			return err
		}
	}
	return nil
}

// momentOf is a time of a message; ok is false where it is not given.
func momentOf(t *timestamppb.Timestamp) (ns uint64, ok bool) {
	if t == nil {
		return 0, false
	}
	return unixNano(t.AsTime()), true
}

// lengthOf is a duration of a message.
func lengthOf(d *durationpb.Duration) (time.Duration, error) {
	length := d.AsDuration()
	if length < 0 {
		return 0, badRequest("a duration is less than 0")
	}
	return length, nil
}

// readCommon takes what the queries of both services have.
func readCommon(service, operation string, tags map[string]string, shortest, longest *durationpb.Duration, depth int32) (s *search, err error) {
	s = &search{service: service, operation: operation, tags: tags, limit: uint64(max(0, depth))}
	if s.shortest, err = lengthOf(shortest); err != nil {
		return nil, err
	}
	s.longest, err = lengthOf(longest)
	return s, err
}

// readTimes takes the range of time of dependencies.
func readTimes(from, to *timestamppb.Timestamp) (start, end uint64, err error) {
	start, okStart := momentOf(from)
	end, okEnd := momentOf(to)
	if !okStart || !okEnd || start >= end {
		return 0, 0, badRequest("start_time and end_time are required, the first before the other")
	}
	return start, end, nil
}
