package native

import (
	"encoding/hex"
	"fmt"
	"math"
	"slices"
	"strconv"

	"github.com/kiseki-dev/kiseki/analysis"
	"github.com/kiseki-dev/kiseki/api/answer"
	"github.com/kiseki-dev/kiseki/query/exec"
	"github.com/kiseki-dev/kiseki/storage/scan"
	"github.com/kiseki-dev/kiseki/telemetry"
)

// Bounds of the parameters of an outline.
const (
	mostOutlined = 200_000
	outlined     = 100_000
)

// traceOutline answers with the most important spans of a trace and sums of
// the others, or with all of a small trace.
func (a *api) traceOutline(q *request) error {
	most := q.params.integer("spans", mostOutlined, outlined)
	whole := q.params.integer("whole", mostOutlined, 0)
	below, given := q.params.text("below", 16)
	focus := analysis.Focus{Below: -1, Start: q.params.moment("start", 0), End: q.params.moment("end", 0)}
	id, err := q.traceID()
	if err != nil {
		return err
	}
	if focus.Start > 0 && focus.Start >= focus.End {
		return badParameter("end", "The end is not after the start.")
	}
	var under telemetry.SpanID
	if given {
		if under, err = spanID("below", below); err != nil {
			return err
		}
		if whole > 0 {
			return badParameter("whole", "Of what is below a span there is only an outline.")
		}
	}
	return a.snapshot(func(snap scan.Snapshot) error {
		if whole > 0 && exec.CountSpans(q.Context(), snap, id, a.Limits) <= whole {
			return a.foundTrace(q, snap, id, func(t *exec.Trace) (err error) {
				q.body, err = writeColumns(q.body, t, q.spill)
				return err
			})
		}
		t, err := exec.ReadOutline(q.Context(), snap, id, a.Limits)
		if err != nil {
			return err
		}
		a.note(q, t.Stats)
		if len(t.Spans) == 0 {
			return noTrace(id, t.Stats)
		}
		if given {
			focus.Below = int32(slices.IndexFunc(t.Spans, func(s exec.TraceSpan) bool { return s.ID == under }))
			if focus.Below < 0 {
				return noSpan(id, under)
			}
		}
		w := outlineWriter{columns: newColumns(q.body, q.spill), t: t, o: analysis.MakeOutline(t, focus, most)}
		w.write(id)
		a.note(q, t.Stats)
		q.body = w.dst
		return w.err
	})
}

// getSpan answers with one span of a trace, or with the two that share its ID.
func (a *api) getSpan(q *request) error {
	id, err := q.traceID()
	if err != nil {
		return err
	}
	span, err := spanID("spanId", q.PathValue("spanId"))
	if err != nil {
		return err
	}
	return a.snapshot(func(snap scan.Snapshot) error {
		t, err := exec.FindSpans(q.Context(), snap, id, span, a.Limits)
		if err != nil {
			return err
		}
		a.note(q, t.Stats)
		if len(t.Batch.Spans) == 0 {
			if !t.Stats.Complete {
				return noTrace(id, t.Stats)
			}
			return noSpan(id, span)
		}
		q.body, err = writeColumns(q.body, t, q.spill)
		return err
	})
}

func spanID(name, text string) (id telemetry.SpanID, err error) {
	b, err := hex.DecodeString(text)
	if err != nil || len(b) != len(id) {
		return id, badParameter(name, "A span ID is 16 hexadecimal digits.")
	}
	return telemetry.SpanID(b), nil
}

func noSpan(id telemetry.TraceID, span telemetry.SpanID) error {
	return &problem{Status: 404, Title: "No such span", Detail: fmt.Sprintf("There is no span %s in trace %s.", span, id)}
}

// outlineWriter writes the TraceOutline answer.
type outlineWriter struct {
	columns
	t *exec.Outline
	o *analysis.Outline
}

func (w *outlineWriter) write(id telemetry.TraceID) {
	base := uint64(math.MaxUint64)
	for i := range w.t.Spans {
		base = min(base, w.t.Spans[i].Start)
	}
	w.dst = appendHex(append(w.dst, `{"traceId":`...), id[:])
	w.dst = appendUint64Field(w.dst, "startTimeUnixNano", base)
	w.dst = appendIntField(w.dst, "totalSpans", int64(len(w.t.Spans)))
	w.spans(base)
	w.left(base)
	w.services()
	w.path(base)
	w.stringTable()
	w.dst = append(appendStats(append(w.dst, `,"stats":`...), w.t.Stats), '}')
}

// column writes a number of each span.
func (w *outlineWriter) column(name string, value func(i int32, s *exec.TraceSpan) int64) {
	column(&w.columns, name, w.o.Spans, func(i *int32) int64 { return value(*i, &w.t.Spans[*i]) })
}

