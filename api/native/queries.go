package native

import (
	"strconv"

	"github.com/kiseki-dev/kiseki/api/querylog"
)

// getQueries answers with the latest queries.
func (a *api) getQueries(q *request) error {
	if err := q.params.done(); err != nil {
		return err
	}
	q.body = append(q.body, `{"queries":[`...)
	if a.Queries != nil {
		for i, e := range a.Queries() {
			if i > 0 {
				q.body = append(q.body, ',')
			}
			q.body = appendQuery(q.body, &e)
		}
	}
	q.body = append(q.body, `]}`...)
	return nil
}

func appendQuery(dst []byte, e *querylog.Entry) []byte {
	dst = appendString(append(dst, `{"route":`...), e.Route)
	dst = appendStringField(dst, "class", e.Class)
	dst = appendStringField(dst, "text", e.Text)
	dst = appendStringField(dst, "client", e.Client)
	dst = appendStringField(dst, "status", e.Status)
	dst = appendTimeField(dst, "startTimeUnixNano", e.Start)
	dst = appendUint64Field(dst, "waitedNanos", uint64(max(e.Waited, 0)))
	dst = appendUint64Field(dst, "elapsedNanos", uint64(max(e.Took, 0)))
	dst = appendIntField(dst, "scannedSpans", int64(e.Cost.ScannedSpans))
	dst = appendIntField(dst, "scannedBlocks", int64(e.Cost.ScannedBlocks))
	dst = appendIntField(dst, "readBytes", int64(e.Cost.ReadBytes))
	dst = appendIntField(dst, "matchedSpans", int64(e.Cost.Spans))
	dst = appendIntField(dst, "matchedTraces", int64(e.Cost.Traces))
	dst = strconv.AppendBool(append(dst, `,"complete":`...), e.Cost.Complete)
	if !e.Cost.Complete {
		dst = appendStringField(dst, "incompleteReason", e.Cost.Reason)
	}
	return append(dst, '}')
}
