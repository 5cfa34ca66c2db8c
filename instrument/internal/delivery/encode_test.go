package delivery

import (
	"context"
	"testing"
	"time"

	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/codes"
	"go.opentelemetry.io/otel/sdk/instrumentation"
	"go.opentelemetry.io/otel/sdk/resource"
	sdktrace "go.opentelemetry.io/otel/sdk/trace"
	"go.opentelemetry.io/otel/sdk/trace/tracetest"
	"go.opentelemetry.io/otel/trace"
	commonpb "go.opentelemetry.io/proto/otlp/common/v1"
	resourcepb "go.opentelemetry.io/proto/otlp/resource/v1"
	tracepb "go.opentelemetry.io/proto/otlp/trace/v1"
	"google.golang.org/protobuf/encoding/prototext"
	"google.golang.org/protobuf/proto"
)

var (
	traceID = trace.TraceID{0x5b, 0x8e, 0xff, 0xf7, 0x98, 0x03, 0x81, 0x03, 0xd2, 0x69, 0xb6, 0x33, 0x81, 0x3f, 0xc6, 0x0c}
	epoch   = time.Unix(1_700_000_000, 123_456_789)
)

// fullSpan has something in every field.
func fullSpan() tracetest.SpanStub {
	state, _ := trace.ParseTraceState("kiseki=a,other=b")
	linked := trace.NewSpanContext(trace.SpanContextConfig{
		TraceID: trace.TraceID{9}, SpanID: trace.SpanID{8}, TraceState: state, TraceFlags: trace.FlagsSampled, Remote: true,
	})
	return tracetest.SpanStub{
		Name: "GET /carts/{user}",
		SpanContext: trace.NewSpanContext(trace.SpanContextConfig{
			TraceID: traceID, SpanID: trace.SpanID{1, 2}, TraceFlags: trace.FlagsSampled, TraceState: state,
		}),
		Parent: trace.NewSpanContext(trace.SpanContextConfig{
			TraceID: traceID, SpanID: trace.SpanID{3, 4}, TraceFlags: trace.FlagsSampled, Remote: true,
		}),
		SpanKind:  trace.SpanKindServer,
		StartTime: epoch,
		EndTime:   epoch.Add(42 * time.Millisecond),
		Attributes: []attribute.KeyValue{
			attribute.String("s", "käse"), attribute.String("empty", ""), attribute.String("broken", "a\xffb"),
			attribute.Int64("i", -5), attribute.Int64("zero", 0), attribute.Float64("f", 0.25),
			attribute.Bool("yes", true), attribute.Bool("no", false),
			attribute.StringSlice("ss", []string{"a", ""}), attribute.Int64Slice("is", []int64{1, 0, -1}),
			attribute.Float64Slice("fs", []float64{1.5}), attribute.BoolSlice("bs", []bool{true, false}),
			attribute.ByteSlice("raw", []byte{0, 255}),
			attribute.Map("map", attribute.String("k", "v"), attribute.Int("n", 1)),
			attribute.Slice("mixed", attribute.StringValue("x"), attribute.IntValue(7)),
		},
		Events: []sdktrace.Event{{
			Name: "exception", Time: epoch.Add(time.Millisecond), DroppedAttributeCount: 2,
			Attributes: []attribute.KeyValue{attribute.String("exception.message", "out of stock")},
		}},
		Links: []sdktrace.Link{{
			SpanContext: linked, DroppedAttributeCount: 3,
			Attributes: []attribute.KeyValue{attribute.String("why", "batch")},
		}},
		Status:            sdktrace.Status{Code: codes.Error, Description: "out of stock"},
		DroppedAttributes: 4, DroppedEvents: 5, DroppedLinks: 6,
		Resource: resource.NewWithAttributes("https://example.org/schema", attribute.String("service.name", "cart")),
		InstrumentationScope: instrumentation.Scope{
			Name: "shop", Version: "1.2", SchemaURL: "https://example.org/scope",
			Attributes: attribute.NewSet(attribute.String("team", "checkout")),
		},
	}
}

