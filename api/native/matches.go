package native

import (
	"encoding/hex"
	"strings"

	"github.com/kiseki-dev/kiseki/query/exec"
	"github.com/kiseki-dev/kiseki/storage/scan"
	"github.com/kiseki-dev/kiseki/telemetry"
	"github.com/kiseki-dev/kiseki/telemetry/plain"
)

// mostMatches is how many spans that contain a text are told.
const mostMatches = 20_000

// traceMatches answers with the spans of a trace that contain a text. The trace
// is read in parts, so that one of a million spans takes no more memory than a
// small one.
func (a *api) traceMatches(q *request) error {
	text, _ := q.params.text("text", 256)
	id, err := q.traceID()
	if err != nil {
		return err
	}
	n := needle{text: strings.ToLower(text), keys: map[string]bool{}}
	if text == "" {
		return badParameter("text", "The text to look for is missing.")
	}
	return a.snapshot(func(snap scan.Snapshot) error {
		spans, matched := 0, 0
		q.body = append(q.body, `{"spanIds":[`...)
		stats, err := exec.TraceParts(q.Context(), snap, id, a.Limits, partSpans, func(t *exec.Trace) error {
			spans += len(t.Batch.Spans)
			for i := range t.Batch.Spans {
				if !n.inSpan(&t.Batch, &t.Batch.Spans[i]) {
					continue
				}
				if matched++; matched > mostMatches {
					continue
				}
				if matched > 1 {
					q.body = append(q.body, ',')
				}
				q.body = appendHex(q.body, t.Batch.Spans[i].SpanID[:])
			}
			return nil
		})
		if err != nil {
			return err
		}
		a.note(q, stats)
		if spans == 0 {
			return noTrace(id, stats)
		}
		q.body = appendIntField(append(q.body, ']'), "matchedCount", int64(matched))
		q.body = append(appendStats(append(q.body, `,"stats":`...), stats), '}')
		return nil
	})
}

// needle looks for a text, in lower case, whatever the case of what it is in.
type needle struct {
	text string
	keys map[string]bool // by attribute key
	buf  []byte
}

// inSpan reports whether the text is the kind of a span, the beginning of its
// ID, or in its service, name or status message, or in a key or value of its
// attributes or its events'.
func (n *needle) inSpan(b *telemetry.Batch, s *telemetry.Span) bool {
	if s.Kind.String() == n.text || n.in(s.Name) || n.in(s.StatusMessage) || n.in(b.ServiceName(s.Resource)) || n.inAttrs(b.AttrsOf(s.Attrs)) {
		return true
	}
	if len(n.text) >= 4 && strings.HasPrefix(hex.EncodeToString(s.SpanID[:]), n.text) {
		return true
	}
	for _, e := range b.EventsOf(s) {
		if n.in(e.Name) || n.inAttrs(b.AttrsOf(e.Attrs)) {
			return true
		}
	}
	return false
}

func (n *needle) inAttrs(attrs []telemetry.Attr) bool {
	for _, a := range attrs {
		in, known := n.keys[a.Key]
		if !known {
			in = n.in(a.Key)
			n.keys[strings.Clone(a.Key)] = in
		}
		if in || n.inValue(a.Value) {
			return true
		}
	}
	return false
}

func (n *needle) inValue(v telemetry.Value) bool {
	if v.Type() == telemetry.ValueString {
		return n.in(v.Str())
	}
	n.buf = plain.AppendText(n.buf[:0], v)
	return n.in(string(n.buf))
}

func (n *needle) in(s string) bool { return strings.Contains(strings.ToLower(s), n.text) }
