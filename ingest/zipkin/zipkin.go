// Package zipkin receives spans as Zipkin's server does: version 2 in JSON and
// protobuf, version 1 in JSON and Thrift, over HTTP
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
// The path of a request: package ingest takes and reads it, decode_json.go,
// decode_proto.go or decode_v1.go makes spans of it, v1.go those of version 2 of
// those of version 1, append.go a batch of them.
//
// The Collector's translator (pkg/translator/zipkin) is not used because it
// loses things: it renames tags, makes numbers of those that look like some,
// and forgets which spans were shared.
package zipkin

import (
	"bytes"

	"github.com/kiseki-dev/kiseki/ingest"
	"github.com/kiseki-dev/kiseki/telemetry"
)

// decoder implements [ingest.Decoder]. One span is decoded at a time and
// appended; the batch aliases the body.
type decoder struct {
	out  appender
	span span
	v1   spanV1
}

func newDecoder(l ingest.Limits) *decoder {
	return &decoder{out: appender{limits: l.WithDefaults()}}
}

// Decode implements [ingest.Decoder].
func (d *decoder) Decode(encoding string, body []byte, b *telemetry.Batch) (ingest.Report, error) {
	d.out.reset(b)
	err := d.decode(encoding, body)
	d.out.b = nil
	return d.out.report, err
}

func (d *decoder) decode(encoding string, body []byte) error {
	switch {
	case len(body) == 0: // Zipkin takes it for no spans
		return nil
	case encoding == encodingProto:
		return d.proto(body)
	case encoding == encodingThrift:
		return d.thrift(body)
	case encoding == encodingJSON && bytes.Contains(body, onlyV1):
		return said("Expected a JSON_V2 encoded list, but received: JSON_V1")
	case encoding == encodingJSON:
		return decodeJSON(body, "JSON_V2", d.addJSON)
	case bytes.Contains(body, onlyV2[0]) || bytes.Contains(body, onlyV2[1]):
		return said("Expected a JSON_V1 encoded list, but received: JSON_V2")
	}
	return decodeJSON(body, "JSON_V1", d.addJSONv1)
}

// What shows JSON to be of the other version, as Zipkin tells them apart:
// binaryAnnotations, localEndpoint and tags.
var (
	onlyV1 = []byte(`yAnnotations"`)
	onlyV2 = [][]byte{[]byte(`Endpoint"`), []byte(`"tags"`)}
)

// said is an error in the words of Zipkin's server.
type said string

func (s said) Error() string { return string(s) }
