package analysis

import (
	"cmp"
	"math"
	"slices"
)

// cohensH is the effect size of two shares: the difference of their angles
// 2 asin √p, from -π to π; 0.2 is small, 0.5 medium, 0.8 large (Cohen,
// Statistical Power Analysis for the Behavioral Sciences, 1988, chapter 6).
func cohensH(p, q float64) float64 { return 2*math.Asin(math.Sqrt(p)) - 2*math.Asin(math.Sqrt(q)) }

// shareTest is the probability that shares as different as a of na and b of nb,
// or more, come about by chance: Pearson's chi-squared test with one degree of
// freedom, or where a cell is expected to have less than 5 Fisher's exact test,
// two-sided (Cochran, Biometrics 10, 1954).
func shareTest(a, na, b, nb uint64) float64 {
	n, with := float64(na+nb), float64(a+b)
	if na == 0 || nb == 0 || with == 0 || with == n {
		return 1
	}
	least := min(float64(na), float64(nb)) * min(with, n-with) / n
	if least < 5 {
		return fisher(a, na, b, nb)
	}
	d := float64(a)*float64(nb-b) - float64(b)*float64(na-a)
	return math.Erfc(math.Sqrt(n * d / float64(na) * d / float64(nb) / with / (n - with) / 2))
}

// fisher sums up the probabilities of all tables with these margins that are
// no more probable than this one.
func fisher(a, na, b, nb uint64) float64 {
	with := a + b
	lo, hi := with-min(with, nb), min(with, na)
	logOf := func(x uint64) float64 { return logChoose(na, x) + logChoose(nb, with-x) }
	seen, total := logOf(a), logChoose(na+nb, with)
	p := 0.0
	for x := lo; x <= hi; x++ {
		if l := logOf(x); l <= seen+1e-7 { // equal ones differ by rounding
			p += math.Exp(l - total)
		}
	}
	return min(p, 1)
}

func logChoose(n, k uint64) float64 {
	return logFactorial(n) - logFactorial(k) - logFactorial(n-k)
}

func logFactorial(n uint64) float64 {
	l, _ := math.Lgamma(float64(n) + 1)
	return l
}

// pair is how many of each of two sets there are.
type pair struct{ a, b uint64 }

// rankTest compares numbers of two sets, counted by classes in their order.
// delta is Cliff's: the probability that a number of a is greater than one of
// b less that of the opposite, from -1 to 1 (Cliff, Psychological Bulletin 114,
// 1993). p is that of the test of Mann and Whitney (Annals of Mathematical
// Statistics 18, 1947) by the normal approximation, corrected for ties.
func rankTest(classes []pair) (delta, p float64) {
	var na, nb, u, ties float64
	for _, c := range classes {
		a, b := float64(c.a), float64(c.b)
		u += a * (nb + b/2)
		t := a + b
		ties += t * (t*t - 1)
		na, nb = na+a, nb+b
	}
	n := na + nb
	if na == 0 || nb == 0 {
		return 0, 1
	}
	delta = 2*u/na/nb - 1
	variance := na * nb / 12 * (n + 1 - ties/n/(n-1))
	if variance <= 0 {
		return delta, 1
	}
	return delta, math.Erfc(math.Abs(u-na*nb/2) / math.Sqrt(2*variance))
}

// falseDiscovery is for each p-value the least share of false discoveries, if
// all tests with at most that p-value are taken for discoveries (Benjamini and
// Hochberg, Journal of the Royal Statistical Society B 57, 1995).
func falseDiscovery(p []float64) []float64 {
	order := make([]int, len(p))
	for i := range order {
		order[i] = i
	}
	slices.SortFunc(order, func(i, j int) int { return cmp.Compare(p[i], p[j]) })
	out := make([]float64, len(p))
	least := 1.0
	for rank := len(p); rank > 0; rank-- {
		i := order[rank-1]
		least = min(least, p[i]*float64(len(p))/float64(rank))
		out[i] = least
	}
	return out
}
