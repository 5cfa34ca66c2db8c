package sampler

import (
	"encoding/json"
	"fmt"
	"sync"
	"sync/atomic"

	"go.opentelemetry.io/otel/attribute"
	sdktrace "go.opentelemetry.io/otel/sdk/trace"
)

// strategy is the answer of Jaeger's sampling endpoint.
type strategy struct {
	// StrategyType is a word, or the number of it.
	StrategyType          json.RawMessage `json:"strategyType"`
	ProbabilisticSampling *probabilistic  `json:"probabilisticSampling"`
	RateLimitingSampling  *struct {
		MaxTracesPerSecond float64 `json:"maxTracesPerSecond"`
	} `json:"rateLimitingSampling"`
	OperationSampling *struct {
		DefaultSamplingProbability       float64 `json:"defaultSamplingProbability"`
		DefaultLowerBoundTracesPerSecond float64 `json:"defaultLowerBoundTracesPerSecond"`
		PerOperationStrategies           []struct {
			Operation             string         `json:"operation"`
			ProbabilisticSampling *probabilistic `json:"probabilisticSampling"`
		} `json:"perOperationStrategies"`
	} `json:"operationSampling"`
}

func (s *strategy) isRate() bool {
	t := string(s.StrategyType)
	return t == `"RATE_LIMITING"` || t == "1"
}

type probabilistic struct {
	SamplingRate float64 `json:"samplingRate"`
}

// maxOperations bounds the operations that are told apart; others share the
// default probability. Span names are of the application's making.
const maxOperations = 2000

// decider is a strategy in force.
type decider interface {
	decide(sdktrace.SamplingParameters) sdktrace.SamplingResult
}

// parseStrategy reads an answer. Where it continues an earlier strategy, the
// operations keep their counts.
func parseStrategy(b []byte, before decider) (decider, error) {
	var s strategy
	if err := json.Unmarshal(b, &s); err != nil {
		return nil, fmt.Errorf("read sampling strategy: %w", err)
	}
	switch {
	case s.OperationSampling != nil:
		return newPerOperation(&s, before)
	case s.ProbabilisticSampling != nil && !(s.isRate() && s.RateLimitingSampling != nil):
		p := s.ProbabilisticSampling.SamplingRate
		if err := checkProbability(p); err != nil {
			return nil, err
		}
		return newProbability(p), nil
	case s.RateLimitingSampling != nil:
		n := s.RateLimitingSampling.MaxTracesPerSecond
		if !(n >= 0) {
			return nil, fmt.Errorf("sampling strategy: %g traces a second", n)
		}
		if r, ok := before.(*rate); ok && r.limit.rate() == n {
			return r, nil
		}
		return &rate{newLimiter(n), samplerTags("ratelimiting", n)}, nil
	}
	return nil, fmt.Errorf("sampling strategy: neither probabilistic, rate limiting nor by operation")
}

func checkProbability(p float64) error {
	if !(p >= 0 && p <= 1) {
		return fmt.Errorf("sampling strategy: %g is not a probability", p)
	}
	return nil
}

// samplerTags are what Jaeger's adaptive sampling looks for at the first span
// of a trace, to know how it came to be sampled.
func samplerTags(kind string, param float64) []attribute.KeyValue {
	return []attribute.KeyValue{attribute.String("sampler.type", kind), attribute.Float64("sampler.param", param)}
}

type probability struct {
	value float64
	ratio sdktrace.Sampler
	tags  []attribute.KeyValue
}

func newProbability(p float64) *probability {
	return &probability{p, sdktrace.TraceIDRatioBased(p), samplerTags("probabilistic", p)}
}

func (s *probability) decide(p sdktrace.SamplingParameters) sdktrace.SamplingResult {
	return decide(p, s.hit(p), s.tags...)
}

func (s *probability) hit(p sdktrace.SamplingParameters) bool {
	return s.ratio.ShouldSample(p).Decision == sdktrace.RecordAndSample
}

type rate struct {
	limit *limiter
	tags  []attribute.KeyValue
}

func (s *rate) decide(p sdktrace.SamplingParameters) sdktrace.SamplingResult {
	return decide(p, s.limit.take(), s.tags...)
}

// perOperation samples each operation by its own probability, and each at
// least so often a second.
type perOperation struct {
	lowerBound float64
	otherwise  *probability
	known      map[string]*probability // immutable
	floors     sync.Map                // operation → *limiter
	floorCount atomic.Int64
	floorTags  []attribute.KeyValue
}

func newPerOperation(s *strategy, before decider) (*perOperation, error) {
	o := s.OperationSampling
	if err := checkProbability(o.DefaultSamplingProbability); err != nil {
		return nil, err
	}
	if !(o.DefaultLowerBoundTracesPerSecond >= 0) {
		return nil, fmt.Errorf("sampling strategy: lower bound of %g traces a second", o.DefaultLowerBoundTracesPerSecond)
	}
	n := &perOperation{
		lowerBound: o.DefaultLowerBoundTracesPerSecond,
		otherwise:  newProbability(o.DefaultSamplingProbability),
		known:      map[string]*probability{},
		floorTags:  samplerTags("lowerbound", o.DefaultLowerBoundTracesPerSecond),
	}
	for _, x := range o.PerOperationStrategies {
		if x.ProbabilisticSampling == nil || len(n.known) == maxOperations {
			continue
		}
		if err := checkProbability(x.ProbabilisticSampling.SamplingRate); err != nil {
			return nil, err
		}
		n.known[x.Operation] = newProbability(x.ProbabilisticSampling.SamplingRate)
	}
	if b, ok := before.(*perOperation); ok && b.lowerBound == n.lowerBound {
		b.floors.Range(func(operation, floor any) bool {
			n.floors.Store(operation, floor)
			n.floorCount.Add(1)
			return true
		})
	}
	return n, nil
}

func (s *perOperation) decide(p sdktrace.SamplingParameters) sdktrace.SamplingResult {
	by, ok := s.known[p.Name]
	if !ok {
		by = s.otherwise
	}
	// The floor is taken from by every sampled trace: it is what comes at
	// least, not on top.
	floor := s.floor(p.Name)
	token := floor != nil && floor.take()
	switch {
	case by.hit(p):
		return decide(p, true, by.tags...)
	case token:
		return decide(p, true, s.floorTags...)
	}
	return decide(p, false)
}

// floor is nil for operations beyond maxOperations.
func (s *perOperation) floor(operation string) *limiter {
	if l, ok := s.floors.Load(operation); ok {
		return l.(*limiter)
	}
	if s.lowerBound == 0 || s.floorCount.Load() >= maxOperations {
		return nil
	}
	l, there := s.floors.LoadOrStore(operation, newLimiter(s.lowerBound))
	if !there {
		s.floorCount.Add(1)
	}
	return l.(*limiter)
}
