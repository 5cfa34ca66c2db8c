package jaeger

import (
	"context"
	"errors"
	"fmt"
	"mime"
	"net"
	"net/http"
	"strings"
	"sync"

	"google.golang.org/grpc"

	"github.com/kiseki-dev/kiseki/ingest"
	"github.com/kiseki-dev/kiseki/ingest/thrift"
	"github.com/kiseki-dev/kiseki/telemetry"
)

// The encodings, as observations name them.
const (
	encodingProto   = "protobuf"
	encodingThrift  = "thrift"  // its binary protocol, over HTTP
	encodingCompact = "compact" // Thrift over UDP
	encodingBinary  = "binary"  // Thrift over UDP
)

// tracesPath is where batches are sent over HTTP.
const tracesPath = "/api/traces"

// Server takes spans as Jaeger's collector and agent do. Its methods may be
// called from any goroutine.
type Server struct {
	grpc            *ingest.GRPCServer
	http, sampling  *ingest.HTTPServer
	compact, binary *ingest.PacketServer
}

// New makes a server that serves nothing yet; the protocol's own options are
// set here.
func New(o ingest.Options) *Server {
	o.Protocol, o.Title = "jaeger", "Jaeger"
	o.NewDecoder = func(l ingest.Limits) ingest.Decoder { return newDecoder(l) }
	r := ingest.New(o)
	take := r.Handler(ingest.Endpoint{Encoding: requestEncoding, Taken: accepted, Refused: refused})
	return &Server{
		grpc: r.GRPCServer("Jaeger/gRPC", ingest.Call{
			Service: "jaeger.api_v2.CollectorService", Method: "PostSpans", File: "collector.proto", Encoding: encodingProto,
			Answer: func(buf []byte, _ *ingest.Exchange) []byte { return buf }, // PostSpansResponse has no fields
		}, func(s *grpc.Server) { s.RegisterService(&samplingService, nil) }),
		http:     r.HTTPServer("Jaeger/HTTP", take),
		sampling: r.HTTPServer("Jaeger sampling", samplingHandler()),
		compact:  r.PacketServer("Jaeger compact/UDP", encodingCompact, packets(r, thrift.NewCompact)),
		binary:   r.PacketServer("Jaeger binary/UDP", encodingBinary, packets(r, thrift.NewBinary)),
	}
}

// packets is the decoder of datagrams, which a PacketServer uses from one
// goroutine.
func packets(r *ingest.Receiver, reader func([]byte) *thrift.Reader) ingest.PacketDecoder {
	d := newDecoder(r.Limits())
	return func(packet []byte, b *telemetry.Batch) (ingest.Report, error) { return d.packet(reader(packet), b) }
}

// ServeGRPC serves CollectorService and SamplingManager on l until
// [Server.Shutdown], and returns nil then, as the others do.
func (s *Server) ServeGRPC(l net.Listener) error { return s.grpc.Serve(l) }

// ServeHTTP serves Thrift over HTTP.
func (s *Server) ServeHTTP(l net.Listener) error { return s.http.Serve(l) }

// ServeSampling serves clients that ask over HTTP how much to sample.
func (s *Server) ServeSampling(l net.Listener) error { return s.sampling.Serve(l) }

// ServeCompact takes datagrams in Thrift's compact protocol.
func (s *Server) ServeCompact(c net.PacketConn) error { return s.compact.Serve(c) }

// ServeBinary takes datagrams in Thrift's binary protocol.
func (s *Server) ServeBinary(c net.PacketConn) error { return s.binary.Serve(c) }

// Shutdown stops accepting requests and datagrams and returns when those in
// flight are answered and stored, or when ctx ends.
func (s *Server) Shutdown(ctx context.Context) error {
	all := []func(context.Context) error{s.grpc.Shutdown, s.http.Shutdown, s.sampling.Shutdown, s.compact.Shutdown, s.binary.Shutdown}
	errs := make([]error, len(all))
	var wg sync.WaitGroup
	for i, f := range all {
		wg.Go(func() { errs[i] = f(ctx) })
	}
	wg.Wait()
	return errors.Join(errs...)
}

// requestEncoding checks what a request over HTTP is. The parameter format,
// which clients set to jaeger.thrift, is ignored as Jaeger does.
func requestEncoding(w http.ResponseWriter, r *http.Request) (string, *ingest.Failure) {
	refuse := func(status int, format string, args ...any) (string, *ingest.Failure) {
		return "", &ingest.Failure{Outcome: ingest.OutcomeUnsupported, HTTPStatus: status, Message: fmt.Sprintf(format, args...)}
	}
	media, _, err := mime.ParseMediaType(r.Header.Get("Content-Type"))
	switch {
	case r.URL.Path != tracesPath:
		return refuse(http.StatusNotFound, "spans are taken at %s; nothing is at %.100q", tracesPath, r.URL.Path)
	case r.Method != http.MethodPost:
		w.Header().Set("Allow", "POST")
		return refuse(http.StatusMethodNotAllowed, "spans are sent with POST, not %.20q", r.Method)
	case err != nil:
		return refuse(http.StatusBadRequest, "Cannot parse content type: %v", err)
	case media != "application/x-thrift" && media != "application/vnd.apache.thrift.binary":
		return refuse(http.StatusBadRequest, "Unsupported content type: %.100s", media)
	}
	return encodingThrift, nil
}

// accepted answers as Jaeger does: with nothing but that it was taken.
func accepted(w http.ResponseWriter, buf []byte, _ *ingest.Exchange) []byte {
	w.WriteHeader(http.StatusAccepted)
	return buf
}

// refused answers with the reason as text, as Jaeger does.
func refused(w http.ResponseWriter, _ string, f *ingest.Failure) {
	message := f.Message
	if f.Outcome == ingest.OutcomeMalformed {
		message = "Unable to process request body: " + message
	}
	w.Header().Set("Content-Type", "text/plain; charset=utf-8")
	w.WriteHeader(f.Status())
	_, _ = w.Write([]byte(strings.TrimSuffix(message, "\n") + "\n")) // a client that does not wait for its answer loses it
}
