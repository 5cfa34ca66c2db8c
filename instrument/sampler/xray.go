package sampler

import (
	"bytes"
	"context"
	"crypto/rand"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"sync/atomic"
	"time"

	sdktrace "go.opentelemetry.io/otel/sdk/trace"
)

// XRayOptions say whom an [XRay] asks, and what it is to the rules.
type XRayOptions struct {
	// Service and ServiceType, such as "AWS::ECS::Container", are matched
	// with the rules.
	Service, ServiceType string
	// Endpoint is the X-Ray daemon, or what speaks its protocol;
	// http://localhost:2000.
	Endpoint string
	// RulesInterval is how often the rules are asked for; 5 minutes.
	RulesInterval time.Duration
	// TargetsInterval is how often it is reported what the rules did, which
	// the quotas are the answer to; 10 seconds.
	TargetsInterval time.Duration

	// now replaces time.Now in tests.
	now func() time.Time
}

// XRay samples by the rules of AWS X-Ray: the first that applies has a
// reservoir of traces a second, shared by all processes, and a rate for the
// others. Without rules it is one a second and 5 %, as it is for AWS's SDKs.
// https://docs.aws.amazon.com/xray/latest/devguide/xray-console-sampling.html
type XRay struct {
	opts     XRayOptions
	clientID string
	client   *http.Client
	rules    atomic.Pointer[ruleSet] // empty until there was an answer
	fallback *rule
	poller   *poller

	// Only the poller's goroutine uses these.
	asked    time.Time // when the rules were last asked for
	received time.Time // when they were last answered
}

const (
	// rulesLast is how long rules count without an answer.
	rulesLast = time.Hour
	// maxPages bounds the answers for one set of rules; AWS takes 25
	// statistics a request.
	maxPages, reportsPerRequest = 20, 25
)

// NewXRay starts to ask; Close ends it. A daemon that cannot be reached is no
// error.
func NewXRay(o XRayOptions) (*XRay, error) {
	if o.Endpoint == "" {
		o.Endpoint = "http://localhost:2000"
	}
	if _, err := checkURL(o.Endpoint); err != nil {
		return nil, err
	}
	if o.RulesInterval <= 0 {
		o.RulesInterval = 5 * time.Minute
	}
	if o.TargetsInterval <= 0 {
		o.TargetsInterval = 10 * time.Second
	}
	if o.now == nil {
		o.now = time.Now
	}
	var id [12]byte
	rand.Read(id[:]) // never fails
	x := &XRay{opts: o, clientID: hex.EncodeToString(id[:]), client: newClient()}
	x.fallback = newRule(samplingRule{RuleName: "Default", FixedRate: 0.05, ReservoirSize: 1}, o.now)
	x.rules.Store(&ruleSet{})
	x.poller = startPoller(x.ask)
	return x, nil
}

// ShouldSample implements the SDK's Sampler.
func (x *XRay) ShouldSample(p sdktrace.SamplingParameters) sdktrace.SamplingResult {
	r := x.fallback
	if set := x.rules.Load(); len(set.rules) > 0 {
		if found := set.find(subjectOf(x.opts.Service, x.opts.ServiceType, p.Attributes)); found != nil {
			r = found
		}
	}
	return decide(p, r.sample(p))
}

// Description implements the SDK's Sampler.
func (x *XRay) Description() string {
	u, _ := url.Parse(x.opts.Endpoint)
	return "XRay{" + u.Redacted() + "}"
}

// Close ends the asking. The rules stay as they are.
func (x *XRay) Close() error {
	x.poller.close()
	return nil
}

// ask reports what the rules did, and asks for the rules when it is time or
// when the answer says that they changed.
func (x *XRay) ask(ctx context.Context) (time.Duration, error) {
	now := x.opts.now()
	changed, err := x.report(ctx, x.rules.Load())
	if x.asked.IsZero() || now.Sub(x.asked) >= x.opts.RulesInterval || changed.After(x.received) {
		x.asked = now
		err = errors.Join(err, x.getRules(ctx))
	}
	return x.opts.TargetsInterval, err
}

