package zipkin

import (
	"fmt"
	"strconv"
	"strings"

	"github.com/kiseki-dev/kiseki/ingest"
	"github.com/kiseki-dev/kiseki/telemetry"
)

// maxMicros keeps times that become nanoseconds within 63 bits, as they are
// where they are compared and shown.
const maxMicros = 1<<63/1000 - 1

// maxParts is how many annotations, and tags, a span may have. Two bytes on the
// wire make one, which takes 30 times as much here.
const maxParts = 64 << 10

var errManyParts = fmt.Errorf("%w: %d annotations or tags in a span", ingest.ErrTooMany, maxParts)

// span is a span of Zipkin's version 2, to which all encodings are decoded
// (https://zipkin.io/zipkin-api/#/default/post_spans). It is reused: reset
// keeps its slices.
type span struct {
	traceID     telemetry.TraceID
	id, parent  telemetry.SpanID // parent is zero for none
	kind        telemetry.Kind
	name        string
	timestamp   uint64 // microseconds since 1970, 0: not known
	duration    uint64 // microseconds, 0: not known
	local       endpoint
	remote      endpoint
	annotations []annotation
	tags        []tag
	debug       bool
	shared      bool
}

// endpoint is a side of a span. The zero endpoint says nothing.
type endpoint struct {
	service    string
	ipv4, ipv6 string // as text
	port       uint16 // 0: not known
}

type annotation struct {
	timestamp uint64 // microseconds
	value     string
}

type tag struct{ key, value string }

func (s *span) reset() { *s = span{annotations: s.annotations[:0], tags: s.tags[:0]} }

// check says what is wrong with a span, in Zipkin's words.
func (s *span) check() error {
	switch {
	case s.traceID.IsZero():
		return fmt.Errorf("traceId is missing or all zeros")
	case s.id.IsZero():
		return fmt.Errorf("id is missing or all zeros")
	case s.timestamp > maxMicros || s.duration > maxMicros || s.timestamp+s.duration > maxMicros:
		return fmt.Errorf("timestamp or duration of span %s is beyond the year 2262", s.id)
	}
	for _, a := range s.annotations {
		if a.timestamp > maxMicros {
			return fmt.Errorf("timestamp of annotation %.40q is beyond the year 2262", a.value)
		}
	}
	return nil
}

// parseTraceID reads up to 32 digits; those that are left out are zeros.
func parseTraceID(text string) (telemetry.TraceID, error) {
	padded, err := padded("traceId", text, 32)
	if err != nil {
		return telemetry.TraceID{}, err
	}
	id, err := telemetry.ParseTraceID(padded)
	if err != nil || id.IsZero() {
		return id, fmt.Errorf("traceId %q should be 1 to 32 hexadecimal digits that are not all zeros", text)
	}
	return id, nil
}

// parseID is parseTraceID for the ID of a span, and for that of its parent,
// which may be zero: none.
func parseID(field, text string) (telemetry.SpanID, error) {
	padded, err := padded(field, text, 16)
	if err != nil {
		return telemetry.SpanID{}, err
	}
	id, err := telemetry.ParseSpanID(padded)
	if err != nil {
		return id, fmt.Errorf("%s %q should be 1 to 16 hexadecimal digits", field, text)
	}
	return id, nil
}

func padded(field, text string, digits int) (string, error) {
	switch {
	case text == "":
		return "", fmt.Errorf("%s is empty", field)
	case len(text) > digits:
		return "", fmt.Errorf("%s.length > %d", field, digits)
	}
	return strings.Repeat("0", digits-len(text)) + text, nil
}

// setIP sets the address of the version that text is of. Zipkin ignores what
// is no address; it is kept here, as one of version 4.
func (e *endpoint) setIP(text string) {
	if strings.Contains(text, ":") {
		e.ipv6 = text
	} else if text != "" {
		e.ipv4 = text
	}
}

// setPort sets a port, of which 0 means that it is not known.
func (e *endpoint) setPort(port int64) error {
	if port < 0 || port > 65535 {
		return fmt.Errorf("invalid port %s", strconv.FormatInt(port, 10))
	}
	e.port = uint16(port)
	return nil
}
