// Package column encodes vectors: whole numbers, small codes and strings,
// and the bloom filter over strings. It is where a value's type and width
// are dispatched on, once; it knows neither files nor spans.
//
// Goals: near the entropy of what traces hold (random delays, repeating
// patterns, text with ids in it) once a general compressor has run over it;
// decoding at more than 100 million values a second where a predicate runs
// on codes; no panic and no unbounded allocation whatever the bytes say.
//
// An encoded vector is self-contained and begins with its length as a
// uvarint. The encodings, which never change within a format version:
//
//	ints     n, mode u8, then
//	         const    value
//	         packed   base, scale, width u8, n × width bits
//	         classed  base, scale, n × u8 bit length, then for each value
//	                  with length b > 1 its low b-1 bits
//	         deltas   first value, then mode u8 and body, packed or classed,
//	                  of the n-1 zigzag differences
//	codes    n, width u8 (0, 1, 2 or 4), n low bytes, n second bytes, …
//	         width 0: one uvarint, the value of all
//	         width 16 + w: n × w bits, since version 3 of segments
//	strings  n, mode u8, then
//	         ended    each value followed by a zero byte
//	         sized    n uvarint lengths, then all bytes
//	         packed   size, templates; a page of texts, see [Texts]
//	bloom    blocks of 32 bytes, see [Bloom]
//
// Numbers without a width are uvarints; base, first and const are zigzag
// uvarints. Bits are filled from the least significant one of each byte.
//
// Codes are packed into bits only where a general compressor, which does better
// on whole bytes if anything repeats, fails: the writer of a page tries it first.
// Rejected: a dictionary per page for strings (the compressor's window does the
// same).
package column

import (
	"encoding/binary"
	"errors"
)

// ErrCorrupt says that bytes are not what the encoder writes.
var ErrCorrupt = errors.New("malformed column data")

// MaxValues is the most values one encoded vector may hold.
const MaxValues = 1 << 26

// Zigzag maps signed to unsigned numbers so that small ones stay small.
func Zigzag(v uint64) uint64 { return v<<1 ^ uint64(int64(v)>>63) }

// Unzigzag is the inverse of [Zigzag].
func Unzigzag(u uint64) uint64 { return u>>1 ^ -(u & 1) }

// Cursor reads the parts of an encoding one after the other. After the first
// failure Err is set and everything reads as zero.
type Cursor struct {
	B   []byte // what is left
	Err error
}

// Fail sets Err.
func (c *Cursor) Fail() {
	c.B, c.Err = nil, ErrCorrupt
}

// Uvarint reads a variable-length number.
func (c *Cursor) Uvarint() uint64 {
	u, n := binary.Uvarint(c.B)
	if n <= 0 {
		c.Fail()
		return 0
	}
	c.B = c.B[n:]
	return u
}

// Count reads a number that must be at most max.
func (c *Cursor) Count(max int) int {
	u := c.Uvarint()
	if u > uint64(max) {
		c.Fail()
		return 0
	}
	return int(u)
}

// Byte reads one byte.
func (c *Cursor) Byte() byte {
	if len(c.B) == 0 {
		c.Fail()
		return 0
	}
	b := c.B[0]
	c.B = c.B[1:]
	return b
}

// Bytes reads n bytes, which alias the input.
func (c *Cursor) Bytes(n int) []byte {
	if n < 0 || n > len(c.B) {
		c.Fail()
		return nil
	}
	b := c.B[:n:n]
	c.B = c.B[n:]
	return b
}

// Sized reads a length and as many bytes, which alias the input.
func (c *Cursor) Sized() []byte { return c.Bytes(c.Count(len(c.B))) }
