package sampler

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"go.opentelemetry.io/otel/attribute"
)

// daemon speaks the X-Ray daemon's protocol over TCP.
type daemon struct {
	*httptest.Server
	mu      sync.Mutex
	pages   []string // of rules
	targets string
	reports []statistics
	asked   int // for the rules
}

const ruleTail = `"ResourceARN":"*","Attributes":{},"Version":1}`

func newDaemon(t *testing.T) *daemon {
	d := &daemon{targets: `{}`}
	d.Server = httptest.NewServer(d)
	t.Cleanup(d.Close)
	return d
}

func (d *daemon) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	d.mu.Lock()
	defer d.mu.Unlock()
	body, _ := io.ReadAll(r.Body)
	switch r.Method + r.URL.Path {
	case "POST/GetSamplingRules":
		page := 0
		if string(body) != `{"NextToken":null}` {
			fmt.Sscanf(string(body), `{"NextToken":"%d"}`, &page)
		}
		next := "null"
		if page+1 < len(d.pages) {
			next = fmt.Sprintf(`"%d"`, page+1)
		} else {
			d.asked++
		}
		if page >= len(d.pages) {
			http.Error(w, "no rules", http.StatusInternalServerError)
			return
		}
		fmt.Fprintf(w, `{"NextToken":%s,"SamplingRuleRecords":[%s]}`, next, d.pages[page])
	case "POST/SamplingTargets":
		var report struct{ SamplingStatisticsDocuments []statistics }
		if json.Unmarshal(body, &report) != nil || len(report.SamplingStatisticsDocuments) > reportsPerRequest {
			http.Error(w, "bad report", http.StatusBadRequest)
			return
		}
		d.reports = append(d.reports, report.SamplingStatisticsDocuments...)
		io.WriteString(w, d.targets)
	default:
		http.NotFound(w, r)
	}
}

func record(name string, priority int, rate, reservoir float64, more string) string {
	return fmt.Sprintf(`{"SamplingRule":{"RuleName":%q,"Priority":%d,"FixedRate":%g,"ReservoirSize":%g,%s%s,"CreatedAt":1.7e9,"ModifiedAt":1.7e9}`,
		name, priority, rate, reservoir, more, ruleTail)
}

func startXRay(t *testing.T, d *daemon, o XRayOptions) *XRay {
	t.Helper()
	o.Endpoint, o.TargetsInterval = d.URL, 10*time.Millisecond
	x, err := NewXRay(o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { x.Close() })
	return x
}

func (x *XRay) has(rules int) func() bool {
	return func() bool { return len(x.rules.Load().rules) == rules }
}

// TestXRayRules: the rules come in pages and are tried by priority.
func TestXRayRules(t *testing.T) {
	d := newDaemon(t)
	d.pages = []string{
		record("Default", 10000, 0, 0, `"ServiceName":"*","ServiceType":"*","Host":"*","HTTPMethod":"*","URLPath":"*",`) + "," +
			record("orders", 20, 1, 0, `"ServiceName":"sh?p*","ServiceType":"*","Host":"*.example.org","HTTPMethod":"POST","URLPath":"/orders/*",`),
		record("health", 10, 0, 0, `"ServiceName":"*","URLPath":"/HEALTH",`) + "," +
			`{"SamplingRule":{"RuleName":"future","Priority":1,"FixedRate":1,"ReservoirSize":0,"ResourceARN":"*","Version":2}},` +
			`{"SamplingRule":{"RuleName":"premium","Priority":30,"FixedRate":1,"ReservoirSize":0,"Attributes":{"tier":"gold*"},"ResourceARN":"*","Version":1}}`,
	}
	x := startXRay(t, d, XRayOptions{Service: "shop-checkout", ServiceType: "AWS::ECS::Container"})
	eventually(t, "the rules are there", x.has(4))
	text := attribute.String
	for _, c := range []struct {
		what  string
		attrs []attribute.KeyValue
		want  bool
	}{
		{"an order", []attribute.KeyValue{text("server.address", "api.example.org"), text("http.request.method", "POST"), text("url.path", "/orders/7")}, true},
		{"an order by old names", []attribute.KeyValue{text("http.host", "api.example.org"), text("http.method", "post"), text("http.target", "/orders/7")}, true},
		{"reading an order", []attribute.KeyValue{text("server.address", "api.example.org"), text("http.request.method", "GET"), text("url.path", "/orders/7")}, false},
		{"an order elsewhere", []attribute.KeyValue{text("server.address", "api.example.com"), text("http.request.method", "POST"), text("url.path", "/orders/7")}, false},
		{"health, whatever the tier", []attribute.KeyValue{text("url.path", "/health"), text("tier", "gold")}, false},
		{"a premium customer", []attribute.KeyValue{text("tier", "Golden")}, true},
		{"work without a request", nil, false},
	} {
		if got := sampled(x, root("x", c.attrs...)); got != c.want {
			t.Errorf("%s: sampled is %t", c.what, got)
		}
	}
}

