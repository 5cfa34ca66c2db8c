package demo

import (
	"context"
	"fmt"
	"hash/fnv"
	"time"

	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/baggage"
	"go.opentelemetry.io/otel/propagation"
	"go.opentelemetry.io/otel/sdk/resource"
	sdktrace "go.opentelemetry.io/otel/sdk/trace"
	semconv "go.opentelemetry.io/otel/semconv/v1.43.0"
)

// propagator carries trace context and baggage over HTTP and over the queue,
// https://www.w3.org/TR/trace-context/ and https://www.w3.org/TR/baggage/.
var propagator = propagation.NewCompositeTextMapPropagator(propagation.TraceContext{}, propagation.Baggage{})

// newProvider makes the tracer provider of one service. An ordinary program
// has one provider, made in main; the shop has one a service because its
// services share a process.
func newProvider(name, version string, e *exporter) (*sdktrace.TracerProvider, error) {
	res, err := backendResource(name, version)
	if name == "web" {
		res, err = browserResource(version)
	}
	if err != nil {
		return nil, fmt.Errorf("describe resource of %s: %w", name, err)
	}
	return sdktrace.NewTracerProvider(
		sdktrace.WithResource(res),
		sdktrace.WithSpanProcessor(baggageProcessor{}),
		sdktrace.WithSpanProcessor(e),
		// Half a second instead of the default five: who starts the demo
		// wants to see something now.
		sdktrace.WithBatcher(e,
			sdktrace.WithBatchTimeout(500*time.Millisecond),
			sdktrace.WithMaxQueueSize(16384)),
	), nil
}

func backendResource(name, version string) (*resource.Resource, error) {
	// Pod names end in a hash of the replica set and one of the pod.
	h := fnv.New64a()
	h.Write([]byte(name + version))
	pod := fmt.Sprintf("%s-%09x-%05x", name, h.Sum64()>>28, h.Sum64()&0xfffff)
	return resource.New(context.Background(),
		resource.WithSchemaURL(semconv.SchemaURL),
		resource.WithTelemetrySDK(),
		resource.WithHost(),
		resource.WithOSType(),
		resource.WithProcessPID(),
		resource.WithProcessRuntimeName(),
		resource.WithProcessRuntimeVersion(),
		resource.WithAttributes(
			semconv.ServiceName(name),
			semconv.ServiceVersion(version),
			semconv.ServiceNamespace("shop"),
			semconv.ServiceInstanceID(pod),
			semconv.DeploymentEnvironmentNameKey.String("demo"),
			semconv.K8SNamespaceName("shop"),
			semconv.K8SDeploymentName(name),
			semconv.K8SPodName(pod),
		))
}

// browserResource is what the web SDK of OpenTelemetry would say.
func browserResource(version string) (*resource.Resource, error) {
	return resource.New(context.Background(),
		resource.WithSchemaURL(semconv.SchemaURL),
		resource.WithTelemetrySDK(),
		resource.WithAttributes(
			semconv.ServiceName("web"),
			semconv.ServiceVersion(version),
			semconv.ServiceNamespace("shop"),
			semconv.DeploymentEnvironmentNameKey.String("demo"),
			semconv.BrowserPlatform("Linux"),
			semconv.BrowserLanguage("en-GB"),
			semconv.BrowserMobile(false),
			semconv.UserAgentOriginal("Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0"),
		))
}

// baggageProcessor copies what the browser put into the baggage (user and
// session) to every span of every service, so that all spans of a customer
// can be searched.
type baggageProcessor struct{}

func (baggageProcessor) OnStart(ctx context.Context, span sdktrace.ReadWriteSpan) {
	for _, m := range baggage.FromContext(ctx).Members() {
		span.SetAttributes(attribute.String(m.Key(), m.Value()))
	}
}

func (baggageProcessor) OnEnd(sdktrace.ReadOnlySpan)      {}
func (baggageProcessor) Shutdown(context.Context) error   { return nil }
func (baggageProcessor) ForceFlush(context.Context) error { return nil }
