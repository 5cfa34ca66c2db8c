package analysis

import (
	"cmp"
	"slices"

	"github.com/kiseki-dev/kiseki/query/exec"
	"github.com/kiseki-dev/kiseki/telemetry"
)

// Stretch is a part of a critical path: what the trace waited for between
// Start and End was the span itself, not one below it.
type Stretch struct {
	Span       int32
	Start, End uint64 // Unix nanoseconds
}

// CriticalPath is what the duration of a trace's root consists of: stretches,
// by time, without gaps between them and none of them empty. To make one of
// them shorter makes the root shorter, until something else that ran at the
// same time takes its place. The root is the earliest span without a parent in
// the trace; what is not below it is not on the path. Parents come before
// their children in order; parent is an index or -1.
//
// Going back from the end of a span, the time before belongs to the child that
// ended last, up to where that started; then to the child that ended last
// before that, and so on; what is between them, or before all of them, belongs
// to the span itself. Children that overlap one on the path are not on it, for
// the span waited for the later end. The same holds within each child. It is
// the algorithm of Zhang et al., "CRISP: Critical Path Analysis of
// Large-Scale Microservice Architectures" (USENIX ATC 2022), with these rules
// where spans do not nest:
//
//   - A child that ends after the span is not on the path, as nobody waited for
//     it: it goes on in the background. Two ends recorded in the wrong order
//     are forgiven: up to a hundredth of the child's duration.
//   - A span of kind server below one of kind client was waited for, for that
//     is what a call is: if it ends later, the client gave up, and it counts up
//     to there. But if it is no longer than the client's span and sticks out of
//     it, the clocks of the two machines differ: it is moved to the middle of
//     the client's span, with all that is below it.
//   - A span of kind consumer below producer is never on the path: a message is
//     not waited for.
func CriticalPath(spans []exec.TraceSpan, parent, order []int32) []Stretch {
	w := pathWalk{spans: spans, shift: make([]int64, len(spans)), end: make([]uint64, len(spans))}
	root := w.place(parent, order)
	if root < 0 {
		return nil
	}
	w.sortChildren(parent, order)
	w.follow(root)
	slices.Reverse(w.path)
	return w.path
}

// CriticalPathOf is the critical path of a trace as it was read; a stretch's
// span is its place in the batch.
func CriticalPathOf(t *exec.Trace) []Stretch {
	spans := make([]exec.TraceSpan, len(t.Batch.Spans))
	order := make([]int32, len(spans))
	for i := range spans {
		s := &t.Batch.Spans[i]
		spans[i] = exec.TraceSpan{ID: s.SpanID, Parent: s.ParentID, Start: s.Start, Duration: s.Duration(), Kind: s.Kind, Status: s.Status, Name: s.Name}
		order[i] = int32(i)
	}
	return CriticalPath(spans, t.Parent, order)
}

// pathWalk finds one critical path.
type pathWalk struct {
	spans    []exec.TraceSpan
	shift    []int64  // by span, nanoseconds: what its clock is off
	end      []uint64 // by span: up to where its parent waited for it; 0: not at all
	children []int32  // those that were waited for, by parent, the latest end last
	first    []int32  // by span: its place in children; one more than there are spans
	path     []Stretch
}

func (w *pathWalk) start(i int32) uint64 { return w.spans[i].Start + uint64(w.shift[i]) }

// place finds the root and up to where each span was waited for.
func (w *pathWalk) place(parent, order []int32) (root int32) {
	root = -1
	for _, i := range order {
		s, p := &w.spans[i], parent[i]
		if p < 0 {
			if root < 0 || s.Start < w.spans[root].Start {
				root = i
			}
			w.end[i] = s.Start + s.Duration
			continue
		}
		above := &w.spans[p]
		called := above.Kind == telemetry.KindClient && s.Kind == telemetry.KindServer
		w.shift[i] = w.shift[p]
		from, to := w.start(p), w.start(p)+above.Duration
		if called && s.Duration <= above.Duration && (w.start(i) < from || w.start(i)+s.Duration > to) {
			w.shift[i] += int64(from + (above.Duration-s.Duration)/2 - w.start(i))
		}
		end := w.start(i) + s.Duration
		switch late := end - min(end, to); {
		case above.Kind == telemetry.KindProducer && s.Kind == telemetry.KindConsumer:
		case late == 0 || called || late <= s.Duration/100:
			w.end[i] = min(end, to)
			if w.end[p] > 0 { // where the parent itself was given up earlier
				w.end[i] = min(w.end[i], w.end[p])
			}
		}
	}
	return root
}

// sortChildren lists the children of each span that were waited for.
func (w *pathWalk) sortChildren(parent, order []int32) {
	waited := func(i int32) bool { return parent[i] >= 0 && w.end[i] > w.start(i) }
	w.first = make([]int32, len(w.spans)+1)
	for _, i := range order {
		if waited(i) {
			w.first[parent[i]+1]++
		}
	}
	for p := range w.spans {
		w.first[p+1] += w.first[p]
	}
	w.children = make([]int32, w.first[len(w.spans)])
	next := slices.Clone(w.first)
	for _, i := range order {
		if waited(i) {
			w.children[next[parent[i]]] = i
			next[parent[i]]++
		}
	}
	for p := range w.spans {
		slices.SortFunc(w.children[w.first[p]:w.first[p+1]], func(a, b int32) int {
			// Of two that end together the longer one explains more.
			return cmp.Or(cmp.Compare(w.end[a], w.end[b]), cmp.Compare(w.start(b), w.start(a)), cmp.Compare(a, b))
		})
	}
}

// frame is a span on the way back: of its time, what is before at is still to
// be told, and of its children those before next.
type frame struct {
	span, next int32
	from, at   uint64
}

// follow adds the path of a span, latest stretch first.
func (w *pathWalk) follow(root int32) {
	open := func(i int32, from, to uint64) frame { return frame{i, w.first[i+1], from, to} }
	stack := []frame{open(root, w.start(root), w.end[root])}
	for len(stack) > 0 {
		f := &stack[len(stack)-1]
		if f.next == w.first[f.span] || f.at <= f.from {
			w.tell(f.span, f.from, f.at)
			stack = stack[:len(stack)-1]
			continue
		}
		f.next--
		child := w.children[f.next]
		start, end := max(w.start(child), f.from), w.end[child]
		if end > f.at || start >= end {
			continue
		}
		w.tell(f.span, end, f.at)
		f.at = start
		stack = append(stack, open(child, start, end))
	}
}

func (w *pathWalk) tell(i int32, from, to uint64) {
	if from < to {
		w.path = append(w.path, Stretch{i, from, to})
	}
}
