package segment

import (
	"math"

	"github.com/kiseki-dev/kiseki/storage/column"
	"github.com/kiseki-dev/kiseki/telemetry"
)

// page is one decoded page of a column; which field is in use depends on the
// column's class and encoding.
type page struct {
	codes column.Codes
	nums  []uint64
	small []uint32 // in place of nums where all are below 2^32: half the cache
	strs  *column.Strings
	fixed []byte
	n     int
}

// num is number i.
func (p *page) num(i int) uint64 {
	if p.small != nil {
		return uint64(p.small[i])
	}
	return p.nums[i]
}

// appendNums appends numbers [lo, hi).
func (p *page) appendNums(dst []uint64, lo, hi int) []uint64 {
	if p.small == nil {
		return append(dst, p.nums[lo:hi]...)
	}
	for _, n := range p.small[lo:hi] {
		dst = append(dst, uint64(n))
	}
	return dst
}

// setNums gives p its numbers.
func (p *page) setNums(nums []uint64) {
	p.n = len(nums)
	all := uint64(0)
	for _, v := range nums {
		all |= v
	}
	if all > math.MaxUint32 {
		p.nums = nums
		return
	}
	p.small = make([]uint32, len(nums))
	for i, v := range nums {
		p.small[i] = uint32(v)
	}
}

func (p *page) size() int {
	n := len(p.codes.B) + 4*len(p.codes.W) + 8*len(p.nums) + 4*len(p.small) + len(p.fixed)
	if p.strs != nil {
		n += p.strs.Size()
	}
	return n
}

// dict is a column's decoded dictionary.
type dict struct {
	nums  []uint64
	strs  *column.Strings
	texts *column.Templates
}

func (d *dict) size() int {
	n := 8 * len(d.nums)
	if d.strs != nil {
		n += d.strs.Size()
	}
	if d.texts != nil {
		n += d.texts.Size()
	}
	return n
}

// values is one page of a column with the dictionary it needs. Values are
// numbered from the page's first.
type values struct {
	info *columnInfo
	page *page // nil if the column is constant
	dict *dict // nil without one
}

// has reports whether the page has at least n values.
func (v *values) has(n int) bool { return v.page == nil || v.page.n >= n }

func (v *values) code(i int) uint32 {
	if v.page == nil {
		return uint32(v.info.low)
	}
	return v.page.codes.At(i)
}

func (v *values) num(i int) uint64 {
	switch {
	case v.info.enc == encConst:
		return v.info.low
	case v.info.enc == encPlain:
		return v.page.num(i)
	case v.page == nil:
		return v.dict.nums[0]
	}
	return v.dict.nums[v.page.codes.At(i)]
}

func (v *values) str(i int) string {
	switch {
	case v.info.enc != encDict:
		return v.page.strs.At(i)
	case v.page == nil:
		return v.dict.strs.At(0)
	}
	return v.dict.strs.At(int(v.page.codes.At(i)))
}

func (v *values) id(i int) (id telemetry.SpanID) {
	copy(id[:], v.page.fixed[i*8:])
	return id
}

// value is value i of an attribute column.
func (v *values) value(i int) telemetry.Value {
	switch v.info.class() {
	case classInts:
		return telemetry.RawValue(v.info.typ, v.num(i), "")
	case classStrings:
		return telemetry.RawValue(v.info.typ, 0, v.str(i))
	}
	return telemetry.RawValue(v.info.typ, 0, "")
}

// values loads page p of a column.
func (b *block) values(c *columnInfo, p int) (v values, err error) {
	v.info = c
	if c.enc == encDict {
		if v.dict, err = b.dict(c); err != nil {
			return v, err
		}
	}
	if c.constant() || c.class() == classNone {
		return v, nil
	}
	v.page, err = b.page(c, p)
	return v, err
}

// emptyPage stands for pages that are not stored.
var emptyPage = &page{strs: &column.Strings{}}

