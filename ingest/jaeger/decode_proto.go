package jaeger

import (
	"bytes"
	"errors"
	"fmt"
	"math"

	"github.com/kiseki-dev/kiseki/ingest/pb"
	"github.com/kiseki-dev/kiseki/telemetry"
)

// The messages of jaeger-idl's proto/api_v2/collector.proto and model.proto.

// protoRequest decodes a PostSpansRequest.
func (d *decoder) protoRequest(m []byte) error {
	return pb.Walk(m, func(key int, _ uint64, payload []byte) error {
		if key == 1<<3|pb.Bytes { // batch
			return d.protoBatch(payload)
		}
		return nil
	})
}

// protoBatch decodes spans, whose process is the batch's unless they have one of
// their own.
func (d *decoder) protoBatch(m []byte) error {
	var common, last []byte
	err := pb.Walk(m, func(key int, _ uint64, payload []byte) error {
		if key == 2<<3|pb.Bytes {
			common = payload
		}
		return nil
	})
	if err != nil {
		return err
	}
	begun := false
	resource := uint32(0)
	i := 0
	return pb.Walk(m, func(key int, _ uint64, payload []byte) error {
		if key != 1<<3|pb.Bytes {
			return nil
		}
		own, err := d.protoSpan(payload)
		if own == nil {
			own = common
		}
		if err == nil && (!begun || !bytes.Equal(own, last)) {
			if err = d.protoProcess(own); err == nil {
				resource, last, begun = d.out.resource(&d.process), own, true
			}
		}
		if err == nil {
			err = d.out.add(&d.span, resource)
		}
		if err != nil {
			return fmt.Errorf("span %d: %w", i, err)
		}
		i++
		return nil
	})
}

// protoSpan decodes a span and returns the message of its own process, if it
// has one.
func (d *decoder) protoSpan(m []byte) (own []byte, err error) {
	s := &d.span
	s.reset()
	var length int64
	err = pb.Walk(m, func(key int, number uint64, payload []byte) (err error) {
		switch key {
		case 1<<3 | pb.Bytes:
			err = setID("trace_id", s.traceID[:], payload)
		case 2<<3 | pb.Bytes:
			err = setID("span_id", s.id[:], payload)
		case 3<<3 | pb.Bytes:
			s.name = pb.Text(payload)
		case 4<<3 | pb.Bytes:
			err = s.protoReference(payload)
		case 5<<3 | pb.Varint:
			s.flags = uint32(number)
		case 6<<3 | pb.Bytes:
			var at int64
			at, err = protoNanos(payload)
			s.start = uint64(max(0, at))
		case 7<<3 | pb.Bytes:
			length, err = protoNanos(payload)
		case 8<<3 | pb.Bytes:
			s.tags, err = d.protoTag(s.tags, payload)
		case 9<<3 | pb.Bytes:
			err = d.protoLog(payload)
		case 10<<3 | pb.Bytes:
			own = payload
			if own == nil {
				own = []byte{}
			}
		case 12<<3 | pb.Bytes:
			s.warnings = append(s.warnings, pb.Text(payload))
		}
		if err == nil {
			err = d.room(s.parts())
		}
		return err
	})
	s.end = endOf(s.start, length)
	return own, err
}

// endOf is the end of what lasts for so many nanoseconds, which may be negative.
func endOf(start uint64, length int64) uint64 {
	if length < 0 {
		return start - min(start, uint64(-length))
	}
	return min(start+uint64(length), math.MaxInt64)
}

// setID copies an ID, which may be shorter than what has it.
func setID(field string, id, payload []byte) error {
	if len(payload) > len(id) {
		return fmt.Errorf("%s has %d bytes, more than %d", field, len(payload), len(id))
	}
	clear(id)
	copy(id[len(id)-len(payload):], payload)
	return nil
}

