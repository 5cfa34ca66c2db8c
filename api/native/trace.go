package native

import (
	"net/http"

	"github.com/kiseki-dev/kiseki/query/exec"
	"github.com/kiseki-dev/kiseki/storage/scan"
	"github.com/kiseki-dev/kiseki/telemetry"
	"github.com/kiseki-dev/kiseki/telemetry/otlpjson"
)

// incompleteHeader says why an answer in OTLP/JSON, which has no place for
// statistics, is not the whole trace.
const incompleteHeader = "Kiseki-Incomplete"

func (a *api) getTrace(q *request) error {
	format := q.params.choice("format", "otlp", "otlp", "columns")
	return a.oneTrace(q, func(t *exec.Trace) (err error) {
		if format == "columns" {
			q.body, err = writeColumns(q.body, t, q.spill)
			return err
		}
		if !t.Stats.Complete {
			q.header.Set(incompleteHeader, t.Stats.Reason)
		}
		q.body, err = otlpjson.Write(q.body, &t.Batch, q.spill)
		return err
	})
}

// oneTrace runs f over the trace that the path names, which has spans. It
// comes after the parameters.
func (a *api) oneTrace(q *request, f func(*exec.Trace) error) error {
	if err := q.params.done(); err != nil {
		return err
	}
	id, err := telemetry.ParseTraceID(q.PathValue("traceId"))
	if err != nil {
		return badParameter("traceId", "A trace ID is 32 hexadecimal digits, or 16 of older systems.")
	}
	return a.snapshot(func(snap scan.Snapshot) error {
		t, err := exec.FindTrace(q.Context(), snap, id, a.Limits)
		if err != nil {
			return err
		}
		a.note(q, t.Stats)
		switch {
		case len(t.Batch.Spans) == 0 && !t.Stats.Complete:
			return &problem{Status: http.StatusInternalServerError, Title: "Trace not readable", Detail: "The trace may be here, but " + t.Stats.Reason + "."}
		case len(t.Batch.Spans) == 0:
			return &problem{Status: http.StatusNotFound, Title: "No such trace", Detail: "There is no trace " + id.String() + "; it may have been removed by retention."}
		}
		return f(t)
	})
}
