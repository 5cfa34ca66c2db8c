package column

import (
	"encoding/binary"
	"math"
	"strings"
)

// When a text becomes part of the templates of a column, which every reader
// of any of its pages needs: it occurs often enough to pay for that.
const (
	lineRepeats     = 4
	templateRepeats = 3
	longText        = 128 // of lines that other texts have too: a template even if it occurs once
	// trialTexts is after how many texts it is asked whether templates help.
	trialTexts   = 512
	maxTemplates = 1 << 13
	maxLines     = 1 << 13
)

// MaxTexts is the most bytes of text that a page in the form of templates may
// stand for, so that a small file can not ask for much memory.
const MaxTexts = 16 << 20

// Texts finds what the values of a column of texts have in common. Lines that
// are the same but for their numbers, UUIDs and hexadecimal digits are one
// template, a value is a list of lines and, of each place of its numbers, bits
// above the least number there in the block. So the frames of a stack trace,
// the words of a statement and the host of an URL are stored once a block, and
// a number that is always the same takes no bits at all.
//
// It is used by one goroutine: Reset, Add for each value, Settle, then
// AppendTemplates and AppendPage. The strings must not change until then.
type Texts struct {
	text    []byte
	known   map[string]uint32 // of lines
	seen    map[string]seenLine
	lines   []textLine
	pieces  []piece // of all values
	fields  []uint64
	values  []textValue
	bytes   int
	literal int // bytes that are in no template

	lists     map[string]uint32 // of templates
	templates []textTemplate
	elements  []uint32 // of all templates: 0 literal, else place of the line + 1
	bounds    []bound  // of all templates: one for each field
	codes     []uint32
	strs      []string
	key       []byte
}

// textLine is a line as part of templates.
type textLine struct {
	text   string
	fields int
	count  int
	place  uint32 // among the lines that are written, + 1
}

// seenLine is what was made of a line of a text.
type seenLine struct {
	line  uint32 // as that of a piece
	field uint32 // the first
}

// piece is a line of a value.
type piece struct {
	line uint32 // place in lines + 1; 0 if it is none
	size uint32 // of the text
}

type textValue struct {
	s      string
	piece  uint32 // the first; the last is before the next value's
	field  uint32
	code   uint32
	copied bool
}

type textTemplate struct {
	element, bound uint32 // first
	count          int
	code           uint32
}

type bound struct{ low, high uint64 }

// Reset forgets all.
func (t *Texts) Reset() {
	if t.known == nil {
		t.known, t.seen, t.lists = make(map[string]uint32), make(map[string]seenLine), make(map[string]uint32)
	}
	clear(t.known)
	clear(t.seen)
	clear(t.lists)
	clear(t.values)
	clear(t.lines)
	clear(t.strs[:cap(t.strs)])
	t.lines, t.pieces, t.fields, t.values = t.lines[:0], t.pieces[:0], t.fields[:0], t.values[:0]
	t.templates, t.elements, t.bounds = t.templates[:0], t.elements[:0], t.bounds[:0]
	t.bytes, t.literal = 0, 0
}

// Add adds a value. It reports whether templates may still help: after false
// the column is better stored as it is.
func (t *Texts) Add(s string) bool {
	t.values = append(t.values, textValue{s: s, piece: uint32(len(t.pieces)), field: uint32(len(t.fields))})
	t.bytes += len(s)
	for len(s) > 0 {
		s = s[t.cut(s):]
	}
	if len(t.values) == trialTexts && len(t.lines) > len(t.pieces)/2 {
		return false
	}
	return len(t.fields) < math.MaxInt32 && len(t.pieces) < math.MaxInt32
}

// cut adds the first line of s and returns its size. Lines of a text of several
// often occur as they are in others, and are cut once then.
func (t *Texts) cut(s string) (size int) {
	fields := len(t.fields)
	end := strings.IndexByte(s, '\n') + 1
	if end > 0 {
		if l, ok := t.seen[s[:end]]; ok {
			if l.line > 0 {
				t.lines[l.line-1].count++
				t.fields = append(t.fields, t.fields[l.field:][:t.lines[l.line-1].fields]...)
			}
			t.pieces = append(t.pieces, piece{l.line, uint32(end)})
			return end
		}
	}
	var ok bool
	size, ok, t.text, t.fields = cutLine(s, t.text[:0], t.fields)
	id := uint32(0)
	if ok {
		id = t.line(len(t.fields) - fields)
	}
	if id == 0 {
		t.fields = t.fields[:fields]
	}
	t.pieces = append(t.pieces, piece{id, uint32(size)})
	if end > 0 && len(t.seen) < maxLines {
		t.seen[s[:end]] = seenLine{id, uint32(fields)}
	}
	return size
}

