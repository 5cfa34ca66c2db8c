package archive

import (
	"errors"
	"fmt"
	"io"
	"strconv"

	"github.com/parquet-go/parquet-go"

	"github.com/kiseki-dev/kiseki/ingest/otlp"
	"github.com/kiseki-dev/kiseki/telemetry"
	"github.com/kiseki-dev/kiseki/telemetry/otlpjson"
)

// readRows is how many rows are read at a time.
const readRows = 512

// parquetReader reads what parquetWriter wrote. A row is written out as
// OTLP/JSON, of which it has most already, and decoded like any other.
type parquetReader struct {
	rows    *parquet.GenericReader[Columns]
	buf     []Columns
	json    []byte
	decoder *otlp.Decoder
}

func newParquetReader(r io.ReaderAt, size int64) (_ *parquetReader, err error) {
	defer func() {
		if p := recover(); p != nil { // the library panics on some damage
			err = fmt.Errorf("open Parquet file: %v", p)
		}
	}()
	f, err := parquet.OpenFile(r, size, parquet.SkipPageIndex(true), parquet.SkipBloomFilters(true))
	if err != nil {
		return nil, fmt.Errorf("open Parquet file: %w", err)
	}
	version, ok := f.Lookup(metaKey)
	switch {
	case !ok:
		return nil, errors.New("the Parquet file was not written by kiseki export")
	case version != metaVersion:
		return nil, fmt.Errorf("the Parquet file has version %s of the export, this program reads %s", version, metaVersion)
	}
	return &parquetReader{rows: parquet.NewGenericReader[Columns](f), buf: make([]Columns, readRows), decoder: newDecoder()}, nil
}

func (p *parquetReader) Next(b *telemetry.Batch) (rejected int, err error) {
	defer func() {
		if r := recover(); r != nil { // the library panics on some damage
			err = fmt.Errorf("read Parquet rows: %v", r)
		}
	}()
	n, err := p.rows.Read(p.buf)
	if n == 0 {
		if err == nil || errors.Is(err, io.EOF) {
			return 0, io.EOF
		}
		return 0, fmt.Errorf("read Parquet rows: %w", err)
	}
	if err != nil && !errors.Is(err, io.EOF) {
		return 0, fmt.Errorf("read Parquet rows: %w", err)
	}
	p.json = append(p.json[:0], `{"resourceSpans":[`...)
	for i := range p.buf[:n] {
		if i > 0 {
			p.json = append(p.json, ',')
		}
		if p.json, err = p.buf[i].appendOTLP(p.json); err != nil {
			return 0, err
		}
	}
	p.json = append(p.json, `]}`...)
	report, err := p.decoder.DecodeJSON(p.json, b)
	if err != nil {
		return 0, fmt.Errorf("read Parquet rows: %w", err)
	}
	shareNeighbours(b)
	return report.RejectedSpans, nil
}

// shareNeighbours makes a span use its predecessor's resource and scope where
// they are equal, as those of most are.
func shareNeighbours(b *telemetry.Batch) {
	for i := 1; i < len(b.Spans); i++ {
		s, before := &b.Spans[i], &b.Spans[i-1]
		x, y := &b.Resources[s.Resource], &b.Resources[before.Resource]
		if x.SchemaURL == y.SchemaURL && x.DroppedAttrs == y.DroppedAttrs && equalAttrs(b.AttrsOf(x.Attrs), b.AttrsOf(y.Attrs)) {
			s.Resource = before.Resource
		}
		c, d := &b.Scopes[s.Scope], &b.Scopes[before.Scope]
		if c.Name == d.Name && c.Version == d.Version && c.SchemaURL == d.SchemaURL && c.DroppedAttrs == d.DroppedAttrs &&
			equalAttrs(b.AttrsOf(c.Attrs), b.AttrsOf(d.Attrs)) {
			s.Scope = before.Scope
		}
	}
}

func equalAttrs(a, b []telemetry.Attr) bool {
	if len(a) != len(b) {
		return false
	}
	for i := range a {
		if a[i] != b[i] {
			return false
		}
	}
	return true
}

