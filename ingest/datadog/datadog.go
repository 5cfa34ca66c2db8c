// Package datadog receives traces as Datadog's Agent does from the tracing
// libraries of Datadog: PUT /v0.4/traces, /v0.3/traces and /v0.5/traces in
// MessagePack. The fields are those of
// https://docs.datadoghq.com/tracing/guide/send_traces_to_agent_by_api/ and of
// pkg/proto/datadog/trace/span.proto of the Agent.
//
// Goals:
//   - A tracing library needs nothing changed where kiseki is in the Agent's
//     place. What else it sends there (metrics, profiles, telemetry of its own)
//     is told to be absent, as by an Agent without these.
//   - What it says of a span is where OpenTelemetry has it: the kind, status,
//     exception, links, events, and the attributes that the semantic conventions
//     have another name for. Everything else keeps its name.
//   - A body costs memory in proportion to its size.
//
// The path of a request: server.go takes it, decode.go makes spans of it with
// the walker of msgpack.go, append.go a batch of these, meta.go what their
// tags say. The Collector's receiver is not used because the module proxy does
// not have it.
package datadog

import (
	"errors"
	"fmt"

	"github.com/kiseki-dev/kiseki/ingest"
	"github.com/kiseki-dev/kiseki/telemetry"
)

// decoder implements [ingest.Decoder]. One span is decoded at a time and
// appended; the batch aliases the body.
type decoder struct {
	out     appender
	in      reader
	span    span
	strings []string // of version 0.5
}

func newDecoder(l ingest.Limits) *decoder {
	return &decoder{out: appender{limits: l.WithDefaults()}}
}

// Decode implements [ingest.Decoder].
func (d *decoder) Decode(encoding string, body []byte, b *telemetry.Batch) (ingest.Report, error) {
	d.out.reset(b)
	d.in = reader{body: body, depth: d.out.limits.Depth, left: d.out.limits.Elements}
	if len(body) > 0 {
		if encoding == encodingV5 {
			d.version5()
		} else {
			d.traces(d.named)
		}
	}
	err := d.in.err
	if err == nil && d.in.at < len(body) {
		err = fmt.Errorf("%d bytes behind the traces", len(body)-d.in.at)
	}
	d.out.b = nil
	clear(d.strings)
	return d.out.report, err
}

// traces reads an array of chunks, each an array of spans of one trace and one
// process.
func (d *decoder) traces(read func()) {
	for range d.in.array() {
		d.out.begin()
		for range d.in.array() {
			d.span.reset()
			read()
			if d.in.err != nil {
				return
			}
			if d.in.err = d.out.add(&d.span); d.in.err != nil {
				return
			}
		}
		d.out.end()
	}
}

// version5 reads an array of all strings and the traces.
func (d *decoder) version5() {
	if n := d.in.array(); n != 2 {
		d.in.fail("%d elements, want the strings and the traces", n)
		return
	}
	d.strings = d.strings[:0]
	for range d.in.array() {
		d.strings = append(d.strings, d.in.text())
	}
	d.traces(d.positional)
}

// errString is of a span of version 0.5 whose text is not among the strings.
var errString = errors.New("a string is not in the list of strings")

func (d *decoder) listed() string {
	i := d.in.integer()
	if d.in.err == nil && (i < 0 || i >= int64(len(d.strings))) {
		d.in.err = errString
	}
	if d.in.err != nil {
		return ""
	}
	return d.strings[i]
}
