package segment

import (
	"bytes"
	"math"
	"slices"

	"github.com/kiseki-dev/kiseki/storage/column"
	"github.com/kiseki-dev/kiseki/storage/scan"
	"github.com/kiseki-dev/kiseki/telemetry"
)

// judge decides a predicate on the values of one column, as early as can be:
// for the whole block from its bounds, bloom filter or dictionary, else for
// each value.
type judge struct {
	b     *block
	info  *columnInfo
	p     *scan.Predicate
	typ   telemetry.ValueType // what values compare as
	never bool                // holds for no value
	every bool                // holds for all values
	by    scan.Way            // how that was found, where one of these is set
	keep  []byte              // for codes: 1 where the predicate holds
	low   int64               // for ints where ranged: the predicate holds
	span  uint64              // for low to low+span
	// ranged is set where low and span say it all.
	ranged bool
	v      values // the page
	// needle is part of every value for which the comparison, taken without
	// its "not", is true; found says which values of the page have it.
	needle string
	held   []byte // see mark
	// only is the code of which alone the predicate holds, where it is known.
	only    uint32
	hasOnly bool
}

// newJudge prepares a predicate for a column. OpAbsent is not for judges.
func newJudge(b *block, c *columnInfo, p *scan.Predicate) (*judge, error) {
	j := &judge{b: b, info: c, p: p, typ: c.typ}
	if c.kind < kindAttr {
		j.typ = telemetry.ValueInt
		if c.class() == classStrings {
			j.typ = telemetry.ValueString
		}
	}
	if p.Op == scan.OpExists {
		j.every = true
		return j, nil
	}
	switch {
	case c.class() == classNone:
		j.settle(p.Holds(telemetry.Value{}))
	case c.enc == encConst:
		j.settle(p.Holds(telemetry.RawValue(j.typ, c.low, "")))
	case c.enc == encDict:
		return j, j.readDict()
	case c.class() == classCodes && c.high < 1<<16:
		j.keep = make([]byte, c.high+1)
		for i := range j.keep {
			j.keep[i] = one(p.Holds(telemetry.IntValue(int64(i))))
		}
	case c.class() == classInts && j.typ == telemetry.ValueInt:
		j.readRange()
	case j.typ == telemetry.ValueString && c.class() == classStrings:
		return j, j.readText()
	}
	return j, nil
}

// equalText is the string that values have to equal, if that is the predicate
// and strings are the values.
func (j *judge) equalText() (s string, ok bool) {
	if j.p.Op != scan.OpEqual || j.typ != telemetry.ValueString || j.p.Value.Type() != telemetry.ValueString {
		return "", false
	}
	return j.p.Value.Str(), true
}

// readText prepares a predicate on strings that have no dictionary.
func (j *judge) readText() error {
	if s, ok := j.equalText(); ok {
		if j.never = uint64(len(s)) < j.info.low || uint64(len(s)) > j.info.high; j.never {
			j.by = scan.ByBounds
			return nil
		}
		if err := j.askBloom(s); err != nil || j.never {
			return err
		}
	}
	j.needle = needleOf(j.p)
	return nil
}

func one(b bool) byte {
	if b {
		return 1
	}
	return 0
}

func (j *judge) settle(holds bool) { j.every, j.never, j.by = holds, !holds, scan.ByBounds }

func (j *judge) readDict() error {
	s, equal := j.equalText()
	if equal {
		if err := j.askBloom(s); err != nil || j.never {
			return err
		}
	}
	d, err := j.b.dict(j.info)
	if err != nil {
		return err
	}
	j.by = scan.ByDictionary
	j.keep = make([]byte, j.info.entries)
	sum := 0
	if equal && d.strs != nil {
		for i := range j.keep {
			if d.strs.At(i) == s {
				j.keep[i], j.only = 1, uint32(i)
				sum++
			}
		}
		j.never, j.every, j.hasOnly = sum == 0, sum == len(j.keep), sum == 1
		return nil
	}
	for i := range j.keep {
		var v telemetry.Value
		if d.strs != nil {
			v = telemetry.RawValue(j.typ, 0, d.strs.At(i))
		} else {
			v = telemetry.RawValue(j.typ, d.nums[i], "")
		}
		j.keep[i] = one(j.p.Holds(v))
		sum += int(j.keep[i])
	}
	j.never, j.every = sum == 0, sum == len(j.keep)
	return nil
}

