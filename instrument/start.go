package instrument

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"sync/atomic"
	"time"

	"go.opentelemetry.io/otel"
	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/propagation"
	"go.opentelemetry.io/otel/sdk/resource"
	sdktrace "go.opentelemetry.io/otel/sdk/trace"
	"go.opentelemetry.io/otel/trace"
	"go.opentelemetry.io/otel/trace/noop"

	"github.com/kiseki-dev/kiseki/instrument/internal/delivery"
	"github.com/kiseki-dev/kiseki/instrument/internal/early"
	"github.com/kiseki-dev/kiseki/instrument/redact"
)

// Options say what a service is and where its spans go. Every field may be
// left out: its environment variable counts then, and then its default. A
// field that is set wins over the environment.
type Options struct {
	// Service is the name of the service, such as "shop-checkout":
	// OTEL_SERVICE_NAME, or the last element of the main package's path.
	Service string
	// Version is the version of the service: service.version in
	// OTEL_RESOURCE_ATTRIBUTES, or the module version or revision that the
	// binary was built from.
	Version string
	// NotOurBuild says that the binary is not the service but something that
	// reports for it, such as a proxy: its version and revision are left out.
	NotOurBuild bool
	// Environment is where it runs, such as "production":
	// deployment.environment.name in OTEL_RESOURCE_ATTRIBUTES.
	Environment string
	// Attributes are added to the resource, which describes the process.
	Attributes []attribute.KeyValue
	// Detectors ask for more about the process, each for a second at most.
	// See [ECS] and [EC2].
	Detectors []resource.Detector

	// Endpoint is the base URL of the OTLP/HTTP receiver, to which
	// "/v1/traces" is added: OTEL_EXPORTER_OTLP_ENDPOINT, or
	// http://localhost:4318.
	Endpoint string
	// Headers go with every request, for example a tenant or a credential:
	// OTEL_EXPORTER_OTLP_HEADERS.
	Headers map[string]string
	// TLS is used for https; nil means the system's certificates.
	TLS *tls.Config

	// QueueDir is a directory for what cannot be sent: KISEKI_QUEUE_DIR.
	// Without it that waits in memory and is gone with the process. Services
	// and processes may share a directory.
	QueueDir string
	// QueueLimit bounds the bytes of this process in QueueDir; 256 MiB. The
	// oldest spans make room.
	QueueLimit int64

	// Sampler decides which traces are recorded: OTEL_TRACES_SAMPLER, or all
	// whose parent, if there is one, is recorded. One with a Close method is
	// closed by the stop.
	Sampler sdktrace.Sampler
	// Propagators carry the trace context between services:
	// OTEL_PROPAGATORS, or W3C trace context and baggage.
	Propagators propagation.TextMapPropagator
	// Processors see spans start and end, before the delivery does.
	Processors []sdktrace.SpanProcessor

	// Redact says what is removed from spans before they leave the process
	// or reach the disk. Its zero value removes credentials, cookies and
	// card numbers.
	Redact redact.Options

	// Logger is told when spans cannot be delivered and when they can again;
	// nil means slog.Default().
	Logger *slog.Logger
}

// Provider is a running set-up of tracing.
type Provider struct {
	tracers     trace.TracerProvider
	sdk         *sdktrace.TracerProvider // nil when tracing is off
	delivery    *delivery.Delivery       // nil when tracing is off
	propagators propagation.TextMapPropagator
	sampler     sdktrace.Sampler
}

// current is what Start set up last.
var current atomic.Pointer[Provider]

// Start sets up tracing for the process: the global tracer provider, the
// global propagator and the handler of OpenTelemetry's own errors, which then
// go to the logger. The stop sends what is left, or writes it to the queue
// directory, and waits for that until its context ends, ten seconds at most.
//
//	stop, err := instrument.Start(ctx, instrument.Options{Service: "shop"})
//	if err != nil {
//		slog.Warn("no traces", "error", err)
//	}
//	defer stop(context.Background())
//
// An error means that a setting cannot be used; the program runs on without
// traces, and the stop, which is never nil, does nothing. A receiver that
// cannot be reached is not an error: see [DeliveryStats].
func Start(ctx context.Context, o Options) (stop func(context.Context) error, err error) {
	p, err := New(ctx, o)
	if err != nil {
		return func(context.Context) error { return nil }, err
	}
	otel.SetTextMapPropagator(p.propagators)
	otel.SetTracerProvider(p.tracers)
	otel.SetErrorHandler(newErrorLog(o.Logger))
	current.Store(p)
	return p.Stop, nil
}

