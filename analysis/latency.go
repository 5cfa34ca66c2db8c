package analysis

import (
	"math"

	"github.com/kiseki-dev/kiseki/storage/scan"
)

// Latency is how long something took, in nanoseconds. The quantiles are at
// most 1.6 % off, the rest is exact. All are 0 where Count is.
type Latency struct {
	Count                        uint64
	Sum                          uint64
	Min, P50, P90, P95, P99, Max uint64
}

// histogram counts durations in the buckets of [scan.DurationBucket]. The zero
// histogram is empty.
type histogram struct {
	count, sum uint64
	min, max   uint64
	rows       [scan.BucketRows]*[scan.BucketsPerRow]uint64
}

// add adds as many durations d as the weight says.
func (h *histogram) add(d, weight uint64) {
	if h.count == 0 {
		h.min = d
	}
	h.count += weight
	h.sum += weight * d
	h.min, h.max = min(h.min, d), max(h.max, d)
	b := scan.DurationBucket(d)
	h.row(b / scan.BucketsPerRow)[b%scan.BucketsPerRow] += weight
}

func (h *histogram) row(n int) *[scan.BucketsPerRow]uint64 {
	if h.rows[n] == nil {
		h.rows[n] = new([scan.BucketsPerRow]uint64)
	}
	return h.rows[n]
}

func (h *histogram) merge(o *histogram) {
	if o.count == 0 {
		return
	}
	if h.count == 0 {
		h.min = o.min
	}
	h.count += o.count
	h.sum += o.sum
	h.min, h.max = min(h.min, o.min), max(h.max, o.max)
	for n, from := range o.rows {
		if from == nil {
			continue
		}
		to := h.row(n)
		for i, count := range from {
			to[i] += count
		}
	}
}

// quantile is the duration that the share q of all does not exceed.
func (h *histogram) quantile(q float64) uint64 {
	rank := max(uint64(math.Ceil(q*float64(h.count))), 1)
	seen := uint64(0)
	for n, row := range h.rows {
		if row == nil {
			continue
		}
		for i, count := range row {
			if seen += count; seen >= rank {
				return min(max(scan.BucketMiddle(n*scan.BucketsPerRow+i), h.min), h.max)
			}
		}
	}
	return h.max
}

func (h *histogram) latency() Latency {
	return Latency{h.count, h.sum, h.min, h.quantile(0.5), h.quantile(0.9), h.quantile(0.95), h.quantile(0.99), h.max}
}
