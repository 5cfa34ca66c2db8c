// Package match decides about spans that are stored nowhere, one at a time, what
// a TraceQL span filter says of them: "{ … }" without stages, whose conditions
// compare one field of the span with a constant.
//
// Goals: it means what package exec means by the same filter, which a test
// holds it to; it decides a span in the time of its comparisons, without an
// allocation. What asks about the whole trace, or compares two fields, is
// refused when the filter is read: no span on its way has an answer.
package match

import (
	"errors"
	"fmt"
	"unsafe"

	"github.com/kiseki-dev/kiseki/query/plan"
	"github.com/kiseki-dev/kiseki/query/traceql"
	"github.com/kiseki-dev/kiseki/storage/scan"
	"github.com/kiseki-dev/kiseki/telemetry"
)

// Filter is a span filter. It is immutable and may be used by any goroutine.
type Filter struct {
	node plan.Node
	text string
}

// Why a query is no span filter.
var (
	errNotFilter = errors.New(`it must be one pair of braces, such as { resource.service.name = "shop" && status = error }`)
	errTrace     = errors.New("it asks about the whole trace, of which a span on its way knows nothing; compare fields of the span, its resource, events or links with constants")
	errRelation  = errors.New("it compares fields with each other or computes; compare each field with a constant")
)

// Parse reads a filter.
func Parse(text string) (*Filter, error) {
	q, err := traceql.ParseSearch(text)
	if err != nil {
		return nil, err
	}
	cond, ok := q.SpanFilter()
	if !ok {
		return nil, fmt.Errorf("%s: %w", text, errNotFilter)
	}
	n := plan.Filter(cond)
	if err := check(n); err != nil {
		return nil, fmt.Errorf("%s: %w", text, err)
	}
	return &Filter{node: n, text: q.String()}, nil
}

// String is the filter as text.
func (f *Filter) String() string { return f.text }

func check(n plan.Node) error {
	var all []plan.Node
	switch n := n.(type) {
	case *plan.TraceLeaf:
		return errTrace
	case *plan.Relation:
		return errRelation
	case plan.Not:
		return check(n.X)
	case plan.And:
		all = n
	case plan.Or:
		all = n
	}
	for _, x := range all {
		if err := check(x); err != nil {
			return err
		}
	}
	return nil
}

// Holds reports whether a span of b satisfies the filter.
func (f *Filter) Holds(b *telemetry.Batch, s *telemetry.Span) bool { return holds(f.node, b, s) }

func holds(n plan.Node, b *telemetry.Batch, s *telemetry.Span) bool {
	switch n := n.(type) {
	case plan.Constant:
		return bool(n)
	case plan.Not:
		return !holds(n.X, b, s)
	case plan.And:
		for _, x := range n {
			if !holds(x, b, s) {
				return false
			}
		}
		return true
	case plan.Or:
		for _, x := range n {
			if holds(x, b, s) {
				return true
			}
		}
		return false
	case *plan.Leaf:
		return compare(&n.Predicate, b, s)
	}
	return false // Parse lets no other through
}

// compare decides a comparison: of an event's or link's field any may satisfy
// it.
func compare(p *scan.Predicate, b *telemetry.Batch, s *telemetry.Span) bool {
	switch p.Field.Scope {
	case scan.ScopeIntrinsic:
		return intrinsic(p, b, s)
	case scan.ScopeSpan:
		return attribute(p, b, s.Attrs)
	case scan.ScopeResource:
		return attribute(p, b, b.Resources[s.Resource].Attrs)
	case scan.ScopeInstrumentation:
		return attribute(p, b, b.Scopes[s.Scope].Attrs)
	case scan.ScopeAny:
		if v, ok := b.Lookup(s.Attrs, p.Field.Key); ok {
			return p.Holds(v)
		}
		return attribute(p, b, b.Resources[s.Resource].Attrs)
	case scan.ScopeEvent:
		for _, e := range b.EventsOf(s) {
			if attribute(p, b, e.Attrs) {
				return true
			}
		}
	case scan.ScopeLink:
		for _, l := range b.LinksOf(s) {
			if attribute(p, b, l.Attrs) {
				return true
			}
		}
	}
	return false
}

func attribute(p *scan.Predicate, b *telemetry.Batch, r telemetry.Range) bool {
	v, ok := b.Lookup(r, p.Field.Key)
	return ok && p.Holds(v)
}

func intrinsic(p *scan.Predicate, b *telemetry.Batch, s *telemetry.Span) bool {
	switch p.Field.Intrinsic {
	case scan.IntrinsicName:
		return p.Holds(telemetry.StringValue(s.Name))
	case scan.IntrinsicKind:
		return p.Holds(telemetry.IntValue(int64(s.Kind)))
	case scan.IntrinsicStatus:
		return p.Holds(telemetry.IntValue(int64(s.Status)))
	case scan.IntrinsicStatusMessage:
		return p.Holds(telemetry.StringValue(s.StatusMessage))
	case scan.IntrinsicTraceState:
		return p.Holds(telemetry.StringValue(s.TraceState))
	case scan.IntrinsicScopeName:
		return p.Holds(telemetry.StringValue(b.Scopes[s.Scope].Name))
	case scan.IntrinsicScopeVersion:
		return p.Holds(telemetry.StringValue(b.Scopes[s.Scope].Version))
	case scan.IntrinsicDuration:
		return p.Holds(telemetry.IntValue(int64(s.Duration())))
	case scan.IntrinsicStart:
		return p.Holds(telemetry.IntValue(int64(s.Start)))
	case scan.IntrinsicTraceID:
		return p.Holds(id(s.TraceID[:]))
	case scan.IntrinsicSpanID:
		return p.Holds(id(s.SpanID[:]))
	case scan.IntrinsicParentID:
		return p.Holds(id(s.ParentID[:]))
	}
	return listed(p, b, s)
}

// listed decides about the intrinsics of events and links.
func listed(p *scan.Predicate, b *telemetry.Batch, s *telemetry.Span) bool {
	for _, e := range b.EventsOf(s) {
		switch p.Field.Intrinsic {
		case scan.IntrinsicEventName:
			if p.Holds(telemetry.StringValue(e.Name)) {
				return true
			}
		case scan.IntrinsicEventTime:
			if p.Holds(telemetry.IntValue(int64(e.Time - s.Start))) {
				return true
			}
		}
	}
	links := b.LinksOf(s)
	for i := range links {
		switch p.Field.Intrinsic {
		case scan.IntrinsicLinkTraceID:
			if p.Holds(id(links[i].TraceID[:])) {
				return true
			}
		case scan.IntrinsicLinkSpanID:
			if p.Holds(id(links[i].SpanID[:])) {
				return true
			}
		}
	}
	return false
}

// id is an ID as a value that aliases it.
func id(p []byte) telemetry.Value {
	return telemetry.BytesValue(unsafe.String(unsafe.SliceData(p), len(p)))
}