// appendOTLP appends the row as a ResourceSpans object.
func (c *Columns) appendOTLP(dst []byte) ([]byte, error) {
	kind, ok := telemetry.ParseKind(c.Kind)
	if !ok {
		return dst, fmt.Errorf("read Parquet rows: %q is not a kind", c.Kind)
	}
	status, ok := telemetry.ParseStatus(c.StatusCode)
	if !ok {
		return dst, fmt.Errorf("read Parquet rows: %q is not a status", c.StatusCode)
	}
	o := jsonObject{dst: append(dst, `{"resource":{`...)}
	o.raw("attributes", deref(c.ResourceAttributesOTLP))
	o.int("droppedAttributesCount", c.ResourceDropped)
	o.next(`},"scopeSpans":[{"scope":{`)
	o.string("name", deref(c.ScopeName))
	o.string("version", deref(c.ScopeVersion))
	o.raw("attributes", deref(c.ScopeAttributesOTLP))
	o.int("droppedAttributesCount", c.ScopeDropped)
	o.next(`},"spans":[{`)
	o.string("traceId", c.TraceID)
	o.string("spanId", c.SpanID)
	o.string("parentSpanId", deref(c.ParentSpanID))
	o.string("traceState", deref(c.TraceState))
	o.int("flags", c.Flags)
	o.string("name", c.Name)
	o.int("kind", int64(kind))
	o.time("startTimeUnixNano", c.StartUnixNano)
	o.time("endTimeUnixNano", c.EndUnixNano)
	o.raw("attributes", deref(c.SpanAttributesOTLP))
	o.int("droppedAttributesCount", c.DroppedAttributes)
	o.int("droppedEventsCount", c.DroppedEvents)
	o.int("droppedLinksCount", c.DroppedLinks)
	c.appendLists(&o)
	o.field("status")
	o.next(`{`)
	o.int("code", int64(status))
	o.string("message", deref(c.StatusMessage))
	o.next(`}}]`)
	o.any = true
	o.string("schemaUrl", deref(c.ScopeSchemaURL))
	o.next(`}]`)
	o.any = true
	o.string("schemaUrl", deref(c.ResourceSchemaURL))
	return append(o.dst, '}'), nil
}

func (c *Columns) appendLists(o *jsonObject) {
	if len(c.Events) > 0 {
		o.field("events")
		for i, e := range c.Events {
			o.next([]string{`[{`, `,{`}[min(i, 1)])
			o.time("timeUnixNano", e.UnixNano)
			o.string("name", e.Name)
			o.raw("attributes", e.AttributesOTLP)
			o.int("droppedAttributesCount", e.DroppedAttributes)
			o.next(`}`)
		}
		o.next(`]`)
		o.any = true
	}
	if len(c.Links) > 0 {
		o.field("links")
		for i, l := range c.Links {
			o.next([]string{`[{`, `,{`}[min(i, 1)])
			o.string("traceId", l.TraceID)
			o.string("spanId", l.SpanID)
			o.string("traceState", l.TraceState)
			o.int("flags", l.Flags)
			o.raw("attributes", l.AttributesOTLP)
			o.int("droppedAttributesCount", l.DroppedAttributes)
			o.next(`}`)
		}
		o.next(`]`)
		o.any = true
	}
}

func deref(s *string) string {
	if s == nil {
		return ""
	}
	return *s
}

// jsonObject appends fields and leaves empty ones out.
type jsonObject struct {
	dst []byte
	any bool // the object has a field
}

func (o *jsonObject) field(name string) {
	if o.any {
		o.dst = append(o.dst, ',')
	}
	o.any = true
	o.dst = append(append(append(o.dst, '"'), name...), `":`...)
}

// next appends text after which an object without fields begins, or ends.
func (o *jsonObject) next(text string) {
	o.dst = append(o.dst, text...)
	o.any = false
}

func (o *jsonObject) raw(name, json string) {
	if json != "" {
		o.field(name)
		o.dst = append(o.dst, json...)
	}
}

func (o *jsonObject) string(name, s string) {
	if s != "" {
		o.field(name)
		o.dst = otlpjson.AppendString(o.dst, s)
	}
}

func (o *jsonObject) int(name string, n int64) {
	if n != 0 {
		o.field(name)
		o.dst = strconv.AppendInt(o.dst, n, 10)
	}
}

func (o *jsonObject) time(name string, nanos int64) {
	if nanos != 0 {
		o.field(name)
		o.dst = append(strconv.AppendUint(append(o.dst, '"'), uint64(nanos), 10), '"')
	}
}
