package analysis

import (
	"github.com/kiseki-dev/kiseki/query/exec"
	"github.com/kiseki-dev/kiseki/telemetry"
)

// call is one call from a service to a node.
type call struct {
	edgeID
	start uint64 // of the caller's span, or where there is none of the callee's
	// The spans that saw it, -1 where there is none: that of the caller, if it
	// is one of a call, and that of the callee.
	from, to int32
	// message says that an unanswered producer's span is meant, whose consumer
	// may be in another trace.
	message bool
}

// caller finds the calls in traces. It belongs to one goroutine.
type caller struct {
	answered []bool // by span: it, or a span of its service that it waits for, has an answer
	around   []bool // by span: there is another call of its service below it
	claimed  []bool // by span: it is, or is within, an unanswered call that has been told
}

// calls tells the calls of a trace.
//
// A span whose parent is of another service is the answer to a call of the
// parent's service; so is the span of kind server or consumer below one of
// kind client or producer of the same service. A span of kind client or
// producer without such an answer is a call to whom its attributes name; of
// several such spans within another the outermost that names somebody counts.
// unknown is how many calls, by their weights, name nobody.
func (c *caller) calls(t *exec.WholeTrace, tell func(call)) (unknown uint64, err error) {
	n := len(t.Spans)
	c.answered, c.around, c.claimed = reset(c.answered, n), reset(c.around, n), reset(c.claimed, n)
	for k := len(t.Order) - 1; k >= 0; k-- { // children first
		i := t.Order[k]
		s, p := &t.Spans[i], t.Parent[i]
		if p < 0 {
			continue
		}
		above := &t.Spans[p]
		if !answers(s, above) {
			c.answered[p] = c.answered[p] || c.answered[i]
			c.around[p] = c.around[p] || c.around[i] || calling(s)
			continue
		}
		c.answered[p] = true
		got := call{edgeID: edgeID{client: above.Service, server: nodeID{name: s.Service}}, start: s.Start, from: -1, to: i}
		got.messaging = s.Kind == telemetry.KindConsumer || above.Kind == telemetry.KindProducer
		if calling(above) {
			got.from, got.start = p, above.Start
		}
		tell(got)
	}
	for _, i := range t.Order { // parents first
		s, p := &t.Spans[i], t.Parent[i]
		c.claimed[i] = p >= 0 && c.claimed[p] && t.Spans[p].Service == s.Service
		if !calling(s) || c.answered[i] || c.claimed[i] {
			continue
		}
		node, ok, err := peerOf(t, int(i))
		if err != nil {
			return unknown, err
		}
		if !ok {
			if !c.around[i] {
				unknown += s.Weight
			}
			continue
		}
		c.claimed[i] = true
		to := edgeID{client: s.Service, server: node, messaging: node.kind == NodeMessaging}
		tell(call{edgeID: to, start: s.Start, from: i, to: -1, message: s.Kind == telemetry.KindProducer})
	}
	return unknown, nil
}

// answers reports whether s is what a call of its parent led to.
func answers(s, parent *exec.TraceSpan) bool {
	if s.Service != parent.Service {
		return true
	}
	return parent.Kind == telemetry.KindClient && s.Kind == telemetry.KindServer ||
		parent.Kind == telemetry.KindProducer && s.Kind == telemetry.KindConsumer
}

// calling reports whether s is the caller's view of a call.
func calling(s *exec.TraceSpan) bool {
	return s.Kind == telemetry.KindClient || s.Kind == telemetry.KindProducer
}

func reset(b []bool, n int) []bool {
	if cap(b) < n {
		return make([]bool, n)
	}
	b = b[:n]
	clear(b)
	return b
}
