package column

import (
	"bytes"
	"encoding/binary"
	"math"
	"strings"
	"unsafe"
)

// The modes of an encoded vector of strings.
const (
	stringsEnded = iota
	stringsSized
	stringsPacked
)

// Strings is a decoded vector of strings; it is immutable. What At returns
// aliases it and keeps it alive.
type Strings struct {
	data string
	offs []uint32 // of the values' starts, and one more
	end  uint32   // bytes between the end of a value and the next start
}

// Len is the number of values.
func (s *Strings) Len() int { return max(len(s.offs), 1) - 1 }

// At is value i.
func (s *Strings) At(i int) string { return s.data[s.offs[i] : s.offs[i+1]-s.end] }

// Mark sets hit[i] to 1 for every value i that contains needle, which must not
// be empty.
func (s *Strings) Mark(needle string, hit []byte) {
	i := 0
	for at := 0; ; {
		n := strings.Index(s.data[at:], needle)
		if n < 0 {
			return
		}
		at += n
		for int(s.offs[i+1]) <= at {
			i++
		}
		if at+len(needle) > int(s.offs[i+1]-s.end) { // it goes beyond the value
			at++
			continue
		}
		hit[i] = 1
		at = int(s.offs[i+1])
	}
}

// Size is the memory s holds, in bytes.
func (s *Strings) Size() int { return len(s.data) + 4*len(s.offs) }

// Strings encodes v at the end of dst.
func (e *Encoder) Strings(dst []byte, v []string) []byte {
	dst = binary.AppendUvarint(dst, uint64(len(v)))
	ended := true
	for _, s := range v {
		if strings.IndexByte(s, 0) >= 0 {
			ended = false
			break
		}
	}
	if ended {
		dst = append(dst, stringsEnded)
		for _, s := range v {
			dst = append(dst, s...)
			dst = append(dst, 0)
		}
		return dst
	}
	dst = append(dst, stringsSized)
	for _, s := range v {
		dst = binary.AppendUvarint(dst, uint64(len(s)))
	}
	for _, s := range v {
		dst = append(dst, s...)
	}
	return dst
}

// packedLeast is how many strings make templates worth their own size.
const packedLeast = 64

// Packed is Strings for values that may be alike, as those of a dictionary are:
// it stores them by templates if that helps, see [Texts]. No two values are the
// same. head is as in Ints.
func (e *Encoder) Packed(dst []byte, v []string) (out []byte, head int) {
	if e.alike(v) {
		return e.AppendPacked(dst, &e.texts)
	}
	dst = e.Strings(dst, v)
	return dst, len(dst)
}

// alike finds the templates of v and reports whether they help.
func (e *Encoder) alike(v []string) bool {
	size := 0
	for _, s := range v {
		size += len(s)
	}
	if len(v) < packedLeast || size > MaxTexts {
		return false
	}
	e.texts.Reset()
	for _, s := range v {
		if !e.texts.Add(s) {
			return false
		}
	}
	return e.texts.Settle()
}

// AppendPacked writes all values of t, which is settled, as a vector of
// strings.
func (e *Encoder) AppendPacked(dst []byte, t *Texts) (out []byte, head int) {
	dst = binary.AppendUvarint(dst, uint64(len(t.values)))
	dst = append(dst, stringsPacked)
	templates := t.AppendTemplates(nil, e)
	dst = binary.AppendUvarint(dst, uint64(len(templates)))
	dst = append(dst, templates...)
	numbers := make([]uint32, len(t.values))
	for i := range numbers {
		numbers[i] = uint32(i)
	}
	return t.AppendPage(dst, e, numbers)
}

// Text is Strings for values that lie one after the other, each followed by a
// zero byte; lengths are theirs.
func (e *Encoder) Text(dst, values []byte, lengths []uint32) []byte {
	dst = binary.AppendUvarint(dst, uint64(len(lengths)))
	if bytes.Count(values, []byte{0}) == len(lengths) { // no value has one of its own
		return append(append(dst, stringsEnded), values...)
	}
	dst = append(dst, stringsSized)
	for _, n := range lengths {
		dst = binary.AppendUvarint(dst, uint64(n))
	}
	for _, n := range lengths {
		dst = append(dst, values[:n]...)
		values = values[n+1:]
	}
	return dst
}

// DecodeStrings reads a vector of at most limit strings, which alias src:
// src must not change any more.
func DecodeStrings(src []byte, limit int) (*Strings, error) {
	c := Cursor{B: src}
	n := c.Count(min(limit, MaxValues))
	mode := c.Byte()
	if c.Err != nil || len(src) > math.MaxUint32 || n > len(src) && mode != stringsPacked || n > 8*len(src) {
		return nil, ErrCorrupt
	}
	if mode == stringsPacked {
		templates, err := DecodeTemplates(c.Sized(), n)
		if c.Err != nil || err != nil {
			return nil, ErrCorrupt
		}
		s, err := DecodeTexts(c.B, templates, n)
		if err != nil || s.Len() != n {
			return nil, ErrCorrupt
		}
		return s, nil
	}
	return decodePlain(src, limit)
}

// decodePlain is DecodeStrings for what is not stored by templates. Templates
// themselves are not, so no file can nest them.
func decodePlain(src []byte, limit int) (*Strings, error) {
	c := Cursor{B: src}
	n := c.Count(min(limit, MaxValues))
	mode := c.Byte()
	if c.Err != nil || len(src) > math.MaxUint32 || n > len(src) {
		return nil, ErrCorrupt
	}
	switch mode {
	case stringsEnded:
		return decodeEnded(c.B, n)
	case stringsSized:
		offs := make([]uint32, n+1)
		total := 0
		for i := range n {
			total += c.Count(len(src))
			if total > len(src) {
				return nil, ErrCorrupt
			}
			offs[i+1] = uint32(total)
		}
		data := c.Bytes(total)
		if c.Err != nil {
			return nil, c.Err
		}
		return &Strings{data: alias(data), offs: offs}, nil
	}
	return nil, ErrCorrupt
}

// List is a decoded vector of strings in either form.
type List interface {
	Len() int
	At(i int) string
	Size() int // of its memory, in bytes
}

// DecodeList is DecodeStrings for who wants few of the values: those that are
// stored by templates stay so.
func DecodeList(src []byte, limit int) (List, error) {
	c := Cursor{B: src}
	n := c.Count(min(limit, MaxValues))
	if mode := c.Byte(); c.Err != nil || mode != stringsPacked {
		return DecodeStrings(src, limit)
	}
	templates, err := DecodeTemplates(c.Sized(), n)
	if c.Err != nil || err != nil {
		return nil, ErrCorrupt
	}
	p, err := DecodePacked(c.B, templates, n)
	if err != nil || p.Len() != n {
		return nil, ErrCorrupt
	}
	p.own = true
	return p, nil
}

func decodeEnded(data []byte, n int) (*Strings, error) {
	offs := make([]uint32, n+1)
	at := 0
	for i := range n {
		size := bytes.IndexByte(data[at:], 0)
		if size < 0 {
			return nil, ErrCorrupt
		}
		at += size + 1
		offs[i+1] = uint32(at)
	}
	return &Strings{data: alias(data[:at]), offs: offs, end: 1}, nil
}

func alias(b []byte) string { return unsafe.String(unsafe.SliceData(b), len(b)) }
