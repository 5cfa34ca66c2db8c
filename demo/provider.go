package demo

import (
	"context"
	"fmt"
	"hash/fnv"
	"log/slog"

	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/baggage"
	"go.opentelemetry.io/otel/propagation"
	sdktrace "go.opentelemetry.io/otel/sdk/trace"
	semconv "go.opentelemetry.io/otel/semconv/v1.43.0"

	"github.com/kiseki-dev/kiseki/instrument"
	"github.com/kiseki-dev/kiseki/instrument/propagate"
)

// newProvider sets up tracing for one service. An ordinary program has one
// service and calls instrument.Start in main; the services of the shop share
// a process, so each has a set-up of its own.
func newProvider(name, version, endpoint string) (*instrument.Provider, error) {
	attributes := podAttributes(name, version)
	if name == "web" {
		attributes = browserAttributes()
	}
	p, err := instrument.New(context.Background(), instrument.Options{
		Service:     name,
		Version:     version,
		Environment: "demo",
		Attributes:  append(attributes, semconv.ServiceNamespace("shop")),
		Endpoint:    endpoint,
		Processors:  []sdktrace.SpanProcessor{baggageProcessor{}},
		Propagators: propagator,
		Logger:      slog.New(slog.DiscardHandler), // the counts say it
	})
	if err != nil {
		return nil, fmt.Errorf("trace %s: %w", name, err)
	}
	return p, nil
}

// propagator carries trace context and baggage over HTTP and over the queue,
// https://www.w3.org/TR/trace-context/ and https://www.w3.org/TR/baggage/.
var propagator = propagation.NewCompositeTextMapPropagator(propagate.TraceContext{}, propagation.Baggage{})

// podAttributes are those of a service in Kubernetes.
func podAttributes(name, version string) []attribute.KeyValue {
	// Pod names end in a hash of the replica set and one of the pod.
	h := fnv.New64a()
	h.Write([]byte(name + version))
	pod := fmt.Sprintf("%s-%09x-%05x", name, h.Sum64()>>28, h.Sum64()&0xfffff)
	return []attribute.KeyValue{
		semconv.ServiceInstanceID(pod),
		semconv.K8SNamespaceName("shop"),
		semconv.K8SDeploymentName(name),
		semconv.K8SPodName(pod),
	}
}

// browserAttributes are what the web SDK of OpenTelemetry would say.
func browserAttributes() []attribute.KeyValue {
	return []attribute.KeyValue{
		semconv.BrowserPlatform("Linux"),
		semconv.BrowserLanguage("en-GB"),
		semconv.BrowserMobile(false),
		semconv.UserAgentOriginal("Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0"),
	}
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
