package segment

import (
	"github.com/kiseki-dev/kiseki/storage/scan"
)

// verdict is what a predicate says of one element's attribute.
type verdict uint8

const (
	missing verdict = iota
	fails
	holds
)

// keyJudge decides a predicate on an attribute key of one space. An element's
// shape tells which of the key's columns, one a type, has its value; where a
// client repeats the key, the first one counts.
type keyJudge struct {
	b      *block
	d      *directory
	space  space
	judges []*judge   // one a column of the key
	steps  []keyStep  // by shape
	counts [][]uint32 // by column of the key and shape: values an element takes
	next   []int      // by column: the next value of the open page
	needs  bool       // some judge reads pages
	any    bool       // some judge holds for some value
	out    []verdict
}

// keyStep is what a shape says of the key: the column that has its first
// value, or -1.
type keyStep struct{ first int }

var shapeKinds = [spaces]kind{kindShape, kindEventShape, kindLinkShape}

// newKeyJudge prepares p. For OpAbsent and OpExists presence is all.
func newKeyJudge(b *block, d *directory, s space, p *scan.Predicate) (*keyJudge, error) {
	k := &keyJudge{b: b, d: d, space: s}
	exists := *p
	if p.Op == scan.OpAbsent {
		exists.Op = scan.OpExists
	}
	columns := d.attrs[s][p.Field.Key]
	if len(columns) == 0 {
		return k, nil
	}
	at := make(map[uint32]int, len(columns))
	for i, c := range columns {
		j, err := newJudge(b, c, &exists)
		if err != nil {
			return nil, err
		}
		at[uint32(c.position)] = i
		k.judges = append(k.judges, j)
		k.any = k.any || !j.never
		k.needs = k.needs || !j.never && !j.every
	}
	sh, err := b.shapes(d)
	if err != nil {
		return nil, err
	}
	lists := sh.lists[s]
	k.steps = make([]keyStep, len(lists))
	k.counts = make([][]uint32, len(columns))
	k.next = make([]int, len(columns))
	for i := range k.counts {
		k.counts[i] = make([]uint32, len(lists))
	}
	for shape, list := range lists {
		k.steps[shape].first = -1
		for _, position := range list {
			i, ok := at[position]
			if !ok {
				continue
			}
			if k.steps[shape].first < 0 {
				k.steps[shape].first = i
			}
			k.counts[i][shape]++
		}
	}
	return k, nil
}

// page decides n elements of page p; want says which ones matter, the others
// get any verdict. The result is valid until the next call.
func (k *keyJudge) page(p, n int, want func(i int) bool) ([]verdict, error) {
	if cap(k.out) < n {
		k.out = make([]verdict, n)
	}
	k.out = k.out[:n]
	if len(k.judges) == 0 {
		clear(k.out)
		return k.out, nil
	}
	shapes, err := k.b.fixedValues(k.d, shapeKinds[k.space], p, n)
	if err != nil {
		return nil, err
	}
	if !k.needs {
		k.byShape(&shapes, n)
		return k.out, nil
	}
	for i, j := range k.judges {
		k.next[i] = 0
		if j.never || j.every {
			continue
		}
		if err := j.open(p); err != nil {
			return nil, err
		}
		total := 0
		for e := range n {
			total += int(k.counts[i][shapes.code(e)])
		}
		if !j.v.has(total) {
			return nil, k.b.corruptPage(j.info, p)
		}
	}
	if len(k.judges) == 1 {
		k.single(&shapes, n, want)
		return k.out, nil
	}
	for e := range n {
		shape := shapes.code(e)
		k.out[e] = missing
		if f := k.steps[shape].first; f >= 0 {
			k.out[e] = fails
			if want(e) && k.judges[f].holds(k.next[f]) {
				k.out[e] = holds
			}
		}
		for i := range k.counts {
			k.next[i] += int(k.counts[i][shape])
		}
	}
	return k.out, nil
}

// byShape decides where no value has to be looked at.
func (k *keyJudge) byShape(shapes *values, n int) {
	table := make([]verdict, len(k.steps))
	for shape, s := range k.steps {
		switch {
		case s.first < 0:
		case k.judges[s.first].every:
			table[shape] = holds
		default:
			table[shape] = fails
		}
	}
	for e := range n {
		k.out[e] = table[shapes.code(e)]
	}
}

// single is the loop for a key with one column, as nearly all have.
func (k *keyJudge) single(shapes *values, n int, want func(i int) bool) {
	j, counts, next := k.judges[0], k.counts[0], 0
	if j.keep != nil && shapes.page != nil && shapes.page.codes.B != nil && j.v.page.codes.B != nil {
		codes := j.v.page.codes.B
		for e, shape := range shapes.page.codes.B[:n] {
			c := counts[shape]
			k.out[e] = missing
			if c != 0 {
				k.out[e] = fails + verdict(j.keep[codes[next]])
				next += int(c)
			}
		}
		return
	}
	for e := range n {
		c := counts[shapes.code(e)]
		k.out[e] = missing
		if c != 0 {
			k.out[e] = fails
			if want(e) && j.holds(next) {
				k.out[e] = holds
			}
			next += int(c)
		}
	}
}

