package otlp

import (
	"context"
	"encoding/base64"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"strconv"
	"strings"
	"time"

	_ "go.opentelemetry.io/proto/otlp/collector/trace/v1" // its descriptor, for reflection
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/health"
	healthpb "google.golang.org/grpc/health/grpc_health_v1"
	"google.golang.org/grpc/reflection"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/proto"
)

// The library for gRPC reads a message whole, and unpacks it whole, before its
// server has a say: what clients send at the same time is in memory before any
// budget knows of it. So Export is served by hand, on the HTTP/2 server of the
// standard library: one call is one request and one answer, each in a frame of
// five bytes (https://github.com/grpc/grpc/blob/master/doc/PROTOCOL-HTTP2.md),
// and the request's body is read piece by piece as the budget allows, as with
// OTLP/HTTP. Health checks and reflection are the library's.

// traceService is the name of the service of OTLP/gRPC that takes traces. The
// services of the other signals are not registered: their clients get
// UNIMPLEMENTED.
const traceService = "opentelemetry.proto.collector.trace.v1.TraceService"

const exportPath = "/" + traceService + "/Export"

const (
	// maxStreams bounds the requests of one connection at a time.
	maxStreams = 64
	// receiveBuffer is what a client may send on a connection beyond what was
	// read of it. It is memory outside of the budget.
	receiveBuffer = 256 << 10
	// frameHeader is the size of the flag and the length before a message.
	frameHeader = 5
)

func (s *Server) newGRPC() (*http.Server, *grpc.Server, *health.Server) {
	g := grpc.NewServer(grpc.MaxRecvMsgSize(64 << 10))
	// Export never gets here; reflection lists what is registered.
	g.RegisterService(&grpc.ServiceDesc{
		ServiceName: traceService,
		Streams: []grpc.StreamDesc{{StreamName: "Export", Handler: func(any, grpc.ServerStream) error {
			return status.Error(codes.Internal, "not served here")
		}}},
		Metadata: "opentelemetry/proto/collector/trace/v1/trace_service.proto",
	}, nil)
	h := health.NewServer()
	h.SetServingStatus(traceService, healthpb.HealthCheckResponse_SERVING)
	healthpb.RegisterHealthServer(g, h)
	reflection.Register(g)
	var protocols http.Protocols
	protocols.SetHTTP2(true)
	protocols.SetUnencryptedHTTP2(true)
	return &http.Server{
		Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			if r.URL.Path == exportPath {
				s.exportGRPC(w, r)
			} else {
				g.ServeHTTP(w, r)
			}
		}),
		Protocols: &protocols,
		HTTP2: &http.HTTP2Config{
			MaxConcurrentStreams:          maxStreams,
			MaxReceiveBufferPerConnection: receiveBuffer,
			MaxReceiveBufferPerStream:     receiveBuffer,
			// A peer that is silent is asked, so that dead connections go.
			SendPingTimeout: time.Minute,
			PingTimeout:     20 * time.Second,
		},
		ReadHeaderTimeout: min(10*time.Second, s.limits.ReadTime),
		ReadTimeout:       s.limits.ReadTime,
		IdleTimeout:       -1, // exporters keep their connection
		MaxHeaderBytes:    64 << 10,
		TLSConfig:         s.options.TLS.Clone(),
		ErrorLog:          slog.NewLogLogger(s.log.Handler(), slog.LevelDebug),
	}, g, h
}

// ServeGRPC serves OTLP/gRPC, health checks and reflection on l until
// [Server.Shutdown], and returns nil then.
func (s *Server) ServeGRPC(l net.Listener) error {
	var err error
	if s.options.TLS != nil {
		err = s.grpc.ServeTLS(l, "", "")
	} else {
		err = s.grpc.Serve(l)
	}
	if errors.Is(err, http.ErrServerClosed) {
		return nil
	}
	return fmt.Errorf("serve OTLP/gRPC: %w", err)
}