func (x *XRay) getRules(ctx context.Context) error {
	now := x.opts.now()
	var all []samplingRule
	var token *string
	for range maxPages {
		body, err := x.post(ctx, "/GetSamplingRules", struct{ NextToken *string }{token})
		if err == nil {
			var rules []samplingRule
			var next string
			if rules, next, err = parseRules(body); err == nil {
				all = append(all, rules...)
				if token = &next; next != "" && len(all) < maxRules {
					continue
				}
				x.received = now
				x.rules.Store(newRuleSet(all, x.rules.Load(), x.opts.now))
				return nil
			}
		}
		if now.Sub(x.received) > rulesLast {
			x.rules.Store(&ruleSet{})
		}
		return fmt.Errorf("ask for X-Ray sampling rules: %w", err)
	}
	return fmt.Errorf("ask for X-Ray sampling rules: more than %d pages", maxPages)
}

// statistics is what a rule did,
// https://docs.aws.amazon.com/xray/latest/api/API_SamplingStatisticsDocument.html.
type statistics struct {
	RuleName     string
	ClientID     string
	Timestamp    int64 // Unix time, seconds
	RequestCount int
	SampledCount int
	BorrowCount  int
}

// targets is an answer to SamplingTargets.
type targets struct {
	SamplingTargetDocuments []target
	LastRuleModification    float64 // Unix time, seconds
	UnprocessedStatistics   []struct{ RuleName, ErrorCode, Message string }
}

// report sends what the rules that were asked did, and takes over the targets
// of the answer. It returns when the rules were last changed.
func (x *XRay) report(ctx context.Context, set *ruleSet) (changed time.Time, err error) {
	type counted struct {
		rule  *rule
		count ruleCounts
	}
	var all []counted
	for _, r := range set.rules {
		if c := r.takeCounts(); c.requests > 0 {
			all = append(all, counted{r, c})
		}
	}
	for chunk := range slices.Chunk(all, reportsPerRequest) {
		docs := make([]statistics, len(chunk))
		for i, c := range chunk {
			docs[i] = statistics{c.rule.RuleName, x.clientID, x.opts.now().Unix(), c.count.requests, c.count.sampled, c.count.borrowed}
		}
		body, failed := x.post(ctx, "/SamplingTargets", map[string]any{"SamplingStatisticsDocuments": docs})
		var answer targets
		if failed == nil {
			answer, failed = parseTargets(body)
		}
		if failed != nil {
			for _, c := range chunk {
				c.rule.putBack(c.count)
			}
			err = errors.Join(err, fmt.Errorf("report to X-Ray: %w", failed))
			continue
		}
		changed = unixTime(answer.LastRuleModification)
		for _, t := range answer.SamplingTargetDocuments {
			if r := set.named(t.RuleName); r != nil {
				r.assign(t)
			}
		}
		for _, u := range answer.UnprocessedStatistics {
			err = errors.Join(err, fmt.Errorf("X-Ray did not process the statistics of %q: %s: %s", u.RuleName, u.ErrorCode, u.Message))
		}
	}
	return changed, err
}

func parseTargets(b []byte) (targets, error) {
	var t targets
	if err := json.Unmarshal(b, &t); err != nil {
		return targets{}, fmt.Errorf("read sampling targets: %w", err)
	}
	return t, nil
}

func (x *XRay) post(ctx context.Context, path string, v any) ([]byte, error) {
	body, err := json.Marshal(v)
	if err != nil {
		return nil, err
	}
	u, err := url.JoinPath(x.opts.Endpoint, path)
	if err != nil {
		return nil, err
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, u, bytes.NewReader(body))
	if err != nil {
		return nil, err
	}
	req.Header.Set("Content-Type", "application/json")
	return fetch(x.client, req)
}
