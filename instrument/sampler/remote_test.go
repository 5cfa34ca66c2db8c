package sampler

import (
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"go.opentelemetry.io/otel"
	sdktrace "go.opentelemetry.io/otel/sdk/trace"
)

func init() {
	otel.SetErrorHandler(otel.ErrorHandlerFunc(func(error) {})) // servers that are down are part of the tests
}

// eventually waits until the condition holds.
func eventually(t *testing.T, what string, holds func() bool) {
	t.Helper()
	deadline := time.Now().Add(20 * time.Second)
	for !holds() {
		if time.Now().After(deadline) {
			t.Fatalf("still not after 20 s: %s", what)
		}
		time.Sleep(2 * time.Millisecond)
	}
}

// jaegerServer answers with the strategy that a test sets.
func jaegerServer(t *testing.T) (url string, answer *atomic.Pointer[string]) {
	t.Helper()
	answer = new(atomic.Pointer[string])
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if got := r.URL.Query()["service"]; r.URL.Path != "/sampling" || len(got) != 1 || got[0] != "shop" {
			http.Error(w, "asked "+r.URL.String(), http.StatusBadRequest)
			return
		}
		a := answer.Load()
		if a == nil {
			http.Error(w, "no strategy yet", http.StatusInternalServerError)
			return
		}
		w.Header().Set("Content-Type", "application/json")
		w.Write([]byte(*a))
	}))
	t.Cleanup(s.Close)
	return s.URL + "/sampling", answer
}

// TestRemote: the strategy of the server counts, whichever it is, and the
// last good one while the server is out of order.
func TestRemote(t *testing.T) {
	url, answer := jaegerServer(t)
	r, err := NewRemote(RemoteOptions{Service: "shop", Endpoint: url, Interval: 10 * time.Millisecond, InitialRatio: 1})
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	if !sampled(r, root("GET /")) {
		t.Error("the initial ratio does not count")
	}
	kind := func() string {
		switch (*r.current.Load()).(type) {
		case *probability:
			return "probability"
		case *rate:
			return "rate"
		}
		return "operations"
	}
	set := func(s string) { answer.Store(&s) }

	set(`{"strategyType":"RATE_LIMITING","rateLimitingSampling":{"maxTracesPerSecond":3}}`)
	eventually(t, "the rate counts", func() bool { return kind() == "rate" })
	k := 0
	for range 1000 {
		if sampled(r, root("GET /")) {
			k++
		}
	}
	if k < 3 || k > 6 {
		t.Errorf("%d traces at 3 a second", k)
	}

	set(`{"strategyType":"PROBABILISTIC","probabilisticSampling":{"samplingRate":0.25}}`)
	eventually(t, "the probability counts", func() bool { return kind() == "probability" })
	k = 0
	for range 10_000 {
		if sampled(r, root("GET /")) {
			k++
		}
	}
	near(t, "probability", k, 10_000, 0.25)

	for _, bad := range []string{"", "{", "{}", `{"probabilisticSampling":{"samplingRate":2}}`, `[]`, strings.Repeat(" ", maxAnswer+1)} {
		set(bad)
		time.Sleep(25 * time.Millisecond)
		if kind() != "probability" {
			t.Errorf("%.30q was taken for a strategy", bad)
		}
	}
	set(`{"strategyType":"PROBABILISTIC","operationSampling":{"defaultSamplingProbability":0.5}}`)
	eventually(t, "the operations count", func() bool { return kind() == "operations" })
}

// TestOperations: each operation has its probability, and each its floor.
func TestOperations(t *testing.T) {
	c := newClock()
	d, err := parseStrategy([]byte(`{"strategyType":"PROBABILISTIC","operationSampling":{
		"defaultSamplingProbability":0.001,"defaultLowerBoundTracesPerSecond":2,"defaultUpperBoundTracesPerSecond":0,
		"perOperationStrategies":[
			{"operation":"GET /","probabilisticSampling":{"samplingRate":0.5}},
			{"operation":"GET /health","probabilisticSampling":{"samplingRate":0}}]}}`), nil)
	if err != nil {
		t.Fatal(err)
	}
	for _, operation := range []string{"GET /", "GET /health", "POST /orders"} {
		d.(*perOperation).floor(operation).now = c.Now
	}
	const n = 20_000 // in 20 s
	count := map[string]int{}
	byTag := map[string]int{}
	for range n {
		for _, operation := range []string{"GET /", "GET /health", "POST /orders"} {
			if r := d.decide(root(operation)); r.Decision == sdktrace.RecordAndSample {
				count[operation]++
				byTag[operation+" "+r.Attributes[0].Value.AsString()]++
			}
		}
		c.advance(time.Millisecond)
	}
	near(t, "GET /", byTag["GET / probabilistic"], n, 0.5)
	if k := count["GET /health"]; k < 40 || k > 43 {
		t.Errorf("GET /health was sampled %d times in 20 s, at least 2 a second", k)
	}
	near(t, "POST /orders by probability", byTag["POST /orders probabilistic"], n, 0.001)
	if k := count["POST /orders"]; k < 40 || k > 43+byTag["POST /orders probabilistic"] {
		t.Errorf("POST /orders was sampled %d times in 20 s", k)
	}
	for i := range 3 * maxOperations {
		d.decide(root(strings.Repeat("x", i)))
	}
	if n := d.(*perOperation).floorCount.Load(); n > maxOperations {
		t.Errorf("%d operations are told apart", n)
	}
}

func TestRemoteRefusesBadOptions(t *testing.T) {
	for _, o := range []RemoteOptions{{Endpoint: "localhost:5778"}, {Endpoint: ":"}, {InitialRatio: 2}} {
		if r, err := NewRemote(o); err == nil {
			r.Close()
			t.Errorf("%+v was taken", o)
		}
	}
}

// FuzzStrategy: no answer breaks anything, and what is taken for a strategy
// decides.
func FuzzStrategy(f *testing.F) {
	f.Add([]byte(`{"strategyType":"PROBABILISTIC","probabilisticSampling":{"samplingRate":0.001}}`))
	f.Add([]byte(`{"strategyType":1,"rateLimitingSampling":{"maxTracesPerSecond":10}}`))
	f.Add([]byte(`{"operationSampling":{"defaultSamplingProbability":0.001,"defaultLowerBoundTracesPerSecond":0.016,
		"perOperationStrategies":[{"operation":"GET /","probabilisticSampling":{"samplingRate":0.5}},{"operation":"x"}]}}`))
	f.Fuzz(func(t *testing.T, b []byte) {
		d, err := parseStrategy(b, nil)
		if err != nil {
			return
		}
		d.decide(root("GET /"))
		d.decide(root("other"))
		if again, err := parseStrategy(b, d); err != nil {
			t.Errorf("%s was a strategy once: %v", b, err)
		} else {
			again.decide(root("GET /"))
		}
		if !json.Valid(b) {
			t.Errorf("%q is no JSON", b)
		}
	})
}
