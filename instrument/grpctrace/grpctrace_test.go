package grpctrace_test

import (
	"context"
	"io"
	"net"
	"strings"
	"testing"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/credentials/insecure"
	"google.golang.org/grpc/health"
	healthpb "google.golang.org/grpc/health/grpc_health_v1"
	"google.golang.org/grpc/metadata"
	"google.golang.org/grpc/stats"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/types/known/emptypb"

	"go.opentelemetry.io/otel/trace"

	"github.com/kiseki-dev/kiseki/instrument/grpctrace"
	"github.com/kiseki-dev/kiseki/instrument/internal/spantest"
)

// checkout is a service with a call and a stream, made by hand: there is no
// need of generated code to test calls.
type checkout struct {
	call func(ctx context.Context) error
}

var description = grpc.ServiceDesc{
	ServiceName: "shop.Checkout",
	HandlerType: (*any)(nil),
	Methods: []grpc.MethodDesc{{MethodName: "PlaceOrder", Handler: func(srv any, ctx context.Context, decode func(any) error,
		_ grpc.UnaryServerInterceptor) (any, error) {
		if err := decode(new(emptypb.Empty)); err != nil {
			return nil, err
		}
		return new(emptypb.Empty), srv.(checkout).call(ctx)
	}}},
	Streams: []grpc.StreamDesc{{StreamName: "Track", ServerStreams: true, Handler: func(srv any, stream grpc.ServerStream) error {
		for range 2 {
			if err := stream.SendMsg(new(emptypb.Empty)); err != nil {
				return err
			}
		}
		return srv.(checkout).call(stream.Context())
	}}},
}

// serve starts a real server, traced, and connects a traced client to it.
func serve(t *testing.T, rec *spantest.Recorder, call func(context.Context) error) *grpc.ClientConn {
	t.Helper()
	options := []grpctrace.Option{grpctrace.WithTracerProvider(rec.Provider), grpctrace.WithPropagator(spantest.Propagator),
		grpctrace.Except("grpc.health.v1.Health/*")}
	server := grpc.NewServer(grpc.StatsHandler(grpctrace.Server(options...)))
	server.RegisterService(&description, checkout{call})
	healthpb.RegisterHealthServer(server, health.NewServer())
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	go func() { _ = server.Serve(l) }()
	t.Cleanup(server.Stop)
	conn, err := grpc.NewClient(l.Addr().String(), grpc.WithTransportCredentials(insecure.NewCredentials()),
		grpc.WithStatsHandler(grpctrace.Client(options...)))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = conn.Close() })
	return conn
}

func invoke(conn *grpc.ClientConn, ctx context.Context, method string) error {
	return conn.Invoke(ctx, method, new(emptypb.Empty), new(emptypb.Empty))
}

var usual = []string{"network.peer.address", "network.peer.port", "rpc.system.name", "server.address", "server.port"}

func TestCall(t *testing.T) {
	rec := spantest.New()
	var kept string
	conn := serve(t, rec, func(ctx context.Context) error {
		md, _ := metadata.FromIncomingContext(ctx)
		kept = strings.Join(md.Get("tenant"), ",")
		return nil
	})
	ctx := metadata.AppendToOutgoingContext(context.Background(), "tenant", "acme")
	if err := invoke(conn, ctx, "/shop.Checkout/PlaceOrder"); err != nil {
		t.Fatal(err)
	}
	spantest.Compare(t, rec.Text(t, 2), `
		client shop.Checkout/PlaceOrder
		  network.peer.address = 127.0.0.1
		  network.peer.port = PORT
		  rpc.method = shop.Checkout/PlaceOrder
		  rpc.response.status_code = OK
		  rpc.system.name = grpc
		  server.address = 127.0.0.1
		  server.port = PORT
		  server shop.Checkout/PlaceOrder (called)
		    network.peer.address = 127.0.0.1
		    network.peer.port = PORT
		    rpc.method = shop.Checkout/PlaceOrder
		    rpc.response.status_code = OK
		    rpc.system.name = grpc
		    server.address = 127.0.0.1
		    server.port = PORT
		`)
	if kept != "acme" {
		t.Errorf("the caller's own metadata is %q", kept)
	}
	if out, _ := metadata.FromOutgoingContext(ctx); len(out) != 1 {
		t.Errorf("the caller's context has got metadata: %v", out)
	}
}

