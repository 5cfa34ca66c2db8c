package propagate

import (
	"context"
	"fmt"
	"net/http"
	"strings"
	"testing"

	"go.opentelemetry.io/otel/baggage"
	"go.opentelemetry.io/otel/propagation"
	"go.opentelemetry.io/otel/trace"

	"github.com/kiseki-dev/kiseki/instrument/internal/hint"
)

const (
	full  = "80f198ee56343ba864fe8b2a57d3eff7"
	short = "000000000000000064fe8b2a57d3eff7"
	span  = "e457b5a2e4d86bd1"
)

// header makes the headers of a request out of "name: value" lines.
func header(lines ...string) propagation.HeaderCarrier {
	h := http.Header{}
	for _, l := range lines {
		k, v, _ := strings.Cut(l, ": ")
		h.Set(k, v)
	}
	return propagation.HeaderCarrier(h)
}

// describe says in words what ctx has of a trace.
func describe(ctx context.Context) string {
	sc := trace.SpanContextFromContext(ctx)
	s := "nothing"
	if sc.IsValid() {
		s = fmt.Sprintf("%s %s sampled=%t", sc.TraceID(), sc.SpanID(), sc.IsSampled())
		if !sc.IsRemote() {
			s += " not remote"
		}
	}
	if h, ok := hint.For(ctx, sc); ok {
		s += [...]string{" deferred", " sample", " deny"}[h.Decision]
		if id := hint.RootTraceID(ctx); id.IsValid() {
			s += " root of " + id.String()
		}
	}
	return s
}

func TestExtract(t *testing.T) {
	b3, jaeger, xray := B3{}, Jaeger{}, XRay{}
	for _, x := range []struct {
		p       propagation.TextMapPropagator
		headers []string
		want    string
	}{
		{b3, nil, "nothing"},
		{b3, []string{"b3: " + full + "-" + span + "-1"}, full + " " + span + " sampled=true"},
		{b3, []string{"b3: " + full + "-" + span + "-0"}, full + " " + span + " sampled=false"},
		{b3, []string{"b3: " + full + "-" + span + "-d-" + span}, full + " " + span + " sampled=true"},
		{b3, []string{"b3: " + full + "-" + span}, full + " " + span + " sampled=false deferred"},
		{b3, []string{"b3: " + full[16:] + "-" + span + "-1"}, short + " " + span + " sampled=true"},
		{b3, []string{"b3: 0"}, "nothing deny"},
		{b3, []string{"b3: d"}, "nothing sample"},
		{b3, []string{"b3: " + full + "-" + span + "-2"}, "nothing"},
		{b3, []string{"b3: " + full[1:] + "x-" + span + "-1"}, "nothing"},
		{b3, []string{"b3: " + full + "-0000000000000000-1"}, "nothing"},
		{b3, []string{"b3: --"}, "nothing"},
		{b3, []string{"X-B3-TraceId: " + full, "X-B3-SpanId: " + span, "X-B3-Sampled: 1"}, full + " " + span + " sampled=true"},
		{b3, []string{"X-B3-TraceId: " + full, "X-B3-SpanId: " + span, "X-B3-Sampled: true"}, full + " " + span + " sampled=true"},
		{b3, []string{"X-B3-TraceId: " + full, "X-B3-SpanId: " + span, "X-B3-Flags: 1"}, full + " " + span + " sampled=true"},
		{b3, []string{"X-B3-TraceId: " + full, "X-B3-SpanId: " + span}, full + " " + span + " sampled=false deferred"},
		{b3, []string{"X-B3-Sampled: 0"}, "nothing deny"},
		{b3, []string{"X-B3-TraceId: " + full}, "nothing"},
		{b3, []string{"b3: " + full + "-" + span + "-1", "X-B3-TraceId: " + full, "X-B3-SpanId: " + span, "X-B3-Sampled: 0"},
			full + " " + span + " sampled=true"},

		{jaeger, []string{"uber-trace-id: " + full + ":" + span + ":0:1"}, full + " " + span + " sampled=true"},
		{jaeger, []string{"uber-trace-id: " + full + "%3A" + span + "%3A0%3A0"}, full + " " + span + " sampled=false"},
		{jaeger, []string{"uber-trace-id: " + full + ":" + span + ":0:2"}, full + " " + span + " sampled=true"},
		{jaeger, []string{"uber-trace-id: abc:7:0:3"}, strings.Repeat("0", 29) + "abc 0000000000000007 sampled=true"},
		{jaeger, []string{"uber-trace-id: 0:0:0:1"}, "nothing"},
		{jaeger, []string{"uber-trace-id: " + full + ":" + span + ":0"}, "nothing"},
		{jaeger, []string{"uber-trace-id: " + full + ":" + span + ":0:zz"}, "nothing"},

		{xray, []string{"X-Amzn-Trace-Id: Root=1-80f198ee-56343ba864fe8b2a57d3eff7;Parent=" + span + ";Sampled=1"}, full + " " + span + " sampled=true"},
		{xray, []string{"X-Amzn-Trace-Id: root=1-80f198ee-56343ba864fe8b2a57d3eff7; parent=" + span + "; sampled=0"}, full + " " + span + " sampled=false"},
		{xray, []string{"X-Amzn-Trace-Id: Root=1-80f198ee-56343ba864fe8b2a57d3eff7;Parent=" + span + ";Sampled=?"}, full + " " + span + " sampled=false deferred"},
		{xray, []string{"X-Amzn-Trace-Id: Self=1-1-1;Root=1-80f198ee-56343ba864fe8b2a57d3eff7"}, "nothing deferred root of " + full},
		{xray, []string{"X-Amzn-Trace-Id: Root=1-80f198ee-56343ba864fe8b2a57d3eff7;Sampled=1"}, "nothing sample root of " + full},
		{xray, []string{"X-Amzn-Trace-Id: Root=2-80f198ee-56343ba864fe8b2a57d3eff7;Parent=" + span}, "nothing"},
		{xray, []string{"X-Amzn-Trace-Id: Parent=" + span + ";Sampled=1"}, "nothing"},
		{xray, []string{"X-Amzn-Trace-Id: Root=1-80f198ee-56343ba864fe8b2a57d3eff7;Parent=7"}, "nothing"},
		{xray, []string{"X-Amzn-Trace-Id: " + strings.Repeat("x", 2000)}, "nothing"},
	} {
		if got := describe(x.p.Extract(context.Background(), header(x.headers...))); got != x.want {
			t.Errorf("%T %q:\n got %s\nwant %s", x.p, x.headers, got, x.want)
		}
	}
}

