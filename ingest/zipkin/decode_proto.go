package zipkin

import (
	"fmt"
	"net/netip"

	"github.com/kiseki-dev/kiseki/ingest/pb"
	"github.com/kiseki-dev/kiseki/telemetry"
)

// The messages of https://github.com/openzipkin/zipkin-api/blob/master/zipkin.proto.

func (d *decoder) proto(body []byte) error {
	i := 0
	return pb.Walk(body, func(key int, _ uint64, text []byte) error {
		if key != 1<<3|pb.Bytes { // spans
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
	err := pb.Walk(m, func(key int, number uint64, text []byte) (err error) {
		switch key {
		case 1<<3 | pb.Bytes:
			err = setID("trace_id", s.traceID[:], text)
		case 2<<3 | pb.Bytes:
			err = setID("parent_id", s.parent[:], text)
		case 3<<3 | pb.Bytes:
			err = setID("id", s.id[:], text)
		case 4<<3 | pb.Varint:
			s.kind = protoKind(number)
		case 5<<3 | pb.Bytes:
			s.name = pb.Text(text)
		case 6<<3 | pb.Fixed64:
			s.timestamp = number
		case 7<<3 | pb.Varint:
			s.duration = number
		case 8<<3 | pb.Bytes:
			err = s.local.proto(text)
		case 9<<3 | pb.Bytes:
			err = s.remote.proto(text)
		case 10<<3 | pb.Bytes:
			if len(s.annotations) >= maxParts {
				return errManyParts
			}
			err = s.protoAnnotation(text)
		case 11<<3 | pb.Bytes:
			if len(s.tags) >= maxParts {
				return errManyParts
			}
			err = s.protoTag(text)
		case 12<<3 | pb.Varint:
			s.debug = number != 0
		case 13<<3 | pb.Varint:
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
	return pb.Walk(m, func(key int, number uint64, text []byte) error {
		switch key {
		case 1<<3 | pb.Bytes:
			e.service = pb.Text(text)
		case 2<<3 | pb.Bytes, 3<<3 | pb.Bytes:
			return e.setAddress(text)
		case 4<<3 | pb.Varint:
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
	err := pb.Walk(m, func(key int, number uint64, text []byte) error {
		switch key {
		case 1<<3 | pb.Fixed64:
			out.timestamp = number
		case 2<<3 | pb.Bytes:
			out.value = pb.Text(text)
		}
		return nil
	})
	s.annotations = append(s.annotations, out)
	return err
}

func (s *span) protoTag(m []byte) error {
	var out tag
	err := pb.Walk(m, func(key int, _ uint64, text []byte) error {
		switch key {
		case 1<<3 | pb.Bytes:
			out.key = pb.Text(text)
		case 2<<3 | pb.Bytes:
			out.value = pb.Text(text)
		}
		return nil
	})
	s.tags = append(s.tags, out)
	return err
}
