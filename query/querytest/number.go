package querytest

import (
	"cmp"
	"math"
	"math/big"

	"github.com/kiseki-dev/kiseki/query/traceql"
	"github.com/kiseki-dev/kiseki/storage/scan"
	"github.com/kiseki-dev/kiseki/telemetry"
)

// compares reports whether "x op y" is true. Of one array any element must
// satisfy it, with != all; two arrays are equal or not.
func compares(op scan.Op, x, y telemetry.Value) bool {
	xs, ys := x.Type() == telemetry.ValueArray, y.Type() == telemetry.ValueArray
	switch {
	case xs && !ys:
		return ofElements(x, op == scan.OpNotEqual, func(e telemetry.Value) bool { return comparesOne(op, e, y) })
	case ys && !xs:
		return ofElements(y, op == scan.OpNotEqual, func(e telemetry.Value) bool { return comparesOne(op, x, e) })
	}
	return comparesOne(op, x, y)
}

// comparesOne is compares for single values. Values of two types, ints and
// floats apart, are different and have no order, as has NaN with anything. Booleans and
// arrays have none either, but equal ones are less or equal.
func comparesOne(op scan.Op, x, y telemetry.Value) bool {
	switch op {
	case scan.OpEqual:
		return equal(x, y)
	case scan.OpNotEqual:
		return !equal(x, y)
	case scan.OpLess:
		return less(x, y)
	case scan.OpLessEqual:
		return less(x, y) || equal(x, y)
	case scan.OpGreater:
		return less(y, x)
	}
	return less(y, x) || equal(x, y)
}

func equal(x, y telemetry.Value) bool {
	if number(x) && number(y) {
		return isNumber(x) && isNumber(y) && exact(x).Cmp(exact(y)) == 0
	}
	return x == y
}

func less(x, y telemetry.Value) bool {
	if number(x) && number(y) {
		return isNumber(x) && isNumber(y) && exact(x).Cmp(exact(y)) < 0
	}
	return text(x) && x.Type() == y.Type() && cmp.Less(x.Str(), y.Str())
}

func text(v telemetry.Value) bool {
	return v.Type() == telemetry.ValueString || v.Type() == telemetry.ValueBytes
}

func number(v telemetry.Value) bool {
	return v.Type() == telemetry.ValueInt || v.Type() == telemetry.ValueDouble
}

// isNumber reports whether v is a number, which NaN is not.
func isNumber(v telemetry.Value) bool {
	return number(v) && (v.Type() == telemetry.ValueInt || !math.IsNaN(v.Double()))
}

// exact is a number, not NaN, without rounding.
func exact(v telemetry.Value) *big.Float {
	if v.Type() == telemetry.ValueInt {
		return new(big.Float).SetInt64(v.Int())
	}
	return new(big.Float).SetFloat64(v.Double())
}

// arithmetic is "x op y": of two ints an int where the exact result is one of
// 64 bits, else what floats make of it, if that is a finite number.
func arithmetic(op traceql.ArithOp, x, y telemetry.Value) (v telemetry.Value, ok bool) {
	if !number(x) || !number(y) {
		return v, false
	}
	if x.Type() == telemetry.ValueInt && y.Type() == telemetry.ValueInt {
		if n := integers(op, big.NewInt(x.Int()), big.NewInt(y.Int())); n != nil && n.IsInt64() {
			return telemetry.IntValue(n.Int64()), true
		}
	}
	f := floats(op, float(x), float(y))
	return telemetry.DoubleValue(f), !math.IsNaN(f) && !math.IsInf(f, 0)
}

// integers is the exact result, nil where it is no integer or far too large.
func integers(op traceql.ArithOp, x, y *big.Int) *big.Int {
	switch op {
	case traceql.Add:
		return new(big.Int).Add(x, y)
	case traceql.Sub:
		return new(big.Int).Sub(x, y)
	case traceql.Mul:
		return new(big.Int).Mul(x, y)
	case traceql.Pow:
		if y.Sign() < 0 {
			return nil
		}
		if x.BitLen() > 1 { // else only whether y is odd matters
			if y.Cmp(big.NewInt(64)) > 0 {
				return nil
			}
			return new(big.Int).Exp(x, y, nil)
		}
		if y.Sign() == 0 {
			return big.NewInt(1)
		}
		return new(big.Int).Exp(x, big.NewInt(int64(2-y.Bit(0))), nil)
	}
	if y.Sign() == 0 {
		return nil
	}
	quotient, remainder := new(big.Int).QuoRem(x, y, new(big.Int))
	if op == traceql.Mod {
		return remainder
	}
	if remainder.Sign() != 0 {
		return nil
	}
	return quotient
}

func float(v telemetry.Value) float64 {
	if v.Type() == telemetry.ValueInt {
		return float64(v.Int())
	}
	return v.Double()
}

func floats(op traceql.ArithOp, x, y float64) float64 {
	switch op {
	case traceql.Add:
		return x + y
	case traceql.Sub:
		return x - y
	case traceql.Mul:
		return x * y
	case traceql.Div:
		return x / y
	case traceql.Mod:
		return math.Mod(x, y)
	}
	return math.Pow(x, y)
}
