package sampler

import (
	"fmt"
	"io"

	"go.opentelemetry.io/otel/attribute"
	sdktrace "go.opentelemetry.io/otel/sdk/trace"
	"go.opentelemetry.io/otel/trace"

	"github.com/kiseki-dev/kiseki/instrument/internal/hint"
)

// Always records every trace.
func Always() sdktrace.Sampler { return sdktrace.AlwaysSample() }

// Never records no trace.
func Never() sdktrace.Sampler { return sdktrace.NeverSample() }

// Ratio records a fraction of all traces, from 0 to 1, decided by the trace
// ID: services with the same ratio agree.
func Ratio(fraction float64) sdktrace.Sampler { return sdktrace.TraceIDRatioBased(fraction) }

// RateLimited records at most so many traces a second, after a burst of at
// most one second's worth. Less than one is one trace in more than a second.
func RateLimited(perSecond float64) sdktrace.Sampler {
	return &rateLimited{limit: newLimiter(perSecond)}
}

type rateLimited struct{ limit *limiter }

// ShouldSample implements the SDK's Sampler.
func (r *rateLimited) ShouldSample(p sdktrace.SamplingParameters) sdktrace.SamplingResult {
	return decide(p, r.limit.take())
}

// Description implements the SDK's Sampler.
func (r *rateLimited) Description() string { return fmt.Sprintf("RateLimited{%g}", r.limit.rate()) }

// ParentBased follows the decision that came with the parent and asks root
// where there is no parent, or where the parent leaves the decision open, as
// B3 and X-Ray can.
func ParentBased(root sdktrace.Sampler) sdktrace.Sampler {
	return &parentBased{follow: sdktrace.ParentBased(root), root: root}
}

type parentBased struct {
	follow, root sdktrace.Sampler
}

// ShouldSample implements the SDK's Sampler.
func (s *parentBased) ShouldSample(p sdktrace.SamplingParameters) sdktrace.SamplingResult {
	parent := trace.SpanContextFromContext(p.ParentContext)
	if parent.IsValid() && !parent.IsRemote() {
		return s.follow.ShouldSample(p)
	}
	if h, ok := hint.For(p.ParentContext, parent); ok {
		switch h.Decision {
		case hint.Sample:
			return decide(p, true)
		case hint.Deny:
			return decide(p, false)
		default:
			return s.root.ShouldSample(p)
		}
	}
	return s.follow.ShouldSample(p)
}

// Description implements the SDK's Sampler.
func (s *parentBased) Description() string { return "ParentBased{root:" + s.root.Description() + "}" }

// Close closes the root sampler.
func (s *parentBased) Close() error {
	if c, ok := s.root.(io.Closer); ok {
		return c.Close()
	}
	return nil
}

// decide is the result of a decision; the trace state goes on as it is.
func decide(p sdktrace.SamplingParameters, sample bool, attrs ...attribute.KeyValue) sdktrace.SamplingResult {
	r := sdktrace.SamplingResult{Tracestate: trace.SpanContextFromContext(p.ParentContext).TraceState()}
	if sample {
		r.Decision, r.Attributes = sdktrace.RecordAndSample, attrs
	}
	return r
}
