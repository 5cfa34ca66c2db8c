package column

import "math"

// Templates are decoded templates, see [Texts]; they are immutable. A block may
// have thousands of lines and lists of them, so they hold no pointers that the
// garbage collector would have to follow.
type Templates struct {
	text   string // of all lines
	list   []template
	parts  []part  // of all templates
	fields []field // of all parts
}

// template is what the values with one code have in common.
type template struct {
	first, last uint32 // parts [first, last)
	bits        uint   // of all fields
	fixed       int    // bytes of text between its slots
	most        int    // bytes of text, but for literals
	texts       int    // literals
}

// part is text followed by a slot, 0 if there is none.
type part struct {
	from, to  uint32 // the text, in that of the templates
	field     uint32 // the first of slotFields
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
	return len(t.text) + 40*len(t.list) + 16*(len(t.parts)+len(t.fields))
}

// DecodeTemplates reads what AppendTemplates wrote, at most limit templates.
// The result may alias src.
func DecodeTemplates(src []byte, limit int) (*Templates, error) {
	c := Cursor{B: src}
	lines, err := decodePlain(c.Sized(), len(src))
	if c.Err != nil || err != nil {
		return nil, ErrCorrupt
	}
	cut, err := cutLines(lines)
	if err != nil {
		return nil, err
	}
	t := &Templates{text: lines.data, list: make([]template, c.Count(min(limit, len(c.B))))}
	lengths := make([]int, len(t.list))
	var elements []uint32
	for i := range lengths {
		lengths[i] = c.Count(len(c.B))
		for range lengths[i] {
			elements = append(elements, uint32(c.Count(lines.Len())))
		}
	}
	total := 0
	for _, e := range elements {
		total++
		if e > 0 {
			total += len(cut.of(int(e-1))) - 1
		}
	}
	if total > len(src) { // an element takes a byte at least, and so do the bounds of a slot
		return nil, ErrCorrupt
	}
	t.parts = make([]part, 0, total)
	t.fields = make([]field, 0, len(c.B)/2) // of at least 2 bytes each
	for i, n := range lengths {
		x := &t.list[i]
		x.first = uint32(len(t.parts))
		for _, e := range elements[:n] {
			if e == 0 {
				t.parts = append(t.parts, part{slot: slotLiteral})
				x.texts++
				continue
			}
			t.line(x, cut.of(int(e-1)), &c)
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

// lineParts are lines cut at their slots, once for all templates they are in.
type lineParts struct {
	parts []part
	ends  []uint32 // by line
}

func (l *lineParts) of(line int) []part {
	first := uint32(0)
	if line > 0 {
		first = l.ends[line-1]
	}
	return l.parts[first:l.ends[line]]
}

func cutLines(lines *Strings) (*lineParts, error) {
	out := &lineParts{ends: make([]uint32, 0, lines.Len())}
	for i := range lines.Len() {
		from, end := lines.offs[i], lines.offs[i+1]-lines.end
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
				return nil, ErrCorrupt
			}
			from = min(at+1, end)
			out.parts = append(out.parts, p)
		}
		if from < end {
			out.parts = append(out.parts, part{from: from, to: end})
		}
		out.ends = append(out.ends, uint32(len(out.parts)))
	}
	return out, nil
}

// line appends the parts of a line to template x and reads the bounds of their
// fields.
func (t *Templates) line(x *template, parts []part, c *Cursor) {
	for _, p := range parts {
		x.fixed += int(p.to - p.from)
		x.most += int(p.to - p.from)
		if p.slot != 0 {
			p.field = uint32(len(t.fields))
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
			x.most += slotSize(p.slot, p.arg, t.fields[p.field].most())
		}
		t.parts = append(t.parts, p)
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
