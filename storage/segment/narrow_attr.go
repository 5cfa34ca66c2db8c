package segment

import (
	"slices"

	"github.com/kiseki-dev/kiseki/storage/scan"
)

// verdict is what a predicate says of one element's attribute.
type verdict uint8

const (
	missing verdict = iota
	fails
	holds
	open // its value has to be looked at
)

// keyJudge decides a predicate on an attribute key of one space. An element's
// shape tells which of the key's columns, one a type, has its value; where a
// client repeats the key, the first one counts. Where spans have forms, the
// form stands for the shape, and decides what is derived as well.
type keyJudge struct {
	b       *block
	space   space
	judges  []*judge    // one a column of the key
	by      *columnInfo // the codes that elements are told apart by
	table   []verdict   // by such a code
	first   []int       // the judge of the first value, where open
	counts  [][]uint32  // by judge and code: values an element takes
	next    []int       // by judge: the next value of the open page
	waiting []int       // the judges that values have to be asked of
	none    bool        // the predicate holds for no value
	way     scan.Way    // how that was found
	out     []verdict
}

var shapeKinds = [spaces]kind{kindShape, kindEventShape, kindLinkShape}

// newKeyJudge prepares p; place is next. For OpAbsent and OpExists presence is
// all.
func newKeyJudge(b *block, d *directory, s space, p *scan.Predicate) (*keyJudge, error) {
	k := &keyJudge{b: b, space: s}
	exists := *p
	if p.Op == scan.OpAbsent {
		exists.Op = scan.OpExists
	}
	for _, c := range d.attrs[s][p.Field.Key] {
		j, err := newJudge(b, c, &exists)
		if err != nil {
			return nil, err
		}
		k.judges, k.way = append(k.judges, j), max(k.way, j.by)
	}
	k.none = !slices.ContainsFunc(k.judges, func(j *judge) bool { return !j.never })
	return k, nil
}

// place finds out which elements have the key's values: nothing of that is
// needed where none holds and a missing value decides no other way.
func (k *keyJudge) place(d *directory, key string) error {
	sh, err := k.b.shapes(d)
	if err != nil {
		return err
	}
	s, columns := k.space, d.attrs[k.space][key]
	k.by = d.byKind[shapeKinds[s]]
	places, first := placesOf(columns, sh.lists[s]), make([]int, len(sh.lists[s]))
	for shape := range first {
		first[shape] = slices.IndexFunc(places, func(p keyPlaces) bool { return p.first[shape] })
	}
	shapeOf := func(code int) int { return code }
	codes := len(first)
	if shapes := k.by; shapes.derived {
		k.by, codes = shapes.form, d.forms
		shapeOf = func(form int) int { return int(shapes.byForm[form]) }
	}
	k.tabulate(codes, shapeOf, first, places)
	return nil
}

// tabulate fills what is told by the codes of k.by.
func (k *keyJudge) tabulate(codes int, shapeOf func(int) int, first []int, places []keyPlaces) {
	k.table, k.first = make([]verdict, codes), make([]int, codes)
	k.counts, k.next = make([][]uint32, len(k.judges)), make([]int, len(k.judges))
	for i := range k.counts {
		k.counts[i] = make([]uint32, codes)
	}
	for code := range codes {
		shape := shapeOf(code)
		for i := range k.judges {
			k.counts[i][code] = places[i].counts[shape]
		}
		k.first[code] = first[shape]
		if first[shape] < 0 {
			continue
		}
		j := k.judges[first[shape]]
		switch {
		case j.never:
			k.table[code] = fails
		case j.every:
			k.table[code] = holds
		case j.info.derived && j.keep != nil && k.by == j.info.form:
			k.table[code] = fails
			if entry := j.info.byForm[code]; entry != 0 {
				k.table[code] += verdict(j.keep[entry-1])
			}
		default:
			k.table[code] = open
			if !slices.Contains(k.waiting, first[shape]) {
				k.waiting = append(k.waiting, first[shape])
			}
		}
	}
}

// cost and share are those of a [decision] over n elements.
func (k *keyJudge) cost() float64 {
	sum := float64(costCodes)
	for _, i := range k.waiting {
		sum += max(k.judges[i].cost(), costAttr-costCodes)
	}
	return sum
}

func (k *keyJudge) share(n int) (sum float64) {
	for _, j := range k.judges {
		sum += j.share() * float64(j.info.values) / float64(n)
	}
	return min(sum, 1)
}

// keep is the table as one for [block.byCode], missing values deciding as
// they do.
func (k *keyJudge) keep(table *[4]byte) []byte {
	return judgeEach(len(k.table), func(code int) bool { return table[k.table[code]] != 0 })
}

