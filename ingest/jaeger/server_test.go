package jaeger

import (
	"bytes"
	"compress/gzip"
	"context"
	"errors"
	"io"
	"log/slog"
	"math/rand/v2"
	"net"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	athrift "github.com/apache/thrift/lib/go/thrift"
	"github.com/jaegertracing/jaeger-idl/proto-gen/api_v2"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/credentials/insecure"
	"google.golang.org/grpc/status"

	"github.com/kiseki-dev/kiseki/ingest"
	"github.com/kiseki-dev/kiseki/telemetry"
)

// fixture is a server on all its ports, and what it was given.
type fixture struct {
	grpc, http, sampling, compact, binary string // addresses

	mu       sync.Mutex
	spans    int
	outcomes []string
}

func start(t *testing.T, limits ingest.Limits) *fixture {
	t.Helper()
	f := &fixture{}
	s := New(ingest.Options{
		Append: func(_ context.Context, b *telemetry.Batch) (telemetry.Outcome, error) {
			f.mu.Lock()
			defer f.mu.Unlock()
			f.spans += len(b.Spans)
			return telemetry.Outcome{}, nil
		},
		Observe: func(o ingest.Observation) {
			f.mu.Lock()
			defer f.mu.Unlock()
			f.outcomes = append(f.outcomes, o.Transport+" "+o.Encoding+" "+o.Outcome)
		},
		Limits: limits, Logger: slog.New(slog.DiscardHandler),
	})
	done := make(chan error, 5)
	for address, serve := range map[*string]func(net.Listener) error{&f.grpc: s.ServeGRPC, &f.http: s.ServeHTTP, &f.sampling: s.ServeSampling} {
		l, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			t.Fatal(err)
		}
		*address = l.Addr().String()
		go func() { done <- serve(l) }()
	}
	for address, serve := range map[*string]func(net.PacketConn) error{&f.compact: s.ServeCompact, &f.binary: s.ServeBinary} {
		c, err := net.ListenPacket("udp", "127.0.0.1:0")
		if err != nil {
			t.Fatal(err)
		}
		*address = c.LocalAddr().String()
		go func() { done <- serve(c) }()
	}
	t.Cleanup(func() {
		http.DefaultClient.CloseIdleConnections()
		errs := []error{s.Shutdown(context.Background())}
		for range cap(done) {
			errs = append(errs, <-done)
		}
		if err := errors.Join(errs...); err != nil {
			t.Error(err)
		}
	})
	return f
}

// wait returns the next outcome and how many spans there are now.
func (f *fixture) wait(t *testing.T) (string, int) {
	t.Helper()
	for until := time.Now().Add(10 * time.Second); time.Now().Before(until); time.Sleep(time.Millisecond) {
		f.mu.Lock()
		if len(f.outcomes) > 0 {
			out, spans := f.outcomes[0], f.spans
			f.outcomes, f.spans = f.outcomes[1:], 0
			f.mu.Unlock()
			return out, spans
		}
		f.mu.Unlock()
	}
	t.Fatal("nothing was observed")
	return "", 0
}

func batchBody(t *testing.T) (body []byte, spans int) {
	b := randomBatch(rand.New(rand.NewPCG(7, 7)))
	return written(t, false, func(p athrift.TProtocol) error { return b.Write(context.Background(), p) }), len(b.Spans)
}

func zipped(body []byte) []byte {
	var b bytes.Buffer
	w := gzip.NewWriter(&b)
	w.Write(body)
	w.Close()
	return b.Bytes()
}

// TestHTTP shows what clients are told over HTTP.
func TestHTTP(t *testing.T) {
	f := start(t, ingest.Limits{RequestBytes: 10_000, DecodedBytes: 20_000, Elements: 200})
	body, n := batchBody(t)
	many := bytes.Repeat([]byte("\x00"), 300) // as many empty spans
	for _, c := range []struct {
		name, method, path, contentType, encoding string
		body                                      []byte
		status                                    int
		text, outcome                             string
		spans                                     int
	}{
		{"a batch", "POST", "/api/traces?format=jaeger.thrift", "application/x-thrift", "", body, 202, "", "http thrift ok", n},
		{"of the other type", "POST", tracesPath, "application/vnd.apache.thrift.binary", "", body, 202, "", "http thrift ok", n},
		{"compressed", "POST", tracesPath, "application/x-thrift", "gzip", zipped(body), 202, "", "http thrift ok", n},
		{"no type", "POST", tracesPath, "", "", body, 400, "Cannot parse content type", "http unknown unsupported", 0},
		{"JSON", "POST", tracesPath, "application/json", "", body, 400, "Unsupported content type: application/json", "http unknown unsupported", 0},
		{"cut off", "POST", tracesPath, "application/x-thrift", "", body[:len(body)/2], 400, "Unable to process request body: malformed Jaeger thrift", "http thrift malformed", 0},
		{"nothing", "POST", tracesPath, "application/x-thrift", "", nil, 400, "cut off", "http thrift malformed", 0},
		{"a list of 4 G", "POST", tracesPath, "application/x-thrift", "", []byte("\x0f\x00\x02\x0c\xff\xff\xff\xff"), 400, "elements in", "http thrift malformed", 0},
		{"a string of 2 GB", "POST", tracesPath, "application/x-thrift", "", []byte("\x0c\x00\x01\x0b\x00\x01\x7f\xff\xff\xff"), 400, "cut off", "http thrift malformed", 0},
		{"deep", "POST", tracesPath, "application/x-thrift", "", bytes.Repeat([]byte("\x0c\x00\x07"), 1000), 400, "deeper", "http thrift malformed", 0},
		{"too large", "POST", tracesPath, "application/x-thrift", "", make([]byte, 10_001), 413, "10000", "http thrift too_large", 0},
		{"a bomb", "POST", tracesPath, "application/x-thrift", "gzip", zipped(make([]byte, 1_000_000)), 413, "20000", "http thrift too_large", 0},
		{"too many", "POST", tracesPath, "application/x-thrift", "", append([]byte("\x0f\x00\x02\x0c\x00\x00\x01\x2c"), many...), 413, "200 spans", "http thrift too_large", 0},
		{"another path", "POST", "/api/spans", "application/x-thrift", "", body, 404, tracesPath, "http unknown unsupported", 0},
		{"another method", "GET", tracesPath, "application/x-thrift", "", nil, 405, "POST", "http unknown unsupported", 0},
	} {
		req, err := http.NewRequest(c.method, "http://"+f.http+c.path, bytes.NewReader(c.body))
		if err != nil {
			t.Fatal(err)
		}
		if c.contentType != "" {
			req.Header.Set("Content-Type", c.contentType)
		}
		if c.encoding != "" {
			req.Header.Set("Content-Encoding", c.encoding)
		}
		resp, err := http.DefaultClient.Do(req)
		if err != nil {
			t.Fatal(err)
		}
		text, err := io.ReadAll(resp.Body)
		resp.Body.Close()
		if err != nil || resp.StatusCode != c.status || !strings.Contains(string(text), c.text) {
			t.Errorf("%s: %d %s", c.name, resp.StatusCode, text)
		}
		outcome, spans := f.wait(t)
		if strings.Replace(outcome, "  ", " unknown ", 1) != c.outcome || spans != c.spans {
			t.Errorf("%s: %s, %d spans", c.name, outcome, spans)
		}
	}
}

