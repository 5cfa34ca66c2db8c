package delivery

import (
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"
	"io"
)

// A queue file holds one batch:
//
//	 0  4  magic "kskq"
//	 4  1  version, 1
//	 5  1  how the payload is compressed: 0 not, 1 gzip
//	 6  2  0
//	 8  4  spans in the payload, little endian as all numbers here
//	12  4  length of the payload in bytes
//	16  4  CRC-32C of bytes 0 to 15 and of the payload
//	20     the payload, an ExportTraceServiceRequest
//
// Nothing follows. A file is written under another name, synced and renamed,
// so that what a crash leaves half written never has a queue file's name.
const (
	fileMagic      = "kskq"
	fileVersion    = 1
	fileHeaderSize = 20

	// maxFile bounds what is read into memory. Batches are cut far below.
	maxFile = 64 << 20
)

var (
	// errDamaged is the cause of a queue file that does not hold what was
	// written to it.
	errDamaged = errors.New("damaged queue file")
	// errNewer is the cause of a queue file that a newer version of this
	// package wrote; it is left for that version.
	errNewer = errors.New("queue file of a newer version")
)

var castagnoli = crc32.MakeTable(crc32.Castagnoli)

// batch is an encoded export request.
type batch struct {
	payload []byte
	spans   int
	gzip    bool
}

// fileBytes is the content of the queue file of b.
func (b batch) fileBytes() []byte {
	f := make([]byte, fileHeaderSize, fileHeaderSize+len(b.payload))
	copy(f, fileMagic)
	f[4], f[5] = fileVersion, boolByte(b.gzip)
	binary.LittleEndian.PutUint32(f[8:], uint32(b.spans))
	binary.LittleEndian.PutUint32(f[12:], uint32(len(b.payload)))
	binary.LittleEndian.PutUint32(f[16:], fileSum(f, b.payload))
	return append(f, b.payload...)
}

func fileSum(header, payload []byte) uint32 {
	return crc32.Update(crc32.Checksum(header[:16], castagnoli), castagnoli, payload)
}

// parseHeader reads the first fileHeaderSize bytes of a file of size bytes.
// Its error wraps errDamaged or errNewer. The checksum is not yet checked:
// the number of spans may be wrong.
func parseHeader(h []byte, size int64) (spans int, err error) {
	switch {
	case len(h) < fileHeaderSize:
		return 0, fmt.Errorf("%w: %d bytes are less than a header", errDamaged, len(h))
	case string(h[:4]) != fileMagic:
		return 0, fmt.Errorf("%w: wrong magic %q", errDamaged, h[:4])
	case h[4] > fileVersion:
		return 0, fmt.Errorf("%w: %d", errNewer, h[4])
	case h[4] != fileVersion || h[5] > 1 || h[6] != 0 || h[7] != 0:
		return 0, fmt.Errorf("%w: header % x", errDamaged, h[4:8])
	}
	if n := int64(binary.LittleEndian.Uint32(h[12:])); n != size-fileHeaderSize || size > maxFile {
		return 0, fmt.Errorf("%w: header says %d bytes of payload, the file has %d bytes", errDamaged, n, size)
	}
	return int(binary.LittleEndian.Uint32(h[8:])), nil
}

// readBatch reads a queue file of size bytes. Errors wrap errDamaged or
// errNewer, or are those of r.
func readBatch(r io.Reader, size int64) (batch, error) {
	var h [fileHeaderSize]byte
	n, err := io.ReadFull(r, h[:])
	if err != nil && !errors.Is(err, io.ErrUnexpectedEOF) && !errors.Is(err, io.EOF) {
		return batch{}, err
	}
	spans, err := parseHeader(h[:n], size)
	if err != nil {
		return batch{}, err
	}
	payload := make([]byte, size-fileHeaderSize)
	if _, err := io.ReadFull(r, payload); errors.Is(err, io.ErrUnexpectedEOF) || errors.Is(err, io.EOF) {
		return batch{}, fmt.Errorf("%w: it ends in the payload", errDamaged)
	} else if err != nil {
		return batch{}, err
	}
	if sum := fileSum(h[:], payload); sum != binary.LittleEndian.Uint32(h[16:]) {
		return batch{}, fmt.Errorf("%w: checksum %08x, written was %08x", errDamaged, sum, h[16:])
	}
	return batch{payload: payload, spans: spans, gzip: h[5] == 1}, nil
}
