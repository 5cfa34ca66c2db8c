package exec

import (
	"math"

	"github.com/kiseki-dev/kiseki/query/traceql"
	"github.com/kiseki-dev/kiseki/storage/scan"
	"github.com/kiseki-dev/kiseki/telemetry"
)

// numbers are an expression as a finite number for each row that it has one
// for.
type numbers struct {
	of    traceql.Value
	codes scan.Codes
	known []float64 // by code; NaN: none
	rows  scan.Rows
}

// begin forgets the block before.
func (n *numbers) begin() {
	n.codes.Reset()
	n.known = append(n.known[:0], math.NaN())
}

// read appends the numbers of the given ones of the rows from lo to hi, which
// count from lo, to dst. The rows without a number are dropped.
func (n *numbers) read(from *columns, lo, hi int, rows []uint32, dst []float64) ([]uint32, []float64, error) {
	of, err := n.reader(from, lo, hi)
	if err != nil {
		return nil, nil, err
	}
	kept := rows[:0]
	for _, i := range rows {
		if x := of(i); !math.IsNaN(x) {
			kept, dst = append(kept, i), append(dst, x)
		}
	}
	return kept, dst, nil
}

// reader is the number of a row, or NaN.
func (n *numbers) reader(from *columns, lo, hi int) (func(uint32) float64, error) {
	if from.number != nil {
		return numberIn(&rowValues{from.number.values[lo:hi], from.number.has[lo:hi]}), nil
	}
	ref, ok := n.of.(*traceql.FieldRef)
	switch {
	case ok && ref.Field.Field == scan.Field{Intrinsic: scan.IntrinsicDuration}:
		err := from.Rows(lo, hi, scan.ColDuration, &n.rows)
		return func(i uint32) float64 { return float64(n.rows.Duration[i]) }, err
	case ok && coded(ref.Field.Field):
		if err := from.codes(ref.Field, lo, hi, &n.codes); err != nil {
			return nil, err
		}
		for _, v := range n.codes.Dict[len(n.known)-1:] {
			n.known = append(n.known, orNaN(v))
		}
		return func(i uint32) float64 { return n.known[n.codes.Rows[i]] }, nil
	}
	values, err := from.filter.value(n.of, nil, from.Block, lo, hi, from.wanted)
	if err != nil {
		return nil, err
	}
	return numberIn(values), nil
}

func numberIn(values *rowValues) func(uint32) float64 {
	return func(i uint32) float64 {
		if !values.has[i] {
			return math.NaN()
		}
		return orNaN(values.values[i])
	}
}

// orNaN is a value as a number, NaN if it is no finite one.
func orNaN(v telemetry.Value) float64 {
	if x, ok := numberOf(v); ok {
		return x
	}
	return math.NaN()
}