// line counts the line in t.text and returns its number, or 0 if there are
// too many.
func (t *Texts) line(fields int) uint32 {
	id, ok := t.known[string(t.text)]
	if !ok {
		if len(t.lines) == maxLines {
			return 0
		}
		text := string(t.text)
		t.lines = append(t.lines, textLine{text: text, fields: fields})
		id = uint32(len(t.lines))
		t.known[text] = id
	}
	t.lines[id-1].count++
	return id
}

// of are the pieces of value i.
func (t *Texts) of(i int) []piece {
	end := len(t.pieces)
	if i+1 < len(t.values) {
		end = int(t.values[i+1].piece)
	}
	return t.pieces[t.values[i].piece:end]
}

// Settle decides what the templates are. It reports whether the column should
// be stored by them.
func (t *Texts) Settle() bool {
	for i := range t.values {
		t.key = t.key[:0]
		for _, p := range t.of(i) {
			t.key = appendElement(t.key, t.element(p))
		}
		t.template(&t.values[i], t.key)
	}
	t.key = appendElement(t.key[:0], 0)
	long := math.MaxInt // from which length on a rare text is a template too
	if len(t.templates) <= len(t.values)/4 {
		long = longText
	}
	for i := range t.values {
		v := &t.values[i]
		if v.copied = t.templates[v.code].count < templateRepeats && len(v.s) < long; v.copied {
			t.template(v, t.key)
		}
		if t.measure(i); t.literal > t.bytes/2 {
			return false
		}
	}
	if len(t.templates) > len(t.values)/2+16 || t.literal > t.bytes/2 {
		return false
	}
	t.number()
	return true
}

// Literal is how many bytes of all values are in no template.
func (t *Texts) Literal() int { return t.literal }

// element is how a piece is written in a list of lines.
func (t *Texts) element(p piece) uint32 {
	if p.line == 0 || t.lines[p.line-1].count < lineRepeats {
		return 0
	}
	return p.line
}

// appendElement adds an element to a key; literals that follow each other are
// one.
func appendElement(key []byte, e uint32) []byte {
	if n := len(key); e == 0 && n >= 4 && binary.LittleEndian.Uint32(key[n-4:]) == 0 {
		return key
	}
	return binary.LittleEndian.AppendUint32(key, e)
}

// template gives v the template with the given elements.
func (t *Texts) template(v *textValue, key []byte) {
	code, ok := t.lists[string(key)]
	if !ok {
		code = uint32(len(t.templates))
		t.lists[string(key)] = code
		t.templates = append(t.templates, textTemplate{element: uint32(len(t.elements)), bound: uint32(len(t.bounds))})
		for ; len(key) > 0; key = key[4:] {
			e := binary.LittleEndian.Uint32(key)
			t.elements = append(t.elements, e)
			if e > 0 {
				for range t.lines[e-1].fields {
					t.bounds = append(t.bounds, bound{low: math.MaxUint64})
				}
			}
		}
	}
	t.templates[code].count++
	v.code = code
}

// measure takes value i into its template's bounds.
func (t *Texts) measure(i int) {
	v := &t.values[i]
	if v.copied {
		t.literal += len(v.s)
		return
	}
	at, field := t.templates[v.code].bound, v.field
	for _, p := range t.of(i) {
		if p.line == 0 {
			t.literal += int(p.size)
			continue
		}
		n := uint32(t.lines[p.line-1].fields)
		if t.element(p) == 0 {
			t.literal += int(p.size)
			field += n
			continue
		}
		for _, x := range t.fields[field : field+n] {
			b := &t.bounds[at]
			b.low, b.high = min(b.low, x), max(b.high, x)
			at++
		}
		field += n
	}
}

// number gives codes to the templates and places to the lines that are in use.
func (t *Texts) number() {
	for i := range t.templates {
		t.templates[i].count = 0
	}
	for i := range t.values {
		t.templates[t.values[i].code].count++
	}
	codes, places := uint32(0), uint32(0)
	for i := range t.templates {
		if t.templates[i].count == 0 {
			continue
		}
		t.templates[i].code = codes
		codes++
		for _, e := range t.list(i) {
			if e > 0 && t.lines[e-1].place == 0 {
				places++
				t.lines[e-1].place = places
			}
		}
	}
}

// list are the elements of template i.
func (t *Texts) list(i int) []uint32 {
	end := len(t.elements)
	if i+1 < len(t.templates) {
		end = int(t.templates[i+1].element)
	}
	return t.elements[t.templates[i].element:end]
}
