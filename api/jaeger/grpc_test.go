package jaeger_test

import (
	"context"
	"errors"
	"io"
	"iter"
	"net"
	"net/http"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	trace "go.opentelemetry.io/proto/otlp/trace/v1"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/credentials/insecure"
	"google.golang.org/grpc/status"
	"google.golang.org/grpc/test/bufconn"
	"google.golang.org/protobuf/encoding/protojson"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protoreflect"
	"google.golang.org/protobuf/reflect/protoregistry"
	"google.golang.org/protobuf/types/known/durationpb"
	"google.golang.org/protobuf/types/known/timestamppb"

	"github.com/kiseki-dev/kiseki/api/jaeger"
	"github.com/kiseki-dev/kiseki/api/jaeger/apiv2"
	"github.com/kiseki-dev/kiseki/api/jaeger/apiv3"
	"github.com/kiseki-dev/kiseki/ingest/otlp"
	"github.com/kiseki-dev/kiseki/query/exec"
	"github.com/kiseki-dev/kiseki/storage/scan/scantest"
	"github.com/kiseki-dev/kiseki/telemetry"
	"github.com/kiseki-dev/kiseki/telemetry/telemetrytest"
)

type clients struct {
	conn *grpc.ClientConn
	v2   apiv2.QueryServiceClient
	v3   apiv3.QueryServiceClient
}

// dial serves the API over gRPC until the test ends.
func dial(t *testing.T, a *jaeger.API) clients {
	t.Helper()
	server, l := grpc.NewServer(), bufconn.Listen(1<<20)
	a.Register(server)
	var serving sync.WaitGroup
	serving.Go(func() { _ = server.Serve(l) }) // ends with the server
	conn, err := grpc.NewClient("passthrough:///api", grpc.WithTransportCredentials(insecure.NewCredentials()),
		grpc.WithContextDialer(func(ctx context.Context, _ string) (net.Conn, error) { return l.DialContext(ctx) }))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		conn.Close()
		server.Stop()
		serving.Wait()
	})
	return clients{conn, apiv2.NewQueryServiceClient(conn), apiv3.NewQueryServiceClient(conn)}
}

// messages are those of a stream, which has to end well.
func messages[M any](t *testing.T, s grpc.ServerStreamingClient[M]) iter.Seq[*M] {
	return func(yield func(*M) bool) {
		t.Helper()
		for {
			m, err := s.Recv()
			if errors.Is(err, io.EOF) {
				return
			}
			if err != nil {
				t.Fatal(err)
			}
			if !yield(m) {
				return
			}
		}
	}
}

// day is the one that the spans of the shop are of.
var dayStart, dayEnd = timestamppb.New(time.Unix(1_789_948_800, 0)), timestamppb.New(time.Unix(1_790_035_200, 0))

