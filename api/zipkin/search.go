package zipkin

import (
	"strconv"
	"strings"

	"github.com/kiseki-dev/kiseki/query/exec"
	"github.com/kiseki-dev/kiseki/query/plan"
	"github.com/kiseki-dev/kiseki/query/traceql"
	"github.com/kiseki-dev/kiseki/storage/scan"
	"github.com/kiseki-dev/kiseki/telemetry"
)

const (
	defaultLimit = 10 // traces, as Zipkin's server has it
	maxLimit     = 1000
	maxTerms     = 32 // of an annotationQuery; each costs up to four comparisons
)

// unknownService is what OpenTelemetry calls a service without a name.
const unknownService = "unknown_service"

// traces answers with whole traces, newest first.
func (a *api) traces(q *request) error {
	search, err := a.readSearch(q.params)
	if err != nil {
		return err
	}
	return a.snapshot(func(snap scan.Snapshot) error {
		found, err := exec.Search(q.Context(), snap, search, a.Limits)
		if err != nil {
			return err
		}
		a.note(q, found.Stats)
		ids := make([]telemetry.TraceID, len(found.Traces))
		for i := range found.Traces {
			ids[i] = found.Traces[i].ID
		}
		return a.writeTraces(q, snap, ids)
	})
}

func (a *api) readSearch(p params) (*plan.Search, error) {
	cond, err := readConditions(p)
	if err != nil {
		return nil, err
	}
	limit, given, err := p.number("limit", 1<<31)
	if err != nil {
		return nil, err
	}
	if !given {
		limit = defaultLimit
	}
	s := &plan.Search{Filter: plan.Filter(cond), Limit: int(min(limit, maxLimit))}
	s.Start, s.End, err = a.window(p)
	return s, err
}

// readConditions is what a span must satisfy; nil: nothing.
func readConditions(p params) (traceql.Expr, error) {
	var all []traceql.Expr
	for _, x := range []struct {
		name string
		cond func(string) traceql.Expr
	}{
		{"serviceName", ofService}, {"spanName", named}, {"remoteServiceName", callOf},
	} {
		text, err := p.text(x.name)
		if err != nil {
			return nil, err
		}
		if text != "" {
			all = append(all, x.cond(text))
		}
	}
	durations, err := readDurations(p)
	if err != nil {
		return nil, err
	}
	annotations, err := readAnnotations(p)
	if err != nil {
		return nil, err
	}
	return join(traceql.And, append(append(all, durations...), annotations...)...), nil
}

func ofService(name string) traceql.Expr {
	f := attribute(scan.ScopeResource, telemetry.ServiceNameKey)
	if name == unknownService {
		return join(traceql.Or, lacks(f), equals(f, ""), equals(f, name))
	}
	return equals(f, name)
}

// named is nil for "all", which Zipkin's older UI asks for.
func named(name string) traceql.Expr {
	if name == "all" {
		return nil
	}
	return equals(intrinsic(scan.IntrinsicName), name)
}

// readDurations takes minDuration and maxDuration, in microseconds of which
// less than one counts as one, as spans are shown.
func readDurations(p params) (all []traceql.Expr, err error) {
	least, low, err := p.number("minDuration", maxMicros)
	if err != nil {
		return nil, err
	}
	most, high, err := p.number("maxDuration", maxMicros)
	switch {
	case err != nil:
		return nil, err
	case high && !low:
		return nil, badRequest("maxDuration is only valid with minDuration")
	case high && most < least:
		return nil, badRequest("maxDuration < minDuration")
	}
	duration := func(op traceql.CompareOp, ns uint64) {
		all = append(all, compare(intrinsic(scan.IntrinsicDuration), op, traceql.LiteralDuration, telemetry.IntValue(int64(ns))))
	}
	switch {
	case least == 1:
		duration(scan.OpGreater, 0)
	case low:
		duration(scan.OpGreaterEqual, least*1000)
	}
	if high {
		duration(scan.OpLess, (most+1)*1000)
	}
	return all, nil
}

// readAnnotations takes annotationQuery, such as "http.method=GET and error":
// the span has each tag with its value, and each word as an annotation or the
// key of a tag.
func readAnnotations(p params) (all []traceql.Expr, err error) {
	text, err := p.text("annotationQuery")
	if err != nil || strings.TrimSpace(text) == "" {
		return nil, err
	}
	terms := strings.Split(text, " and ")
	if len(terms) > maxTerms {
		return nil, badRequest("annotationQuery has more than %d terms", maxTerms)
	}
	for _, term := range terms {
		key, value, _ := strings.Cut(term, "=")
		key, value = strings.TrimSpace(key), strings.TrimSpace(value)
		switch {
		case key == "":
		case value == "":
			event := equals(intrinsic(scan.IntrinsicEventName), key)
			all = append(all, join(traceql.Or, event, tagged(key)))
		default:
			all = append(all, tag(key, value))
		}
	}
	return all, nil
}

// tagged holds for spans that are shown with a tag, whatever its value.
func tagged(key string) traceql.Expr {
	switch key {
	case statusTag:
		return join(traceql.Or, status(telemetry.StatusOK), status(telemetry.StatusError))
	case errorTag:
		return join(traceql.Or, status(telemetry.StatusError), ownError())
	case scopeNameTag:
		return compare(intrinsic(scan.IntrinsicScopeName), scan.OpNotEqual, traceql.LiteralString, telemetry.StringValue(""))
	case scopeVersionTag:
		return compare(intrinsic(scan.IntrinsicScopeVersion), scan.OpNotEqual, traceql.LiteralString, telemetry.StringValue(""))
	}
	return has(attribute(scan.ScopeAny, key))
}

// tag holds for spans that are shown with a tag of that value.
func tag(key, value string) traceql.Expr {
	switch key {
	case statusTag:
		for s, name := range statusNames {
			if value == name {
				return status(s)
			}
		}
	case errorTag:
		failed := join(traceql.And, status(telemetry.StatusError), equals(intrinsic(scan.IntrinsicStatusMessage), value))
		return join(traceql.Or, failed, join(traceql.And, ownError(), valued(attribute(scan.ScopeAny, key), value)))
	case scopeNameTag:
		return equals(intrinsic(scan.IntrinsicScopeName), value)
	case scopeVersionTag:
		return equals(intrinsic(scan.IntrinsicScopeVersion), value)
	}
	return valued(attribute(scan.ScopeAny, key), value)
}

// ownError holds for spans whose tag "error" is an attribute of that name.
func ownError() traceql.Expr {
	f := attribute(scan.ScopeAny, errorTag)
	no := join(traceql.Or, valued(f, "false"), status(telemetry.StatusError))
	return join(traceql.And, has(f), &traceql.Not{X: no})
}

// valued holds where a field is shown as a text.
func valued(f traceql.Field, text string) traceql.Expr {
	is := func(kind traceql.LiteralKind, v telemetry.Value) traceql.Expr {
		return compare(f, scan.OpEqual, kind, v)
	}
	out := is(traceql.LiteralString, telemetry.StringValue(text))
	if text == "true" || text == "false" {
		return join(traceql.Or, out, is(traceql.LiteralBool, telemetry.BoolValue(text == "true")))
	}
	if n, err := strconv.ParseInt(text, 10, 64); err == nil {
		return join(traceql.Or, out, is(traceql.LiteralInt, telemetry.IntValue(n)))
	}
	if x, err := strconv.ParseFloat(text, 64); err == nil {
		return join(traceql.Or, out, is(traceql.LiteralFloat, telemetry.DoubleValue(x)))
	}
	return out
}
