package tempo_test

import (
	"context"
	"io"
	"log/slog"
	"net"
	"net/http"
	"testing"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials/insecure"
	"google.golang.org/protobuf/proto"

	"github.com/kiseki-dev/kiseki/api/rpc"
	"github.com/kiseki-dev/kiseki/api/tempo"
	"google.golang.org/grpc/codes"
)

// connection is a client of the API over a network: gRPC and HTTP on one port,
// as the server has them.
type connection struct {
	conn *grpc.ClientConn
	addr string
}

func connect(t *testing.T, api *tempo.API) *connection {
	t.Helper()
	calls := rpc.New(rpc.Options{
		NotReady: func() string { return "" }, Observe: func(string, codes.Code, time.Duration) {}, Logger: slog.New(slog.DiscardHandler),
	})
	api.Register(calls)
	calls.Open()
	var p http.Protocols
	p.SetHTTP1(true)
	p.SetUnencryptedHTTP2(true)
	web := &http.Server{Protocols: &p, Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if rpc.IsCall(r) {
			calls.ServeHTTP(w, r)
			return
		}
		api.ServeHTTP(w, r)
	})}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	go web.Serve(l)
	conn, err := grpc.NewClient(l.Addr().String(), grpc.WithTransportCredentials(insecure.NewCredentials()))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		conn.Close()
		web.Close()
		calls.Stop()
	})
	return &connection{conn, l.Addr().String()}
}

// stream calls a method that answers with a stream and hands over its
// messages.
func (c *connection) stream(method string, in proto.Message, next func() proto.Message, f func(proto.Message)) error {
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	s, err := c.conn.NewStream(ctx, &grpc.StreamDesc{ServerStreams: true}, method)
	if err != nil {
		return err
	}
	if err := s.SendMsg(in); err != nil {
		return err
	}
	if err := s.CloseSend(); err != nil {
		return err
	}
	for {
		m := next()
		if err := s.RecvMsg(m); err == io.EOF {
			return nil
		} else if err != nil {
			return err
		}
		f(m)
	}
}
