package analysis

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/kiseki-dev/kiseki/query/exec"
	"github.com/kiseki-dev/kiseki/query/plan"
	"github.com/kiseki-dev/kiseki/storage/scan"
	"github.com/kiseki-dev/kiseki/telemetry"
)

// ValueShare is the spans with one value of a field, or with Present unset
// those without the field.
type ValueShare struct {
	exec.GroupValue
	Latency        // Count is how many spans these were sampled of
	Errors  uint64 // of them
}

// ValueList is the values of a field that the most spans have.
type ValueList struct {
	Values   []ValueShare // the most spans first
	Distinct int          // values there are, being without the field one of them
	Spans    uint64       // of all of them
	Stats    exec.Stats
}

// TopValues tells the values that the spans that q selects have in a field
// with one value a span, at most limit of them.
func TopValues(ctx context.Context, snap scan.Snapshot, q *plan.Search, field scan.Field, limit int, limits exec.Limits) (*ValueList, error) {
	begin := func() *valueSum {
		return &valueSum{field: field, most: limits.Groups, values: map[exec.GroupValue]*valueCount{}}
	}
	sums, stats, err := exec.Selections(ctx, snap, []*plan.Search{q}, limits, begin, (*valueSum).add)
	if err != nil {
		return nil, fmt.Errorf("list top values: %w", err)
	}
	out := &ValueList{Stats: stats}
	all := begin()
	for _, s := range sums {
		all.full = all.full || s.full
		for v, from := range s.values {
			if to := all.count(v); to != nil {
				to.errors += from.errors
				to.merge(&from.histogram)
			}
		}
	}
	if all.full {
		out.Stats.Limit(fmt.Sprintf("there are more than %d values", limits.Groups))
	}
	for v, c := range all.values {
		out.Values = append(out.Values, ValueShare{v, c.latency(), c.errors})
		out.Spans += c.count
	}
	slices.SortFunc(out.Values, func(a, b ValueShare) int {
		return cmp.Or(cmp.Compare(b.Count, a.Count), compareValues(a.GroupValue, b.GroupValue))
	})
	out.Distinct = len(out.Values)
	out.Values = out.Values[:min(limit, len(out.Values))]
	return out, nil
}

// compareValues orders values of all types, that of no value first.
func compareValues(a, b exec.GroupValue) int {
	switch {
	case a.Present != b.Present && b.Present:
		return -1
	case a.Present != b.Present:
		return 1
	}
	return cmp.Or(cmp.Compare(a.Value.Type(), b.Value.Type()), cmp.Compare(a.Value.Num(), b.Value.Num()), strings.Compare(a.Value.Str(), b.Value.Str()))
}

// valueSum counts values. It belongs to one goroutine.
type valueSum struct {
	field  scan.Field
	most   int
	full   bool
	values map[exec.GroupValue]*valueCount

	// Of the block at hand.
	codes   scan.Codes
	rows    scan.Rows
	weights exec.RowWeights
	byCode  []*valueCount
}

type valueCount struct {
	histogram
	errors uint64
}

// count is nil beyond the limit.
func (s *valueSum) count(v exec.GroupValue) *valueCount {
	c := s.values[v]
	if c == nil {
		if len(s.values) >= s.most {
			s.full = true
			return nil
		}
		c = &valueCount{}
		s.values[v] = c
	}
	return c
}

func (s *valueSum) add(in *exec.Selection) error {
	s.codes.Reset()
	s.weights.Begin()
	s.byCode = s.byCode[:0]
	err := in.Runs(func(lo, hi int) error {
		if err := in.Block.Rows(lo, hi, scan.ColDuration|scan.ColStatus, &s.rows); err != nil {
			return err
		}
		if err := in.Codes(s.field, lo, hi, &s.codes); err != nil {
			return err
		}
		for len(s.byCode) <= len(s.codes.Dict) {
			s.byCode = append(s.byCode, nil)
		}
		weights, err := s.weights.Read(in.Block, lo, hi)
		if err != nil {
			return err
		}
		sel := in.Rows[0]
		for row := sel.Next(lo); row >= 0 && row < hi; row = sel.Next(row + 1) {
			code := s.codes.Rows[row-lo]
			c := s.byCode[code]
			if c == nil {
				var v exec.GroupValue
				if code > 0 {
					v = exec.GroupValue{Present: true, Value: s.codes.Dict[code-1]}
				}
				if c = s.count(v); c == nil {
					continue
				}
				s.byCode[code] = c
			}
			weight := weightOf(weights, row-lo)
			c.add(s.rows.Duration[row-lo], weight)
			if s.rows.Status[row-lo] == telemetry.StatusError {
				c.errors += weight
			}
		}
		return nil
	})
	return err
}
