package scan_test

import (
	"math"
	"math/rand/v2"
	"regexp"
	"slices"
	"testing"

	"github.com/kiseki-dev/kiseki/storage/scan"
	"github.com/kiseki-dev/kiseki/telemetry"
)

// rowsOf walks a bitmap upwards.
func rowsOf(b *scan.Bitmap) (out []int) {
	for i := b.Next(0); i >= 0; i = b.Next(i + 1) {
		out = append(out, i)
	}
	return out
}

// TestBitmapAgreesWithSet drives a bitmap and a set of ints together.
func TestBitmapAgreesWithSet(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 2))
	for _, n := range []int{0, 1, 63, 64, 65, 127, 128, 1000} {
		for range 20 {
			a, as := randomBitmap(r, n)
			b, bs := randomBitmap(r, n)
			if !slices.Equal(rowsOf(a), sortedKeys(as)) || a.Count() != len(as) || a.Empty() != (len(as) == 0) || a.Len() != n {
				t.Fatalf("n=%d: got %v (count %d), want %v", n, rowsOf(a), a.Count(), sortedKeys(as))
			}
			var down []int
			for i := a.Prev(n - 1); i >= 0; i = a.Prev(i - 1) {
				down = append(down, i)
			}
			slices.Reverse(down)
			if !slices.Equal(down, sortedKeys(as)) {
				t.Fatalf("n=%d: Prev visits %v, want %v", n, down, sortedKeys(as))
			}
			for name, op := range map[string]struct {
				do   func(x, y *scan.Bitmap)
				want func(inA, inB bool) bool
			}{
				"And":    {(*scan.Bitmap).And, func(a, b bool) bool { return a && b }},
				"Or":     {(*scan.Bitmap).Or, func(a, b bool) bool { return a || b }},
				"AndNot": {(*scan.Bitmap).AndNot, func(a, b bool) bool { return a && !b }},
			} {
				var c scan.Bitmap
				c.CopyFrom(a)
				op.do(&c, b)
				for i := range n {
					if c.Get(i) != op.want(as[i], bs[i]) {
						t.Fatalf("n=%d: %s is wrong at %d", n, name, i)
					}
				}
			}
		}
	}
}

func randomBitmap(r *rand.Rand, n int) (*scan.Bitmap, map[int]bool) {
	b, set := &scan.Bitmap{}, map[int]bool{}
	b.Reset(n, r.IntN(2) == 0)
	for i := range n {
		if b.Get(i) {
			set[i] = true
		}
	}
	for range n {
		i := r.IntN(n)
		if r.IntN(2) == 0 {
			b.Set(i)
			set[i] = true
		} else {
			b.Clear(i)
			delete(set, i)
		}
	}
	return b, set
}

func sortedKeys(set map[int]bool) (out []int) {
	for i := range set {
		out = append(out, i)
	}
	slices.Sort(out)
	return out
}

// TestBitmapReset: a smaller set after a larger one keeps nothing of it.
func TestBitmapReset(t *testing.T) {
	var b scan.Bitmap
	b.Reset(1000, true)
	b.Reset(70, false)
	if !b.Empty() || b.Next(0) != -1 || b.Prev(69) != -1 || b.Next(70) != -1 {
		t.Error("the empty set has rows")
	}
	b.Reset(70, true)
	if b.Count() != 70 || b.Words()[1] != 1<<6-1 {
		t.Errorf("the full set of 70 has %d rows, last word %#x", b.Count(), b.Words()[1])
	}
	for _, c := range []struct{ lo, hi, want int }{{0, 70, 70}, {0, 0, 0}, {3, 64, 61}, {63, 65, 2}, {64, 70, 6}, {65, 66, 1}, {70, 70, 0}} {
		if got := b.CountIn(c.lo, c.hi); got != c.want {
			t.Errorf("%d rows in [%d, %d), want %d", got, c.lo, c.hi, c.want)
		}
	}
	b.ClearAll()
	if !b.Empty() {
		t.Error("ClearAll left rows")
	}
}

func arrayOf(values ...telemetry.Value) telemetry.Value {
	var enc []byte
	for _, v := range values {
		enc = telemetry.AppendElement(enc, v)
	}
	return telemetry.ArrayValue(string(enc))
}

