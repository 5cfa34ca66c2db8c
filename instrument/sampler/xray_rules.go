package sampler

import (
	"cmp"
	"encoding/json"
	"fmt"
	"math"
	"slices"
	"sync"
	"time"

	"go.opentelemetry.io/otel/attribute"
	sdktrace "go.opentelemetry.io/otel/sdk/trace"
)

// rulesPage is an answer to GetSamplingRules,
// https://docs.aws.amazon.com/xray/latest/api/API_GetSamplingRules.html.
type rulesPage struct {
	NextToken           *string
	SamplingRuleRecords []struct{ SamplingRule samplingRule }
}

// samplingRule is a rule as it is written down,
// https://docs.aws.amazon.com/xray/latest/api/API_SamplingRule.html.
type samplingRule struct {
	RuleName      string
	Priority      int
	FixedRate     float64
	ReservoirSize float64 // traces a second
	ServiceName   string
	ServiceType   string
	Host          string
	HTTPMethod    string
	URLPath       string
	ResourceARN   string
	Attributes    map[string]string
	Version       int
}

const (
	// maxRules bounds the rules that are looked through for every trace.
	maxRules = 1000
	// maxPattern bounds what a pattern of a rule can cost.
	maxPattern = 1024
)

// parseRules reads a page of rules. Rules that cannot be used are left out:
// another version of the format, a rate that is none, no name.
func parseRules(b []byte) (rules []samplingRule, next string, err error) {
	var page rulesPage
	if err := json.Unmarshal(b, &page); err != nil {
		return nil, "", fmt.Errorf("read sampling rules: %w", err)
	}
	for _, r := range page.SamplingRuleRecords {
		if r.SamplingRule.usable() {
			rules = append(rules, r.SamplingRule)
		}
	}
	if page.NextToken != nil {
		next = *page.NextToken
	}
	return rules, next, nil
}

func (r *samplingRule) usable() bool {
	for _, p := range []string{r.ServiceName, r.ServiceType, r.Host, r.HTTPMethod, r.URLPath} {
		if len(p) > maxPattern {
			return false
		}
	}
	for _, p := range r.Attributes {
		if len(p) > maxPattern {
			return false
		}
	}
	return r.RuleName != "" && r.Version == 1 && r.FixedRate >= 0 && r.FixedRate <= 1 && r.ReservoirSize >= 0
}

// subject is what rules are matched against.
type subject struct {
	service, serviceType, host, method, path string
	attributes                               []attribute.KeyValue
}

// subjectOf reads the names of semantic conventions, new and old.
func subjectOf(service, serviceType string, attrs []attribute.KeyValue) subject {
	s := subject{service: service, serviceType: serviceType, attributes: attrs}
	for i := range attrs {
		switch attrs[i].Key {
		case "server.address", "http.host", "net.host.name":
			s.host = attrs[i].Value.String()
		case "http.request.method", "http.method":
			s.method = attrs[i].Value.String()
		case "url.path", "http.target":
			s.path = attrs[i].Value.String()
		}
	}
	return s
}

// applies reports whether the rule is for the subject. What a span does not
// say matches only "*": a rule for a host is not for work without one.
func (r *samplingRule) applies(s subject) bool {
	// Nothing here knows the ARN of the resource it runs on.
	if r.ResourceARN != "" && r.ResourceARN != "*" {
		return false
	}
	if !either(r.ServiceName, s.service) || !either(r.ServiceType, s.serviceType) || !either(r.Host, s.host) ||
		!either(r.HTTPMethod, s.method) || !either(r.URLPath, s.path) {
		return false
	}
	for key, pattern := range r.Attributes {
		if !slices.ContainsFunc(s.attributes, func(kv attribute.KeyValue) bool {
			return string(kv.Key) == key && matches(pattern, kv.Value.String())
		}) {
			return false
		}
	}
	return true
}

func either(pattern, s string) bool { return pattern == "" || matches(pattern, s) }

// rule is a rule in force, with what it has counted.
type rule struct {
	samplingRule
	now func() time.Time

	mu struct {
		sync.Mutex
		ratio     float64
		byRatio   sdktrace.Sampler
		hasQuota  bool
		quota     float64 // traces a second of all of us, assigned to this process
		quotaEnds time.Time
		second    int64 // Unix time that used counts in
		used      float64
		count     ruleCounts
	}
}

// ruleCounts are what a rule did since it was last reported.
type ruleCounts struct{ requests, sampled, borrowed int }

func newRule(r samplingRule, now func() time.Time) *rule {
	n := &rule{samplingRule: r, now: now}
	n.mu.ratio, n.mu.byRatio = r.FixedRate, sdktrace.TraceIDRatioBased(r.FixedRate)
	return n
}

