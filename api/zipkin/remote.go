package zipkin

import (
	"net/netip"
	"slices"

	"github.com/kiseki-dev/kiseki/api/cond"
	"github.com/kiseki-dev/kiseki/query/exec"
	"github.com/kiseki-dev/kiseki/query/plan"
	"github.com/kiseki-dev/kiseki/query/traceql"
	"github.com/kiseki-dev/kiseki/storage/scan"
	"github.com/kiseki-dev/kiseki/telemetry"
	"github.com/kiseki-dev/kiseki/telemetry/plain"
	"github.com/kiseki-dev/kiseki/telemetry/zipkinjson"
)

// calling holds for spans of which calls is true.
func calling() traceql.Expr {
	return cond.Join(traceql.Or, cond.Kind(telemetry.KindClient), cond.Kind(telemetry.KindProducer))
}

func remoteField(rank int) traceql.Field {
	return cond.Attribute(scan.ScopeSpan, zipkinjson.RemoteKeys[rank].Name)
}

// callOf holds for spans whose remote endpoint has that name.
func callOf(name string) traceql.Expr {
	var any traceql.Expr
	for rank, key := range slices.Backward(zipkinjson.RemoteKeys) {
		if _, err := netip.ParseAddr(name); err == nil && key.Name != zipkinjson.RemoteKeys[0].Name {
			continue // shown as an address, not as a name
		}
		f := remoteField(rank)
		any = cond.Join(traceql.Or, cond.Equals(f, name), cond.Join(traceql.And, lacking(rank), any))
	}
	return cond.Join(traceql.And, calling(), any)
}

// lacking holds for spans that have no name of a rank.
func lacking(rank int) traceql.Expr {
	f := remoteField(rank)
	return cond.Join(traceql.Or, cond.Lacks(f), cond.Equals(f, ""))
}

// remoteServices lists the names of the other sides of a service's spans of
// the last day.
func (a *api) remoteServices(q *request) error {
	service, err := q.params.needed("serviceName")
	if err != nil {
		return err
	}
	return a.snapshot(func(snap scan.Snapshot) error {
		ranks, err := a.remoteRanks(q, snap)
		if err != nil {
			return err
		}
		names, err := a.remotes(q, snap, cond.Join(traceql.And, ofService(service), calling()), ranks)
		if err != nil {
			return err
		}
		q.body = appendNames(q.body, names)
		return nil
	})
}

// remoteRanks are the ranks whose attribute any span has: each rank makes the
// query for names dearer.
func (a *api) remoteRanks(q *request, snap scan.Snapshot) (ranks []int, err error) {
	// Once for all ranks, because it is counting the spans of each key that
	// takes the time.
	keys, stats, err := exec.Keys(q.Context(), snap, exec.KeyQuery{Scope: scan.ScopeSpan, Limit: a.Limits.Names}, a.Limits)
	if err != nil {
		return nil, err
	}
	a.note(q, stats)
	for rank, key := range zipkinjson.RemoteKeys {
		if slices.ContainsFunc(keys, func(k exec.AttributeKey) bool { return k.Key == key.Name }) {
			ranks = append(ranks, rank)
		}
	}
	return ranks, nil
}

// remotes are the names that the spans which satisfy base have in one of the
// ranks. All ranks are asked for at once, because it is the spans that cost
// something; where that makes more groups than a query may have, as of
// addresses that come and go, the first rank is asked for alone, and the others
// of the spans that lack it.
func (a *api) remotes(q *request, snap scan.Snapshot, base traceql.Expr, ranks []int) (names []string, err error) {
	if len(ranks) == 0 {
		return nil, nil
	}
	by := make([]traceql.Field, len(ranks))
	for i, rank := range ranks {
		by[i] = remoteField(rank)
	}
	var recent plan.Search
	a.recent(&recent)
	res, err := exec.Metrics(q.Context(), snap, &exec.MetricsQuery{
		Expr:  &traceql.Metrics{Spans: traceql.FilterQuery(base).Spans, Func: traceql.CountOverTime, By: by},
		Start: recent.Start, End: recent.End,
	}, a.Limits)
	if err != nil {
		return nil, err
	}
	if len(ranks) > 1 && len(res.Series) >= a.Limits.Series {
		first, err := a.remotes(q, snap, base, ranks[:1])
		if err != nil {
			return nil, err
		}
		others, err := a.remotes(q, snap, cond.Join(traceql.And, base, lacking(ranks[0])), ranks[1:])
		return append(first, others...), err
	}
	a.note(q, res.Stats)
	for _, s := range res.Series {
		if name := remoteName(ranks, s.Labels); name != "" {
			names = append(names, name)
		}
	}
	return names, nil
}

// remoteName is the name in the first of the ranks that is there, "" where that
// is an address or none is.
func remoteName(ranks []int, values []exec.Label) string {
	for i, rank := range ranks {
		if v := values[i].Value; v.Present {
			if text := plain.AppendText(nil, v.Value); len(text) > 0 {
				return zipkinjson.NameOf(rank, text)
			}
		}
	}
	return ""
}
