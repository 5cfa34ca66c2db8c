package scan

import (
	"encoding/binary"
	"math/bits"
)

// Digester is a [Block] that may know its spans as a [Digest].
type Digester interface {
	// Digest adds up the spans of the block by cells in which all spans are
	// equal in what is asked for. It is nil where the block cannot tell, or
	// where that would be no less to read than the rows.
	Digest(DigestQuery) (*Digest, error)
}

// DigestQuery says what a [Digest] is to tell.
type DigestQuery struct {
	Fields []Field // in which the spans of a cell are equal
	// Phase and Step cut time into intervals of Step nanoseconds, one of which
	// begins at Phase, less than Step; the spans of a cell started within one.
	// Step 0: a cell's spans started at any time.
	Phase, Step uint64
	Durations   bool // whether Min, Max and Histograms are wanted
}

// Digest is all spans of a block, added up by cell. It is immutable and shared
// by its readers.
type Digest struct {
	// Cells has a row for each cell. It answers Len, and of the fields that
	// the digest was made for Narrow, Codes and Rows; nothing else.
	Cells Block
	// The sums by cell. Durations are in nanoseconds, see
	// telemetry.Span.Duration; without them Min, Max and Histograms are nil.
	Spans      []uint32
	Min, Max   []uint64
	Histograms []Histogram
	// Starts is where the cells' intervals begin, in Unix nanoseconds; nil
	// where time is not cut.
	Starts []uint64
}

// Histogram says how many durations are in which bucket. Powers of two from 64
// ns on are counted apart from the bucket that they are the least of, so that
// it is known which durations exceed a power of two.
//
// For each count that is not 0 it has two varints: how far its place is after
// the one before, less one, and the count. The place is the bucket's number,
// or of a power of two powerPlace and the exponent.
type Histogram []byte

// HistogramPlaces is how many counts a histogram may have, powerPlace the first
// of those of powers.
const (
	HistogramPlaces = powerPlace + 64
	powerPlace      = BucketRows * BucketsPerRow
)

// HistogramPlace is where a histogram counts d.
func HistogramPlace(d uint64) int {
	if d&(d-1) == 0 && d >= 2*BucketsPerRow {
		return powerPlace + bits.TrailingZeros64(d)
	}
	return DurationBucket(d)
}

// AppendCount appends the count of a place, which comes after that of the last
// one; -1 is before the first.
func (h Histogram) AppendCount(last, place int, n uint32) Histogram {
	return binary.AppendUvarint(binary.AppendUvarint(h, uint64(place-last-1)), uint64(n))
}

// Each calls f with all buckets and how many durations are in them, once more
// with those that are the bucket's least and a power of two, if there are any.
func (h Histogram) Each(f func(bucket int, power bool, n uint32)) {
	for place := -1; len(h) > 0; {
		place += int(h.next()) + 1
		n := uint32(h.next())
		if place >= powerPlace {
			f(DurationBucket(1<<(place-powerPlace)), true, n)
		} else {
			f(place, false, n)
		}
	}
}

// next is the varint that h begins with, which is cut off.
func (h *Histogram) next() uint64 {
	if b := (*h)[0]; b < 0x80 {
		*h = (*h)[1:]
		return uint64(b)
	}
	x, n := binary.Uvarint(*h)
	*h = (*h)[n:]
	return x
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

// BucketBounds are the least and the greatest duration of a bucket.
func BucketBounds(bucket int) (low, high uint64) {
	if bucket < 2*BucketsPerRow {
		return uint64(bucket), uint64(bucket)
	}
	shift := bucket/BucketsPerRow - 1
	low = uint64(bucket-shift*BucketsPerRow) << shift
	return low, low + (1<<shift - 1)
}

// BucketMiddle is the duration that stands for those of a bucket: it is at
// most one part in 64 (1.6 %) off.
func BucketMiddle(bucket int) uint64 {
	low, high := BucketBounds(bucket)
	return low + (high-low)/2
}
