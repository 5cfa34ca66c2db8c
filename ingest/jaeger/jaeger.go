// Package jaeger receives spans as Jaeger's collector and agent do: protobuf
// over gRPC, Thrift over HTTP, and Thrift's compact and binary protocols over
// UDP (https://www.jaegertracing.io/docs/1.76/architecture/apis/). It answers
// clients that ask how much to sample, too.
//
// Goals:
//   - Any client of Jaeger needs its address changed and nothing else.
//   - Nothing is lost: what package api/jaeger answers of a span is what was
//     sent, tag by tag and with its type.
//   - What a client says of lengths and counts costs nothing: bodies are walked
//     in place, and what is made of them is counted meanwhile.
//
// The path of a request: package ingest takes and reads it, decode_proto.go or
// decode_thrift.go makes spans of Jaeger's model of it, append.go a batch of
// those.
//
// The Collector's translator (pkg/translator/jaeger) is not used because it
// loses things: it renames tags of processes, drops flags, and makes tags that
// nobody sent.
package jaeger

import (
	"fmt"

	"github.com/kiseki-dev/kiseki/ingest"
	"github.com/kiseki-dev/kiseki/telemetry"
)

// span is a span of Jaeger's model. It is reused: reset keeps its slices. Its
// strings alias the body.
type span struct {
	traceID    telemetry.TraceID
	id         telemetry.SpanID
	parent     telemetry.SpanID // of Thrift; zero: see references
	name       string
	flags      uint32
	start      uint64 // Unix nanoseconds
	end        uint64
	references []reference
	tags       []telemetry.Attr
	logs       []log
	fields     []telemetry.Attr // of all logs
	warnings   []string
}

type reference struct {
	trace       telemetry.TraceID
	span        telemetry.SpanID
	followsFrom bool // else it is the child of the span
}

type log struct {
	time   uint64 // Unix nanoseconds
	fields telemetry.Range
}

// process is who sends spans.
type process struct {
	service string
	tags    []telemetry.Attr
}

func (s *span) reset() {
	*s = span{references: s.references[:0], tags: s.tags[:0], logs: s.logs[:0], fields: s.fields[:0], warnings: s.warnings[:0]}
}

// parts is the number of elements that s has so far.
func (s *span) parts() int {
	return len(s.references) + len(s.tags) + len(s.logs) + len(s.fields) + len(s.warnings)
}

// decoder implements [ingest.Decoder]. One span is decoded at a time and
// appended.
type decoder struct {
	out     appender
	span    span
	process process
}

func newDecoder(l ingest.Limits) *decoder {
	return &decoder{out: appender{limits: l.WithDefaults()}}
}

// Decode implements [ingest.Decoder].
func (d *decoder) Decode(encoding string, body []byte, b *telemetry.Batch) (ingest.Report, error) {
	return d.add(b, func() error {
		if encoding == encodingProto {
			return d.protoRequest(body)
		}
		return d.thriftBody(body)
	})
}

// add has f append spans to b.
func (d *decoder) add(b *telemetry.Batch, f func() error) (ingest.Report, error) {
	d.out.begin(b)
	err := f()
	d.out.b = nil
	if cap(d.span.tags)+cap(d.span.fields)+cap(d.process.tags) > maxKept {
		d.span, d.process = span{}, process{}
	}
	return d.out.report, err
}

// maxKept is how many tags a decoder keeps memory for.
const maxKept = 16 << 10

// room reports an error where a span under way, or a process, has more elements
// than a whole request may.
func (d *decoder) room(parts int) error {
	if d.out.elements+parts > d.out.limits.Elements {
		return fmt.Errorf("%w: %d spans, references, tags and logs", ingest.ErrTooMany, d.out.limits.Elements)
	}
	return nil
}