// narrowAttr narrows by a span attribute; under ScopeAny spans that lack it
// are decided by their resource.
func (b *block) narrowAttr(d *directory, p *scan.Predicate, sel *scan.Bitmap) error {
	k, err := newKeyJudge(b, d, spaceSpan, p)
	if err != nil {
		return err
	}
	absent := p.Op == scan.OpAbsent
	var keep []byte // by resource, for spans that lack the attribute
	fallback := false
	if p.Field.Scope == scan.ScopeAny {
		if keep, err = b.judgeResources(d, p); err != nil {
			return err
		}
		for _, v := range keep {
			fallback = fallback || v != 0
		}
	} else {
		fallback = absent
	}
	if !fallback && (!k.any || absent) {
		sel.ClearAll()
		return nil
	}
	if len(k.judges) == 0 {
		if keep != nil {
			return b.narrowCodes(d, kindResource, keep, sel)
		}
		return nil // absent everywhere, as asked
	}
	return b.eachPage(p.Stop, sel, func(page int, words []uint64) error {
		lo, hi := b.pageRows(page)
		verdicts, err := k.page(page, hi-lo, func(i int) bool { return words[i>>6]>>(i&63)&1 != 0 })
		if err != nil {
			return err
		}
		table := [4]byte{holds: one(!absent)}
		if keep == nil {
			table[missing] = one(absent)
			narrowVerdicts(verdicts, words, &table)
			return nil
		}
		resources, err := b.fixedValues(d, kindResource, page, hi-lo)
		if err != nil {
			return err
		}
		eachRow(words, func(i int) bool {
			if verdicts[i] == missing {
				return keep[resources.code(i)] != 0
			}
			return table[verdicts[i]] != 0
		})
		return nil
	})
}

func narrowVerdicts(verdicts []verdict, words []uint64, table *[4]byte) {
	for w := range words {
		if words[w] == 0 {
			continue
		}
		var m uint64
		for k, v := range verdicts[w*64 : min(w*64+64, len(verdicts))] {
			m |= uint64(table[v&3]) << (k & 63)
		}
		words[w] &= m
	}
}

// narrowElements narrows by the events' name or an attribute of events or
// links: a span stays if one of its elements holds, for OpAbsent if none has
// the field.
func (b *block) narrowElements(d *directory, s space, p *scan.Predicate, sel *scan.Bitmap) error {
	total, countKind := d.events, kindEvents
	if s == spaceLink {
		total, countKind = d.links, kindLinks
	}
	absent := p.Op == scan.OpAbsent
	if total == 0 {
		if !absent {
			sel.ClearAll()
		}
		return nil
	}
	decide, settled, err := b.elementVerdicts(d, s, p)
	switch {
	case err != nil:
		return err
	case settled && absent:
		return nil
	case settled:
		sel.ClearAll()
		return nil
	}
	return b.eachPage(p.Stop, sel, func(page int, words []uint64) error {
		lo, hi := b.pageRows(page)
		counts, err := b.fixedValues(d, countKind, page, hi-lo)
		if err != nil {
			return err
		}
		firsts := make([]int, hi-lo+1)
		for i := range hi - lo {
			firsts[i+1] = firsts[i] + int(counts.code(i))
		}
		n := firsts[hi-lo]
		if n > total {
			return b.corruptPage(counts.info, page)
		}
		var verdicts []verdict
		if n > 0 {
			if verdicts, err = decide(page, n); err != nil {
				return err
			}
		}
		eachRow(words, func(i int) bool {
			for _, v := range verdicts[firsts[i]:firsts[i+1]] {
				if v == holds {
					return !absent
				}
			}
			return absent
		})
		return nil
	})
}

// elementVerdicts returns the function that decides the first n elements of
// a page; settled means that no element holds (for OpAbsent: has the field).
func (b *block) elementVerdicts(d *directory, s space, p *scan.Predicate) (f func(page, n int) ([]verdict, error), settled bool, err error) {
	if p.Field.Scope != scan.ScopeIntrinsic {
		k, err := newKeyJudge(b, d, s, p)
		if err != nil {
			return nil, false, err
		}
		all := func(int) bool { return true }
		return func(page, n int) ([]verdict, error) { return k.page(page, n, all) }, !k.any, nil
	}
	exists := *p
	if p.Op == scan.OpAbsent {
		exists.Op = scan.OpExists
	}
	j, err := newJudge(b, d.byKind[kindEventName], &exists)
	if err != nil {
		return nil, false, err
	}
	return func(page, n int) ([]verdict, error) {
		if !j.every {
			if err := j.open(page); err != nil {
				return nil, err
			}
			if !j.v.has(n) {
				return nil, b.corruptPage(j.info, page)
			}
		}
		out := make([]verdict, n)
		for i := range out {
			out[i] = fails + verdict(one(j.holds(i)))
		}
		return out, nil
	}, j.never, nil
}
