package ingest

import (
	"context"
	"encoding/base64"
	"encoding/binary"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"strconv"
	"strings"
	"time"

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
// budget knows of it. So the calls that bring telemetry are served by hand, on
// the HTTP/2 server of the standard library: one call is one request and one
// answer, each in a frame of five bytes
// (https://github.com/grpc/grpc/blob/master/doc/PROTOCOL-HTTP2.md), and the
// request's body is read piece by piece as the budget allows, as over HTTP.
// Health checks and reflection are the library's.

const (
	// maxStreams bounds the requests of one connection at a time.
	maxStreams = 64
	// receiveBuffer is what a client may send on a connection beyond what was
	// read of it. It is memory outside of the budget.
	receiveBuffer = 256 << 10
	// frameHeader is the size of the flag and the length before a message.
	frameHeader = 5
)

// Call is a unary gRPC call that brings telemetry.
type Call struct {
	Service string // such as "opentelemetry.proto.collector.trace.v1.TraceService"
	Method  string // such as "Export"
	File    string // that declares it, for reflection
	// Encoding is how [Decoder] knows the messages.
	Encoding string
	// Answer appends the answer's message to a request that was stored.
	Answer func(buf []byte, x *Exchange) []byte
}

func (c *Call) path() string { return "/" + c.Service + "/" + c.Method }

// GRPCServer serves a [Call], health checks and reflection.
type GRPCServer struct {
	name    string
	server  *http.Server
	library *grpc.Server
	health  *health.Server
}

// GRPCServer makes a server of one call, whose name ("OTLP/gRPC") is for
// errors. other, if not nil, has a say in what else the port serves.
func (r *Receiver) GRPCServer(name string, c Call, other func(*grpc.Server)) *GRPCServer {
	s := &GRPCServer{name: name, library: grpc.NewServer(grpc.MaxRecvMsgSize(64 << 10)), health: health.NewServer()}
	// The call never gets to the library; reflection lists what is registered.
	s.library.RegisterService(&grpc.ServiceDesc{
		ServiceName: c.Service,
		Streams: []grpc.StreamDesc{{StreamName: c.Method, Handler: func(any, grpc.ServerStream) error {
			return status.Error(codes.Internal, "not served here")
		}}},
		Metadata: c.File,
	}, nil)
	s.health.SetServingStatus(c.Service, healthpb.HealthCheckResponse_SERVING)
	healthpb.RegisterHealthServer(s.library, s.health)
	if other != nil {
		other(s.library)
	}
	reflection.Register(s.library)
	var protocols http.Protocols
	protocols.SetHTTP2(true)
	protocols.SetUnencryptedHTTP2(true)
	path := c.path()
	s.server = &http.Server{
		Handler: http.HandlerFunc(func(w http.ResponseWriter, hr *http.Request) {
			if hr.URL.Path == path {
				r.call(w, hr, &c)
			} else {
				s.library.ServeHTTP(w, hr)
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
		ReadHeaderTimeout: min(10*time.Second, r.limits.ReadTime),
		ReadTimeout:       r.limits.ReadTime,
		IdleTimeout:       -1, // exporters keep their connection
		MaxHeaderBytes:    64 << 10,
		TLSConfig:         r.options.TLS.Clone(),
		ErrorLog:          slog.NewLogLogger(r.log.Handler(), slog.LevelDebug),
	}
	return s
}

// Serve serves on l until [GRPCServer.Shutdown], and returns nil then.
func (s *GRPCServer) Serve(l net.Listener) error { return serveHTTP(s.name, s.server, l) }

// Shutdown is [HTTPServer.Shutdown]; health checks say meanwhile that nothing
// is served.
func (s *GRPCServer) Shutdown(ctx context.Context) error {
	s.health.Shutdown()
	defer s.library.Stop()
	return shutdownHTTP(ctx, s.name, s.server)
}

func (r *Receiver) call(w http.ResponseWriter, hr *http.Request, c *Call) {
	if hr.Method != http.MethodPost || !strings.HasPrefix(hr.Header.Get("Content-Type"), "application/grpc") {
		http.Error(w, "this port takes "+r.options.Title+" over gRPC", http.StatusUnsupportedMediaType)
		return
	}
	x := r.Begin("grpc", c.Encoding)
	ctx, cancel := withTimeout(hr.Context(), hr.Header.Get("Grpc-Timeout"))
	defer cancel()
	q := r.take()
	defer r.give(q)
	h := w.Header()
	h.Set("Content-Type", "application/grpc")
	h.Set("Grpc-Accept-Encoding", "identity,gzip,zstd")
	h["Trailer"] = []string{"Grpc-Status", "Grpc-Message", "Grpc-Status-Details-Bin"}
	fail := r.receiveGRPC(hr, q)
	if fail == nil {
		x.Seen.Bytes, x.Seen.DecodedBytes = clampInt(q.wire.n)+frameHeader, len(q.body)
		fail = r.handle(ctx, hr.Header, q, &x)
	}
	if fail != nil {
		w.WriteHeader(http.StatusOK)
		writeStatus(h, fail.GRPC())
	} else {
		// The batch is stored and the decoder is done: its body is free to
		// hold the answer.
		q.body = c.Answer(append(q.body[:0], 0, 0, 0, 0, 0), &x)
		binary.BigEndian.PutUint32(q.body[1:], uint32(len(q.body)-frameHeader))
		_, _ = w.Write(q.body) // a client that does not wait for its answer loses it
		h.Set("Grpc-Status", "0")
	}
	r.End(&x, fail)
}

// receiveGRPC reads the message of a call into q.
func (r *Receiver) receiveGRPC(hr *http.Request, q *request) *Failure {
	q.body, q.wire = q.body[:0], wireReader{}
	if r.budget.full() {
		return &Failure{Outcome: OutcomeOverloaded, Message: errOverloaded.Error(), RetryAfter: time.Second}
	}
	var frame [frameHeader]byte
	if _, err := io.ReadFull(hr.Body, frame[:]); err != nil {
		return &Failure{Outcome: OutcomeCanceled, Message: "the request's message did not arrive: " + err.Error()}
	}
	size := int64(binary.BigEndian.Uint32(frame[1:]))
	if size > r.limits.RequestBytes {
		return r.readFailure(q, errSentTooLarge)
	}
	contentEncoding := strings.ToLower(hr.Header.Get("Grpc-Encoding"))
	switch {
	case frame[0] == 0:
		contentEncoding = ""
	case frame[0] != 1, contentEncoding == "", contentEncoding == "identity":
		return &Failure{Outcome: OutcomeMalformed, Message: "the message's frame does not say how it is compressed"}
	case contentEncoding != "gzip" && contentEncoding != "zstd":
		return &Failure{Outcome: OutcomeUnsupported, Message: fmt.Sprintf("grpc-encoding must be gzip, zstd or identity, not %.100q", contentEncoding)}
	}
	if err := q.read(&message{hr.Body, size}, contentEncoding, r.limits.RequestBytes); err != nil {
		return r.readFailure(q, err)
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
