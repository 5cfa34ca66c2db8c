package scan

import (
	"bytes"
	"errors"
	"math"
	"regexp"
	"unsafe"

	"github.com/kiseki-dev/kiseki/telemetry"
)

// Op is a comparison.
type Op uint8

// The comparisons. Match and NotMatch are fully anchored regular expressions
// (RE2 syntax) over strings, as TraceQL's =~ and !~. Exists holds where the
// field is present; Absent where it is not.
const (
	OpEqual Op = iota
	OpNotEqual
	OpLess
	OpLessEqual
	OpGreater
	OpGreaterEqual
	OpMatch
	OpNotMatch
	OpExists
	OpAbsent
)

// Flip is the operator that says the same with its operands exchanged.
func (o Op) Flip() Op {
	switch o {
	case OpLess:
		return OpGreater
	case OpLessEqual:
		return OpGreaterEqual
	case OpGreater:
		return OpLess
	case OpGreaterEqual:
		return OpLessEqual
	}
	return o
}

// Predicate compares one field with a constant.
//
// A missing field satisfies no comparison, not even OpNotEqual and
// OpNotMatch; only OpAbsent holds for it. Int and double compare as numbers.
// Values of other differing types satisfy nothing but OpNotEqual. On events
// and links a predicate holds if it holds for any of the span's; OpAbsent
// holds if none of them has the field, also where there are none at all.
//
// Compared with a constant that is no array, an array satisfies what one of
// its elements does; OpNotEqual and OpNotMatch what all of them do, so that
// they stay the opposites of OpEqual and, for arrays of strings, of OpMatch.
type Predicate struct {
	Field Field
	Op    Op
	Value telemetry.Value // unused by OpMatch, OpNotMatch, OpExists, OpAbsent
	Regex *regexp.Regexp  // for OpMatch and OpNotMatch; already anchored
	// Stop, where not nil, is closed when nobody waits for the answer any
	// more: Narrow may then give up with [ErrStopped].
	Stop <-chan struct{}
	// Trail, where not nil, is told how Narrow decides this predicate.
	Trail *Trail
}

// ErrStopped says that a predicate's Stop was closed.
var ErrStopped = errors.New("stopped")

// Stopped is [ErrStopped] once Stop is closed, else nil.
func (p *Predicate) Stopped() error {
	select {
	case <-p.Stop:
		return ErrStopped
	default:
		return nil
	}
}

// Holds reports whether p holds for a present value. It is the one definition
// of what a comparison means; dictionaries are filtered with it entry by
// entry, rows only where there is no dictionary.
func (p *Predicate) Holds(v telemetry.Value) bool {
	if v.Type() == telemetry.ValueArray && p.Op < OpExists && p.Value.Type() != telemetry.ValueArray {
		return p.holdsOfElements(v)
	}
	return p.holdsOfOne(v)
}

// holdsOfElements is Holds for an array. Elements that are arrays themselves
// are one value each.
func (p *Predicate) holdsOfElements(array telemetry.Value) bool {
	all := p.Op == OpNotEqual || p.Op == OpNotMatch
	held := all
	// Arrays are well formed; of one that is not, what comes before the fault counts.
	_ = telemetry.Elements(array.Str(), func(e telemetry.Value) bool {
		held = p.holdsOfOne(e)
		return held == all
	})
	return held
}

func (p *Predicate) holdsOfOne(v telemetry.Value) bool {
	switch p.Op {
	case OpExists:
		return true
	case OpAbsent:
		return false
	case OpMatch, OpNotMatch:
		if v.Type() != telemetry.ValueString {
			return false
		}
		return p.Regex.MatchString(v.Str()) == (p.Op == OpMatch)
	case OpEqual:
		c, ok := compare(v, p.Value)
		return ok && c == 0
	case OpNotEqual:
		c, ok := compare(v, p.Value)
		return !ok || c != 0
	}
	c, ok := compare(v, p.Value)
	if !ok || c == unordered {
		return false
	}
	switch p.Op {
	case OpLess:
		return c < 0
	case OpLessEqual:
		return c <= 0
	case OpGreater:
		return c > 0
	case OpGreaterEqual:
		return c >= 0
	}
	return false
}

// unordered is compare's answer for a NaN, and for values that can be equal
// or not but have no order.
const unordered = 2

// compare orders a and b; ok is false if their types cannot be compared.
func compare(a, b telemetry.Value) (c int, ok bool) {
	at, bt := a.Type(), b.Type()
	if at == bt {
		switch at {
		case telemetry.ValueString, telemetry.ValueBytes:
			return bytes.Compare(alias(a.Str()), alias(b.Str())), true
		case telemetry.ValueInt:
			return order(a.Int(), b.Int()), true
		case telemetry.ValueDouble:
			return orderFloat(a.Double(), b.Double()), true
		case telemetry.ValueBool:
			return unorderedUnless(a.Num() == b.Num()), true
		case telemetry.ValueArray, telemetry.ValueMap:
			return unorderedUnless(a.Str() == b.Str()), true
		}
		return 0, true
	}
	if at == telemetry.ValueInt && bt == telemetry.ValueDouble {
		return orderIntFloat(a.Int(), b.Double()), true
	}
	if at == telemetry.ValueDouble && bt == telemetry.ValueInt {
		if c := orderIntFloat(b.Int(), a.Double()); c != unordered {
			return -c, true
		}
		return unordered, true
	}
	return 0, false
}

func unorderedUnless(equal bool) int {
	if equal {
		return 0
	}
	return unordered
}

func order(a, b int64) int {
	switch {
	case a < b:
		return -1
	case a > b:
		return 1
	}
	return 0
}

func orderFloat(a, b float64) int {
	switch {
	case a < b:
		return -1
	case a > b:
		return 1
	case a == b:
		return 0
	}
	return unordered
}

// orderIntFloat compares exactly, also where i has no float64 of its own.
func orderIntFloat(i int64, f float64) int {
	switch {
	case math.IsNaN(f):
		return unordered
	case f >= 1<<63:
		return -1
	case f < -1<<63:
		return 1
	}
	whole := math.Floor(f)
	if c := order(i, int64(whole)); c != 0 {
		return c
	}
	if f > whole {
		return -1
	}
	return 0
}

func alias(s string) []byte { return unsafe.Slice(unsafe.StringData(s), len(s)) }
