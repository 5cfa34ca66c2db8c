package plan

import (
	"slices"

	"github.com/kiseki-dev/kiseki/storage/scan"
)

// The cost of a leaf orders the operands of And and Or. The numbers are ranks,
// not times: what is decided once per dictionary entry comes first, then
// fixed-width columns, then typed attribute columns, then what must look at
// strings row by row, and last what hangs below the span.
const (
	costTrace    = iota                    // decided once for the trace
	costID                                 // the most selective; summaries and indexes decide it
	costResource                           // a dictionary of a handful of entries
	costSmall                              // name, kind, status: codes of a byte or a small dictionary
	costNumber                             // duration, start: fixed width
	costAttr                               // a typed column, often a dictionary
	costAny                                // two columns
	costRegex                              // added where a regular expression may meet raw strings
	costNested   = costRegex + costAny + 1 // events and links
)

func byCost(nodes []Node) {
	slices.SortStableFunc(nodes, func(a, b Node) int { return cost(a) - cost(b) })
}

func cost(n Node) int {
	switch n := n.(type) {
	case *TraceLeaf:
		return costTrace
	case *Leaf:
		return costOf(&n.Predicate)
	case *Relation:
		return costNested
	case Not:
		return cost(n.X)
	case And:
		return sum(n)
	case Or:
		return sum(n)
	}
	return 0
}

func sum(nodes []Node) (c int) {
	for _, n := range nodes {
		c += cost(n) + 1
	}
	return c
}

func costOf(p *scan.Predicate) int {
	regex := 0
	if p.Op == scan.OpMatch || p.Op == scan.OpNotMatch {
		regex = costRegex
	}
	switch p.Field.Scope {
	case scan.ScopeResource, scan.ScopeInstrumentation:
		return costResource
	case scan.ScopeSpan:
		return costAttr + regex
	case scan.ScopeAny:
		return costAny + regex
	case scan.ScopeEvent, scan.ScopeLink:
		return costNested + regex
	}
	return costIntrinsic(p.Field.Intrinsic, regex)
}

func costIntrinsic(i scan.Intrinsic, regex int) int {
	switch i {
	case scan.IntrinsicTraceID, scan.IntrinsicSpanID:
		return costID
	case scan.IntrinsicScopeName, scan.IntrinsicScopeVersion:
		return costResource
	case scan.IntrinsicName, scan.IntrinsicKind, scan.IntrinsicStatus:
		return costSmall
	case scan.IntrinsicDuration, scan.IntrinsicStart, scan.IntrinsicParentID:
		return costNumber
	case scan.IntrinsicEventName, scan.IntrinsicEventTime, scan.IntrinsicLinkTraceID, scan.IntrinsicLinkSpanID:
		return costNested + regex
	}
	return costAttr + regex
}