// New is Start without the globals, for a process with several services and
// for tests.
func New(ctx context.Context, o Options) (*Provider, error) {
	s, err := resolve(o)
	if err != nil {
		return nil, fmt.Errorf("start tracing: %w", err)
	}
	if s.disabled {
		return &Provider{tracers: noop.NewTracerProvider(), propagators: s.propagators}, nil
	}
	redactor := redact.New(o.Redact)
	s.delivery.Transform = redactor.Span
	res := describe(ctx, s)
	res = resource.NewWithAttributes(res.SchemaURL(), redactor.Attributes(res.Attributes())...)
	d, err := delivery.New(s.delivery)
	if err != nil {
		closeSampler(s.sampler)
		return nil, fmt.Errorf("start tracing: %w", err)
	}
	options := []sdktrace.TracerProviderOption{
		sdktrace.WithResource(res), sdktrace.WithRawSpanLimits(s.limits),
	}
	for _, p := range o.Processors {
		options = append(options, sdktrace.WithSpanProcessor(p))
	}
	tracers := early.NewProvider(s.sampler, append(options, sdktrace.WithSpanProcessor(d))...)
	return &Provider{
		tracers: tracers, sdk: tracers.TracerProvider, delivery: d, propagators: s.propagators, sampler: s.sampler,
	}, nil
}

// closeSampler ends the goroutine of a sampler that has one.
func closeSampler(s sdktrace.Sampler) {
	if c, ok := s.(io.Closer); ok {
		if err := c.Close(); err != nil {
			otel.Handle(fmt.Errorf("close sampler: %w", err))
		}
	}
}

// TracerProvider makes the tracers of this set-up.
func (p *Provider) TracerProvider() trace.TracerProvider { return p.tracers }

// Propagator carries the trace context of this set-up.
func (p *Provider) Propagator() propagation.TextMapPropagator { return p.propagators }

// Stop ends the set-up: see [Start]. A context that has already ended, as the
// one of a program that was interrupted has, counts as one without deadline.
// Calling it again does nothing.
func (p *Provider) Stop(ctx context.Context) error {
	if p.sdk == nil {
		return nil
	}
	if ctx.Err() != nil {
		ctx = context.WithoutCancel(ctx)
	}
	closeSampler(p.sampler)
	return p.sdk.Shutdown(ctx)
}

// Flush sends what has ended so far, ten seconds at most. It returns nil once
// the receiver has acknowledged all of it, and an error at the first request
// that fails; what was not sent is kept as ever.
func (p *Provider) Flush(ctx context.Context) error {
	if p.sdk == nil {
		return nil
	}
	return p.sdk.ForceFlush(ctx)
}

// Stats says what became of the spans so far.
func (p *Provider) Stats() Stats {
	if p.delivery == nil {
		return Stats{}
	}
	return Stats(p.delivery.Stats())
}

// DeliveryStats is the Stats of what [Start] set up last; zero before it.
func DeliveryStats() Stats {
	if p := current.Load(); p != nil {
		return p.Stats()
	}
	return Stats{}
}

// newErrorLog logs what OpenTelemetry complains about, one message a minute:
// a sampler whose server is down complains every ten seconds.
func newErrorLog(l *slog.Logger) otel.ErrorHandler {
	var last atomic.Pointer[time.Time]
	return otel.ErrorHandlerFunc(func(err error) {
		now, before := time.Now(), last.Load()
		if before != nil && now.Sub(*before) < time.Minute || !last.CompareAndSwap(before, &now) {
			return
		}
		logger := l
		if logger == nil {
			logger = slog.Default()
		}
		logger.Warn("tracing: OpenTelemetry reports an error", "error", err)
	})
}

// errProtocol is the answer to settings meant for another exporter.
var errProtocol = errors.New("instrument sends http/protobuf only")
