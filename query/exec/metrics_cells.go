package exec

import (
	"math"

	"github.com/kiseki-dev/kiseki/query/traceql"
)

// cells are what a function has added up of spans, one for each group and
// interval. They belong to one goroutine.
type cells interface {
	// grow makes n cells of what there are; the new ones are of no span.
	grow(n int)
	// add adds spans, of which values says the number that the function is
	// applied to, if it has an argument.
	add(spans *addition)
	// merge adds a cell of from, which are of the same function.
	merge(to int, from cells, of int)
	// each and size are the bytes that a cell takes at least, and that all do.
	each() int
	size() int
}

// addition is some spans.
type addition struct {
	cells   []uint32  // the cell of each
	values  []float64 // where the function has an argument
	weights []float64 // nil: each counts once
}

func (a *addition) weight(i int) float64 {
	if a.weights == nil {
		return 1
	}
	return a.weights[i]
}

func newCells(f traceql.MetricsFunc) cells {
	switch f {
	case traceql.MinOverTime:
		return &extremes{better: func(x, than float64) bool { return x < than }}
	case traceql.MaxOverTime:
		return &extremes{better: func(x, than float64) bool { return x > than }}
	case traceql.SumOverTime, traceql.AvgOverTime:
		return &sums{}
	case traceql.QuantileOverTime:
		return &spreads{bucket: fineBucket}
	case traceql.HistogramOverTime:
		return &spreads{bucket: powerBucket}
	}
	return &counts{}
}

// counts counts spans.
type counts struct{ of []float64 }

func (c *counts) grow(n int) { c.of = append(c.of, make([]float64, n-len(c.of))...) }

func (c *counts) add(spans *addition) {
	if spans.weights == nil {
		for _, at := range spans.cells {
			c.of[at]++
		}
		return
	}
	for i, at := range spans.cells {
		c.of[at] += spans.weights[i]
	}
}

func (c *counts) merge(to int, from cells, of int) { c.of[to] += from.(*counts).of[of] }
func (c *counts) each() int                        { return 8 }
func (c *counts) size() int                        { return 8 * len(c.of) }

// extremes keeps the least or the greatest value; NaN: none.
type extremes struct {
	of     []float64
	better func(x, than float64) bool
}

func (e *extremes) grow(n int) {
	for len(e.of) < n {
		e.of = append(e.of, math.NaN())
	}
}

func (e *extremes) add(spans *addition) {
	for i, at := range spans.cells {
		e.one(at, spans.values[i])
	}
}

func (e *extremes) one(at uint32, x float64) {
	if have := e.of[at]; math.IsNaN(have) || e.better(x, have) {
		e.of[at] = x
	}
}

func (e *extremes) merge(to int, from cells, of int) {
	if x := from.(*extremes).of[of]; !math.IsNaN(x) {
		e.one(uint32(to), x)
	}
}

func (e *extremes) each() int { return 8 }
func (e *extremes) size() int { return 8 * len(e.of) }

// sums adds values.
type sums struct{ of []sum }

// sum is compensated (Neumaier): its rounding does not depend on the order of
// the values, but for sums that almost cancel out.
type sum struct{ total, rest, weight float64 }

func (s *sum) add(x float64) {
	t := s.total + x
	if math.Abs(s.total) >= math.Abs(x) {
		s.rest += (s.total - t) + x
	} else {
		s.rest += (x - t) + s.total
	}
	s.total = t
}

func (s *sums) grow(n int) { s.of = append(s.of, make([]sum, n-len(s.of))...) }

func (s *sums) add(spans *addition) {
	for i, at := range spans.cells {
		w := spans.weight(i)
		s.of[at].weight += w
		s.of[at].add(w * spans.values[i])
	}
}

func (s *sums) merge(to int, from cells, of int) {
	x := &from.(*sums).of[of]
	s.of[to].weight += x.weight
	s.of[to].add(x.total)
	s.of[to].rest += x.rest
}

func (s *sums) each() int { return 24 }
func (s *sums) size() int { return 24 * len(s.of) }
