package jaeger

import (
	"fmt"
	"math"
	"strconv"
	"strings"
	"time"

	"github.com/kiseki-dev/kiseki/api/cond"
	"github.com/kiseki-dev/kiseki/query/exec"
	"github.com/kiseki-dev/kiseki/query/traceql"
	"github.com/kiseki-dev/kiseki/storage/scan"
	"github.com/kiseki-dev/kiseki/telemetry"
	"github.com/kiseki-dev/kiseki/telemetry/jaegerspan"
)

const (
	metricsTime = time.Hour // looked back if the client does not say; as Jaeger's server has it
	metricsStep = 5 * time.Second
	maxServices = 100 // of one request for metrics
)

// The labels of series, in the order in which they are asked for.
const (
	serviceLabel   = "resource.service.name"
	operationLabel = "name"
)

// metricsQuery asks for one number over time, for each of some services.
type metricsQuery struct {
	spans            traceql.Expr
	start, end, step uint64 // Unix nanoseconds, nanoseconds
	byOperation      bool
}

// minStep is the shortest step, in milliseconds.
func (a *API) minStep(q *request) error {
	q.body = append(q.body, `{"data":1,"total":0,"limit":0,"offset":0,"errors":null}`...)
	return nil
}

// latencies are quantiles, in milliseconds.
func (a *API) latencies(q *request) error {
	text := q.params.values.Get("quantile")
	quantile, err := strconv.ParseFloat(text, 64)
	if err != nil || !(quantile >= 0 && quantile <= 1) {
		return unparsed("quantile", strconv.Quote(cut(text))+" is not a number from 0 to 1, as in 0.95")
	}
	return a.metrics(q, "latencies", fmt.Sprintf("%.2fth quantile latency", quantile), func(m *metricsQuery, snap scan.Snapshot) ([]exec.Series, error) {
		f := "quantile_over_time(duration, " + strconv.FormatFloat(quantile, 'f', -1, 64) + ")"
		series, err := a.query(q).series(snap, m, m.spans, f)
		for _, s := range series {
			for i := range s.Points {
				s.Points[i] *= 1000
			}
		}
		return series, err
	})
}

// calls are rates a second.
func (a *API) calls(q *request) error {
	return a.metrics(q, "call_rate", "calls/sec", func(m *metricsQuery, snap scan.Snapshot) ([]exec.Series, error) {
		return a.query(q).series(snap, m, m.spans, "rate()")
	})
}

// errors are shares of the calls, from 0 to 1; there is none where there are
// no calls.
func (a *API) errors(q *request) error {
	const help = "error rate, computed as a fraction of errors/sec over calls/sec"
	return a.metrics(q, "error_rate", help, func(m *metricsQuery, snap scan.Snapshot) ([]exec.Series, error) {
		calls, err := a.query(q).series(snap, m, m.spans, "rate()")
		if err != nil {
			return nil, err
		}
		failed, err := a.query(q).series(snap, m, cond.Join(traceql.And, m.spans, cond.Status(telemetry.StatusError)), "rate()")
		if err != nil {
			return nil, err
		}
		byLabels := map[string][]float64{}
		for _, s := range failed {
			byLabels[labelsOf(&s)] = s.Points
		}
		for _, s := range calls {
			errs := byLabels[labelsOf(&s)]
			for i, n := range s.Points {
				switch {
				case n == 0:
					s.Points[i] = math.NaN()
				case errs == nil:
					s.Points[i] = 0
				default:
					s.Points[i] = errs[i] / n
				}
			}
		}
		return calls, nil
	})
}

// labelsOf tells series of one query apart.
func labelsOf(s *exec.Series) string {
	var b strings.Builder
	for _, l := range s.Labels {
		fmt.Fprintf(&b, "%q", l.Value.Value.Str())
	}
	return b.String()
}

// series are what a function of the query language makes of spans.
func (q *query) series(snap scan.Snapshot, m *metricsQuery, spans traceql.Expr, function string) ([]exec.Series, error) {
	text := traceql.FilterQuery(spans).String() + " | " + function + " by (" + serviceLabel
	if m.byOperation {
		text += ", " + operationLabel
	}
	parsed, err := traceql.Parse(text + ")")
	if err != nil {
		return nil, fmt.Errorf("query for metrics: %w", err)
	}
	res, err := exec.Metrics(q.ctx, snap, &exec.MetricsQuery{Expr: parsed.Metrics, Start: m.start, End: m.end, Step: m.step}, q.o.Limits)
	if err != nil {
		return nil, err
	}
	q.note(res.Stats, q.tell)
	return res.Series, nil
}