// protoNanos is a Timestamp or a Duration in nanoseconds.
func protoNanos(m []byte) (int64, error) {
	var seconds, nanos int64
	err := pb.Walk(m, func(key int, number uint64, _ []byte) error {
		switch key {
		case 1<<3 | pb.Varint:
			seconds = int64(number)
		case 2<<3 | pb.Varint:
			nanos = int64(number)
		}
		return nil
	})
	const second, most = 1_000_000_000, math.MaxInt64/1_000_000_000 - 1
	switch {
	case err != nil:
		return 0, err
	case seconds > most || seconds < -most:
		return 0, errors.New("a time beyond the year 2262")
	case nanos >= second || nanos <= -second:
		return 0, errors.New("a time has more than a second of nanoseconds")
	}
	return seconds*second + nanos, nil
}

func (s *span) protoReference(m []byte) error {
	var r reference
	err := pb.Walk(m, func(key int, number uint64, payload []byte) error {
		switch key {
		case 1<<3 | pb.Bytes:
			return setID("trace_id", r.trace[:], payload)
		case 2<<3 | pb.Bytes:
			return setID("span_id", r.span[:], payload)
		case 3<<3 | pb.Varint:
			r.followsFrom = number == 1
		}
		return nil
	})
	s.references = append(s.references, r)
	return err
}

// The types of a KeyValue in protobuf.
const (
	protoString = iota
	protoBool
	protoInt
	protoFloat
	protoBinary
)

// protoTag appends a KeyValue to tags.
func (d *decoder) protoTag(tags []telemetry.Attr, m []byte) ([]telemetry.Attr, error) {
	var typ, truth, whole, float uint64
	var text, binary []byte
	var t telemetry.Attr
	err := pb.Walk(m, func(key int, number uint64, payload []byte) error {
		switch key {
		case 1<<3 | pb.Bytes:
			t.Key = pb.Text(payload)
		case 2<<3 | pb.Varint:
			typ = number
		case 3<<3 | pb.Bytes:
			text = payload
		case 4<<3 | pb.Varint:
			truth = number
		case 5<<3 | pb.Varint:
			whole = number
		case 6<<3 | pb.Fixed64:
			float = number
		case 7<<3 | pb.Bytes:
			binary = payload
		}
		return nil
	})
	switch typ {
	case protoBool:
		t.Value = telemetry.BoolValue(truth != 0)
	case protoInt:
		t.Value = telemetry.IntValue(int64(whole))
	case protoFloat:
		t.Value = telemetry.DoubleValue(math.Float64frombits(float))
	case protoBinary:
		t.Value = telemetry.BytesValue(pb.Text(binary))
	default:
		t.Value = telemetry.StringValue(pb.Text(text))
	}
	return append(tags, t), err
}

func (d *decoder) protoLog(m []byte) error {
	s := &d.span
	first := len(s.fields)
	var l log
	err := pb.Walk(m, func(key int, _ uint64, payload []byte) (err error) {
		switch key {
		case 1<<3 | pb.Bytes:
			var at int64
			at, err = protoNanos(payload)
			l.time = uint64(max(0, at))
		case 2<<3 | pb.Bytes:
			s.fields, err = d.protoTag(s.fields, payload)
		}
		if err == nil {
			err = d.room(s.parts())
		}
		return err
	})
	l.fields = telemetry.Range{Start: uint32(first), End: uint32(len(s.fields))}
	s.logs = append(s.logs, l)
	return err
}

func (d *decoder) protoProcess(m []byte) error {
	p := &d.process
	*p = process{tags: p.tags[:0]}
	return pb.Walk(m, func(key int, _ uint64, payload []byte) (err error) {
		switch key {
		case 1<<3 | pb.Bytes:
			p.service = pb.Text(payload)
		case 2<<3 | pb.Bytes:
			p.tags, err = d.protoTag(p.tags, payload)
		}
		if err == nil {
			err = d.room(len(p.tags))
		}
		return err
	})
}
