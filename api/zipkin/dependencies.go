package zipkin

import (
	"strconv"

	"github.com/kiseki-dev/kiseki/analysis"
	"github.com/kiseki-dev/kiseki/query/plan"
	"github.com/kiseki-dev/kiseki/storage/scan"
	"github.com/kiseki-dev/kiseki/telemetry/otlpjson"
	"github.com/kiseki-dev/kiseki/telemetry/zipkinjson"
)

// dependencies answers with the calls that started in a range of time.
func (a *api) dependencies(q *request) error {
	if q.params.values.Get("endTs") == "" {
		return badRequest("endTs parameter is missing")
	}
	start, end, err := a.window(q.params)
	if err != nil {
		return err
	}
	return a.snapshot(func(snap scan.Snapshot) error {
		g, err := analysis.ServiceGraph(q.Context(), snap, &plan.Search{Filter: plan.Filter(nil), Start: start, End: end}, a.Limits)
		if err != nil {
			return err
		}
		a.note(q, g.Stats)
		q.body = appendLinks(q.body, g.Links(zipkinjson.UnknownService))
		return nil
	})
}

// appendLinks appends what was called: services, databases, queues and hosts.
func appendLinks(dst []byte, links []analysis.Link) []byte {
	dst = append(dst, '[')
	for i, l := range links {
		if i > 0 {
			dst = append(dst, ',')
		}
		dst = appendText(appendText(dst, `{"parent":`, l.Parent), `,"child":`, l.Child)
		dst = appendNumber(dst, `,"callCount":`, l.Calls)
		if l.Errors > 0 {
			dst = appendNumber(dst, `,"errorCount":`, l.Errors)
		}
		dst = append(dst, '}')
	}
	return append(dst, ']')
}

// appendText appends what introduces a string, and the string.
func appendText(dst []byte, intro, s string) []byte {
	return otlpjson.AppendString(append(dst, intro...), s)
}

func appendNumber(dst []byte, intro string, n uint64) []byte {
	return strconv.AppendUint(append(dst, intro...), n, 10)
}
