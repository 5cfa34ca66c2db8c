package segment

import (
	"math/rand/v2"
	"slices"
	"testing"
)

// TestFirstFrom: wherever hashes lie, it is what a search by halves finds.
func TestFirstFrom(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 2))
	for n := range 200 {
		hashes := make([]uint64, n)
		for i := range hashes {
			hashes[i] = uint64(r.Uint32() >> r.IntN(32)) // most of them small, some equal
		}
		slices.Sort(hashes)
		wanted := append([]uint64{0, 1, 1<<32 - 1}, hashes...)
		for _, h := range hashes {
			wanted = append(wanted, h+1, h-min(h, 1))
		}
		for _, h := range wanted {
			want, _ := slices.BinarySearch(hashes, h)
			if got := firstFrom(hashes, h); got != want {
				t.Fatalf("first from %d of %d hashes: %d, want %d", h, n, got, want)
			}
		}
	}
}
