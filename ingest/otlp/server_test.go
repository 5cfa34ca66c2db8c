package otlp

import (
	"bytes"
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"io"
	"log/slog"
	"math/big"
	"net"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/klauspost/compress/gzip"
	"github.com/klauspost/compress/zstd"
	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/exporters/otlp/otlptrace"
	"go.opentelemetry.io/otel/exporters/otlp/otlptrace/otlptracegrpc"
	"go.opentelemetry.io/otel/exporters/otlp/otlptrace/otlptracehttp"
	sdktrace "go.opentelemetry.io/otel/sdk/trace"
	"go.opentelemetry.io/otel/trace"
	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials"
	"google.golang.org/grpc/credentials/insecure"

	"github.com/kiseki-dev/kiseki/ingest"
	"github.com/kiseki-dev/kiseki/telemetry"
	"github.com/kiseki-dev/kiseki/telemetry/telemetrytest"
)

// sink is the store of these tests: it keeps the dump of every batch.
type sink struct {
	append telemetry.AppendFunc // if set, called instead
	mu     struct {
		sync.Mutex
		dumps    []string
		observed []ingest.Observation
	}
}

func (s *sink) Append(ctx context.Context, b *telemetry.Batch) (telemetry.Outcome, error) {
	if s.append != nil {
		return s.append(ctx, b)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.mu.dumps = append(s.mu.dumps, telemetrytest.Dump(b))
	return telemetry.Outcome{}, nil
}

func (s *sink) Observe(o ingest.Observation) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.mu.observed = append(s.mu.observed, o)
}

func (s *sink) all() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return strings.Join(s.mu.dumps, "\n")
}

func (s *sink) observed() []ingest.Observation {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.mu.observed
}

// fixture is a server on real listeners with real clients.
type fixture struct {
	*sink
	server   *Server
	budget   *ingest.Budget
	url      string // of POST /v1/traces
	grpcAddr string
	client   *http.Client
	conn     *grpc.ClientConn
}

func start(t testing.TB, s *sink, o Options) *fixture {
	t.Helper()
	o.Append, o.Observe, o.Logger = s.Append, s.Observe, slog.New(slog.DiscardHandler)
	if o.Budget == nil {
		o.Budget = ingest.NewBudget(64 << 20)
	}
	f := &fixture{sink: s, server: New(o), budget: o.Budget, client: &http.Client{Transport: &http.Transport{}}}
	scheme, creds := "http", insecure.NewCredentials()
	if o.TLS != nil {
		pool := x509.NewCertPool()
		pool.AddCert(o.TLS.Certificates[0].Leaf)
		config := &tls.Config{RootCAs: pool}
		scheme, creds = "https", credentials.NewTLS(config)
		f.client.Transport = &http.Transport{TLSClientConfig: config, ForceAttemptHTTP2: true}
	}
	httpListener, grpcListener := listen(t), listen(t)
	f.url, f.grpcAddr = scheme+"://"+httpListener.Addr().String()+TracesPath, grpcListener.Addr().String()
	var serving sync.WaitGroup
	serving.Go(func() {
		if err := f.server.ServeHTTP(httpListener); err != nil {
			t.Error(err)
		}
	})
	serving.Go(func() {
		if err := f.server.ServeGRPC(grpcListener); err != nil {
			t.Error(err)
		}
	})
	var err error
	if f.conn, err = grpc.NewClient(f.grpcAddr, grpc.WithTransportCredentials(creds)); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		f.client.CloseIdleConnections()
		f.conn.Close()
		ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
		defer cancel()
		if err := f.server.Shutdown(ctx); err != nil {
			t.Error(err)
		}
		serving.Wait()
	})
	return f
}

func listen(t testing.TB) net.Listener {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	return l
}

// post sends a body; header holds pairs of name and value.
func (f *fixture) post(t testing.TB, body []byte, header ...string) (*http.Response, []byte) {
	t.Helper()
	return f.do(t, http.MethodPost, f.url, bytes.NewReader(body), header...)
}

func (f *fixture) do(t testing.TB, method, url string, body io.Reader, header ...string) (*http.Response, []byte) {
	t.Helper()
	r, err := http.NewRequest(method, url, body)
	if err != nil {
		t.Fatal(err)
	}
	for i := 0; i < len(header); i += 2 {
		r.Header.Set(header[i], header[i+1])
	}
	res, err := f.client.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	answer, err := io.ReadAll(res.Body)
	if err != nil {
		t.Fatal(err)
	}
	return res, answer
}

func gzipped(t testing.TB, b []byte) []byte {
	t.Helper()
	var buf bytes.Buffer
	w := gzip.NewWriter(&buf)
	if _, err := w.Write(b); err != nil {
		t.Fatal(err)
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return buf.Bytes()
}

func zstded(t testing.TB, b []byte) []byte {
	t.Helper()
	w, err := zstd.NewWriter(nil, zstd.WithEncoderConcurrency(1))
	if err != nil {
		t.Fatal(err)
	}
	defer w.Close()
	return w.EncodeAll(b, nil)
}

func selfSigned(t *testing.T) *tls.Config {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1), NotAfter: time.Now().Add(time.Hour), IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)},
		IsCA: true, BasicConstraintsValid: true,
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, key.Public(), key)
	if err != nil {
		t.Fatal(err)
	}
	leaf, err := x509.ParseCertificate(der)
	if err != nil {
		t.Fatal(err)
	}
	return &tls.Config{Certificates: []tls.Certificate{{Certificate: [][]byte{der}, PrivateKey: key, Leaf: leaf}}}
}

