package segment

import "github.com/kiseki-dev/kiseki/telemetry"

// cursor reads a column of a page row by row. Of a derived column it reads the
// forms: a trace has few rows, and making the column's page for them would take
// longer than all else.
type cursor struct {
	values
	forms *page // of a derived column; page is nil then
	next  int   // value
}

// cursor opens page p of a column that has n values there, or is derived and
// has n rows there.
func (b *block) cursor(c *columnInfo, p, n int) (cursor, error) {
	if !c.derived || c.form.constant() {
		v, err := b.values(c, p)
		if err == nil && !v.has(n) {
			err = b.corruptPage(c, p)
		}
		return cursor{values: v}, err
	}
	out := cursor{values: values{info: c}}
	var err error
	if c.enc == encDict {
		if out.dict, err = b.dict(c); err != nil {
			return out, err
		}
	}
	out.forms, err = b.page(c.form, p)
	if err == nil && out.forms.n < n {
		err = b.corruptPage(c.form, p)
	}
	return out, err
}

// constant reports whether all values are the same.
func (c *cursor) constant() bool { return c.page == nil && c.forms == nil }

// code, num and str are value i of a column that every element has.
func (c *cursor) code(i int) uint32 {
	if c.forms != nil {
		return c.info.byForm[c.forms.codes.At(i)]
	}
	return c.values.code(i)
}

func (c *cursor) num(i int) uint64 {
	if c.forms != nil {
		return c.dict.nums[c.code(i)]
	}
	return c.values.num(i)
}

func (c *cursor) str(i int) string {
	if c.forms != nil {
		return c.dict.strs.At(int(c.code(i)))
	}
	return c.values.str(i)
}

// attr is the next value of an attribute column, which is that of element i;
// not ok means that a derived column has none for its form.
func (c *cursor) attr(i int) (v telemetry.Value, ok bool) {
	if c.forms == nil {
		c.next++
		return c.value(c.next - 1), true
	}
	code := c.code(i)
	switch {
	case code == 0:
		return v, false
	case c.info.class() == classInts:
		return telemetry.RawValue(c.info.typ, c.dict.nums[code-1], ""), true
	}
	return telemetry.RawValue(c.info.typ, 0, c.dict.strs.At(int(code-1))), true
}
