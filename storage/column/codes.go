package column

import (
	"encoding/binary"
	"math"
)

// Codes is a decoded vector of small numbers: positions in a dictionary, or
// numbers that are small by nature. Exactly one of B and W is in use; the
// vector is immutable.
type Codes struct {
	B []byte   // where all codes are below 256
	W []uint32 // else
}

// Len is the number of codes.
func (c Codes) Len() int { return len(c.B) + len(c.W) }

// At is code i.
func (c Codes) At(i int) uint32 {
	if c.B != nil {
		return uint32(c.B[i])
	}
	return c.W[i]
}

// ConstCodes is n times the same code.
func ConstCodes(n int, code uint32) Codes {
	if code < 256 {
		b := make([]byte, n)
		for i := range b {
			b[i] = byte(code)
		}
		return Codes{B: b}
	}
	w := make([]uint32, n)
	for i := range w {
		w[i] = code
	}
	return Codes{W: w}
}

// AppendCodes encodes codes at the end of dst.
func AppendCodes(dst []byte, codes []uint32) []byte {
	dst = binary.AppendUvarint(dst, uint64(len(codes)))
	low, high := ^uint32(0), uint32(0)
	for _, c := range codes {
		low, high = min(low, c), max(high, c)
	}
	if low >= high {
		return binary.AppendUvarint(append(dst, 0), uint64(high))
	}
	width := 4
	switch {
	case high < 1<<8:
		width = 1
	case high < 1<<16:
		width = 2
	}
	dst = append(dst, byte(width))
	for shift := 0; shift < width*8; shift += 8 {
		for _, c := range codes {
			dst = append(dst, byte(c>>shift))
		}
	}
	return dst
}

// packedCodes plus the bits of a code, 1 to 32, stands in place of the width of
// codes in bits.
const packedCodes = 16

// PackedCodesSize is how many bytes AppendPackedCodes writes of n codes below
// limit.
func PackedCodesSize(n int, limit uint32) int {
	return len(binary.AppendUvarint(nil, uint64(n))) + 1 + (n*int(bitLen(uint64(limit)))+7)/8
}

// AppendPackedCodes is AppendCodes with as few bits for each code as the
// greatest, which is not 0, takes: this is for codes that do not compress.
func AppendPackedCodes(dst []byte, codes []uint32, high uint32) []byte {
	width := bitLen(uint64(high))
	dst = append(binary.AppendUvarint(dst, uint64(len(codes))), packedCodes+byte(width))
	w := bitWriter{out: dst}
	for _, c := range codes {
		w.put(uint64(c), width)
	}
	return w.flush()
}

// DecodeCodes reads a vector of at most limit codes, each at most maxCode.
// The result may alias src.
func DecodeCodes(src []byte, limit int, maxCode uint32) (Codes, error) {
	c := Cursor{B: src}
	return c.codes(limit, maxCode)
}

// Codes reads a vector of at most limit codes.
func (c *Cursor) Codes(limit int) Codes {
	v, err := c.codes(limit, math.MaxUint32)
	if err != nil {
		c.Fail()
	}
	return v
}

func (c *Cursor) codes(limit int, maxCode uint32) (Codes, error) {
	n := c.Count(min(limit, MaxValues))
	width := int(c.Byte())
	if width == 0 {
		code := c.Uvarint()
		if c.Err != nil || code > uint64(maxCode) {
			return Codes{}, ErrCorrupt
		}
		return ConstCodes(n, uint32(code)), nil
	}
	if width > packedCodes && width <= packedCodes+32 {
		return c.packedCodes(n, uint(width-packedCodes), maxCode)
	}
	if width > 4 || width == 3 {
		return Codes{}, ErrCorrupt
	}
	planes := c.Bytes(n * width)
	if c.Err != nil {
		return Codes{}, c.Err
	}
	if width == 1 {
		if maxCode < 255 {
			for _, b := range planes {
				if uint32(b) > maxCode {
					return Codes{}, ErrCorrupt
				}
			}
		}
		return Codes{B: planes}, nil
	}
	w := make([]uint32, n)
	for p := range width {
		plane := planes[p*n : p*n+n]
		for i, b := range plane {
			w[i] |= uint32(b) << (8 * p)
		}
	}
	for _, code := range w {
		if code > maxCode {
			return Codes{}, ErrCorrupt
		}
	}
	return Codes{W: w}, nil
}

// packedCodes reads n codes of so many bits.
func (c *Cursor) packedCodes(n int, width uint, maxCode uint32) (out Codes, err error) {
	src := c.Bytes((n*int(width) + 7) / 8)
	if c.Err != nil {
		return Codes{}, c.Err
	}
	most := uint32(0)
	if width <= 8 {
		out.B = make([]byte, n)
		for i := range out.B {
			code := bitsAt(src, uint(i)*width, width)
			out.B[i] = byte(code)
			most = max(most, uint32(code))
		}
	} else {
		out.W = make([]uint32, n)
		for i := range out.W {
			out.W[i] = uint32(bitsAt(src, uint(i)*width, width))
			most = max(most, out.W[i])
		}
	}
	if most > maxCode {
		return Codes{}, ErrCorrupt
	}
	return out, nil
}

// Narrow clears every bit i of words, row i being bit i%64 of word i/64, for
// whose code keep is 0. Codes beyond keep are the caller's bug. Rows already
// clear are passed over 64 at a time.
func (c Codes) Narrow(words []uint64, keep []byte) {
	if c.B != nil {
		if len(keep) < 256 {
			keep = append(make([]byte, 0, 256), keep...)[:256]
		}
		narrowBytes(c.B, words, (*[256]byte)(keep))
		return
	}
	for w := range words {
		if words[w] == 0 {
			continue
		}
		var m uint64
		for k, code := range c.W[w*64 : min(w*64+64, len(c.W))] {
			m |= uint64(keep[code]) << k
		}
		words[w] &= m
	}
}

// narrowBytes needs no bounds check: a byte cannot leave the table.
func narrowBytes(codes []byte, words []uint64, keep *[256]byte) {
	for w := range words {
		if words[w] == 0 {
			continue
		}
		var m uint64
		for k, code := range codes[w*64 : min(w*64+64, len(codes))] {
			m |= uint64(keep[code]) << (k & 63)
		}
		words[w] &= m
	}
}
