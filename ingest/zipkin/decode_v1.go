package zipkin

import (
	"encoding/base64"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"net/netip"
	"strconv"

	"github.com/kiseki-dev/kiseki/ingest/thrift"
)

// addV1 appends the sides of the span at hand.
func (d *decoder) addV1() error {
	sides, err := d.v1.convert()
	if err != nil {
		return err
	}
	for _, s := range sides {
		if err := d.out.add(&s.span); err != nil {
			return err
		}
	}
	return nil
}

// jsonSpanV1 is a span of version 1 in JSON.
type jsonSpanV1 struct {
	TraceID           string
	ParentID          *string
	ID                string
	Name              string
	Timestamp         number
	Duration          number
	Annotations       list[jsonAnnotation]
	BinaryAnnotations list[jsonBinary]
	Debug             bool
}

type jsonBinary struct {
	Key      *string
	Value    json.RawMessage // a string, bool or number, or what only a mistake can make
	Endpoint *jsonEndpoint
}

func (d *decoder) addJSONv1(in *jsonSpanV1) error {
	v := &d.v1
	v.reset()
	if err := v.setIDs(in.TraceID, in.ID, in.ParentID); err != nil {
		return err
	}
	v.name, v.debug, v.timestamp, v.duration = in.Name, in.Debug, in.Timestamp.micros(), in.Duration.micros()
	for _, n := range in.Annotations {
		if err := n.complete(); err != nil {
			return err
		}
		e := eventV1{annotation: annotation{n.Timestamp.micros(), *n.Value}, told: n.Endpoint != nil}
		if err := n.Endpoint.into(&e.endpoint); err != nil {
			return err
		}
		v.events = append(v.events, e)
	}
	for _, n := range in.BinaryAnnotations {
		if n.Key == nil {
			return said("No key in a binary annotation")
		}
		b := binaryV1{tag: tag{key: *n.Key}, told: n.Endpoint != nil}
		if err := n.Endpoint.into(&b.endpoint); err != nil {
			return err
		}
		if json.Unmarshal(n.Value, &b.value) != nil {
			b.value = string(n.Value)
		}
		v.binaries = append(v.binaries, b)
	}
	return d.addV1()
}

// thrift decodes a list of spans of zipkinCore.thrift.
func (d *decoder) thrift(body []byte) error {
	r := thrift.NewBinary(body)
	for n := r.List(thrift.Struct); n > 0; n-- {
		if err := d.thriftSpan(r); err != nil {
			return err
		}
	}
	if r.Err() == nil && r.Rest() > 0 {
		r.Fail(errors.New("there is something behind the list"))
	}
	return r.Err()
}

func (d *decoder) thriftSpan(r *thrift.Reader) error {
	v := &d.v1
	v.reset()
	for f := r.Struct(); r.Next(&f); {
		switch {
		case f.Is(1, thrift.I64):
			binary.BigEndian.PutUint64(v.traceID[8:], uint64(r.I64()))
		case f.Is(12, thrift.I64):
			binary.BigEndian.PutUint64(v.traceID[:8], uint64(r.I64()))
		case f.Is(3, thrift.String):
			v.name = r.Text()
		case f.Is(4, thrift.I64):
			binary.BigEndian.PutUint64(v.id[:], uint64(r.I64()))
		case f.Is(5, thrift.I64):
			binary.BigEndian.PutUint64(v.parent[:], uint64(r.I64()))
		case f.Is(6, thrift.List):
			for n := r.List(thrift.Struct); n > 0 && r.Err() == nil; n-- {
				if v.events = append(v.events, thriftEvent(r)); len(v.events) > maxParts {
					return errManyParts
				}
			}
		case f.Is(8, thrift.List):
			for n := r.List(thrift.Struct); n > 0 && r.Err() == nil; n-- {
				if v.binaries = append(v.binaries, thriftBinary(r)); len(v.binaries) > maxParts {
					return errManyParts
				}
			}
		case f.Is(9, thrift.Bool):
			v.debug = r.Bool()
		case f.Is(10, thrift.I64):
			v.timestamp = number(r.I64()).micros()
		case f.Is(11, thrift.I64):
			v.duration = number(r.I64()).micros()
		default:
			r.Skip(f)
		}
	}
	if r.Err() != nil {
		return r.Err()
	}
	return d.addV1()
}

func thriftEvent(r *thrift.Reader) (e eventV1) {
	for f := r.Struct(); r.Next(&f); {
		switch {
		case f.Is(1, thrift.I64):
			e.timestamp = number(r.I64()).micros()
		case f.Is(2, thrift.String):
			e.value = r.Text()
		case f.Is(3, thrift.Struct):
			e.endpoint, e.told = thriftEndpoint(r), true
		default:
			r.Skip(f)
		}
	}
	return e
}

// The types of a binary annotation's value.
const (
	typeBool   = 0
	typeBytes  = 1
	typeI16    = 2
	typeI32    = 3
	typeI64    = 4
	typeDouble = 5
)

func thriftBinary(r *thrift.Reader) (b binaryV1) {
	var value []byte
	typ := int32(-1)
	for f := r.Struct(); r.Next(&f); {
		switch {
		case f.Is(1, thrift.String):
			b.key = r.Text()
		case f.Is(2, thrift.String):
			value = r.Bytes()
		case f.Is(3, thrift.I32):
			typ = r.I32()
		case f.Is(4, thrift.Struct):
			b.endpoint, b.told = thriftEndpoint(r), true
		default:
			r.Skip(f)
		}
	}
	b.value = thriftText(typ, value)
	return b
}

// thriftText is the text of a value. Zipkin forgets all but strings; here they
// are what they say.
func thriftText(typ int32, value []byte) string {
	size := len(value)
	switch {
	case typ == typeBool && size == 1:
		return strconv.FormatBool(value[0] == 1)
	case typ == typeBytes:
		return base64.StdEncoding.EncodeToString(value)
	case typ == typeI16 && size == 2:
		return strconv.Itoa(int(int16(binary.BigEndian.Uint16(value))))
	case typ == typeI32 && size == 4:
		return strconv.Itoa(int(int32(binary.BigEndian.Uint32(value))))
	case typ == typeI64 && size == 8:
		return strconv.FormatInt(int64(binary.BigEndian.Uint64(value)), 10)
	case typ == typeDouble && size == 8:
		return strconv.FormatFloat(math.Float64frombits(binary.BigEndian.Uint64(value)), 'g', -1, 64)
	}
	return string(value)
}

func thriftEndpoint(r *thrift.Reader) (e endpoint) {
	for f := r.Struct(); r.Next(&f); {
		switch {
		case f.Is(1, thrift.I32):
			if n := r.I32(); n != 0 {
				e.setIP(netip.AddrFrom4([4]byte(binary.BigEndian.AppendUint32(nil, uint32(n)))).String())
			}
		case f.Is(2, thrift.I16):
			e.port = uint16(r.I16())
		case f.Is(3, thrift.String):
			e.service = r.Text()
		case f.Is(4, thrift.String):
			if err := e.setAddress(r.Bytes()); err != nil {
				r.Fail(fmt.Errorf("endpoint: %w", err))
			}
		default:
			r.Skip(f)
		}
	}
	return e
}