// TestXRayReservoir: without a quota one trace a second is borrowed, with one
// the quota is used; beyond it the fixed rate counts.
func TestXRayReservoir(t *testing.T) {
	c := newClock()
	r := newRule(samplingRule{RuleName: "r", FixedRate: 0.1, ReservoirSize: 50}, c.Now)
	second := func(n int) (k int) {
		for range n {
			if r.sample(root("x")) {
				k++
			}
		}
		c.advance(time.Second)
		return k
	}
	k := 0
	for range 20 {
		k += second(1000)
	}
	near(t, "borrowed and fixed rate", k-20, 20*999, 0.1)
	if got := r.takeCounts(); got.requests != 20_000 || got.borrowed != 20 || got.sampled != k {
		t.Errorf("counts are %+v, sampled were %d", got, k)
	}

	quota, rate, ends := 30.0, 0.0, float64(c.Now().Unix()+10)
	r.assign(target{RuleName: "r", FixedRate: &rate, ReservoirQuota: &quota, ReservoirQuotaTTL: &ends})
	for i := range 10 {
		if got := second(1000); got != 30 {
			t.Errorf("second %d: %d traces with a quota of 30", i, got)
		}
	}
	if got := second(1000); got != 1 {
		t.Errorf("%d traces after the quota ran out, one may be borrowed", got)
	}
	if got := r.takeCounts(); got.borrowed != 1 || got.sampled != 301 {
		t.Errorf("counts are %+v", got)
	}
	none := newRule(samplingRule{RuleName: "none"}, c.Now)
	if none.sample(root("x")) {
		t.Error("a rule without a reservoir lent a trace")
	}
}

// TestXRayTargets: what the rules did is reported, the answer is taken over,
// and rules that changed are asked for at once.
func TestXRayTargets(t *testing.T) {
	d := newDaemon(t)
	d.pages = []string{record("Default", 10000, 0, 1, "")}
	x := startXRay(t, d, XRayOptions{Service: "shop"})
	eventually(t, "the rules are there", x.has(1))
	ends := time.Now().Add(time.Hour).Unix()
	d.mu.Lock()
	d.targets = fmt.Sprintf(`{"SamplingTargetDocuments":[{"RuleName":"Default","FixedRate":1,"ReservoirQuota":5,"ReservoirQuotaTTL":%d,"Interval":10}],
		"LastRuleModification":1.7e9,"UnprocessedStatistics":[]}`, ends)
	d.mu.Unlock()
	for range 100 {
		sampled(x, root("x"))
	}
	r := x.rules.Load().rules[0]
	eventually(t, "the target is taken over", func() bool {
		r.mu.Lock()
		defer r.mu.Unlock()
		return r.mu.hasQuota && r.mu.ratio == 1
	})
	d.mu.Lock()
	total := statistics{}
	for _, s := range d.reports {
		if s.RuleName != "Default" || len(s.ClientID) != 24 || s.Timestamp == 0 {
			t.Errorf("report is %+v", s)
		}
		total.RequestCount += s.RequestCount
		total.SampledCount += s.SampledCount
		total.BorrowCount += s.BorrowCount
	}
	if total.RequestCount != 100 || total.BorrowCount == 0 || total.BorrowCount > 3 {
		t.Errorf("reported were %+v", total)
	}
	asked := d.asked
	d.pages[0] += "," + record("new", 1, 0.5, 0, "")
	d.targets = fmt.Sprintf(`{"LastRuleModification":%d}`, time.Now().Add(time.Hour).Unix())
	d.mu.Unlock()
	if asked != 1 {
		t.Errorf("the rules were asked for %d times", asked)
	}
	sampled(x, root("x"))
	eventually(t, "the new rule is there", x.has(2))
}

// TestXRayWithoutDaemon: one trace a second and 5 %.
func TestXRayWithoutDaemon(t *testing.T) {
	d, c := newDaemon(t), newClock()
	d.Close()
	x := startXRay(t, d, XRayOptions{now: c.Now})
	k := 0
	for range 20_000 {
		if sampled(x, root("x")) {
			k++
		}
	}
	near(t, "without rules", k-1, 19_999, 0.05)
}

func TestMatches(t *testing.T) {
	for _, x := range []struct {
		pattern, s string
		want       bool
	}{
		{"*", "", true}, {"", "", true}, {"", "a", false}, {"a", "A", true}, {"?", "", false}, {"?", "ä", true},
		{"/orders/*", "/orders/", true}, {"/orders/*", "/order", false}, {"*.example.*", "a.example.org", true},
		{"a*b*c", "aXXbYYc", true}, {"a*b*c", "aXXbYY", false}, {"**", "x", true}, {"a?c", "abc", true},
		{strings.Repeat("a*", 500) + "b", strings.Repeat("a", 5000), false}, // a naive matcher would not return
	} {
		if got := matches(x.pattern, x.s); got != x.want {
			t.Errorf("%.20q matches %.20q: %t", x.pattern, x.s, got)
		}
	}
}

// FuzzXRay: no answer breaks anything, and rules that are taken decide.
func FuzzXRay(f *testing.F) {
	f.Add([]byte(`{"NextToken":null,"SamplingRuleRecords":[`+record("r", 1, 0.5, 1, `"Host":"*.x","URLPath":"/a?*",`)+`]}`),
		[]byte(`{"SamplingTargetDocuments":[{"RuleName":"r","FixedRate":0.1,"ReservoirQuota":3,"ReservoirQuotaTTL":1.7e9,"Interval":10}],"LastRuleModification":1.7e9}`))
	f.Fuzz(func(t *testing.T, rules, answer []byte) {
		found, _, err := parseRules(rules)
		if err != nil {
			return
		}
		set := newRuleSet(found, nil, time.Now)
		if targets, err := parseTargets(answer); err == nil {
			for _, x := range targets.SamplingTargetDocuments {
				if r := set.named(x.RuleName); r != nil {
					r.assign(x)
				}
			}
			unixTime(targets.LastRuleModification)
		}
		s := subjectOf("shop", "", []attribute.KeyValue{attribute.String("url.path", "/a/b"), attribute.String("server.address", "x.x")})
		if r := set.find(s); r != nil {
			r.sample(root("x"))
			if r.FixedRate < 0 || r.FixedRate > 1 {
				t.Errorf("rate %g was taken", r.FixedRate)
			}
		}
		newRuleSet(found, set, time.Now)
	})
}
