package column

import (
	"fmt"
	"math"
	"math/bits"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
)

func ints(name string) (v []uint64) {
	r := rand.New(rand.NewPCG(1, 2))
	for i := range 1000 {
		switch name {
		case "constant":
			v = append(v, 7)
		case "rising by 5":
			v = append(v, uint64(100+5*i))
		case "small":
			v = append(v, r.Uint64N(10))
		case "microseconds":
			v = append(v, 1_790_000_000_000_000_000+1000*r.Uint64N(1<<30))
		case "of any length":
			v = append(v, r.Uint64()>>r.IntN(64))
		case "any":
			v = append(v, r.Uint64())
		case "signed":
			v = append(v, uint64(int64(r.IntN(9))-4))
		case "extremes":
			v = append(v, []uint64{0, math.MaxUint64, 1 << 63, math.MaxInt64}[r.IntN(4)])
		}
	}
	return v
}

func TestInts(t *testing.T) {
	want := map[string]int{ // bits a value; a length of 8 bits is compressed later
		"constant": 1, "rising by 5": 1, "small": 8 + 2, "microseconds": 31, "of any length": 8 + 63, "any": 65, "signed": 8 + 2, "extremes": 65,
	}
	for name, limit := range want {
		v := ints(name)
		for _, n := range []int{0, 1, 2, 3, len(v)} {
			var e Encoder
			enc, head := e.Ints([]byte("before"), v[:n])
			if head > len(enc) {
				t.Fatalf("%s: head %d of %d", name, head, len(enc))
			}
			got, err := DecodeInts(enc[len("before"):], n)
			if err != nil || !slices.Equal(got, v[:n]) {
				t.Fatalf("%s, %d values: %v", name, n, err)
			}
			if n == len(v) && len(enc)*8/n > limit {
				t.Errorf("%s: %d bits a value, want at most %d", name, len(enc)*8/n, limit)
			}
			if n > 0 {
				if _, err := DecodeInts(enc[len("before"):], n-1); err == nil {
					t.Errorf("%s: more values than the limit were decoded", name)
				}
			}
		}
	}
}

func TestCodes(t *testing.T) {
	for _, most := range []uint32{0, 1, 255, 256, 65535, 65536, math.MaxUint32} {
		codes := []uint32{most, 0, most / 2, most, most / 3}
		testCodes(t, codes, AppendCodes(nil, codes), most)
		if most > 0 {
			packed := AppendPackedCodes(nil, codes, most)
			testCodes(t, codes, packed, most)
			if n := PackedCodesSize(len(codes), most); n != len(packed) {
				t.Errorf("up to %d: %d bytes, not %d", most, len(packed), n)
			}
		}
	}
}

// testCodes decodes enc, which has these codes up to most.
func testCodes(t *testing.T, codes []uint32, enc []byte, most uint32) {
	t.Helper()
	got, err := DecodeCodes(enc, len(codes), most)
	if err != nil || got.Len() != len(codes) {
		t.Fatalf("up to %d: %d codes, %v", most, got.Len(), err)
	}
	for i, c := range codes {
		if got.At(i) != c {
			t.Errorf("up to %d: code %d is %d, want %d", most, i, got.At(i), c)
		}
	}
	if most > 0 {
		if _, err := DecodeCodes(enc, len(codes), most-1); err == nil {
			t.Errorf("a code above %d was taken", most-1)
		}
	}
	if _, err := DecodeCodes(enc[:len(enc)-1], len(codes), most); err == nil {
		t.Errorf("up to %d: codes that end early were taken", most)
	}
}

func TestNarrow(t *testing.T) {
	for _, entries := range []int{2, 256, 300} {
		r := rand.New(rand.NewPCG(uint64(entries), 0))
		codes := make([]uint32, 200)
		for i := range codes {
			codes[i] = uint32(r.IntN(entries))
		}
		codes[0] = uint32(entries - 1)
		keep := make([]byte, entries)
		for i := range keep {
			keep[i] = byte(r.IntN(2))
		}
		c, err := DecodeCodes(AppendCodes(nil, codes), len(codes), uint32(entries-1))
		if err != nil {
			t.Fatal(err)
		}
		before := []uint64{r.Uint64(), 0, r.Uint64(), r.Uint64() & 0xff}
		words := slices.Clone(before)
		c.Narrow(words, keep)
		for i, code := range codes {
			want := before[i/64] >> (i % 64) & 1 & uint64(keep[code])
			if got := words[i/64] >> (i % 64) & 1; got != want {
				t.Fatalf("%d entries: row %d is %d, want %d", entries, i, got, want)
			}
		}
	}
}