// TestRoundTrip: what a propagator writes it reads, and others do not see.
func TestRoundTrip(t *testing.T) {
	traceID, _ := trace.TraceIDFromHex(full)
	spanID, _ := trace.SpanIDFromHex(span)
	for _, p := range []propagation.TextMapPropagator{TraceContext{}, B3{}, B3{Multiple: true}, Jaeger{}, XRay{}} {
		for _, flags := range []trace.TraceFlags{0, trace.FlagsSampled} {
			sc := trace.NewSpanContext(trace.SpanContextConfig{TraceID: traceID, SpanID: spanID, TraceFlags: flags})
			h := header()
			p.Inject(trace.ContextWithSpanContext(context.Background(), sc), h)
			if got := trace.SpanContextFromContext(p.Extract(context.Background(), h)); !got.Equal(sc.WithRemote(true)) {
				t.Errorf("%T: %v became %v by %v", p, sc, got, h)
			}
			for _, name := range h.Keys() {
				if !contains(p.Fields(), name) {
					t.Errorf("%T does not name its field %s", p, name)
				}
			}
		}
		h := header()
		p.Inject(context.Background(), h)
		if len(h) != 0 {
			t.Errorf("%T wrote %v without a span", p, h)
		}
	}
}

func contains(list []string, s string) bool {
	for _, x := range list {
		if strings.EqualFold(x, s) {
			return true
		}
	}
	return false
}

// TestXRayPassesOn: unknown keys and an open decision go to the next service.
func TestXRayPassesOn(t *testing.T) {
	in := header("X-Amzn-Trace-Id: Root=1-80f198ee-56343ba864fe8b2a57d3eff7;Parent=" + span + ";Sampled=?;Self=1-2-3;Lineage=a87bd80c:0")
	out := header()
	XRay{}.Inject(XRay{}.Extract(context.Background(), in), out)
	want := "Root=1-80f198ee-56343ba864fe8b2a57d3eff7;Parent=" + span + ";Sampled=?;Lineage=a87bd80c:0"
	if got := out.Get(xrayHeader); got != want {
		t.Errorf("got %s", got)
	}
}

func TestJaegerBaggage(t *testing.T) {
	in := header("uberctx-User: anna%20b", "uberctx-bad: %zz")
	ctx := Jaeger{}.Extract(context.Background(), in)
	if got := baggage.FromContext(ctx).Member("user").Value(); got != "anna b" {
		t.Errorf("baggage is %q", got)
	}
	odd, err := baggage.NewMemberRaw("schlüssel", "x")
	if err != nil {
		t.Fatal(err)
	}
	bag, _ := baggage.FromContext(ctx).SetMember(odd)
	out := header()
	Jaeger{}.Inject(baggage.ContextWithBaggage(ctx, bag), out)
	if len(out) != 1 || out.Get("uberctx-user") != "anna+b" {
		t.Errorf("headers are %v", out)
	}
}

// FuzzExtract: no header breaks anything, and what comes out of it can be
// sent on as a header.
func FuzzExtract(f *testing.F) {
	f.Add(full + "-" + span + "-1")
	f.Add(full + ":" + span + ":0:1")
	f.Add("Root=1-80f198ee-56343ba864fe8b2a57d3eff7;Parent=" + span + ";Sampled=?;Lineage=x")
	f.Fuzz(func(t *testing.T, value string) {
		in := propagation.MapCarrier{}
		for _, name := range []string{b3Header, b3TraceID, b3SpanID, b3Sampled, jaegerHeader, jaegerBaggage + "x", jaegerBaggage + value, xrayHeader} {
			in[name] = value
		}
		for _, p := range []propagation.TextMapPropagator{B3{}, B3{Multiple: true}, Jaeger{}, XRay{}} {
			ctx := p.Extract(context.Background(), in)
			out := propagation.MapCarrier{}
			p.Inject(ctx, out)
			for k, v := range out {
				if strings.ContainsFunc(k, notForNames) || strings.ContainsFunc(v, notForHeaders) {
					t.Errorf("%T: %q made the header %q: %q", p, value, k, v)
				}
			}
			if sc := trace.SpanContextFromContext(ctx); sc.IsValid() {
				if again := trace.SpanContextFromContext(p.Extract(context.Background(), out)); !again.Equal(sc) {
					t.Errorf("%T: %q was read as %v, and sent on as %v", p, value, sc, again)
				}
			}
		}
	})
}
