package segment

import (
	"errors"
	"slices"

	"github.com/kiseki-dev/kiseki/storage/column"
	"github.com/kiseki-dev/kiseki/storage/scan"
	"github.com/kiseki-dev/kiseki/telemetry"
)

// maxSmall is the greatest code of a column whose codes are values by
// themselves for which all values up to it are put into a dictionary.
const maxSmall = 1 << 8

var errNoCodes = errors.New("the field has no codes: its values are times, ids or a span's several")

// pageCoder fills out with the codes of rows [lo, hi) of page p, counted from
// the page's first.
type pageCoder func(p, lo, hi int, out []uint32) error

// Codes implements [scan.Block]. The dictionaries of the block are copied
// into dst's by the first call; values without a dictionary are added as they
// are met.
func (b *block) Codes(field scan.Field, lo, hi int, dst *scan.Codes) error {
	if err := b.checkRange(lo, hi); err != nil {
		return err
	}
	d, err := b.dir()
	if err != nil {
		return err
	}
	fill, err := b.coder(d, field, dst)
	if err != nil {
		return err
	}
	dst.Resize(hi - lo)
	for at := lo; at < hi; {
		p := at / b.r.footer.pageRows
		first, last := b.pageRows(p)
		end := min(hi, last)
		if err := fill(p, at-first, end-first, dst.Rows[at-lo:end-lo]); err != nil {
			return err
		}
		at = end
	}
	return nil
}

func (b *block) coder(d *directory, f scan.Field, dst *scan.Codes) (pageCoder, error) {
	switch f.Scope {
	case scan.ScopeIntrinsic:
		return b.intrinsicCoder(d, f.Intrinsic, dst)
	case scan.ScopeSpan:
		return b.attrCoder(d, d.attrs[spaceSpan][f.Key], dst)
	case scan.ScopeResource:
		return b.resourceCoder(d, f.Key, dst)
	case scan.ScopeInstrumentation:
		e, err := b.scopes(d)
		if err != nil {
			return nil, err
		}
		return b.entryCoder(d, kindScope, len(e.list), dst, func(i int) (telemetry.Value, bool) {
			return e.list[i].lookup(f.Key)
		}), nil
	case scan.ScopeAny:
		return b.anyCoder(d, f.Key, dst)
	}
	return nil, errNoCodes
}

func (b *block) intrinsicCoder(d *directory, f scan.Intrinsic, dst *scan.Codes) (pageCoder, error) {
	switch f {
	case scan.IntrinsicName:
		return b.columnCoder(d, d.byKind[kindName], dst)
	case scan.IntrinsicStatusMessage:
		return b.columnCoder(d, d.byKind[kindMessage], dst)
	case scan.IntrinsicTraceState:
		return b.columnCoder(d, d.byKind[kindTraceState], dst)
	case scan.IntrinsicKind:
		return b.smallCoder(d, kindKind, dst)
	case scan.IntrinsicStatus:
		return b.smallCoder(d, kindStatus, dst)
	case scan.IntrinsicScopeName, scan.IntrinsicScopeVersion:
		e, err := b.scopes(d)
		if err != nil {
			return nil, err
		}
		return b.entryCoder(d, kindScope, len(e.list), dst, func(i int) (telemetry.Value, bool) {
			if f == scan.IntrinsicScopeName {
				return telemetry.StringValue(e.list[i].scope.Name), true
			}
			return telemetry.StringValue(e.list[i].scope.Version), true
		}), nil
	}
	return nil, errNoCodes
}

// smallCoder is for a column whose codes are small numbers by nature.
func (b *block) smallCoder(d *directory, k kind, dst *scan.Codes) (pageCoder, error) {
	c := d.byKind[k]
	if c.high >= maxSmall {
		return nil, b.r.corrupt(b.info.dir.off, named("directory"), column.ErrCorrupt)
	}
	for n := len(dst.Dict); n <= int(c.high); n++ {
		dst.Dict = append(dst.Dict, telemetry.IntValue(int64(n)))
	}
	return func(p, lo, hi int, out []uint32) error {
		v, err := b.fixedValues(d, k, p, hi)
		if err == nil {
			v.codesInto(lo, 1, out)
		}
		return err
	}, nil
}

