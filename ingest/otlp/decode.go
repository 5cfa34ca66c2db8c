// Package otlp receives traces in the OpenTelemetry protocol: protobuf and
// JSON over HTTP, protobuf over gRPC
// (https://opentelemetry.io/docs/specs/otlp/).
//
// Goals:
//   - A span of 450 bytes with 10 attributes is decoded in at most 450 ns and
//     without allocation: the wire bytes are walked in place into a reused
//     [telemetry.Batch] whose strings alias the body.
//   - What is beyond a limit gets the protocol's own answer; the limits
//     themselves are package ingest's.
//   - One bad span costs that span, not its batch: it is rejected, counted,
//     and named in the partial success of the answer.
//
// The path of a request: package ingest takes and reads it, decode_proto.go or
// decode_json.go fills a batch, the append function stores it, response.go has
// the answer.
package otlp

import (
	"fmt"
	"strings"
	"unicode/utf8"
	"unsafe"

	"github.com/kiseki-dev/kiseki/ingest"
	"github.com/kiseki-dev/kiseki/telemetry"
)

// DecodeError says that a request is malformed, and where.
type DecodeError struct {
	Offset int    // in the decompressed body, bytes
	Path   string // such as "resourceSpans[0].scopeSpans[1].spans[17]"
	Reason string
	// TooMany is true for a well-formed request that has more elements than
	// [DecodeLimits] allows.
	TooMany bool
}

// Unwrap is [ingest.ErrTooMany] where that is what is wrong.
func (e *DecodeError) Unwrap() error {
	if e.TooMany {
		return ingest.ErrTooMany
	}
	return nil
}

func (e *DecodeError) Error() string {
	if e.Path == "" {
		return fmt.Sprintf("%s at byte %d", e.Reason, e.Offset)
	}
	return fmt.Sprintf("%s at byte %d, in %s", e.Reason, e.Offset, e.Path)
}

// DecodeLimits bound what one request may make the decoder do.
type DecodeLimits struct {
	// Depth is how deep arrays and maps may nest in an attribute's value.
	Depth int
	// Elements is the number of spans, events, links and attributes together.
	Elements int
}

// Decoder fills batches from OTLP requests. It keeps its memory between
// requests; the strings of a batch it filled are valid until its next use and
// as long as the body is unchanged. A Decoder is used by one goroutine at a
// time. The zero Decoder is not usable: see [NewDecoder].
type Decoder struct {
	limits   DecodeLimits
	b        *telemetry.Batch
	in       string // the body
	arena    []byte // what cannot alias the body: unescaped, repaired, re-encoded
	pos      int    // JSON: the next byte of in
	elements int
	report   ingest.Report
	rejected [len(rejectReasons)]int
	err      *DecodeError
	// Where the decoder is, for error messages; -1 is "not in one".
	resourceSpans, scopeSpans, span int
}

// NewDecoder makes a decoder.
func NewDecoder(limits DecodeLimits) *Decoder { return &Decoder{limits: limits} }

// Decode implements [ingest.Decoder].
func (d *Decoder) Decode(encoding string, body []byte, b *telemetry.Batch) (ingest.Report, error) {
	if encoding == encodingJSON {
		return d.DecodeJSON(body, b)
	}
	return d.DecodeProto(body, b)
}

// DecodeProto empties b and fills it from a protobuf
// ExportTraceServiceRequest. The batch aliases body and d. An error is a
// [*DecodeError]; b is then of no use.
//
// As protobuf demands, fields may come in any order, unknown ones are
// skipped, of repeated scalar fields the last one wins and repeated
// submessages are merged. It is laxer than protobuf in that invalid UTF-8 is
// repaired, and stricter in that groups (a syntax OTLP never used) are
// refused and that nesting is limited.
func (d *Decoder) DecodeProto(body []byte, b *telemetry.Batch) (ingest.Report, error) {
	d.reset(body, b)
	d.protoRequest(d.in)
	return d.finish()
}

// DecodeJSON is [Decoder.DecodeProto] for OTLP/JSON. It accepts lowerCamelCase
// and snake_case field names; 64-bit integers as numbers or strings; enums as
// numbers or names, an unknown name counting as 0; base64 of either alphabet,
// padded or not; null as absent. Unknown fields are skipped. Of a field that
// an object repeats, the last one wins.
func (d *Decoder) DecodeJSON(body []byte, b *telemetry.Batch) (ingest.Report, error) {
	d.reset(body, b)
	d.jsonRequest()
	return d.finish()
}

func (d *Decoder) reset(body []byte, b *telemetry.Batch) {
	b.Reset()
	*d = Decoder{limits: d.limits, b: b, in: alias(body), arena: d.arena[:0], resourceSpans: -1, scopeSpans: -1, span: -1}
}

