package column

// Packed is a vector of texts as it is stored by templates, see [Texts]: a
// reader of a few values makes just these. It is immutable.
type Packed struct {
	t        *Templates
	codes    Codes
	bits     []byte
	literals *Strings
	places   []textPlace // of each packedStep-th value
	most     int         // bytes that all values together may have
	own      bool        // nobody else has the templates
}

// textPlace is where a value begins.
type textPlace struct {
	bit     uint
	literal int
}

// packedStep is how many values are passed over at most to reach one. That
// costs less than making one.
const packedStep = 16

// DecodePacked reads a page of at most limit values that AppendPage wrote. The
// result aliases src, and so do its values in part.
func DecodePacked(src []byte, t *Templates, limit int) (*Packed, error) {
	c := Cursor{B: src}
	codes, err := DecodeCodes(c.Sized(), limit, uint32(max(t.Len(), 1)-1))
	if err != nil || t.Len() == 0 {
		return nil, ErrCorrupt
	}
	literals, err := decodePlain(c.Sized(), len(src))
	if c.Err != nil || err != nil {
		return nil, ErrCorrupt
	}
	p := &Packed{t: t, codes: codes, bits: c.B, literals: literals, most: len(literals.data)}
	fixed := 0
	var at textPlace
	for i := range codes.Len() {
		if i%packedStep == 0 {
			p.places = append(p.places, at)
		}
		x := &t.list[codes.At(i)]
		p.most = min(p.most+x.most, MaxTexts) // a text may be shorter than its template allows
		at.literal += x.texts
		fixed += x.fixed
		if at.bit += x.bits; at.bit > 8*uint(len(c.B)) || fixed > MaxTexts {
			return nil, ErrCorrupt
		}
	}
	if at.literal != literals.Len() {
		return nil, ErrCorrupt
	}
	return p, nil
}

// Len is the number of values.
func (p *Packed) Len() int { return p.codes.Len() }

// Size is the memory p holds, in bytes, with the templates only where nobody
// else has them.
func (p *Packed) Size() int {
	n := len(p.codes.B) + 4*len(p.codes.W) + len(p.bits) + p.literals.Size() + 16*len(p.places)
	if p.own {
		n += p.t.Size()
	}
	return n
}

// At makes value i.
func (p *Packed) At(i int) string {
	d := textDecoder{Packed: p, textPlace: p.places[i/packedStep]}
	for k := i &^ (packedStep - 1); k < i; k++ {
		x := &p.t.list[p.codes.At(k)]
		d.bit += x.bits
		d.literal += x.texts
	}
	x := &p.t.list[p.codes.At(i)]
	size := min(x.most, MaxTexts)
	for k := range x.texts {
		size += len(p.literals.At(d.literal + k))
	}
	d.out = make([]byte, 0, size)
	d.value(x)
	return alias(d.out)
}

// textDecoder is where reading a page has got to.
type textDecoder struct {
	*Packed
	textPlace
	out []byte
}

func (d *textDecoder) value(x *template) {
	field := x.field
	for _, e := range d.t.elements[x.first:x.last] {
		if e > 0 {
			field = d.line(&d.t.lines[e-1], field)
			continue
		}
		d.out = append(d.out, d.literals.At(d.literal)...)
		d.literal++
	}
}

// line makes a line whose fields begin at field, and returns where those of the
// next one begin.
func (d *textDecoder) line(l *line, field uint32) uint32 {
	var values [maxHex / 16]uint64
	for i := l.first; i < l.last; i++ {
		p := &d.t.parts[i]
		d.out = append(d.out, d.t.text[p.from:p.to]...)
		if p.slot == 0 {
			continue
		}
		fields := d.t.fields[field:][:slotFields(p.slot, p.arg)]
		for k, f := range fields {
			values[k] = f.low
			if f.width > 0 {
				values[k] += bitsAt(d.bits, d.bit, uint(f.width))
				d.bit += uint(f.width)
			}
		}
		field += uint32(len(fields))
		d.out = appendSlot(d.out, p.slot, p.arg, values[:])
	}
	return field
}
