package exec

import (
	"fmt"
	"math"
	"slices"

	"github.com/kiseki-dev/kiseki/query/traceql"
	"github.com/kiseki-dev/kiseki/storage/scan"
	"github.com/kiseki-dev/kiseki/telemetry"
)

// grouper numbers the groups of rows with equal values of some fields. Rows
// are told apart by codes, block by block; groups by what the codes stand for.
// It belongs to one goroutine.
type grouper struct {
	by     []traceql.Field
	most   int                        // groups
	full   bool                       // there are more than that
	values [][]GroupValue             // of each group
	index  map[string]uint32          // groups by their values
	absent func(int, GroupValue) bool // of a field of by: the value stands for none; nil: never
	text   []byte

	// Of the block at hand.
	codes []scan.Codes
	folds []fold
	keys  []uint64 // of a run of rows
	slots slotTable
}

// A key has the codes of the first keyFields fields, codeBits each. For every
// further field the key so far is folded into a number of foldBits, above
// which there is room for one more code.
const (
	codeBits  = 21
	keyFields = 3
	foldBits  = 32
)

// fold numbers keys in the order of their first row.
type fold struct {
	slots slotTable
	keys  []uint64
}

func (f *fold) number(key uint64) uint64 {
	slot := f.slots.find(key)
	if *slot == 0 {
		f.keys = append(f.keys, key)
		*slot = uint32(len(f.keys))
	}
	return uint64(*slot - 1)
}

func newGrouper(by []traceql.Field, most int) grouper {
	return grouper{by: by, most: most, index: map[string]uint32{}, codes: make([]scan.Codes, len(by)), folds: make([]fold, max(len(by)-keyFields, 0))}
}

// begin forgets the codes of the block before.
func (g *grouper) begin() {
	for i := range g.codes {
		g.codes[i].Reset()
	}
	for i := range g.folds {
		g.folds[i].keys = g.folds[i].keys[:0]
		g.folds[i].slots.reset()
	}
	g.slots.reset()
}

// read fills keys with those of rows [lo, hi).
func (g *grouper) read(from *columns, lo, hi int) error {
	g.keys = slices.Grow(g.keys[:0], hi-lo)[:hi-lo]
	clear(g.keys)
	for i, f := range g.by {
		c := &g.codes[i]
		if err := from.codes(f, lo, hi, c); err != nil {
			return err
		}
		if len(c.Dict) >= 1<<codeBits {
			return fmt.Errorf("group by %d values of one block", len(c.Dict))
		}
		if i >= keyFields {
			f := &g.folds[i-keyFields]
			for k, code := range c.Rows[:len(g.keys)] {
				g.keys[k] = f.number(g.keys[k]) | uint64(code)<<foldBits
			}
			continue
		}
		shift := i * codeBits
		for k, code := range c.Rows[:len(g.keys)] {
			g.keys[k] |= uint64(code) << (shift & 63)
		}
	}
	return nil
}

// noGroup stands for a group beyond the limit.
const noGroup = math.MaxUint32

// slot is the group of a key plus one, or noGroup, where slots.first does not
// tell.
func (g *grouper) slot(key uint64) uint32 {
	slot := g.slots.find(key)
	if *slot == 0 {
		*slot = g.group(key)
	}
	return *slot
}

// group is the slot of the group with the values that a key stands for.
func (g *grouper) group(key uint64) uint32 {
	values := make([]GroupValue, len(g.by))
	for i := len(values) - 1; i >= 0; i-- {
		code := key >> (i * codeBits & 63) & (1<<codeBits - 1)
		if i >= keyFields {
			code = key >> foldBits
			key = g.folds[i-keyFields].keys[key&(1<<foldBits-1)]
		}
		if code == 0 {
			continue
		}
		v := GroupValue{true, g.codes[i].Dict[code-1]}
		if g.absent == nil || !g.absent(i, v) {
			values[i] = v
		}
	}
	return g.groupOf(values)
}

// groupOf is the slot of the group with the values, which is made where it is
// new.
func (g *grouper) groupOf(values []GroupValue) uint32 {
	g.text = appendGroupValues(g.text[:0], values)
	at, ok := g.index[string(g.text)]
	if ok {
		return at + 1
	}
	if len(g.values) >= g.most {
		g.full = true
		return noGroup
	}
	at = uint32(len(g.values))
	g.index[string(g.text)] = at
	g.values = append(g.values, values)
	return at + 1
}

// appendGroupValues appends a text that tells values apart.
func appendGroupValues(dst []byte, values []GroupValue) []byte {
	for _, v := range values {
		dst = append(dst, presence(v))
		dst = appendAttrs(dst, []telemetry.Attr{{Value: v.Value}})
	}
	return dst
}

func presence(v GroupValue) byte {
	if v.Present {
		return 1
	}
	return 0
}

// columns are the fields of a block's rows.
type columns struct {
	scan.Block
	filter *filter
	// wanted is the rows whose values anybody looks at; nil: all.
	wanted *scan.Bitmap
	// ofTrace has the fields that only whole traces tell, by row of the block.
	ofTrace map[traceql.Field]*rowValues
	// number is the argument of a metrics function where it needs such fields,
	// else nil.
	number *rowValues
	// selected is the rows of the selection of a comparison, else nil.
	selected *scan.Bitmap
}

// codes replaces dst by the codes of a field, as [scan.Block.Codes] does, at
// least for the rows that are wanted.
func (c *columns) codes(f traceql.Field, lo, hi int, dst *scan.Codes) error {
	if f.Trace == traceql.TraceNone && coded(f.Field) {
		return c.Codes(f.Field, lo, hi, dst)
	}
	values := c.ofTrace[f]
	if f.Trace != traceql.TraceNone {
		values = &rowValues{values.values[lo:hi], values.has[lo:hi]}
	} else {
		values = newRowValues(hi - lo)
		if err := readColumn(c.Block, f.Field, lo, hi, c.filter, c.wanted, values); err != nil {
			return err
		}
	}
	dst.Resize(hi - lo)
	for i := range dst.Rows {
		dst.Rows[i] = 0
		if values.has[i] {
			dst.Rows[i] = dst.Code(values.values[i])
		}
	}
	return nil
}

// coded reports whether blocks have codes for a field.
func coded(f scan.Field) bool {
	if ofList(f) {
		return false
	}
	switch f.Intrinsic {
	case scan.IntrinsicDuration, scan.IntrinsicStart, scan.IntrinsicTraceID, scan.IntrinsicSpanID, scan.IntrinsicParentID:
		return f.Scope != scan.ScopeIntrinsic
	}
	return true
}