// codesInto fills out with the codes of a column's values from lo on, each
// plus base.
func (v *values) codesInto(lo int, base uint32, out []uint32) {
	switch {
	case v.page == nil && v.dict != nil:
		fillCodes(out, base)
	case v.page == nil:
		fillCodes(out, base+uint32(v.info.low))
	case v.page.codes.B != nil:
		for i, c := range v.page.codes.B[lo : lo+len(out)] {
			out[i] = uint32(c) + base
		}
	default:
		for i, c := range v.page.codes.W[lo : lo+len(out)] {
			out[i] = c + base
		}
	}
}

func fillCodes(out []uint32, code uint32) {
	for i := range out {
		out[i] = code
	}
}

// resourceCoder is for an attribute of the resource.
func (b *block) resourceCoder(d *directory, key string, dst *scan.Codes) (pageCoder, error) {
	e, err := b.resources(d)
	if err != nil {
		return nil, err
	}
	return b.entryCoder(d, kindResource, len(e.list), dst, func(i int) (telemetry.Value, bool) {
		return e.list[i].lookup(key)
	}), nil
}

// entryCoder is for what a resource or scope decides; dst.Table holds the
// code by entry.
func (b *block) entryCoder(d *directory, k kind, n int, dst *scan.Codes, value func(i int) (telemetry.Value, bool)) pageCoder {
	if len(dst.Table) != n {
		dst.Table = slices.Grow(dst.Table[:0], n)
		for i := range n {
			code := uint32(0)
			if v, ok := value(i); ok {
				code = dst.Code(v)
			}
			dst.Table = append(dst.Table, code)
		}
	}
	return func(p, lo, hi int, out []uint32) error {
		v, err := b.fixedValues(d, k, p, hi)
		if err != nil {
			return err
		}
		v.codesInto(lo, 0, out)
		for i, c := range out {
			out[i] = dst.Table[c]
		}
		return nil
	}
}

// columnCoder is for a string column that every span has.
func (b *block) columnCoder(d *directory, c *columnInfo, dst *scan.Codes) (pageCoder, error) {
	base, err := b.firstCodes([]*columnInfo{c}, dst)
	if err != nil {
		return nil, err
	}
	return func(p, lo, hi int, out []uint32) error {
		v, err := b.fixedValues(d, c.kind, p, hi)
		if err != nil {
			return err
		}
		if c.enc == encDict {
			v.codesInto(lo, base[0], out)
			return nil
		}
		for i := range out {
			out[i] = dst.Code(telemetry.StringValue(v.str(lo + i)))
		}
		return nil
	}, nil
}

// firstCodes is the code of the first value of each column's dictionary, or 0
// where it has none. The first call with a dst puts the values there.
func (b *block) firstCodes(columns []*columnInfo, dst *scan.Codes) ([]uint32, error) {
	first := make([]uint32, len(columns))
	empty, next := len(dst.Dict) == 0, uint32(1)
	for i, c := range columns {
		typ := c.typ
		if c.kind < kindAttr {
			typ = telemetry.ValueString
		}
		switch {
		case c.class() == classNone || c.enc == encConst:
			first[i] = next
			next++
			if empty {
				dst.Dict = append(dst.Dict, telemetry.RawValue(typ, c.low, ""))
			}
		case c.enc == encDict:
			first[i] = next
			next += uint32(c.entries)
			if !empty {
				continue
			}
			entries, err := b.dict(c)
			if err != nil {
				return nil, err
			}
			for e := range c.entries {
				if entries.strs != nil {
					dst.Dict = append(dst.Dict, telemetry.RawValue(typ, 0, entries.strs.At(e)))
				} else {
					dst.Dict = append(dst.Dict, telemetry.RawValue(typ, entries.nums[e], ""))
				}
			}
		}
	}
	return first, nil
}

