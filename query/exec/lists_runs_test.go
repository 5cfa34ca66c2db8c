package exec_test

import (
	"fmt"
	"testing"

	"github.com/kiseki-dev/kiseki/query/exec"
	"github.com/kiseki-dev/kiseki/storage/scan"
)

// TestNextRun: rows that are near each other are read together, and none that
// is wanted is left out.
func TestNextRun(t *testing.T) {
	for _, x := range []struct {
		wanted []int
		lo, hi int
		runs   string
	}{
		{nil, 0, 100, "[]"},
		{[]int{3}, 0, 100, "[3-4]"},
		{[]int{3, 4, 5}, 0, 100, "[3-6]"},
		{[]int{3, 12}, 0, 100, "[3-13]"},
		{[]int{3, 13}, 0, 100, "[3-4 13-14]"},
		{[]int{0, 50, 99}, 0, 100, "[0-1 50-51 99-100]"},
		{[]int{10, 20, 30}, 11, 30, "[20-21]"},
		{[]int{25, 30}, 20, 30, "[25-26]"},
	} {
		sel := &scan.Bitmap{}
		sel.Reset(100, false)
		for _, row := range x.wanted {
			sel.Set(row)
		}
		runs := []string{}
		for at := x.lo; at < x.hi; {
			first, end := exec.NextRun(sel, at, x.hi)
			if first < 0 {
				break
			}
			runs = append(runs, fmt.Sprintf("%d-%d", first, end))
			at = end
		}
		if got := fmt.Sprint(runs); got != x.runs {
			t.Errorf("%v of [%d, %d): %s, want %s", x.wanted, x.lo, x.hi, got, x.runs)
		}
	}
}
