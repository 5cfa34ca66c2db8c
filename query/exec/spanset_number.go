package exec

import (
	"math"

	"github.com/kiseki-dev/kiseki/query/traceql"
	"github.com/kiseki-dev/kiseki/storage/scan"
	"github.com/kiseki-dev/kiseki/telemetry"
)

// aggregate is a function over rows in their order, which tells what a sum of
// floats is, and of one that leaves the 64 bits of ints.
func (v *view) aggregate(x *traceql.Aggregate, rows *scan.Bitmap) (out telemetry.Value, ok bool, err error) {
	if x.Func == traceql.Count {
		return telemetry.IntValue(int64(rows.Count())), true, nil
	}
	column, err := v.value(x.X, nil)
	if err != nil {
		return out, false, err
	}
	f := setNumber{of: x.Func}
	if anyOrder(column, rows) {
		for i := rows.Next(0); i >= 0; i = rows.Next(i + 1) {
			f.add(column, i)
		}
	} else {
		for _, i := range v.inOrder(rows) {
			f.add(column, i)
		}
	}
	out, ok = f.result()
	return out, ok, nil
}

// anyOrder reports whether an aggregate is the same in any order of the rows:
// all numbers are ints, and no sum of them leaves 64 bits.
func anyOrder(column *rowValues, rows *scan.Bitmap) bool {
	var total uint64 // of magnitudes
	for i := rows.Next(0); i >= 0; i = rows.Next(i + 1) {
		switch value := column.values[i]; {
		case !column.has[i]:
		case value.Type() == telemetry.ValueDouble:
			return false
		case value.Type() == telemetry.ValueInt:
			n := value.Int()
			if n < 0 {
				n = -n
			}
			if total += uint64(n); n < 0 || total > math.MaxInt64 {
				return false
			}
		}
	}
	return true
}

// setNumber is an aggregate under way.
type setNumber struct {
	of     traceql.AggregateFunc
	n      int // numbers so far
	out    telemetry.Value
	failed bool // a sum that is no number
}

// add takes row i in, if it has a number, which NaN is not.
func (f *setNumber) add(column *rowValues, i int) {
	value := column.values[i]
	if !column.has[i] || !isNumber(value) || value.Type() == telemetry.ValueDouble && math.IsNaN(value.Double()) {
		return
	}
	if f.n++; f.n == 1 {
		f.out = value
		return
	}
	beats := scan.Predicate{Op: scan.OpLess, Value: f.out}
	switch f.of {
	case traceql.Max:
		beats.Op = scan.OpGreater
		fallthrough
	case traceql.Min:
		if beats.Holds(value) {
			f.out = value
		}
	default:
		if !f.failed {
			sum, ok := traceql.Add.Apply(f.out, value)
			f.out, f.failed = sum, !ok
		}
	}
}

// result is false where there is no number.
func (f *setNumber) result() (telemetry.Value, bool) {
	if f.n == 0 || f.failed {
		return telemetry.Value{}, false
	}
	if f.of == traceql.Avg {
		return traceql.Div.Apply(f.out, telemetry.IntValue(int64(f.n)))
	}
	return f.out, true
}
