package segment

import "math"

// Much of what a span says follows from its name, its kind, its attributes'
// keys and a few more: which function it is, which route, which database.
// The form of a span numbers the combinations of these; a column whose value
// is the same for all spans of each form is derived: it has no pages, its
// codes are listed by form in the directory. One column of forms then stands
// for twenty, in the file, when it is written and when a trace is read.

// A block with more forms than maxForms, or than one for each formSpans
// spans, has few spans of each, and what would follow from the form then
// takes more room than it saves.
const (
	maxForms  = 4096
	formSpans = 16
)

// formKinds are the columns that make up the form, beside the shape, in the
// order in which they are tried.
var formKinds = [...]kind{kindName, kindKind, kindStatus, kindScope, kindEvents, kindFlags, kindEnd}

// former finds the forms of a block and the columns that follow from them.
type former struct {
	codes   []uint32 // form of each row
	count   int      // forms, 0 if no column is derived
	derived int
	table   numberTable
	states  []formState    // by attribute column
	lists   [][]*formState // by shape: the columns that may still be derived
}

// formState is what is known of a column while rows are compared.
type formState struct {
	c      *columnBuilder
	next   int // value
	values []uint64
	known  []bool // by form
	broken bool
}

// find fills codes and count and sets derived and byForm of the columns that
// follow from the form.
func (f *former) find(b *blockBuilder) {
	f.codes = append(f.codes[:0], b.fixed[kindShape].codes...)
	f.count, f.derived = len(b.shapes[spaceSpan].ends), 0
	limit := min(maxForms, b.rows/formSpans)
	if b.transient {
		limit = maxForms
	}
	if f.count <= limit {
		f.derive(b, limit)
	}
	if f.derived == 0 { // nobody asks for the form
		clear(f.codes)
		f.count = 0
	}
}

func (f *former) derive(b *blockBuilder, limit int) {
	for _, k := range formKinds {
		if c := b.fixed[k]; !f.follows(c) {
			f.refine(c, limit)
		}
	}
	for k := kindSpanID; k < kindCount; k++ {
		c := b.fixed[k]
		if spaceOf(k) != spaceSpan || k == kindStart || k == kindDuration || k == kindParent || k == kindResource || k == kindForm || c.class == classFixed {
			continue
		}
		if c.bytes <= dictBytes && !c.constant() && f.follows(c) {
			f.settle(c, f.states[0].values[:f.count], nil)
		}
	}
	f.attributes(b)
}

// at is value i as a number that stands for it.
func (c *columnBuilder) at(i int) uint64 {
	if c.class == classInts {
		return c.nums[i]
	}
	return uint64(c.codes[i])
}

// constant reports whether the column has one value, which is stored with
// less than a derived one.
func (c *columnBuilder) constant() bool {
	if c.class == classStrings {
		return len(c.entries) == 1
	}
	for i := range c.count {
		if c.at(i) != c.at(0) {
			return false
		}
	}
	return true
}

// follows compares a column that every span has with the forms so far.
func (f *former) follows(c *columnBuilder) bool {
	if len(f.states) == 0 {
		f.states = append(f.states, formState{})
	}
	s := &f.states[0]
	s.reset(nil, f.count)
	for i, form := range f.codes {
		v := c.at(i)
		if !s.known[form] {
			s.known[form], s.values[form] = true, v
		} else if s.values[form] != v {
			return false
		}
	}
	return true
}

// refine splits the forms by a column, unless that makes too many.
func (f *former) refine(c *columnBuilder, limit int) {
	f.table.reset()
	last, lastForm := uint64(math.MaxUint64), uint32(0)
	refined := make([]uint32, len(f.codes))
	for i, form := range f.codes {
		v := c.at(i)
		if v > math.MaxUint32 {
			return
		}
		if key := uint64(form)<<32 | v; key != last {
			last = key
			lastForm, _ = f.table.number(key)
			if f.table.used > limit {
				return
			}
		}
		refined[i] = lastForm
	}
	f.codes, f.count = refined, f.table.used
}

func (s *formState) reset(c *columnBuilder, forms int) {
	*s = formState{c: c, values: append(s.values[:0], make([]uint64, forms)...), known: append(s.known[:0], make([]bool, forms)...)}
}

// attributes finds the attribute columns of spans that follow from the form.
func (f *former) attributes(b *blockBuilder) {
	shapes := &b.shapes[spaceSpan]
	for len(f.states) < len(b.attrs) {
		f.states = append(f.states, formState{})
	}
	for i, c := range b.attrs {
		s := &f.states[i]
		s.reset(c, f.count)
		s.broken = c.kind != kindAttr || c.count == 0 || c.class == classNone || c.raw || c.repeated ||
			c.bytes > dictBytes || c.constant()
	}
	f.lists = f.lists[:0]
	var columns []uint32
	for code := range shapes.ends {
		columns = shapes.columns(columns[:0], code)
		var list []*formState
		for _, order := range columns {
			if !f.states[order].broken {
				list = append(list, &f.states[order])
			}
		}
		f.lists = append(f.lists, list)
	}
	for row, shape := range b.fixed[kindShape].codes {
		form, broken := f.codes[row], false
		for _, s := range f.lists[shape] {
			v := s.c.at(s.next)
			s.next++
			if !s.known[form] {
				s.known[form], s.values[form] = true, v
			} else if s.values[form] != v {
				s.broken, broken = true, true
			}
		}
		if broken {
			f.prune()
		}
	}
	for i := range b.attrs {
		if s := &f.states[i]; !s.broken {
			f.settle(s.c, s.values, s.known)
		}
	}
}

// prune takes the columns that do not follow out of the lists.
func (f *former) prune() {
	for i, list := range f.lists {
		kept := list[:0]
		for _, s := range list {
			if !s.broken {
				kept = append(kept, s)
			}
		}
		f.lists[i] = kept
	}
}

// settle makes a column derived: byForm gets the codes by form, where known
// is not nil each plus 1 and 0 for forms that lack it. Numbers are given a
// dictionary.
func (f *former) settle(c *columnBuilder, values []uint64, known []bool) {
	c.derived = true
	f.derived++
	c.byForm = c.byForm[:0]
	if c.class == classInts {
		f.table.reset()
		c.numbers = c.numbers[:0]
	}
	for form, v := range values {
		if known != nil && !known[form] {
			c.byForm = append(c.byForm, 0)
			continue
		}
		code := uint32(v)
		if c.class == classInts {
			var old bool
			if code, old = f.table.number(v); !old {
				c.numbers = append(c.numbers, v)
			}
		}
		if known != nil {
			code++
		}
		c.byForm = append(c.byForm, code)
	}
}
