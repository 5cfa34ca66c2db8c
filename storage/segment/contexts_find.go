package segment

import "slices"

// rank makes a column ranked, or inherited, if that is smaller; forms are
// those of its values, whose codes are below distinct.
func (x *contexter) rank(b *blockBuilder, c *columnBuilder, forms []uint32, distinct int) {
	n := b.former.count
	if n*distinct > maxContexts {
		return
	}
	x.counts = append(x.counts[:0], make([]uint32, n*distinct)...)
	ctx := context{mode: ranked, ranks: c.context.ranks[:0]}
	var stored []bool
	if c.kind == kindResource {
		if ctx.parent, stored = x.inherit(b, c); ctx.parent != nil {
			ctx.mode = inherited
		}
	}
	x.distinct = append(x.distinct[:0], make([]uint32, distinct)...)
	for i, code := range c.codes {
		x.distinct[code]++
		if stored == nil || stored[i] {
			x.counts[int(forms[i])*distinct+int(code)]++
		}
	}
	plain := entropy(x.distinct)
	if plain < worthContext {
		return
	}
	x.list(&ctx, n, distinct)
	sizes := make([]uint32, slices.Max(append(ctx.lengths, 1)))
	for i, code := range c.codes {
		r := uint32(noRank)
		if (stored == nil || stored[i]) && ctx.lengths[forms[i]] > 1 {
			r = x.counts[int(forms[i])*distinct+int(code)]
			sizes[r]++
		}
		ctx.ranks = append(ctx.ranks, r)
	}
	if entropy(sizes)+8*float64(len(ctx.entries))+2*float64(n) < 0.9*plain {
		c.context = ctx
	}
}

// list fills the lists of codes by form from x.counts, which it replaces by
// the place of each code in its form's list.
func (x *contexter) list(ctx *context, forms, distinct int) {
	var list []uint32
	for form := range forms {
		counts := x.counts[form*distinct:][:distinct]
		list = list[:0]
		for code, n := range counts {
			if n > 0 {
				list = append(list, uint32(code))
			}
		}
		slices.SortStableFunc(list, func(p, q uint32) int { return int(counts[q]) - int(counts[p]) })
		ctx.lengths = append(ctx.lengths, uint32(len(list)))
		ctx.entries = append(ctx.entries, list...)
		for place, code := range list {
			counts[code] = uint32(place)
		}
	}
}

// trace makes a column traced, if that is smaller.
func (x *contexter) trace(b *blockBuilder, c *columnBuilder) {
	forms, units := x.forms[c.order], x.units[c.order]
	use := make([]uint32, b.former.count)
	unit, last, differ := uint32(0), uint32(0), 0
	for i, code := range c.codes {
		f := forms[i]
		use[f] = max(use[f], traceAlike)
		if units[i] == unit && code != last {
			use[f] = traceDiffers
			if differ++; differ > traceTrial+i/2 {
				return
			}
		}
		unit, last = units[i], code
	}
	for f, u := range use {
		if u == traceDiffers {
			use[f] = traceOwn
		}
	}
	if size := c.size(); size < worthContext || float64(x.tracedSize(c, use)) > 0.8*float64(size) {
		return
	}
	ctx := context{mode: traced, lengths: use, ranks: c.context.ranks[:0]}
	unit = 0
	for i, code := range c.codes {
		if units[i] == unit && use[forms[i]] == traceAlike {
			code = noRank
		}
		unit = units[i]
		ctx.ranks = append(ctx.ranks, code)
	}
	c.context = ctx
}

// traceDiffers is for forms in which a value was not as the one before, while
// that is looked at, and traceTrial how many of these there may be beside half
// of all values.
const (
	traceDiffers = traceAlike + 1
	traceTrial   = 256
)

// tracedSize is about the bits that the pages of a column take if it is traced.
func (x *contexter) tracedSize(c *columnBuilder, use []uint32) int {
	forms, units := x.forms[c.order], x.units[c.order]
	counts, unit := make([]uint32, c.distinct()), uint32(0)
	for i, code := range c.codes {
		if units[i] != unit || use[forms[i]] == traceOwn {
			counts[code]++
		}
		unit = units[i]
	}
	return int(entropy(counts))
}

// inherit finds the forms whose spans have their parent's code wherever the
// parent is in the page, and says which rows have to be stored; nil if there
// are no such forms.
func (x *contexter) inherit(b *blockBuilder, c *columnBuilder) (parent, stored []bool) {
	same, other := make([]bool, b.former.count), make([]bool, b.former.count)
	parents := b.fixed[kindParent].codes
	for i, form := range b.former.codes {
		if at := parentIn(parents[i], i%b.pageRows); at < 0 {
			continue
		} else if c.codes[i] == c.codes[i-i%b.pageRows+at] {
			same[form] = true
		} else {
			other[form] = true
		}
	}
	any := false
	for form := range same {
		same[form] = same[form] && !other[form]
		any = any || same[form]
	}
	if !any {
		return nil, nil
	}
	stored = make([]bool, len(c.codes))
	for i, form := range b.former.codes {
		stored[i] = !same[form] || parentIn(parents[i], i%b.pageRows) < 0
	}
	return same, stored
}

// parentIn is the place in its page of the parent of the row at place i,
// given kindParent's code, or -1 if it is not there.
func parentIn(code uint32, i int) int {
	if code < 2 || int(code)-1 > i {
		return -1
	}
	return i - int(code) + 1
}

// pair makes c follow from the form and by, if it does and saves something.
func (x *contexter) pair(b *blockBuilder, c, by *columnBuilder) bool {
	forms, width := b.former.count, by.distinct()
	if forms*width > maxContexts {
		return false
	}
	use := make([]uint32, forms)
	for _, form := range x.forms[by.order] {
		use[form] = pairSkip
	}
	uses := 0
	for _, form := range x.forms[c.order] {
		switch use[form] {
		case pairNone: // by is missing
			return false
		case pairSkip:
			use[form] = pairUse
			uses++
		}
	}
	if uses*width > c.count/4 {
		return false
	}
	x.counts = append(x.counts[:0], make([]uint32, forms*width)...)
	at, next := 0, x.forms[c.order]
	for i, form := range x.forms[by.order] {
		if use[form] != pairUse {
			continue
		}
		if next[at] != form {
			return false // cannot be: a form has both or one
		}
		slot := &x.counts[int(form)*width+int(by.codes[i])]
		if *slot != 0 && *slot != c.codes[at]+1 {
			return false
		}
		*slot = c.codes[at] + 1
		at++
	}
	ctx := context{mode: paired, by: by, lengths: use}
	for form, u := range use {
		if u != pairUse {
			continue
		}
		for _, code := range x.counts[form*width:][:width] {
			ctx.entries = append(ctx.entries, max(code, 1)-1)
		}
	}
	c.context = ctx
	return true
}