// page decides n elements of page p; want says which ones matter, the others
// get any verdict. The result is valid until the next call.
func (k *keyJudge) page(p, n int, want func(i int) bool) ([]verdict, error) {
	k.out = slices.Grow(k.out[:0], n)[:n]
	codes, err := k.codes(p, n)
	if err != nil {
		return nil, err
	}
	if len(k.waiting) == 0 {
		for e := range n {
			k.out[e] = k.table[codes.code(e)]
		}
		return k.out, nil
	}
	if err := k.openPages(p, n, &codes); err != nil {
		return nil, err
	}
	for e := range n {
		code := codes.code(e)
		v := k.table[code]
		if v == open {
			v = fails
			if i := k.first[code]; want(e) && k.judges[i].holds(k.next[i]) {
				v = holds
			}
		}
		k.out[e] = v
		for _, i := range k.waiting {
			k.next[i] += int(k.counts[i][code])
		}
	}
	return k.out, nil
}

// codes loads page p of k.by, which has n elements.
func (k *keyJudge) codes(p, n int) (values, error) {
	v, err := k.b.values(k.by, p)
	if err == nil && !v.has(n) {
		err = k.b.corruptPage(k.by, p)
	}
	return v, err
}

// openPages has the judges open page p, and checks that it has the values of
// n elements.
func (k *keyJudge) openPages(p, n int, codes *values) error {
	for _, i := range k.waiting {
		j := k.judges[i]
		k.next[i] = 0
		if err := j.open(p); err != nil {
			return err
		}
		total := 0
		for e := range n {
			total += int(k.counts[i][codes.code(e)])
		}
		if !j.v.has(total) {
			return k.b.corruptPage(j.info, p)
		}
	}
	return nil
}

// decideAttr decides by a span attribute; under ScopeAny spans that lack it
// are decided by their resource.
func (b *block) decideAttr(d *directory, p *scan.Predicate) (decision, error) {
	k, err := newKeyJudge(b, d, spaceSpan, p)
	if err != nil {
		return decision{}, err
	}
	absent := p.Op == scan.OpAbsent
	var keep []byte // by resource, for spans that lack the attribute
	table := [4]byte{missing: one(absent), holds: one(!absent)}
	if p.Field.Scope == scan.ScopeAny {
		if keep, err = b.judgeResources(d, p); err != nil {
			return decision{}, err
		}
		switch {
		case len(k.judges) == 0:
			return b.byCode(d.byKind[kindResource], keep), nil
		case !slices.Contains(keep, 1):
			keep, table[missing] = nil, 0
		}
	}
	if k.none && keep == nil {
		return settled(table[missing] != 0, k.way), nil
	}
	if err := k.place(d, p.Field.Key); err != nil {
		return decision{}, err
	}
	switch {
	case keep == nil && len(k.waiting) == 0:
		return b.byCode(k.by, k.keep(&table)), nil
	case keep == nil && !absent && len(k.waiting) == 1 && k.judges[k.waiting[0]].marks():
		return decision{cost: k.cost(), share: k.share(b.info.rows), page: k.marked()}, nil
	}
	x := decision{cost: k.cost(), share: k.share(b.info.rows)}
	if keep != nil {
		x.cost, x.share = x.cost+costCodes, 0.5
	}
	x.page = func(page int, words []uint64) error {
		lo, hi := b.pageRows(page)
		verdicts, err := k.page(page, hi-lo, func(i int) bool { return words[i>>6]>>(i&63)&1 != 0 })
		if err != nil {
			return err
		}
		if keep == nil {
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
	}
	return x, nil
}

// markedStep is what narrowMarked needs of a code of k.by: 1 in settled where
// its verdict is holds, 1 in asks where it is that of a value, and the number
// of values.
type markedStep struct {
	settled, asks byte
	values        uint32
}

// marked is the page of a [decision] for the most frequent question by far:
// one column has the values, and is asked first which of them hold. In most
// pages of a rare value none does, and nothing else is read.
func (k *keyJudge) marked() func(p int, words []uint64) error {
	i := k.waiting[0]
	j := k.judges[i]
	steps := make([]markedStep, len(k.table))
	for code, v := range k.table {
		steps[code] = markedStep{one(v == holds), one(v == open), k.counts[i][code]}
	}
	settled := slices.Contains(k.table, holds)
	return func(p int, words []uint64) error {
		if err := j.open(p); err != nil {
			return err
		}
		if !j.mark() && !settled {
			clear(words)
			return nil
		}
		lo, hi := k.b.pageRows(p)
		codes, err := k.codes(p, hi-lo)
		if err == nil && !narrowMarked(words, &codes, hi-lo, steps, j.held) {
			err = k.b.corruptPage(j.info, p)
		}
		return err
	}
}

// narrowMarked keeps those of n rows whose step or whose value's mark says so;
// false means that there are fewer values than the steps take.
func narrowMarked(words []uint64, codes *values, n int, steps []markedStep, held []byte) bool {
	next := 0
	for w := range words {
		var m uint64
		for e := w * 64; e < min(w*64+64, n); e++ {
			if next >= len(held) {
				return false
			}
			s := &steps[codes.code(e)]
			m |= uint64(s.settled|s.asks&held[next]) << (e & 63)
			next += int(s.values)
		}
		words[w] &= m
	}
	return next < len(held)
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
