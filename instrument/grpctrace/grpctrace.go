package grpctrace

import (
	"context"
	"net"
	"strconv"
	"strings"

	"go.opentelemetry.io/otel/attribute"
	otelcodes "go.opentelemetry.io/otel/codes"
	semconv "go.opentelemetry.io/otel/semconv/v1.43.0"
	"go.opentelemetry.io/otel/trace"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/metadata"
	"google.golang.org/grpc/stats"
	"google.golang.org/grpc/status"
)

const scope = "github.com/kiseki-dev/kiseki/instrument/grpctrace"

// Server makes a server span of every call, for grpc.StatsHandler.
func Server(list ...Option) stats.Handler { return newHandler(trace.SpanKindServer, list) }

// Client makes a client span of every call and sends the trace along, for
// grpc.WithStatsHandler.
func Client(list ...Option) stats.Handler { return newHandler(trace.SpanKindClient, list) }

type handler struct {
	options
	kind trace.SpanKind
}

func newHandler(kind trace.SpanKind, list []Option) *handler {
	h := &handler{kind: kind}
	for _, option := range list {
		option(&h.options)
	}
	h.source.Init(scope, kind)
	return h
}

// spanKey finds the span that TagRPC made: the one in the context may be an
// inner one, or that of the caller if there is none.
type spanKey struct{}

// TagRPC implements stats.Handler: it starts the span of a call.
func (h *handler) TagRPC(ctx context.Context, info *stats.RPCTagInfo) context.Context {
	method := strings.TrimPrefix(info.FullMethodName, "/")
	if h.kind == trace.SpanKindClient {
		return h.tagCall(ctx, method)
	}
	came, _ := metadata.FromIncomingContext(ctx)
	if !h.wants(method) {
		return h.source.TextMap().Extract(ctx, carrier(came))
	}
	attributes := [...]attribute.KeyValue{semconv.RPCSystemNameGRPC, semconv.RPCMethod(method)}
	ctx, span := h.source.StartRemote(ctx, carrier(came), method, attributes[:])
	return context.WithValue(ctx, spanKey{}, span)
}

func (h *handler) tagCall(ctx context.Context, method string) context.Context {
	if h.wants(method) {
		var span trace.Span
		ctx, span = h.source.Start(ctx, method,
			trace.WithAttributes(semconv.RPCSystemNameGRPC, semconv.RPCMethod(method)))
		ctx = context.WithValue(ctx, spanKey{}, span)
	} else {
		ctx = context.WithValue(ctx, spanKey{}, trace.Span(nil))
	}
	out, _ := metadata.FromOutgoingContext(ctx)
	out = out.Copy() // others may hold it
	if out == nil {
		out = metadata.MD{}
	}
	h.source.TextMap().Inject(ctx, carrier(out))
	return metadata.NewOutgoingContext(ctx, out)
}

// HandleRPC implements stats.Handler: it adds to the span what is known by
// then, and ends it.
func (h *handler) HandleRPC(ctx context.Context, s stats.RPCStats) {
	span, _ := ctx.Value(spanKey{}).(trace.Span)
	if span == nil || s.IsClient() != (h.kind == trace.SpanKindClient) {
		return
	}
	switch s := s.(type) {
	case *stats.InHeader:
		if !s.Client && span.IsRecording() {
			span.SetAttributes(append(server(s.LocalAddr), peer(s.RemoteAddr)...)...)
		}
	case *stats.OutHeader:
		if s.Client && span.IsRecording() {
			span.SetAttributes(append(server(s.RemoteAddr), peer(s.RemoteAddr)...)...)
		}
	case *stats.End:
		h.end(span, s)
	}
}

func (h *handler) end(span trace.Span, s *stats.End) {
	defer span.End()
	if !span.IsRecording() {
		return
	}
	st, _ := status.FromError(s.Error)
	if s.Error == nil {
		st = status.New(codes.OK, "")
	}
	name := codeNames[st.Code()]
	if name == "" {
		name = strconv.Itoa(int(st.Code()))
	}
	span.SetAttributes(semconv.RPCResponseStatusCode(name))
	if isError(h.kind, st.Code()) {
		span.SetAttributes(semconv.ErrorTypeKey.String(name))
		span.SetStatus(otelcodes.Error, st.Message())
	}
}

// TagConn implements stats.Handler.
func (h *handler) TagConn(ctx context.Context, _ *stats.ConnTagInfo) context.Context { return ctx }

// HandleConn implements stats.Handler.
func (h *handler) HandleConn(context.Context, stats.ConnStats) {}

func isError(kind trace.SpanKind, c codes.Code) bool {
	if kind == trace.SpanKindClient {
		return c != codes.OK
	}
	switch c {
	case codes.Unknown, codes.DeadlineExceeded, codes.Unimplemented, codes.Internal, codes.Unavailable, codes.DataLoss:
		return true
	}
	return false
}

// codeNames are the codes as the semantic conventions write them.
var codeNames = map[codes.Code]string{
	codes.OK: "OK", codes.Canceled: "CANCELLED", codes.Unknown: "UNKNOWN", codes.InvalidArgument: "INVALID_ARGUMENT",
	codes.DeadlineExceeded: "DEADLINE_EXCEEDED", codes.NotFound: "NOT_FOUND", codes.AlreadyExists: "ALREADY_EXISTS",
	codes.PermissionDenied: "PERMISSION_DENIED", codes.ResourceExhausted: "RESOURCE_EXHAUSTED",
	codes.FailedPrecondition: "FAILED_PRECONDITION", codes.Aborted: "ABORTED", codes.OutOfRange: "OUT_OF_RANGE",
	codes.Unimplemented: "UNIMPLEMENTED", codes.Internal: "INTERNAL", codes.Unavailable: "UNAVAILABLE",
	codes.DataLoss: "DATA_LOSS", codes.Unauthenticated: "UNAUTHENTICATED",
}

func server(a net.Addr) []attribute.KeyValue {
	return hostPort(string(semconv.ServerAddressKey), string(semconv.ServerPortKey), a)
}

func peer(a net.Addr) []attribute.KeyValue {
	return hostPort(string(semconv.NetworkPeerAddressKey), string(semconv.NetworkPeerPortKey), a)
}

func hostPort(hostKey, portKey string, a net.Addr) []attribute.KeyValue {
	if a == nil {
		return nil
	}
	host, port, err := net.SplitHostPort(a.String())
	if err != nil {
		return []attribute.KeyValue{attribute.String(hostKey, a.String())} // a Unix socket
	}
	list := []attribute.KeyValue{attribute.String(hostKey, host)}
	if n, err := strconv.Atoi(port); err == nil {
		list = append(list, attribute.Int(portKey, n))
	}
	return list
}

// carrier is metadata as a propagation carrier.
type carrier metadata.MD

// Get implements propagation.TextMapCarrier.
func (c carrier) Get(key string) string {
	if v := metadata.MD(c).Get(key); len(v) > 0 {
		return v[0]
	}
	return ""
}

// Values implements propagation.ValuesGetter.
func (c carrier) Values(key string) []string { return metadata.MD(c).Get(key) }

// Set implements propagation.TextMapCarrier.
func (c carrier) Set(key, value string) { metadata.MD(c).Set(key, value) }

// Keys implements propagation.TextMapCarrier.
func (c carrier) Keys() []string {
	keys := make([]string, 0, len(c))
	for k := range c {
		keys = append(keys, k)
	}
	return keys
}