func (s *Server) exportGRPC(w http.ResponseWriter, hr *http.Request) {
	if hr.Method != http.MethodPost || !strings.HasPrefix(hr.Header.Get("Content-Type"), "application/grpc") {
		http.Error(w, "this port takes OTLP over gRPC", http.StatusUnsupportedMediaType)
		return
	}
	x := exchange{started: time.Now(), seen: Observation{Transport: "grpc", Encoding: encodingProto}}
	ctx, cancel := withTimeout(hr.Context(), hr.Header.Get("Grpc-Timeout"))
	defer cancel()
	r := s.take()
	defer s.give(r)
	h := w.Header()
	h.Set("Content-Type", "application/grpc")
	h.Set("Grpc-Accept-Encoding", "identity,gzip,zstd")
	h["Trailer"] = []string{"Grpc-Status", "Grpc-Message", "Grpc-Status-Details-Bin"}
	fail := s.receiveGRPC(hr, r)
	if fail == nil {
		x.seen.Bytes, x.seen.DecodedBytes = clampInt(r.wire.n)+frameHeader, len(r.body)
		fail = s.handle(ctx, hr.Header, r, &x)
	}
	if fail != nil {
		w.WriteHeader(http.StatusOK)
		writeStatus(h, fail.status())
	} else {
		// The batch is stored and the decoder is done: its body is free to
		// hold the answer.
		r.body = appendProtoResponse(append(r.body[:0], 0, 0, 0, 0, 0), x.seen.Rejected, x.message)
		binary.BigEndian.PutUint32(r.body[1:], uint32(len(r.body)-frameHeader))
		_, _ = w.Write(r.body) // a client that does not wait for its answer loses it
		h.Set("Grpc-Status", "0")
	}
	s.observe(&x, fail)
}

// receiveGRPC reads the message of a call into r.
func (s *Server) receiveGRPC(hr *http.Request, r *request) *failure {
	r.body, r.wire = r.body[:0], wireReader{}
	if s.budget.full() {
		return &failure{outcome: OutcomeOverloaded, message: errOverloaded.Error(), retryAfter: time.Second}
	}
	var frame [frameHeader]byte
	if _, err := io.ReadFull(hr.Body, frame[:]); err != nil {
		return &failure{outcome: OutcomeCanceled, message: "the request's message did not arrive: " + err.Error()}
	}
	size := int64(binary.BigEndian.Uint32(frame[1:]))
	if size > s.limits.RequestBytes {
		return s.readFailure(r, errSentTooLarge)
	}
	contentEncoding := strings.ToLower(hr.Header.Get("Grpc-Encoding"))
	switch {
	case frame[0] == 0:
		contentEncoding = ""
	case frame[0] != 1, contentEncoding == "", contentEncoding == "identity":
		return &failure{outcome: OutcomeMalformed, message: "the message's frame does not say how it is compressed"}
	case contentEncoding != "gzip" && contentEncoding != "zstd":
		return &failure{outcome: OutcomeUnsupported, message: fmt.Sprintf("grpc-encoding must be gzip, zstd or identity, not %.100q", contentEncoding)}
	}
	if err := r.read(&message{hr.Body, size}, contentEncoding, s.limits.RequestBytes); err != nil {
		return s.readFailure(r, err)
	}
	return nil
}

// message reads the n bytes of a message; a body that ends before is cut off.
type message struct {
	r io.Reader
	n int64
}

func (m *message) Read(p []byte) (int, error) {
	if m.n <= 0 {
		return 0, io.EOF
	}
	n, err := m.r.Read(p[:min(int64(len(p)), m.n)])
	m.n -= int64(n)
	if err == io.EOF && m.n > 0 {
		err = io.ErrUnexpectedEOF
	}
	return n, err
}

// withTimeout bounds ctx by the header grpc-timeout, at most 8 digits and a
// unit. One that says something else bounds nothing.
func withTimeout(ctx context.Context, header string) (context.Context, context.CancelFunc) {
	units := map[byte]time.Duration{'H': time.Hour, 'M': time.Minute, 'S': time.Second, 'm': time.Millisecond, 'u': time.Microsecond, 'n': 1}
	if n := len(header); n >= 2 && n <= 9 {
		count, err := strconv.ParseUint(header[:n-1], 10, 32)
		if unit := units[header[n-1]]; err == nil && unit > 0 {
			return context.WithTimeout(ctx, min(time.Duration(count)*unit, 24*time.Hour))
		}
	}
	return context.WithCancel(ctx)
}

// writeStatus puts a failed call's status into its trailers.
func writeStatus(h http.Header, s *status.Status) {
	h.Set("Grpc-Status", strconv.Itoa(int(s.Code())))
	h.Set("Grpc-Message", percentEncode(s.Message()))
	if len(s.Proto().GetDetails()) == 0 {
		return
	}
	if p, err := proto.Marshal(s.Proto()); err == nil { // it holds nothing that can not be marshalled
		h.Set("Grpc-Status-Details-Bin", base64.RawStdEncoding.EncodeToString(p))
	}
}

// percentEncode is s as the header grpc-message wants it.
func percentEncode(s string) string {
	var b strings.Builder
	for i := range len(s) {
		if c := s[i]; c < ' ' || c > '~' || c == '%' {
			fmt.Fprintf(&b, "%%%02X", c)
		} else {
			b.WriteByte(c)
		}
	}
	return b.String()
}