func str(s string) *commonpb.AnyValue {
	return &commonpb.AnyValue{Value: &commonpb.AnyValue_StringValue{StringValue: s}}
}

func integer(i int64) *commonpb.AnyValue {
	return &commonpb.AnyValue{Value: &commonpb.AnyValue_IntValue{IntValue: i}}
}

func double(f float64) *commonpb.AnyValue {
	return &commonpb.AnyValue{Value: &commonpb.AnyValue_DoubleValue{DoubleValue: f}}
}

func boolean(b bool) *commonpb.AnyValue {
	return &commonpb.AnyValue{Value: &commonpb.AnyValue_BoolValue{BoolValue: b}}
}

func list(values ...*commonpb.AnyValue) *commonpb.AnyValue {
	return &commonpb.AnyValue{Value: &commonpb.AnyValue_ArrayValue{ArrayValue: &commonpb.ArrayValue{Values: values}}}
}

func pair(key string, v *commonpb.AnyValue) *commonpb.KeyValue {
	return &commonpb.KeyValue{Key: key, Value: v}
}

// wantFullSpan is fullSpan in the protocol's generated types.
func wantFullSpan() *tracepb.ResourceSpans {
	return &tracepb.ResourceSpans{
		SchemaUrl: "https://example.org/schema",
		Resource:  &resourcepb.Resource{Attributes: []*commonpb.KeyValue{pair("service.name", str("cart"))}},
		ScopeSpans: []*tracepb.ScopeSpans{{
			SchemaUrl: "https://example.org/scope",
			Scope: &commonpb.InstrumentationScope{
				Name: "shop", Version: "1.2", Attributes: []*commonpb.KeyValue{pair("team", str("checkout"))},
			},
			Spans: []*tracepb.Span{{
				TraceId: traceID[:], SpanId: []byte{1, 2, 0, 0, 0, 0, 0, 0}, ParentSpanId: []byte{3, 4, 0, 0, 0, 0, 0, 0},
				TraceState: "kiseki=a,other=b", Name: "GET /carts/{user}", Kind: tracepb.Span_SPAN_KIND_SERVER,
				StartTimeUnixNano: 1_700_000_000_123_456_789, EndTimeUnixNano: 1_700_000_000_165_456_789,
				Attributes: []*commonpb.KeyValue{
					pair("s", str("käse")), pair("empty", str("")), pair("broken", str("a\uFFFDb")),
					pair("i", integer(-5)), pair("zero", integer(0)), pair("f", double(0.25)),
					pair("yes", boolean(true)), pair("no", boolean(false)),
					pair("ss", list(str("a"), str(""))), pair("is", list(integer(1), integer(0), integer(-1))),
					pair("fs", list(double(1.5))), pair("bs", list(boolean(true), boolean(false))),
					pair("raw", &commonpb.AnyValue{Value: &commonpb.AnyValue_BytesValue{BytesValue: []byte{0, 255}}}),
					pair("map", &commonpb.AnyValue{Value: &commonpb.AnyValue_KvlistValue{KvlistValue: &commonpb.KeyValueList{
						Values: []*commonpb.KeyValue{pair("k", str("v")), pair("n", integer(1))},
					}}}),
					pair("mixed", list(str("x"), integer(7))),
				},
				DroppedAttributesCount: 4,
				Events: []*tracepb.Span_Event{{
					TimeUnixNano: 1_700_000_000_124_456_789, Name: "exception", DroppedAttributesCount: 2,
					Attributes: []*commonpb.KeyValue{pair("exception.message", str("out of stock"))},
				}},
				DroppedEventsCount: 5,
				Links: []*tracepb.Span_Link{{
					TraceId: append([]byte{9}, make([]byte, 15)...), SpanId: append([]byte{8}, make([]byte, 7)...),
					TraceState: "kiseki=a,other=b", Flags: 0x301, DroppedAttributesCount: 3,
					Attributes: []*commonpb.KeyValue{pair("why", str("batch"))},
				}},
				DroppedLinksCount: 6,
				Status:            &tracepb.Status{Code: tracepb.Status_STATUS_CODE_ERROR, Message: "out of stock"},
				Flags:             0x301,
			}},
		}},
	}
}