// page loads page p of a column that is not constant.
func (b *block) page(c *columnInfo, p int) (*page, error) {
	switch {
	case b.cells != nil:
		return b.cellPage(c, p)
	case c.derived:
		return b.derivedPage(c, p)
	case c.context != inNoContext:
		return b.contextPage(c, p)
	}
	if c.pages[p].size == 0 {
		return emptyPage, nil
	}
	var texts *column.Templates
	if c.enc == encText {
		d, err := b.dict(c)
		if err != nil {
			return nil, err
		}
		texts = d.texts
	}
	return fetch(b.r, c.pages[p], c, b.keepPage(), func(src []byte) (*page, error) {
		pg := &page{}
		var err error
		switch cl := c.class(); {
		case texts != nil:
			if pg.strs, err = column.DecodeTexts(src, texts, c.values); err == nil {
				pg.n = pg.strs.Len()
			}
		case cl == classFixed:
			pg.fixed, pg.n = src, len(src)/width(c.kind)
		case cl == classCodes:
			pg.codes, err = column.DecodeCodes(src, c.values, uint32(min(c.high, 1<<32-1)))
			pg.n = pg.codes.Len()
		case c.enc == encDict:
			pg.codes, err = column.DecodeCodes(src, c.values, uint32(c.entries-1))
			pg.n = pg.codes.Len()
		case cl == classInts:
			var nums []uint64
			nums, err = column.DecodeInts(src, c.values)
			if c.decimals > 0 {
				column.Decimals(nums, c.decimals)
			}
			pg.setNums(nums)
		default:
			if pg.strs, err = column.DecodeStrings(src, c.values); err == nil {
				pg.n = pg.strs.Len()
			}
		}
		return pg, err
	})
}

// derivedPage makes page p of a column that follows from the form.
func (b *block) derivedPage(c *columnInfo, p int) (*page, error) {
	lo, hi := b.pageRows(p)
	forms, err := b.values(c.form, p)
	if err == nil && !forms.has(hi-lo) {
		err = b.corruptPage(c.form, p)
	}
	if err != nil {
		return nil, err
	}
	key := b.madeKey(c, p)
	cached := b.r.cache != nil && b.cells == nil
	if cached {
		if pg, ok := b.r.cache.get(key).(*page); ok {
			return pg, nil
		}
	}
	pg := &page{}
	if c.kind < kindAttr {
		pg.codes = forms.through(c.byForm, c.most(), hi-lo)
	} else {
		pg.codes = forms.present(c.byForm, c.most(), hi-lo)
	}
	pg.n = pg.codes.Len()
	if cached && !b.passing {
		b.r.cache.put(key, pg, pg.size(), keepPage)
	}
	return pg, nil
}

// most is the greatest code a page of the column may have.
func (c *columnInfo) most() uint32 {
	switch {
	case c.classed():
		return maxClass
	case c.class() == classCodes:
		return uint32(c.high)
	}
	return uint32(c.entries - 1)
}

// through maps the first n codes of v.
func (v *values) through(table []uint32, most uint32, n int) (out column.Codes) {
	if most >= 256 {
		out.W = make([]uint32, n)
		for i := range out.W {
			out.W[i] = table[v.code(i)]
		}
		return out
	}
	out.B = make([]byte, n)
	if v.page == nil || v.page.codes.B == nil {
		for i := range out.B {
			out.B[i] = byte(table[v.code(i)])
		}
		return out
	}
	for i, code := range v.page.codes.B[:n] {
		out.B[i] = byte(table[code])
	}
	return out
}

// present maps those of the first n codes of v whose entry is not 0, to the
// entry less 1.
func (v *values) present(table []uint32, most uint32, n int) (out column.Codes) {
	if most < 256 {
		out.B = make([]byte, 0, n)
	}
	for i := range n {
		code := table[v.code(i)]
		switch {
		case code == 0:
		case most < 256:
			out.B = append(out.B, byte(code-1))
		default:
			out.W = append(out.W, code-1)
		}
	}
	return out
}

func (b *block) dict(c *columnInfo) (*dict, error) {
	if c.known != nil {
		return c.known, nil
	}
	return fetch(b.r, c.dict, dictOf{c}, keepPage, func(src []byte) (*dict, error) { return decodeDict(c, src) })
}

func decodeDict(c *columnInfo, src []byte) (*dict, error) {
	d := &dict{}
	var err error
	n := 0
	if c.enc == encText {
		if d.texts, err = column.DecodeTemplates(src, c.entries); err == nil {
			n = d.texts.Len()
		}
	} else if c.class() == classInts {
		d.nums, err = column.DecodeInts(src, c.entries)
		n = len(d.nums)
	} else if d.strs, err = column.DecodeStrings(src, c.entries); err == nil {
		n = d.strs.Len()
	}
	if err == nil && n != c.entries {
		err = column.ErrCorrupt
	}
	return d, err
}

// fixedValues loads page p of a column that every element of its space has,
// and checks that it has the n values that the page's rows need.
func (b *block) fixedValues(d *directory, k kind, p, n int) (values, error) {
	c := d.byKind[k]
	v, err := b.values(c, p)
	if err == nil && !v.has(n) {
		err = b.corruptPage(c, p)
	}
	return v, err
}

func (b *block) corruptPage(c *columnInfo, p int) error {
	off := b.info.dir.off
	if p < len(c.pages) {
		off = c.pages[p].off
	}
	return b.r.corrupt(off, c, column.ErrCorrupt)
}
