package native

import (
	"context"
	"strconv"

	"github.com/kiseki-dev/kiseki/query/exec"
)

// explaining takes the parameter explain. Where it is given, the queries of
// the request are observed from now on.
func (q *request) explaining() (cost *exec.Cost) {
	if q.params.choice("explain", "false", "false", "true") == "true" {
		var ctx context.Context
		ctx, cost = exec.Observe(q.Context())
		q.Request = q.WithContext(ctx)
	}
	return cost
}

// appendExplanation appends how a query is answered and what that took, to an
// object that is not closed; nothing where cost is nil.
func appendExplanation(dst []byte, plan string, cost *exec.Cost) []byte {
	if cost == nil {
		return dst
	}
	t := cost.Total()
	dst = append(appendString(append(dst, `,"explain":{"plan":`...), plan), `,"blocks":{`...)
	dst = strconv.AppendInt(append(dst, `"total":`...), int64(t.TotalBlocks), 10)
	dst = appendIntField(dst, "outsideTime", int64(t.OutsideBlocks))
	dst = appendIntField(dst, "scanned", int64(t.ScannedBlocks))
	dst = appendIntField(dst, "notReached", int64(max(t.TotalBlocks-t.OutsideBlocks-t.ScannedBlocks, 0)))
	dst = append(dst, '}')
	dst = appendIntField(dst, "scannedSpans", int64(t.ScannedSpans))
	dst = appendIntField(dst, "settledCount", int64(t.Settled))
	dst = appendIntField(dst, "pageCount", int64(t.Pages))
	dst = append(dst, `,"steps":[`...)
	first := true
	for i, s := range t.Steps {
		if s.Count == 0 {
			continue
		}
		dst = appendString(append(appendComma(dst, &first), `{"name":`...), exec.StepNames[i])
		dst = appendIntField(dst, "count", int64(s.Count))
		dst = append(appendUint64Field(dst, "elapsedNanos", uint64(s.Time)), '}')
	}
	return append(dst, `]}`...)
}
