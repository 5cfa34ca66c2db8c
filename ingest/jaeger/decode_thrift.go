package jaeger

import (
	"encoding/binary"
	"errors"
	"fmt"
	"math"

	"github.com/kiseki-dev/kiseki/ingest"
	"github.com/kiseki-dev/kiseki/ingest/pb"
	"github.com/kiseki-dev/kiseki/ingest/thrift"
	"github.com/kiseki-dev/kiseki/telemetry"
)

// The structs of jaeger-idl's thrift/jaeger.thrift and agent.thrift.

// thriftBody decodes a Batch in Thrift's binary protocol.
func (d *decoder) thriftBody(body []byte) error { return d.thriftBatch(thrift.NewBinary(body)) }

// emitBatch is the one call of agents that is served: the others bring Zipkin's
// spans.
const emitBatch = "emitBatch"

// packet appends the spans of a datagram, which calls emitBatch.
func (d *decoder) packet(r *thrift.Reader, b *telemetry.Batch) (ingest.Report, error) {
	return d.add(b, func() error {
		method := r.Call()
		if r.Err() == nil && method != emitBatch {
			return fmt.Errorf("there is no method %.40q, only %s", method, emitBatch)
		}
		found := false
		for f := r.Struct(); r.Next(&f); {
			if !f.Is(1, thrift.Struct) || found {
				r.Skip(f)
				continue
			}
			found = true
			if err := d.thriftBatch(r); err != nil {
				return err
			}
		}
		if r.Err() == nil && !found {
			return errors.New("a call without a batch")
		}
		return r.Err()
	})
}

// thriftBatch decodes spans and their process, which clients send first. One
// that comes behind its spans is set then.
func (d *decoder) thriftBatch(r *thrift.Reader) error {
	d.process = process{tags: d.process.tags[:0]}
	resource, have := uint32(0), false
	for f := r.Struct(); r.Next(&f); {
		var err error
		switch {
		case f.Is(1, thrift.Struct):
			err = d.thriftProcess(r)
			if err == nil && r.Err() == nil {
				resource = d.place(resource, have)
				have = true
			}
		case f.Is(2, thrift.List):
			if !have {
				resource, have = d.out.resource(&d.process), true
			}
			err = d.thriftSpans(r, resource)
		default:
			r.Skip(f)
		}
		if err != nil {
			return err
		}
	}
	return r.Err()
}

// place appends the process, in the place of an empty one that spans refer to.
func (d *decoder) place(resource uint32, have bool) uint32 {
	at := d.out.resource(&d.process)
	if !have {
		return at
	}
	all := d.out.b.Resources
	all[resource] = all[at]
	d.out.b.Resources = all[:at]
	return resource
}

func (d *decoder) thriftProcess(r *thrift.Reader) error {
	p := &d.process
	for f := r.Struct(); r.Next(&f); {
		switch {
		case f.Is(1, thrift.String):
			p.service = r.Text()
		case f.Is(2, thrift.List):
			for n := r.List(thrift.Struct); n > 0 && r.Err() == nil; n-- {
				p.tags = append(p.tags, thriftTag(r))
				if err := d.room(len(p.tags)); err != nil {
					return err
				}
			}
		default:
			r.Skip(f)
		}
	}
	return nil
}

func (d *decoder) thriftSpans(r *thrift.Reader, resource uint32) error {
	for n := r.List(thrift.Struct); n > 0 && r.Err() == nil; n-- {
		if err := d.thriftSpan(r); err != nil {
			return err
		}
		if r.Err() != nil {
			break
		}
		if err := d.out.add(&d.span, resource); err != nil {
			return err
		}
	}
	return nil
}

