package exec

import (
	"math"
	"math/bits"
)

// durations counts durations of many groups in log-linear buckets: below 64
// ns each value has its own, above every power of two is cut into
// bucketsPerRow. A quantile is told as the middle of its bucket, so it is at
// most one part in 64 (1.6 %) off, and exact where all durations of the group
// are equal.
//
// Each group holds the rows of buckets it uses in a common pool.
type durations struct{ pool []uint64 }

const (
	bucketsPerRow = 32
	bucketRows    = 60 // those of 64-bit numbers
)

// histogram is one group's durations.
type histogram struct {
	min, max uint64
	rows     [64]uint32 // places in the pool, plus one; bucketRows are used
}

// bucket is the number of d's bucket.
func bucket(d uint64) int {
	shift := max(bits.Len64(d), 6) - 6
	return shift*bucketsPerRow + int(d>>shift)
}

// middle is the duration that stands for those of a bucket.
func middle(bucket int) uint64 {
	if bucket < 2*bucketsPerRow {
		return uint64(bucket)
	}
	shift := bucket/bucketsPerRow - 1
	low := uint64(bucket-shift*bucketsPerRow) << shift
	return low + (1<<shift-1)/2
}

// row is the place in the pool of a row of h's buckets.
func (p *durations) row(h *histogram, n int) uint32 {
	if h.rows[n] == 0 {
		p.pool = append(p.pool, make([]uint64, bucketsPerRow)...)
		h.rows[n] = uint32(len(p.pool)/bucketsPerRow-1)*bucketsPerRow + 1
	}
	return h.rows[n] - 1
}

func (p *durations) add(h *histogram, d uint64) {
	b := uint(bucket(d))
	h.min, h.max = min(h.min, d), max(h.max, d)
	at := h.rows[b/bucketsPerRow%64]
	if at == 0 {
		at = p.row(h, int(b/bucketsPerRow)) + 1
	}
	p.pool[at-1+uint32(b%bucketsPerRow)]++
}

// merge adds what other's histogram o holds.
func (p *durations) merge(h *histogram, other *durations, o *histogram) {
	h.min, h.max = min(h.min, o.min), max(h.max, o.max)
	for n, at := range o.rows {
		if at == 0 {
			continue
		}
		to := p.row(h, n)
		for i, count := range other.pool[at-1 : at-1+bucketsPerRow] {
			p.pool[to+uint32(i)] += count
		}
	}
}

// quantile is the duration that the share q of total durations does not
// exceed.
func (p *durations) quantile(h *histogram, q float64, total uint64) uint64 {
	rank := max(uint64(math.Ceil(q*float64(total))), 1)
	seen := uint64(0)
	for n, at := range h.rows {
		if at == 0 {
			continue
		}
		for i, count := range p.pool[at-1 : at-1+bucketsPerRow] {
			if seen += count; seen >= rank {
				return min(max(middle(n*bucketsPerRow+i), h.min), h.max)
			}
		}
	}
	return h.max
}
