package native

import (
	"errors"
	"fmt"
	"math"
	"strconv"
	"time"

	"github.com/kiseki-dev/kiseki/query/exec"
	"github.com/kiseki-dev/kiseki/query/plan"
	"github.com/kiseki-dev/kiseki/query/traceql"
	"github.com/kiseki-dev/kiseki/storage/scan"
)

func (a *api) metricsRange(q *request) error {
	step, given := q.params.text("step", 32)
	cost := q.explaining()
	p, err := readMetrics(&q.params)
	if err != nil {
		return err
	}
	p.Step = exec.DefaultStep(p.Start, p.End)
	if given {
		d, err := time.ParseDuration(step)
		if err != nil || d <= 0 {
			return badParameter("step", fmt.Sprintf("%q is not a length of time such as 15s or 1m30s.", step))
		}
		p.Step = uint64(d)
	}
	p.Start -= p.Start % p.Step
	return a.metrics(q, p, cost)
}

func (a *api) metricsInstant(q *request) error {
	cost := q.explaining()
	p, err := readMetrics(&q.params)
	if err != nil {
		return err
	}
	return a.metrics(q, p, cost)
}

// metricsTime is the time that a query for metrics is about if it does not say.
const metricsTime = time.Hour

// maxExemplars that can be asked for.
const maxExemplars = 1000

func readMetrics(in *params) (*exec.MetricsQuery, error) {
	text, _ := in.text("q", traceql.MaxLength)
	p := &exec.MetricsQuery{End: in.moment("end", uint64(time.Now().UnixNano()))}
	p.Start = in.moment("start", p.End-min(p.End, uint64(metricsTime)))
	p.Exemplars = in.integer("exemplars", maxExemplars, 0)
	if err := in.done(); err != nil {
		return nil, err
	}
	query, err := traceql.Parse(text)
	if err != nil {
		return nil, parseProblem("q", err)
	}
	if query.Metrics == nil {
		return nil, badParameter("q", "The query finds traces; one for metrics ends in a function, as in \"{} | rate()\".")
	}
	p.Expr, p.Hints = query.Metrics, query.Hints
	return p, nil
}

func (a *api) metrics(q *request, p *exec.MetricsQuery, cost *exec.Cost) error {
	return a.snapshot(func(snap scan.Snapshot) error {
		res, err := exec.Metrics(q.Context(), snap, p, a.Limits)
		var wrong *exec.RangeError
		switch {
		case errors.As(err, &wrong):
			return badParameter("end", "The time cannot be cut into steps: "+wrong.Why+".")
		case err != nil:
			return err
		}
		a.note(q, res.Stats)
		q.body = append(appendExplanation(appendMetrics(q.body, res), plan.ExplainMetrics(p.Expr), cost), '}')
		return nil
	})
}

// appendMetrics leaves the object open.
func appendMetrics(dst []byte, res *exec.MetricsResult) []byte {
	dst = append(dst, `{"series":[`...)
	for i := range res.Series {
		if i > 0 {
			dst = append(dst, ',')
		}
		dst = appendSeries(dst, &res.Series[i])
	}
	dst = appendUint64Field(append(dst, ']'), "startTimeUnixNano", res.Start)
	dst = appendUint64Field(dst, "stepNanos", res.Step)
	dst = appendNumber(appendName(dst, "share"), res.Share)
	return appendStats(append(dst, `,"stats":`...), res.Stats)
}

func appendSeries(dst []byte, s *exec.Series) []byte {
	dst = append(dst, `{"labels":[`...)
	for i, l := range s.Labels {
		if i > 0 {
			dst = append(dst, ',')
		}
		dst = appendNamedValue(dst, l.Name, l.Value)
	}
	dst = append(dst, `],"points":[`...)
	for i, x := range s.Points {
		if i > 0 {
			dst = append(dst, ',')
		}
		dst = appendNumber(dst, x)
	}
	dst = append(dst, ']')
	if len(s.Exemplars) == 0 {
		return append(dst, '}')
	}
	dst = append(dst, `,"exemplars":[`...)
	for i := range s.Exemplars {
		x := &s.Exemplars[i]
		if i > 0 {
			dst = append(dst, ',')
		}
		dst = appendHex(append(dst, `{"traceId":`...), x.TraceID[:])
		dst = appendHex(appendName(dst, "spanId"), x.SpanID[:])
		dst = appendUint64Field(dst, "timeUnixNano", x.Time)
		dst = append(appendNumber(appendName(dst, "value"), x.Value), '}')
	}
	return append(dst, `]}`...)
}

// appendNumber appends a finite number, null for any other.
func appendNumber(dst []byte, x float64) []byte {
	if math.IsNaN(x) || math.IsInf(x, 0) {
		return append(dst, `null`...)
	}
	return strconv.AppendFloat(dst, x, 'g', -1, 64)
}
