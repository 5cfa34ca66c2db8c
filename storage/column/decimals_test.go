package column

import (
	"encoding/binary"
	"math"
	"slices"
	"testing"
)

func TestDecimals(t *testing.T) {
	for _, test := range []struct {
		v    []float64
		want byte
	}{
		{[]float64{0.999, 0.5, 0.001}, 4}, {[]float64{1, 2, -3e9}, 1}, {[]float64{19.99, -0.01, 1e6}, 3},
		{[]float64{math.Pi}, 0}, {[]float64{math.Copysign(0, -1)}, 0}, {[]float64{math.NaN()}, 0},
		{[]float64{math.Inf(-1), 1}, 0}, {[]float64{1e300}, 0}, {[]float64{1 << 53, 0.000001}, 0},
	} {
		var bits []uint64
		for _, f := range test.v {
			bits = append(bits, math.Float64bits(f))
		}
		out, decimals := AppendDecimals(nil, bits)
		if decimals != test.want {
			t.Errorf("%v: got %d, want %d", test.v, decimals, test.want)
		}
		if decimals == 0 {
			continue
		}
		if Decimals(out, decimals); !slices.Equal(out, bits) {
			t.Errorf("%v: came back as %x, not %x", test.v, out, bits)
		}
	}
}

func FuzzDecimals(f *testing.F) {
	f.Add(binary.LittleEndian.AppendUint64(nil, math.Float64bits(0.125)))
	f.Add(binary.LittleEndian.AppendUint64(nil, math.Float64bits(1<<53)))
	f.Fuzz(func(t *testing.T, data []byte) {
		var bits []uint64
		for ; len(data) >= 8; data = data[8:] {
			bits = append(bits, binary.LittleEndian.Uint64(data))
		}
		out, decimals := AppendDecimals(nil, bits)
		if decimals == 0 {
			return
		}
		if Decimals(out, decimals); !slices.Equal(out, bits) {
			t.Errorf("%x came back as %x", bits, out)
		}
	})
}

func TestMark(t *testing.T) {
	for _, values := range [][]string{{"abc", "", "xabcx", "ab", "c", "abcabc"}, {"abc", "a\x00b", "xabcx", "", "c"}} {
		var e Encoder
		s, err := DecodeStrings(e.Strings(nil, values), 10)
		if err != nil {
			t.Fatal(err)
		}
		for _, needle := range []string{"abc", "bc", "c", "\x00", "abcd"} {
			hit := make([]byte, len(values))
			s.Mark(needle, hit)
			for i, v := range values {
				if want := contains(v, needle); (hit[i] == 1) != want {
					t.Errorf("%q in %q: got %d", needle, v, hit[i])
				}
			}
		}
	}
}

func contains(s, needle string) bool {
	for i := range len(s) - len(needle) + 1 {
		if s[i:i+len(needle)] == needle {
			return true
		}
	}
	return false
}