// TestSameAnswers: gRPC answers what HTTP answers.
func TestSameAnswers(t *testing.T) {
	h := newAPI(scantest.New(shop(t)))
	c := dial(t, h)
	const times = "query.startTimeMin=2026-09-21T00:00:00Z&query.startTimeMax=2026-09-22T00:00:00Z"
	query := &apiv3.TraceQueryParameters{
		ServiceName: "checkout", OperationName: "charge", Attributes: map[string]string{"error": "true"}, StartTimeMin: dayStart, StartTimeMax: dayEnd,
		DurationMin: durationpb.New(time.Millisecond), DurationMax: durationpb.New(time.Second), SearchDepth: 5,
	}
	const found = "query.serviceName=checkout&query.operationName=charge&query.attributes=%7B%22error%22:%22true%22%7D&query.durationMin=1ms&query.durationMax=1s&query.searchDepth=5&" + times
	compare := func(path string, got proto.Message, err error) {
		t.Helper()
		want := got.ProtoReflect().New().Interface()
		w := get(h, path)
		if err != nil || w.Code != http.StatusOK {
			t.Fatalf("%s: %v, %d", path, err, w.Code)
		}
		if err := protojson.Unmarshal(w.Body.Bytes(), want); err != nil {
			t.Fatalf("%s: %v in %s", path, err, w.Body)
		}
		if !proto.Equal(got, want) {
			t.Errorf("%s:\ngot\n%v\nwant\n%v", path, got, want)
		}
	}
	services, err := c.v3.GetServices(t.Context(), &apiv3.GetServicesRequest{})
	compare("/api/v3/services", services, err)
	ops, err := c.v3.GetOperations(t.Context(), &apiv3.GetOperationsRequest{Service: "payment", SpanKind: "server"})
	compare("/api/v3/operations?service=payment&spanKind=server", ops, err)
	deps, err := c.v3.GetDependencies(t.Context(), &apiv3.GetDependenciesRequest{StartTime: dayStart, EndTime: dayEnd})
	compare("/api/v3/dependencies?startTime=2026-09-21T00:00:00Z&endTime=2026-09-22T00:00:00Z", deps, err)
	sums, err := c.v3.FindTraceSummaries(t.Context(), &apiv3.FindTraceSummariesRequest{Query: query})
	if err != nil {
		t.Fatal(err)
	}
	for m := range messages(t, sums) {
		compare("/api/v3/trace-summaries?"+found, m, nil)
	}

	v2services, err := c.v2.GetServices(t.Context(), &apiv2.GetServicesRequest{})
	if err != nil || !slices.Equal(v2services.Services, services.Services) {
		t.Errorf("services of v2: %v %v", v2services, err)
	}
	v2ops, err := c.v2.GetOperations(t.Context(), &apiv2.GetOperationsRequest{Service: "payment"})
	if err != nil || len(v2ops.Operations) != 2 || !slices.Equal(v2ops.OperationNames, []string{"Charge", "SELECT"}) {
		t.Errorf("operations of v2: %v %v", v2ops, err)
	}
	v2deps, err := c.v2.GetDependencies(t.Context(), &apiv2.GetDependenciesRequest{StartTime: dayStart, EndTime: dayEnd})
	if err != nil || len(v2deps.Dependencies) != len(deps.Dependencies) || v2deps.Dependencies[0].Child != "payment" {
		t.Errorf("dependencies of v2: %v %v", v2deps, err)
	}
	traces, err := c.v2.FindTraces(t.Context(), &apiv2.FindTracesRequest{Query: &apiv2.TraceQueryParameters{ServiceName: "checkout", Tags: query.Attributes}})
	if err != nil {
		t.Fatal(err)
	}
	n := 0
	for m := range messages(t, traces) {
		n += len(m.Spans)
	}
	if n != 4 {
		t.Errorf("a search of v2 finds %d spans, want a trace of 4", n)
	}
}

// TestStreams: the spans of a large trace come in messages that every client
// takes, all of them and as they are stored; so do those of a search.
func TestStreams(t *testing.T) {
	b := telemetrytest.Random(3, 5000)
	long := telemetry.StringValue(strings.Repeat("x", 3000))
	for i := range b.Spans {
		b.Spans[i].TraceID = telemetry.TraceID{15: 1}
		b.Spans[i].SpanID = telemetry.SpanID{1, 6: byte(i >> 8), 7: byte(i)}
		b.Spans[i].Start, b.Spans[i].End = uint64(dayStart.AsTime().UnixNano())+uint64(i), 0
		if i%3 == 0 {
			at := uint32(len(b.Attrs))
			b.Attrs = append(b.Attrs, telemetry.Attr{Key: "long", Value: long})
			b.Spans[i].Attrs = telemetry.Range{Start: at, End: at + 1}
		}
	}
	want := telemetrytest.Dump(b)
	c := dial(t, newAPI(scantest.New(b)))
	whole, err := c.v3.GetTrace(t.Context(), &apiv3.GetTraceRequest{TraceId: "1"})
	if err != nil {
		t.Fatal(err)
	}
	search, err := c.v3.FindTraces(t.Context(), &apiv3.FindTracesRequest{Query: &apiv3.TraceQueryParameters{StartTimeMin: dayStart, StartTimeMax: dayEnd}})
	if err != nil {
		t.Fatal(err)
	}
	for _, answer := range []grpc.ServerStreamingClient[trace.TracesData]{whole, search} {
		got := &trace.TracesData{}
		n := 0
		for m := range messages(t, answer) {
			proto.Merge(got, m)
			n++
		}
		if n < 5 {
			t.Errorf("%d messages", n)
		}
		body, err := proto.Marshal(got)
		if err != nil {
			t.Fatal(err)
		}
		var read telemetry.Batch
		if _, err := otlp.NewDecoder(otlp.DecodeLimits{Depth: 32, Elements: 1 << 30}).DecodeProto(body, &read); err != nil {
			t.Fatal(err)
		}
		if telemetrytest.Dump(&read) != want {
			t.Error("the spans are not those that are stored")
		}
	}
}

