package tempo

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"

	"github.com/kiseki-dev/kiseki/api/tempo/tempopb"
	"github.com/kiseki-dev/kiseki/query/exec"
	"github.com/kiseki-dev/kiseki/query/plan"
	"github.com/kiseki-dev/kiseki/query/traceql"
	"github.com/kiseki-dev/kiseki/storage/scan"
	"github.com/kiseki-dev/kiseki/telemetry"
)

// maxNames bounds the names of a scope, and the values of a field, that an
// answer has; a client that asks for more, or for no number, gets so many.
const maxNames = 10_000

// scopes are the scopes of tags, in the order of answers.
var scopes = []struct {
	name  string
	scope scan.Scope
}{
	{"event", scan.ScopeEvent},
	{"instrumentation", scan.ScopeInstrumentation},
	{"link", scan.ScopeLink},
	{"resource", scan.ScopeResource},
	{"span", scan.ScopeSpan},
}

const intrinsicScope = "intrinsic"

// intrinsics are the tags of the scope "intrinsic", as queries spell them.
var intrinsics = []string{
	"duration", "event:name", "event:timeSinceStart", "instrumentation:name", "instrumentation:version", "kind", "link:spanID", "link:traceID",
	"name", "nestedSetLeft", "nestedSetParent", "nestedSetRight", "rootName", "rootServiceName", "span:childCount", "span:duration", "span:id",
	"span:kind", "span:name", "span:parentID", "span:status", "span:statusMessage", "status", "statusMessage", "trace:duration", "trace:id",
	"trace:rootName", "trace:rootService", "traceDuration",
}

func (a *API) httpTags(w http.ResponseWriter, r *http.Request) error {
	in, err := readTags(r)
	if err != nil {
		return err
	}
	return unary(a, w, r, in, a.tags)
}

func (a *API) httpTagsV2(w http.ResponseWriter, r *http.Request) error {
	in, err := readTags(r)
	if err != nil {
		return err
	}
	return unary(a, w, r, in, a.tagsV2)
}

func readTags(r *http.Request) (*tempopb.SearchTagsRequest, error) {
	p := readParams(r)
	return &tempopb.SearchTagsRequest{
		Scope: p.text("scope"), Query: p.text("q"), Start: p.number("start"), End: p.number("end"),
		MaxTagsPerScope: p.number("limit"), StaleValuesThreshold: p.number("maxStaleValues"),
	}, p.err
}

// tags lists the names of all scopes as one.
func (a *API) tags(ctx context.Context, in *tempopb.SearchTagsRequest) (*tempopb.SearchTagsResponse, exec.Stats, error) {
	v2, stats, err := a.tagsV2(ctx, in)
	if err != nil {
		return nil, stats, err
	}
	out := &tempopb.SearchTagsResponse{Metrics: v2.Metrics}
	for _, s := range v2.Scopes {
		if s.Name != intrinsicScope || in.Scope == intrinsicScope {
			out.TagNames = append(out.TagNames, s.Tags...)
		}
	}
	slices.Sort(out.TagNames)
	out.TagNames = slices.Compact(out.TagNames)
	return out, stats, nil
}

// tagsV2 lists names by scope. Without a query it tells of all times: what
// names are in use changes little, and looking at spans for it costs much.
func (a *API) tagsV2(ctx context.Context, in *tempopb.SearchTagsRequest) (*tempopb.SearchTagsV2Response, exec.Stats, error) {
	wanted, err := wantedScopes(in.Scope)
	if err != nil {
		return nil, exec.Stats{}, err
	}
	limit := clamp(in.MaxTagsPerScope)
	stats := exec.Stats{Complete: true}
	found := map[scan.Scope][]string{}
	if in.Scope != intrinsicScope {
		err = a.snapshot(func(snap scan.Snapshot) (err error) {
			if filter := lenientFilter(in.Query); filter != nil {
				found, stats, err = a.keysWhere(ctx, snap, filter, in)
			} else {
				found, stats, err = a.keys(ctx, snap)
			}
			return err
		})
		if err != nil {
			return nil, stats, err
		}
	}
	out := &tempopb.SearchTagsV2Response{Metrics: metadataMetrics(stats)}
	for _, s := range scopes {
		if names := found[s.scope]; len(names) > 0 && wanted[s.name] {
			out.Scopes = append(out.Scopes, &tempopb.SearchTagsV2Scope{Name: s.name, Tags: names[:min(len(names), limit)]})
		}
	}
	if wanted[intrinsicScope] {
		out.Scopes = append(out.Scopes, &tempopb.SearchTagsV2Scope{Name: intrinsicScope, Tags: intrinsics})
	}
	return out, stats, nil
}

