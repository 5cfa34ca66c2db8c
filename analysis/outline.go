package analysis

import (
	"cmp"
	"math"
	"slices"

	"github.com/kiseki-dev/kiseki/query/exec"
	"github.com/kiseki-dev/kiseki/storage/scan"
	"github.com/kiseki-dev/kiseki/telemetry"
)

// Outline is the most important spans of a trace, or of what is below one of
// its spans, with sums of all others: so a trace of a million spans is shown.
// A span's parent is in it wherever the span is.
type Outline struct {
	// Spans are indices of the trace's spans, ascending: parents first, each
	// followed by all that is below it.
	Spans []int32
	// Left is what was left out, by the span that it is below, ascending.
	Left []Left
	// Path is the trace's critical path as far as it runs here; a stretch of a
	// span that was left out is that of the nearest span above it that was not,
	// and stretches that follow each other on one span are one.
	Path []Stretch
	// Services are those of the whole trace, the one with the most spans first.
	Services []exec.ServiceCount
}

// Focus is what of a trace an outline is for.
type Focus struct {
	Below int32 // the index of a span: it and what is below it; -1: the whole trace
	// Start and End are a stretch of time, in Unix nanoseconds: spans that
	// overlap it come before all others. End 0: all of them do.
	Start, End uint64
}

// Left is the spans below another that were left out of an [Outline].
type Left struct {
	Below         int32 // a place in Outline.Spans; -1: they are below none of them
	Spans, Errors int
	Duration      uint64 // of all of them together, nanoseconds
	Start, End    uint64 // the earliest and the latest, Unix nanoseconds
	// Self is the self time of the span that they are below: what of its
	// duration none of the spans right below it takes, kept or not.
	Self uint64
}

// Of the spans that an outline may have, those of the critical path take at
// most a quarter, the longest stretches first, and with them failed ones at
// most three: where failures began before those that passed them on. What is
// left goes to the longest spans. All that is above a span counts with it.
const (
	pathShare  = 0.25
	errorShare = 0.75
)

// MakeOutline chooses at most so many spans; most is at least 1.
func MakeOutline(t *exec.Outline, f Focus, most int) *Outline {
	c := chooser{t: t, focus: f, first: 0, end: int32(len(t.Spans)), most: most, keep: make([]bool, len(t.Spans))}
	order := make([]int32, len(t.Spans))
	for i := range order {
		order[i] = int32(i)
	}
	path := CriticalPath(t.Spans, t.Parent, order)
	if f.Below >= 0 {
		c.first, c.end = f.Below, subtreeEnd(t, f.Below)
	}
	if int(c.end-c.first) <= most {
		for i := c.first; i < c.end; i++ {
			c.keep[i] = true
		}
	} else {
		c.choose(path)
	}
	o := c.outline(path)
	o.Services = servicesOf(t)
	return o
}

func servicesOf(t *exec.Outline) []exec.ServiceCount {
	place := map[string]int{}
	var out []exec.ServiceCount
	for i := range t.Spans {
		s := &t.Spans[i]
		at, ok := place[s.Service]
		if !ok {
			at = len(out)
			place[s.Service] = at
			out = append(out, exec.ServiceCount{Name: s.Service})
		}
		out[at].Spans++
		if s.Status == telemetry.StatusError {
			out[at].Errors++
		}
	}
	slices.SortFunc(out, func(a, b exec.ServiceCount) int {
		return cmp.Or(cmp.Compare(b.Spans, a.Spans), cmp.Compare(a.Name, b.Name))
	})
	return out
}

func subtreeEnd(t *exec.Outline, i int32) int32 {
	end := i + 1
	for end < int32(len(t.Spans)) && t.Parent[end] >= i {
		end++
	}
	return end
}

// chooser chooses among spans [first, end).
type chooser struct {
	t          *exec.Outline
	focus      Focus
	first, end int32
	most, kept int
	keep       []bool
	chain      []int32
}

func (c *chooser) within(i int32) bool { return i >= c.first && i < c.end }

// choose marks what is kept.
func (c *chooser) choose(path []Stretch) {
	path = slices.DeleteFunc(slices.Clone(path), func(s Stretch) bool { return !c.within(s.Span) })
	slices.SortStableFunc(path, func(a, b Stretch) int { return cmp.Compare(b.End-b.Start, a.End-a.Start) })
	origins, passed := c.failed()
	failed, longest := append(origins, passed...), c.longestFirst()
	pass := func(wanted func(int32) bool) {
		for _, s := range path {
			if wanted(s.Span) {
				c.take(s.Span, int(pathShare*float64(c.most)))
			}
		}
		for _, i := range failed {
			if wanted(i) {
				c.take(i, int(errorShare*float64(c.most)))
			}
		}
		for _, i := range longest {
			if wanted(i) {
				c.take(i, c.most)
			}
		}
	}
	if c.focus.End > 0 {
		pass(c.inTime)
	}
	pass(func(int32) bool { return true })
}

