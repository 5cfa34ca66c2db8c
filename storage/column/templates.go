package column

import "math"

// Templates are decoded templates, see [Texts]; they are immutable.
type Templates struct {
	list   []template
	parts  []part  // of all templates
	fields []field // of all parts
}

// template is what the values with one code have in common.
type template struct {
	first, last uint32 // parts [first, last)
	bits        uint   // of all fields
	most        int    // bytes of text, but for literals
	texts       int    // literals
}

// part is text followed by a slot, 0 if there is none.
type part struct {
	text      string
	slot, arg byte
	field     uint32 // the first of slotFields
}

type field struct {
	low   uint64
	width uint8
}

// Len is the number of templates.
func (t *Templates) Len() int { return len(t.list) }

// Size is about the memory t holds, in bytes.
func (t *Templates) Size() int { return 64*(len(t.list)+len(t.parts)) + 16*len(t.fields) }

// DecodeTemplates reads what AppendTemplates wrote, at most limit templates.
// The result may alias src.
func DecodeTemplates(src []byte, limit int) (*Templates, error) {
	c := Cursor{B: src}
	lines, err := DecodeStrings(c.Sized(), len(src))
	if c.Err != nil || err != nil {
		return nil, ErrCorrupt
	}
	t := &Templates{list: make([]template, c.Count(min(limit, len(c.B))))}
	lengths := make([]int, len(t.list))
	var elements []uint32
	for i := range lengths {
		lengths[i] = c.Count(len(c.B))
		for range lengths[i] {
			elements = append(elements, uint32(c.Count(lines.Len())))
		}
	}
	for i, n := range lengths {
		x := &t.list[i]
		x.first = uint32(len(t.parts))
		for _, e := range elements[:n] {
			if e == 0 {
				t.parts = append(t.parts, part{slot: slotLiteral})
				x.texts++
				continue
			}
			t.line(x, lines.At(int(e-1)), &c)
			if c.Err != nil {
				return nil, c.Err
			}
		}
		elements = elements[n:]
		x.last = uint32(len(t.parts))
	}
	if c.Err != nil || len(c.B) != 0 {
		return nil, ErrCorrupt
	}
	return t, nil
}

// line appends a line to template x and reads the bounds of its fields.
func (t *Templates) line(x *template, text string, c *Cursor) {
	from := 0
	for i := 0; i < len(text) && c.Err == nil; i++ {
		slot := text[i]
		if byteClass[slot] != isSlot {
			continue
		}
		p := part{text: text[from:i], slot: slot, field: uint32(len(t.fields))}
		if hasArg(slot) {
			if i++; i < len(text) {
				p.arg = text[i]
			}
		}
		from = min(i+1, len(text))
		if slot == 0 || slot == slotLiteral || !validSlot(slot, p.arg) {
			c.Fail()
			return
		}
		for range slotFields(slot, p.arg) {
			f := field{width: c.Byte(), low: c.Uvarint()}
			if f.width > 64 {
				c.Fail()
				return
			}
			t.fields = append(t.fields, f)
			x.bits += uint(f.width)
		}
		x.most += len(p.text) + slotSize(slot, p.arg, t.fields[p.field].most())
		t.parts = append(t.parts, p)
	}
	if from < len(text) {
		x.most += len(text) - from
		t.parts = append(t.parts, part{text: text[from:]})
	}
}

// most is the greatest value of a field.
func (f field) most() uint64 {
	if v := f.low + mask(uint(f.width)); v >= f.low {
		return v
	}
	return math.MaxUint64
}

// DecodeTexts reads a page of at most limit values that AppendPage wrote.
func DecodeTexts(src []byte, t *Templates, limit int) (*Strings, error) {
	c := Cursor{B: src}
	codes, err := DecodeCodes(c.Sized(), limit, uint32(max(t.Len(), 1)-1))
	if err != nil || t.Len() == 0 {
		return nil, ErrCorrupt
	}
	literals, err := DecodeStrings(c.Sized(), len(src))
	if c.Err != nil || err != nil {
		return nil, ErrCorrupt
	}
	most, bits, texts := len(literals.data), uint(0), 0
	for i := range codes.Len() {
		x := &t.list[codes.At(i)]
		most = min(most+x.most, MaxTexts) // a text may be shorter than its template allows
		texts += x.texts
		if bits += x.bits; bits > 8*uint(len(c.B)) {
			return nil, ErrCorrupt
		}
	}
	if texts != literals.Len() {
		return nil, ErrCorrupt
	}
	d := textDecoder{t: t, bits: c.B, literals: literals, out: make([]byte, 0, most)}
	offs := make([]uint32, codes.Len()+1)
	for i := range codes.Len() {
		if d.value(&t.list[codes.At(i)]); len(d.out) > MaxTexts {
			return nil, ErrCorrupt
		}
		offs[i+1] = uint32(len(d.out))
	}
	return &Strings{data: alias(d.out), offs: offs}, nil
}

// textDecoder is where reading a page has got to.
type textDecoder struct {
	t        *Templates
	bits     []byte
	pos      uint
	literals *Strings
	literal  int
	out      []byte
}

func (d *textDecoder) value(x *template) {
	var fields [maxHex / 16]uint64
	for i := x.first; i < x.last; i++ {
		p := &d.t.parts[i]
		d.out = append(d.out, p.text...)
		switch p.slot {
		case 0:
			continue
		case slotLiteral:
			d.out = append(d.out, d.literals.At(d.literal)...)
			d.literal++
			continue
		}
		for k, f := range d.t.fields[p.field:][:slotFields(p.slot, p.arg)] {
			fields[k] = f.low
			if f.width > 0 {
				fields[k] += bitsAt(d.bits, d.pos, uint(f.width))
				d.pos += uint(f.width)
			}
		}
		d.out = appendSlot(d.out, p.slot, p.arg, fields[:])
	}
}