func TestUDP(t *testing.T) {
	f := start(t, ingest.Limits{})
	b := randomBatch(rand.New(rand.NewPCG(7, 7)))
	for _, c := range []struct {
		name, address string
		packet        []byte
		outcome       string
	}{
		{"compact", f.compact, call(t, true, b), "udp compact ok"},
		{"binary", f.binary, call(t, false, b), "udp binary ok"},
		{"binary where compact is taken", f.compact, call(t, false, b), "udp compact malformed"},
		{"cut off", f.binary, call(t, false, b)[:100], "udp binary malformed"},
		{"another method", f.binary, []byte("\x80\x01\x00\x04\x00\x00\x00\x0femitZipkinBatch\x00\x00\x00\x01\x00"), "udp binary malformed"},
		{"no batch", f.binary, []byte("\x80\x01\x00\x04\x00\x00\x00\x09emitBatch\x00\x00\x00\x01\x00"), "udp binary malformed"},
		{"noise", f.compact, []byte{1, 2, 3}, "udp compact malformed"},
	} {
		conn, err := net.Dial("udp", c.address)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := conn.Write(c.packet); err != nil {
			t.Fatal(err)
		}
		conn.Close()
		if outcome, spans := f.wait(t); outcome != c.outcome || (spans == len(b.Spans)) != strings.HasSuffix(outcome, "ok") {
			t.Errorf("%s: %s, %d spans", c.name, outcome, spans)
		}
	}
}

func TestGRPC(t *testing.T) {
	f := start(t, ingest.Limits{})
	conn, err := grpc.NewClient(f.grpc, grpc.WithTransportCredentials(insecure.NewCredentials()))
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	b := randomBatch(rand.New(rand.NewPCG(7, 7)))
	if _, err := api_v2.NewCollectorServiceClient(conn).PostSpans(t.Context(), inModel(b)); err != nil {
		t.Fatal(err)
	}
	if outcome, spans := f.wait(t); outcome != "grpc protobuf ok" || spans != len(b.Spans) {
		t.Errorf("%s, %d spans", outcome, spans)
	}
	bad := inModel(b)
	bad.Batch.Spans[0].StartTime = time.Date(5000, 1, 1, 0, 0, 0, 0, time.UTC)
	if _, err := api_v2.NewCollectorServiceClient(conn).PostSpans(t.Context(), bad); status.Code(err) != codes.InvalidArgument || !strings.Contains(err.Error(), "2262") {
		t.Errorf("a date that cannot be kept: %v", err)
	}
	sampling := api_v2.NewSamplingManagerClient(conn)
	got, err := sampling.GetSamplingStrategy(t.Context(), &api_v2.SamplingStrategyParameters{ServiceName: "shop"})
	if err != nil || got.StrategyType != api_v2.SamplingStrategyType_PROBABILISTIC || got.GetProbabilisticSampling().GetSamplingRate() != 1 {
		t.Errorf("%v, %v", got, err)
	}
	if _, err := sampling.GetSamplingStrategy(t.Context(), &api_v2.SamplingStrategyParameters{}); status.Code(err) != codes.InvalidArgument {
		t.Errorf("without a service: %v", err)
	}
}

func TestSampling(t *testing.T) {
	f := start(t, ingest.Limits{})
	for path, want := range map[string]string{
		"/sampling?service=shop": `200 {"strategyType":"PROBABILISTIC","probabilisticSampling":{"samplingRate":1}}`,
		"/?service=shop":         `200 {"strategyType":"PROBABILISTIC","probabilisticSampling":{"samplingRate":1}}`,
		"/sampling":              "400 ", "/sampling?service=": "400 ", "/sampling?service=a&service=b": "400 ", "/other?service=a": "404 ",
	} {
		resp, err := http.Get("http://" + f.sampling + path)
		if err != nil {
			t.Fatal(err)
		}
		text, err := io.ReadAll(resp.Body)
		resp.Body.Close()
		if got := resp.Status[:4] + string(text); err != nil || !strings.HasPrefix(got, want) {
			t.Errorf("%s: %s", path, got)
		}
	}
}
