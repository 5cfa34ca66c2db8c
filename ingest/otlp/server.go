package otlp

import (
	"context"
	"crypto/tls"
	"errors"
	"log/slog"
	"net"
	"net/http"
	"sync"

	_ "go.opentelemetry.io/proto/otlp/collector/trace/v1" // its descriptor, for reflection

	"github.com/kiseki-dev/kiseki/ingest"
	"github.com/kiseki-dev/kiseki/telemetry"
)

// Options are what a [Server] needs. See [ingest.Options] for those of the
// same name.
type Options struct {
	Append  telemetry.AppendFunc
	Context func(context.Context, http.Header) (context.Context, error)
	Limits  ingest.Limits
	Budget  *ingest.Budget
	Observe func(ingest.Observation)
	// CORSOrigins are the web origins whose pages may send traces: exact ones
	// ("https://shop.example"), any port of a host ("http://localhost:*"), or
	// "*". Empty means any port of this machine's http://localhost,
	// http://127.0.0.1 and http://[::1].
	CORSOrigins []string
	TLS         *tls.Config
	Logger      *slog.Logger
}

// Server receives OTLP traces over HTTP and gRPC. Its methods may be called
// from any goroutine.
type Server struct {
	options  Options
	receiver *ingest.Receiver
	http     *ingest.HTTPServer
	grpc     *ingest.GRPCServer
}

// traceService is the name of the service of OTLP/gRPC that takes traces. The
// services of the other signals are not registered: their clients get
// UNIMPLEMENTED.
const traceService = "opentelemetry.proto.collector.trace.v1.TraceService"

// New makes a server that serves nothing yet.
func New(o Options) *Server {
	s := &Server{options: o, receiver: ingest.New(ingest.Options{
		Protocol: "otlp", Title: "OTLP", NewDecoder: func(l ingest.Limits) ingest.Decoder {
			return NewDecoder(DecodeLimits{Depth: l.Depth, Elements: l.Elements})
		},
		Append: o.Append, Context: o.Context, Limits: o.Limits, Budget: o.Budget, Observe: o.Observe, TLS: o.TLS, Logger: o.Logger,
	})}
	s.http = s.receiver.HTTPServer("OTLP/HTTP", s.Handler())
	s.grpc = s.receiver.GRPCServer("OTLP/gRPC", ingest.Call{
		Service: traceService, Method: "Export", File: "opentelemetry/proto/collector/trace/v1/trace_service.proto",
		Encoding: encodingProto,
		Answer: func(buf []byte, x *ingest.Exchange) []byte {
			return appendProtoResponse(buf, x.Seen.Rejected, x.Message)
		},
	}, nil)
	return s
}

// ServeHTTP serves OTLP/HTTP on l until [Server.Shutdown], and returns nil
// then. The limits of time are those of this method: who mounts
// [Server.Handler] elsewhere sets their own.
func (s *Server) ServeHTTP(l net.Listener) error { return s.http.Serve(l) }

// ServeGRPC serves OTLP/gRPC, health checks and reflection on l until
// [Server.Shutdown], and returns nil then.
func (s *Server) ServeGRPC(l net.Listener) error { return s.grpc.Serve(l) }

// Shutdown stops accepting requests, on listeners that were or will be
// served, and returns when those in flight are answered, or when ctx ends:
// then it cuts their connections.
func (s *Server) Shutdown(ctx context.Context) error {
	var wg sync.WaitGroup
	errs := make([]error, 2)
	wg.Go(func() { errs[0] = s.http.Shutdown(ctx) })
	wg.Go(func() { errs[1] = s.grpc.Shutdown(ctx) })
	wg.Wait()
	return errors.Join(errs...)
}
