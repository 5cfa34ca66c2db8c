package jaeger

import (
	"cmp"
	"io"
	"net/http"
	"slices"

	"github.com/kiseki-dev/kiseki/archive"
	"github.com/kiseki-dev/kiseki/query/exec"
	"github.com/kiseki-dev/kiseki/telemetry"
)

// maxUpload bounds the OTLP/JSON that is transformed, in bytes.
const maxUpload = 20 << 20

// transform answers with the traces of an OTLP/JSON message, in the order of
// their first spans; nothing is stored. The UI asks for it to show a file.
func (a *API) transform(q *request) error {
	text, err := io.ReadAll(io.LimitReader(q.Body, maxUpload+1))
	switch {
	case err != nil:
		return badRequest("the body cannot be read: %v", err)
	case len(text) > maxUpload:
		return &refusal{http.StatusRequestEntityTooLarge, "the file is larger than 20 MiB"}
	}
	var all telemetry.Batch
	rejected, err := archive.ReadOTLP(text, &all)
	switch {
	case err != nil:
		return badRequest("the body is not OTLP/JSON: %v", err)
	case rejected > 0:
		return badRequest("%d spans have no valid ID", rejected)
	}
	q.body = append(q.body, dataIntro...)
	for i, t := range tracesOf(&all) {
		if i > 0 {
			q.body = append(q.body, ',')
		}
		if q.body, err = appendTrace(q.body, t, q.out.Spill); err != nil {
			return err
		}
	}
	q.body = closeData(q.body, 0)
	return nil
}

// tracesOf are the traces of a batch, each with its spans by their start.
func tracesOf(all *telemetry.Batch) (out []*exec.Trace) {
	byID := map[telemetry.TraceID]*exec.Trace{}
	for i := range all.Spans {
		s := &all.Spans[i]
		t := byID[s.TraceID]
		if t == nil {
			t = &exec.Trace{Batch: *all, Stats: exec.Stats{Complete: true}}
			t.Batch.Spans = nil
			byID[s.TraceID] = t
			out = append(out, t)
		}
		t.Batch.Spans = append(t.Batch.Spans, *s)
	}
	for _, t := range out {
		slices.SortStableFunc(t.Batch.Spans, func(a, b telemetry.Span) int { return cmp.Compare(a.Start, b.Start) })
	}
	return out
}

// archive refuses to keep a trace in a store of its own, which there is none
// of. The UI does not offer it unless it is configured to.
func (a *API) archive(q *request) error {
	if _, err := parseID(q.PathValue("traceID")); err != nil {
		return err
	}
	return &refusal{http.StatusNotImplemented, "archive span storage was not configured; retention rules keep traces longer"}
}
