// Package zipkin receives spans as Zipkin's server does: version 2 in JSON and
// protobuf, over HTTP
// (https://zipkin.io/zipkin-api/).
//
// Goals:
//   - Any client of Zipkin needs its address changed and nothing else.
//   - Nothing is lost: what package api/zipkin answers of a span is what was
//     sent, field by field. Names keep their case, which Zipkin lowers.
//   - The sides of a call that share an ID are two spans of that ID, as they
//     are in Zipkin.
//   - What is malformed is refused as a whole, in Zipkin's words: its answers
//     have no place for a part.
//
// The path of a request: package ingest takes and reads it, decode_json.go
// or decode_proto.go makes spans of it, append.go a batch of those.
//
// The Collector's translator (pkg/translator/zipkin) is not used because it
// loses things: it renames tags, makes numbers of those that look like some,
// and shares no spans.
package zipkin

import (
	"github.com/kiseki-dev/kiseki/ingest"
	"github.com/kiseki-dev/kiseki/telemetry"
)

// decoder implements [ingest.Decoder]. One span is decoded at a time and
// appended; the batch aliases the body.
type decoder struct {
	out  appender
	span span
}

func newDecoder(l ingest.Limits) *decoder {
	return &decoder{out: appender{limits: l.WithDefaults()}}
}

// Decode implements [ingest.Decoder].
func (d *decoder) Decode(encoding string, body []byte, b *telemetry.Batch) (ingest.Report, error) {
	d.out.reset(b)
	var err error
	switch {
	case len(body) == 0: // Zipkin takes it for no spans
	case encoding == encodingProto:
		err = d.proto(body)
	default:
		err = decodeJSON(body, d.addJSON)
	}
	d.out.b = nil
	return d.out.report, err
}
