package sampler

import (
	"context"
	"fmt"
	"net/http"
	"net/url"
	"sync/atomic"
	"time"

	sdktrace "go.opentelemetry.io/otel/sdk/trace"
)

// RemoteOptions say whom a [Remote] asks.
type RemoteOptions struct {
	// Service is the name of the service that the strategy is for.
	Service string
	// Endpoint is the server's address; http://localhost:5778/sampling.
	Endpoint string
	// Interval is how often it is asked; a minute.
	Interval time.Duration
	// InitialRatio is sampled until the first answer; 0.001, as Jaeger has it.
	InitialRatio float64
}

// Remote samples by the strategy that a Jaeger collector, or whoever speaks
// its protocol, has for the service: a probability, a rate, or probabilities
// by span name with a rate that each name gets at least.
// https://www.jaegertracing.io/docs/latest/architecture/sampling/#remote-sampling
type Remote struct {
	url      string
	interval time.Duration
	client   *http.Client
	current  atomic.Pointer[decider]
	poller   *poller
}

// NewRemote starts to ask; Close ends it. A server that cannot be reached is
// no error.
func NewRemote(o RemoteOptions) (*Remote, error) {
	if o.Endpoint == "" {
		o.Endpoint = "http://localhost:5778/sampling"
	}
	if o.Interval <= 0 {
		o.Interval = time.Minute
	}
	if o.InitialRatio == 0 {
		o.InitialRatio = 0.001
	}
	u, err := checkURL(o.Endpoint)
	if err != nil {
		return nil, err
	}
	if err := checkProbability(o.InitialRatio); err != nil {
		return nil, err
	}
	q := u.Query()
	q.Set("service", o.Service)
	u.RawQuery = q.Encode()
	r := &Remote{url: u.String(), interval: o.Interval, client: newClient()}
	r.set(newProbability(o.InitialRatio))
	r.poller = startPoller(r.ask)
	return r, nil
}

func (r *Remote) set(d decider) { r.current.Store(&d) }

func (r *Remote) ask(ctx context.Context) (time.Duration, error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, r.url, nil)
	if err != nil {
		return r.interval, fmt.Errorf("ask for sampling strategy: %w", err)
	}
	body, err := fetch(r.client, req)
	if err != nil {
		return r.interval, fmt.Errorf("ask for sampling strategy: %w", err)
	}
	d, err := parseStrategy(body, *r.current.Load())
	if err != nil {
		return r.interval, err
	}
	r.set(d)
	return r.interval, nil
}

// ShouldSample implements the SDK's Sampler.
func (r *Remote) ShouldSample(p sdktrace.SamplingParameters) sdktrace.SamplingResult {
	return (*r.current.Load()).decide(p)
}

// Description implements the SDK's Sampler. It has no credentials that the
// endpoint may have.
func (r *Remote) Description() string {
	u, _ := url.Parse(r.url)
	return "JaegerRemote{" + u.Redacted() + "}"
}

// Close ends the asking. The strategy stays as it is.
func (r *Remote) Close() error {
	r.poller.close()
	return nil
}
