package segment

import (
	"github.com/kiseki-dev/kiseki/storage/column"
	"github.com/kiseki-dev/kiseki/telemetry"
)

// cursor reads a column of a page row by row, for a trace has few rows. Of a
// derived column it reads the forms, and of texts that are stored by templates
// it makes just those that are asked for: a whole page of either would take
// longer than all else.
type cursor struct {
	values
	forms *page       // of a derived column; page is nil then
	texts column.List // where set, of the dictionary if there is one, else of the page
	first int         // number in the page of the first value of values
	next  int         // value
}

// lazyPart distinguishes in the cache what a cursor reads from what is made of
// the same chunk for others.
const lazyPart = 1

// needed are rows [lo, hi) of a page, and the numbers [first, last) that the
// values have there which a column has for them.
type needed struct{ lo, hi, first, last int }

// rowsNeeded is for columns that every row has.
func rowsNeeded(lo, hi int) needed { return needed{lo, hi, lo, hi} }

// cursor opens page p of a column for some of its values.
func (b *block) cursor(c *columnInfo, p int, want needed) (out cursor, err error) {
	out.info = c
	switch {
	case c.derived && !c.form.constant():
		if out.forms, err = b.page(c.form, p); err == nil && out.forms.n < want.hi {
			err = b.corruptPage(c.form, p)
		}
		if err == nil && c.enc == encDict {
			err = out.openDict(b)
		}
		return out, err
	case c.enc == encText && b.cells == nil && c.pages[p].size > 0:
		if out.texts, err = b.textPage(c, p); err == nil && out.texts.Len() < want.last {
			err = b.corruptPage(c, p)
		}
		return out, err
	case c.context != inNoContext && b.cells == nil && !c.constant():
		if out.page, out.first, err = b.contextPart(c, p, want); err == nil && c.enc == encDict {
			err = out.openDict(b)
		}
	case c.enc == encDict && c.class() == classStrings:
		if err = out.openDict(b); err == nil && !c.constant() {
			out.page, err = b.page(c, p)
		}
	default:
		out.values, err = b.values(c, p)
	}
	if err == nil && !out.has(want.last-out.first) {
		err = b.corruptPage(c, p)
	}
	return out, err
}

// openDict loads the dictionary.
func (c *cursor) openDict(b *block) (err error) {
	if c.info.class() != classStrings || c.info.known != nil {
		c.dict, err = b.dict(c.info)
		if err == nil && c.dict.strs != nil {
			c.texts = c.dict.strs
		}
		return err
	}
	c.texts, err = lazily(b.r, c.info.dict, dictOf{c.info}, b.keepPage(), func(d *dict) column.List { return d.strs },
		func(src []byte) (column.List, error) {
			list, err := column.DecodeList(src, c.info.entries)
			if err == nil && list.Len() != c.info.entries {
				err = column.ErrCorrupt
			}
			return list, err
		})
	return err
}

// textPage is page p of a column that is stored by templates.
func (b *block) textPage(c *columnInfo, p int) (column.List, error) {
	d, err := b.dict(c)
	if err != nil {
		return nil, err
	}
	return lazily(b.r, c.pages[p], c, b.keepPage(), func(pg *page) column.List { return pg.strs }, func(src []byte) (column.List, error) {
		return column.DecodePacked(src, d.texts, c.values)
	})
}

// lazyList is a cached list.
type lazyList struct{ column.List }

func (l lazyList) size() int { return l.Size() }

// lazily is fetch for a list of strings that may be in the cache as whole
// already.
func lazily[T cached](r *Reader, ref chunkRef, s section, how keep, whole func(T) column.List, decode func([]byte) (column.List, error)) (column.List, error) {
	if r.cache != nil {
		if v, ok := r.cache.get(cacheKey{r.id, ref.off, 0}).(T); ok {
			return whole(v), nil
		}
		if v, ok := r.cache.get(cacheKey{r.id, ref.off, lazyPart}).(lazyList); ok {
			return v.List, nil
		}
	}
	body, err := r.read(ref, s)
	if err != nil {
		return nil, err
	}
	list, err := decode(body)
	if err != nil {
		return nil, r.corrupt(ref.off, s, err)
	}
	if how != keepNot && r.cache != nil {
		r.cache.put(cacheKey{r.id, ref.off, lazyPart}, lazyList{list}, list.Size(), how)
	}
	return list, nil
}

// constant reports whether all values are the same.
func (c *cursor) constant() bool { return c.page == nil && c.forms == nil && c.texts == nil }

// code, num and str are value i of a column that every element has.
func (c *cursor) code(i int) uint32 {
	if c.forms != nil {
		return c.info.byForm[c.forms.codes.At(i)]
	}
	return c.values.code(i - c.first)
}

func (c *cursor) num(i int) uint64 {
	if c.forms != nil {
		return c.dict.nums[c.code(i)]
	}
	return c.values.num(i - c.first)
}

func (c *cursor) str(i int) string {
	switch {
	case c.texts == nil:
		return c.values.str(i - c.first)
	case c.forms != nil:
		return c.texts.At(int(c.code(i)))
	case c.page != nil:
		return c.texts.At(int(c.page.codes.At(i - c.first)))
	case c.info.enc == encDict:
		return c.texts.At(0)
	}
	return c.texts.At(i)
}

// attr is the next value of an attribute column, which is that of element i;
// not ok means that a derived column has none for its form.
func (c *cursor) attr(i int) (v telemetry.Value, ok bool) {
	typ := c.info.typ
	if c.forms == nil {
		c.next++
		if c.info.class() == classStrings {
			return telemetry.RawValue(typ, 0, c.str(c.next-1)), true
		}
		return c.value(c.next - 1 - c.first), true
	}
	code := c.code(i)
	switch {
	case code == 0:
		return v, false
	case c.info.class() == classInts:
		return telemetry.RawValue(typ, c.dict.nums[code-1], ""), true
	}
	return telemetry.RawValue(typ, 0, c.texts.At(int(code-1))), true
}