// clamp is a client's limit on a number of names; 0 is none.
func clamp(n uint32) int {
	if n == 0 || n > maxNames {
		return maxNames
	}
	return int(n)
}

func wantedScopes(name string) (map[string]bool, error) {
	all := map[string]bool{intrinsicScope: true}
	for _, s := range scopes {
		all[s.name] = true
	}
	switch {
	case name == "" || name == "none" || name == "all":
		return all, nil
	case all[name]:
		return map[string]bool{name: true}, nil
	}
	return nil, refuse("invalid scope: %.64q is not one of event, instrumentation, intrinsic, link, resource, span", name)
}

// keys are the attribute keys in use.
func (a *API) keys(ctx context.Context, snap scan.Snapshot) (map[scan.Scope][]string, exec.Stats, error) {
	keys, stats, err := exec.Keys(ctx, snap, exec.KeyQuery{Scope: scan.ScopeAny, Limit: a.o.Limits.Names}, a.o.Limits)
	found := map[scan.Scope][]string{}
	for _, k := range keys {
		found[k.Scope] = append(found[k.Scope], strings.Clone(k.Key))
	}
	return found, stats, err
}

// errEnough ends a walk over spans.
var errEnough = errors.New("enough is known")

// keysWhere are the attribute keys of the spans that satisfy a filter. It
// reads those spans, for no longer than a query may take; and, as the client
// may ask, only until so many spans in a row had nothing new.
func (a *API) keysWhere(ctx context.Context, snap scan.Snapshot, cond traceql.Expr, in *tempopb.SearchTagsRequest) (map[scan.Scope][]string, exec.Stats, error) {
	from, to, err := within(in.Start, in.End)
	if err != nil {
		return nil, exec.Stats{}, err
	}
	seen := map[scan.Field]bool{}
	stale := uint32(0)
	stats, err := a.walk(ctx, snap, &plan.Search{Filter: plan.Filter(cond), Start: from, End: to}, func(b *telemetry.Batch) error {
		for i := range b.Spans {
			before := len(seen)
			spanKeys(b, &b.Spans[i], func(f scan.Field) {
				if !seen[f] && len(seen) < a.o.Limits.Names {
					f.Key = strings.Clone(f.Key)
					seen[f] = true
				}
			})
			if stale++; len(seen) > before {
				stale = 0
			}
			if in.StaleValuesThreshold > 0 && stale >= in.StaleValuesThreshold {
				return errEnough
			}
		}
		return nil
	})
	found := map[scan.Scope][]string{}
	for f := range seen {
		found[f.Scope] = append(found[f.Scope], f.Key)
	}
	for _, names := range found {
		slices.Sort(names)
	}
	return found, stats, err
}

// spanKeys calls f for every attribute of a span and of what belongs to it.
func spanKeys(b *telemetry.Batch, s *telemetry.Span, f func(scan.Field)) {
	each := func(scope scan.Scope, r telemetry.Range) {
		for _, a := range b.AttrsOf(r) {
			f(scan.Field{Scope: scope, Key: a.Key})
		}
	}
	each(scan.ScopeSpan, s.Attrs)
	each(scan.ScopeResource, b.Resources[s.Resource].Attrs)
	each(scan.ScopeInstrumentation, b.Scopes[s.Scope].Attrs)
	for _, e := range b.EventsOf(s) {
		each(scan.ScopeEvent, e.Attrs)
	}
	for _, l := range b.LinksOf(s) {
		each(scan.ScopeLink, l.Attrs)
	}
}

// walk calls f with the spans of p, for no longer than a query may take. f
// ends it with errEnough.
func (a *API) walk(ctx context.Context, snap scan.Snapshot, p *plan.Search, f func(*telemetry.Batch) error) (exec.Stats, error) {
	timed, cancel := context.WithTimeout(ctx, a.o.Limits.Time)
	defer cancel()
	stats, err := exec.Spans(timed, snap, p, a.o.Limits, f)
	switch {
	case errors.Is(err, errEnough):
		return stats, nil
	case err != nil && ctx.Err() == nil && timed.Err() != nil:
		stats.Complete, stats.Reason = false, fmt.Sprintf("the query took longer than %s", a.o.Limits.Time)
		return stats, nil
	}
	return stats, err
}
