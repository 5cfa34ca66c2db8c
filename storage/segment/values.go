package segment

import (
	"strconv"
	"strings"

	"github.com/kiseki-dev/kiseki/storage/scan"
	"github.com/kiseki-dev/kiseki/telemetry"
)

// maxRawValues is how many values without a dictionary one call of Values
// looks at: enough to fill a list of suggestions, far from reading a segment.
const maxRawValues = 1 << 18

// Values implements [scan.Source]. Span counts are not known.
func (r *Reader) Values(field scan.Field, prefix string, f func(value string, spans uint64) bool) error {
	l := &valueLister{field: field, prefix: prefix, f: f, left: maxRawValues}
	for _, sb := range r.Blocks() {
		l.b = sb.(*block)
		d, err := l.b.dir()
		if err != nil {
			return err
		}
		if err := l.block(d); err != nil || l.done {
			return err
		}
	}
	return nil
}

// valueLister is one call of Values.
type valueLister struct {
	field  scan.Field
	prefix string
	f      func(string, uint64) bool
	b      *block
	left   int  // raw values that may still be looked at
	done   bool // f has enough
}

func (l *valueLister) add(v telemetry.Value) {
	if l.done {
		return
	}
	var s string
	switch v.Type() {
	case telemetry.ValueString:
		s = v.Str()
	case telemetry.ValueBool:
		s = strconv.FormatBool(v.Bool())
	case telemetry.ValueInt:
		s = strconv.FormatInt(v.Int(), 10)
	case telemetry.ValueDouble:
		s = strconv.FormatFloat(v.Double(), 'g', -1, 64)
	default:
		return
	}
	if strings.HasPrefix(s, l.prefix) {
		l.done = !l.f(s, 0)
	}
}

func (l *valueLister) block(d *directory) error {
	switch l.field.Scope {
	case scan.ScopeIntrinsic:
		return l.intrinsic(d)
	case scan.ScopeSpan:
		return l.columns(d.attrs[spaceSpan][l.field.Key])
	case scan.ScopeEvent:
		return l.columns(d.attrs[spaceEvent][l.field.Key])
	case scan.ScopeLink:
		return l.columns(d.attrs[spaceLink][l.field.Key])
	case scan.ScopeResource:
		return l.resources(d)
	case scan.ScopeAny:
		if err := l.columns(d.attrs[spaceSpan][l.field.Key]); err != nil {
			return err
		}
		return l.resources(d)
	case scan.ScopeInstrumentation:
		e, err := l.b.scopes(d)
		if err != nil {
			return err
		}
		l.attr(e)
	}
	return nil
}

func (l *valueLister) resources(d *directory) error {
	e, err := l.b.resources(d)
	if err != nil {
		return err
	}
	l.attr(e)
	return nil
}

func (l *valueLister) attr(e *entries) {
	for _, x := range e.list {
		if v, ok := x.lookup(l.field.Key); ok {
			l.add(v)
		}
	}
}

func (l *valueLister) intrinsic(d *directory) error {
	switch l.field.Intrinsic {
	case scan.IntrinsicName:
		return l.column(d.byKind[kindName])
	case scan.IntrinsicStatusMessage:
		return l.column(d.byKind[kindMessage])
	case scan.IntrinsicTraceState:
		return l.column(d.byKind[kindTraceState])
	case scan.IntrinsicEventName:
		return l.column(d.byKind[kindEventName])
	case scan.IntrinsicKind:
		return l.codes(d.byKind[kindKind], func(c uint32) string { return telemetry.Kind(c).String() })
	case scan.IntrinsicStatus:
		return l.codes(d.byKind[kindStatus], func(c uint32) string { return telemetry.Status(c).String() })
	case scan.IntrinsicScopeName, scan.IntrinsicScopeVersion:
		e, err := l.b.scopes(d)
		if err != nil {
			return err
		}
		for _, x := range e.list {
			if l.field.Intrinsic == scan.IntrinsicScopeName {
				l.add(telemetry.StringValue(x.scope.Name))
			} else {
				l.add(telemetry.StringValue(x.scope.Version))
			}
		}
	}
	return nil
}

func (l *valueLister) columns(cs []*columnInfo) error {
	for _, c := range cs {
		if err := l.column(c); err != nil {
			return err
		}
	}
	return nil
}

// column reports a column's dictionary, or what its pages hold.
func (l *valueLister) column(c *columnInfo) error {
	if c == nil || l.done {
		return nil
	}
	typ := c.typ
	if c.kind < kindAttr {
		typ = telemetry.ValueString
	}
	switch {
	case c.class() == classNone:
		return nil
	case c.enc == encConst:
		l.add(telemetry.RawValue(typ, c.low, ""))
		return nil
	case c.enc == encDict:
		dict, err := l.b.dict(c)
		if err != nil {
			return err
		}
		for i := 0; i < c.entries && !l.done; i++ {
			if dict.strs != nil {
				l.add(telemetry.RawValue(typ, 0, dict.strs.At(i)))
			} else {
				l.add(telemetry.RawValue(typ, dict.nums[i], ""))
			}
		}
		return nil
	}
	for p := 0; p < len(c.pages) && l.left > 0; p++ {
		v, err := l.b.values(c, p)
		if err != nil {
			return err
		}
		for i := 0; i < v.page.n && !l.done; i++ {
			if v.page.strs != nil {
				l.add(telemetry.RawValue(typ, 0, v.str(i)))
			} else {
				l.add(telemetry.RawValue(typ, v.num(i), ""))
			}
		}
		l.left -= v.page.n
	}
	return nil
}

// codes reports the names of the codes that occur.
func (l *valueLister) codes(c *columnInfo, name func(uint32) string) error {
	if c.constant() {
		l.add(telemetry.StringValue(name(uint32(c.low))))
		return nil
	}
	var seen [256]bool
	for _, code := range c.byForm {
		if code < 256 && !seen[code] {
			seen[code] = true
			l.add(telemetry.StringValue(name(code)))
		}
	}
	for p := range c.pages {
		pg, err := l.b.page(c, p)
		if err != nil {
			return err
		}
		for i := range pg.n {
			if code := pg.codes.At(i); code < 256 && !seen[code] {
				seen[code] = true
				l.add(telemetry.StringValue(name(code)))
			}
		}
	}
	return nil
}
