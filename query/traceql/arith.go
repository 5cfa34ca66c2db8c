package traceql

import (
	"math"
	"math/bits"

	"github.com/kiseki-dev/kiseki/telemetry"
)

// Apply is the operator on two values; ok is false where one of them is no
// number or there is no result, as of a division by zero. Ints give an int
// where the exact result is one that fits, else a float.
func (o ArithOp) Apply(l, r telemetry.Value) (v telemetry.Value, ok bool) {
	lt, rt := l.Type(), r.Type()
	if lt == telemetry.ValueInt && rt == telemetry.ValueInt {
		if n, ok := o.ints(l.Int(), r.Int()); ok {
			return telemetry.IntValue(n), true
		}
	} else if !isNumber(lt) || !isNumber(rt) {
		return telemetry.Value{}, false
	}
	f := o.Float(floatOf(l), floatOf(r))
	return telemetry.DoubleValue(f), !math.IsNaN(f) && !math.IsInf(f, 0)
}

func isNumber(t telemetry.ValueType) bool {
	return t == telemetry.ValueInt || t == telemetry.ValueDouble
}

func floatOf(v telemetry.Value) float64 {
	if v.Type() == telemetry.ValueInt {
		return float64(v.Int())
	}
	return v.Double()
}

// ints is the operator on ints, where the exact result is one.
func (o ArithOp) ints(l, r int64) (n int64, ok bool) {
	switch o {
	case Add:
		n = l + r
		return n, (l > n) == (r < 0)
	case Sub:
		n = l - r
		return n, (l < n) == (r < 0)
	case Mul:
		hi, lo := bits.Mul64(magnitude(l), magnitude(r))
		if negative := (l < 0) != (r < 0); negative {
			return -int64(lo), hi == 0 && lo <= 1<<63
		}
		return int64(lo), hi == 0 && lo < 1<<63
	case Div:
		if r == 0 || r == -1 && l == math.MinInt64 || l%r != 0 {
			return 0, false
		}
		return l / r, true
	case Mod:
		if r == 0 || r == -1 {
			return 0, r == -1
		}
		return l % r, true
	}
	return o.power(l, r)
}

func magnitude(n int64) uint64 {
	if n < 0 {
		return -uint64(n)
	}
	return uint64(n)
}

func (o ArithOp) power(base, exponent int64) (n int64, ok bool) {
	if exponent < 0 {
		return 0, false
	}
	n = 1
	for ; exponent > 0; exponent >>= 1 {
		if exponent&1 == 1 {
			if n, ok = Mul.ints(n, base); !ok {
				return 0, false
			}
		}
		if exponent > 1 {
			if base, ok = Mul.ints(base, base); !ok {
				return 0, false
			}
		}
	}
	return n, true
}

// Float is the operator on floats, with the results of IEEE 754.
func (o ArithOp) Float(l, r float64) float64 {
	switch o {
	case Add:
		return l + r
	case Sub:
		return l - r
	case Mul:
		return l * r
	case Div:
		return l / r
	case Mod:
		return math.Mod(l, r)
	}
	return math.Pow(l, r)
}
