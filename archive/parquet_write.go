package archive

import (
	"fmt"
	"io"

	"github.com/parquet-go/parquet-go"
	"github.com/parquet-go/parquet-go/compress/zstd"

	"github.com/kiseki-dev/kiseki/telemetry"
)

const (
	// groupRows and groupBytes bound a row group, which is held in memory
	// until it is written: in rows, and in bytes before compression.
	groupRows  = 128 << 10
	groupBytes = 64 << 20
)

// writeRows is how many rows are handed to the library at a time: it goes
// through them column by column.
const writeRows = 256

// parquetWriter writes [Columns].
type parquetWriter struct {
	w     *parquet.GenericWriter[Columns]
	build rowBuilder
	ready []parquet.Row // built and not yet handed over
	rows  int           // in the group
}

func newParquetWriter(w io.Writer) *parquetWriter {
	return &parquetWriter{
		w: parquet.NewGenericWriter[Columns](w,
			parquet.Compression(&zstd.Codec{Level: zstd.SpeedFastest, Concurrency: 1}),
			parquet.KeyValueMetadata(metaKey, metaVersion),
			parquet.CreatedBy("kiseki", metaVersion, ""),
		),
		build: rowBuilder{keys: map[string]struct{}{}},
	}
}

func (p *parquetWriter) Write(b *telemetry.Batch) error {
	for i := range b.Spans {
		n := len(p.ready)
		if n < cap(p.ready) {
			p.ready = p.ready[:n+1] // with the memory of an earlier row
		} else {
			p.ready = append(p.ready, nil)
		}
		p.build.row, p.build.col = p.ready[n][:0], 0
		p.build.span(b, &b.Spans[i])
		p.ready[n] = p.build.row
		if n+1 < writeRows && p.build.bytes < groupBytes {
			continue
		}
		if err := p.hand(); err != nil {
			return err
		}
	}
	// The rows refer to the batch.
	return p.hand()
}

// hand passes the rows that are ready on, and ends the group if it is full.
func (p *parquetWriter) hand() error {
	if _, err := p.w.WriteRows(p.ready); err != nil {
		return fmt.Errorf("write rows: %w", err)
	}
	p.rows += len(p.ready)
	p.ready, p.build.text = p.ready[:0], p.build.text[:0]
	if p.rows < groupRows && p.build.bytes < groupBytes {
		return nil
	}
	if err := p.w.Flush(); err != nil {
		return fmt.Errorf("write row group: %w", err)
	}
	p.rows, p.build.bytes = 0, 0
	return nil
}

func (p *parquetWriter) Close() error {
	if err := p.w.Close(); err != nil {
		return fmt.Errorf("write Parquet footer: %w", err)
	}
	return nil
}

// micro is a time in microseconds. The conversion to a signed number wraps
// times beyond the year 2262, of broken clocks, and is undone by the reader.
func micro(nanos uint64) int64 { return int64(nanos) / 1000 }

// span writes all columns of a span.
func (r *rowBuilder) span(b *telemetry.Batch, s *telemetry.Span) {
	resource, scope := &b.Resources[s.Resource], &b.Scopes[s.Scope]
	r.string(r.hex(s.TraceID[:]))
	r.string(r.hex(s.SpanID[:]))
	r.optional(text(r.hex(s.ParentID[:])), !s.ParentID.IsZero())
	r.optionalString(s.TraceState)
	r.int(int64(s.Flags))
	r.optionalString(b.ServiceName(s.Resource))
	r.string(s.Name)
	r.string(s.Kind.String())
	r.int(micro(s.Start))
	r.optional(parquet.Int64Value(micro(s.End)), s.End != 0)
	r.int(int64(s.Start))
	r.int(int64(s.End))
	r.int(int64(s.Duration()))
	r.string(s.Status.String())
	r.optionalString(s.StatusMessage)
	r.optionalString(scope.Name)
	r.optionalString(scope.Version)
	r.attrs(b.AttrsOf(resource.Attrs))
	r.attrs(b.AttrsOf(scope.Attrs))
	r.attrs(b.AttrsOf(s.Attrs))
	r.events(b, b.EventsOf(s))
	r.links(b, b.LinksOf(s))
	r.int(int64(s.DroppedAttrs))
	r.int(int64(s.DroppedEvents))
	r.int(int64(s.DroppedLinks))
	r.int(int64(resource.DroppedAttrs))
	r.optionalString(resource.SchemaURL)
	r.int(int64(scope.DroppedAttrs))
	r.optionalString(scope.SchemaURL)
	r.optionalString(r.otlp(b.AttrsOf(resource.Attrs)))
	r.optionalString(r.otlp(b.AttrsOf(scope.Attrs)))
	r.optionalString(r.otlp(b.AttrsOf(s.Attrs)))
}

func (r *rowBuilder) events(b *telemetry.Batch, events []telemetry.Event) {
	n := len(events)
	r.each(n, func(i int) parquet.Value { return parquet.Int64Value(micro(events[i].Time)) })
	r.each(n, func(i int) parquet.Value { return parquet.Int64Value(int64(events[i].Time)) })
	r.each(n, func(i int) parquet.Value { return text(events[i].Name) })
	r.each(n, func(i int) parquet.Value { return parquet.Int64Value(int64(events[i].DroppedAttrs)) })
	r.each(n, func(i int) parquet.Value { return text(r.otlp(b.AttrsOf(events[i].Attrs))) })
	r.maps(1, n, func(i int) []telemetry.Attr { return b.AttrsOf(events[i].Attrs) })
}

func (r *rowBuilder) links(b *telemetry.Batch, links []telemetry.Link) {
	n := len(links)
	r.each(n, func(i int) parquet.Value { return text(r.hex(links[i].TraceID[:])) })
	r.each(n, func(i int) parquet.Value { return text(r.hex(links[i].SpanID[:])) })
	r.each(n, func(i int) parquet.Value { return text(links[i].TraceState) })
	r.each(n, func(i int) parquet.Value { return parquet.Int64Value(int64(links[i].Flags)) })
	r.each(n, func(i int) parquet.Value { return parquet.Int64Value(int64(links[i].DroppedAttrs)) })
	r.each(n, func(i int) parquet.Value { return text(r.otlp(b.AttrsOf(links[i].Attrs))) })
	r.maps(1, n, func(i int) []telemetry.Attr { return b.AttrsOf(links[i].Attrs) })
}
