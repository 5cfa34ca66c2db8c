package wal

import (
	"encoding/binary"
	"errors"
	"fmt"
	"unsafe"

	"github.com/klauspost/compress/s2"

	"github.com/kiseki-dev/kiseki/telemetry"
)

var (
	errCut   = errors.New("record ends early")
	errRange = errors.New("number out of range in record")
	errTail  = errors.New("bytes left over in record")
)

// Decoder reads records. It may be reused, by one goroutine at a time.
type Decoder struct{ packed, flat []byte }

// Read replaces dst with the batch of a record, whose file is open. The batch
// aliases the decoder's memory and is valid until the next call.
func (d *Decoder) Read(r *Record, dst *telemetry.Batch) error {
	rec, err := r.read(d.packed)
	if err != nil {
		return err
	}
	d.packed = rec
	if err := d.Decode(rec[frameSize:], dst); err != nil {
		return fmt.Errorf("read log %s at offset %d: %w", r.file.Path, r.Offset, err)
	}
	return nil
}

// Decode replaces dst with the batch of a record's payload. The batch aliases
// the decoder's memory and is valid until the next call.
func (d *Decoder) Decode(payload []byte, dst *telemetry.Batch) error {
	n, err := s2.DecodedLen(payload)
	if err != nil {
		return fmt.Errorf("decompress record: %w", err)
	}
	if n > MaxRecord {
		return ErrTooLarge
	}
	if cap(d.flat) < n {
		d.flat = make([]byte, n)
	}
	flat, err := s2.Decode(d.flat[:n], payload)
	if err != nil {
		return fmt.Errorf("decompress record: %w", err)
	}
	return DecodeBatch(flat, dst)
}

// DecodeBatch replaces dst with the batch that [AppendBatch] encoded. The
// batch aliases p. On an error dst is empty.
func DecodeBatch(p []byte, dst *telemetry.Batch) error {
	dst.Reset()
	d := batchDecoder{p: p, b: dst}
	d.batch()
	if d.err == nil && len(d.p) > 0 {
		d.err = errTail
	}
	if d.err != nil {
		dst.Reset()
		return fmt.Errorf("decode record: %w", d.err)
	}
	return nil
}

// batchDecoder consumes p. After the first error it keeps returning zeros, so
// that only loops need to look at err.
type batchDecoder struct {
	p   []byte
	b   *telemetry.Batch
	err error
}

func (d *batchDecoder) fail(err error) {
	if d.err == nil {
		d.err = err
	}
	d.p = nil
}

func (d *batchDecoder) uvarint() uint64 {
	if len(d.p) > 0 && d.p[0] < 0x80 {
		v := d.p[0]
		d.p = d.p[1:]
		return uint64(v)
	}
	v, n := binary.Uvarint(d.p)
	if n <= 0 {
		d.fail(errCut)
		return 0
	}
	d.p = d.p[n:]
	return v
}

func (d *batchDecoder) varint() int64 {
	u := d.uvarint()
	return int64(u>>1) ^ -int64(u&1)
}

func (d *batchDecoder) uint32() uint32 {
	v := d.uvarint()
	if v > 1<<32-1 {
		d.fail(errRange)
		return 0
	}
	return uint32(v)
}

// count is the length of a list whose elements take at least size bytes each,
// so that a forged length can not make the decoder allocate much.
func (d *batchDecoder) count(size int) int {
	v := d.uvarint()
	if v > uint64(len(d.p)/size) {
		d.fail(errCut)
		return 0
	}
	return int(v)
}

// hint is a number of elements that take at least size bytes each, no more
// than there can be.
func (d *batchDecoder) hint(size int) int {
	v := d.uvarint()
	return int(min(v, uint64(len(d.p)/size)))
}

func (d *batchDecoder) take(n int) []byte {
	if n > len(d.p) {
		d.fail(errCut)
		return nil
	}
	v := d.p[:n]
	d.p = d.p[n:]
	return v
}

func (d *batchDecoder) byte() byte {
	if v := d.take(1); v != nil {
		return v[0]
	}
	return 0
}

// text is not checked to be UTF-8: the record's checksum says that it is what
// the producer of the batch promised.
func (d *batchDecoder) text() string {
	v := d.take(d.count(1))
	return unsafe.String(unsafe.SliceData(v), len(v))
}

// The least an element takes, see [AppendBatch].
const (
	minAttr     = 2
	minResource = 3
	minScope    = 5
	minSpan     = 17
	minEvent    = 4
	minLink     = 28
)