// finish lets go of the body and the batch and sums up.
func (d *Decoder) finish() (ingest.Report, error) {
	d.b, d.in = nil, ""
	if d.err != nil {
		return ingest.Report{}, d.err
	}
	if d.report.RejectedSpans > 0 {
		d.report.Reason = d.rejectMessage()
	}
	return d.report, nil
}

// alias is b as a string, without a copy.
func alias(b []byte) string { return unsafe.String(unsafe.SliceData(b), len(b)) }

// fail records the first error; the offset is that of a byte of the body. It
// returns false so that a caller can return it.
func (d *Decoder) fail(offset int, reason string) bool {
	if d.err == nil {
		d.err = &DecodeError{Offset: offset, Path: d.path(), Reason: reason}
	}
	return false
}

func (d *Decoder) path() string {
	var w strings.Builder
	for _, p := range [...]struct {
		name string
		i    int
	}{{"resourceSpans", d.resourceSpans}, {".scopeSpans", d.scopeSpans}, {".spans", d.span}} {
		if p.i < 0 {
			break
		}
		fmt.Fprintf(&w, "%s[%d]", p.name, p.i)
	}
	return w.String()
}

// element counts one span, event, link or attribute at an offset of the body.
func (d *Decoder) element(offset int) bool {
	d.elements++
	if d.elements <= d.limits.Elements {
		return true
	}
	if d.fail(offset, ""); d.err.Reason == "" {
		d.err.Reason = fmt.Sprintf("more than %d spans, events, links and attributes in one request", d.limits.Elements)
		d.err.TooMany = true
	}
	return false
}

func (d *Decoder) tooDeep(offset int) bool {
	return d.fail(offset, fmt.Sprintf("attribute value nested deeper than %d levels", d.limits.Depth))
}

// mark remembers the lengths of a batch, to undo what was added since.
type mark struct{ resources, scopes, spans, events, links, attrs int }

func (d *Decoder) mark() mark {
	b := d.b
	return mark{len(b.Resources), len(b.Scopes), len(b.Spans), len(b.Events), len(b.Links), len(b.Attrs)}
}

func (d *Decoder) undo(m mark) {
	b := d.b
	b.Resources, b.Scopes, b.Spans = b.Resources[:m.resources], b.Scopes[:m.scopes], b.Spans[:m.spans]
	b.Events, b.Links, b.Attrs = b.Events[:m.events], b.Links[:m.links], b.Attrs[:m.attrs]
}

// attrsSince is the range of the attributes added since start.
func (d *Decoder) attrsSince(start int) telemetry.Range {
	return telemetry.Range{Start: uint32(start), End: uint32(len(d.b.Attrs))}
}

// The reasons for which a span is rejected.
const (
	rejectTraceIDLength = iota
	rejectTraceIDZero
	rejectSpanIDLength
	rejectSpanIDZero
	rejectParentLength
	rejectHex
)

var rejectReasons = [...]string{
	rejectTraceIDLength: "trace_id is not 16 bytes",
	rejectTraceIDZero:   "trace_id is all zero",
	rejectSpanIDLength:  "span_id is not 8 bytes",
	rejectSpanIDZero:    "span_id is all zero",
	rejectParentLength:  "parent_span_id is not 8 bytes",
	rejectHex:           "an id is not hexadecimal",
}

// reject undoes the span that began at m and counts it.
func (d *Decoder) reject(reason int, m mark) {
	d.undo(m)
	d.report.RejectedSpans++
	d.rejected[reason]++
}

func (d *Decoder) rejectMessage() string {
	var parts []string
	for reason, n := range d.rejected {
		if n > 0 {
			parts = append(parts, fmt.Sprintf("%s (%d)", rejectReasons[reason], n))
		}
	}
	return fmt.Sprintf("%d spans rejected: %s", d.report.RejectedSpans, strings.Join(parts, ", "))
}

// text is s if it is valid UTF-8, else a repaired copy.
func (d *Decoder) text(s string) string {
	if ascii(s) || utf8.ValidString(s) {
		return s
	}
	start := len(d.arena)
	d.appendText(s)
	return alias(d.arena[start:])
}

// appendText appends s to the arena and replaces each run of invalid bytes by
// one U+FFFD, as strings.ToValidUTF8 does.
func (d *Decoder) appendText(s string) {
	if utf8.ValidString(s) {
		d.arena = append(d.arena, s...)
		return
	}
	d.report.InvalidUTF8++
	invalid := false
	for i := 0; i < len(s); {
		_, n := utf8.DecodeRuneInString(s[i:])
		switch bad := n == 1 && s[i] >= utf8.RuneSelf; {
		case !bad:
			d.arena = append(d.arena, s[i:i+n]...)
			invalid = false
		case !invalid:
			d.arena = append(d.arena, "\uFFFD"...)
			invalid = true
		}
		i += n
	}
}
