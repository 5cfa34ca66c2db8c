package analysis

import (
	"math"
	"math/bits"

	"github.com/kiseki-dev/kiseki/query/exec"
	"github.com/kiseki-dev/kiseki/storage/scan"
	"github.com/kiseki-dev/kiseki/telemetry"
)

// comparer counts the values of two sets of spans. It belongs to one
// goroutine.
type comparer struct {
	spans  pair
	fields []fieldCounts

	// Of the block at hand.
	codes  scan.Codes
	rows   scan.Rows
	counts []pair // by code
}

// fieldCounts is how often a field has which value.
type fieldCounts struct {
	field  scan.Field
	values map[exec.GroupValue]pair
	full   bool // there are more than mostValues; those beyond are not counted
	// numbers are the finite ints and doubles by class, see numberClass.
	numbers map[int32]numberCount
}

type numberCount struct {
	pair
	sum float64
}

func newComparer(fields []scan.Field) *comparer {
	c := &comparer{fields: make([]fieldCounts, len(fields))}
	for i, f := range fields {
		c.fields[i] = fieldCounts{field: f, values: map[exec.GroupValue]pair{}, numbers: map[int32]numberCount{}}
	}
	return c
}

// numberClass numbers classes of numbers in their order: the first six binary
// digits and the exponent tell them apart, so they are at most 1.6 % off
// their middle.
func numberClass(x float64) int32 {
	n := int32(math.Float64bits(math.Abs(x)) >> (52 - 5))
	if x < 0 {
		return -n
	}
	return n
}

func (c *comparer) add(s *exec.Selection) error {
	a, b := s.Rows[0], s.Rows[1]
	b.AndNot(a)
	c.spans.a += uint64(a.Count())
	c.spans.b += uint64(b.Count())
	for i := range c.fields {
		f := &c.fields[i]
		err := error(nil)
		if f.field == durationField {
			err = c.addDurations(f, s)
		} else {
			err = c.addField(f, s)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// eachRow calls f with each row of [lo, hi) that is in sel, from lo; lo is a
// multiple of 64.
func eachRow(sel *scan.Bitmap, lo, hi int, f func(i int)) {
	for w, word := range sel.Words()[lo/64 : (hi+63)/64] {
		for ; word != 0; word &= word - 1 {
			f(w*64 + bits.TrailingZeros64(word))
		}
	}
}

func (c *comparer) addField(f *fieldCounts, s *exec.Selection) error {
	c.codes.Reset()
	c.counts = c.counts[:0]
	err := s.Runs(func(lo, hi int) error {
		if err := s.Codes(f.field, lo, hi, &c.codes); err != nil {
			return err
		}
		for len(c.counts) <= len(c.codes.Dict) {
			c.counts = append(c.counts, pair{})
		}
		codes, counts := c.codes.Rows, c.counts
		eachRow(s.Rows[0], lo, hi, func(i int) { counts[codes[i]].a++ })
		eachRow(s.Rows[1], lo, hi, func(i int) { counts[codes[i]].b++ })
		return nil
	})
	for code, n := range c.counts {
		switch {
		case n == pair{}:
		case code == 0:
			f.count(exec.GroupValue{}, n)
		default:
			f.count(exec.GroupValue{Present: true, Value: c.codes.Dict[code-1]}, n)
		}
	}
	return err
}

func (c *comparer) addDurations(f *fieldCounts, s *exec.Selection) error {
	return s.Runs(func(lo, hi int) error {
		if err := s.Block.Rows(lo, hi, scan.ColDuration, &c.rows); err != nil {
			return err
		}
		durations := c.rows.Duration
		eachRow(s.Rows[0], lo, hi, func(i int) { f.number(float64(durations[i]), pair{a: 1}) })
		eachRow(s.Rows[1], lo, hi, func(i int) { f.number(float64(durations[i]), pair{b: 1}) })
		return nil
	})
}

// count adds spans with a value.
func (f *fieldCounts) count(v exec.GroupValue, n pair) {
	if v.Present {
		switch v.Value.Type() {
		case telemetry.ValueInt:
			f.number(float64(v.Value.Int()), n)
		case telemetry.ValueDouble:
			if x := v.Value.Double(); !math.IsNaN(x) && !math.IsInf(x, 0) {
				f.number(x, n)
			}
		}
	}
	was, known := f.values[v]
	if !known && v.Present && len(f.values) >= mostValues {
		f.full = true
		return
	}
	f.values[v] = pair{was.a + n.a, was.b + n.b}
}

func (f *fieldCounts) number(x float64, n pair) {
	class := numberClass(x)
	c := f.numbers[class]
	c.a += n.a
	c.b += n.b
	c.sum += x * float64(n.a+n.b)
	f.numbers[class] = c
}

func (c *comparer) merge(o *comparer) {
	c.spans.a += o.spans.a
	c.spans.b += o.spans.b
	for i := range c.fields {
		f, from := &c.fields[i], &o.fields[i]
		f.full = f.full || from.full
		for v, n := range from.values {
			was, known := f.values[v]
			if !known && v.Present && len(f.values) >= mostValues {
				f.full = true
				continue
			}
			f.values[v] = pair{was.a + n.a, was.b + n.b}
		}
		for class, n := range from.numbers {
			was := f.numbers[class]
			f.numbers[class] = numberCount{pair{was.a + n.a, was.b + n.b}, was.sum + n.sum}
		}
	}
}
