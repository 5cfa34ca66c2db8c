package column

import (
	"encoding/binary"
	"math"
)

// The modes of an encoded vector of whole numbers.
const (
	intsConst = iota
	intsPacked
	intsClassed
	intsDeltas
)

// Encoder holds the scratch memory of encoding. It is used by one goroutine.
type Encoder struct {
	diffs []uint64
	texts Texts
}

// Ints encodes v at the end of dst, choosing the smallest form. The first
// head bytes of out are worth compressing; the rest is as good as random.
func (e *Encoder) Ints(dst []byte, v []uint64) (out []byte, head int) {
	dst = binary.AppendUvarint(dst, uint64(len(v)))
	plain := measure(v)
	if plain.span == 0 {
		dst = append(dst, intsConst)
		dst = binary.AppendUvarint(dst, Zigzag(plain.base))
		return dst, len(dst)
	}
	e.diffs = e.diffs[:0]
	for i := range v[1:] {
		e.diffs = append(e.diffs, Zigzag(v[i+1]-v[i]))
	}
	if delta := measure(e.diffs); delta.size < plain.size {
		dst = append(dst, intsDeltas)
		dst = binary.AppendUvarint(dst, Zigzag(v[0]))
		return delta.append(dst, e.diffs)
	}
	return plain.append(dst, v)
}

// shape is what the choice of an encoding needs to know of a vector.
type shape struct {
	base    uint64 // the least value, as a signed number
	span    uint64 // greatest minus least
	scale   uint64 // divides every value minus base; > 0
	classed bool   // by bit length rather than at one width
	size    int    // estimate, in bits
}

func measure(v []uint64) (s shape) {
	if len(v) == 0 {
		return shape{scale: 1}
	}
	low, high := int64(v[0]), int64(v[0])
	for _, x := range v {
		low, high = min(low, int64(x)), max(high, int64(x))
	}
	s.base, s.span = uint64(low), uint64(high)-uint64(low)
	for _, x := range v {
		if s.scale = gcd(x-s.base, s.scale); s.scale == 1 {
			break
		}
	}
	s.scale = max(s.scale, 1)
	var lengths [65]int
	bits := 0
	for _, x := range v {
		n := bitLen(s.offset(x))
		lengths[n]++
		bits += int(max(n, 1)) - 1
	}
	entropy := 0.0
	for _, n := range lengths {
		if n > 0 {
			entropy -= float64(n) * math.Log2(float64(n)/float64(len(v)))
		}
	}
	packed := int(bitLen(s.span/s.scale)) * len(v)
	classed := bits + int(entropy) + 32*8 // with the compressor's own tables
	s.classed = classed < packed
	s.size = min(packed, classed)
	return s
}

// offset is what is stored of a value.
func (s *shape) offset(x uint64) uint64 {
	if s.scale == 1 { // nearly always, and a division is slow
		return x - s.base
	}
	return (x - s.base) / s.scale
}

func gcd(a, b uint64) uint64 {
	for b != 0 {
		a, b = b, a%b
	}
	return a
}

// append writes mode and body of a measured vector.
func (s *shape) append(dst []byte, v []uint64) (out []byte, head int) {
	mode := byte(intsPacked)
	if s.classed {
		mode = intsClassed
	}
	dst = append(dst, mode)
	dst = binary.AppendUvarint(dst, Zigzag(s.base))
	dst = binary.AppendUvarint(dst, s.scale)
	if !s.classed {
		width := bitLen(s.span / s.scale)
		w := bitWriter{out: append(dst, byte(width))}
		for _, x := range v {
			w.put(s.offset(x), width)
		}
		out = w.flush()
		return out, len(out)
	}
	for _, x := range v {
		dst = append(dst, byte(bitLen(s.offset(x))))
	}
	w := bitWriter{out: dst}
	for _, x := range v {
		if o := s.offset(x); o > 1 {
			n := bitLen(o) - 1
			w.put(o&mask(n), n)
		}
	}
	return w.flush(), len(dst)
}

// DecodeInts reads a vector of whole numbers of at most limit values.
func DecodeInts(src []byte, limit int) ([]uint64, error) {
	c := Cursor{B: src}
	n := c.Count(min(limit, MaxValues))
	mode := c.Byte()
	if c.Err != nil {
		return nil, c.Err
	}
	switch mode {
	case intsConst:
		v := Unzigzag(c.Uvarint())
		if c.Err != nil {
			return nil, c.Err
		}
		out := make([]uint64, n)
		for i := range out {
			out[i] = v
		}
		return out, nil
	case intsDeltas:
		first := Unzigzag(c.Uvarint())
		mode = c.Byte()
		if n == 0 {
			return nil, ErrCorrupt
		}
		out, err := decodeOffsets(&c, mode, n, 1)
		if err != nil {
			return nil, err
		}
		out[0] = first
		for i, d := range out[1:] {
			first += Unzigzag(d)
			out[i+1] = first
		}
		return out, nil
	}
	return decodeOffsets(&c, mode, n, 0)
}

// decodeOffsets fills elements [from, n) of a new vector.
func decodeOffsets(c *Cursor, mode byte, n, from int) ([]uint64, error) {
	base := Unzigzag(c.Uvarint())
	scale := c.Uvarint()
	m := n - from
	switch mode {
	case intsPacked:
		width := uint(c.Byte())
		if c.Err != nil || width > 64 || uint64(len(c.B))*8 < uint64(m)*uint64(width) {
			return nil, ErrCorrupt
		}
		out := make([]uint64, n)
		for i := range out[from:] {
			out[from+i] = base + scale*bitsAt(c.B, uint(i)*width, width)
		}
		return out, nil
	case intsClassed:
		lengths := c.Bytes(m)
		if c.Err != nil {
			return nil, c.Err
		}
		total := uint64(0)
		for _, l := range lengths {
			if l > 64 {
				return nil, ErrCorrupt
			}
			total += uint64(max(l, 1) - 1)
		}
		if uint64(len(c.B))*8 < total {
			return nil, ErrCorrupt
		}
		out := make([]uint64, n)
		pos := uint(0)
		for i, l := range lengths {
			var o uint64
			if l > 0 {
				width := uint(l) - 1
				o = 1<<width | bitsAt(c.B, pos, width)
				pos += width
			}
			out[from+i] = base + scale*o
		}
		return out, nil
	}
	return nil, ErrCorrupt
}