func TestStrings(t *testing.T) {
	for _, v := range [][]string{nil, {""}, {"", "", ""}, {"a", "", "bc"}, {"nul\x00", "\x00", ""}, {strings.Repeat("x", 1<<17), "y"}} {
		var e Encoder
		got, err := DecodeStrings(e.Strings(nil, v), len(v))
		if err != nil || got.Len() != len(v) {
			t.Fatalf("%.20q: %d values, %v", v, got.Len(), err)
		}
		for i := range v {
			if got.At(i) != v[i] {
				t.Errorf("%.20q: value %d is %.20q", v, i, got.At(i))
			}
		}
	}
}

func TestBloom(t *testing.T) {
	hashes := make([]uint64, 10_000)
	for i := range hashes {
		hashes[i] = HashString(fmt.Sprint("in ", i))
	}
	b := NewBloom(hashes)
	for i, h := range hashes {
		if !b.May(h) {
			t.Fatalf("value %d is not in the filter", i)
		}
	}
	wrong := 0
	for i := range 10_000 {
		if b.May(HashString(fmt.Sprint("out ", i))) {
			wrong++
		}
	}
	if perValue := len(b) * 8 / len(hashes); wrong > 400 || perValue > bloomBits {
		t.Errorf("%d of 10000 absent values may be in a filter of %d bits a value", wrong, perValue)
	}
}

func TestBits(t *testing.T) {
	r := rand.New(rand.NewPCG(3, 4))
	var w bitWriter
	var values, widths []uint64
	for range 500 {
		width := r.Uint64N(65)
		v := r.Uint64() & mask(uint(width))
		w.put(v, uint(width))
		values, widths = append(values, v), append(widths, width)
	}
	b := w.flush()
	pos := uint64(0)
	for i, v := range values {
		if got := bitsAt(b, uint(pos), uint(widths[i])); got != v {
			t.Fatalf("field %d of %d bits: got %x want %x (%d bits)", i, widths[i], got, v, bits.Len64(v))
		}
		pos += widths[i]
	}
}

// FuzzDecode feeds every decoder; what one accepts must survive encoding.
func FuzzDecode(f *testing.F) {
	var e Encoder
	for _, name := range []string{"constant", "rising by 5", "small", "of any length", "extremes"} {
		enc, _ := e.Ints(nil, ints(name)[:20])
		f.Add(enc)
	}
	f.Add(AppendCodes(nil, []uint32{1, 2, 300}))
	f.Add(AppendCodes(nil, []uint32{1, 2, 70000}))
	f.Add(AppendPackedCodes(nil, []uint32{1, 2, 100}, 100))
	f.Add(AppendPackedCodes(nil, []uint32{1, 2, 300}, 300))
	f.Add(e.Strings(nil, []string{"a", "", "b"}))
	f.Add(e.Strings(nil, []string{"a\x00", "", "b"}))
	packed, _ := e.Packed(nil, textColumn("statement", packedLeast))
	f.Add(packed)
	const limit = 1 << 12
	f.Fuzz(func(t *testing.T, src []byte) {
		var e Encoder
		if v, err := DecodeInts(src, limit); err == nil {
			enc, _ := e.Ints(nil, v)
			if again, err := DecodeInts(enc, limit); err != nil || !slices.Equal(v, again) {
				t.Errorf("ints %v: %v, %v", v, again, err)
			}
		}
		if c, err := DecodeCodes(src, limit, math.MaxUint32); err == nil {
			codes := make([]uint32, c.Len())
			for i := range codes {
				codes[i] = c.At(i)
			}
			if again, err := DecodeCodes(AppendCodes(nil, codes), limit, math.MaxUint32); err != nil || again.Len() != len(codes) {
				t.Errorf("codes %v: %v", codes, err)
			}
		}
		if s, err := DecodeStrings(src, limit); err == nil {
			v := make([]string, s.Len())
			for i := range v {
				v[i] = s.At(i)
			}
			if again, err := DecodeStrings(e.Strings(nil, v), limit); err != nil || again.Len() != len(v) {
				t.Errorf("strings %q: %v", v, err)
			}
		}
	})
}