// sample decides by the reservoir first: so many traces a second as the
// service assigned to this process, or one that is borrowed until it has. All
// others are sampled at the fixed rate.
func (r *rule) sample(p sdktrace.SamplingParameters) bool {
	now := r.now()
	r.mu.Lock()
	defer r.mu.Unlock()
	r.mu.count.requests++
	if second := now.Unix(); second != r.mu.second {
		r.mu.second, r.mu.used = second, 0
	}
	assigned := r.mu.hasQuota && now.Before(r.mu.quotaEnds)
	switch {
	case assigned && r.mu.used < r.mu.quota:
		r.mu.used++
		r.mu.count.sampled++
		return true
	case !assigned && r.ReservoirSize > 0 && r.mu.used < 1:
		r.mu.used++
		r.mu.count.borrowed++
		r.mu.count.sampled++
		return true
	}
	if r.mu.byRatio.ShouldSample(p).Decision != sdktrace.RecordAndSample {
		return false
	}
	r.mu.count.sampled++
	return true
}

// takeCounts returns what was counted and begins anew.
func (r *rule) takeCounts() ruleCounts {
	r.mu.Lock()
	defer r.mu.Unlock()
	c := r.mu.count
	r.mu.count = ruleCounts{}
	return c
}

// putBack adds counts that could not be reported.
func (r *rule) putBack(c ruleCounts) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.mu.count.requests += c.requests
	r.mu.count.sampled += c.sampled
	r.mu.count.borrowed += c.borrowed
}

// target is what the service assigns for the next seconds,
// https://docs.aws.amazon.com/xray/latest/api/API_SamplingTargetDocument.html.
type target struct {
	RuleName          string
	FixedRate         *float64
	ReservoirQuota    *float64
	ReservoirQuotaTTL *float64 // Unix time, seconds
}

// assign takes over a target; values that make no sense are left out.
func (r *rule) assign(t target) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if t.FixedRate != nil && *t.FixedRate >= 0 && *t.FixedRate <= 1 && *t.FixedRate != r.mu.ratio {
		r.mu.ratio, r.mu.byRatio = *t.FixedRate, sdktrace.TraceIDRatioBased(*t.FixedRate)
	}
	if t.ReservoirQuota != nil && *t.ReservoirQuota >= 0 && t.ReservoirQuotaTTL != nil {
		r.mu.hasQuota, r.mu.quota, r.mu.quotaEnds = true, *t.ReservoirQuota, unixTime(*t.ReservoirQuotaTTL)
	}
}

// unixTime is a time as AWS writes it; nonsense becomes 1970.
func unixTime(seconds float64) time.Time {
	if !(seconds >= 0 && seconds < 1<<40) {
		return time.Unix(0, 0)
	}
	whole, part := math.Modf(seconds)
	return time.Unix(int64(whole), int64(part*1e9))
}

// ruleSet is the rules in the order in which they are tried. It is immutable.
type ruleSet struct{ rules []*rule }

// newRuleSet keeps the counts and quotas of rules that did not change.
func newRuleSet(rules []samplingRule, before *ruleSet, now func() time.Time) *ruleSet {
	slices.SortStableFunc(rules, func(a, b samplingRule) int {
		return cmp.Or(cmp.Compare(a.Priority, b.Priority), cmp.Compare(a.RuleName, b.RuleName))
	})
	set := &ruleSet{}
	for _, r := range rules[:min(len(rules), maxRules)] {
		set.rules = append(set.rules, continued(r, before, now))
	}
	return set
}

func continued(r samplingRule, before *ruleSet, now func() time.Time) *rule {
	n := newRule(r, now)
	if before == nil {
		return n
	}
	if old := before.named(r.RuleName); old != nil {
		old.mu.Lock()
		defer old.mu.Unlock()
		n.mu.hasQuota, n.mu.quota, n.mu.quotaEnds = old.mu.hasQuota, old.mu.quota, old.mu.quotaEnds
		if old.FixedRate == r.FixedRate { // or else somebody changed it
			n.mu.ratio, n.mu.byRatio = old.mu.ratio, old.mu.byRatio
		}
		n.mu.second, n.mu.used, n.mu.count = old.mu.second, old.mu.used, old.mu.count
	}
	return n
}

func (s *ruleSet) named(name string) *rule {
	if i := slices.IndexFunc(s.rules, func(r *rule) bool { return r.RuleName == name }); i >= 0 {
		return s.rules[i]
	}
	return nil
}

// find returns nil when no rule applies.
func (s *ruleSet) find(subject subject) *rule {
	if i := slices.IndexFunc(s.rules, func(r *rule) bool { return r.applies(subject) }); i >= 0 {
		return s.rules[i]
	}
	return nil
}
