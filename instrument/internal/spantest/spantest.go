// Package spantest shows the spans of a test as text, so that a test can say
// what it expects in a form one can read.
package spantest

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/codes"
	"go.opentelemetry.io/otel/propagation"
	sdktrace "go.opentelemetry.io/otel/sdk/trace"
	"go.opentelemetry.io/otel/sdk/trace/tracetest"

	"github.com/kiseki-dev/kiseki/instrument/internal/early"
	"github.com/kiseki-dev/kiseki/instrument/propagate"
)

// Recorder keeps the spans of its Provider.
type Recorder struct {
	Provider *early.Provider
	spans    *tracetest.SpanRecorder
}

// Propagator is trace context and baggage, what everybody has.
var Propagator = propagation.NewCompositeTextMapPropagator(propagate.TraceContext{}, propagation.Baggage{})

// New makes a recorder whose provider samples with s, or everything.
func New(s ...sdktrace.Sampler) *Recorder {
	s = append(s, sdktrace.AlwaysSample())
	r := &Recorder{spans: tracetest.NewSpanRecorder()}
	r.Provider = early.NewProvider(s[0], sdktrace.WithSpanProcessor(r.spans))
	return r
}

// Spans waits until n spans have ended and returns all that have.
func (r *Recorder) Spans(t testing.TB, n int) []sdktrace.ReadOnlySpan {
	t.Helper()
	for end := time.Now().Add(5 * time.Second); len(r.spans.Ended()) < n; time.Sleep(time.Millisecond) {
		if time.Now().After(end) {
			t.Fatalf("%d spans have ended, want %d", len(r.spans.Ended()), n)
		}
	}
	return r.spans.Ended()
}

// Text is the tree of n spans. Ports of this machine are written as PORT;
// attributes are sorted; those named in leaveOut, and stacks, are left out.
func (r *Recorder) Text(t testing.TB, n int, leaveOut ...string) string {
	t.Helper()
	spans := slices.Clone(r.Spans(t, n))
	slices.SortFunc(spans, func(a, b sdktrace.ReadOnlySpan) int { return a.StartTime().Compare(b.StartTime()) })
	known := map[string]bool{}
	for _, s := range spans {
		known[s.SpanContext().SpanID().String()] = true
	}
	p := printer{spans: spans, leaveOut: leaveOut}
	for _, s := range spans {
		if !known[s.Parent().SpanID().String()] {
			p.span(s, "")
		}
	}
	return p.text.String()
}

type printer struct {
	text     strings.Builder
	spans    []sdktrace.ReadOnlySpan
	leaveOut []string
}

func (p *printer) span(s sdktrace.ReadOnlySpan, indent string) {
	fmt.Fprintf(&p.text, "%s%s %s", indent, s.SpanKind(), s.Name())
	if s.Parent().IsRemote() {
		p.text.WriteString(" (called)")
	}
	if code := s.Status().Code; code != codes.Unset {
		fmt.Fprintf(&p.text, " %s", code)
		if d := s.Status().Description; d != "" {
			fmt.Fprintf(&p.text, ": %s", d)
		}
	}
	p.text.WriteByte('\n')
	var lines []string
	for _, a := range s.Attributes() {
		key, value := string(a.Key), a.Value.String()
		if strings.HasSuffix(key, ".port") && len(value) == 5 {
			value = "PORT"
		}
		if !slices.Contains(p.leaveOut, key) {
			lines = append(lines, fmt.Sprintf("%s  %s = %s\n", indent, key, value))
		}
	}
	slices.Sort(lines)
	p.text.WriteString(strings.Join(lines, ""))
	for _, e := range s.Events() {
		fmt.Fprintf(&p.text, "%s  event %s", indent, e.Name)
		attributes := slices.Clone(e.Attributes)
		slices.SortFunc(attributes, func(a, b attribute.KeyValue) int { return cmp.Compare(a.Key, b.Key) })
		for _, a := range attributes {
			if a.Key != "exception.stacktrace" {
				fmt.Fprintf(&p.text, " %s=%s", a.Key, a.Value.String())
			}
		}
		p.text.WriteByte('\n')
	}
	for _, l := range s.Links() {
		name := "another trace"
		for _, other := range p.spans {
			if other.SpanContext().SpanID() == l.SpanContext.SpanID() {
				name = other.Name()
			}
		}
		fmt.Fprintf(&p.text, "%s  link to %s\n", indent, name)
	}
	for _, child := range p.spans {
		if child.Parent().SpanID() == s.SpanContext().SpanID() {
			p.span(child, indent+"  ")
		}
	}
}

// Compare fails the test where got is not want; leading tabs of want's lines,
// which come from indented literals, do not count.
func Compare(t testing.TB, got, want string) {
	t.Helper()
	lines := strings.Split(strings.Trim(want, "\n\t"), "\n")
	for i, l := range lines {
		lines[i] = strings.TrimLeft(l, "\t")
	}
	if want := strings.Join(lines, "\n") + "\n"; got != want {
		t.Errorf("spans are\n%s\nwant\n%s", got, want)
	}
}
