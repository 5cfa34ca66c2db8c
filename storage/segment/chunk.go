package segment

import (
	"encoding/binary"
	"hash/crc32"
	"sync"

	"github.com/klauspost/compress/zstd"

	"github.com/kiseki-dev/kiseki/storage/column"
)

// The codecs of a chunk.
const (
	codecRaw  = 0
	codecZstd = 1
)

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
		packed = len(e.packed)+head/minGain+8 < head
	}
	if packed {
		dst = append(dst, codecZstd)
		dst = binary.AppendUvarint(dst, uint64(head))
		dst = binary.AppendUvarint(dst, uint64(len(e.packed)))
		dst = append(dst, e.packed...)
		dst = append(dst, body[head:]...)
	} else {
		dst = append(dst, codecRaw)
		dst = append(dst, body...)
	}
	return binary.LittleEndian.AppendUint32(dst, crc32.Checksum(dst[start:], castagnoli))
}

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
		tail := c.B
		var h zstd.Header
		if err := h.Decode(packed); err != nil || !h.HasFCS || h.FrameContentSize != uint64(head) {
			return nil, column.ErrCorrupt
		}
		body, err := decoder().DecodeAll(packed, make([]byte, 0, head+len(tail)+slack))
		if err != nil {
			return nil, err
		}
		if len(body) != head {
			return nil, column.ErrCorrupt
		}
		return append(body, tail...), nil
	}
	return nil, column.ErrCorrupt
}
