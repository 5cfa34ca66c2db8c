// Command collector is parts of the OpenTelemetry Collector. Its exporter for
// Zipkin sends a trace, and what Zipkin's query API is to answer goes to stdout;
// or its receiver for Jaeger passes on what comes, by OTLP or Kafka (see jaeger).
//
//	collector zipkin URL json|proto
//	collector jaeger ENDPOINT grpc|proto|json|kafka
//
// It is a module of its own, so that the Collector is no dependency of
// kiseki's.
package main

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"time"

	"github.com/open-telemetry/opentelemetry-collector-contrib/exporter/zipkinexporter"
	"go.opentelemetry.io/collector/component"
	"go.opentelemetry.io/collector/exporter"
	"go.opentelemetry.io/collector/pdata/pcommon"
	"go.opentelemetry.io/collector/pdata/ptrace"
	noopmetric "go.opentelemetry.io/otel/metric/noop"
	nooptrace "go.opentelemetry.io/otel/trace/noop"
	"go.uber.org/zap"
)

// host is a Collector without extensions.
type host struct{}

// GetExtensions returns nil.
func (host) GetExtensions() map[component.ID]component.Component { return nil }

type object = map[string]any

func main() {
	run := map[string]func(endpoint, format string) error{"zipkin": zipkin, "jaeger": jaeger}[os.Args[1]]
	if err := run(os.Args[2], os.Args[3]); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

// telemetry is a Collector's own, which nobody reads.
func telemetry() component.TelemetrySettings {
	return component.TelemetrySettings{
		Logger: zap.NewNop(), TracerProvider: nooptrace.NewTracerProvider(), MeterProvider: noopmetric.NewMeterProvider(), Resource: pcommon.NewResource(),
	}
}

func zipkin(url, format string) error {
	ctx := context.Background()
	f := zipkinexporter.NewFactory()
	c := f.CreateDefaultConfig().(*zipkinexporter.Config)
	c.ClientConfig.Endpoint, c.Format = url+"/api/v2/spans", format
	set := exporter.Settings{ID: component.NewID(f.Type()), TelemetrySettings: telemetry()}
	e, err := f.CreateTraces(ctx, set, c)
	if err != nil {
		return err
	}
	if err := e.Start(ctx, host{}); err != nil {
		return err
	}
	traces, sent := trace()
	if err := e.ConsumeTraces(ctx, traces); err != nil {
		return err
	}
	if err := e.Shutdown(ctx); err != nil { // it sends what waits
		return err
	}
	return json.NewEncoder(os.Stdout).Encode(sent)
}

// trace is a call to a database that failed, and how Zipkin tells it.
func trace() (ptrace.Traces, []object) {
	now := time.Now().Truncate(time.Millisecond)
	id := pcommon.TraceID{1, byte(now.UnixNano() >> 16), byte(now.UnixNano() >> 24), byte(now.UnixNano() >> 32), 15: 1}
	all := ptrace.NewTraces()
	rs := all.ResourceSpans().AppendEmpty()
	rs.Resource().Attributes().PutStr("service.name", "shop")
	ss := rs.ScopeSpans().AppendEmpty()
	ss.Scope().SetName("a.scope")
	ss.Scope().SetVersion("1.2.3")
	server := ss.Spans().AppendEmpty()
	server.SetTraceID(id)
	server.SetSpanID(pcommon.SpanID{1})
	server.SetName("get /")
	server.SetKind(ptrace.SpanKindServer)
	server.SetStartTimestamp(pcommon.NewTimestampFromTime(now))
	server.SetEndTimestamp(pcommon.NewTimestampFromTime(now.Add(5 * time.Millisecond)))
	server.Attributes().PutInt("http.response.status_code", 500)
	client := ss.Spans().AppendEmpty()
	client.SetTraceID(id)
	client.SetSpanID(pcommon.SpanID{2})
	client.SetParentSpanID(pcommon.SpanID{1})
	client.SetName("select")
	client.SetKind(ptrace.SpanKindClient)
	client.SetStartTimestamp(pcommon.NewTimestampFromTime(now.Add(time.Millisecond)))
	client.SetEndTimestamp(pcommon.NewTimestampFromTime(now.Add(2 * time.Millisecond)))
	client.Attributes().PutStr("peer.service", "mysql")
	client.Status().SetCode(ptrace.StatusCodeError)
	client.Status().SetMessage("deadlock")
	event := client.Events().AppendEmpty()
	event.SetName("retry")
	event.SetTimestamp(pcommon.NewTimestampFromTime(now.Add(time.Millisecond)))
	micros := now.UnixMicro()
	return all, []object{{
		"traceId": id.String(), "id": "0100000000000000", "name": "get /", "kind": "SERVER", "timestamp": micros, "duration": 5000,
		"localEndpoint": object{"serviceName": "shop"},
		"tags": object{
			"http.response.status_code": "500", "http.status_code": "500", "otel.library.name": "a.scope", "otel.library.version": "1.2.3",
		},
	}, {
		"traceId": id.String(), "id": "0200000000000000", "parentId": "0100000000000000", "name": "select", "kind": "CLIENT",
		"timestamp": micros + 1000, "duration": 1000, "localEndpoint": object{"serviceName": "shop"}, "remoteEndpoint": object{"serviceName": "mysql"},
		"annotations": []object{{"timestamp": micros + 1000, "value": "retry"}},
		"tags": object{
			"error": "true", "otel.status_code": "STATUS_CODE_ERROR", "otel.status_description": "deadlock",
			"otel.library.name": "a.scope", "otel.library.version": "1.2.3",
		},
	}}
}
