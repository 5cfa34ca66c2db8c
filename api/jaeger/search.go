package jaeger

import (
	"maps"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/kiseki-dev/kiseki/api/cond"
	"github.com/kiseki-dev/kiseki/query/exec"
	"github.com/kiseki-dev/kiseki/query/plan"
	"github.com/kiseki-dev/kiseki/query/traceql"
	"github.com/kiseki-dev/kiseki/storage/scan"
	"github.com/kiseki-dev/kiseki/telemetry"
	"github.com/kiseki-dev/kiseki/telemetry/jaegerspan"
	"github.com/kiseki-dev/kiseki/telemetry/plain"
)

const (
	defaultLimit = 100  // traces, as Jaeger's server has it
	maxLimit     = 1500 // what its UI can ask for
	// defaultLookback is that of Jaeger's server.
	defaultLookback = 48 * time.Hour
)

// search asks for the newest traces with a span that satisfies all conditions.
type search struct {
	service, operation string            // "": any
	tags               map[string]string // keys and the texts of their values
	shortest, longest  time.Duration     // of the span; 0: no bound
	filter             traceql.Expr      // in place of the above; nil: none
	start, end         uint64            // Unix nanoseconds; the span starts within [start, end)
	limit              uint64            // 0: defaultLimit; more than maxLimit are not told
}

// check is why a search is refused.
func (s *search) check() error {
	if s.filter != nil && (s.service != "" || s.operation != "" || len(s.tags) > 0 || s.shortest > 0 || s.longest > 0) {
		return badRequest("a filter is not taken beside a service, an operation, attributes or durations; it can name them itself")
	}
	if s.longest > 0 && s.longest < s.shortest {
		return badRequest("'maxDuration' should be greater than 'minDuration'")
	}
	if len(s.tags) > maxTags {
		return badRequest("there are more than %d tags", maxTags)
	}
	for _, text := range slices.Concat([]string{s.service, s.operation}, slices.Collect(maps.Keys(s.tags)), slices.Collect(maps.Values(s.tags))) {
		if why := checkText(text); why != "" {
			return badRequest("%q… is not taken: %s", strings.ToValidUTF8(cut(text), "?"), why)
		}
	}
	return nil
}

// plan is the search as the query language plans it.
func (s *search) plan() *plan.Search {
	limit := s.limit
	if limit == 0 {
		limit = defaultLimit
	}
	return &plan.Search{Filter: plan.Filter(s.condition()), Start: s.start, End: s.end, Limit: int(min(limit, maxLimit))}
}

// condition is what a span must satisfy; nil: nothing.
func (s *search) condition() traceql.Expr {
	var all []traceql.Expr
	if s.service != "" {
		all = append(all, ofService(s.service))
	}
	if s.operation != "" {
		all = append(all, cond.Equals(cond.Intrinsic(scan.IntrinsicName), s.operation))
	}
	if s.shortest > 0 {
		all = append(all, cond.Duration(scan.OpGreaterEqual, uint64(s.shortest)))
	}
	if s.longest > 0 {
		all = append(all, cond.Duration(scan.OpLessEqual, uint64(s.longest)))
	}
	all = append(all, s.filter)
	for _, key := range slices.Sorted(maps.Keys(s.tags)) {
		all = append(all, tagged(key, s.tags[key]))
	}
	return cond.Join(traceql.And, all...)
}

func ofService(name string) traceql.Expr {
	f := cond.Attribute(scan.ScopeResource, telemetry.ServiceNameKey)
	if name == jaegerspan.NoService {
		return cond.Join(traceql.Or, cond.Lacks(f), cond.Equals(f, ""))
	}
	return cond.Equals(f, name)
}

// tagged holds for spans that are shown with a tag of that value: their own,
// their process' or a field of a log.
func tagged(key, value string) traceql.Expr {
	own := cond.Join(traceql.Or,
		cond.Shown(cond.Attribute(scan.ScopeAny, key), value),
		cond.Shown(cond.Attribute(scan.ScopeEvent, key), value))
	switch key {
	case jaegerspan.ErrorTag:
		if value == "true" {
			return cond.Join(traceql.Or, cond.Status(telemetry.StatusError), own)
		}
	case jaegerspan.KindTag:
		if k, ok := telemetry.ParseKind(value); ok {
			return cond.Join(traceql.Or, cond.Kind(k), own)
		}
	case plain.StatusCodeKey:
		for s, name := range jaegerspan.StatusNames {
			if strings.EqualFold(value, name) {
				return cond.Join(traceql.Or, cond.Status(s), own)
			}
		}
	case jaegerspan.EventField:
		return cond.Join(traceql.Or, cond.Equals(cond.Intrinsic(scan.IntrinsicEventName), value), own)
	}
	if i, ok := intrinsicTags[key]; ok {
		return cond.Join(traceql.Or, cond.Equals(cond.Intrinsic(i), value), own)
	}
	return own
}

// intrinsicTags are tags that are fields of OpenTelemetry's model. The older
// names are those that Jaeger's clients may still ask for.
var intrinsicTags = map[string]scan.Intrinsic{
	plain.StatusDescriptionKey: scan.IntrinsicStatusMessage,
	plain.ScopeNameKey:         scan.IntrinsicScopeName,
	"otel.library.name":        scan.IntrinsicScopeName,
	plain.ScopeVersionKey:      scan.IntrinsicScopeVersion,
	"otel.library.version":     scan.IntrinsicScopeVersion,
	jaegerspan.TraceStateTag:   scan.IntrinsicTraceState,
}

// find runs a search.
func (q *query) find(snap scan.Snapshot, s *search) ([]exec.Summary, error) {
	if err := s.check(); err != nil {
		return nil, err
	}
	found, err := exec.Search(q.ctx, snap, s.plan(), q.o.Limits)
	if err != nil {
		return nil, err
	}
	q.note(found.Stats, q.tell)
	return found.Traces, nil
}

// findWhole runs a search and calls f with each trace as a whole, one of which
// is held in memory at a time.
func (q *query) findWhole(snap scan.Snapshot, s *search, f func(*exec.Trace) error) error {
	found, err := q.find(snap, s)
	if err != nil {
		return err
	}
	for i := range found {
		t, err := q.trace(snap, found[i].ID)
		if err == nil && len(t.Batch.Spans) > 0 { // else it could not be read again
			err = f(t)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// trace reads one trace; it has no spans if there is none.
func (q *query) trace(snap scan.Snapshot, id telemetry.TraceID) (*exec.Trace, error) {
	t, err := exec.FindTrace(q.ctx, snap, id, q.o.Limits)
	if err == nil {
		q.note(t.Stats, q.tell)
	}
	return t, err
}

// present is trace for where there has to be one.
func (q *query) present(snap scan.Snapshot, id telemetry.TraceID) (*exec.Trace, error) {
	t, err := q.trace(snap, id)
	switch {
	case err != nil:
		return nil, err
	case len(t.Batch.Spans) > 0:
		return t, nil
	case !t.Stats.Complete:
		return nil, &refusal{http.StatusInternalServerError, "the trace may be here, but " + t.Stats.Reason}
	}
	return nil, &refusal{http.StatusNotFound, notFound}
}

// notFound is Jaeger's wording.
const notFound = "trace not found"
