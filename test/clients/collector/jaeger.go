package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"sync"

	"github.com/open-telemetry/opentelemetry-collector-contrib/exporter/kafkaexporter"
	"github.com/open-telemetry/opentelemetry-collector-contrib/receiver/jaegerreceiver"
	"go.opentelemetry.io/collector/component"
	"go.opentelemetry.io/collector/consumer"
	"go.opentelemetry.io/collector/exporter"
	"go.opentelemetry.io/collector/exporter/otlpexporter"
	"go.opentelemetry.io/collector/exporter/otlphttpexporter"
	"go.opentelemetry.io/collector/pdata/ptrace"
	"go.opentelemetry.io/collector/receiver"
)

// jaeger runs a receiver for Jaeger's Thrift over HTTP in front of the exporter
// for OTLP or Kafka until stdin ends. To stdout it writes the receiver's URL and, at the
// end, the traces that it handed to the exporter, as OTLP's JSON.
func jaeger(endpoint, protocol string) error {
	ctx := context.Background()
	e, err := newExporter(ctx, endpoint, protocol)
	if err != nil {
		return err
	}
	free, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return err
	}
	address := free.Addr().String()
	free.Close() // the receiver cannot say which port it was given
	f := jaegerreceiver.NewFactory()
	c := f.CreateDefaultConfig().(*jaegerreceiver.Config)
	c.Protocols.ThriftHTTP.GetOrInsertDefault().NetAddr.Endpoint = address
	var mu sync.Mutex
	sent := ptrace.NewTraces()
	record, err := consumer.NewTraces(func(ctx context.Context, t ptrace.Traces) error {
		mu.Lock()
		defer mu.Unlock()
		for _, rs := range t.ResourceSpans().All() {
			rs.CopyTo(sent.ResourceSpans().AppendEmpty())
		}
		return e.ConsumeTraces(ctx, t)
	})
	if err != nil {
		return err
	}
	r, err := f.CreateTraces(ctx, receiver.Settings{ID: component.NewID(f.Type()), TelemetrySettings: telemetry()}, c, record)
	if err != nil {
		return err
	}
	for _, part := range []component.Component{e, r} {
		if err := part.Start(ctx, host{}); err != nil {
			return err
		}
	}
	fmt.Println("http://" + address)
	_, err = io.Copy(io.Discard, os.Stdin)
	if err := errors.Join(err, r.Shutdown(ctx), e.Shutdown(ctx)); err != nil { // the exporter sends what waits
		return err
	}
	text, err := (&ptrace.JSONMarshaler{}).MarshalTraces(sent)
	if err != nil {
		return err
	}
	_, err = os.Stdout.Write(text)
	return err
}

// newExporter makes the exporter for OTLP over gRPC or HTTP, or for Kafka with
// its default of OTLP in the topic otlp_spans.
func newExporter(ctx context.Context, endpoint, protocol string) (exporter.Traces, error) {
	switch protocol {
	case "kafka":
		f := kafkaexporter.NewFactory()
		c := f.CreateDefaultConfig().(*kafkaexporter.Config)
		c.ClientConfig.Brokers = []string{endpoint}
		return f.CreateTraces(ctx, exporter.Settings{ID: component.NewID(f.Type()), TelemetrySettings: telemetry()}, c)
	case "grpc":
		f := otlpexporter.NewFactory()
		c := f.CreateDefaultConfig().(*otlpexporter.Config)
		c.ClientConfig.Endpoint, c.ClientConfig.TLS.Insecure = endpoint, true
		return f.CreateTraces(ctx, exporter.Settings{ID: component.NewID(f.Type()), TelemetrySettings: telemetry()}, c)
	}
	f := otlphttpexporter.NewFactory()
	c := f.CreateDefaultConfig().(*otlphttpexporter.Config)
	c.ClientConfig.Endpoint = endpoint
	c.Encoding = otlphttpexporter.EncodingType(protocol)
	return f.CreateTraces(ctx, exporter.Settings{ID: component.NewID(f.Type()), TelemetrySettings: telemetry()}, c)
}
