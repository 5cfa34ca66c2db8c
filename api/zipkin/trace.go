package zipkin

import (
	"net/http"
	"strings"

	"github.com/kiseki-dev/kiseki/query/exec"
	"github.com/kiseki-dev/kiseki/storage/scan"
	"github.com/kiseki-dev/kiseki/telemetry"
	"github.com/kiseki-dev/kiseki/telemetry/zipkinjson"
)

// maxTraces bounds the IDs of one request to traceMany.
const maxTraces = 1000

func parseID(text string) (telemetry.TraceID, error) {
	text = strings.TrimSpace(text)
	if n := len(text); n > 0 && n < 32 && n != 16 { // Zipkin pads what begins with zeros
		width := 16
		if n > 16 {
			width = 32
		}
		text = strings.Repeat("0", width-n) + text
	}
	id, err := telemetry.ParseTraceID(text)
	if err != nil {
		return id, badRequest("%.40q should be a 1 to 32 character lower-hex string with no prefix", text)
	}
	return id, nil
}

func (a *api) trace(q *request) error {
	id, err := parseID(q.PathValue("traceId"))
	if err != nil {
		return err
	}
	return a.snapshot(func(snap scan.Snapshot) error {
		t, err := exec.FindTrace(q.Context(), snap, id, a.Limits)
		if err != nil {
			return err
		}
		a.note(q, t.Stats)
		switch {
		case len(t.Batch.Spans) == 0 && !t.Stats.Complete:
			return &refusal{http.StatusInternalServerError, "the trace may be here, but " + t.Stats.Reason}
		case len(t.Batch.Spans) == 0:
			return &refusal{http.StatusNotFound, id.String() + " not found"}
		}
		q.body, err = zipkinjson.Write(q.body, &t.Batch, q.out.Spill)
		return err
	})
}

// traceMany answers with the traces of a list of IDs; those that do not exist
// are left out.
func (a *api) traceMany(q *request) error {
	list, ok := q.params.values["traceIds"]
	if !ok || list[0] == "" {
		return badRequest("traceIds parameter is empty")
	}
	texts := strings.Split(list[0], ",")
	if len(texts) > maxTraces {
		return badRequest("traceIds has more than %d ids", maxTraces)
	}
	var ids []telemetry.TraceID
	seen := map[telemetry.TraceID]bool{}
	for _, text := range texts {
		id, err := parseID(text)
		if err != nil {
			return err
		}
		if seen[id] {
			return badRequest("redundant traceId: %s", text)
		}
		seen[id] = true
		ids = append(ids, id)
	}
	if len(ids) == 1 {
		return badRequest("use /api/v2/trace/{traceId} to retrieve a single trace")
	}
	return a.snapshot(func(snap scan.Snapshot) error { return a.writeTraces(q, snap, ids) })
}

// writeTraces answers with an array of traces, holding one of them in memory
// at a time.
func (a *api) writeTraces(q *request, snap scan.Snapshot, ids []telemetry.TraceID) error {
	q.body = append(q.body, '[')
	first := true
	for _, id := range ids {
		t, err := exec.FindTrace(q.Context(), snap, id, a.Limits)
		if err != nil {
			return err
		}
		a.note(q, t.Stats)
		if len(t.Batch.Spans) == 0 {
			continue
		}
		if !first {
			q.body = append(q.body, ',')
		}
		first = false
		if q.body, err = zipkinjson.Write(q.body, &t.Batch, q.out.Spill); err != nil {
			return err
		}
	}
	q.body = append(q.body, ']')
	return nil
}
