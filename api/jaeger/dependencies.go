package jaeger

import (
	"time"

	"github.com/kiseki-dev/kiseki/analysis"
	"github.com/kiseki-dev/kiseki/query/plan"
	"github.com/kiseki-dev/kiseki/storage/scan"
	"github.com/kiseki-dev/kiseki/telemetry/jaegerspan"
)

// dependenciesTime is how far back the dependencies are looked for if the
// client does not say; it is what Jaeger's server has.
const dependenciesTime = 24 * time.Hour

// links are the calls that started within [start, end): of services, and of
// what services call.
func (q *query) links(snap scan.Snapshot, start, end uint64) ([]analysis.Link, error) {
	g, err := analysis.ServiceGraph(q.ctx, snap, &plan.Search{Filter: plan.Filter(nil), Start: start, End: end}, q.o.Limits)
	if err != nil {
		return nil, err
	}
	q.note(g.Stats, q.tell)
	return g.Links(jaegerspan.NoService), nil
}

// legacyDependencies takes milliseconds. With a service it answers with what
// that calls and what calls it.
func (a *API) legacyDependencies(q *request) error {
	start, end, err := a.millis(q.params, dependenciesTime)
	if err != nil {
		return err
	}
	service, err := q.params.text("service")
	if err != nil {
		return err
	}
	return a.snapshot(func(snap scan.Snapshot) error {
		found, err := a.query(q).links(snap, start, end+1)
		links := found[:0]
		for _, l := range found {
			if service == "" || l.Parent == service || l.Child == service {
				links = append(links, l)
			}
		}
		q.body = appendList(append(q.body, dataIntro...), links, func(dst []byte, l analysis.Link) []byte {
			return append(appendNumber(appendNames(dst, l), `,"callCount":`, l.Calls), '}')
		})
		q.body = closeData(q.body, 0)
		return err
	})
}

func (a *API) v3Dependencies(q *request) error {
	start, err := q.params.moment("startTime", "start_time")
	if err != nil {
		return err
	}
	end, err := q.params.moment("endTime", "end_time")
	if err != nil {
		return err
	}
	if start >= end {
		return badRequest("endTime must be after startTime")
	}
	return a.snapshot(func(snap scan.Snapshot) error {
		links, err := a.query(q).links(snap, start, end)
		q.body = appendList(append(q.body, `{"dependencies":[`...), links, func(dst []byte, l analysis.Link) []byte {
			return append(appendNumber(appendNames(dst, l), `,"callCount":"`, l.Calls), `"}`...)
		})
		q.body = append(q.body, `]}`...)
		return err
	})
}

func appendNames(dst []byte, l analysis.Link) []byte {
	return appendText(appendText(dst, `{"parent":`, l.Parent), `,"child":`, l.Child)
}

// millis takes endTs and lookback, in milliseconds, as a range in Unix
// nanoseconds.
func (a *API) millis(p params, otherwise time.Duration) (start, end uint64, err error) {
	const ms, most = uint64(time.Millisecond), latest / 1_000_000
	if end, err = p.number(unixNano(a.o.Now())/ms, most, "endTs"); err != nil {
		return 0, 0, err
	}
	back, err := p.number(uint64(otherwise.Milliseconds()), most, "lookback")
	return (end - min(end, back)) * ms, end * ms, err
}
