package tempo

import (
	"cmp"
	"context"
	"encoding/hex"
	"math"
	"net/http"
	"time"

	common "go.opentelemetry.io/proto/otlp/common/v1"

	"github.com/kiseki-dev/kiseki/api/tempo/tempopb"
	"github.com/kiseki-dev/kiseki/query/exec"
	"github.com/kiseki-dev/kiseki/query/traceql"
	"github.com/kiseki-dev/kiseki/storage/scan"
)

const (
	defaultSince     = time.Hour // the range of a client that gives none
	defaultExemplars = 100
	maxExemplars     = 1000
	// dynamicPoints is about how many points a series has whose client leaves
	// the step to us.
	dynamicPoints = 240
)

// series is what a client asks of the metrics API.
type series struct {
	query      string
	start, end uint64 // Unix nanoseconds, the end not included; 0: not given
	since      time.Duration
	step       uint64 // nanoseconds; 0: as fits
	exemplars  uint32 // 0: the default
	instant    bool   // one number for the whole range
}

func readSeries(r *http.Request) (*series, error) {
	p := readParams(r)
	q := &series{query: p.text("q"), since: p.duration("since"), exemplars: p.number("exemplars")}
	q.start, _ = p.moment("start")
	q.end, _ = p.moment("end")
	q.step = p.step()
	return q, p.err
}

// step takes a duration, or a number of seconds.
func (p *params) step() uint64 {
	s := p.text("step")
	if s == "" {
		return 0
	}
	d, err := time.ParseDuration(s)
	if err != nil {
		d, err = time.ParseDuration(s + "s")
	}
	if err != nil || d <= 0 {
		p.fail("step", s, "a duration above 0 such as 15s or 1m")
		return 0
	}
	return uint64(d)
}

func (a *API) httpRange(w http.ResponseWriter, r *http.Request) error {
	q, err := readSeries(r)
	if err != nil {
		return err
	}
	return unary(a, w, r, q, a.queryRange)
}

func (a *API) httpInstant(w http.ResponseWriter, r *http.Request) error {
	q, err := readSeries(r)
	if err != nil {
		return err
	}
	return unary(a, w, r, q, a.queryInstant)
}

// queryRange answers with a number for each step.
func (a *API) queryRange(ctx context.Context, q *series) (*tempopb.QueryRangeResponse, exec.Stats, error) {
	return a.queryParts(ctx, q, nil)
}

// queryParts is queryRange that also calls found with the newest points before
// the others are known, see [exec.MetricsEach].
func (a *API) queryParts(ctx context.Context, q *series, found func(*tempopb.QueryRangeResponse) error) (out *tempopb.QueryRangeResponse, stats exec.Stats, err error) {
	p, err := q.plan(a.o.Now())
	if err != nil {
		return nil, stats, err
	}
	err = a.snapshot(func(snap scan.Snapshot) error {
		var res *exec.MetricsResult
		var err error
		if found == nil {
			res, err = exec.Metrics(ctx, snap, p, a.o.Limits)
		} else {
			res, err = exec.MetricsEach(ctx, snap, p, a.o.Limits, func(part *exec.MetricsResult) error {
				return found(rangeResponse(part, p.Expr))
			})
		}
		if err != nil {
			return err
		}
		out, stats = rangeResponse(res, p.Expr), res.Stats
		return nil
	})
	return out, stats, err
}

func rangeResponse(res *exec.MetricsResult, of traceql.MetricsExpr) *tempopb.QueryRangeResponse {
	out := &tempopb.QueryRangeResponse{Metrics: searchMetrics(res.Stats, 0)}
	out.Status, out.Message = partial(res.Stats)
	for i := range res.Series {
		out.Series = append(out.Series, rangeMessage(&res.Series[i], res, of))
	}
	return out
}

// partial is the status of an answer.
func partial(s exec.Stats) (tempopb.PartialStatus, string) {
	if s.Complete {
		return tempopb.PartialStatus_COMPLETE, ""
	}
	return tempopb.PartialStatus_PARTIAL, s.Reason
}

// queryInstant answers with one number for the whole range.
func (a *API) queryInstant(ctx context.Context, q *series) (out *tempopb.QueryInstantResponse, stats exec.Stats, err error) {
	q.instant = true
	p, err := q.plan(a.o.Now())
	if err != nil {
		return nil, stats, err
	}
	err = a.snapshot(func(snap scan.Snapshot) error {
		res, err := exec.Metrics(ctx, snap, p, a.o.Limits)
		if err != nil {
			return err
		}
		stats = res.Stats
		out = &tempopb.QueryInstantResponse{Metrics: searchMetrics(stats, 0)}
		out.Status, out.Message = partial(stats)
		for i := range res.Series {
			s := &res.Series[i]
			if len(s.Points) > 0 && !math.IsNaN(s.Points[0]) {
				out.Series = append(out.Series, &tempopb.InstantSeries{Labels: labelsMessage(s.Labels, p.Expr), Value: s.Points[0]})
			}
		}
		return nil
	})
	return out, stats, err
}