// readRange turns a comparison of ints into a range and compares that with
// the column's bounds.
func (j *judge) readRange() {
	if j.p.Value.Type() != telemetry.ValueInt {
		return
	}
	j.by = scan.ByBounds
	low, high, c := int64(math.MinInt64), int64(math.MaxInt64), j.p.Value.Int()
	switch j.p.Op {
	case scan.OpEqual:
		low, high = c, c
	case scan.OpLess:
		if j.never = c == math.MinInt64; j.never {
			return
		}
		high = c - 1
	case scan.OpLessEqual:
		high = c
	case scan.OpGreater:
		if j.never = c == math.MaxInt64; j.never {
			return
		}
		low = c + 1
	case scan.OpGreaterEqual:
		low = c
	default:
		return
	}
	j.ranged, j.low, j.span = true, low, uint64(high)-uint64(low)
	least, most := int64(j.info.low), int64(j.info.high)
	j.never = high < least || low > most
	j.every = low <= least && most <= high
}

// share guesses for which share of the values the predicate holds.
func (j *judge) share() float64 {
	switch {
	case j.never:
		return 0
	case j.every:
		return 1
	case j.keep != nil:
		sum := 0
		for _, v := range j.keep {
			sum += int(v)
		}
		return float64(sum) / float64(len(j.keep))
	case j.needle != "" && (j.p.Op == scan.OpEqual || j.p.Op == scan.OpMatch):
		return 1 / float64(j.info.values)
	}
	return 0.5
}

// cost is that of a [decision].
func (j *judge) cost() float64 {
	switch {
	case j.keep != nil:
		return costCodes
	case j.ranged:
		return costNumbers
	case j.needle != "":
		return costText
	}
	return costEach
}

// open loads page p; not needed where never or every is set.
func (j *judge) open(p int) (err error) {
	if j.v, err = j.b.values(j.info, p); err != nil || j.needle == "" {
		return err
	}
	j.held = append(j.held[:0], make([]byte, j.v.page.n+1)...)
	j.v.page.strs.Mark(j.needle, j.held)
	return nil
}

// marks reports whether mark can be used.
func (j *judge) marks() bool {
	return j.keep != nil || j.ranged && j.info.enc == encPlain || j.needle != "" && (j.p.Op == scan.OpEqual || j.p.Op == scan.OpMatch)
}

// mark decides all values of the open page: held is 1 where the predicate
// holds, with a 0 behind the last; any says that it holds somewhere.
func (j *judge) mark() (any bool) {
	pg, sum := j.v.page, 0
	if j.needle != "" {
		for i := bytes.IndexByte(j.held, 1); i >= 0; {
			j.held[i] = one(j.p.Holds(telemetry.RawValue(j.typ, 0, j.v.str(i))))
			sum += int(j.held[i])
			next := bytes.IndexByte(j.held[i+1:], 1)
			if next < 0 {
				break
			}
			i += 1 + next
		}
		return sum > 0
	}
	j.held = slices.Grow(j.held[:0], pg.n+1)[:pg.n+1]
	j.held[pg.n] = 0
	switch {
	case j.hasOnly && !has(pg.codes, j.only):
		clear(j.held)
	case j.ranged:
		for i := range pg.n {
			j.held[i] = one(pg.num(i)-uint64(j.low) <= j.span)
			sum += int(j.held[i])
		}
	case pg.codes.B != nil:
		for i, c := range pg.codes.B {
			j.held[i] = j.keep[c]
			sum += int(j.keep[c])
		}
	default:
		for i, c := range pg.codes.W {
			j.held[i] = j.keep[c]
			sum += int(j.keep[c])
		}
	}
	return sum > 0
}

// has reports whether code is among codes.
func has(codes column.Codes, code uint32) bool {
	if codes.B != nil {
		return code < 256 && bytes.IndexByte(codes.B, byte(code)) >= 0
	}
	return slices.Contains(codes.W, code)
}

// holds decides value i of the open page.
func (j *judge) holds(i int) bool {
	switch {
	case j.never:
		return false
	case j.every:
		return true
	case j.keep != nil:
		return j.keep[j.v.page.codes.At(i)] != 0
	case j.ranged:
		return j.v.num(i)-uint64(j.low) <= j.span
	case j.needle != "" && j.held[i] == 0:
		return j.p.Op == scan.OpNotEqual || j.p.Op == scan.OpNotMatch
	case j.info.class() == classStrings:
		return j.p.Holds(telemetry.RawValue(j.typ, 0, j.v.str(i)))
	case j.info.class() == classCodes:
		return j.p.Holds(telemetry.IntValue(int64(j.v.code(i))))
	}
	return j.p.Holds(telemetry.RawValue(j.typ, j.v.num(i), ""))
}
