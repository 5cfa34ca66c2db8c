package native

import (
	"strconv"

	"github.com/kiseki-dev/kiseki/analysis"
	"github.com/kiseki-dev/kiseki/query/exec"
	"github.com/kiseki-dev/kiseki/query/plan"
	"github.com/kiseki-dev/kiseki/query/traceql"
	"github.com/kiseki-dev/kiseki/storage/scan"
	"github.com/kiseki-dev/kiseki/telemetry/otlpjson"
)

func (a *api) topValues(q *request) error {
	by, given := q.params.text("by", 1024)
	limit := q.params.integer("limit", 10000, 20)
	p, err := q.params.search()
	if err != nil {
		return err
	}
	if !given {
		return badParameter("by", "It must be given: the field whose values are wanted, such as span.http.route.")
	}
	f, err := traceql.ParseField(by)
	if err != nil {
		return parseProblem("by", err)
	}
	if !groupable(f) {
		return badParameter("by", "The values of "+f.String()+" cannot be listed.")
	}
	return a.snapshot(func(snap scan.Snapshot) error {
		res, err := analysis.TopValues(q.Context(), snap, p, f.Field, limit, a.Limits)
		if err != nil {
			return err
		}
		a.note(q, res.Stats)
		q.body = strconv.AppendUint(append(q.body, `{"spanCount":`...), res.Spans, 10)
		q.body = appendIntField(q.body, "valueCount", int64(res.Distinct))
		q.body = appendItems(q.body, "values", res.Values, func(dst []byte, v *analysis.ValueShare) []byte {
			dst = appendGroupValue(append(dst, `{"value":`...), f.Field, v.GroupValue)
			dst = appendIntField(dst, "errorCount", int64(v.Errors))
			return append(appendLatency(appendName(dst, "latency"), v.Latency), '}')
		})
		q.body = append(appendStats(append(q.body, `,"stats":`...), res.Stats), '}')
		return nil
	})
}

// appendGroupValue appends null where a span has none.
func appendGroupValue(dst []byte, f scan.Field, v exec.GroupValue) []byte {
	if !v.Present {
		return append(dst, `null`...)
	}
	return otlpjson.AppendValue(dst, named(f, v.Value))
}

func (a *api) comparison(q *request) error {
	text, _ := q.params.text("base", traceql.MaxLength)
	limit := q.params.integer("limit", 1000, 50)
	_, hasFrom := q.params.values["baseStart"]
	_, hasTo := q.params.values["baseEnd"]
	from, to := q.params.moment("baseStart", 0), q.params.moment("baseEnd", 0)
	p, err := q.params.search()
	if err != nil {
		return err
	}
	if !hasFrom {
		from = p.Start
	}
	if !hasTo {
		to = p.End
	}
	if from > to {
		return badParameter("baseEnd", "It is before baseStart. Without them, they are start and end.")
	}
	query, err := traceql.ParseSearch(text)
	if err != nil {
		return parseProblem("base", err)
	}
	base := &plan.Search{Start: from, End: to}
	base.Filter, base.Spans = plan.Pipeline(query.Spans, from > 0 || to != plan.All)
	return a.snapshot(func(snap scan.Snapshot) error {
		res, err := analysis.Compare(q.Context(), snap, p, base, limit, a.Limits)
		if err != nil {
			return err
		}
		a.note(q, res.Stats)
		q.body = strconv.AppendUint(append(q.body, `{"spanCount":`...), res.SpansA, 10)
		q.body = appendIntField(q.body, "baseSpanCount", int64(res.SpansB))
		q.body = appendIntField(q.body, "testCount", int64(res.Tests))
		q.body = appendIntField(q.body, "differenceCount", int64(res.Significant))
		q.body = appendItems(q.body, "differences", res.Differences, appendDifference)
		q.body = appendItems(q.body, "skippedFields", res.Skipped, func(dst []byte, f *scan.Field) []byte {
			return appendString(dst, traceql.Field{Field: *f}.String())
		})
		q.body = append(appendStats(append(q.body, `,"stats":`...), res.Stats), '}')
		return nil
	})
}

func appendDifference(dst []byte, d *analysis.Difference) []byte {
	dst = appendString(append(dst, `{"field":`...), traceql.Field{Field: d.Field}.String())
	if d.Numeric {
		dst = appendItems(dst, "quantiles", d.QuantilesA[:], appendFloat)
		dst = appendItems(dst, "baseQuantiles", d.QuantilesB[:], appendFloat)
	} else {
		dst = appendGroupValue(appendName(dst, "value"), d.Field, d.GroupValue)
		dst = appendNumber(appendName(dst, "lift"), d.Lift())
	}
	dst = appendIntField(dst, "spanCount", int64(d.CountA))
	dst = appendIntField(dst, "baseSpanCount", int64(d.CountB))
	dst = appendNumber(appendName(dst, "share"), d.ShareA)
	dst = appendNumber(appendName(dst, "baseShare"), d.ShareB)
	dst = appendNumber(appendName(dst, "effect"), d.Effect)
	dst = appendNumber(appendName(dst, "p"), d.P)
	return append(appendNumber(appendName(dst, "q"), d.Q), '}')
}

func appendFloat(dst []byte, x *float64) []byte { return appendNumber(dst, *x) }
