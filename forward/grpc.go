package forward

import (
	"context"
	"fmt"
	"strings"
	"time"

	collector "go.opentelemetry.io/proto/otlp/collector/trace/v1"
	"google.golang.org/genproto/googleapis/rpc/errdetails"
	"google.golang.org/grpc"
	"google.golang.org/grpc/backoff"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/credentials"
	"google.golang.org/grpc/credentials/insecure"
	"google.golang.org/grpc/encoding/gzip"
	"google.golang.org/grpc/mem"
	"google.golang.org/grpc/metadata"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/proto"

	"github.com/kiseki-dev/kiseki/telemetry"
	"github.com/kiseki-dev/kiseki/telemetry/otlpproto"
)

// mostGRPCMessage is what grpc's servers take unless they are told otherwise.
const mostGRPCMessage = 4 << 20

// mostReconnect is how long a connection that failed is not tried again,
// whatever the pauses between attempts.
const mostReconnect = 10 * time.Second

const exportMethod = "/opentelemetry.proto.collector.trace.v1.TraceService/Export"

// caller makes unary calls of messages that are encoded already.
type caller struct {
	conn   *grpc.ClientConn
	method string
	header metadata.MD
}

// rawCodec takes messages as they are.
type rawCodec struct{}

func (rawCodec) Name() string { return "proto" }

func (rawCodec) Marshal(v any) (mem.BufferSlice, error) {
	return mem.BufferSlice{mem.SliceBuffer(v.([]byte))}, nil
}

func (rawCodec) Unmarshal(data mem.BufferSlice, v any) error {
	*v.(*[]byte) = data.Materialize()
	return nil
}

func newCaller(t *target, method string) (*caller, error) {
	cred := insecure.NewCredentials()
	if t.tls != nil {
		cred = credentials.NewTLS(t.tls)
	}
	pauses := backoff.DefaultConfig
	pauses.MaxDelay = mostReconnect
	conn, err := grpc.NewClient("dns:///"+t.host, grpc.WithTransportCredentials(cred), grpc.WithUserAgent("kiseki"),
		grpc.WithConnectParams(grpc.ConnectParams{Backoff: pauses, MinConnectTimeout: 10 * time.Second}),
		grpc.WithDefaultCallOptions(grpc.ForceCodecV2(rawCodec{}), grpc.UseCompressor(gzip.Name), grpc.MaxCallRecvMsgSize(mostAnswer)))
	if err != nil {
		return nil, fmt.Errorf("to: %w", err)
	}
	header := metadata.MD{}
	for _, h := range t.sortedHeaders() {
		header.Set(h[0], h[1])
	}
	return &caller{conn: conn, method: method, header: header}, nil
}

// call makes a call of the message for spans.
func (c *caller) call(ctx context.Context, message []byte, spans int) (answer []byte, err error) {
	if len(message) > mostGRPCMessage && spans > 1 {
		return nil, &sendError{tooLarge: true, err: errLarge}
	}
	err = c.conn.Invoke(metadata.NewOutgoingContext(ctx, c.header), c.method, message, &answer)
	if err != nil {
		return nil, callError(err)
	}
	return answer, nil
}

// callError says what the status of a call means, as refusal does for HTTP.
func callError(err error) error {
	st := status.Convert(err)
	e := &sendError{err: fmt.Errorf("answered %s: %s", st.Code(), st.Message())}
	switch st.Code() {
	case codes.InvalidArgument:
		e.refused = true
	case codes.ResourceExhausted:
		e.tooLarge = strings.Contains(st.Message(), "larger than") // as grpc's servers say of a message
	}
	for _, detail := range st.Details() {
		if info, ok := detail.(*errdetails.RetryInfo); ok {
			e.after = max(0, info.GetRetryDelay().AsDuration(), time.Nanosecond)
		}
	}
	return e
}

func (c *caller) close() error { return c.conn.Close() }

// otlpGRPC sends OTLP over gRPC.
type otlpGRPC struct {
	*caller
	body []byte
}

func newGRPC(_ *Options, t *target) (sender, error) {
	c, err := newCaller(t, exportMethod)
	if err != nil {
		return nil, err
	}
	return &otlpGRPC{caller: c}, nil
}

func (s *otlpGRPC) send(ctx context.Context, b *telemetry.Batch) error {
	s.body = otlpproto.Append(s.body[:0], b)
	answer, err := s.call(ctx, s.body, len(b.Spans))
	if err != nil {
		return err
	}
	return partial(answer)
}

// partial reads an ExportTraceServiceResponse: not all spans may have been
// taken. One that is none is as good as an empty one.
func partial(answer []byte) error {
	var r collector.ExportTraceServiceResponse
	if proto.Unmarshal(answer, &r) != nil {
		return nil
	}
	if n := r.GetPartialSuccess().GetRejectedSpans(); n > 0 {
		return &sendError{rejected: int(n), err: fmt.Errorf("%d spans rejected: %s", n, r.GetPartialSuccess().GetErrorMessage())}
	}
	return nil
}