func TestPredicateHolds(t *testing.T) {
	str, num, dbl, yes := telemetry.StringValue, telemetry.IntValue, telemetry.DoubleValue, telemetry.BoolValue
	nan := dbl(math.NaN())
	array := arrayOf(num(1))
	const eq, ne, lt, le, gt, ge = scan.OpEqual, scan.OpNotEqual, scan.OpLess, scan.OpLessEqual, scan.OpGreater, scan.OpGreaterEqual
	for _, c := range []struct {
		value, constant telemetry.Value
		holds           []scan.Op // of the six comparisons
	}{
		{str("b"), str("b"), []scan.Op{eq, le, ge}},
		{str("b"), str("a"), []scan.Op{ne, gt, ge}},
		{str(""), str("a"), []scan.Op{ne, lt, le}},
		{num(-1), num(1), []scan.Op{ne, lt, le}},
		{num(2), dbl(2), []scan.Op{eq, le, ge}},
		{num(2), dbl(2.5), []scan.Op{ne, lt, le}},
		{num(-2), dbl(-2.5), []scan.Op{ne, gt, ge}},
		{dbl(2.5), num(2), []scan.Op{ne, gt, ge}},
		{dbl(-0.5), num(0), []scan.Op{ne, lt, le}},
		// 2^63-1 has no float64 of its own: 2^63 is greater than every int.
		{num(math.MaxInt64), dbl(1 << 63), []scan.Op{ne, lt, le}},
		{num(math.MinInt64), dbl(-1 << 63), []scan.Op{eq, le, ge}},
		{num(1<<53 + 1), dbl(1 << 53), []scan.Op{ne, gt, ge}},
		{num(5), dbl(math.Inf(1)), []scan.Op{ne, lt, le}},
		{num(5), dbl(math.Inf(-1)), []scan.Op{ne, gt, ge}},
		{dbl(math.Inf(1)), num(5), []scan.Op{ne, gt, ge}},
		{nan, nan, []scan.Op{ne}},
		{nan, num(1), []scan.Op{ne}},
		{num(1), nan, []scan.Op{ne}},
		{dbl(math.Copysign(0, -1)), num(0), []scan.Op{eq, le, ge}},
		{yes(true), yes(true), []scan.Op{eq, le, ge}},
		{yes(true), yes(false), []scan.Op{ne}},
		{str("1"), num(1), []scan.Op{ne}},
		{yes(true), num(1), []scan.Op{ne}},
		{telemetry.BytesValue("a"), str("a"), []scan.Op{ne}},
		{telemetry.BytesValue("a"), telemetry.BytesValue("b"), []scan.Op{ne, lt, le}},
		{array, array, []scan.Op{eq, le, ge}},
		{array, num(1), []scan.Op{eq, le, ge}},
		{array, str("1"), []scan.Op{ne}},
		{arrayOf(num(1), str("a"), num(3)), num(3), []scan.Op{eq, lt, le, ge}},
		{arrayOf(num(1), str("a"), num(3)), str("a"), []scan.Op{eq, le, ge}},
		{arrayOf(num(1), num(3)), num(2), []scan.Op{ne, lt, le, gt, ge}},
		{arrayOf(), num(2), []scan.Op{ne}},
		{arrayOf(array), num(1), []scan.Op{ne}},
		{telemetry.Value{}, num(0), []scan.Op{ne}},
	} {
		for _, op := range []scan.Op{eq, ne, lt, le, gt, ge} {
			p := scan.Predicate{Op: op, Value: c.constant}
			if got, want := p.Holds(c.value), slices.Contains(c.holds, op); got != want {
				t.Errorf("%v op %d %v: got %t", c.value, op, c.constant, got)
			}
		}
		exists, absent := scan.Predicate{Op: scan.OpExists}, scan.Predicate{Op: scan.OpAbsent}
		if !exists.Holds(c.value) || absent.Holds(c.value) {
			t.Errorf("%v is present", c.value)
		}
	}
}

// TestPredicateMatch: patterns are about strings, and of anything else
// neither they nor their negation holds.
func TestPredicateMatch(t *testing.T) {
	re := regexp.MustCompile("^(?:a.*)$")
	match, not := scan.Predicate{Op: scan.OpMatch, Regex: re}, scan.Predicate{Op: scan.OpNotMatch, Regex: re}
	for _, c := range []struct {
		value      telemetry.Value
		match, not bool
	}{
		{telemetry.StringValue("abc"), true, false},
		{telemetry.StringValue("xabc"), false, true},
		{telemetry.StringValue(""), false, true},
		{telemetry.IntValue(1), false, false},
		{telemetry.BytesValue("abc"), false, false},
		{arrayOf(telemetry.StringValue("x"), telemetry.StringValue("abc")), true, false},
		{arrayOf(telemetry.StringValue("x"), telemetry.StringValue("y")), false, true},
		{arrayOf(telemetry.StringValue("x"), telemetry.IntValue(1)), false, false},
		{telemetry.Value{}, false, false},
	} {
		if match.Holds(c.value) != c.match || not.Holds(c.value) != c.not {
			t.Errorf("%v: match %t, not match %t", c.value, match.Holds(c.value), not.Holds(c.value))
		}
	}
}