// anyCoder is for an attribute of the span or else of its resource.
func (b *block) anyCoder(d *directory, key string, dst *scan.Codes) (pageCoder, error) {
	span, err := b.attrCoder(d, d.attrs[spaceSpan][key], dst)
	if err != nil {
		return nil, err
	}
	resource, err := b.resourceCoder(d, key, dst)
	if err != nil {
		return nil, err
	}
	var other []uint32
	return func(p, lo, hi int, out []uint32) error {
		if err := span(p, lo, hi, out); err != nil {
			return err
		}
		other = slices.Grow(other[:0], len(out))[:len(out)]
		if err := resource(p, lo, hi, other); err != nil {
			return err
		}
		for i, c := range out {
			if c == 0 {
				out[i] = other[i]
			}
		}
		return nil
	}, nil
}

// attrCoder is for the columns, one a type, of one attribute key of spans.
func (b *block) attrCoder(d *directory, columns []*columnInfo, dst *scan.Codes) (pageCoder, error) {
	if len(columns) == 0 {
		return func(_, _, _ int, out []uint32) error {
			clear(out)
			return nil
		}, nil
	}
	sh, err := b.shapes(d)
	if err != nil {
		return nil, err
	}
	places := placesOf(columns, sh.lists[spaceSpan])
	base, err := b.firstCodes(columns, dst)
	if err != nil {
		return nil, err
	}
	return func(p, lo, hi int, out []uint32) error {
		shapes, err := b.fixedValues(d, kindShape, p, hi)
		if err != nil {
			return err
		}
		for i := range out {
			out[i] = 0
		}
		for i, c := range columns {
			if err := b.attrCodes(c, p, &places[i], &shapes, lo, base[i], dst, out); err != nil {
				return err
			}
		}
		return nil
	}, nil
}

// keyPlaces says by shape how many values an element takes from a column, and
// whether the first of them is the key's.
type keyPlaces struct {
	counts []uint32
	first  []bool
}

func placesOf(columns []*columnInfo, lists [][]uint32) []keyPlaces {
	places := make([]keyPlaces, len(columns))
	for i := range places {
		places[i] = keyPlaces{make([]uint32, len(lists)), make([]bool, len(lists))}
	}
	for shape, list := range lists {
		seen := false
		for _, position := range list {
			for i, c := range columns {
				if uint32(c.position) == position {
					places[i].first[shape] = places[i].first[shape] || !seen
					places[i].counts[shape]++
					seen = true
				}
			}
		}
	}
	return places
}

// attrCodes fills in the codes of the rows whose value is in column c.
func (b *block) attrCodes(c *columnInfo, p int, k *keyPlaces, shapes *values, lo int, base uint32, dst *scan.Codes, out []uint32) error {
	v, err := b.values(c, p)
	if err != nil {
		return err
	}
	next := 0 // the next value of the page
	for i := range lo {
		next += int(k.counts[shapes.code(i)])
	}
	for i := range out {
		shape := shapes.code(lo + i)
		n := int(k.counts[shape])
		if n == 0 {
			continue
		}
		if !v.has(next + n) {
			return b.corruptPage(c, p)
		}
		if k.first[shape] {
			switch {
			case base == 0:
				out[i] = dst.Code(v.value(next))
			case v.page == nil:
				out[i] = base
			default:
				out[i] = base + v.page.codes.At(next)
			}
		}
		next += n
	}
	return nil
}

// Parents implements [scan.Lineage].
func (b *block) Parents(lo, hi int, dst []uint32) ([]uint32, error) {
	if err := b.checkRange(lo, hi); err != nil {
		return nil, err
	}
	d, err := b.dir()
	if err != nil {
		return nil, err
	}
	dst = slices.Grow(dst[:0], hi-lo)[:hi-lo]
	for out := dst; len(out) > 0; {
		p := lo / b.r.footer.pageRows
		first, last := b.pageRows(p)
		n := min(hi, last) - lo
		v, err := b.fixedValues(d, kindParent, p, lo+n-first)
		if err != nil {
			return nil, err
		}
		v.codesInto(lo-first, 0, out[:n])
		for i, code := range out[:n] {
			switch {
			case code == 1:
				out[i] = scan.ParentElsewhere
			case code > 1:
				if out[i] = code - 1; int(out[i]) > lo+i {
					return nil, b.corruptPage(d.byKind[kindParent], p)
				}
			}
		}
		lo, out = lo+n, out[n:]
	}
	return dst, nil
}
