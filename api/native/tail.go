package native

import (
	"strconv"

	"github.com/kiseki-dev/kiseki/query/exec"
	"github.com/kiseki-dev/kiseki/query/plan"
	"github.com/kiseki-dev/kiseki/storage/scan"
)

// tailArrivals is the most arrivals that one request looks at.
const tailArrivals = 10_000

// tailTraces answers with the traces that got spans since a cursor.
func (a *api) tailTraces(q *request) error {
	cursor, given := q.params.text("cursor", 64)
	spans := q.params.integer("spans", 1000, 0)
	p, err := q.params.search()
	if err != nil {
		return err
	}
	p.SetSpans = spans
	if !given {
		q.body = appendTail(q.body, p, &exec.AmongResult{Stats: exec.Stats{Complete: true}}, a.Arrivals.ask(), false, false)
		return nil
	}
	from, err := parseArrival(cursor)
	if err != nil {
		return badParameter("cursor", "It is not the nextCursor of an answer.")
	}
	// What has arrived is visible to snapshots that are taken afterwards.
	ids, first, more := a.Arrivals.since(from, tailArrivals)
	return a.snapshot(func(snap scan.Snapshot) error {
		res, err := exec.Among(q.Context(), snap, p, ids, a.Limits)
		if err != nil {
			return err
		}
		a.note(q, res.Stats)
		next := arrival{first.epoch, first.at + uint64(res.Read)}
		q.body = appendTail(q.body, p, res, next, more || res.Read < len(ids), first != from)
		return nil
	})
}

func appendTail(dst []byte, p *plan.Search, res *exec.AmongResult, next arrival, more, missed bool) []byte {
	dst = append(dst, `{"traces":[`...)
	for i := range res.Traces {
		if i > 0 {
			dst = append(dst, ',')
		}
		dst = appendSummary(dst, p, &res.Traces[i])
	}
	dst = appendStringField(append(dst, ']'), "nextCursor", next.String())
	dst = strconv.AppendBool(appendName(dst, "more"), more)
	dst = strconv.AppendBool(appendName(dst, "missed"), missed)
	return append(appendStats(append(dst, `,"stats":`...), res.Stats), '}')
}
