package analysis

import (
	"fmt"
	"math"
	"testing"
)

func near(t *testing.T, what string, got, want float64) {
	t.Helper()
	if math.Abs(got-want) > 1e-4*math.Abs(want)+1e-12 {
		t.Errorf("%s: got %.6g, want %.6g", what, got, want)
	}
}

// TestPublishedFigures: the tests give what textbooks print.
func TestPublishedFigures(t *testing.T) {
	// Fisher, The Design of Experiments, 1935: the lady who tastes tea, right on
	// three of four cups, has a one-sided 17/70, two-sided 34/70.
	near(t, "tea", shareTest(3, 4, 1, 4), 34.0/70)
	// All four right: 1/70 on either side.
	near(t, "tea, all right", shareTest(4, 4, 0, 4), 2.0/70)
	// 30 of 100 against 45 of 100: χ² = 4.8, p = 0.02846.
	near(t, "χ²", shareTest(30, 100, 45, 100), 0.0284597)
	near(t, "h of a half and nothing", cohensH(0.5, 0), math.Pi/2)
	// Cohen, chapter 6: .65 and .45 have h = 0.4.
	if h := cohensH(0.65, 0.45); math.Abs(h-0.4) > 0.01 {
		t.Errorf("Cohen's example: %g", h)
	}
	// 1 3 5 against 2 4 6: U = 3 of 9.
	delta, p := rankTest([]pair{{1, 0}, {0, 1}, {1, 0}, {0, 1}, {1, 0}, {0, 1}})
	near(t, "δ", delta, 2*3.0/9-1)
	near(t, "p", p, math.Erfc(1.5/math.Sqrt(2*9.0/12*7)))
	// Benjamini and Hochberg, 1995, section 3.2: of these 15, four are taken at 0.05.
	q := falseDiscovery([]float64{.0001, .0004, .0019, .0095, .0201, .0278, .0298, .0344, .0459, .3240, .4262, .5719, .6528, .7590, 1})
	if taken := fmt.Sprint(q[3] <= 0.05, q[4] <= 0.05); taken != "true false" {
		t.Errorf("Benjamini and Hochberg's example: %v", q)
	}
}

// TestNothingToCompare: an empty set has no differences.
func TestNothingToCompare(t *testing.T) {
	for _, p := range []float64{shareTest(0, 0, 1, 2), shareTest(0, 5, 0, 5), shareTest(5, 5, 5, 5)} {
		near(t, "p", p, 1)
	}
	if delta, p := rankTest([]pair{{0, 3}}); delta != 0 || p != 1 {
		t.Errorf("got δ %g, p %g", delta, p)
	}
	if delta, p := rankTest([]pair{{4, 3}}); delta != 0 || p != 1 {
		t.Errorf("all equal: got δ %g, p %g", delta, p)
	}
}
