package native

import (
	"context"
	"strconv"

	"github.com/kiseki-dev/kiseki/query/exec"
	"github.com/kiseki-dev/kiseki/storage/scan"
)

// explaining takes the parameter explain. Where it is given, the queries of
// the request are explained from now on.
func (q *request) explaining() (cost *exec.Cost) {
	if q.params.choice("explain", "false", "false", "true") == "true" {
		var ctx context.Context
		ctx, cost = exec.Explain(q.Context())
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
	dst = appendIntField(dst, "readBytes", int64(t.ReadBytes))
	dst = append(dst, `,"conditions":[`...)
	for i := range t.Leaves {
		if i > 0 {
			dst = append(dst, ',')
		}
		dst = appendLeaf(dst, &t.Leaves[i])
	}
	dst = append(dst, `],"steps":[`...)
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

// appendLeaf appends how a comparison was decided.
func appendLeaf(dst []byte, l *exec.LeafCost) []byte {
	dst = appendString(append(dst, `{"text":`...), l.Text)
	dst = appendIntField(dst, "blocks", int64(l.Blocks))
	dst = append(dst, `,"settledBy":{`...)
	first := true
	for way, n := range l.Settled {
		dst = appendString(appendComma(dst, &first), scan.Ways[way])
		dst = strconv.AppendUint(append(dst, ':'), n, 10)
	}
	dst = append(dst, '}')
	dst = appendIntField(dst, "pagesRead", int64(l.PagesRead))
	dst = appendIntField(dst, "pagesSkipped", int64(l.PagesSkipped))
	dst = appendIntField(dst, "rowsLookedAt", int64(l.Rows))
	dst = appendIntField(dst, "rowsKept", int64(l.Kept))
	return append(appendIntField(dst, "readBytes", int64(l.ReadBytes)), '}')
}
