// Package wal is the record log: what makes an acknowledged batch durable
// before it is anywhere else.
//
// # Goals
//
// Append returns once its record is on stable storage; requests that arrive
// while an fsync is under way share the next one. An acknowledged record
// comes back after a power cut at any moment; a record whose append failed
// never comes back once a later one was acknowledged, so that a client's
// second attempt is not stored twice. A flipped bit costs at most the records
// it touches and is reported.
//
// # Bytes
//
// All integers are little-endian. A file is a header and records:
//
//	header  | magic "kiseki/w" 8 | version 4 | crc 4 | sequence 8 | prev sequence 8 | prev end 8 |
//	record  | marker "\xabREC" 4 | length 4 | spans 4 | crc 4 | payload, length bytes |
//
// The header's crc covers the bytes before and after it; a record's covers the file's
// sequence (8 bytes), length, spans and the payload. Both are CRC-32C. The
// marker lets a reader find the next record behind a damaged one; the sequence
// in the crc keeps bytes of another file from passing for a record of this one.
//
// A file is written by one [Writer] and never again. The header says where
// the file before it ends: records of "prev sequence" at or beyond "prev end",
// and all records of files between the two, were never acknowledged and are
// void. It is written and synced together with the file's first record, so a
// file without a readable header in which no record can be found held nothing.
//
// Records that are written and synced together are one commit. The highest bit
// of a record's spans is set where the record before it is of the same commit
// (since version 2). So a reader can tell damage from a commit that a power
// cut tore: of what was never synced any part may be there.
//
// A record's payload is one batch as [AppendBatch] encodes it, in one S2 block
// (https://github.com/google/snappy/blob/main/format_description.txt, with
// S2's extensions): on trace data that halves the bytes or better for a few
// hundred nanoseconds a span, and the disk's bandwidth is the scarcer.
package wal

import (
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"
	"path/filepath"
	"strconv"
	"strings"
)

const (
	magic = "kiseki/w"
	// Version is the format version this package writes. It reads version 1
	// too, whose records do not say which commit they are of.
	Version = 2

	headerSize = 40
	frameSize  = 16
	marker     = 0x434552ab // "\xabREC", read little-endian
	joined     = 1 << 31    // in spans: of the same commit as the record before

	// MaxRecord bounds a record's payload and what it decompresses to.
	// Requests are limited far below it.
	MaxRecord = 1 << 28

	suffix = ".wal"
)

var castagnoli = crc32.MakeTable(crc32.Castagnoli)

// ErrTooLarge is returned for a batch whose record would exceed [MaxRecord].
var ErrTooLarge = errors.New("batch exceeds the size of a log record")

// ErrVersion is returned for a file that another version of this program wrote.
var ErrVersion = errors.New("unknown format version")

// DamageError says that bytes of a log file do not say what was written.
type DamageError struct {
	Path   string
	Offset int64 // where the damage begins
	Bytes  int64 // how much was skipped
	Err    error
}

func (e *DamageError) Error() string {
	return fmt.Sprintf("read log %s at offset %d (%d bytes skipped): %v", e.Path, e.Offset, e.Bytes, e.Err)
}

// Unwrap is the cause.
func (e *DamageError) Unwrap() error { return e.Err }

// Name is the file name of the log with the given sequence.
func Name(seq uint64) string { return fmt.Sprintf("%016d%s", seq, suffix) }

// ParseName is the inverse of [Name]; ok is false for other files' names.
func ParseName(name string) (seq uint64, ok bool) {
	digits, ok := strings.CutSuffix(name, suffix)
	if !ok {
		return 0, false
	}
	seq, err := strconv.ParseUint(digits, 10, 64)
	return seq, err == nil && Name(seq) == name
}

// Position is a place between two records.
type Position struct {
	Seq uint64 // the file's sequence
	End int64  // offset of the byte after the last valid record
}

func path(dir string, seq uint64) string { return filepath.Join(dir, Name(seq)) }

func appendHeader(dst []byte, seq uint64, prev Position) []byte {
	start := len(dst)
	dst = append(dst, magic...)
	dst = binary.LittleEndian.AppendUint32(dst, Version)
	dst = binary.LittleEndian.AppendUint32(dst, 0)
	dst = binary.LittleEndian.AppendUint64(dst, seq)
	dst = binary.LittleEndian.AppendUint64(dst, prev.Seq)
	dst = binary.LittleEndian.AppendUint64(dst, uint64(prev.End))
	h := dst[start:]
	binary.LittleEndian.PutUint32(h[12:], headerSum(h))
	return dst
}

func headerSum(h []byte) uint32 {
	return crc32.Update(crc32.Checksum(h[:12], castagnoli), castagnoli, h[16:headerSize])
}

func parseHeader(h []byte) (seq uint64, prev Position, err error) {
	switch {
	case len(h) < headerSize:
		return 0, prev, errors.New("file ends within its header")
	case string(h[:8]) != magic:
		return 0, prev, errors.New("not a log file")
	case binary.LittleEndian.Uint32(h[12:]) != headerSum(h):
		return 0, prev, errors.New("checksum of the header does not match")
	}
	if v := binary.LittleEndian.Uint32(h[8:]); v < 1 || v > Version {
		return 0, prev, fmt.Errorf("%w %d, this program knows 1 to %d", ErrVersion, v, Version)
	}
	prev.Seq = binary.LittleEndian.Uint64(h[24:])
	prev.End = int64(binary.LittleEndian.Uint64(h[32:]))
	return binary.LittleEndian.Uint64(h[16:]), prev, nil
}

// seal fills in the frame of the record in rec, whose payload is in place.
// spans has the bit joined where it applies.
func seal(rec []byte, seq uint64, spans uint32) {
	binary.LittleEndian.PutUint32(rec, marker)
	binary.LittleEndian.PutUint32(rec[4:], uint32(len(rec)-frameSize))
	binary.LittleEndian.PutUint32(rec[8:], spans)
	binary.LittleEndian.PutUint32(rec[12:], frameSum(rec, seq))
}

func frameSum(rec []byte, seq uint64) uint32 {
	var b [8]byte
	binary.LittleEndian.PutUint64(b[:], seq)
	sum := crc32.Update(0, castagnoli, b[:])
	sum = crc32.Update(sum, castagnoli, rec[4:12])
	return crc32.Update(sum, castagnoli, rec[frameSize:])
}

// frameAt reads the frame at the start of b and reports its whole size, 0 if
// there is no intact record, and its spans, with the bit joined.
func frameAt(b []byte, seq uint64) (size int, spans uint32) {
	if len(b) < frameSize || binary.LittleEndian.Uint32(b) != marker {
		return 0, 0
	}
	n := binary.LittleEndian.Uint32(b[4:])
	if n > MaxRecord || int(n) > len(b)-frameSize {
		return 0, 0
	}
	rec := b[:frameSize+int(n)]
	if binary.LittleEndian.Uint32(b[12:]) != frameSum(rec, seq) {
		return 0, 0
	}
	return len(rec), binary.LittleEndian.Uint32(b[8:])
}
