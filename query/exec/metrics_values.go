package exec

import (
	"cmp"
	"slices"

	"github.com/kiseki-dev/kiseki/query/traceql"
	"github.com/kiseki-dev/kiseki/storage/scan"
	"github.com/kiseki-dev/kiseki/telemetry"
)

// valueTable counts the spans of a field by value, side and interval.
type valueTable struct {
	points    int
	most      int // values; when there are more, rare ones are forgotten
	index     map[telemetry.Value]uint32
	of        []valueCounts
	totals    [sides][]float64 // spans with any value
	forgotten bool
}

type valueCounts struct {
	value telemetry.Value
	spans [sides]float64   // of all intervals
	of    [sides][]float64 // by interval; nil: none
}

func newValueTable(points, most int) valueTable {
	t := valueTable{points: points, most: most, index: map[telemetry.Value]uint32{}}
	for side := range t.totals {
		t.totals[side] = make([]float64, points)
	}
	return t
}

// add adds what was counted in a block: for each code n intervals of each
// side, the first of them being interval first.
func (t *valueTable) add(f scan.Field, codes *scan.Codes, counts []float64, first, n int) {
	counts = counts[sides*n:] // of what lacks the field
	least := [sides]float64{}
	if len(codes.Dict) > t.most {
		for side := range sides {
			least[side] = threshold(t.most/2, len(codes.Dict), func(code int) float64 { return total(counts[(code*sides+side)*n:][:n]) })
		}
	}
	for code, v := range codes.Dict {
		of := counts[code*sides*n:][:sides*n]
		var spans [sides]float64
		for side := range sides {
			spans[side] = total(of[side*n:][:n])
		}
		if spans == [sides]float64{} || absent(f, v) {
			continue
		}
		keep := spans[baseline] >= least[baseline] && spans[baseline] > 0 || spans[selection] >= least[selection] && spans[selection] > 0
		t.forgotten = t.forgotten || !keep
		for side := range sides {
			if keep {
				t.one(v, side, first, of[side*n:][:n])
			}
			addTo(t.totals[side][first:], of[side*n:][:n])
		}
	}
	t.prune()
}

func total(x []float64) (sum float64) {
	for _, n := range x {
		sum += n
	}
	return sum
}

// threshold is a count, a whole number up to 1,024, that at most k of n values
// reach, but for those whose counts are greater still.
func threshold(k, n int, count func(int) float64) float64 {
	var having [1025]int // by count
	for i := range n {
		having[int(min(count(i), float64(len(having)-1)))]++
	}
	reach := 0
	for least := len(having) - 1; least > 0; least-- {
		if reach += having[least]; reach > k {
			return float64(min(least+1, len(having)-1))
		}
	}
	return 0
}

// addTo adds the numbers of x to those of dst.
func addTo(dst, x []float64) {
	for i, n := range x {
		dst[i] += n
	}
}

// one adds the counts of a value.
func (t *valueTable) one(v telemetry.Value, side, first int, counts []float64) {
	at, ok := t.index[v]
	if !ok {
		at = uint32(len(t.of))
		t.index[v] = at
		t.of = append(t.of, valueCounts{value: v})
	}
	c := &t.of[at]
	for i, n := range counts {
		if n == 0 {
			continue
		}
		if c.of[side] == nil {
			c.of[side] = make([]float64, t.points)
		}
		c.of[side][first+i] += n
		c.spans[side] += n
	}
}

// prune forgets rare values where there are too many.
func (t *valueTable) prune() {
	if len(t.of) <= t.most {
		return
	}
	t.forgotten = true
	var least [sides]float64
	for side := range sides {
		least[side] = max(threshold(t.most/4, len(t.of), func(i int) float64 { return t.of[i].spans[side] }), 1)
	}
	kept := t.of[:0]
	clear(t.index)
	for _, c := range t.of {
		if len(kept) < t.most/2 && (c.spans[baseline] >= least[baseline] || c.spans[selection] >= least[selection]) {
			t.index[c.value] = uint32(len(kept))
			kept = append(kept, c)
		}
	}
	clear(t.of[len(kept):])
	t.of = kept
}

// top is the values that are among the k with the most spans on one side.
func (t *valueTable) top(k int) []int {
	order := make([]int, len(t.of))
	chosen := map[int]bool{}
	for side := range sides {
		for i := range order {
			order[i] = i
		}
		slices.SortFunc(order, func(i, j int) int {
			a, b := &t.of[i], &t.of[j]
			return cmp.Or(cmp.Compare(b.spans[side], a.spans[side]), compareGroupValues(GroupValue{true, a.value}, GroupValue{true, b.value}))
		})
		for _, i := range order[:min(k, len(order))] {
			if t.of[i].spans[side] > 0 {
				chosen[i] = true
			}
		}
	}
	out := order[:0]
	for i := range t.of {
		if chosen[i] {
			out = append(out, i)
		}
	}
	return out
}

func (t *valueTable) merge(other *valueTable) {
	for i := range other.of {
		for side, counts := range other.of[i].of {
			t.one(other.of[i].value, side, 0, counts)
		}
	}
	for side := range sides {
		addTo(t.totals[side], other.totals[side])
	}
	t.forgotten = t.forgotten || other.forgotten
	t.prune()
}

// series tells the values that are among the first k of a side, the totals,
// and where there are other values how many spans have them. Counts are
// multiplied by scale.
func (t *valueTable) series(f traceql.Field, k int, scale float64) (out []Series) {
	name := f.String()
	tell := func(label, says string, value GroupValue, points []float64) {
		s := Series{Labels: []Label{{label, GroupValue{true, telemetry.StringValue(says)}}, {name, value}}, Points: slices.Clone(points)}
		for i := range s.Points {
			s.Points[i] *= scale
		}
		out = append(out, s)
	}
	rest := slices.Clone(t.totals[baseline])
	addTo(rest, t.totals[selection])
	top := t.top(k)
	for _, i := range top {
		c := &t.of[i]
		for side, says := range [sides]string{MetaBaseline, MetaSelection} {
			if c.of[side] == nil {
				continue
			}
			tell(LabelMetaType, says, GroupValue{true, c.value}, c.of[side])
			for n, x := range c.of[side] {
				rest[n] -= x
			}
		}
	}
	if len(t.of) == 0 && !t.forgotten {
		return nil
	}
	tell(LabelMetaType, MetaBaselineTotal, GroupValue{}, t.totals[baseline])
	tell(LabelMetaType, MetaSelectionTotal, GroupValue{}, t.totals[selection])
	if len(top) < len(t.of) || t.forgotten {
		tell(LabelMetaError, MetaTooManyValues, GroupValue{}, rest)
	}
	return out
}
