package jaeger

import (
	"strings"

	"github.com/kiseki-dev/kiseki/query/exec"
	"github.com/kiseki-dev/kiseki/storage/scan"
	"github.com/kiseki-dev/kiseki/telemetry"
	"github.com/kiseki-dev/kiseki/telemetry/otlpjson"
)

// The older HTTP API. Its answers are {"data": …, "total", "limit", "offset",
// "errors"}, of which limit and offset are always 0 in Jaeger too.

const dataIntro = `{"data":[`

// closeData ends an answer. total is 0 for traces, as in Jaeger.
func closeData(dst []byte, total int) []byte {
	return append(appendNumber(dst, `],"total":`, uint64(total)), `,"limit":0,"offset":0,"errors":null}`...)
}

func (a *API) legacyServices(q *request) error {
	return a.snapshot(func(snap scan.Snapshot) error {
		names, err := a.query(q).services(snap)
		q.body = closeData(appendList(append(q.body, dataIntro...), names, otlpjson.AppendString), len(names))
		return err
	})
}

// legacyServiceOperations lists the names of what a service does.
func (a *API) legacyServiceOperations(q *request) error {
	return a.snapshot(func(snap scan.Snapshot) error {
		ops, err := a.query(q).operations(snap, q.PathValue("service"), "")
		var names []string
		for i, op := range ops {
			if i == 0 || op.name != ops[i-1].name {
				names = append(names, op.name)
			}
		}
		q.body = closeData(appendList(append(q.body, dataIntro...), names, otlpjson.AppendString), len(names))
		return err
	})
}

func (a *API) legacyOperations(q *request) error {
	service, err := q.params.text("service")
	if err != nil {
		return err
	}
	if service == "" {
		return badRequest("parameter 'service' is required")
	}
	return a.snapshot(func(snap scan.Snapshot) error {
		ops, err := a.query(q).operations(snap, service, strings.ToLower(q.params.values.Get("spanKind")))
		q.body = closeData(appendList(append(q.body, dataIntro...), ops, appendOperation), len(ops))
		return err
	})
}

func appendOperation(dst []byte, op operation) []byte {
	return append(appendText(appendText(dst, `{"name":`, op.name), `,"spanKind":`, op.kind), '}')
}

func (a *API) legacyTrace(q *request) error {
	id, err := parseID(q.PathValue("traceID"))
	if err != nil {
		return err
	}
	return a.snapshot(func(snap scan.Snapshot) error {
		t, err := a.query(q).present(snap, id)
		if err != nil {
			return err
		}
		if q.body, err = appendTrace(append(q.body, dataIntro...), t, q.out.Spill); err != nil {
			return err
		}
		q.body = closeData(q.body, 0)
		return nil
	})
}

// legacySearch answers with whole traces: those that are asked for by ID, or
// else the newest that the other parameters find.
func (a *API) legacySearch(q *request) error {
	if ids := q.params.values["traceID"]; len(ids) > 0 {
		return a.legacyTraces(q, ids)
	}
	s, err := a.readLegacySearch(q.params)
	if err != nil {
		return err
	}
	return a.snapshot(func(snap scan.Snapshot) error {
		q.body = append(q.body, dataIntro...)
		n := 0
		err := a.query(q).findWhole(snap, s, func(t *exec.Trace) (err error) {
			if n++; n > 1 {
				q.body = append(q.body, ',')
			}
			q.body, err = appendTrace(q.body, t, q.out.Spill)
			return err
		})
		q.body = closeData(q.body, 0)
		return err
	})
}

// legacyTraces answers with traces by ID. Those that do not exist are told as
// errors beside the data.
func (a *API) legacyTraces(q *request, texts []string) error {
	if len(texts) > maxIDs {
		return badRequest("more than %d traces are asked for", maxIDs)
	}
	var ids []telemetry.TraceID
	for _, text := range texts {
		id, err := parseID(text)
		if err != nil {
			return err
		}
		ids = append(ids, id)
	}
	return a.snapshot(func(snap scan.Snapshot) error {
		var missing []telemetry.TraceID
		q.body = append(q.body, dataIntro...)
		for _, id := range ids {
			t, err := a.query(q).trace(snap, id)
			if err != nil {
				return err
			}
			if len(t.Batch.Spans) == 0 {
				missing = append(missing, id)
				continue
			}
			if q.body[len(q.body)-1] == '}' {
				q.body = append(q.body, ',')
			}
			if q.body, err = appendTrace(q.body, t, q.out.Spill); err != nil {
				return err
			}
		}
		q.body = append(q.body, `],"total":0,"limit":0,"offset":0,"errors":[`...)
		q.body = append(appendList(q.body, missing, func(dst []byte, id telemetry.TraceID) []byte {
			return append(appendTraceID(append(dst, `{"msg":"`+notFound+`","traceID":`...), id), '}')
		}), `]}`...)
		return nil
	})
}

// readLegacySearch takes times in microseconds and durations as Go spells
// them.
func (a *API) readLegacySearch(p params) (s *search, err error) {
	s = &search{tags: map[string]string{}}
	if s.service, err = p.text("service"); err != nil {
		return nil, err
	}
	if s.operation, err = p.text("operation"); err != nil {
		return nil, err
	}
	for _, text := range p.values["tag"] {
		key, value, ok := strings.Cut(text, ":")
		if !ok {
			return nil, badRequest("malformed 'tag' parameter, expecting key:value, received: %s", cut(text))
		}
		s.tags[key] = value
	}
	for _, text := range p.values["tags"] {
		if err := readTags("tags", text, s.tags); err != nil {
			return nil, err
		}
	}
	if s.shortest, err = p.length("minDuration"); err != nil {
		return nil, err
	}
	if s.longest, err = p.length("maxDuration"); err != nil {
		return nil, err
	}
	if s.limit, err = p.number(0, 1<<31-1, "limit"); err != nil {
		return nil, err
	}
	return s, a.readLegacyTimes(p, s)
}

// readLegacyTimes takes start and end, in microseconds that both belong to the
// range, or how far to look back from the end.
func (a *API) readLegacyTimes(p params, s *search) error {
	const most = latest/1000 - 1
	end, err := p.number(unixNano(a.o.Now())/1000, most, "end")
	if err != nil {
		return err
	}
	back := uint64(defaultLookback.Microseconds())
	if d, ok := p.lookback(); ok {
		back = uint64(d.Microseconds())
	}
	start, err := p.number(end-min(end, back), most, "start")
	if err != nil {
		return err
	}
	if start > end {
		return badRequest("'start' is after 'end'")
	}
	s.start, s.end = start*1000, (end+1)*1000
	return nil
}
