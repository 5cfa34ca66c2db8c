package sampler

import (
	"context"
	"encoding/binary"
	"math"
	"math/rand/v2"
	"sync"
	"testing"
	"time"

	"go.opentelemetry.io/otel/attribute"
	sdktrace "go.opentelemetry.io/otel/sdk/trace"
	"go.opentelemetry.io/otel/trace"

	"github.com/kiseki-dev/kiseki/instrument/internal/hint"
)

// root are the parameters of a trace that begins.
func root(name string, attrs ...attribute.KeyValue) sdktrace.SamplingParameters {
	var id trace.TraceID
	binary.NativeEndian.PutUint64(id[:], rand.Uint64())
	binary.NativeEndian.PutUint64(id[8:], rand.Uint64())
	return sdktrace.SamplingParameters{ParentContext: context.Background(), TraceID: id, Name: name, Attributes: attrs}
}

func sampled(s sdktrace.Sampler, p sdktrace.SamplingParameters) bool {
	return s.ShouldSample(p).Decision == sdktrace.RecordAndSample
}

// near fails unless k of n is a plausible outcome for the probability: within
// five standard deviations, which chance exceeds once in 1.7 million.
func near(t *testing.T, what string, k, n int, p float64) {
	t.Helper()
	if tolerance := 5 * math.Sqrt(float64(n)*p*(1-p)); math.Abs(float64(k)-float64(n)*p) > tolerance {
		t.Errorf("%s: %d of %d, expected %.0f ± %.0f", what, k, n, float64(n)*p, tolerance)
	}
}

// clock is moved by tests.
type clock struct {
	mu  sync.Mutex
	now time.Time
}

func newClock() *clock { return &clock{now: time.Unix(1_700_000_000, 0)} }

func (c *clock) Now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.now
}

func (c *clock) advance(d time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.now = c.now.Add(d)
}

func TestRatio(t *testing.T) {
	const n = 20_000
	for _, p := range []float64{0, 0.001, 0.1, 0.5, 0.9, 1} {
		s, k := Ratio(p), 0
		for range n {
			if sampled(s, root("x")) {
				k++
			}
		}
		near(t, s.Description(), k, n, p)
	}
}

// TestRateLimited: over any time, the rate and a burst of a second.
func TestRateLimited(t *testing.T) {
	for _, perSecond := range []float64{0, 0.1, 1, 10, 100} {
		s, c := RateLimited(perSecond).(*rateLimited), newClock()
		s.limit.now = c.Now
		k, seconds := 0, 600
		for range seconds * 200 { // 200 traces a second
			if sampled(s, root("x")) {
				k++
			}
			c.advance(time.Second / 200)
		}
		want := perSecond*float64(seconds) + s.limit.size()
		if float64(k) > want+0.01 || float64(k) < want-2 {
			t.Errorf("%s: %d traces in %d s, expected %.0f", s.Description(), k, seconds, want)
		}
	}
	s, c := RateLimited(10).(*rateLimited), newClock()
	s.limit.now = c.Now
	c.advance(-time.Hour) // the clock is set back
	sampled(s, root("x"))
	c.advance(time.Second)
	if !sampled(s, root("x")) {
		t.Error("nothing is sampled after the clock was set back")
	}
}

func TestParentBased(t *testing.T) {
	id, span := trace.TraceID{1}, trace.SpanID{2}
	parent := func(flags trace.TraceFlags, remote bool) context.Context {
		return trace.ContextWithSpanContext(context.Background(), trace.NewSpanContext(trace.SpanContextConfig{
			TraceID: id, SpanID: span, TraceFlags: flags, Remote: remote,
		}))
	}
	open := hint.Hint{TraceID: id, SpanID: span}
	other := hint.Hint{TraceID: id, SpanID: trace.SpanID{9}, Decision: hint.Deny}
	for _, x := range []struct {
		what       string
		ctx        context.Context
		root, want bool
	}{
		{"no parent, root says yes", context.Background(), true, true},
		{"no parent, root says no", context.Background(), false, false},
		{"sampled parent", parent(1, true), false, true},
		{"parent that is not sampled", parent(0, true), true, false},
		{"sampled parent in this process", parent(1, false), false, true},
		{"parent in this process that is not sampled", parent(0, false), true, false},
		{"open parent, root says yes", hint.With(parent(0, true), open), true, true},
		{"open parent, root says no", hint.With(parent(0, true), open), false, false},
		{"below an open parent that was not sampled", hint.With(parent(0, false), open), true, false},
		{"hint about another parent", hint.With(parent(1, true), other), false, true},
		{"caller wants no trace", hint.With(context.Background(), hint.Hint{Decision: hint.Deny}), true, false},
		{"caller wants a trace", hint.With(context.Background(), hint.Hint{Decision: hint.Sample}), false, true},
	} {
		r := Never()
		if x.root {
			r = Always()
		}
		p := root("x")
		p.ParentContext = x.ctx
		if got := sampled(ParentBased(r), p); got != x.want {
			t.Errorf("%s: sampled is %t", x.what, got)
		}
	}
}

// TestTraceState: every sampler passes on the trace state.
func TestTraceState(t *testing.T) {
	state, _ := trace.ParseTraceState("vendor=value")
	ctx := trace.ContextWithSpanContext(context.Background(), trace.NewSpanContext(trace.SpanContextConfig{
		TraceID: trace.TraceID{1}, SpanID: trace.SpanID{2}, TraceState: state, Remote: true,
	}))
	for _, s := range []sdktrace.Sampler{Always(), Never(), Ratio(0.5), RateLimited(1), ParentBased(Always())} {
		p := root("x")
		p.ParentContext = ctx
		if got := s.ShouldSample(p).Tracestate.String(); got != "vendor=value" {
			t.Errorf("%s: trace state is %q", s.Description(), got)
		}
	}
}
