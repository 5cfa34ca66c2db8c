package column

import "encoding/binary"

// Templates is how many templates AppendTemplates writes.
func (t *Texts) Templates() int {
	n := 0
	for i := range t.templates {
		if t.templates[i].count > 0 {
			n++
		}
	}
	return n
}

// AppendTemplates writes the templates: the lines, then for each template how
// many elements it has and which, then for each of its fields least value and
// bits.
func (t *Texts) AppendTemplates(dst []byte, e *Encoder) []byte {
	t.strs = t.strs[:0]
	for i := range t.lines {
		if p := int(t.lines[i].place); p > 0 {
			t.strs = append(t.strs, make([]string, max(p-len(t.strs), 0))...)
			t.strs[p-1] = t.lines[i].text
		}
	}
	lines := e.Strings(nil, t.strs)
	dst = binary.AppendUvarint(dst, uint64(len(lines)))
	dst = append(dst, lines...)
	dst = binary.AppendUvarint(dst, uint64(t.Templates()))
	for i := range t.templates {
		if t.templates[i].count == 0 {
			continue
		}
		list := t.list(i)
		dst = binary.AppendUvarint(dst, uint64(len(list)))
		for _, e := range list {
			place := uint32(0)
			if e > 0 {
				place = t.lines[e-1].place
			}
			dst = binary.AppendUvarint(dst, uint64(place))
		}
	}
	for i := range t.templates {
		if t.templates[i].count == 0 {
			continue
		}
		for _, b := range t.boundsOf(i) {
			dst = append(dst, byte(bitLen(b.high-b.low)))
			dst = binary.AppendUvarint(dst, b.low)
		}
	}
	return dst
}

func (t *Texts) boundsOf(i int) []bound {
	end := len(t.bounds)
	if i+1 < len(t.templates) {
		end = int(t.templates[i+1].bound)
	}
	return t.bounds[t.templates[i].bound:end]
}

// AppendPage writes a page of the values with the given numbers, counted
// from the first that was added: the codes of their templates, the texts that are in none, each
// preceded by its size, and the bits of the fields. The values together must not
// be longer than MaxTexts; head is as in [Encoder.Ints].
func (t *Texts) AppendPage(dst []byte, e *Encoder, numbers []uint32) (out []byte, head int) {
	t.codes, t.strs = t.codes[:0], t.strs[:0]
	var w bitWriter
	for _, i := range numbers {
		v := &t.values[i]
		t.codes = append(t.codes, t.templates[v.code].code)
		if v.copied {
			t.strs = append(t.strs, v.s)
			continue
		}
		t.value(int(i), &w)
	}
	codes := AppendCodes(nil, t.codes)
	dst = binary.AppendUvarint(dst, uint64(len(codes)))
	dst = append(dst, codes...)
	texts := e.Strings(nil, t.strs)
	dst = binary.AppendUvarint(dst, uint64(len(texts)))
	dst = append(dst, texts...)
	return append(dst, w.flush()...), len(dst)
}

// value writes the fields of a value to w and adds its literals to t.strs.
func (t *Texts) value(i int, w *bitWriter) {
	v := &t.values[i]
	at, field, pos := t.templates[v.code].bound, v.field, uint32(0)
	open := -1 // where the literal began
	for _, p := range t.of(i) {
		kept := t.element(p) > 0
		if kept && open >= 0 {
			t.strs = append(t.strs, v.s[open:pos])
			open = -1
		} else if !kept && open < 0 {
			open = int(pos)
		}
		pos += p.size
		if p.line == 0 {
			continue
		}
		n := uint32(t.lines[p.line-1].fields)
		if kept {
			for _, x := range t.fields[field : field+n] {
				b := t.bounds[at]
				w.put(x-b.low, bitLen(b.high-b.low))
				at++
			}
		}
		field += n
	}
	if open >= 0 {
		t.strs = append(t.strs, v.s[open:])
	}
}
