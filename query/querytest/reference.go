// Package querytest says what queries mean, to test what answers them: a
// reference that evaluates a query's tree over the spans themselves, straight
// from the definitions of package traceql, and random traces and queries to
// ask both. The reference knows nothing of plans, blocks and bounds, shares no
// code with packages plan and exec, and takes its time: relations try every
// pair of spans, arithmetic is that of math/big.
//
//	reference.go        a trace, and the answer to a query
//	place.go            parents and places in a trace
//	stages.go           spansets and what pipelines make of them
//	condition.go        conditions and values of a span
//	fields.go           what a span has
//	number.go           comparisons and arithmetic
//	metrics.go          functions that make series of spans
//	series.go           arithmetic, comparisons and limits of series, and compare
//	traces.go           random traces
//	queries.go          random queries
//	queries_metrics.go  random metrics queries
//	check.go            package exec against the reference
//	check_metrics.go    likewise for series
package querytest

import (
	"bytes"
	"cmp"
	"fmt"
	"slices"
	"strings"

	"github.com/kiseki-dev/kiseki/query/traceql"
	"github.com/kiseki-dev/kiseki/telemetry"
	"github.com/kiseki-dev/kiseki/telemetry/telemetrytest"
)

// Reference answers queries over the spans of a batch.
type Reference struct{ traces []*trace }

// Question is a query with what a search adds to it.
type Question struct {
	Query      *traceql.Query
	Start, End uint64 // spans of the answer start within [Start, End), Unix nanoseconds
	SetSpans   int    // spans of each spanset to tell; 0: no spansets
}

// trace is a trace's spans, copies left out, in the one order that everything
// about them goes by. A set of spans is their places in it, ascending.
type trace struct {
	b               *telemetry.Batch
	spans           []*telemetry.Span
	copies          []int // how often each is stored
	parent          []int // -1: none
	cut             []bool
	left, right     []int // nested set
	start, duration uint64
	rootName        string
	rootService     string
	rootMissing     bool
}

// New makes a reference for b, which must not change any more. See Ordered.
func New(b *telemetry.Batch) *Reference {
	byID, copies, texts := map[telemetry.TraceID]*trace{}, map[string]int{}, map[*telemetry.Span]string{}
	ref := &Reference{}
	for i := range b.Spans {
		text := telemetrytest.DumpSpan(b, i)
		if copies[text]++; copies[text] > 1 {
			continue
		}
		texts[&b.Spans[i]] = text
		id := b.Spans[i].TraceID
		if byID[id] == nil {
			byID[id] = &trace{b: b}
			ref.traces = append(ref.traces, byID[id])
		}
		byID[id].spans = append(byID[id].spans, &b.Spans[i])
	}
	for _, t := range ref.traces {
		slices.SortFunc(t.spans, func(x, y *telemetry.Span) int { return compare(b, x, y) })
		for _, s := range t.spans {
			t.copies = append(t.copies, copies[texts[s]])
		}
		t.describe()
		t.findParents()
		t.number()
	}
	slices.SortFunc(ref.traces, func(x, y *trace) int {
		return cmp.Or(cmp.Compare(y.start, x.start), bytes.Compare(x.spans[0].TraceID[:], y.spans[0].TraceID[:]))
	})
	return ref
}

// Ordered reports whether the order of spans leaves no two of them equal, which
// answers need.
func (r *Reference) Ordered() bool {
	for _, t := range r.traces {
		for i := range len(t.spans) - 1 {
			if compare(t.b, t.spans[i], t.spans[i+1]) == 0 {
				return false
			}
		}
	}
	return true
}

// compare is the order of a trace's spans: by start, then by whatever else
// tells them apart.
func compare(b *telemetry.Batch, x, y *telemetry.Span) int {
	return cmp.Or(
		cmp.Compare(x.Start, y.Start), bytes.Compare(x.SpanID[:], y.SpanID[:]), cmp.Compare(x.Kind, y.Kind), cmp.Compare(x.Name, y.Name),
		cmp.Compare(x.Duration(), y.Duration()), bytes.Compare(x.ParentID[:], y.ParentID[:]), cmp.Compare(x.Status, y.Status),
		cmp.Compare(b.ServiceName(x.Resource), b.ServiceName(y.Resource)),
	)
}

// describe finds the trace's root, the earliest span whose parent is not in
// it, and its time.
func (t *trace) describe() {
	t.start = t.spans[0].Start
	orphan := func(s *telemetry.Span) bool {
		return s.ParentID.IsZero() || s.ParentID == s.SpanID ||
			!slices.ContainsFunc(t.spans, func(x *telemetry.Span) bool { return x.SpanID == s.ParentID })
	}
	root := t.spans[max(0, slices.IndexFunc(t.spans, orphan))]
	t.rootName, t.rootService = root.Name, t.b.ServiceName(root.Resource)
	t.rootMissing = root.ParentID != root.SpanID && !root.ParentID.IsZero() && orphan(root)
	for _, s := range t.spans {
		t.duration = max(t.duration, s.Start+s.Duration()-t.start)
	}
}

// Answer is what a search finds, the newest trace first, each as text.
func (r *Reference) Answer(q Question) (out []string) {
	for _, t := range r.traces {
		if text, ok := t.answer(q); ok {
			out = append(out, text)
		}
	}
	return out
}

func (t *trace) answer(q Question) (text string, ok bool) {
	matched := map[int]bool{}
	var w strings.Builder
	for _, set := range t.pipeline(q.Query.Spans, t.all()) {
		set.spans = slices.DeleteFunc(set.spans, func(i int) bool { return t.spans[i].Start < q.Start || t.spans[i].Start >= q.End })
		if len(set.spans) == 0 {
			continue
		}
		for _, i := range set.spans {
			matched[i] = true
		}
		if q.SetSpans > 0 {
			w.WriteString(t.tell(set, q))
		}
	}
	errors := 0
	for _, s := range t.spans {
		if s.Status == telemetry.StatusError {
			errors++
		}
	}
	missing := ""
	if t.rootMissing {
		missing = " (root missing)"
	}
	text = fmt.Sprintf("%s at %d for %d: %q %q%s, %d of %d spans, %d errors%s", t.spans[0].TraceID, t.start, t.duration,
		t.rootService, t.rootName, missing, len(matched), len(t.spans), errors, w.String())
	return text, len(matched) > 0
}

// tell is a spanset as text.
func (t *trace) tell(set spanset, q Question) string {
	text := fmt.Sprintf("\n  %d spans", len(set.spans))
	for _, x := range set.traits {
		text += ", " + x
	}
	for _, i := range set.spans[:min(len(set.spans), q.SetSpans)] {
		s := t.spans[i]
		text += fmt.Sprintf("\n    %s %d+%d %q %q", s.SpanID, s.Start, s.Duration(), s.Name, t.b.ServiceName(s.Resource))
		for _, f := range q.Query.Selected() {
			v, ok := t.field(i, f)
			text += " " + f.String() + "=" + valueText(v, ok)
		}
	}
	return text
}

func valueText(v telemetry.Value, ok bool) string {
	if !ok {
		return "nil"
	}
	return telemetrytest.DumpValue(v)
}

// all is every span of the trace.
func (t *trace) all() []int {
	out := make([]int, len(t.spans))
	for i := range out {
		out[i] = i
	}
	return out
}
