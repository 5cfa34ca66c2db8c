package exec

import (
	"math"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/kiseki-dev/kiseki/storage/scan"
)

// TestBuckets: every duration is in one bucket, whose middle is near it, and
// greater durations are in no earlier bucket.
func TestBuckets(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 1))
	values := []uint64{math.MaxUint64}
	for i := range uint64(300) {
		values = append(values, i)
	}
	for range 10_000 {
		values = append(values, r.Uint64()>>r.IntN(64))
	}
	slices.Sort(values)
	last := 0
	for _, v := range values {
		b := scan.DurationBucket(v)
		if b < last || b >= scan.BucketRows*scan.BucketsPerRow {
			t.Fatalf("%d is in bucket %d, the value before in %d", v, b, last)
		}
		last = b
		if off := math.Abs(float64(scan.BucketMiddle(b)) - float64(v)); off > float64(v)/64+1e-9 || scan.DurationBucket(scan.BucketMiddle(b)) != b {
			t.Fatalf("bucket %d of %d is shown as %d", b, v, scan.BucketMiddle(b))
		}
	}
}

// TestQuantiles: within the stated error of the sorted values, also after a
// merge.
func TestQuantiles(t *testing.T) {
	r := rand.New(rand.NewPCG(2, 1))
	for range 50 {
		var parts [2]durations
		hs := [2]histogram{{min: math.MaxUint64}, {min: math.MaxUint64}}
		values := make([]uint64, 1+r.IntN(500))
		for i := range values {
			values[i] = uint64(math.Exp(r.NormFloat64()*3 + 15))
			which := r.IntN(2)
			parts[which].add(&hs[which], values[i])
		}
		slices.Sort(values)
		parts[0].merge(&hs[0], &parts[1], &hs[1])
		for _, q := range []float64{0, 0.5, 0.9, 0.99, 1} {
			want := values[max(int(math.Ceil(q*float64(len(values)))), 1)-1]
			got := parts[0].quantile(&hs[0], q, uint64(len(values)))
			if math.Abs(float64(got)-float64(want)) > float64(want)/64+1 {
				t.Fatalf("quantile %g of %d values: %d, want %d", q, len(values), got, want)
			}
		}
	}
}
