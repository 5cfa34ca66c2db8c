package rpc_test

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"go.uber.org/goleak"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/credentials/insecure"
	_ "google.golang.org/grpc/encoding/gzip"
	"google.golang.org/grpc/health/grpc_health_v1"
	"google.golang.org/grpc/interop/grpc_testing"
	"google.golang.org/grpc/status"

	"github.com/kiseki-dev/kiseki/api/rpc"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// service is what the tests call.
type service struct {
	grpc_testing.UnimplementedTestServiceServer
	entered, leave chan struct{}
}

// EmptyCall lasts until the test lets it leave or the call is cancelled.
func (s *service) EmptyCall(ctx context.Context, _ *grpc_testing.Empty) (*grpc_testing.Empty, error) {
	s.entered <- struct{}{}
	select {
	case <-s.leave:
		return &grpc_testing.Empty{}, nil
	case <-ctx.Done():
		return nil, ctx.Err()
	}
}

// UnaryCall answers with as much as is asked for and panics if that is -1.
func (s *service) UnaryCall(_ context.Context, in *grpc_testing.SimpleRequest) (*grpc_testing.SimpleResponse, error) {
	return &grpc_testing.SimpleResponse{Payload: &grpc_testing.Payload{Body: make([]byte, in.ResponseSize)}}, nil
}

func (s *service) StreamingOutputCall(*grpc_testing.StreamingOutputCallRequest, grpc.ServerStreamingServer[grpc_testing.StreamingOutputCallResponse]) error {
	panic("a bug")
}

// StreamingInputCall adds up what it gets.
func (s *service) StreamingInputCall(stream grpc.ClientStreamingServer[grpc_testing.StreamingInputCallRequest, grpc_testing.StreamingInputCallResponse]) error {
	sum := 0
	for {
		in, err := stream.Recv()
		if err == io.EOF {
			return stream.SendAndClose(&grpc_testing.StreamingInputCallResponse{AggregatedPayloadSize: int32(sum)})
		}
		if err != nil {
			return err
		}
		sum += len(in.GetPayload().GetBody())
	}
}

// fixture is a server behind net/http, without TLS, and a client.
type fixture struct {
	*rpc.Server
	*service
	web    *http.Server
	addr   string
	conn   *grpc.ClientConn
	client grpc_testing.TestServiceClient

	mu struct {
		sync.Mutex
		log      bytes.Buffer
		observed []string
	}
}

func (f *fixture) Write(p []byte) (int, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.mu.log.Write(p)
}

// seen is what was observed and logged.
func (f *fixture) seen() (observed, log string) {
	f.mu.Lock()
	defer f.mu.Unlock()
	return strings.Join(f.mu.observed, "\n"), f.mu.log.String()
}

func start(t *testing.T, share *rpc.Server) *fixture {
	t.Helper()
	f := &fixture{service: &service{entered: make(chan struct{}), leave: make(chan struct{})}}
	f.Server = rpc.New(rpc.Options{
		NotReady: func() string { return "recovering: 100% soon, 軌跡" },
		Observe: func(method string, code codes.Code, _ time.Duration) {
			f.mu.Lock()
			defer f.mu.Unlock()
			f.mu.observed = append(f.mu.observed, fmt.Sprint(method, " ", code))
		},
		Logger: slog.New(slog.NewTextHandler(f, nil)),
		Share:  share,
	})
	grpc_testing.RegisterTestServiceServer(f.Server, f.service)
	var p http.Protocols
	p.SetHTTP1(true)
	p.SetUnencryptedHTTP2(true)
	f.web = &http.Server{Protocols: &p, Handler: f.Server, HTTP2: &http.HTTP2Config{MaxConcurrentStreams: 1000}}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	f.addr = l.Addr().String()
	var serving sync.WaitGroup
	serving.Go(func() { _ = f.web.Serve(l) }) // ends with ErrServerClosed
	if f.conn, err = grpc.NewClient(f.addr, grpc.WithTransportCredentials(insecure.NewCredentials())); err != nil {
		t.Fatal(err)
	}
	f.client = grpc_testing.NewTestServiceClient(f.conn)
	t.Cleanup(func() {
		f.conn.Close()
		f.web.Close()
		f.Stop()
		serving.Wait()
	})
	return f
}

