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

// partSpans is how many spans of a trace are held to write it as OTLP/JSON: a
// trace of more is written part after part, some 20 MB each, as it is stored.
const partSpans = 1 << 14

func (a *api) getTrace(q *request) error {
	if q.params.choice("format", "otlp", "otlp", "columns") == "otlp" {
		return a.traceParts(q)
	}
	return a.oneTrace(q, func(t *exec.Trace) (err error) {
		q.body, err = writeColumns(q.body, t, q.spill)
		return err
	})
}

// traceParts answers in OTLP/JSON. That a trace is not whole is in the header
// if it is known before the first part is sent, else in the trailer.
func (a *api) traceParts(q *request) error {
	id, err := q.traceID()
	if err != nil {
		return err
	}
	return a.snapshot(func(snap scan.Snapshot) error {
		parts, said := 0, false
		stats, err := exec.TraceParts(q.Context(), snap, id, a.Limits, partSpans, func(t *exec.Trace) (err error) {
			if parts++; parts == 1 {
				q.body = append(q.body, `{"resourceSpans":[`...)
			} else {
				q.body = append(q.body, ',')
			}
			if !t.Stats.Complete && !said && !q.out.Begun() {
				q.header.Set(incompleteHeader, t.Stats.Reason)
				said = true
			}
			q.body, err = otlpjson.WriteResourceSpans(q.body, &t.Batch, otlpjson.OTLP, q.spill)
			return err
		})
		if err != nil {
			return err
		}
		a.note(q, stats)
		if parts == 0 {
			return noTrace(id, stats)
		}
		switch {
		case stats.Complete || said:
		case q.out.Begun():
			q.header.Set(http.TrailerPrefix+incompleteHeader, stats.Reason)
		default:
			q.header.Set(incompleteHeader, stats.Reason)
		}
		q.body = append(q.body, "]}"...)
		return nil
	})
}

// traceID is what the path names. It comes after the parameters.
func (q *request) traceID() (id telemetry.TraceID, err error) {
	if err := q.params.done(); err != nil {
		return id, err
	}
	if id, err = telemetry.ParseTraceID(q.PathValue("traceId")); err != nil {
		return id, badParameter("traceId", "A trace ID is 32 hexadecimal digits, or 16 of older systems.")
	}
	return id, nil
}

// noTrace is the answer where no spans were found.
func noTrace(id telemetry.TraceID, s exec.Stats) error {
	if !s.Complete {
		return &problem{Status: http.StatusInternalServerError, Title: "Trace not readable", Detail: "The trace may be here, but " + s.Reason + "."}
	}
	return &problem{Status: http.StatusNotFound, Title: "No such trace", Detail: "There is no trace " + id.String() + "; it may have been removed by retention."}
}

// oneTrace runs f over the trace that the path names, which has spans. It
// comes after the parameters.
func (a *api) oneTrace(q *request, f func(*exec.Trace) error) error {
	id, err := q.traceID()
	if err != nil {
		return err
	}
	return a.snapshot(func(snap scan.Snapshot) error { return a.foundTrace(q, snap, id, f) })
}

// foundTrace runs f over a trace that has spans.
func (a *api) foundTrace(q *request, snap scan.Snapshot, id telemetry.TraceID, f func(*exec.Trace) error) error {
	t, err := exec.FindTrace(q.Context(), snap, id, a.Limits)
	if err != nil {
		return err
	}
	a.note(q, t.Stats)
	if len(t.Batch.Spans) == 0 {
		return noTrace(id, t.Stats)
	}
	return f(t)
}
