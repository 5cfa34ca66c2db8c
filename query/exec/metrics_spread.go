package exec

import (
	"math"

	"github.com/kiseki-dev/kiseki/storage/scan"
)

// spreads counts values of any sign by buckets, which are numbered in the
// order of their values. A cell holds its buckets in rows of spreadRow, from
// the first to the last row that it uses, by their place in a common pool.
type spreads struct {
	bucket func(float64) int // of a value that is not 0
	of     []spread
	pool   []float64
	places int // of all cells
}

// spread is the values of one cell.
type spread struct {
	min, max, total, zero float64 // the least, the greatest, how many, how many zeros
	fractions             bool    // not all values are whole numbers
	first                 int     // number of the first row
	rows                  []uint32
}

const spreadRow = 32

// fineBucket cuts every power of two into 32 buckets, which are the first six
// binary digits of a value. So whole numbers below 64 have buckets of their
// own, and the middle of a bucket is at most one part in 64 (1.6 %) off.
func fineBucket(x float64) int {
	n := int(math.Float64bits(math.Abs(x)) >> (52 - 5))
	if x < 0 {
		return -n
	}
	return n
}

// fineMiddle is the value that stands for those of a bucket; of whole numbers
// the one that [scan.BucketMiddle] has.
func fineMiddle(bucket int, fractions bool) float64 {
	n := uint64(max(bucket, -bucket))
	low, high := math.Float64frombits(n<<(52-5)), math.Float64frombits((n+1)<<(52-5))
	middle := low + (high-low)/2
	if !fractions {
		middle = low + math.Floor(max(high-low-1, 0)/2)
	}
	return math.Copysign(middle, float64(bucket))
}

// powersBelow is how many powers of two are less than 1.
const powersBelow = 1100

// powerBucket is the power of two that a value does not exceed, its half being
// less; what is not above 0 is in bucket 0.
func powerBucket(x float64) int {
	if x <= 0 {
		return 0
	}
	fraction, exponent := math.Frexp(x)
	if fraction == 0.5 {
		exponent--
	}
	return exponent + powersBelow
}

// powerBound is the greatest value of a bucket.
func powerBound(bucket int) float64 {
	if bucket == 0 {
		return 0
	}
	return math.Ldexp(1, bucket-powersBelow)
}

func (s *spreads) grow(n int) {
	for len(s.of) < n {
		s.of = append(s.of, spread{min: math.Inf(1), max: math.Inf(-1)})
	}
}

func (s *spreads) add(spans *addition) {
	for i, at := range spans.cells {
		s.one(&s.of[at], spans.values[i], spans.weight(i))
	}
}

func (s *spreads) one(c *spread, x, weight float64) {
	c.min, c.max = min(c.min, x), max(c.max, x)
	c.fractions = c.fractions || x != math.Trunc(x)
	c.total += weight
	bucket := 0
	if x != 0 {
		bucket = s.bucket(x)
	}
	if bucket == 0 {
		c.zero += weight
		return
	}
	*s.count(c, bucket) += weight
}

// count is where a bucket is counted.
func (s *spreads) count(c *spread, bucket int) *float64 {
	row := bucket >> 5
	if at := row - c.first; uint(at) < uint(len(c.rows)) && c.rows[at] > 0 {
		return &s.pool[(c.rows[at]-1)*spreadRow+uint32(bucket&(spreadRow-1))]
	}
	have := len(c.rows)
	switch {
	case have == 0:
		c.first, c.rows = row, make([]uint32, 1)
	case row < c.first:
		c.first, c.rows = row, append(make([]uint32, c.first-row, c.first-row+have), c.rows...)
	case row >= c.first+have:
		c.rows = append(c.rows, make([]uint32, row-c.first-have+1)...)
	}
	s.places += len(c.rows) - have
	s.pool = append(s.pool, make([]float64, spreadRow)...)
	c.rows[row-c.first] = uint32(len(s.pool) / spreadRow)
	return s.count(c, bucket)
}

// buckets calls f with all buckets that have values, in their order, until f
// returns false.
func (s *spreads) buckets(c *spread, f func(bucket int, n float64) bool) {
	zero := c.zero
	for i, at := range c.rows {
		if at == 0 {
			continue
		}
		for k, n := range s.pool[(at-1)*spreadRow : at*spreadRow] {
			bucket := (c.first+i)*spreadRow + k
			if bucket > 0 && zero > 0 {
				if !f(0, zero) {
					return
				}
				zero = 0
			}
			if n > 0 && !f(bucket, n) {
				return
			}
		}
	}
	if zero > 0 {
		f(0, zero)
	}
}

func (s *spreads) merge(to int, from cells, of int) {
	other := from.(*spreads)
	c, o := &s.of[to], &other.of[of]
	c.min, c.max = min(c.min, o.min), max(c.max, o.max)
	c.total, c.zero, c.fractions = c.total+o.total, c.zero+o.zero, c.fractions || o.fractions
	other.buckets(o, func(bucket int, n float64) bool {
		if bucket != 0 {
			*s.count(c, bucket) += n
		}
		return true
	})
}

// addDurations adds durations that are counted already.
func (s *spreads) addDurations(cell uint32, least, most uint64, from scan.Histogram, weight float64) {
	c := &s.of[cell]
	c.min, c.max = min(c.min, float64(least)), max(c.max, float64(most))
	from.Each(func(bucket int, power bool, n uint32) {
		weight := weight * float64(n)
		c.total += weight
		if bucket == 0 {
			c.zero += weight
			return
		}
		// Of buckets of powers of two, the least of a bucket is in the one below
		// that of all others.
		low, high := scan.BucketBounds(bucket)
		if power {
			high = low
		}
		*s.count(c, s.bucket(float64(high))) += weight
	})
}

// quantile is the value that the share q of all does not exceed; NaN if there
// are none.
func (s *spreads) quantile(c *spread, q float64) float64 {
	if c.total == 0 {
		return math.NaN()
	}
	// Less than what rounding adds to q times a whole number.
	rank := q * c.total * (1 - 1e-12)
	seen, out := 0.0, c.max
	s.buckets(c, func(bucket int, n float64) bool {
		if seen += n; seen < rank {
			return true
		}
		out = 0
		if bucket != 0 {
			out = fineMiddle(bucket, c.fractions)
		}
		return false
	})
	return min(max(out, c.min), c.max)
}

func (s *spreads) each() int { return 80 }
func (s *spreads) size() int { return 80*len(s.of) + 8*len(s.pool) + 4*s.places }
