package scan

import "math/bits"

// Digester is a [Block] that may know its spans as a [Digest].
type Digester interface {
	// Digest adds up the spans of the block by cells in which all spans are
	// equal in the given fields. It is nil where the block cannot tell, or
	// where that would be no less to read than the rows.
	Digest(fields []Field) (*Digest, error)
}

// Digest is all spans of a block, added up by cell. It is immutable and shared
// by its readers.
type Digest struct {
	// Cells has a row for each cell. It answers Len, and of the fields that
	// the digest was made for Narrow, Codes and Rows; nothing else.
	Cells Block
	// The sums by cell. Durations are in nanoseconds, see
	// telemetry.Span.Duration.
	Spans      []uint32
	Min, Max   []uint64
	Histograms []Histogram
}

// Histogram says how many durations are in which bucket, in the order of the
// buckets' numbers; buckets without any are left out.
type Histogram struct {
	Buckets []uint16 // see DurationBucket
	Counts  []uint32
}

// Durations are counted in log-linear buckets: below 64 ns each value has its
// own, above every power of two is cut into BucketsPerRow. BucketRows such
// rows hold all 64-bit numbers.
const (
	BucketsPerRow = 32
	BucketRows    = 60
)

// DurationBucket is the number of d's bucket, less than
// BucketRows*BucketsPerRow. Greater durations have no lesser number.
func DurationBucket(d uint64) int {
	shift := max(bits.Len64(d), 6) - 6
	return shift*BucketsPerRow + int(d>>shift)
}

// BucketMiddle is the duration that stands for those of a bucket: it is at
// most one part in 64 (1.6 %) off.
func BucketMiddle(bucket int) uint64 {
	if bucket < 2*BucketsPerRow {
		return uint64(bucket)
	}
	shift := bucket/BucketsPerRow - 1
	low := uint64(bucket-shift*BucketsPerRow) << shift
	return low + (1<<shift-1)/2
}
