package segment

import (
	"encoding/binary"
	"hash/crc32"

	"github.com/kiseki-dev/kiseki/storage/column"
)

// blockInfo is what the footer says of a block.
type blockInfo struct {
	off         int64 // of the block's first chunk
	dir         chunkRef
	rows        int
	firstTrace  int // traces in the blocks before
	traces      int
	minStart    uint64
	maxStart    uint64
	newestTrace uint64 // start of the last trace
}

// indexChunk is one chunk of the trace index and the least hash in it.
type indexChunk struct {
	chunkRef
	first uint32
}

// footer is what a reader keeps of a segment; some 40 bytes a block and 16
// bytes for each indexEntries traces.
type footer struct {
	pageRows   int
	blocks     []blockInfo
	index      []indexChunk
	operations chunkRef
	keys       chunkRef
	spans      uint64
	traces     int
	maxEnd     uint64
	end        int64 // of the last chunk before the footer
}

func (f *footer) append(dst []byte) []byte {
	u := func(n uint64) { dst = binary.AppendUvarint(dst, n) }
	u(uint64(f.pageRows))
	u(f.maxEnd)
	u(uint64(len(f.blocks)))
	for i := range f.blocks {
		b := &f.blocks[i]
		u(uint64(b.dir.off - b.off))
		u(uint64(b.dir.size))
		u(uint64(b.rows))
		u(uint64(b.traces))
		u(b.minStart)
		u(b.maxStart)
		u(b.newestTrace)
	}
	u(uint64(len(f.index)))
	for _, c := range f.index {
		u(uint64(c.first))
		u(uint64(c.size))
	}
	u(uint64(f.operations.size))
	u(uint64(f.keys.size))
	return dst
}

// decodeFooter reads the footer of a file whose chunks end at end.
func decodeFooter(src []byte, end int64) (*footer, error) {
	c := column.Cursor{B: src}
	off := int64(headerSize)
	place := func(limit int64) chunkRef {
		size := int64(c.Count(int(min(limit, end-off))))
		r := chunkRef{off: off, size: uint32(size)}
		off += size
		return r
	}
	f := &footer{pageRows: c.Count(maxBlockRows), maxEnd: c.Uvarint(), end: end}
	if f.pageRows == 0 || f.pageRows%64 != 0 {
		return nil, column.ErrCorrupt
	}
	f.blocks = make([]blockInfo, c.Count(len(c.B)))
	for i := range f.blocks {
		b := &f.blocks[i]
		b.off = off
		off += int64(c.Count(int(end - off)))
		b.dir = place(maxChunk)
		b.rows, b.traces = c.Count(maxBlockRows), c.Count(maxBlockRows)
		b.minStart, b.maxStart, b.newestTrace = c.Uvarint(), c.Uvarint(), c.Uvarint()
		b.firstTrace = f.traces
		f.traces += b.traces
		f.spans += uint64(b.rows)
	}
	f.index = make([]indexChunk, c.Count(len(c.B)))
	for i := range f.index {
		f.index[i].first = uint32(c.Count(1<<32 - 1))
		f.index[i].chunkRef = place(maxChunk)
	}
	f.operations, f.keys = place(maxChunk), place(maxChunk)
	if c.Err != nil || len(c.B) != 0 || off != end {
		return nil, column.ErrCorrupt
	}
	return f, nil
}

// bounds are the earliest and the latest span start; min > max if empty.
func (f *footer) bounds() (low, high uint64) {
	low = ^uint64(0)
	for i := range f.blocks {
		low, high = min(low, f.blocks[i].minStart), max(high, f.blocks[i].maxStart)
	}
	return low, high
}

func header() []byte {
	h := append(make([]byte, 0, headerSize), magic...)
	h = binary.LittleEndian.AppendUint32(h, Version)
	return binary.LittleEndian.AppendUint32(h, crc32.Checksum(h, castagnoli))
}

// checkHeader verifies the first headerSize bytes of a file and returns the
// version of its format.
func checkHeader(h []byte) (version int, err error) {
	if string(h[:8]) != magic {
		return 0, errMagic
	}
	if binary.LittleEndian.Uint32(h[12:]) != crc32.Checksum(h[:12], castagnoli) {
		return 0, errChecksum
	}
	v := binary.LittleEndian.Uint32(h[8:])
	if v < minVersion || v > Version {
		return 0, errVersion
	}
	return int(v), nil
}

func trailer(off int64, size int) []byte {
	t := binary.LittleEndian.AppendUint64(make([]byte, 0, trailerSize), uint64(off))
	t = binary.LittleEndian.AppendUint32(t, uint32(size))
	t = binary.LittleEndian.AppendUint32(t, crc32.Checksum(t, castagnoli))
	return append(t, magic...)
}

// parseTrailer verifies the last trailerSize bytes of a file of fileSize
// bytes and says where the footer's chunk lies.
func parseTrailer(t []byte, fileSize int64) (chunkRef, error) {
	if string(t[16:]) != magic {
		return chunkRef{}, errMagic
	}
	if binary.LittleEndian.Uint32(t[12:]) != crc32.Checksum(t[:12], castagnoli) {
		return chunkRef{}, errChecksum
	}
	off, size := binary.LittleEndian.Uint64(t), binary.LittleEndian.Uint32(t[8:])
	if off < headerSize || off > uint64(fileSize) || off+uint64(size)+trailerSize != uint64(fileSize) {
		return chunkRef{}, errSize
	}
	return chunkRef{off: int64(off), size: size}, nil
}
