package proxy

import (
	"context"
	"io"
	"net/http"
	"strings"
	"testing"

	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/credentials/insecure"
	"google.golang.org/grpc/metadata"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/types/known/wrapperspb"
)

// echo is a service with a call, a stream and an error; its messages are
// strings.
var echo = grpc.ServiceDesc{
	ServiceName: "test.Echo", HandlerType: (*any)(nil),
	Methods: []grpc.MethodDesc{
		{MethodName: "Say", Handler: func(_ any, ctx context.Context, decode func(any) error, _ grpc.UnaryServerInterceptor) (any, error) {
			in := new(wrapperspb.StringValue)
			if err := decode(in); err != nil {
				return nil, err
			}
			switch in.Value {
			case "":
				return nil, status.Error(codes.InvalidArgument, "say something")
			case "panic":
				return nil, status.Error(codes.Internal, "it broke: 100 % of it")
			}
			md, _ := metadata.FromIncomingContext(ctx)
			grpc.SetTrailer(ctx, metadata.Pairs("heard", strings.Join(md.Get("traceparent"), ",")))
			return in, nil
		}},
	},
	Streams: []grpc.StreamDesc{{StreamName: "Chat", ServerStreams: true, ClientStreams: true, Handler: func(_ any, s grpc.ServerStream) error {
		for {
			in := new(wrapperspb.StringValue)
			if err := s.RecvMsg(in); err == io.EOF {
				return nil
			} else if err != nil {
				return err
			}
			if err := s.SendMsg(in); err != nil {
				return err
			}
		}
	}}},
}

// startGRPC runs gRPC's own server, and a client that calls it by the proxy.
func startGRPC(t *testing.T) (*fixture, *grpc.ClientConn) {
	t.Helper()
	l := listen(t)
	s := grpc.NewServer()
	s.RegisterService(&echo, nil)
	go s.Serve(l)
	t.Cleanup(s.Stop)
	f := startBefore(t, "http://"+l.Addr().String(), Options{})
	return f, dial(t, f)
}

func dial(t *testing.T, f *fixture) *grpc.ClientConn {
	t.Helper()
	conn, err := grpc.NewClient(strings.TrimPrefix(f.url, "http://"), grpc.WithTransportCredentials(insecure.NewCredentials()))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { conn.Close() })
	return conn
}

var rpcKeys = []string{"rpc.system.name", "rpc.method", "rpc.method_original", "rpc.response.status_code", "error.type"}

func TestCalls(t *testing.T) {
	f, conn := startGRPC(t)
	for i, c := range []struct {
		method, say string
		code        codes.Code
		message     string
		span        string
	}{
		{"Say", "hello", codes.OK, "", "server test.Echo/Say rpc.system.name=grpc rpc.method=test.Echo/Say rpc.response.status_code=OK <answer begins>"},
		{"Say", "", codes.InvalidArgument, "say something", "server test.Echo/Say rpc.system.name=grpc rpc.method=test.Echo/Say rpc.response.status_code=INVALID_ARGUMENT"},
		{"Say", "panic", codes.Internal, "it broke: 100 % of it", "server test.Echo/Say rpc.system.name=grpc rpc.method=test.Echo/Say rpc.response.status_code=INTERNAL error.type=INTERNAL Error"},
		{"User42", "", codes.Unimplemented, "unknown method User42 for service test.Echo",
			"server POST rpc.system.name=grpc rpc.method=_OTHER rpc.method_original=test.Echo/User42 rpc.response.status_code=UNIMPLEMENTED error.type=UNIMPLEMENTED Error"},
	} {
		out, trailer := new(wrapperspb.StringValue), metadata.MD{}
		err := conn.Invoke(t.Context(), "/test.Echo/"+c.method, wrapperspb.String(c.say), out, grpc.Trailer(&trailer))
		if st := status.Convert(err); st.Code() != c.code || st.Message() != c.message {
			t.Errorf("%s %q: %v", c.method, c.say, err)
		}
		s := f.ended(t, i+1)[i]
		if got := line(s, rpcKeys...); strings.Replace(got, " <answer begins>", "", 1) != strings.Replace(c.span, " <answer begins>", "", 1) {
			t.Errorf("got  %s\nwant %s", got, c.span)
		}
		if c.code == codes.OK && (out.Value != c.say || !strings.Contains(strings.Join(trailer.Get("heard"), ""), s.SpanContext().SpanID().String())) {
			t.Errorf("answered %q, trailer %v", out.Value, trailer)
		}
	}
	if s := f.ended(t, 3)[2]; s.Status().Description != "it broke: 100 % of it" {
		t.Errorf("the status says %q", s.Status().Description)
	}
}

func TestStreams(t *testing.T) {
	f, conn := startGRPC(t)
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	chat := func() grpc.ClientStream {
		s, err := conn.NewStream(ctx, &grpc.StreamDesc{ServerStreams: true, ClientStreams: true}, "/test.Echo/Chat")
		if err != nil {
			t.Fatal(err)
		}
		for _, word := range []string{"one", "two"} {
			in := new(wrapperspb.StringValue)
			if err := s.SendMsg(wrapperspb.String(word)); err != nil {
				t.Fatal(err)
			}
			if err := s.RecvMsg(in); err != nil || in.Value != word {
				t.Fatal(in, err)
			}
		}
		return s
	}
	s := chat()
	s.CloseSend()
	if err := s.RecvMsg(new(wrapperspb.StringValue)); err != io.EOF {
		t.Error(err)
	}
	const name = "server test.Echo/Chat rpc.system.name=grpc rpc.method=test.Echo/Chat "
	if got := line(f.ended(t, 1)[0], rpcKeys...); got != name+"rpc.response.status_code=OK <answer begins>" {
		t.Error(got)
	}
	chat()
	cancel() // as a client does that has heard enough
	if got := line(f.ended(t, 2)[1], rpcKeys...); got != name+"rpc.response.status_code=CANCELLED <answer begins>" {
		t.Error(got)
	}
}

func TestCallOfNobody(t *testing.T) {
	away := listen(t)
	away.Close()
	f := startBefore(t, "http://"+away.Addr().String(), Options{})
	err := dial(t, f).Invoke(t.Context(), "/test.Echo/Say", wrapperspb.String("x"), new(wrapperspb.StringValue))
	if st := status.Convert(err); st.Code() != codes.Unavailable || st.Message() != "kiseki proxy: service_unreachable" {
		t.Error(err)
	}
	want := "server POST rpc.system.name=grpc rpc.method=_OTHER rpc.method_original=test.Echo/Say rpc.response.status_code=UNAVAILABLE error.type=service_unreachable <exception> Error"
	if got := line(f.ended(t, 1)[0], rpcKeys...); got != want {
		t.Errorf("got  %s\nwant %s", got, want)
	}
}

// TestHTTP2: what comes by HTTP/2 goes on by HTTP/2.
func TestHTTP2(t *testing.T) {
	var proto string
	f := start(t, http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) { proto = r.Proto }), Options{})
	transport := &http.Transport{Protocols: new(http.Protocols)}
	transport.Protocols.SetUnencryptedHTTP2(true)
	defer transport.CloseIdleConnections()
	f.client.Transport = transport
	f.get(t, "GET", "/")
	if got := line(f.ended(t, 1)[0], "network.protocol.version"); proto != "HTTP/2.0" || got != "server GET network.protocol.version=2" {
		t.Error(proto, got)
	}
}