func wantCode(t *testing.T, err error, code codes.Code, text string) {
	t.Helper()
	if status.Code(err) != code || !strings.Contains(status.Convert(err).Message(), text) {
		t.Errorf("got %v, want %s with %q", err, code, text)
	}
}

func TestNotOpen(t *testing.T) {
	f := start(t, nil)
	_, err := f.client.UnaryCall(t.Context(), &grpc_testing.SimpleRequest{})
	wantCode(t, err, codes.Unavailable, "kiseki is not ready: recovering: 100% soon, 軌跡")
	f.Open()
	if _, err := f.client.UnaryCall(t.Context(), &grpc_testing.SimpleRequest{}); err != nil {
		t.Error(err)
	}
	defer func() {
		if recover() == nil {
			t.Error("a service was registered after Open")
		}
	}()
	grpc_testing.RegisterTestServiceServer(f.Server, f.service)
}

func TestPanicsEndTheirCallOnly(t *testing.T) {
	f := start(t, nil)
	f.Open()
	_, err := f.client.UnaryCall(t.Context(), &grpc_testing.SimpleRequest{ResponseSize: -1})
	wantCode(t, err, codes.Internal, "internal error")
	stream, err := f.client.StreamingOutputCall(t.Context(), &grpc_testing.StreamingOutputCallRequest{})
	if err != nil {
		t.Fatal(err)
	}
	_, err = stream.Recv()
	wantCode(t, err, codes.Internal, "internal error")
	observed, log := f.seen()
	if want := "/grpc.testing.TestService/UnaryCall Internal\n/grpc.testing.TestService/StreamingOutputCall Internal"; observed != want {
		t.Errorf("observed\n%s\nwant\n%s", observed, want)
	}
	if !strings.Contains(log, "a bug") || !strings.Contains(log, "rpc_test.go") {
		t.Errorf("log without the panic and where it was:\n%s", log)
	}
}

func TestUnknownMethods(t *testing.T) {
	f := start(t, nil)
	f.Open()
	for _, method := range []string{"/no.Service/Get", "/grpc.testing.TestService/No"} {
		err := f.conn.Invoke(t.Context(), method, &grpc_testing.Empty{}, &grpc_testing.Empty{})
		wantCode(t, err, codes.Unimplemented, method)
	}
	if observed, _ := f.seen(); observed != "unknown Unimplemented\nunknown Unimplemented" {
		t.Errorf("observed %s", observed)
	}
}

func TestLargeMessages(t *testing.T) {
	f := start(t, nil)
	f.Open()
	large := &grpc_testing.SimpleRequest{Payload: &grpc_testing.Payload{Body: make([]byte, 2<<20)}}
	_, err := f.client.UnaryCall(t.Context(), large)
	wantCode(t, err, codes.ResourceExhausted, "larger than max")
	_, err = f.client.UnaryCall(t.Context(), large, grpc.UseCompressor("gzip")) // 2 kB as sent
	wantCode(t, err, codes.ResourceExhausted, "larger than max")
	_, err = f.client.UnaryCall(t.Context(), &grpc_testing.SimpleRequest{ResponseSize: 257 << 20})
	wantCode(t, err, codes.ResourceExhausted, "larger than max")
}

