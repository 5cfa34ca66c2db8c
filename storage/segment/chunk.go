package segment

import (
	"bytes"
	"encoding/binary"
	"hash/crc32"
	"sync"

	"github.com/klauspost/compress/zstd"

	"github.com/kiseki-dev/kiseki/storage/column"
)

// The codecs of a chunk.
const (
	codecRaw   = 0
	codecZstd  = 1 // version 1
	codecShort = 2 // zstd without the frame's header, which follows from the size
)

// rawFrame is what a chunk takes that is not compressed, beside what it holds.
const rawFrame = 1 + 4

// minGain is the share of a chunk, 1/minGain, that compression must save to
// be worth unpacking at every read.
const minGain = 32

// slack is spare capacity behind unpacked chunks that spares bit readers a
// slow path for the last values.
const slack = 16

// chunkEncoder frames chunks; it is used by one goroutine.
type chunkEncoder struct {
	zstd   *zstd.Encoder
	packed []byte
	frame  []byte // the header that packed has
}

func newChunkEncoder() *chunkEncoder {
	// Options are constant and valid, so there is no error.
	enc, _ := zstd.NewWriter(nil, zstd.WithEncoderConcurrency(1), zstd.WithEncoderCRC(false),
		zstd.WithEncoderLevel(zstd.SpeedDefault), zstd.WithWindowSize(1<<20), zstd.WithSingleSegment(true), zstd.WithAllLitEntropyCompression(true))
	return &chunkEncoder{zstd: enc}
}

// append frames body, of which the first head bytes are worth compressing,
// at the end of dst.
func (e *chunkEncoder) append(dst, body []byte, head int) []byte {
	start := len(dst)
	packed := false
	if head >= 32 {
		e.packed = e.zstd.EncodeAll(body[:head], e.packed[:0])
		e.frame = appendFrame(e.frame[:0], head)
		packed = len(e.packed)+head/minGain+8 < head && bytes.HasPrefix(e.packed, e.frame)
	}
	if packed {
		blocks := e.packed[len(e.frame):]
		dst = append(dst, codecShort)
		dst = binary.AppendUvarint(dst, uint64(head))
		dst = binary.AppendUvarint(dst, uint64(len(body)-head))
		dst = append(dst, blocks...)
		dst = append(dst, body[head:]...)
	} else {
		dst = append(dst, codecRaw)
		dst = append(dst, body...)
	}
	return binary.LittleEndian.AppendUint32(dst, crc32.Checksum(dst[start:], castagnoli))
}

// appendFrame writes the header of the zstd frames that a chunkEncoder makes of
// size bytes: one segment, no checksum, no dictionary (RFC 8878, 3.1.1.1).
func appendFrame(dst []byte, size int) []byte {
	dst = append(dst, 0x28, 0xb5, 0x2f, 0xfd)
	const segment = 1 << 5
	switch {
	case size < 256:
		return append(dst, segment, byte(size))
	case size < 1<<16+256:
		return binary.LittleEndian.AppendUint16(append(dst, 1<<6|segment), uint16(size-256))
	}
	return binary.LittleEndian.AppendUint32(append(dst, 2<<6|segment), uint32(size))
}

// frames are buffers to put a header and the blocks of a frame together.
var frames = sync.Pool{New: func() any { return new([]byte) }}

// decoder is shared by all readers; DecodeAll may run concurrently.
var decoder = sync.OnceValue(func() *zstd.Decoder {
	// Options are constant and valid, so there is no error.
	d, _ := zstd.NewReader(nil, zstd.WithDecoderConcurrency(0), zstd.WithDecoderMaxMemory(maxChunk))
	return d
})

// openChunk checks and unpacks a framed chunk. The result may alias stored.
func openChunk(stored []byte) ([]byte, error) {
	if len(stored) < 5 {
		return nil, errSize
	}
	n := len(stored) - 4
	if crc32.Checksum(stored[:n], castagnoli) != binary.LittleEndian.Uint32(stored[n:]) {
		return nil, errChecksum
	}
	c := column.Cursor{B: stored[1:n]}
	switch stored[0] {
	case codecRaw:
		return c.B, nil
	case codecZstd:
		head := c.Count(maxChunk)
		packed := c.Sized()
		if c.Err != nil {
			return nil, c.Err
		}
		var h zstd.Header
		if err := h.Decode(packed); err != nil || !h.HasFCS || h.FrameContentSize != uint64(head) {
			return nil, column.ErrCorrupt
		}
		return unpack(packed, head, c.B)
	case codecShort:
		head, tail := c.Count(maxChunk), c.Count(len(stored))
		blocks := c.Bytes(len(c.B) - tail)
		if c.Err != nil {
			return nil, c.Err
		}
		frame := frames.Get().(*[]byte)
		*frame = append(appendFrame((*frame)[:0], head), blocks...)
		body, err := unpack(*frame, head, c.B)
		if cap(*frame) <= storedMax {
			frames.Put(frame)
		}
		return body, err
	}
	return nil, column.ErrCorrupt
}

// unpack is what a zstd frame holds, which must be of size head, and the tail.
func unpack(packed []byte, head int, tail []byte) ([]byte, error) {
	body, err := decoder().DecodeAll(packed, make([]byte, 0, head+len(tail)+slack))
	if err != nil {
		return nil, err
	}
	if len(body) != head {
		return nil, column.ErrCorrupt
	}
	return append(body, tail...), nil
}
