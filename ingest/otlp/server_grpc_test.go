package otlp

import (
	"bytes"
	"context"
	"errors"
	"slices"
	"strings"
	"testing"
	"time"

	collogspb "go.opentelemetry.io/proto/otlp/collector/logs/v1"
	coltracepb "go.opentelemetry.io/proto/otlp/collector/trace/v1"
	"google.golang.org/genproto/googleapis/rpc/errdetails"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	healthpb "google.golang.org/grpc/health/grpc_health_v1"
	"google.golang.org/grpc/mem"
	reflectionpb "google.golang.org/grpc/reflection/grpc_reflection_v1"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/proto"

	"github.com/kiseki-dev/kiseki/ingest"
	"github.com/kiseki-dev/kiseki/telemetry"
)

// rawCodec lets a client send any bytes.
type rawCodec struct{}

func (rawCodec) Name() string { return "proto" }

func (rawCodec) Marshal(v any) (mem.BufferSlice, error) {
	return mem.BufferSlice{mem.SliceBuffer(v.([]byte))}, nil
}

func (rawCodec) Unmarshal(data mem.BufferSlice, v any) error {
	return proto.Unmarshal(data.Materialize(), v.(proto.Message))
}

// export sends the bytes of a request.
func (f *fixture) export(t testing.TB, body []byte, options ...grpc.CallOption) (*coltracepb.ExportTraceServiceResponse, error) {
	t.Helper()
	var res coltracepb.ExportTraceServiceResponse
	options = append(options, grpc.ForceCodecV2(rawCodec{}))
	err := f.conn.Invoke(context.Background(), "/"+traceService+"/Export", body, &res, options...)
	return &res, err
}

func retryDelay(err error) time.Duration {
	for _, d := range status.Convert(err).Details() {
		if r, ok := d.(*errdetails.RetryInfo); ok {
			return r.GetRetryDelay().AsDuration()
		}
	}
	return 0
}

func TestGRPCExport(t *testing.T) {
	f := start(t, &sink{}, Options{})
	for _, compressor := range []string{"identity", "gzip", "zstd"} {
		for range 3 { // pooled memory is used again
			res, err := f.export(t, wrapSpans(span(5, "checkout-"+compressor)), grpc.UseCompressor(compressor))
			if err != nil || res.GetPartialSuccess() != nil {
				t.Fatalf("%s: %v, %v", compressor, res, err)
			}
		}
		if n := strings.Count(f.all(), "checkout-"+compressor); n != 3 {
			t.Errorf("%s: %d spans arrived", compressor, n)
		}
	}
	// A message of many frames.
	if _, err := f.export(t, wrapSpans(slices.Repeat([][]byte{span(5, strings.Repeat("long", 100))}, 1000)...)); err != nil {
		t.Fatal(err)
	}
	if o := f.observed(); o[len(o)-1].Spans != 1000 {
		t.Errorf("observed %+v", o[len(o)-1])
	}
}

func TestGRPCPartialSuccess(t *testing.T) {
	f := start(t, &sink{}, Options{})
	res, err := f.export(t, wrapSpans(span(), msg(5, "no ids")))
	const want = "1 spans rejected: trace_id is not 16 bytes (1)"
	if err != nil || res.GetPartialSuccess().GetRejectedSpans() != 1 || res.GetPartialSuccess().GetErrorMessage() != want {
		t.Errorf("%v, %v", res, err)
	}
	if o := f.observed()[0]; o.Outcome != ingest.OutcomePartial || o.Spans != 2 || o.Rejected != 1 {
		t.Errorf("observed %+v", o)
	}
}