// Messages within the limit are too many at some point: what a call has sent
// is held in memory until it is read.
func TestEndlessRequest(t *testing.T) {
	f := start(t, nil)
	f.Open()
	stream, err := f.client.StreamingInputCall(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	body := make([]byte, 512<<10)
	sent := 0
	for ; sent < 64; sent++ {
		if stream.Send(&grpc_testing.StreamingInputCallRequest{Payload: &grpc_testing.Payload{Body: body}}) != nil {
			break
		}
	}
	if answer, err := stream.CloseAndRecv(); err == nil {
		t.Errorf("%d messages were taken: %v", sent, answer)
	}
}

func TestTooManyCalls(t *testing.T) {
	f := start(t, nil)
	f.Open()
	var calls sync.WaitGroup
	for range 256 {
		calls.Go(func() {
			if _, err := f.client.EmptyCall(t.Context(), &grpc_testing.Empty{}); err != nil {
				t.Error(err)
			}
		})
	}
	for range 256 {
		<-f.entered
	}
	_, err := f.client.UnaryCall(t.Context(), &grpc_testing.SimpleRequest{})
	wantCode(t, err, codes.ResourceExhausted, "256 calls are under way")
	other := start(t, f.Server)
	other.Open()
	_, err = other.client.UnaryCall(t.Context(), &grpc_testing.SimpleRequest{})
	wantCode(t, err, codes.ResourceExhausted, "256 calls are under way")
	close(f.leave)
	calls.Wait()
	if _, err := f.client.UnaryCall(t.Context(), &grpc_testing.SimpleRequest{}); err != nil {
		t.Error(err)
	}
}

// Those who watch the health would keep a server from stopping.
func TestDrain(t *testing.T) {
	f := start(t, nil)
	f.Open()
	f.web.RegisterOnShutdown(f.Drain)
	watch, err := grpc_health_v1.NewHealthClient(f.conn).Watch(t.Context(), &grpc_health_v1.HealthCheckRequest{Service: "grpc.testing.TestService"})
	if err != nil {
		t.Fatal(err)
	}
	if got, err := watch.Recv(); err != nil || got.Status != grpc_health_v1.HealthCheckResponse_SERVING {
		t.Fatalf("got %v, %v", got, err)
	}
	var query sync.WaitGroup
	query.Go(func() {
		if _, err := f.client.EmptyCall(t.Context(), &grpc_testing.Empty{}); err != nil {
			t.Errorf("a query in flight: %v", err)
		}
	})
	<-f.entered
	done := make(chan error)
	go func() { done <- f.web.Shutdown(t.Context()) }()
	for err == nil {
		_, err = watch.Recv() // NOT_SERVING perhaps, then the end
	}
	close(f.leave)
	query.Wait()
	if err := <-done; err != nil {
		t.Error(err)
	}
}

// A query that outlasts the time to drain is cancelled and waited for.
func TestStop(t *testing.T) {
	f := start(t, nil)
	f.Open()
	var query sync.WaitGroup
	query.Go(func() {
		if _, err := f.client.EmptyCall(t.Context(), &grpc_testing.Empty{}); err == nil {
			t.Error("the client was told that all is well")
		}
	})
	<-f.entered
	f.web.Close()
	f.Stop()
	if observed, _ := f.seen(); observed != "/grpc.testing.TestService/EmptyCall Canceled" {
		t.Errorf("when Stop returned the call had not ended; observed %q", observed)
	}
	query.Wait()
}

func TestIsCall(t *testing.T) {
	for contentType, want := range map[string]bool{
		"application/grpc": true, "application/grpc+proto": true, "application/grpc;x=y": true,
		"": false, "application/json": false, "application/grpc-web": false,
	} {
		r := &http.Request{Header: http.Header{"Content-Type": {contentType}}}
		if rpc.IsCall(r) != want {
			t.Errorf("%q: got %t", contentType, !want)
		}
	}
}

// A client that speaks HTTP/1 is told that gRPC needs HTTP/2.
func TestHTTP1(t *testing.T) {
	f := start(t, nil)
	f.Open()
	transport := &http.Transport{}
	defer transport.CloseIdleConnections()
	res, err := (&http.Client{Transport: transport}).Post("http://"+f.addr+"/grpc.health.v1.Health/Check", "application/grpc", nil)
	if err != nil {
		t.Fatal(err)
	}
	res.Body.Close()
	if res.StatusCode != http.StatusHTTPVersionNotSupported {
		t.Errorf("got %s", res.Status)
	}
}
