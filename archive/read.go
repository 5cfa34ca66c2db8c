package archive

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"

	"github.com/klauspost/compress/gzip"
	"github.com/klauspost/compress/zstd"

	"github.com/kiseki-dev/kiseki/ingest/otlp"
	"github.com/kiseki-dev/kiseki/telemetry"
)

// maxLine bounds a line of OTLP/JSON, and with it the memory of a reader.
const maxLine = 256 << 20

// Reader reads the spans of a file. It belongs to one goroutine.
type Reader interface {
	// Next replaces b with the next spans of the file, or returns io.EOF. The
	// batch is valid until the call after. Spans without a valid id are left
	// out and counted.
	Next(b *telemetry.Batch) (rejected int, err error)
}

// File is an open file to read.
type File struct {
	Reader
	file *os.File
	zstd *zstd.Decoder // nil if not compressed so
}

// Open opens a file of any format, which its first bytes tell. OTLP/JSON may
// be compressed with gzip or Zstandard.
func Open(path string) (*File, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	out := &File{file: f}
	if err := out.detect(); err != nil {
		return nil, fmt.Errorf("open %s: %w", path, errors.Join(err, out.Close()))
	}
	return out, nil
}

// Close closes the file.
func (f *File) Close() error {
	if f.zstd != nil {
		f.zstd.Close()
	}
	return f.file.Close()
}

func (f *File) detect() (err error) {
	in := bufio.NewReaderSize(f.file, 64<<10)
	start, err := in.Peek(4)
	if err != nil && !errors.Is(err, io.EOF) {
		return err
	}
	switch {
	case string(start) == "PAR1":
		info, err := f.file.Stat()
		if err != nil {
			return err
		}
		f.Reader, err = newParquetReader(f.file, info.Size())
		return err
	case bytes.HasPrefix(start, []byte{0x1f, 0x8b}):
		z, err := gzip.NewReader(in)
		if err != nil {
			return err
		}
		f.Reader = newLineReader(z)
		return nil
	case bytes.HasPrefix(start, []byte{0x28, 0xb5, 0x2f, 0xfd}):
		if f.zstd, err = zstd.NewReader(in, zstd.WithDecoderConcurrency(1), zstd.WithDecoderMaxMemory(maxLine)); err != nil {
			return err
		}
		f.Reader = newLineReader(f.zstd)
		return nil
	}
	f.Reader = newLineReader(in)
	return nil
}

func newDecoder() *otlp.Decoder {
	return otlp.NewDecoder(otlp.DecodeLimits{Depth: 64, Elements: maxLine / 8})
}

// ReadOTLP decodes one OTLP/JSON message into b, which keeps parts of text.
// rejected is how many spans it has that are none, for want of a valid ID.
func ReadOTLP(text []byte, b *telemetry.Batch) (rejected int, err error) {
	report, err := newDecoder().DecodeJSON(text, b)
	return report.RejectedSpans, err
}

// lineReader reads a TracesData message a line.
type lineReader struct {
	in      *bufio.Reader
	line    []byte
	number  int
	decoder *otlp.Decoder
}

func newLineReader(r io.Reader) *lineReader {
	return &lineReader{in: bufio.NewReaderSize(r, 64<<10), decoder: newDecoder()}
}

func (l *lineReader) Next(b *telemetry.Batch) (rejected int, err error) {
	for {
		l.line = l.line[:0]
		l.number++
		for {
			part, err := l.in.ReadSlice('\n')
			if len(l.line)+len(part) > maxLine {
				return 0, fmt.Errorf("read line %d: it has more than %d bytes", l.number, maxLine)
			}
			l.line = append(l.line, part...)
			if err == nil || errors.Is(err, io.EOF) && len(l.line) > 0 {
				break
			}
			if errors.Is(err, bufio.ErrBufferFull) {
				continue
			}
			if errors.Is(err, io.EOF) {
				return 0, io.EOF
			}
			return 0, fmt.Errorf("read line %d: %w", l.number, err)
		}
		text := bytes.TrimSpace(l.line)
		if len(text) == 0 {
			continue
		}
		report, err := l.decoder.DecodeJSON(text, b)
		if err != nil {
			return 0, fmt.Errorf("read line %d: %w", l.number, err)
		}
		return report.RejectedSpans, nil
	}
}