// metrics answers with a MetricFamily of OpenMetrics.
func (a *API) metrics(q *request, name, help string, f func(*metricsQuery, scan.Snapshot) ([]exec.Series, error)) error {
	m, err := a.readMetrics(q.params)
	if err != nil {
		return err
	}
	name, help = "service_"+name, help+", grouped by service"
	if m.byOperation {
		name, help = strings.Replace(name, "service_", "service_operation_", 1), help+" & operation"
	}
	return a.snapshot(func(snap scan.Snapshot) error {
		series, err := f(m, snap)
		q.body = appendText(appendText(q.body, `{"name":`, name), `,"type":"GAUGE","help":`, help)
		q.body = appendList(append(q.body, `,"metrics":[`...), series, m.appendSeries)
		q.body = append(q.body, `]}`...)
		return err
	})
}

// appendSeries appends the points that there are, each with the time at which
// its interval ends.
func (m *metricsQuery) appendSeries(dst []byte, s exec.Series) []byte {
	dst = append(dst, `{"labels":[`...)
	for _, l := range s.Labels {
		text := l.Value.Value.Str()
		switch l.Name {
		case serviceLabel:
			dst = appendText(append(dst, `{"name":"service_name"`...), `,"value":`, jaegerspan.ServiceName(text))
		case operationLabel:
			dst = appendText(append(dst, `,{"name":"operation"`...), `,"value":`, text)
		default: // what the function tells of itself
			continue
		}
		dst = append(dst, '}')
	}
	dst = append(dst, `],"metricPoints":[`...)
	none := true
	for i, x := range s.Points {
		if math.IsNaN(x) {
			continue
		}
		if !none {
			dst = append(dst, ',')
		}
		none = false
		dst = strconv.AppendFloat(append(dst, `{"gaugeValue":{"doubleValue":`...), x, 'f', -1, 64)
		at := min(m.start+uint64(i+1)*m.step, m.end)
		dst = time.Unix(0, int64(at)).UTC().AppendFormat(append(dst, `},"timestamp":"`...), time.RFC3339Nano)
		dst = append(dst, `"}`...)
	}
	return append(dst, `]}`...)
}

// readMetrics takes times in milliseconds.
func (a *API) readMetrics(p params) (*metricsQuery, error) {
	names := p.values["service"]
	if len(names) == 0 || len(names) > maxServices {
		return nil, unparsed("service", fmt.Sprintf("please provide at least one service name, and at most %d", maxServices))
	}
	var services, kinds []traceql.Expr
	for _, name := range names {
		if why := checkText(name); why != "" {
			return nil, unparsed("service", why)
		}
		services = append(services, ofService(name))
	}
	for _, text := range p.values["spanKind"] {
		k, ok := telemetry.ParseKind(strings.TrimPrefix(strings.ToLower(text), "span_kind_"))
		if !ok {
			return nil, unparsed("spanKind", "unsupported span kind: "+strconv.Quote(cut(text)))
		}
		kinds = append(kinds, cond.Kind(k))
	}
	if kinds == nil {
		kinds = []traceql.Expr{cond.Kind(telemetry.KindServer)}
	}
	m := &metricsQuery{spans: cond.Join(traceql.And, cond.Join(traceql.Or, services...), cond.Join(traceql.Or, kinds...))}
	var err error
	if m.byOperation, err = p.truth("groupByOperation"); err != nil {
		return nil, err
	}
	if m.start, m.end, err = a.millis(p, metricsTime); err != nil {
		return nil, err
	}
	step, err := p.number(uint64(metricsStep.Milliseconds()), uint64((24 * time.Hour * 366).Milliseconds()), "step")
	if err == nil && step == 0 {
		return nil, unparsed("step", "it has to be at least 1")
	}
	m.step = step * uint64(time.Millisecond)
	return m, err
}