func TestGRPCErrors(t *testing.T) {
	var appendErr error
	f := start(t, &sink{append: func(context.Context, *telemetry.Batch) (telemetry.Outcome, error) {
		return telemetry.Outcome{}, appendErr
	}}, Options{Limits: ingest.Limits{DecodedBytes: 1 << 20, Elements: 100}})
	large := make([]byte, 1<<20+1)
	for _, c := range []struct {
		name       string
		body       []byte
		compressor string
		appendErr  error
		code       codes.Code
		outcome    string
		retry      time.Duration
		message    string
	}{
		{"malformed", []byte{0x0a, 0x05}, "identity", nil, codes.InvalidArgument, ingest.OutcomeMalformed, 0, "malformed OTLP protobuf: field cut off at byte 0"},
		{"too large", large, "identity", nil, codes.ResourceExhausted, ingest.OutcomeTooLarge, 0, "larger than the limit"},
		{"gzip bomb", make([]byte, 8<<20), "gzip", nil, codes.ResourceExhausted, ingest.OutcomeTooLarge, 0, "larger than the limit"},
		{"zstd bomb", make([]byte, 8<<20), "zstd", nil, codes.ResourceExhausted, ingest.OutcomeTooLarge, 0, "larger than the limit"},
		{"too many elements", wrapSpans(slices.Repeat([][]byte{span()}, 101)...), "identity", nil, codes.ResourceExhausted, ingest.OutcomeTooLarge, 0, "more than 100 spans"},
		{"retry", wrapSpans(span()), "identity", &telemetry.RetryError{After: 3 * time.Second, Err: errors.New("disk is full")}, codes.Unavailable, ingest.OutcomeUnavailable, 3 * time.Second, "disk is full"},
		{"fatal", wrapSpans(span()), "identity", errors.New("bad batch"), codes.Internal, ingest.OutcomeFailed, 0, "bad batch"},
	} {
		appendErr = c.appendErr
		_, err := f.export(t, c.body, grpc.UseCompressor(c.compressor), grpc.MaxCallSendMsgSize(1<<30))
		if status.Code(err) != c.code || retryDelay(err) != c.retry || !strings.Contains(err.Error(), c.message) {
			t.Errorf("%s: got %v, retry after %v", c.name, err, retryDelay(err))
		}
		if o := f.observed(); o[len(o)-1].Outcome != c.outcome || o[len(o)-1].Spans != 0 {
			t.Errorf("%s: observed %+v", c.name, o[len(o)-1])
		}
	}
	if used := f.budget.Used(); used != 0 {
		t.Errorf("%d bytes of the budget are lost", used)
	}
}

func TestGRPCOverload(t *testing.T) {
	entered, leave := make(chan struct{}), make(chan struct{})
	f := start(t, &sink{append: func(context.Context, *telemetry.Batch) (telemetry.Outcome, error) {
		entered <- struct{}{}
		<-leave
		return telemetry.Outcome{}, nil
	}}, Options{Limits: ingest.Limits{DecodedBytes: 1 << 20}, Budget: ingest.NewBudget(64 << 10)})
	first := make(chan error)
	go func() {
		_, err := f.export(t, bytes.Join([][]byte{wrapSpans(span()), msg(9, make([]byte, 64<<10))}, nil)) // takes two chunks
		first <- err
	}()
	<-entered
	_, err := f.export(t, bytes.Join([][]byte{wrapSpans(span()), msg(9, make([]byte, 64<<10))}, nil))
	if status.Code(err) != codes.ResourceExhausted || retryDelay(err) < time.Second {
		t.Errorf("over the budget: %v", err)
	}
	leave <- struct{}{}
	if err := <-first; err != nil {
		t.Error(err)
	}
	if o := f.observed(); !slices.ContainsFunc(o, func(o ingest.Observation) bool { return o.Outcome == ingest.OutcomeOverloaded }) {
		t.Errorf("observed %+v", o)
	}
}

// What stands beside the trace service.
func TestGRPCServices(t *testing.T) {
	f := start(t, &sink{}, Options{})
	ctx := context.Background()
	health, err := healthpb.NewHealthClient(f.conn).Check(ctx, &healthpb.HealthCheckRequest{Service: traceService})
	if err != nil || health.GetStatus() != healthpb.HealthCheckResponse_SERVING {
		t.Errorf("health: %v, %v", health, err)
	}
	_, err = collogspb.NewLogsServiceClient(f.conn).Export(ctx, &collogspb.ExportLogsServiceRequest{})
	if status.Code(err) != codes.Unimplemented {
		t.Errorf("logs: %v", err)
	}
	stream, err := reflectionpb.NewServerReflectionClient(f.conn).ServerReflectionInfo(ctx)
	if err != nil {
		t.Fatal(err)
	}
	ask := &reflectionpb.ServerReflectionRequest{MessageRequest: &reflectionpb.ServerReflectionRequest_FileContainingSymbol{FileContainingSymbol: traceService}}
	if err := stream.Send(ask); err != nil {
		t.Fatal(err)
	}
	answer, err := stream.Recv()
	if err != nil || len(answer.GetFileDescriptorResponse().GetFileDescriptorProto()) == 0 {
		t.Errorf("reflection: %v, %v", answer, err)
	}
	if err := stream.CloseSend(); err != nil {
		t.Fatal(err)
	}
}

func BenchmarkGRPC(b *testing.B) {
	f := start(b, &sink{append: discard}, Options{})
	body := encodeProto(b, benchTraces())
	b.ReportAllocs()
	for b.Loop() {
		if _, err := f.export(b, body); err != nil {
			b.Fatal(err)
		}
	}
	perSpan(b, body)
}

func discard(context.Context, *telemetry.Batch) (telemetry.Outcome, error) {
	return telemetry.Outcome{}, nil
}
