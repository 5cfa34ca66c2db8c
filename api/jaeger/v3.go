package jaeger

import (
	"net/http"
	"strings"

	"github.com/kiseki-dev/kiseki/query/exec"
	"github.com/kiseki-dev/kiseki/storage/scan"
	"github.com/kiseki-dev/kiseki/telemetry/jaegerspan"
	"github.com/kiseki-dev/kiseki/telemetry/otlpjson"
)

// api_v3 over HTTP. Parameters have the names of the protobuf fields in
// JSON's spelling; the older spelling is taken too, as in Jaeger.

func (a *API) v3Services(q *request) error {
	return a.snapshot(func(snap scan.Snapshot) error {
		names, err := a.query(q).services(snap)
		q.body = append(appendList(append(q.body, `{"services":[`...), names, otlpjson.AppendString), `]}`...)
		return err
	})
}

func (a *API) v3Operations(q *request) error {
	service, err := q.params.text("service")
	if err != nil {
		return err
	}
	kind, err := q.params.text("spanKind", "span_kind")
	if err != nil {
		return err
	}
	return a.snapshot(func(snap scan.Snapshot) error {
		ops, err := a.query(q).operations(snap, service, strings.ToLower(kind))
		q.body = append(appendList(append(q.body, `{"operations":[`...), ops, appendOperation), `]}`...)
		return err
	})
}

const resultIntro = `{"result":{"resourceSpans":[`

func (a *API) v3Trace(q *request) error {
	id, err := parseID(q.PathValue("id"))
	if err != nil {
		return err
	}
	return a.snapshot(func(snap scan.Snapshot) error {
		t, err := a.query(q).present(snap, id)
		if err != nil {
			return err
		}
		q.body, err = otlpjson.WriteResourceSpans(append(q.body, resultIntro...), &t.Batch, otlpjson.OTLP, q.out.Spill)
		q.body = append(q.body, `]}}`...)
		return err
	})
}

// v3Search answers with the spans of all traces as one message.
func (a *API) v3Search(q *request) error {
	s, err := readV3Search(q.params)
	if err != nil {
		return err
	}
	return a.snapshot(func(snap scan.Snapshot) error {
		n := 0
		err := a.query(q).findWhole(snap, s, func(t *exec.Trace) (err error) {
			if n++; n > 1 {
				q.body = append(q.body, ',')
			} else {
				q.body = append(q.body, resultIntro...)
			}
			q.body, err = otlpjson.WriteResourceSpans(q.body, &t.Batch, otlpjson.OTLP, q.out.Spill)
			return err
		})
		if err == nil && n == 0 {
			return &refusal{http.StatusNotFound, "No traces found"}
		}
		q.body = append(q.body, `]}}`...)
		return err
	})
}

func (a *API) v3Summaries(q *request) error {
	s, err := readV3Search(q.params)
	if err != nil {
		return err
	}
	return a.snapshot(func(snap scan.Snapshot) error {
		found, err := a.query(q).find(snap, s)
		q.body = append(appendList(append(q.body, `{"summaries":[`...), found, appendSummary), `]}`...)
		return err
	})
}

func appendSummary(dst []byte, t exec.Summary) []byte {
	dst = otlpjson.AppendHex(append(dst, `{"traceId":`...), t.ID[:])
	dst = appendText(dst, `,"rootServiceName":`, jaegerspan.ServiceName(t.RootService))
	dst = appendText(dst, `,"rootOperationName":`, t.RootName)
	dst = appendNumber(dst, `,"minStartTimeUnixNano":"`, t.Start)
	dst = appendNumber(dst, `","maxEndTimeUnixNano":"`, t.Start+t.Duration)
	dst = appendNumber(dst, `","spanCount":`, uint64(t.Spans))
	dst = appendNumber(dst, `,"errorSpanCount":`, uint64(t.Errors))
	dst = appendNumber(dst, `,"orphanSpanCount":`, uint64(t.Orphans))
	dst = appendList(append(dst, `,"services":[`...), byName(t.Services), func(dst []byte, s exec.ServiceCount) []byte {
		dst = appendText(dst, `{"name":`, jaegerspan.ServiceName(s.Name))
		dst = appendNumber(dst, `,"spanCount":`, uint64(s.Spans))
		return append(appendNumber(dst, `,"errorSpanCount":`, uint64(s.Errors)), '}')
	})
	return append(dst, `]}`...)
}

func readV3Search(p params) (s *search, err error) {
	s = &search{tags: map[string]string{}}
	if text := p.values.Get("query.filter"); text != "" {
		call, err := parseFilter(text)
		if err != nil {
			return nil, err
		}
		if s.filter, err = readFilter(call); err != nil {
			return nil, err
		}
	}
	if s.service, err = p.text("query.serviceName", "query.service_name"); err != nil {
		return nil, err
	}
	if s.operation, err = p.text("query.operationName", "query.operation_name"); err != nil {
		return nil, err
	}
	if err = readTags("query.attributes", p.values.Get("query.attributes"), s.tags); err != nil {
		return nil, err
	}
	if s.start, err = p.moment("query.startTimeMin", "query.start_time_min"); err != nil {
		return nil, err
	}
	if s.end, err = p.moment("query.startTimeMax", "query.start_time_max"); err != nil {
		return nil, err
	}
	if s.start >= s.end {
		return nil, badRequest("query.startTimeMin must be before query.startTimeMax")
	}
	if s.shortest, err = p.length("query.durationMin", "query.duration_min"); err != nil {
		return nil, err
	}
	if s.longest, err = p.length("query.durationMax", "query.duration_max"); err != nil {
		return nil, err
	}
	s.limit, err = p.number(0, 1<<31-1, "query.searchDepth", "query.search_depth", "query.num_traces")
	return s, err
}
