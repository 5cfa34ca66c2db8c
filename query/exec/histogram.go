package exec

import (
	"math"

	"github.com/kiseki-dev/kiseki/storage/scan"
)

// durations counts durations of many groups in log-linear buckets: below 64
// ns each value has its own, above every power of two is cut into
// scan.BucketsPerRow. A quantile is told as the middle of its bucket, so it is at
// most one part in 64 (1.6 %) off, and exact where all durations of the group
// are equal.
//
// Each group holds the rows of buckets it uses in a common pool.
type durations struct{ pool []uint64 }

// histogram is one group's durations.
type histogram struct {
	min, max uint64
	rows     [64]uint32 // places in the pool, plus one; scan.BucketRows are used
}

// row is the place in the pool of a row of h's buckets.
func (p *durations) row(h *histogram, n int) uint32 {
	if h.rows[n] == 0 {
		p.pool = append(p.pool, make([]uint64, scan.BucketsPerRow)...)
		h.rows[n] = uint32(len(p.pool)/scan.BucketsPerRow-1)*scan.BucketsPerRow + 1
	}
	return h.rows[n] - 1
}

func (p *durations) add(h *histogram, d uint64) {
	b := uint(scan.DurationBucket(d))
	h.min, h.max = min(h.min, d), max(h.max, d)
	at := h.rows[b/scan.BucketsPerRow%64]
	if at == 0 {
		at = p.row(h, int(b/scan.BucketsPerRow)) + 1
	}
	p.pool[at-1+uint32(b%scan.BucketsPerRow)]++
}

// addCounts adds durations that are counted already.
func (p *durations) addCounts(h *histogram, from scan.Histogram) {
	from.Each(func(bucket int, _ bool, n uint32) {
		b := uint(bucket)
		at := h.rows[b/scan.BucketsPerRow%64]
		if at == 0 {
			at = p.row(h, int(b/scan.BucketsPerRow)) + 1
		}
		p.pool[at-1+uint32(b%scan.BucketsPerRow)] += uint64(n)
	})
}

// merge adds what other's histogram o holds.
func (p *durations) merge(h *histogram, other *durations, o *histogram) {
	h.min, h.max = min(h.min, o.min), max(h.max, o.max)
	for n, at := range o.rows {
		if at == 0 {
			continue
		}
		to := p.row(h, n)
		for i, count := range other.pool[at-1 : at-1+scan.BucketsPerRow] {
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
		for i, count := range p.pool[at-1 : at-1+scan.BucketsPerRow] {
			if seen += count; seen >= rank {
				return min(max(scan.BucketMiddle(n*scan.BucketsPerRow+i), h.min), h.max)
			}
		}
	}
	return h.max
}
