package native

import (
	"github.com/kiseki-dev/kiseki/query/exec"
	"github.com/kiseki-dev/kiseki/query/plan"
	"github.com/kiseki-dev/kiseki/query/traceql"
	"github.com/kiseki-dev/kiseki/storage/scan"
	"github.com/kiseki-dev/kiseki/telemetry"
	"github.com/kiseki-dev/kiseki/telemetry/otlpjson"
)

func (a *api) aggregate(q *request) error {
	p, err := readAggregation(&q.params)
	if err != nil {
		return err
	}
	return a.snapshot(func(snap scan.Snapshot) error {
		res, err := exec.Aggregate(q.Context(), snap, p, a.Limits)
		if err != nil {
			return err
		}
		a.note(q, res.Stats)
		q.body = appendAggregate(q.body, p.By, res)
		return nil
	})
}

func readAggregation(in *params) (*exec.Aggregation, error) {
	by, given := in.text("by", 1024)
	limit := in.integer("limit", 10000, 100)
	spans, err := in.search()
	if err != nil {
		return nil, err
	}
	if spans.Spans != nil || plan.HasTraceLeaves(spans.Filter) {
		return nil, badParameter("q", "An aggregation is over spans: one pair of braces that does not ask about the whole trace.")
	}
	p := &exec.Aggregation{Filter: spans.Filter, Start: spans.Start, End: spans.End, Limit: limit}
	switch {
	case !given || by == "operation":
		p.By = exec.Operation
	case by != "nothing":
		f, err := traceql.ParseField(by)
		if err != nil {
			return nil, parseProblem("by", err)
		}
		if !groupable(f) {
			return nil, badParameter("by", "Spans cannot be grouped by "+f.String()+".")
		}
		p.By = []scan.Field{f.Field}
	}
	return p, nil
}

// groupable reports whether a span has one value of f that others share.
func groupable(f traceql.Field) bool {
	switch f.Scope {
	case scan.ScopeEvent, scan.ScopeLink:
		return false
	case scan.ScopeIntrinsic:
		return listable(f) && f.Intrinsic != scan.IntrinsicEventName || f.Intrinsic == scan.IntrinsicTraceState
	}
	return true
}

func appendAggregate(dst []byte, by []scan.Field, res *exec.AggregateResult) []byte {
	dst = append(dst, `{"by":[`...)
	for i, f := range by {
		if i > 0 {
			dst = append(dst, ',')
		}
		dst = appendString(dst, traceql.Field{Field: f}.String())
	}
	dst = append(dst, `],"groups":[`...)
	for i := range res.Groups {
		if i > 0 {
			dst = append(dst, ',')
		}
		dst = appendGroup(dst, by, &res.Groups[i])
	}
	dst = appendIntField(append(dst, ']'), "groupCount", int64(res.Total))
	return append(appendStats(append(dst, `,"stats":`...), res.Stats), '}')
}

func appendGroup(dst []byte, by []scan.Field, g *exec.Group) []byte {
	dst = append(dst, `{"values":[`...)
	for i, v := range g.Values {
		if i > 0 {
			dst = append(dst, ',')
		}
		if !v.Present {
			dst = append(dst, `null`...)
			continue
		}
		dst = otlpjson.AppendValue(dst, named(by[i], v.Value))
	}
	dst = appendIntField(append(dst, ']'), "spanCount", int64(g.Spans))
	dst = appendIntField(dst, "errorCount", int64(g.Errors))
	dst = appendUint64Field(dst, "minNanos", g.Min)
	dst = appendUint64Field(dst, "p50Nanos", g.P50)
	dst = appendUint64Field(dst, "p90Nanos", g.P90)
	dst = appendUint64Field(dst, "p95Nanos", g.P95)
	dst = appendUint64Field(dst, "p99Nanos", g.P99)
	return append(appendUint64Field(dst, "maxNanos", g.Max), '}')
}

// named is v, or the name of the kind or status that it is.
func named(f scan.Field, v telemetry.Value) telemetry.Value {
	if f.Scope == scan.ScopeIntrinsic {
		switch f.Intrinsic {
		case scan.IntrinsicKind:
			return telemetry.StringValue(telemetry.Kind(v.Int()).String())
		case scan.IntrinsicStatus:
			return telemetry.StringValue(telemetry.Status(v.Int()).String())
		}
	}
	return v
}
