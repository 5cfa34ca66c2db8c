package segment

import (
	"encoding/binary"
	"math"
	"slices"

	"github.com/kiseki-dev/kiseki/storage/column"
)

// A column that does not follow from the form as a whole follows from it in
// part: of all hosts a kind of span calls one or two, and its thread's name
// follows from its thread's number and its language. Such a column is stored
// in the context of the form of each of its spans:
//
//   - ranked: each form lists the codes that occur, the most frequent first,
//     and a page has the places in these lists. A form with one code takes
//     nothing.
//   - inherited: ranked, but in some forms a span has the code of its parent
//     wherever that is in the page. This is for resources: most spans are made
//     by the process that made their parent.
//   - paired: the code follows from the form and from the code of another
//     column. There are no pages.
//   - traced: in some forms a span has the code that the last span of its trace
//     with a value has, if there is one in the page. This is for what is about
//     the whole request: the user, the session, the variant of an experiment.
type contextMode uint8

const (
	inNoContext contextMode = iota
	ranked
	inherited
	paired
	traced
	contextModes
)

const (
	// maxContexts bounds the tables by form and code that are tried.
	maxContexts = 1 << 17
	// worthContext is the size of a column, in bits, below which another
	// encoding of its codes cannot save much.
	worthContext = 4096
)

// context says how the codes of one column follow from others. Slices are by
// form where nothing else is said.
type context struct {
	mode    contextMode
	by      *columnBuilder // paired
	lengths []uint32       // ranked: of the lists; inherited: 0 also where all is inherited; paired: how the form uses by, see pairNone; traced: see traceNone
	parent  []bool         // inherited
	entries []uint32       // all lists one after the other; paired: by number of the form among those that use by, and code of by
	ranks   []uint32       // by value: what is stored, or noRank
	used    bool           // another column is paired with this one
	scale   uint64         // of times: the unit
}

// What a form has of the two columns of a pair.
const (
	pairNone = iota // neither, or only the one that follows, which then has no value
	pairSkip        // the other column only
	pairUse
)

// What a form has of a traced column.
const (
	traceNone  = iota // no value
	traceOwn          // always stored
	traceAlike        // the value of the trace
)

const noRank = math.MaxUint32

// contexter finds the contexts of a block's columns. Its memory is reused.
type contexter struct {
	forms             [][]uint32 // form of each value, by attribute column
	units             [][]uint32 // the part of a trace within a page that it is in, numbered
	lists             [][]uint32 // attribute columns to look at, by shape
	counts            []uint32
	distinct          []uint32
	starts, durations times
}

// find sets the context of each column that is smaller with one.
func (x *contexter) find(b *blockBuilder) {
	f := &b.former
	if f.derived == 0 {
		return
	}
	for k := kindSpanID; k < kindCount; k++ {
		if c := b.fixed[k]; k != kindForm && spaceOf(k) == spaceSpan && !c.derived && c.class != classFixed && c.hasCodes(b) {
			x.rank(b, c, f.codes, c.distinct())
		}
	}
	x.rankTimes(b, b.fixed[kindStart])
	x.rankTimes(b, b.fixed[kindDuration])
	x.collect(b)
	var open []*columnBuilder
	for _, c := range b.sorted {
		if forms := x.forms[c.order]; len(forms) == c.count && c.count > 0 {
			open = append(open, c)
			x.rank(b, c, forms, c.distinct())
			x.trace(b, c)
		}
	}
	// Of two columns that follow from each other the one with fewer values stays.
	slices.SortStableFunc(open, func(c, d *columnBuilder) int { return d.distinct() - c.distinct() })
	for _, c := range open {
		if c.size() < worthContext {
			continue
		}
		for _, by := range open {
			if by != c && by.context.mode != paired && !c.context.used && x.pair(b, c, by) {
				by.context.used = true
				break
			}
		}
	}
}

// hasCodes reports whether the column's pages will hold more than one code,
// which are in codes then.
func (c *columnBuilder) hasCodes(b *blockBuilder) bool {
	switch c.class {
	case classCodes:
		return !c.constant()
	case classInts:
		return b.numberDict(c) && len(c.numbers) > 1
	case classStrings:
		return c.hasDictionary() && len(c.entries) > 1
	}
	return false
}