// plan is q with all that was not given. Steps begin at multiples of their
// length, so that a client that asks again a little later gets the same
// points; the first and the last step are whole for it.
func (q *series) plan(now time.Time) (*exec.MetricsQuery, error) {
	query, err := traceql.Parse(q.query)
	if err != nil {
		return nil, refuse("invalid TraceQL query: %s", err)
	}
	if query.Metrics == nil {
		return nil, refuse("invalid TraceQL query: it has no metrics function such as | rate(); /api/search is for queries without")
	}
	p := &exec.MetricsQuery{Expr: query.Metrics, Hints: query.Hints, Start: q.start, End: q.end}
	if p.End == 0 {
		p.End = uint64(max(0, now.UnixNano()))
	}
	if p.Start == 0 {
		p.Start = p.End - min(p.End, uint64(cmp.Or(q.since, defaultSince)))
	}
	if q.instant {
		return p, nil
	}
	p.Exemplars = int(min(cmp.Or(q.exemplars, defaultExemplars), maxExemplars))
	if p.Step = q.step; p.Step == 0 && p.End > p.Start {
		p.Step = fittingStep(p.End - p.Start)
	}
	if p.Step > 0 {
		p.Start -= p.Start % p.Step
		if over := p.End % p.Step; over != 0 && p.End <= math.MaxUint64-p.Step {
			p.End += p.Step - over
		}
	}
	return p, nil
}

// steps are the lengths that people are used to.
var steps = []time.Duration{
	time.Second, 2 * time.Second, 5 * time.Second, 10 * time.Second, 15 * time.Second, 30 * time.Second,
	time.Minute, 2 * time.Minute, 5 * time.Minute, 10 * time.Minute, 15 * time.Minute, 30 * time.Minute,
	time.Hour, 2 * time.Hour, 6 * time.Hour, 12 * time.Hour, 24 * time.Hour,
}

// fittingStep is the least of steps that cuts a range into at most
// dynamicPoints, or a whole number of days.
func fittingStep(length uint64) uint64 {
	for _, s := range steps {
		if length/uint64(s) <= dynamicPoints {
			return uint64(s)
		}
	}
	const day = uint64(24 * time.Hour)
	return (length/dynamicPoints/day + 1) * day
}

// rangeMessage is a series; a step without a point has no sample.
func rangeMessage(s *exec.Series, res *exec.MetricsResult, of traceql.MetricsExpr) *tempopb.TimeSeries {
	out := &tempopb.TimeSeries{Labels: labelsMessage(s.Labels, of)}
	for i, x := range s.Points {
		if !math.IsNaN(x) {
			at := res.Start + uint64(i)*res.Step
			out.Samples = append(out.Samples, &tempopb.Sample{TimestampMs: int64(at / 1e6), Value: x})
		}
	}
	for i := range s.Exemplars {
		e := &s.Exemplars[i]
		out.Exemplars = append(out.Exemplars, &tempopb.Exemplar{
			Labels: []*common.KeyValue{
				{Key: "trace:id", Value: textValue(e.TraceID.String())},
				{Key: "span:id", Value: textValue(hex.EncodeToString(e.SpanID[:]))},
			},
			Value: e.Value, TimestampMs: int64(e.Time / 1e6),
		})
	}
	return out
}

// nameLabel is the label of a series that has no other, as in Prometheus.
const nameLabel = "__name__"

func labelsMessage(labels []exec.Label, of traceql.MetricsExpr) (out []*common.KeyValue) {
	if len(labels) == 0 {
		return []*common.KeyValue{{Key: nameLabel, Value: textValue(nameOf(of))}}
	}
	_, comparing := of.(*traceql.Metrics)
	comparing = comparing && of.(*traceql.Metrics).Func == traceql.Compare
	for _, l := range labels {
		v := &common.AnyValue{} // of what has no value; in a comparison it stands for all values
		if l.Value.Present {
			v = labelValue(l)
		} else if !comparing {
			v = textValue("nil")
		}
		out = append(out, &common.KeyValue{Key: l.Name, Value: v})
	}
	return out
}

func labelValue(l exec.Label) *common.AnyValue {
	f, err := traceql.ParseField(l.Name)
	if err != nil { // a label that is no field's
		return anyValue(l.Value.Value)
	}
	return fieldValue(f, l.Value.Value)
}

// nameOf is the function that a series without labels comes from; arithmetic
// goes by its own text.
func nameOf(x traceql.MetricsExpr) string {
	switch x := x.(type) {
	case *traceql.Metrics:
		return x.Func.String()
	case *traceql.SeriesLimit:
		return nameOf(x.X)
	}
	return (&traceql.Query{Metrics: x}).String()
}
