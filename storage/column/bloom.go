package column

import (
	"encoding/binary"

	"github.com/cespare/xxhash/v2"
)

// Bloom is a split-block bloom filter over strings: a value's hash picks a
// block of 256 bits by its high half and one bit in each of the block's
// eight words by its low half. The construction and its salts are Parquet's,
// https://parquet.apache.org/docs/file-format/bloomfilter/.
type Bloom []byte

const (
	bloomBlock = 32
	// bloomBits a value make about one false answer in forty.
	bloomBits = 9
)

var bloomSalt = [8]uint32{
	0x47b6137b, 0x44974d91, 0x8824ad5b, 0xa2b7289d, 0x705495c7, 0x2df1424b, 0x9efc4947, 0x5c6bfb31,
}

// HashString is the hash that blooms are built from.
func HashString(s string) uint64 { return xxhash.Sum64String(s) }

// NewBloom makes a filter over hashes; equal hashes should occur once.
func NewBloom(hashes []uint64) Bloom {
	blocks := max((len(hashes)*bloomBits+255)/256, 1)
	b := make(Bloom, blocks*bloomBlock)
	for _, h := range hashes {
		block := b.block(h)
		for i, salt := range bloomSalt {
			word := block[i*4:]
			binary.LittleEndian.PutUint32(word, binary.LittleEndian.Uint32(word)|1<<(uint32(h)*salt>>27))
		}
	}
	return b
}

// May reports whether a value with hash h may be in the set; an empty or cut
// filter says yes to all.
func (b Bloom) May(h uint64) bool {
	if len(b) < bloomBlock {
		return true
	}
	block := b.block(h)
	for i, salt := range bloomSalt {
		if binary.LittleEndian.Uint32(block[i*4:])&(1<<(uint32(h)*salt>>27)) == 0 {
			return false
		}
	}
	return true
}

func (b Bloom) block(h uint64) []byte {
	i := (h >> 32) * uint64(len(b)/bloomBlock) >> 32
	return b[i*bloomBlock : (i+1)*bloomBlock]
}