// sendWithSDK exports one span tree as an application does.
func sendWithSDK(t *testing.T, exporter sdktrace.SpanExporter) {
	t.Helper()
	ctx := context.Background()
	provider := sdktrace.NewTracerProvider(sdktrace.WithBatcher(exporter))
	ctx, root := provider.Tracer("shop").Start(ctx, "checkout", trace.WithSpanKind(trace.SpanKindServer))
	_, child := provider.Tracer("shop").Start(ctx, "charge")
	child.SetAttributes(attribute.StringSlice("cards", []string{"visa", "jcb"}), attribute.Int64("cents", 1295))
	child.RecordError(errors.New("card declined"))
	child.End()
	root.End()
	if err := provider.Shutdown(ctx); err != nil {
		t.Fatal(err)
	}
}

// The SDK's exporters, compressing or not, with and without TLS.
func TestSDKExporters(t *testing.T) {
	for name, config := range map[string]*tls.Config{"plain": nil, "tls": selfSigned(t)} {
		t.Run(name, func(t *testing.T) {
			f := start(t, &sink{}, Options{TLS: config})
			ctx := context.Background()
			var clientTLS *tls.Config
			httpOptions := []otlptracehttp.Option{otlptracehttp.WithEndpointURL(f.url)}
			grpcOptions := []otlptracegrpc.Option{otlptracegrpc.WithEndpoint(f.grpcAddr)}
			if config == nil {
				grpcOptions = append(grpcOptions, otlptracegrpc.WithInsecure())
			} else {
				clientTLS = f.client.Transport.(*http.Transport).TLSClientConfig.Clone()
				httpOptions = append(httpOptions, otlptracehttp.WithTLSClientConfig(clientTLS))
				grpcOptions = append(grpcOptions, otlptracegrpc.WithTLSCredentials(credentials.NewTLS(clientTLS)))
			}
			for _, client := range []otlptrace.Client{
				otlptracehttp.NewClient(httpOptions...),
				otlptracehttp.NewClient(append(httpOptions, otlptracehttp.WithCompression(otlptracehttp.GzipCompression))...),
				otlptracegrpc.NewClient(grpcOptions...),
				otlptracegrpc.NewClient(append(grpcOptions, otlptracegrpc.WithCompressor("gzip"))...),
			} {
				exporter, err := otlptrace.New(ctx, client)
				if err != nil {
					t.Fatal(err)
				}
				sendWithSDK(t, exporter)
			}
			dump := f.all()
			for _, want := range []string{`name="checkout"`, `name="charge"`, `"cards" = array [string "visa", string "jcb"]`, `"cents" = int 1295`, `event "exception"`} {
				if n := strings.Count(dump, want); n != 4 {
					t.Errorf("%s arrived %d times, want 4", want, n)
				}
			}
			for _, o := range f.observed() {
				if o.Outcome != ingest.OutcomeOK || o.Spans != 2 || o.DecodedBytes == 0 || o.Duration == 0 {
					t.Errorf("observed %+v", o)
				}
			}
		})
	}
}

// Requests in flight are answered before Shutdown returns; later ones fail.
func TestShutdownDrains(t *testing.T) {
	entered, leave := make(chan struct{}), make(chan struct{})
	f := start(t, &sink{append: func(context.Context, *telemetry.Batch) (telemetry.Outcome, error) {
		entered <- struct{}{}
		<-leave
		return telemetry.Outcome{}, nil
	}}, Options{})
	body := wrapSpans(span())
	var clients sync.WaitGroup
	clients.Go(func() {
		if res, _ := f.post(t, body, "Content-Type", typeProto); res.StatusCode != http.StatusOK {
			t.Errorf("HTTP: %s", res.Status)
		}
	})
	clients.Go(func() {
		if _, err := f.export(t, body); err != nil {
			t.Errorf("gRPC: %v", err)
		}
	})
	<-entered
	<-entered
	done := make(chan error)
	go func() { done <- f.server.Shutdown(context.Background()) }()
	select {
	case <-done:
		t.Error("Shutdown did not wait")
	default:
	}
	close(leave)
	if err := <-done; err != nil {
		t.Error(err)
	}
	clients.Wait()
	if res, err := f.client.Post(f.url, typeProto, bytes.NewReader(body)); err == nil {
		res.Body.Close()
		t.Errorf("after Shutdown: %s", res.Status)
	}
}

// A request that does not end is cut when the context does.
func TestShutdownGivesUp(t *testing.T) {
	entered, leave := make(chan struct{}), make(chan struct{})
	f := start(t, &sink{append: func(context.Context, *telemetry.Batch) (telemetry.Outcome, error) {
		close(entered)
		<-leave
		return telemetry.Outcome{}, nil
	}}, Options{})
	var client sync.WaitGroup
	client.Go(func() {
		if _, err := f.export(t, wrapSpans(span())); err == nil {
			t.Error("the client was told that all is well")
		}
	})
	<-entered
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	done := make(chan error)
	go func() { done <- f.server.Shutdown(ctx) }()
	client.Wait() // its connection is cut while Append still runs
	close(leave)
	if err := <-done; !errors.Is(err, context.Canceled) {
		t.Errorf("got %v", err)
	}
}
