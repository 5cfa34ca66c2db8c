// Package archive writes spans to files and reads them back: for other tools,
// for other stores, and for keeping.
//
// Goals: a file is written and read in bounded memory, whatever its size; what
// is read is what was written, the type of every attribute included; and the
// tools that people have read the files as they are.
//
//	FormatParquet   one row a span, see [Columns] and docs/export.md
//	FormatOTLPJSON  one TracesData message a line, as the OpenTelemetry
//	                Collector's file exporter writes and its receiver reads
//
// A double that is not a number is kept as that; its bits are not.
package archive

import (
	"bufio"
	"fmt"
	"io"

	"github.com/kiseki-dev/kiseki/telemetry"
	"github.com/kiseki-dev/kiseki/telemetry/otlpjson"
)

// Format is a kind of file.
type Format string

// The formats. The text of a format is its name in options and requests.
const (
	FormatParquet  Format = "parquet"
	FormatOTLPJSON Format = "otlp-json"
)

// Formats are the names of all formats.
func Formats() []string { return []string{string(FormatParquet), string(FormatOTLPJSON)} }

// MediaType is the format's name in Content-Type.
func (f Format) MediaType() string {
	if f == FormatParquet {
		return "application/vnd.apache.parquet"
	}
	return "application/x-ndjson"
}

// Writer writes spans in a format. It belongs to one goroutine.
type Writer interface {
	// Write adds the spans of b, which is not kept.
	Write(b *telemetry.Batch) error
	// Close completes what was written; it does not close what it was written
	// to. Without Close there is no whole file.
	Close() error
}

// NewWriter writes to w in a format.
func NewWriter(f Format, w io.Writer) (Writer, error) {
	switch f {
	case FormatParquet:
		return newParquetWriter(w), nil
	case FormatOTLPJSON:
		return &lineWriter{w: bufio.NewWriterSize(w, 64<<10)}, nil
	}
	return nil, fmt.Errorf("%q is not a format", string(f))
}

// lineWriter writes a line a batch.
type lineWriter struct {
	w    *bufio.Writer
	line []byte
}

func (l *lineWriter) Write(b *telemetry.Batch) error {
	if len(b.Spans) == 0 {
		return nil
	}
	l.line = append(otlpjson.Append(l.line[:0], b), '\n')
	if _, err := l.w.Write(l.line); err != nil {
		return fmt.Errorf("write line: %w", err)
	}
	return nil
}

func (l *lineWriter) Close() error {
	if err := l.w.Flush(); err != nil {
		return fmt.Errorf("write line: %w", err)
	}
	return nil
}