func (w *outlineWriter) spans(base uint64) {
	place := make([]int32, len(w.t.Spans))
	w.table("spans")
	w.dst = append(w.dst, `"id":"`...)
	for k, i := range w.o.Spans {
		place[i] = int32(k)
		w.dst = hex.AppendEncode(w.dst, w.t.Spans[i].ID[:])
	}
	w.dst = append(w.dst, '"')
	// The first of a subtree has its parent elsewhere.
	top := w.o.Spans[0]
	parent := func(i int32) int64 {
		if p := w.t.Parent[i]; p >= top {
			return int64(place[p])
		}
		return -1
	}
	w.column("parent", func(i int32, _ *exec.TraceSpan) int64 { return parent(i) })
	w.dst = append(w.dst, `,"parentId":{`...)
	first := true
	for k, i := range w.o.Spans {
		if s := &w.t.Spans[i]; parent(i) < 0 && !s.Parent.IsZero() {
			w.dst = append(strconv.AppendInt(append(appendComma(w.dst, &first), '"'), int64(k), 10), `":`...)
			w.dst = appendHex(w.dst, s.Parent[:])
		}
	}
	w.dst = append(w.dst, '}')
	w.column("start", func(_ int32, s *exec.TraceSpan) int64 { return int64(s.Start - base) })
	w.column("duration", func(_ int32, s *exec.TraceSpan) int64 { return int64(s.Duration) })
	w.column("name", func(_ int32, s *exec.TraceSpan) int64 { return w.text(s.Name) })
	w.column("service", func(_ int32, s *exec.TraceSpan) int64 { return w.text(s.Service) })
	w.column("kind", func(_ int32, s *exec.TraceSpan) int64 { return int64(s.Kind) })
	w.column("status", func(_ int32, s *exec.TraceSpan) int64 { return int64(s.Status) })
	silent := mostSilent
	w.column("message", func(i int32, s *exec.TraceSpan) int64 {
		if s.Status != telemetry.StatusError {
			return 0
		}
		return w.text(failureWords(w.t, i, &silent))
	})
	w.endTable()
}

// mostSilent is how many failed spans without a status message are read in
// full for what else they say.
const mostSilent = 1000

// failureWords is what a failed span says of its failure.
func failureWords(t *exec.Outline, i int32, silent *int) string {
	if words := t.StatusMessage(i); words != "" || *silent == 0 {
		return words
	}
	*silent--
	b, err := t.Span(i)
	if err != nil {
		return ""
	}
	for _, e := range b.EventsOf(&b.Spans[0]) {
		if e.Name != "exception" {
			continue
		}
		for _, key := range []string{"exception.message", "exception.type"} {
			for _, a := range b.AttrsOf(e.Attrs) {
				if a.Key == key && a.Value.Str() != "" {
					return a.Value.Str()
				}
			}
		}
	}
	return ""
}

func (w *outlineWriter) left(base uint64) {
	rows := w.o.Left
	w.table("left")
	column(&w.columns, "below", rows, func(l *analysis.Left) int64 { return int64(l.Below) })
	column(&w.columns, "spans", rows, func(l *analysis.Left) int64 { return int64(l.Spans) })
	column(&w.columns, "errors", rows, func(l *analysis.Left) int64 { return int64(l.Errors) })
	column(&w.columns, "duration", rows, func(l *analysis.Left) int64 { return int64(l.Duration) })
	column(&w.columns, "start", rows, func(l *analysis.Left) int64 { return int64(l.Start - base) })
	column(&w.columns, "end", rows, func(l *analysis.Left) int64 { return int64(l.End - base) })
	column(&w.columns, "self", rows, func(l *analysis.Left) int64 { return int64(l.Self) })
	w.endTable()
}

func (w *outlineWriter) services() {
	rows := w.o.Services
	w.table("services")
	column(&w.columns, "name", rows, func(s *exec.ServiceCount) int64 { return w.text(s.Name) })
	column(&w.columns, "spans", rows, func(s *exec.ServiceCount) int64 { return int64(s.Spans) })
	column(&w.columns, "errors", rows, func(s *exec.ServiceCount) int64 { return int64(s.Errors) })
	w.endTable()
}

func (w *outlineWriter) path(base uint64) {
	rows := w.o.Path
	w.table("criticalPath")
	column(&w.columns, "row", rows, func(s *analysis.Stretch) int64 { return int64(s.Span) })
	column(&w.columns, "start", rows, func(s *analysis.Stretch) int64 { return int64(s.Start - base) })
	column(&w.columns, "end", rows, func(s *analysis.Stretch) int64 { return int64(s.End - base) })
	w.endTable()
}

// newColumns begins an answer in columns.
func newColumns(dst []byte, spill func([]byte) ([]byte, error)) columns {
	return columns{spill: spill, dst: slices.Grow(dst, answer.PieceSize+4096), strings: map[string]int{"": 0}, list: []string{""}}
}
