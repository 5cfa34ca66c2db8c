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