func decode(t *testing.T, b []byte) *tracepb.TracesData {
	t.Helper()
	var req tracepb.TracesData
	if err := proto.Unmarshal(b, &req); err != nil {
		t.Fatal(err)
	}
	return &req
}

func TestEveryFieldIsEncoded(t *testing.T) {
	got := decode(t, encode(nil, tracetest.SpanStubs{fullSpan()}.Snapshots()))
	want := &tracepb.TracesData{ResourceSpans: []*tracepb.ResourceSpans{wantFullSpan()}}
	if !proto.Equal(got, want) {
		t.Errorf("got\n%s\nwant\n%s", prototext.Format(got), prototext.Format(want))
	}
}

// TestGrouping: spans of several resources and scopes land in theirs, and
// long names, whose length takes several bytes, stay whole.
func TestGrouping(t *testing.T) {
	long := string(make([]byte, 70_000))
	var stubs tracetest.SpanStubs
	for _, x := range []struct{ service, scope, name string }{
		{"a", "x", "1"}, {"b", "x", "2"}, {"a", "y", "3"}, {"a", "x", "4"}, {"b", "x", long},
	} {
		stubs = append(stubs, tracetest.SpanStub{
			Name:                 x.name,
			SpanContext:          trace.NewSpanContext(trace.SpanContextConfig{TraceID: traceID, SpanID: trace.SpanID{1}}),
			Resource:             resource.NewSchemaless(attribute.String("service.name", x.service)),
			InstrumentationScope: instrumentation.Scope{Name: x.scope},
		})
	}
	got := map[string][]string{}
	for _, r := range decode(t, encode(nil, stubs.Snapshots())).ResourceSpans {
		for _, s := range r.ScopeSpans {
			key := r.Resource.Attributes[0].Value.GetStringValue() + s.Scope.Name
			for _, span := range s.Spans {
				got[key] = append(got[key], span.Name)
			}
		}
	}
	if len(got) != 3 || len(got["ax"]) != 2 || got["ay"][0] != "3" || got["bx"][1] != long {
		t.Errorf("got groups of %d keys: ax %q ay %q", len(got), got["ax"], got["ay"])
	}
}

// BenchmarkEncode: the work of the background goroutine for one span, without
// compression.
func BenchmarkEncode(b *testing.B) {
	spans := realSpans(512)
	b.ReportAllocs()
	var buf []byte
	for b.Loop() {
		buf = encode(buf[:0], spans)
	}
	b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/512, "ns/span")
	b.ReportMetric(float64(len(buf))/512, "B/span")
}

// realSpans are spans of the SDK, as an HTTP handler makes them.
func realSpans(n int) []sdktrace.ReadOnlySpan {
	var keep keeper
	p := sdktrace.NewTracerProvider(sdktrace.WithSpanProcessor(&keep))
	tracer := p.Tracer("bench")
	for range n {
		_, s := tracer.Start(context.Background(), "GET /products/{sku}", trace.WithSpanKind(trace.SpanKindServer))
		s.SetAttributes(
			attribute.String("http.request.method", "GET"), attribute.String("http.route", "/products/{sku}"),
			attribute.String("url.path", "/products/4711"), attribute.String("url.scheme", "https"),
			attribute.String("server.address", "shop.example.org"), attribute.Int("server.port", 443),
			attribute.String("client.address", "192.0.2.7"), attribute.Int("http.response.status_code", 200))
		s.End()
	}
	return keep
}

type keeper []sdktrace.ReadOnlySpan

func (k *keeper) OnStart(context.Context, sdktrace.ReadWriteSpan) {}
func (k *keeper) OnEnd(s sdktrace.ReadOnlySpan)                   { *k = append(*k, s) }
func (k *keeper) Shutdown(context.Context) error                  { return nil }
func (k *keeper) ForceFlush(context.Context) error                { return nil }
