// Command go sends a trace with the OpenTelemetry SDK for Go and writes what
// it sent to stdout, as the JSON that client_test.go describes.
//
//	go PROTOCOL ENDPOINT
//
// PROTOCOL is http/protobuf, http/json or grpc.
package main

import (
	"context"
	"crypto/rand"
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"os"
	"time"

	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/codes"
	"go.opentelemetry.io/otel/exporters/otlp/otlptrace"
	"go.opentelemetry.io/otel/exporters/otlp/otlptrace/otlptracegrpc"
	"go.opentelemetry.io/otel/exporters/otlp/otlptrace/otlptracehttp"
	"go.opentelemetry.io/otel/sdk/resource"
	sdktrace "go.opentelemetry.io/otel/sdk/trace"
	"go.opentelemetry.io/otel/trace"
)

func main() {
	if len(os.Args) != 3 {
		fmt.Fprintln(os.Stderr, "usage: go PROTOCOL ENDPOINT")
		os.Exit(2)
	}
	if err := run(os.Args[1], os.Args[2]); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

func newExporter(ctx context.Context, protocol, endpoint string) (*otlptrace.Exporter, error) {
	switch protocol {
	case "http/protobuf":
		return otlptracehttp.New(ctx, otlptracehttp.WithEndpointURL(endpoint+"/v1/traces"),
			otlptracehttp.WithCompression(otlptracehttp.GzipCompression))
	case "http/json":
		return otlptracehttp.New(ctx, otlptracehttp.WithEndpointURL(endpoint+"/v1/traces"),
			otlptracehttp.WithEncoding(otlptracehttp.EncodingJSON))
	case "grpc":
		return otlptracegrpc.New(ctx, otlptracegrpc.WithEndpoint(endpoint), otlptracegrpc.WithInsecure(),
			otlptracegrpc.WithCompressor("gzip"))
	}
	return nil, fmt.Errorf("unknown protocol %q", protocol)
}

func run(protocol, endpoint string) error {
	ctx := context.Background()
	exporter, err := newExporter(ctx, protocol, endpoint)
	if err != nil {
		return fmt.Errorf("create exporter: %w", err)
	}
	sent := &recorder{}
	provider := sdktrace.NewTracerProvider(
		sdktrace.WithResource(resource.NewWithAttributes("https://opentelemetry.io/schemas/1.37.0",
			attribute.String("service.name", "client-go-"+protocol),
			attribute.String("service.version", "1.2.3"),
			attribute.Int("process.pid", os.Getpid()),
			attribute.IntSlice("host.ports", []int{1, 2}))),
		sdktrace.WithRawSpanLimits(sdktrace.SpanLimits{
			AttributeValueLengthLimit: -1, AttributeCountLimit: 30, EventCountLimit: 3, LinkCountLimit: 2,
			AttributePerEventCountLimit: 3, AttributePerLinkCountLimit: 2,
		}),
		sdktrace.WithSpanProcessor(sent),
		sdktrace.WithBatcher(exporter))
	play(ctx, provider)
	// A failed export reaches the global error handler, and the comparison.
	if err := errors.Join(provider.ForceFlush(ctx), provider.Shutdown(ctx)); err != nil {
		return fmt.Errorf("flush spans: %w", err)
	}
	if err := json.NewEncoder(os.Stdout).Encode(sent.spans); err != nil {
		return fmt.Errorf("write spans: %w", err)
	}
	return nil
}

// play makes the spans.
func play(ctx context.Context, provider *sdktrace.TracerProvider) {
	tracer := provider.Tracer("kiseki.test/go",
		trace.WithInstrumentationVersion("4.5.6"),
		trace.WithSchemaURL("https://opentelemetry.io/schemas/1.38.0"),
		trace.WithInstrumentationAttributes(attribute.String("scope.string", "v"), attribute.Int("scope.int", 1)))
	now := time.Now().Truncate(time.Second)
	at := func(ns int) trace.SpanEventOption { return trace.WithTimestamp(now.Add(time.Duration(ns))) }
	remote := remoteContext()

	inServer, server := tracer.Start(trace.ContextWithRemoteSpanContext(ctx, remote), "GET /軌跡/{id}",
		at(123456789), trace.WithSpanKind(trace.SpanKindServer), trace.WithAttributes(everyType()...))
	server.AddEvent("started", at(123456999), trace.WithAttributes(attribute.String("e.string", "v"), attribute.Int("e.int", 1)))
	server.AddEvent("", at(123457000))
	server.RecordError(errors.New("no such thing"), at(123457001), trace.WithStackTrace(true))
	server.SetStatus(codes.Error, "it failed: ✗")

	_, client := provider.Tracer("kiseki.test/other").Start(inServer, "call", at(200000001),
		trace.WithSpanKind(trace.SpanKindClient),
		trace.WithLinks(
			trace.Link{SpanContext: server.SpanContext(), Attributes: []attribute.KeyValue{
				attribute.String("l.reason", "retry"), attribute.Int("l.count", 2)}},
			trace.Link{SpanContext: remote}))
	client.SetStatus(codes.Ok, "")
	client.End(at(200000002))

	overflow(inServer, tracer, server.SpanContext(), at)
	for i, kind := range []trace.SpanKind{trace.SpanKindInternal, trace.SpanKindConsumer} {
		_, s := tracer.Start(inServer, "kind "+kind.String(), at(400000000+i), trace.WithSpanKind(kind))
		s.End(at(400000000 + i)) // no duration
	}
	server.End(at(999999999))
	_, root := tracer.Start(ctx, "a root", at(1))
	root.End(at(2))
}

// remoteContext is a caller elsewhere, whose span is not part of what is sent.
func remoteContext() trace.SpanContext {
	var id trace.TraceID
	rand.Read(id[:])
	state, err := trace.ParseTraceState("vendor=kiseki,other=1")
	if err != nil {
		panic(err) // a constant
	}
	return trace.NewSpanContext(trace.SpanContextConfig{
		TraceID: id, SpanID: trace.SpanID{0, 0xf0, 0x67, 0xaa, 0x0b, 0xa9, 0x02, 0xb7},
		TraceFlags: trace.FlagsSampled, TraceState: state, Remote: true,
	})
}

func everyType() []attribute.KeyValue {
	return []attribute.KeyValue{
		attribute.String("a.string", "straße"),
		attribute.String("a.empty", ""),
		attribute.Bool("a.bool", true),
		attribute.Bool("a.false", false),
		attribute.Int("a.int", 42),
		attribute.Int("a.zero", 0),
		attribute.Int64("a.max", math.MaxInt64),
		attribute.Int64("a.min", math.MinInt64),
		attribute.Float64("a.double", 0.1),
		attribute.Float64("a.whole", 5),
		attribute.Float64("a.minus", math.Copysign(0, -1)),
		attribute.Float64("a.inf", math.Inf(1)),
		attribute.Float64("a.nan", math.NaN()),
		attribute.StringSlice("a.strings", []string{"x", "", "ü"}),
		attribute.Int64Slice("a.ints", []int64{1, -2, math.MaxInt64}),
		attribute.Float64Slice("a.doubles", []float64{0.5, 2, math.Inf(-1)}),
		attribute.BoolSlice("a.bools", []bool{true, false}),
		attribute.StringSlice("a.none", []string{}),
		attribute.ByteSlice("a.bytes", []byte{0, 0xff, 'x'}),
		attribute.Slice("a.mixed", attribute.IntValue(1), attribute.StringValue("two"),
			attribute.SliceValue(attribute.BoolValue(true)), attribute.ByteSliceValue([]byte{3})),
		attribute.Map("a.map", attribute.String("k", "v"), attribute.Map("inner", attribute.Float64("x", 0.5))),
		{Key: "a.nothing"},
	}
}

// overflow makes a span with more of everything than the limits allow.
func overflow(ctx context.Context, tracer trace.Tracer, to trace.SpanContext, at func(int) trace.SpanEventOption) {
	four := trace.WithAttributes(attribute.Int("a", 1), attribute.Int("b", 2), attribute.Int("c", 3), attribute.Int("d", 4))
	_, s := tracer.Start(ctx, "too much", at(300000000), trace.WithSpanKind(trace.SpanKindProducer))
	for i := range 35 {
		s.SetAttributes(attribute.Int(fmt.Sprint("k", i), i))
	}
	for i := range 5 {
		s.AddEvent(fmt.Sprint("e", i), at(300000100+i), four)
	}
	for range 4 {
		s.AddLink(trace.Link{SpanContext: to, Attributes: []attribute.KeyValue{
			attribute.Int("a", 1), attribute.Int("b", 2), attribute.Int("c", 3)}})
	}
	s.End(at(300000900))
}
