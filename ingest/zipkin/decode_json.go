package zipkin

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math"
	"strconv"
	"strings"

	"github.com/kiseki-dev/kiseki/telemetry"
)

// jsonSpan is a span of version 2 in JSON.
type jsonSpan struct {
	TraceID        string
	ParentID       *string
	ID             string
	Kind           string
	Name           string
	Timestamp      number
	Duration       number
	LocalEndpoint  *jsonEndpoint
	RemoteEndpoint *jsonEndpoint
	Annotations    list[jsonAnnotation]
	Tags           jsonTags
	Debug          bool
	Shared         bool
}

type jsonEndpoint struct {
	ServiceName string
	IPv4, IPv6  string
	Port        number
}

type jsonAnnotation struct {
	Timestamp *number
	Value     *string
	Endpoint  *jsonEndpoint // of version 1
}

// number is a whole number, which clients may quote or write as 1.0e3.
type number int64

// UnmarshalJSON implements [json.Unmarshaler].
func (n *number) UnmarshalJSON(text []byte) error {
	s := strings.Trim(string(text), `"`)
	if s == "null" {
		return nil
	}
	if i, err := strconv.ParseInt(s, 10, 64); err == nil {
		*n = number(i)
		return nil
	}
	f, err := strconv.ParseFloat(s, 64)
	if err != nil || f != math.Trunc(f) || math.Abs(f) > 1<<53 {
		return fmt.Errorf("%.40q is not a whole number", s)
	}
	*n = number(f)
	return nil
}

// micros is a time or a duration, of which Zipkin takes what is negative for
// not known.
func (n number) micros() uint64 { return uint64(max(0, n)) }

// list is an array of at most maxParts elements.
type list[T any] []T

// UnmarshalJSON implements [json.Unmarshaler].
func (l *list[T]) UnmarshalJSON(text []byte) error {
	d := json.NewDecoder(bytes.NewReader(text))
	t, err := d.Token()
	if t == nil || err != nil {
		return err // null is none
	}
	if t != json.Delim('[') {
		return errors.New("expected an array")
	}
	for d.More() {
		if len(*l) >= maxParts {
			return errManyParts
		}
		var x T
		if err := d.Decode(&x); err != nil {
			return err
		}
		*l = append(*l, x)
	}
	return nil
}

// jsonTags are tags in their order, at most maxParts.
type jsonTags []tag

// UnmarshalJSON implements [json.Unmarshaler]. Numbers and bools are taken for
// their text.
func (tags *jsonTags) UnmarshalJSON(text []byte) error {
	d := json.NewDecoder(bytes.NewReader(text))
	d.UseNumber()
	t, err := d.Token()
	if t == nil || err != nil {
		return err // null is no tags
	}
	if t != json.Delim('{') {
		return errors.New("tags should be an object")
	}
	for d.More() {
		if len(*tags) >= maxParts {
			return errManyParts
		}
		key, err := d.Token()
		if err != nil {
			return err
		}
		value, err := d.Token()
		if err != nil {
			return err
		}
		out := tag{key: key.(string)} // as all names of members are
		switch v := value.(type) {
		case string:
			out.value = v
		case json.Number:
			out.value = v.String()
		case bool:
			out.value = strconv.FormatBool(v)
		case nil:
			return said(fmt.Sprintf("No value at tags.%.100s", out.key))
		default:
			return fmt.Errorf("tags.%.100s should be a string", out.key)
		}
		*tags = append(*tags, out)
	}
	return nil
}

// decodeJSON calls add with each span of a list, of which one is in memory at
// a time.
func decodeJSON[S any](body []byte, version string, add func(*S) error) error {
	d := json.NewDecoder(bytes.NewReader(body))
	if t, err := d.Token(); err != nil || t != json.Delim('[') {
		return said("Expected a " + version + " encoded list")
	}
	for i := 0; d.More(); i++ {
		var s *S
		err := d.Decode(&s)
		if err == nil && s == nil {
			err = errors.New("a span is null")
		}
		if err == nil {
			err = add(s)
		}
		if err != nil {
			return fmt.Errorf("span %d: %w", i, err)
		}
	}
	if _, err := d.Token(); err != nil {
		return fmt.Errorf("the list is cut off: %w", err)
	}
	if _, err := d.Token(); err != io.EOF {
		return errors.New("there is something behind the list")
	}
	return nil
}

var kinds = map[string]telemetry.Kind{
	"": telemetry.KindUnspecified, "CLIENT": telemetry.KindClient, "SERVER": telemetry.KindServer,
	"PRODUCER": telemetry.KindProducer, "CONSUMER": telemetry.KindConsumer,
}

func (d *decoder) addJSON(in *jsonSpan) error {
	s := &d.span
	s.reset()
	if err := s.setIDs(in.TraceID, in.ID, in.ParentID); err != nil {
		return err
	}
	var ok bool
	if s.kind, ok = kinds[in.Kind]; !ok {
		return fmt.Errorf("there is no kind %.40q", in.Kind)
	}
	s.name, s.debug, s.shared = in.Name, in.Debug, in.Shared
	s.timestamp, s.duration = in.Timestamp.micros(), in.Duration.micros()
	if err := errors.Join(in.LocalEndpoint.into(&s.local), in.RemoteEndpoint.into(&s.remote)); err != nil {
		return err
	}
	for _, n := range in.Annotations {
		if err := n.complete(); err != nil {
			return err
		}
		s.annotations = append(s.annotations, annotation{n.Timestamp.micros(), *n.Value})
	}
	s.tags = append(s.tags, in.Tags...)
	return d.out.add(s)
}

// setIDs reads the IDs of a span; parent is nil where it is a root.
func (s *span) setIDs(trace, id string, parent *string) (err error) {
	if s.traceID, err = parseTraceID(trace); err != nil {
		return err
	}
	if s.id, err = parseID("id", id); err != nil || parent == nil {
		return err
	}
	s.parent, err = parseID("parentId", *parent)
	return err
}

// into sets what the endpoint, which may be nil, says.
func (e *jsonEndpoint) into(to *endpoint) error {
	if e == nil {
		return nil
	}
	to.service = e.ServiceName
	to.setIP(e.IPv4)
	to.setIP(e.IPv6)
	return to.setPort(int64(e.Port))
}

func (n *jsonAnnotation) complete() error {
	if n.Timestamp == nil || n.Value == nil {
		return said("Incomplete annotation")
	}
	return nil
}
