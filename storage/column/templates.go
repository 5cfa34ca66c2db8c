package column

import "math"

// Templates are decoded templates, see [Texts]; they are immutable. A block may
// have thousands of lines and lists of them, so they hold no pointers that the
// garbage collector would have to follow.
type Templates struct {
	text     string // of all lines
	list     []template
	elements []uint32 // of all templates: 0 literal, else place of the line + 1
	lines    []line
	parts    []part  // of all lines
	fields   []field // of all templates
}

// template is what the values with one code have in common.
type template struct {
	first, last uint32 // elements [first, last)
	field       uint32 // the first of those of all its slots
	bits        uint   // of all fields
	fixed       int    // bytes of text between its slots
	most        int    // bytes of text, but for literals
	texts       int    // literals
}

// line is a line as part of templates.
type line struct {
	first, last uint32 // parts [first, last)
	fixed       uint32 // bytes of text between its slots
	slots       bool   // it has some
}

// part is text followed by a slot, 0 if there is none.
type part struct {
	from, to  uint32 // the text, in that of the templates
	slot, arg byte
}

type field struct {
	low   uint64
	width uint8
}

// Len is the number of templates.
func (t *Templates) Len() int { return len(t.list) }

// Size is about the memory t holds, in bytes.
func (t *Templates) Size() int {
	return len(t.text) + 48*len(t.list) + 4*len(t.elements) + 16*(len(t.lines)+len(t.parts)+len(t.fields))
}

// DecodeTemplates reads what AppendTemplates wrote, at most limit templates.
// The result may alias src.
func DecodeTemplates(src []byte, limit int) (*Templates, error) {
	c := Cursor{B: src}
	lines, err := decodePlain(c.Sized(), len(src))
	if c.Err != nil || err != nil {
		return nil, ErrCorrupt
	}
	t := &Templates{text: lines.data}
	if err := t.cutLines(lines); err != nil {
		return nil, err
	}
	t.list = make([]template, c.Count(min(limit, len(c.B))))
	t.elements = make([]uint32, 0, len(c.B)/2) // nearly all of 2 bytes
	for i := range t.list {
		x := &t.list[i]
		x.first = uint32(len(t.elements))
		for range c.Count(len(c.B)) {
			t.elements = append(t.elements, uint32(c.Count(lines.Len())))
		}
		x.last = uint32(len(t.elements))
	}
	t.fields = make([]field, 0, len(c.B)/2) // of at least 2 bytes each
	for i := range t.list {
		x := &t.list[i]
		x.field = uint32(len(t.fields))
		for _, e := range t.elements[x.first:x.last] {
			if e == 0 {
				x.texts++
				continue
			}
			if t.bounds(x, &t.lines[e-1], &c); c.Err != nil {
				return nil, c.Err
			}
		}
	}
	if c.Err != nil || len(c.B) != 0 {
		return nil, ErrCorrupt
	}
	return t, nil
}

// cutLines fills lines and parts.
func (t *Templates) cutLines(lines *Strings) error {
	t.lines = make([]line, 0, lines.Len())
	for i := range lines.Len() {
		from, end := lines.offs[i], lines.offs[i+1]-lines.end
		l := line{first: uint32(len(t.parts))}
		for at := from; at < end; at++ {
			slot := lines.data[at]
			if byteClass[slot] != isSlot {
				continue
			}
			p := part{from: from, to: at, slot: slot}
			if hasArg(slot) {
				if at++; at < end {
					p.arg = lines.data[at]
				}
			}
			if slot == 0 || slot == slotLiteral || !validSlot(slot, p.arg) {
				return ErrCorrupt
			}
			from = min(at+1, end)
			l.fixed += p.to - p.from
			l.slots = true
			t.parts = append(t.parts, p)
		}
		if from < end {
			l.fixed += end - from
			t.parts = append(t.parts, part{from: from, to: end})
		}
		if l.last = uint32(len(t.parts)); l.first == l.last { // it would take no bytes, but time
			return ErrCorrupt
		}
		t.lines = append(t.lines, l)
	}
	return nil
}

// bounds takes a line into template x and reads the bounds of its fields. Most
// lines of most texts have none, so that a template costs little.
func (t *Templates) bounds(x *template, l *line, c *Cursor) {
	x.fixed += int(l.fixed)
	x.most += int(l.fixed)
	if !l.slots {
		return
	}
	for _, p := range t.parts[l.first:l.last] {
		if p.slot == 0 {
			continue
		}
		first := len(t.fields)
		for range slotFields(p.slot, p.arg) {
			f := field{width: c.Byte(), low: c.Uvarint()}
			if f.width > 64 {
				c.Fail()
			}
			t.fields = append(t.fields, f)
			x.bits += uint(f.width)
		}
		if c.Err != nil {
			return
		}
		x.most += slotSize(p.slot, p.arg, t.fields[first].most())
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
	p, err := DecodePacked(src, t, limit)
	if err != nil {
		return nil, err
	}
	d := textDecoder{Packed: p, out: make([]byte, 0, p.most)}
	offs := make([]uint32, p.Len()+1)
	for i := range p.Len() {
		if d.value(&t.list[p.codes.At(i)]); len(d.out) > MaxTexts {
			return nil, ErrCorrupt
		}
		offs[i+1] = uint32(len(d.out))
	}
	return &Strings{data: alias(d.out), offs: offs}, nil
}