func (d *decoder) thriftSpan(r *thrift.Reader) error {
	s := &d.span
	s.reset()
	var length int64
	for f := r.Struct(); r.Next(&f); {
		var err error
		switch {
		case f.Is(1, thrift.I64):
			binary.BigEndian.PutUint64(s.traceID[8:], uint64(r.I64()))
		case f.Is(2, thrift.I64):
			binary.BigEndian.PutUint64(s.traceID[:8], uint64(r.I64()))
		case f.Is(3, thrift.I64):
			binary.BigEndian.PutUint64(s.id[:], uint64(r.I64()))
		case f.Is(4, thrift.I64):
			binary.BigEndian.PutUint64(s.parent[:], uint64(r.I64()))
		case f.Is(5, thrift.String):
			s.name = r.Text()
		case f.Is(6, thrift.List):
			for n := r.List(thrift.Struct); n > 0 && r.Err() == nil && err == nil; n-- {
				s.references = append(s.references, thriftReference(r))
				err = d.room(s.parts())
			}
		case f.Is(7, thrift.I32):
			s.flags = uint32(r.I32())
		case f.Is(8, thrift.I64):
			s.start = uint64(max(0, nanos(r.I64())))
		case f.Is(9, thrift.I64):
			length = nanos(r.I64())
		case f.Is(10, thrift.List):
			s.tags, err = d.thriftTags(r, s.tags)
		case f.Is(11, thrift.List):
			err = d.thriftLogs(r)
		default:
			r.Skip(f)
		}
		if err != nil {
			return err
		}
	}
	s.end = endOf(s.start, length)
	return nil
}

// nanos is a number of microseconds in nanoseconds, of those beyond the year
// 2262 the last.
func nanos(micros int64) int64 {
	const most = math.MaxInt64 / 1000
	return max(-most, min(micros, most)) * 1000
}

func thriftReference(r *thrift.Reader) (out reference) {
	for f := r.Struct(); r.Next(&f); {
		switch {
		case f.Is(1, thrift.I32):
			out.followsFrom = r.I32() == 1
		case f.Is(2, thrift.I64):
			binary.BigEndian.PutUint64(out.trace[8:], uint64(r.I64()))
		case f.Is(3, thrift.I64):
			binary.BigEndian.PutUint64(out.trace[:8], uint64(r.I64()))
		case f.Is(4, thrift.I64):
			binary.BigEndian.PutUint64(out.span[:], uint64(r.I64()))
		default:
			r.Skip(f)
		}
	}
	return out
}

// thriftTags appends a list of tags to those of the span at hand.
func (d *decoder) thriftTags(r *thrift.Reader, tags []telemetry.Attr) (_ []telemetry.Attr, err error) {
	base := d.span.parts() - len(tags)
	for n := r.List(thrift.Struct); n > 0 && r.Err() == nil && err == nil; n-- {
		tags = append(tags, thriftTag(r))
		err = d.room(base + len(tags))
	}
	return tags, err
}

func (d *decoder) thriftLogs(r *thrift.Reader) (err error) {
	s := &d.span
	for n := r.List(thrift.Struct); n > 0 && r.Err() == nil && err == nil; n-- {
		l := log{fields: telemetry.Range{Start: uint32(len(s.fields))}}
		for f := r.Struct(); r.Next(&f) && err == nil; {
			switch {
			case f.Is(1, thrift.I64):
				l.time = uint64(max(0, nanos(r.I64())))
			case f.Is(2, thrift.List):
				s.fields, err = d.thriftTags(r, s.fields)
			default:
				r.Skip(f)
			}
		}
		l.fields.End = uint32(len(s.fields))
		s.logs = append(s.logs, l)
		if err == nil {
			err = d.room(s.parts())
		}
	}
	return err
}

// The types of a tag in Thrift.
const (
	thriftString = iota
	thriftDouble
	thriftBool
	thriftLong
	thriftBinary
)

func thriftTag(r *thrift.Reader) (t telemetry.Attr) {
	typ, text, data, truth, whole, float := int32(thriftString), "", []byte(nil), false, int64(0), 0.0
	for f := r.Struct(); r.Next(&f); {
		switch {
		case f.Is(1, thrift.String):
			t.Key = r.Text()
		case f.Is(2, thrift.I32):
			typ = r.I32()
		case f.Is(3, thrift.String):
			text = r.Text()
		case f.Is(4, thrift.Double):
			float = r.Double()
		case f.Is(5, thrift.Bool):
			truth = r.Bool()
		case f.Is(6, thrift.I64):
			whole = r.I64()
		case f.Is(7, thrift.String):
			data = r.Bytes()
		default:
			r.Skip(f)
		}
	}
	switch typ {
	case thriftDouble:
		t.Value = telemetry.DoubleValue(float)
	case thriftBool:
		t.Value = telemetry.BoolValue(truth)
	case thriftLong:
		t.Value = telemetry.IntValue(whole)
	case thriftBinary:
		t.Value = telemetry.BytesValue(pb.Text(data))
	default:
		t.Value = telemetry.StringValue(text)
	}
	return t
}
