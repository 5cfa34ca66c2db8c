package column

import "math"

// MaxDecimals is the greatest number that [AppendDecimals] returns.
const MaxDecimals = 7

// exact is up to where float64 holds all whole numbers.
const exact = 1 << 53

// powers of ten; all of them are exact.
var powers = [MaxDecimals]float64{1, 10, 100, 1e3, 1e4, 1e5, 1e6}

// AppendDecimals finds out whether the floats in v, given as their bits, are
// decimal fractions with few digits, as ratios and prices are. If so it
// appends them as whole numbers of units of 10^-(decimals-1); decimals is 0 if
// they are not, and dst as it was is returned. Every bit comes back.
func AppendDecimals(dst, v []uint64) (out []uint64, decimals byte) {
	places := 0
	for _, bits := range v {
		for ; places < MaxDecimals; places++ {
			if _, ok := units(bits, powers[places]); ok {
				break
			}
		}
		if places == MaxDecimals {
			return dst, 0
		}
	}
	start := len(dst)
	for _, bits := range v {
		n, ok := units(bits, powers[places])
		if !ok { // more places lost a value that fewer could hold
			return dst[:start], 0
		}
		dst = append(dst, uint64(n))
	}
	return dst, byte(places + 1)
}

// units is the whole number n for which n / power has these bits.
func units(bits uint64, power float64) (n int64, ok bool) {
	scaled := math.Round(math.Float64frombits(bits) * power)
	if !(math.Abs(scaled) <= exact) { // NaN too
		return 0, false
	}
	return int64(scaled), math.Float64bits(float64(int64(scaled))/power) == bits
}

// Decimals turns what AppendDecimals made back into floats, in place. Nonsense
// in v makes other floats.
func Decimals(v []uint64, decimals byte) {
	power := powers[decimals-1]
	for i, n := range v {
		v[i] = math.Float64bits(float64(int64(n)) / power)
	}
}
