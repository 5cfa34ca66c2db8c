package native

import (
	"encoding/hex"
	"errors"
	"strconv"
	"strings"

	"github.com/kiseki-dev/kiseki/query/exec"
	"github.com/kiseki-dev/kiseki/query/plan"
	"github.com/kiseki-dev/kiseki/query/traceql"
	"github.com/kiseki-dev/kiseki/storage/scan"
	"github.com/kiseki-dev/kiseki/telemetry"
)

func (a *api) searchTraces(q *request) error {
	cost := q.explaining()
	p, err := readSearch(&q.params)
	if err != nil {
		return err
	}
	return a.snapshot(func(snap scan.Snapshot) error {
		res, err := exec.Search(q.Context(), snap, p, a.Limits)
		if err != nil {
			return err
		}
		a.note(q, res.Stats)
		q.body = append(appendExplanation(appendSearch(q.body, p, res), p.Explain(), cost), '}')
		return nil
	})
}

func readSearch(in *params) (*plan.Search, error) {
	cursor, given := in.text("cursor", 256)
	limit := in.integer("limit", 1000, 20)
	spans := in.integer("spans", 1000, 0)
	var after *plan.Cursor
	if given {
		var ok bool
		if after, ok = parseCursor(cursor); !ok {
			in.fail("cursor", "It is not the nextCursor of a page.")
		}
	}
	p, err := in.search()
	if err != nil {
		return nil, err
	}
	p.Limit, p.After, p.SetSpans = limit, after, spans
	return p, nil
}

func parseProblem(name string, err error) error {
	var e *traceql.Error
	if errors.As(err, &e) {
		return badQuery(name, e)
	}
	return err
}

// A cursor is the start of a page's last trace in decimal, a dash, and its ID.

func formatCursor(c *plan.Cursor) string {
	return strconv.FormatUint(c.Start, 10) + "-" + c.ID.String()
}

func parseCursor(s string) (*plan.Cursor, bool) {
	start, id, _ := strings.Cut(s, "-")
	c := &plan.Cursor{}
	var err error
	if c.Start, err = strconv.ParseUint(start, 10, 64); err != nil || len(id) != hex.EncodedLen(len(c.ID)) {
		return nil, false
	}
	if c.ID, err = telemetry.ParseTraceID(id); err != nil {
		return nil, false
	}
	return c, true
}

// appendSearch leaves the object open.
func appendSearch(dst []byte, p *plan.Search, res *exec.SearchResult) []byte {
	dst = append(dst, `{"traces":[`...)
	for i := range res.Traces {
		if i > 0 {
			dst = append(dst, ',')
		}
		dst = appendSummary(dst, p, &res.Traces[i])
	}
	dst = append(dst, ']')
	if res.Next != nil {
		dst = appendStringField(dst, "nextCursor", formatCursor(res.Next))
	}
	return appendStats(append(dst, `,"stats":`...), res.Stats)
}

func appendSummary(dst []byte, p *plan.Search, t *exec.Summary) []byte {
	dst = appendHex(append(dst, `{"traceId":`...), t.ID[:])
	dst = appendStringField(dst, "rootService", t.RootService)
	dst = appendStringField(dst, "rootName", t.RootName)
	if t.RootMissing {
		dst = append(dst, `,"rootMissing":true`...)
	}
	dst = appendUint64Field(dst, "startTimeUnixNano", t.Start)
	dst = appendUint64Field(dst, "durationNanos", t.Duration)
	dst = appendIntField(dst, "spanCount", int64(t.Spans))
	dst = appendIntField(dst, "errorCount", int64(t.Errors))
	dst = appendIntField(dst, "matchedCount", int64(t.Matched))
	dst = append(dst, `,"services":[`...)
	for i, s := range t.Services {
		if i > 0 {
			dst = append(dst, ',')
		}
		dst = appendCounts(appendString(append(dst, `{"name":`...), s.Name), uint64(s.Spans), uint64(s.Errors))
	}
	dst = append(dst, ']')
	if p.SetSpans > 0 {
		dst = appendSpanSets(dst, p.Fields, t.Sets)
	}
	return append(dst, '}')
}

// appendCounts appends the two counts that services and operations have, and
// closes their object.
func appendCounts(dst []byte, spans, errs uint64) []byte {
	dst = appendIntField(dst, "spanCount", int64(spans))
	return append(appendIntField(dst, "errorCount", int64(errs)), '}')
}
