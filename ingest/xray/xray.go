// Package xray receives segments as AWS X-Ray's daemon does, over UDP and as
// the proxy that its SDKs ask for sampling rules, and as X-Ray's API does
// (PutTraceSegments). The documents are those of
// https://docs.aws.amazon.com/xray/latest/devguide/xray-api-segmentdocuments.html.
//
// Goals:
//   - Any SDK of X-Ray needs nothing changed where kiseki is in the daemon's
//     place.
//   - Nothing is lost: what OpenTelemetry has a name for has it, everything else
//     of a document is kept below aws.xray.
//   - Subsegments are spans wherever they come: nested, apart, before or after
//     their segment.
//   - A segment in progress is a span without an end, which gives way to the
//     finished one when that comes. Readers of the store see to that, for spans
//     of all protocols.
//
// The path of a document: server.go takes it, decode.go makes JSON of it,
// append.go a span of each segment and subsegment, attributes.go and cause.go
// what these have. sampling.go answers what clients ask before they send.
//
// The Collector's receiver is not used because the module proxy does not have
// it, and because it leaves out what it has no name for.
package xray

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strings"
	"unicode/utf8"

	"github.com/kiseki-dev/kiseki/ingest"
	"github.com/kiseki-dev/kiseki/telemetry"
)

// maxDocument is how large a segment document may be, in bytes: X-Ray's limit.
const maxDocument = 64 << 10

// header is the first line of a datagram.
type header struct {
	Format  string
	Version int
}

// decodePacket is an [ingest.PacketDecoder]: a line with the header, and a
// document behind it.
func decodePacket(limits ingest.Limits, packet []byte, b *telemetry.Batch) (ingest.Report, error) {
	line, document, ok := bytes.Cut(packet, []byte("\n"))
	var h header
	switch err := json.Unmarshal(line, &h); {
	case !ok:
		return ingest.Report{}, errors.New(`there is no line {"format":"json","version":1} before the document`)
	case err != nil:
		return ingest.Report{}, fmt.Errorf("read header: %w", err)
	case !strings.EqualFold(h.Format, "json") || h.Version != 1:
		return ingest.Report{}, fmt.Errorf("documents are of format json and version 1, not %.20q and %d", h.Format, h.Version)
	}
	a := appender{b: b, limits: limits}
	_, err := a.document(document)
	return a.report, err
}

// decoder implements [ingest.Decoder] for the body of PutTraceSegments.
type decoder struct{ limits ingest.Limits }

// unprocessed is a document that was refused, as X-Ray's answer tells it.
type unprocessed struct {
	ID      string `json:"Id,omitempty"`
	Code    string `json:"ErrorCode"`
	Message string
}

// Decode implements [ingest.Decoder]. A document that is refused leaves the
// others be; the report's Detail lists them.
func (d *decoder) Decode(_ string, body []byte, b *telemetry.Batch) (ingest.Report, error) {
	var request struct{ TraceSegmentDocuments []string }
	if err := json.Unmarshal(body, &request); err != nil {
		return ingest.Report{}, err
	}
	if request.TraceSegmentDocuments == nil {
		return ingest.Report{}, errors.New("TraceSegmentDocuments is missing")
	}
	a := appender{b: b, limits: d.limits}
	refused := []unprocessed{}
	for _, text := range request.TraceSegmentDocuments {
		before, elements := *b, a.elements
		id, err := a.document([]byte(text))
		if errors.Is(err, ingest.ErrTooMany) {
			return a.report, err
		}
		if err != nil {
			*b, a.elements = before, elements
			refused = append(refused, unprocessed{id, codeOf(err), err.Error()})
			a.report.RejectedSpans++
			a.report.Reason = fmt.Sprintf("%d documents refused, the last one: %v", len(refused), err)
		}
	}
	a.report.Detail = refused
	return a.report, nil
}

// codeOf is a short name for what is wrong with a document.
func codeOf(err error) string {
	var invalid *invalidError
	if errors.As(err, &invalid) {
		return invalid.code
	}
	return "ParseError"
}

// invalidError is of a document that is JSON and no segment.
type invalidError struct{ code, message string }

func (e *invalidError) Error() string { return e.message }

func invalid(code, format string, args ...any) error {
	return &invalidError{code, fmt.Sprintf(format, args...)}
}

// document appends the spans of one document, and says what ID it names. An
// error leaves some of them there.
func (a *appender) document(text []byte) (id string, err error) {
	if len(text) > maxDocument {
		return "", invalid("DocumentTooLarge", "the document has %d bytes, the limit is %d", len(text), maxDocument)
	}
	if !utf8.Valid(text) {
		a.report.InvalidUTF8++ // the JSON decoder repairs it
	}
	in := json.NewDecoder(bytes.NewReader(text))
	in.UseNumber()
	var f fields
	if err := in.Decode(&f); err != nil {
		return "", fmt.Errorf("read document: %w", err)
	}
	if _, err := in.Token(); err != io.EOF {
		return "", errors.New("read document: there is more behind it")
	}
	id, _ = f["id"].(string)
	return id, a.top(f)
}
