package wal

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"io"

	"github.com/kiseki-dev/kiseki/storage/vfs"
)

// windowSize is how much of a file is read at a time; a longer record is read
// as a whole. It is small beside the head that the records are put into.
const windowSize = 1 << 20

// window looks at a file of any size, a part at a time, from its start on.
type window struct {
	file vfs.File
	size int64  // of the file when it was opened
	buf  []byte // the bytes from base on
	base int64
}

// at is the file's bytes from off on: at least n, or all that there are. They
// are valid until the next call. off is never less than in the call before.
func (w *window) at(off int64, n int) ([]byte, error) {
	n = int(min(int64(n), w.size-off))
	if off+int64(n) > w.base+int64(len(w.buf)) {
		if err := w.move(off, int(min(int64(max(n, windowSize)), w.size-off))); err != nil {
			return nil, err
		}
	}
	return w.buf[off-w.base:], nil
}

// move makes the window the n bytes from off on.
func (w *window) move(off int64, n int) error {
	var kept []byte
	if at := off - w.base; at < int64(len(w.buf)) {
		kept = w.buf[at:]
	}
	buf := w.buf
	if cap(buf) < n {
		buf = make([]byte, n)
	}
	have := copy(buf[:n], kept)
	w.buf, w.base = buf[:n], off
	return readFull(w.file, w.buf[have:], off+int64(have))
}

// readFull fills p with the bytes of file from off on.
func readFull(file vfs.File, p []byte, off int64) error {
	if n, err := file.ReadAt(p, off); n < len(p) {
		if err == nil || err == io.EOF {
			err = io.ErrUnexpectedEOF
		}
		return err
	}
	return nil
}

// frame is as [frameAt], of the record at off.
func (w *window) frame(off int64, seq uint64) (size int, spans uint32, err error) {
	b, err := w.at(off, frameSize)
	if err != nil || len(b) < frameSize || binary.LittleEndian.Uint32(b) != marker {
		return 0, 0, err
	}
	n := binary.LittleEndian.Uint32(b[4:])
	if n > MaxRecord || int64(n) > w.size-off-frameSize {
		return 0, 0, nil
	}
	if b, err = w.at(off, frameSize+int(n)); err != nil {
		return 0, 0, err
	}
	size, spans = frameAt(b, seq)
	return size, spans, nil
}

// resync is the offset of the next intact record at or after off, or -1.
func (w *window) resync(off int64, seq uint64) (int64, error) {
	for off+frameSize <= w.size {
		b, err := w.at(off, frameSize)
		if err != nil {
			return 0, err
		}
		i := bytes.Index(b, recordMarker)
		if i < 0 {
			off += int64(len(b) - len(recordMarker) + 1)
			continue
		}
		off += int64(i)
		size, _, err := w.frame(off, seq)
		if size > 0 || err != nil {
			return off, err
		}
		off++
	}
	return -1, nil
}

// Record is an intact record of a [File].
type Record struct {
	Offset int64
	Spans  uint32
	length uint32 // of the payload
	file   *File
}

// Bytes is the size of the record's payload.
func (r *Record) Bytes() int { return int(r.length) }

// read reads the whole record, its frame included, into buf if that is large
// enough.
func (r *Record) read(buf []byte) ([]byte, error) {
	n := frameSize + int(r.length)
	if cap(buf) < n {
		buf = make([]byte, n)
	}
	buf = buf[:n]
	err := readFull(r.file.file, buf, r.Offset)
	if err == nil {
		if size, _ := frameAt(buf, r.file.Seq); size != n {
			err = errors.New("the record was intact before and is not any more")
		}
	}
	if err != nil {
		return nil, fmt.Errorf("read log %s at offset %d: %w", r.file.Path, r.Offset, err)
	}
	return buf, nil
}
