// Package rpc serves the gRPC query APIs on the port of the UI and the HTTP
// APIs: one grpc-go server behind net/http, over HTTP/2 with and without TLS,
// with health checks and reflection. An API package has a function
//
//	func Register(s grpc.ServiceRegistrar, …)
//
// that registers its services; cmd/kiseki calls it between [New] and
// [Server.Open].
//
// Goals: a call costs no more than its limits, whatever the client sends; a
// bug costs the call that meets it and not the process; every call is counted
// under a name from a bounded set.
//
// Rejected: telling gRPC from HTTP by the first bytes of a connection, with a
// listener each. Clients such as Grafana use one connection for both, and
// behind TLS the first bytes are not to be seen.
package rpc

import (
	"context"
	"fmt"
	"log/slog"
	"net/http"
	"strconv"
	"strings"
	"sync/atomic"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	_ "google.golang.org/grpc/encoding/gzip" // clients may compress
	"google.golang.org/grpc/health"
	"google.golang.org/grpc/health/grpc_health_v1"
	"google.golang.org/grpc/reflection"
)

const (
	// messageBytes bounds one message of a client, decompressed. Queries are
	// kilobytes at most.
	messageBytes = 1 << 20
	// bodyBytes bounds all that a client sends in one call. grpc-go reads ahead
	// without a bound, so this is what bounds the memory of a call.
	bodyBytes = 4 << 20
	// answerBytes bounds one message to a client, which is encoded as a whole.
	// A trace of 100,000 spans is about 50 MB.
	answerBytes = 256 << 20
	// maxCalls bounds the calls under way in the process, watchers of health
	// included.
	maxCalls = 256
)

// Options are what the server needs of the process around it.
type Options struct {
	// NotReady says why calls are not served before [Server.Open].
	NotReady func() string
	// Observe is told of every call that ended after [Server.Open]: its full
	// method, such as /grpc.health.v1.Health/Check, or "unknown".
	Observe func(method string, code codes.Code, d time.Duration)
	Logger  *slog.Logger // for bugs
	// Share, if not nil, is a server of the same process: the calls of both
	// together are bounded as those of one.
	Share *Server
}

// Server is an [http.Handler] of gRPC calls and the [grpc.ServiceRegistrar] of
// what can be called.
type Server struct {
	o       Options
	grpc    *grpc.Server
	health  *health.Server
	methods map[string]bool // full names; written by Open only
	slots   chan struct{}
	open    atomic.Bool

	// draining ends when Drain is called.
	draining context.Context
	drain    context.CancelFunc
}

// New makes a server that answers UNAVAILABLE until it is opened.
func New(o Options) *Server {
	s := &Server{o: o, health: health.NewServer(), methods: map[string]bool{}, slots: make(chan struct{}, maxCalls)}
	if o.Share != nil {
		s.slots = o.Share.slots
	}
	s.draining, s.drain = context.WithCancel(context.Background())
	s.grpc = grpc.NewServer(
		grpc.MaxRecvMsgSize(messageBytes),
		grpc.MaxSendMsgSize(answerBytes),
		grpc.UnaryInterceptor(s.unary),
		grpc.StreamInterceptor(s.stream),
		grpc.UnknownServiceHandler(unknown),
		grpc.WaitForHandlers(true),
	)
	grpc_health_v1.RegisterHealthServer(s.grpc, s.health)
	reflection.Register(s.grpc)
	return s
}

// RegisterService implements [grpc.ServiceRegistrar]. It may be called before
// [Server.Open] only.
func (s *Server) RegisterService(d *grpc.ServiceDesc, impl any) {
	if s.open.Load() {
		panic("rpc: " + d.ServiceName + " is registered after Open")
	}
	s.grpc.RegisterService(d, impl)
}

// Open begins to serve what has been registered. It is called once.
func (s *Server) Open() {
	for service, info := range s.grpc.GetServiceInfo() {
		s.health.SetServingStatus(service, grpc_health_v1.HealthCheckResponse_SERVING)
		for _, m := range info.Methods {
			s.methods["/"+service+"/"+m.Name] = true
		}
	}
	s.open.Store(true)
}

// Drain tells those who watch the health that there is none, and ends calls
// that would go on for as long as the client likes. Queries go on.
func (s *Server) Drain() {
	s.health.Shutdown()
	s.drain()
}

// Stop ends all calls and waits for them.
func (s *Server) Stop() {
	s.Drain()
	s.grpc.Stop()
}

// IsCall reports whether a request is a gRPC call, or means to be one.
func IsCall(r *http.Request) bool {
	rest, ok := strings.CutPrefix(r.Header.Get("Content-Type"), "application/grpc")
	return ok && (rest == "" || rest[0] == '+' || rest[0] == ';')
}

// ServeHTTP implements [http.Handler] for requests of which [IsCall] holds.
func (s *Server) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if !s.open.Load() {
		Refuse(w, codes.Unavailable, "kiseki is not ready: "+s.o.NotReady())
		return
	}
	select {
	case s.slots <- struct{}{}:
		defer func() { <-s.slots }()
	default:
		Refuse(w, codes.ResourceExhausted, fmt.Sprintf("%d calls are under way, as many as are allowed; try again later", maxCalls))
		return
	}
	if IsEndless(r.URL.Path) {
		ctx, cancel := context.WithCancel(r.Context())
		defer cancel()
		defer context.AfterFunc(s.draining, cancel)()
		r = r.WithContext(ctx)
	}
	r.Body = http.MaxBytesReader(w, r.Body, bodyBytes)
	s.grpc.ServeHTTP(w, r)
}

// IsEndless reports whether the calls of a method last until the client ends
// them.
func IsEndless(method string) bool {
	return strings.HasPrefix(method, "/grpc.health.") || strings.HasPrefix(method, "/grpc.reflection.")
}

// Refuse answers a call without a message: headers alone, which gRPC calls
// Trailers-Only.
func Refuse(w http.ResponseWriter, code codes.Code, why string) {
	h := w.Header()
	h.Set("Content-Type", "application/grpc")
	h.Set("Grpc-Status", strconv.Itoa(int(code)))
	h.Set("Grpc-Message", percentEncode(why))
	w.WriteHeader(http.StatusOK)
}

// percentEncode is how gRPC writes a message in a header,
// https://github.com/grpc/grpc/blob/master/doc/PROTOCOL-HTTP2.md#responses.
func percentEncode(s string) string {
	var out strings.Builder
	for i := range len(s) {
		if c := s[i]; c < ' ' || c > '~' || c == '%' {
			fmt.Fprintf(&out, "%%%02X", c)
		} else {
			out.WriteByte(c)
		}
	}
	return out.String()
}
