package zipkin

import (
	"net/netip"
	"slices"
	"strconv"

	"github.com/kiseki-dev/kiseki/api/cond"
	"github.com/kiseki-dev/kiseki/query/exec"
	"github.com/kiseki-dev/kiseki/query/plan"
	"github.com/kiseki-dev/kiseki/query/traceql"
	"github.com/kiseki-dev/kiseki/storage/scan"
	"github.com/kiseki-dev/kiseki/telemetry"
	"github.com/kiseki-dev/kiseki/telemetry/plain"
)

// remoteKeys are the attributes that name the other side of a span of kind
// client or producer. The first that is there does, as
// https://opentelemetry.io/docs/specs/otel/trace/sdk_exporters/zipkin/#remote-endpoint
// ranks them.
var remoteKeys = []struct{ name, port string }{
	{"peer.service", ""},
	{"server.address", ""},
	{"net.peer.name", ""},
	{"network.peer.address", "network.peer.port"},
	{"server.socket.domain", ""},
	{"server.socket.address", "server.socket.port"},
	{"net.sock.peer.name", ""},
	{"net.sock.peer.addr", "net.sock.peer.port"},
	{"peer.hostname", ""},
	{"peer.address", ""},
	{"db.name", ""},
}

// calls reports whether a span has another side that it names.
func calls(k telemetry.Kind) bool { return k == telemetry.KindClient || k == telemetry.KindProducer }

// calling holds for spans of which calls is true.
func calling() traceql.Expr {
	return cond.Join(traceql.Or, cond.Kind(telemetry.KindClient), cond.Kind(telemetry.KindProducer))
}

func remoteField(rank int) traceql.Field {
	return cond.Attribute(scan.ScopeSpan, remoteKeys[rank].name)
}

// callOf holds for spans whose remote endpoint has that name.
func callOf(name string) traceql.Expr {
	var any traceql.Expr
	for rank, key := range slices.Backward(remoteKeys) {
		if _, err := netip.ParseAddr(name); err == nil && key.name != remoteKeys[0].name {
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
		var names []string
		base := cond.Join(traceql.And, ofService(service), calling())
		for _, rank := range ranks {
			found, err := a.remotes(q, snap, base, rank)
			if err != nil {
				return err
			}
			names = append(names, found...)
			base = cond.Join(traceql.And, base, lacking(rank))
		}
		q.body = appendNames(q.body, names)
		return nil
	})
}

// remoteRanks are the ranks whose attribute any span has. To ask for the others
// would read all spans again for each of them.
func (a *api) remoteRanks(q *request, snap scan.Snapshot) (ranks []int, err error) {
	for rank, key := range remoteKeys {
		found, stats, err := exec.Keys(q.Context(), snap, exec.KeyQuery{Scope: scan.ScopeSpan, Prefix: key.name, Limit: maxNames}, a.Limits)
		if err != nil {
			return nil, err
		}
		a.note(q, stats)
		if slices.ContainsFunc(found, func(k exec.AttributeKey) bool { return k.Key == key.name }) {
			ranks = append(ranks, rank)
		}
	}
	return ranks, nil
}

// remotes are the names of one rank among the spans that satisfy base.
func (a *api) remotes(q *request, snap scan.Snapshot, base traceql.Expr, rank int) (names []string, err error) {
	f := remoteField(rank)
	var recent plan.Search
	a.recent(&recent)
	res, err := exec.Aggregate(q.Context(), snap, &exec.Aggregation{
		Filter: plan.Filter(cond.Join(traceql.And, base, cond.Has(f))), Start: recent.Start, End: recent.End,
		By: []scan.Field{f.Field}, Limit: maxNames,
	}, a.Limits)
	if err != nil {
		return nil, err
	}
	a.note(q, res.Stats)
	for _, g := range res.Groups {
		if e := endpointOf(rank, plain.AppendText(nil, g.Values[0].Value)); e.name != "" {
			names = append(names, e.name)
		}
	}
	return names, nil
}

// endpoint is Zipkin's, of the other side of a call: an address or a name.
type endpoint struct {
	name    string
	address netip.Addr
	port    uint16
}

// endpointOf reads the text of an attribute.
func endpointOf(rank int, text []byte) (e endpoint) {
	addr, err := netip.ParseAddr(string(text))
	if err != nil || rank == 0 {
		e.name = string(text)
	} else {
		e.address = addr.Unmap().WithZone("")
	}
	return e
}

// remoteOf is the remote endpoint of a span, zero where nothing names it.
func remoteOf(b *telemetry.Batch, s *telemetry.Span) (e endpoint) {
	if !calls(s.Kind) {
		return e
	}
	for rank, key := range remoteKeys {
		v, ok := b.Lookup(s.Attrs, key.name)
		if !ok {
			continue
		}
		text := plain.AppendText(nil, v)
		if len(text) == 0 {
			continue
		}
		e = endpointOf(rank, text)
		if v, ok := b.Lookup(s.Attrs, key.port); ok && key.port != "" {
			if n, err := strconv.ParseUint(string(plain.AppendText(nil, v)), 10, 16); err == nil {
				e.port = uint16(n)
			}
		}
		break
	}
	return e
}
