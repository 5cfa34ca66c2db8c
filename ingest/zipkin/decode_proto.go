package zipkin

import (
	"errors"
	"fmt"
	"net/netip"

	"google.golang.org/protobuf/encoding/protowire"

	"github.com/kiseki-dev/kiseki/telemetry"
)

// The messages of https://github.com/openzipkin/zipkin-api/blob/master/zipkin.proto,
// walked in place: a field of a number or type that they do not have is
// skipped, as protobuf wants it.

// message calls f with each field of a message; text is the payload of fields
// that have a length, number that of the others.
func message(m []byte, f func(key int, number uint64, text []byte) error) error {
	for len(m) > 0 {
		field, typ, n := protowire.ConsumeTag(m)
		if n < 0 {
			return protowire.ParseError(n)
		}
		m = m[n:]
		var number uint64
		var text []byte
		switch typ {
		case protowire.VarintType:
			number, n = protowire.ConsumeVarint(m)
		case protowire.Fixed64Type:
			number, n = protowire.ConsumeFixed64(m)
		case protowire.BytesType:
			text, n = protowire.ConsumeBytes(m)
		case protowire.Fixed32Type:
			_, n = protowire.ConsumeFixed32(m)
		default:
			return errors.New("there are no groups in Zipkin's messages")
		}
		if n < 0 {
			return protowire.ParseError(n)
		}
		m = m[n:]
		if err := f(key(field, typ), number, text); err != nil {
			return err
		}
	}
	return nil
}

func key(field protowire.Number, typ protowire.Type) int { return int(field)<<3 | int(typ) }

// The wire types, to name fields by.
const (
	varint  = int(protowire.VarintType)
	fixed64 = int(protowire.Fixed64Type)
	bytesOf = int(protowire.BytesType)
)

func (d *decoder) proto(body []byte) error {
	i := 0
	return message(body, func(key int, _ uint64, text []byte) error {
		if key != 1<<3|bytesOf { // spans
			return nil
		}
		err := d.protoSpan(text)
		if err != nil {
			return fmt.Errorf("span %d: %w", i, err)
		}
		i++
		return nil
	})
}

func (d *decoder) protoSpan(m []byte) error {
	s := &d.span
	s.reset()
	err := message(m, func(key int, number uint64, text []byte) (err error) {
		switch key {
		case 1<<3 | bytesOf:
			err = setID("trace_id", s.traceID[:], text)
		case 2<<3 | bytesOf:
			err = setID("parent_id", s.parent[:], text)
		case 3<<3 | bytesOf:
			err = setID("id", s.id[:], text)
		case 4<<3 | varint:
			s.kind = protoKind(number)
		case 5<<3 | bytesOf:
			s.name = string(text)
		case 6<<3 | fixed64:
			s.timestamp = number
		case 7<<3 | varint:
			s.duration = number
		case 8<<3 | bytesOf:
			err = s.local.proto(text)
		case 9<<3 | bytesOf:
			err = s.remote.proto(text)
		case 10<<3 | bytesOf:
			if len(s.annotations) >= maxParts {
				return errManyParts
			}
			err = s.protoAnnotation(text)
		case 11<<3 | bytesOf:
			if len(s.tags) >= maxParts {
				return errManyParts
			}
			err = s.protoTag(text)
		case 12<<3 | varint:
			s.debug = number != 0
		case 13<<3 | varint:
			s.shared = number != 0
		}
		return err
	})
	if err != nil {
		return err
	}
	return d.out.add(s)
}

// setID copies an ID, which may be shorter than what has it.
func setID(field string, id, text []byte) error {
	if len(text) > len(id) {
		return fmt.Errorf("%s has %d bytes, more than %d", field, len(text), len(id))
	}
	clear(id)
	copy(id[len(id)-len(text):], text)
	return nil
}

// protoKind is the kind of a number of the enumeration; one that it does not
// have is no kind.
func protoKind(n uint64) telemetry.Kind {
	all := [...]telemetry.Kind{telemetry.KindUnspecified, telemetry.KindClient, telemetry.KindServer, telemetry.KindProducer, telemetry.KindConsumer}
	if n < uint64(len(all)) {
		return all[n]
	}
	return telemetry.KindUnspecified
}

func (e *endpoint) proto(m []byte) error {
	return message(m, func(key int, number uint64, text []byte) error {
		switch key {
		case 1<<3 | bytesOf:
			e.service = string(text)
		case 2<<3 | bytesOf, 3<<3 | bytesOf:
			return e.setAddress(text)
		case 4<<3 | varint:
			return e.setPort(int64(number))
		}
		return nil
	})
}

// setAddress sets the address that 4 or 16 bytes are; none are none.
func (e *endpoint) setAddress(address []byte) error {
	if len(address) == 0 {
		return nil
	}
	ip, ok := netip.AddrFromSlice(address)
	if !ok {
		return fmt.Errorf("an address of %d bytes, not 4 or 16", len(address))
	}
	e.setIP(ip.Unmap().String())
	return nil
}

func (s *span) protoAnnotation(m []byte) error {
	var out annotation
	err := message(m, func(key int, number uint64, text []byte) error {
		switch key {
		case 1<<3 | fixed64:
			out.timestamp = number
		case 2<<3 | bytesOf:
			out.value = string(text)
		}
		return nil
	})
	s.annotations = append(s.annotations, out)
	return err
}

func (s *span) protoTag(m []byte) error {
	var out tag
	err := message(m, func(key int, _ uint64, text []byte) error {
		switch key {
		case 1<<3 | bytesOf:
			out.key = string(text)
		case 2<<3 | bytesOf:
			out.value = string(text)
		}
		return nil
	})
	s.tags = append(s.tags, out)
	return err
}
