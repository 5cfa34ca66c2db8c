package corpus

import (
	"encoding/binary"
	"math"
	"math/rand/v2"
	"sort"

	"github.com/kiseki-dev/kiseki/telemetry"
)

// draws is the one source of randomness. Every draw adds its surprisal,
// -log2 of the probability of what was drawn, so that the sum is what an ideal
// coder that knows the distributions would need for the corpus so far.
type draws struct {
	rng                *rand.Rand
	ids, times, choice float64 // bits
}

func newDraws(seed uint64) draws {
	return draws{rng: rand.New(rand.NewPCG(seed, 0x9e3779b97f4a7c15))}
}

// below is uniform in [0, n).
func (d *draws) below(n int) int {
	d.choice += math.Log2(float64(n))
	return d.rng.IntN(n)
}

// chance is true with probability p; certain outcomes draw nothing.
func (d *draws) chance(p float64) bool {
	if p >= 1 {
		return true
	}
	if p <= 0 {
		return false
	}
	if d.rng.Float64() < p {
		d.choice -= math.Log2(p)
		return true
	}
	d.choice -= math.Log2(1 - p)
	return false
}

// logNormal is a duration in nanoseconds, at least 1.
func (d *draws) logNormal(median, sigma float64) uint64 {
	z := d.rng.NormFloat64()
	x := median * math.Exp(sigma*z)
	if x < 1 {
		x = 1
	}
	// -log2 of the density at x, whole nanoseconds being the cells.
	d.times += max(0, math.Log2(sigma*x)+z*z/2*math.Log2E+0.5*math.Log2(2*math.Pi))
	return uint64(x)
}

// exponential is a waiting time in nanoseconds.
func (d *draws) exponential(mean float64) uint64 {
	e := d.rng.ExpFloat64()
	d.times += math.Log2(mean) + e*math.Log2E
	return uint64(e * mean)
}

func (d *draws) traceID() (id telemetry.TraceID) {
	d.ids += 128
	binary.BigEndian.PutUint64(id[:8], d.rng.Uint64())
	binary.BigEndian.PutUint64(id[8:], d.rng.Uint64())
	return id
}

func (d *draws) spanID() (id telemetry.SpanID) {
	d.ids += 64
	binary.BigEndian.PutUint64(id[:], d.rng.Uint64())
	return id
}

// table is a discrete distribution.
type table struct{ cumulative []float64 }

func newTable(weights []float64) *table {
	t := &table{cumulative: make([]float64, len(weights))}
	sum := 0.0
	for i, w := range weights {
		sum += w
		t.cumulative[i] = sum
	}
	for i := range t.cumulative {
		t.cumulative[i] /= sum
	}
	return t
}

// newZipf is Zipf's law over n ranks: the probability of rank k is
// proportional to 1/(k+1)^s.
func newZipf(n int, s float64) *table {
	weights := make([]float64, n)
	for k := range weights {
		weights[k] = math.Pow(float64(k+1), -s)
	}
	return newTable(weights)
}

func (d *draws) from(t *table) int {
	i := min(sort.SearchFloat64s(t.cumulative, d.rng.Float64()), len(t.cumulative)-1)
	p := t.cumulative[i]
	if i > 0 {
		p -= t.cumulative[i-1]
	}
	d.choice -= math.Log2(p)
	return i
}