func (d *batchDecoder) batch() {
	// Only to make room: the totals are those of the batch, which may have
	// more than its spans refer to, such as what a limit cut off them.
	attrs, events, links := d.hint(minAttr), d.hint(minEvent), d.hint(minLink)
	d.b.Attrs = grow(d.b.Attrs, attrs)
	d.b.Events = grow(d.b.Events, events)
	d.b.Links = grow(d.b.Links, links)
	for range d.count(minResource) {
		d.b.Resources = append(d.b.Resources, telemetry.Resource{Attrs: d.attrs(), DroppedAttrs: d.uint32(), SchemaURL: d.text()})
	}
	for range d.count(minScope) {
		d.b.Scopes = append(d.b.Scopes, telemetry.Scope{
			Name: d.text(), Version: d.text(), Attrs: d.attrs(), DroppedAttrs: d.uint32(), SchemaURL: d.text(),
		})
	}
	n := d.count(minSpan)
	d.b.Spans = grow(d.b.Spans, n)
	var before telemetry.Span
	for i := 0; i < n && d.err == nil; i++ {
		d.span(&before)
	}
}

func grow[T any](s []T, n int) []T {
	if cap(s) < n {
		return make([]T, 0, n)
	}
	return s
}

func (d *batchDecoder) span(before *telemetry.Span) {
	has := d.byte()
	s := telemetry.Span{TraceID: before.TraceID}
	if has&hasTrace != 0 {
		copy(s.TraceID[:], d.take(16))
	}
	copy(s.SpanID[:], d.take(8))
	if has&hasParent != 0 {
		copy(s.ParentID[:], d.take(8))
	}
	s.Start = before.Start + uint64(d.varint())
	s.End = s.Start + uint64(d.varint())
	s.Kind, s.Status = telemetry.Kind(d.byte()), telemetry.Status(d.byte())
	s.Resource, s.Scope = d.uint32(), d.uint32()
	if s.Resource >= uint32(len(d.b.Resources)) || s.Scope >= uint32(len(d.b.Scopes)) {
		d.fail(errRange)
		return
	}
	s.Name = d.text()
	s.Attrs = d.attrs()
	if has&hasState != 0 {
		s.TraceState = d.text()
	}
	if has&hasMessage != 0 {
		s.StatusMessage = d.text()
	}
	if has&hasFlags != 0 {
		s.Flags = d.uint32()
	}
	if has&hasDropped != 0 {
		s.DroppedAttrs, s.DroppedEvents, s.DroppedLinks = d.uint32(), d.uint32(), d.uint32()
	}
	if has&hasEvents != 0 {
		s.Events = d.events(s.Start)
	}
	if has&hasLinks != 0 {
		s.Links = d.links()
	}
	d.b.Spans = append(d.b.Spans, s)
	before.TraceID, before.Start = s.TraceID, s.Start
}

func (d *batchDecoder) events(start uint64) telemetry.Range {
	first := len(d.b.Events)
	for range d.count(minEvent) {
		d.b.Events = append(d.b.Events, telemetry.Event{
			Time: start + uint64(d.varint()), Name: d.text(), DroppedAttrs: d.uint32(), Attrs: d.attrs(),
		})
	}
	return telemetry.Range{Start: uint32(first), End: uint32(len(d.b.Events))}
}

func (d *batchDecoder) links() telemetry.Range {
	first := len(d.b.Links)
	for range d.count(minLink) {
		var l telemetry.Link
		copy(l.TraceID[:], d.take(16))
		copy(l.SpanID[:], d.take(8))
		l.TraceState = d.text()
		l.Flags, l.DroppedAttrs = d.uint32(), d.uint32()
		l.Attrs = d.attrs()
		d.b.Links = append(d.b.Links, l)
	}
	return telemetry.Range{Start: uint32(first), End: uint32(len(d.b.Links))}
}

func (d *batchDecoder) attrs() telemetry.Range {
	first := len(d.b.Attrs)
	n := d.count(minAttr)
	for i := 0; i < n && d.err == nil; i++ {
		key := d.text()
		d.b.Attrs = append(d.b.Attrs, telemetry.Attr{Key: key, Value: d.value()})
	}
	return telemetry.Range{Start: uint32(first), End: uint32(len(d.b.Attrs))}
}

func (d *batchDecoder) value() telemetry.Value {
	switch t := telemetry.ValueType(d.byte()); t {
	case telemetry.ValueEmpty:
		return telemetry.Value{}
	case telemetry.ValueBool:
		return telemetry.BoolValue(d.byte() != 0)
	case telemetry.ValueInt:
		return telemetry.IntValue(d.varint())
	case telemetry.ValueDouble:
		v := d.take(8)
		if v == nil {
			return telemetry.Value{}
		}
		return telemetry.RawValue(t, binary.LittleEndian.Uint64(v), "")
	case telemetry.ValueString, telemetry.ValueBytes, telemetry.ValueArray, telemetry.ValueMap:
		return telemetry.RawValue(t, 0, d.text())
	}
	d.fail(errRange)
	return telemetry.Value{}
}
