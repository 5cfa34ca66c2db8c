package otlp

import (
	"errors"
	"fmt"
	"net"
	"time"

	_ "go.opentelemetry.io/proto/otlp/collector/trace/v1" // its descriptor, for reflection
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/credentials"
	_ "google.golang.org/grpc/encoding/gzip" // registers the compressor
	"google.golang.org/grpc/health"
	healthpb "google.golang.org/grpc/health/grpc_health_v1"
	"google.golang.org/grpc/keepalive"
	"google.golang.org/grpc/reflection"
	"google.golang.org/grpc/status"
)

// traceService is the name of the service of OTLP/gRPC that takes traces. The
// services of the other signals are not registered: their clients get
// UNIMPLEMENTED.
const traceService = "opentelemetry.proto.collector.trace.v1.TraceService"

// maxStreams bounds the requests of one connection that are handled at a
// time: gRPC receives a message before the budget sees its size.
const maxStreams = 64

func (s *Server) newGRPC() (*grpc.Server, *health.Server) {
	options := []grpc.ServerOption{
		grpc.ForceServerCodecV2(newCodec()),
		grpc.MaxRecvMsgSize(clampInt(s.limits.DecodedBytes)),
		grpc.MaxConcurrentStreams(maxStreams),
		grpc.MaxHeaderListSize(64 << 10),
		grpc.ConnectionTimeout(10 * time.Second),
		// Exporters may ping to keep their connection through NAT; a peer that
		// is silent is asked, so that dead connections go.
		grpc.KeepaliveEnforcementPolicy(keepalive.EnforcementPolicy{MinTime: 5 * time.Second, PermitWithoutStream: true}),
		grpc.KeepaliveParams(keepalive.ServerParameters{Time: time.Minute, Timeout: 20 * time.Second}),
	}
	if s.options.TLS != nil {
		options = append(options, grpc.Creds(credentials.NewTLS(s.options.TLS)))
	}
	g := grpc.NewServer(options...)
	// Export is described as a stream of one message each way, which is the
	// same on the wire: a stream's handler calls for the message itself, and so
	// learns of those that were too large or would not decompress.
	g.RegisterService(&grpc.ServiceDesc{
		ServiceName: traceService,
		Streams:     []grpc.StreamDesc{{StreamName: "Export", Handler: s.exportGRPC}},
		Metadata:    "opentelemetry/proto/collector/trace/v1/trace_service.proto",
	}, nil)
	h := health.NewServer()
	h.SetServingStatus(traceService, healthpb.HealthCheckResponse_SERVING)
	healthpb.RegisterHealthServer(g, h)
	reflection.Register(g)
	return g, h
}

// ServeGRPC serves OTLP/gRPC, health checks and reflection on l until
// [Server.Shutdown], and returns nil then.
func (s *Server) ServeGRPC(l net.Listener) error {
	if err := s.grpc.Serve(l); err != nil && !errors.Is(err, grpc.ErrServerStopped) {
		return fmt.Errorf("serve OTLP/gRPC: %w", err)
	}
	return nil
}

func (s *Server) exportGRPC(_ any, stream grpc.ServerStream) error {
	x := exchange{started: time.Now(), seen: Observation{Transport: "grpc", Encoding: encodingProto}}
	r := s.take()
	defer s.give(r)
	fail := s.receiveGRPC(stream, r)
	if fail == nil {
		x.seen.Bytes, x.seen.DecodedBytes = len(r.body), len(r.body)
		fail = s.handle(stream.Context(), r, &x)
	}
	defer s.observe(&x, fail)
	if fail != nil {
		return fail.status().Err()
	}
	answer := response{rejected: x.seen.Rejected, message: x.message}
	// Compressing an empty message like the request would make it larger.
	if err := grpc.SetSendCompressor(stream.Context(), "identity"); err != nil {
		return err
	}
	return stream.SendMsg(&answer)
}

// receiveGRPC gets the message of a stream into r.
func (s *Server) receiveGRPC(stream grpc.ServerStream, r *request) *failure {
	overloaded := &failure{outcome: OutcomeOverloaded, message: errOverloaded.Error(), retryAfter: time.Second}
	if s.budget.full() {
		return overloaded
	}
	err := stream.RecvMsg(r)
	switch code := status.Code(err); {
	case err == nil && r.received != nil:
		return overloaded
	case err == nil:
		return nil
	case code == codes.ResourceExhausted:
		return &failure{outcome: OutcomeTooLarge, message: status.Convert(err).Message()}
	case stream.Context().Err() != nil, code == codes.Canceled, code == codes.DeadlineExceeded:
		return &failure{outcome: OutcomeCanceled, message: status.Convert(err).Message()}
	}
	return &failure{outcome: OutcomeMalformed, message: status.Convert(err).Message()}
}