// distinct is how many codes there are at most.
func (c *columnBuilder) distinct() int {
	switch c.class {
	case classCodes:
		return int(slices.Max(c.codes)) + 1
	case classInts:
		return len(c.numbers)
	}
	return len(c.entries)
}

// collect fills forms for the attribute columns of spans that have codes.
func (x *contexter) collect(b *blockBuilder) {
	for len(x.forms) < len(b.attrs) {
		x.forms, x.units = append(x.forms, nil), append(x.units, nil)
	}
	wanted := make([]bool, len(b.attrs))
	for i, c := range b.attrs {
		x.forms[i], x.units[i] = x.forms[i][:0], x.units[i][:0]
		wanted[i] = c.kind == kindAttr+kind(spaceSpan) && c.count > 0 && !c.derived && !c.repeated && c.hasCodes(b)
	}
	shapes := &b.shapes[spaceSpan]
	x.lists = x.lists[:0]
	var columns []uint32
	for code := range shapes.ends {
		columns = shapes.columns(columns[:0], code)
		var list []uint32
		for _, order := range columns {
			if wanted[order] {
				list = append(list, order)
			}
		}
		x.lists = append(x.lists, list)
	}
	unit, next := uint32(0), 0
	for row, shape := range b.fixed[kindShape].codes {
		if first := next < len(b.traceRows) && b.traceRows[next] == uint64(row); first || row%b.pageRows == 0 {
			unit++
			next += int(one(first))
		}
		for _, order := range x.lists[shape] {
			x.forms[order] = append(x.forms[order], b.former.codes[row])
			x.units[order] = append(x.units[order], unit)
		}
	}
}

// size is about the bits that the column's pages take.
func (c *columnBuilder) size() int {
	counts := make([]uint32, c.distinct())
	codes := c.codes
	if c.context.mode == ranked || c.context.mode == traced {
		codes = c.context.ranks
	}
	for _, code := range codes {
		if code != noRank {
			counts[code]++
		}
	}
	return int(entropy(counts))
}

// entropy is the size in bits of codes with these counts.
func entropy(counts []uint32) (bits float64) {
	total := 0.0
	for _, n := range counts {
		if n > 0 {
			total += float64(n)
			bits -= float64(n) * math.Log2(float64(n))
		}
	}
	if total > 0 {
		bits += total * math.Log2(total)
	}
	return bits
}

// appendContext writes what all pages share.
func (c *columnBuilder) appendContext(dst []byte) []byte {
	dst = column.AppendCodes(dst, c.context.lengths)
	if c.context.mode == inherited {
		for _, p := range c.context.parent {
			dst = append(dst, one(p))
		}
	}
	dst = column.AppendCodes(dst, c.context.entries)
	if c.context.scale > 0 {
		dst = binary.AppendUvarint(dst, c.context.scale)
	}
	return dst
}

// encodeLists writes the context of a column.
func (b *blockBuilder) encodeLists(out []byte, c *columnBuilder, info *columnInfo) ([]byte, error) {
	info.context = c.context.mode
	b.body = c.appendContext(b.body[:0])
	return b.chunk(out, &info.contexts, b.body, len(b.body))
}

// encodeContext writes the context and, but for a paired column, the ranks.
// The dictionary is written before.
func (b *blockBuilder) encodeContext(out []byte, c *columnBuilder, info *columnInfo) ([]byte, error) {
	out, err := b.encodeLists(out, c, info)
	if err != nil {
		return nil, err
	}
	if out, err = b.dictBloom(out, c, info); err != nil {
		return nil, err
	}
	if c.context.mode == paired {
		info.by, info.pages = c.context.by.written, nil
		return out, nil
	}
	return b.codeChunks(out, c, info, func(from, to int) []uint32 { return b.storedRanks(c, from, to) })
}

// storedRanks are the ranks that a page of values [from, to) has.
func (b *blockBuilder) storedRanks(c *columnBuilder, from, to int) []uint32 {
	b.codes = b.codes[:0]
	for _, r := range c.context.ranks[from:to] {
		if r != noRank {
			b.codes = append(b.codes, r)
		}
	}
	return b.codes
}