func TestStream(t *testing.T) {
	rec := spantest.New()
	conn := serve(t, rec, func(context.Context) error { return nil })
	stream, err := conn.NewStream(context.Background(), &description.Streams[0], "/shop.Checkout/Track")
	if err != nil {
		t.Fatal(err)
	}
	if err := stream.CloseSend(); err != nil {
		t.Fatal(err)
	}
	messages := 0
	for ; err == nil; messages++ {
		err = stream.RecvMsg(new(emptypb.Empty))
	}
	if err != io.EOF || messages != 3 {
		t.Fatalf("%d messages, %v", messages, err)
	}
	spantest.Compare(t, rec.Text(t, 2, usual...), `
		client shop.Checkout/Track
		  rpc.method = shop.Checkout/Track
		  rpc.response.status_code = OK
		  server shop.Checkout/Track (called)
		    rpc.method = shop.Checkout/Track
		    rpc.response.status_code = OK
		`)
}

func TestFailures(t *testing.T) {
	for _, x := range []struct {
		method string
		spans  int
		want   string
	}{
		{"/shop.Checkout/PlaceOrder", 2, `
			client shop.Checkout/PlaceOrder Error: no such cart
			  error.type = NOT_FOUND
			  rpc.method = shop.Checkout/PlaceOrder
			  rpc.response.status_code = NOT_FOUND
			  server shop.Checkout/PlaceOrder (called)
			    rpc.method = shop.Checkout/PlaceOrder
			    rpc.response.status_code = NOT_FOUND
			`},
		// A server of gRPC tells nobody of calls for methods it does not have.
		{"/shop.Checkout/Nonsense", 1, `
			client shop.Checkout/Nonsense Error: unknown method Nonsense for service shop.Checkout
			  error.type = UNIMPLEMENTED
			  rpc.method = shop.Checkout/Nonsense
			  rpc.response.status_code = UNIMPLEMENTED
			`},
	} {
		rec := spantest.New()
		conn := serve(t, rec, func(context.Context) error { return status.Error(codes.NotFound, "no such cart") })
		if err := invoke(conn, context.Background(), x.method); err == nil {
			t.Fatal("the call did not fail")
		}
		spantest.Compare(t, rec.Text(t, x.spans, usual...), x.want)
	}
}

func TestServersFault(t *testing.T) {
	rec := spantest.New()
	conn := serve(t, rec, func(ctx context.Context) error { <-ctx.Done(); return ctx.Err() })
	ctx, cancel := context.WithTimeout(context.Background(), 50*time.Millisecond)
	defer cancel()
	if err := invoke(conn, ctx, "/shop.Checkout/PlaceOrder"); status.Code(err) != codes.DeadlineExceeded {
		t.Fatal(err)
	}
	for _, s := range rec.Spans(t, 2) {
		if got := s.Status().Code.String(); got != "Error" && s.SpanKind() == trace.SpanKindClient {
			t.Errorf("%s span: %s", s.SpanKind(), got)
		}
	}
}

func TestExcept(t *testing.T) {
	rec := spantest.New()
	conn := serve(t, rec, func(context.Context) error { return nil })
	if _, err := healthpb.NewHealthClient(conn).Check(context.Background(), new(healthpb.HealthCheckRequest)); err != nil {
		t.Fatal(err)
	}
	if err := invoke(conn, context.Background(), "/shop.Checkout/PlaceOrder"); err != nil {
		t.Fatal(err)
	}
	if n := len(rec.Spans(t, 2)); n != 2 {
		t.Errorf("there are %d spans", n)
	}
}

// A call inside a handler is below the handler's span, whose own end is not
// taken for the inner one's.
func TestCallInsideCall(t *testing.T) {
	rec := spantest.New()
	inner := serve(t, rec, func(context.Context) error { return nil })
	outer := serve(t, rec, func(ctx context.Context) error { return invoke(inner, ctx, "/shop.Checkout/PlaceOrder") })
	if err := invoke(outer, context.Background(), "/shop.Checkout/PlaceOrder"); err != nil {
		t.Fatal(err)
	}
	if text := rec.Text(t, 4, append(usual, "rpc.method", "rpc.response.status_code")...); text != `client shop.Checkout/PlaceOrder
  server shop.Checkout/PlaceOrder (called)
    client shop.Checkout/PlaceOrder
      server shop.Checkout/PlaceOrder (called)
` {
		t.Error(text)
	}
}

var _ stats.Handler = grpctrace.Server()