func TestCallErrors(t *testing.T) {
	c := dial(t, newAPI(scantest.New(shop(t))))
	ctx := t.Context()
	last := func(s interface{ RecvMsg(any) error }, err error) error {
		if err != nil {
			return err
		}
		return s.RecvMsg(&trace.TracesData{})
	}
	ok := func() *apiv3.TraceQueryParameters {
		return &apiv3.TraceQueryParameters{StartTimeMin: dayStart, StartTimeMax: dayEnd}
	}
	strange, empty, negative, backwards := ok(), ok(), ok(), ok()
	strange.ProtoReflect().SetUnknown(protoreflect.RawFields("\x5a\x00")) // field 11
	empty.Filter = &apiv3.Call{}
	negative.DurationMin = durationpb.New(-1)
	backwards.StartTimeMin = dayEnd
	for _, x := range []struct {
		err  func() error
		code codes.Code
		text string
	}{
		{func() error { return last(c.v3.GetTrace(ctx, &apiv3.GetTraceRequest{TraceId: "x"})) }, codes.InvalidArgument, "not a trace ID"},
		{func() error { return last(c.v3.GetTrace(ctx, &apiv3.GetTraceRequest{TraceId: "cc"})) }, codes.NotFound, "trace not found"},
		{func() error { return last(c.v3.FindTraces(ctx, &apiv3.FindTracesRequest{})) }, codes.InvalidArgument, "missing query"},
		{func() error {
			return last(c.v3.FindTraces(ctx, &apiv3.FindTracesRequest{Query: &apiv3.TraceQueryParameters{}}))
		}, codes.InvalidArgument, "start_time_min"},
		{func() error { return last(c.v3.FindTraces(ctx, &apiv3.FindTracesRequest{Query: strange})) }, codes.InvalidArgument, "not known"},
		{func() error { return last(c.v3.FindTraces(ctx, &apiv3.FindTracesRequest{Query: empty})) }, codes.InvalidArgument, "query.filter"},
		{func() error { return last(c.v3.FindTraces(ctx, &apiv3.FindTracesRequest{Query: negative})) }, codes.InvalidArgument, "less than 0"},
		{func() error {
			return last(c.v3.FindTraceSummaries(ctx, &apiv3.FindTraceSummariesRequest{Query: backwards}))
		}, codes.InvalidArgument, "before"},
		{func() error { _, err := c.v3.GetDependencies(ctx, &apiv3.GetDependenciesRequest{}); return err }, codes.InvalidArgument, "start_time"},
		{func() error { return last(c.v2.GetTrace(ctx, &apiv2.GetTraceRequest{TraceId: []byte{1}})) }, codes.InvalidArgument, "1 bytes, not 16"},
		{func() error { return last(c.v2.FindTraces(ctx, &apiv2.FindTracesRequest{})) }, codes.InvalidArgument, "missing query"},
		{func() error { _, err := c.v2.ArchiveTrace(ctx, &apiv2.ArchiveTraceRequest{}); return err }, codes.Unimplemented, "ArchiveTrace"},
	} {
		if err := x.err(); status.Code(err) != x.code || !strings.Contains(err.Error(), x.text) {
			t.Errorf("got %v, want %s with %q", err, x.code, x.text)
		}
	}
}

// TestIncomplete: an answer that is cut short says so.
func TestIncomplete(t *testing.T) {
	limits := exec.DefaultLimits
	limits.TraceSpans = 2
	a := jaeger.New(jaeger.Options{Store: scantest.New(shop(t)), Limits: limits})
	w := get(a, "/api/traces/aa")
	if why := w.Header().Get("Kiseki-Incomplete"); why == "" || !strings.Contains(w.Body.String(), "not be the whole trace: "+why) {
		t.Errorf("got %v %s", w.Header(), w.Body)
	}
	s, err := dial(t, a).v3.GetTrace(t.Context(), &apiv3.GetTraceRequest{TraceId: "aa"})
	if err != nil {
		t.Fatal(err)
	}
	for range messages(t, s) {
	}
	if len(s.Trailer().Get("kiseki-incomplete")) == 0 {
		t.Errorf("got %v", s.Trailer())
	}
}

// TestReflection: tools such as grpcurl find the services and all that they
// refer to.
func TestReflection(t *testing.T) {
	for _, name := range []protoreflect.FullName{"jaeger.api_v3.QueryService", "jaeger.api_v2.QueryService"} {
		d, err := protoregistry.GlobalFiles.FindDescriptorByName(name)
		if err != nil {
			t.Fatal(err)
		}
		if n := d.(protoreflect.ServiceDescriptor).Methods().Len(); n != 6 {
			t.Errorf("%s has %d methods, want 6", name, n)
		}
	}
}