func (c *chooser) inTime(i int32) bool {
	s := &c.t.Spans[i]
	return s.Start < c.focus.End && s.Start+s.Duration >= c.focus.Start
}

// longestFirst is all spans by the buckets of their durations, which tell two
// apart that differ by a thirtieth.
func (c *chooser) longestFirst() []int32 {
	const buckets = scan.BucketRows * scan.BucketsPerRow
	bucket := func(i int32) int { return buckets - 1 - scan.DurationBucket(c.t.Spans[i].Duration) }
	var next [buckets + 1]int32
	for i := c.first; i < c.end; i++ {
		next[bucket(i)+1]++
	}
	for b := range buckets {
		next[b+1] += next[b]
	}
	order := make([]int32, c.end-c.first)
	for i := c.first; i < c.end; i++ {
		b := bucket(i)
		order[next[b]] = i
		next[b]++
	}
	return order
}

// failed is the failed spans by start: those that nothing failed below, and
// the others.
func (c *chooser) failed() (origins, passed []int32) {
	below := make([]bool, c.end-c.first)
	for i := c.end - 1; i >= c.first; i-- {
		failed := c.t.Spans[i].Status == telemetry.StatusError
		switch {
		case failed && below[i-c.first]:
			passed = append(passed, i)
		case failed:
			origins = append(origins, i)
		}
		if p := c.t.Parent[i]; (failed || below[i-c.first]) && c.within(p) {
			below[p-c.first] = true
		}
	}
	byStart := func(a, b int32) int {
		return cmp.Or(cmp.Compare(c.t.Spans[a].Start, c.t.Spans[b].Start), cmp.Compare(a, b))
	}
	slices.SortFunc(origins, byStart)
	slices.SortFunc(passed, byStart)
	return origins, passed
}

// take keeps a span and what is above it as long as no more than most are
// kept. Of a chain that does not fit, the upper part is kept.
func (c *chooser) take(i int32, most int) {
	c.chain = c.chain[:0]
	for c.kept < most && c.within(i) && !c.keep[i] {
		c.chain = append(c.chain, i)
		i = c.t.Parent[i]
	}
	for k := len(c.chain) - 1; k >= 0 && c.kept < most; k-- {
		c.keep[c.chain[k]] = true
		c.kept++
	}
}

// outline is what was chosen, and sums of the rest.
func (c *chooser) outline(path []Stretch) *Outline {
	o := &Outline{Spans: make([]int32, 0, min(c.most, int(c.end-c.first)))}
	self := c.selfTimes()
	place := make([]int32, c.end-c.first) // of each span, or of the nearest above it that was kept
	left := map[int32]*Left{}
	for i := c.first; i < c.end; i++ {
		if c.keep[i] {
			place[i-c.first] = int32(len(o.Spans))
			o.Spans = append(o.Spans, i)
			continue
		}
		above := int32(-1)
		if p := c.t.Parent[i]; c.within(p) {
			above = place[p-c.first]
		}
		place[i-c.first] = above
		l := left[above]
		if l == nil {
			l = &Left{Below: above, Start: math.MaxUint64}
			if above >= 0 {
				l.Self = self[o.Spans[above]-c.first]
			}
			left[above] = l
		}
		l.add(&c.t.Spans[i])
	}
	for _, l := range left {
		o.Left = append(o.Left, *l)
	}
	slices.SortFunc(o.Left, func(a, b Left) int { return cmp.Compare(a.Below, b.Below) })
	for _, s := range path {
		if !c.within(s.Span) || place[s.Span-c.first] < 0 {
			continue
		}
		s.Span = place[s.Span-c.first]
		if n := len(o.Path); n > 0 && o.Path[n-1].Span == s.Span && o.Path[n-1].End == s.Start {
			o.Path[n-1].End = s.End
			continue
		}
		o.Path = append(o.Path, s)
	}
	return o
}

// selfTimes are those of all spans, in nanoseconds. Siblings come by start.
func (c *chooser) selfTimes() []uint64 {
	self, until := make([]uint64, c.end-c.first), make([]uint64, c.end-c.first)
	for i := c.first; i < c.end; i++ {
		s := &c.t.Spans[i]
		self[i-c.first], until[i-c.first] = s.Duration, s.Start
		p := c.t.Parent[i]
		if !c.within(p) {
			continue
		}
		above := &c.t.Spans[p]
		from, to := max(s.Start, until[p-c.first]), min(s.Start+s.Duration, above.Start+above.Duration)
		if to > from {
			self[p-c.first] -= to - from
			until[p-c.first] = to
		}
	}
	return self
}

func (l *Left) add(s *exec.TraceSpan) {
	l.Spans++
	if s.Status == telemetry.StatusError {
		l.Errors++
	}
	l.Duration += s.Duration
	l.Start, l.End = min(l.Start, s.Start), max(l.End, s.Start+s.Duration)
}
