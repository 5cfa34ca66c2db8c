package column

import (
	"encoding/binary"
	"math/bits"
)

// bitWriter appends bit fields of up to 64 bits.
type bitWriter struct {
	out  []byte
	acc  uint64
	fill uint // bits in acc, < 64
}

func (w *bitWriter) put(v uint64, width uint) {
	w.acc |= v << w.fill
	if w.fill+width < 64 {
		w.fill += width
		return
	}
	w.out = binary.LittleEndian.AppendUint64(w.out, w.acc)
	w.acc = v >> (64 - w.fill) // 0 where fill is 0: Go shifts by 64 to zero
	w.fill = w.fill + width - 64
}

// flush writes the last bits, padded to a byte with zeros.
func (w *bitWriter) flush() []byte {
	for n := (w.fill + 7) / 8; n > 0; n-- {
		w.out = append(w.out, byte(w.acc))
		w.acc >>= 8
	}
	w.fill = 0
	return w.out
}

// bitsAt reads width bits at bit position pos; the field must lie in b.
func bitsAt(b []byte, pos, width uint) uint64 {
	i, shift := pos>>3, pos&7
	if i+9 <= uint(len(b)) {
		v := binary.LittleEndian.Uint64(b[i:]) >> shift
		if shift+width > 64 {
			v |= uint64(b[i+8]) << (64 - shift)
		}
		return v & mask(width)
	}
	var v uint64
	for k := uint(0); k < width; {
		take := min(8-(pos+k)&7, width-k)
		part := uint64(b[(pos+k)>>3]) >> ((pos + k) & 7) & mask(take)
		v |= part << k
		k += take
	}
	return v
}

func mask(width uint) uint64 { return 1<<width - 1 } // all ones for 64

func bitLen(v uint64) uint { return uint(bits.Len64(v)) }

// AppendLow writes of each value the bits below its highest at the end of dst.
func AppendLow(dst []byte, v []uint64) []byte {
	w := bitWriter{out: dst}
	for _, x := range v {
		if x > 1 {
			n := bitLen(x) - 1
			w.put(x&mask(n), n)
		}
	}
	return w.flush()
}

// Low reads what AppendLow wrote of values whose lengths in bits, at most 64,
// are the halves of classes, but for the first ones.
func Low(src []byte, classes []uint32, first int) ([]uint64, error) {
	total := uint64(0)
	for _, c := range classes {
		if c > 2*64+1 {
			return nil, ErrCorrupt
		}
		total += uint64(max(c>>1, 1) - 1)
	}
	if total > 8*uint64(len(src)) {
		return nil, ErrCorrupt
	}
	pos := uint(0)
	for _, c := range classes[:first] {
		pos += uint(max(c>>1, 1) - 1)
	}
	out := make([]uint64, len(classes)-first)
	for i, c := range classes[first:] {
		if n := uint(c >> 1); n > 0 {
			out[i] = 1<<(n-1) | bitsAt(src, pos, n-1)
			pos += n - 1
		}
	}
	return out, nil
}
