package zipkin

import (
	"strings"

	"github.com/kiseki-dev/kiseki/api/cond"
	"github.com/kiseki-dev/kiseki/query/exec"
	"github.com/kiseki-dev/kiseki/query/plan"
	"github.com/kiseki-dev/kiseki/query/traceql"
	"github.com/kiseki-dev/kiseki/storage/scan"
	"github.com/kiseki-dev/kiseki/telemetry"
	"github.com/kiseki-dev/kiseki/telemetry/plain"
	"github.com/kiseki-dev/kiseki/telemetry/zipkinjson"
)

const (
	defaultLimit = 10 // traces, as Zipkin's server has it
	maxLimit     = 1000
	maxTerms     = 32 // of an annotationQuery; each costs up to four comparisons
)

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
	return cond.Join(traceql.And, append(append(all, durations...), annotations...)...), nil
}

func ofService(name string) traceql.Expr {
	f := cond.Attribute(scan.ScopeResource, telemetry.ServiceNameKey)
	if name == zipkinjson.UnknownService {
		return cond.Join(traceql.Or, cond.Lacks(f), cond.Equals(f, ""), cond.Equals(f, name))
	}
	return cond.Equals(f, name)
}

// named is nil for "all", which Zipkin's older UI asks for.
func named(name string) traceql.Expr {
	if name == "all" {
		return nil
	}
	return cond.Equals(cond.Intrinsic(scan.IntrinsicName), name)
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
	switch {
	case least == 1:
		all = append(all, cond.Duration(scan.OpGreater, 0))
	case low:
		all = append(all, cond.Duration(scan.OpGreaterEqual, least*1000))
	}
	if high {
		all = append(all, cond.Duration(scan.OpLess, (most+1)*1000))
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
			event := cond.Equals(cond.Intrinsic(scan.IntrinsicEventName), key)
			all = append(all, cond.Join(traceql.Or, event, tagged(key)))
		default:
			all = append(all, tag(key, value))
		}
	}
	return all, nil
}

// tagged holds for spans that are shown with a tag, whatever its value.
func tagged(key string) traceql.Expr {
	switch key {
	case plain.StatusCodeKey:
		return cond.Join(traceql.Or, cond.Status(telemetry.StatusOK), cond.Status(telemetry.StatusError))
	case zipkinjson.ErrorTag:
		return cond.Join(traceql.Or, cond.Status(telemetry.StatusError), ownError())
	case plain.ScopeNameKey:
		return cond.NotEmpty(cond.Intrinsic(scan.IntrinsicScopeName))
	case plain.ScopeVersionKey:
		return cond.NotEmpty(cond.Intrinsic(scan.IntrinsicScopeVersion))
	}
	return cond.Has(cond.Attribute(scan.ScopeAny, key))
}

// tag holds for spans that are shown with a tag of that value.
func tag(key, value string) traceql.Expr {
	switch key {
	case plain.StatusCodeKey:
		for s, name := range zipkinjson.StatusNames {
			if value == name {
				return cond.Status(s)
			}
		}
	case zipkinjson.ErrorTag:
		failed := cond.Join(traceql.And, cond.Status(telemetry.StatusError), cond.Equals(cond.Intrinsic(scan.IntrinsicStatusMessage), value))
		return cond.Join(traceql.Or, failed, cond.Join(traceql.And, ownError(), cond.Shown(cond.Attribute(scan.ScopeAny, key), value)))
	case plain.ScopeNameKey:
		return cond.Equals(cond.Intrinsic(scan.IntrinsicScopeName), value)
	case plain.ScopeVersionKey:
		return cond.Equals(cond.Intrinsic(scan.IntrinsicScopeVersion), value)
	}
	return cond.Shown(cond.Attribute(scan.ScopeAny, key), value)
}

// ownError holds for spans whose tag "error" is an attribute of that name.
func ownError() traceql.Expr {
	f := cond.Attribute(scan.ScopeAny, zipkinjson.ErrorTag)
	no := cond.Join(traceql.Or, cond.Shown(f, "false"), cond.Status(telemetry.StatusError))
	return cond.Join(traceql.And, cond.Has(f), &traceql.Not{X: no})
}
