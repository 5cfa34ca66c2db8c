package jaeger

import (
	"cmp"
	"slices"

	"github.com/kiseki-dev/kiseki/query/exec"
	"github.com/kiseki-dev/kiseki/storage/scan"
	"github.com/kiseki-dev/kiseki/telemetry"
	"github.com/kiseki-dev/kiseki/telemetry/jaegerspan"
)

// services are the names of the services, in order.
func (q *query) services(snap scan.Snapshot) ([]string, error) {
	found, stats, err := exec.Services(q.ctx, snap, q.o.Limits)
	if err != nil {
		return nil, err
	}
	q.note(stats, q.tell)
	names := make([]string, len(found))
	for i, s := range found {
		names[i] = jaegerspan.ServiceName(s.Name)
	}
	slices.Sort(names)
	return slices.Compact(names), nil
}

// operation is what a service does.
type operation struct{ name, kind string }

// operations are those of a service, by name and kind. kind is one of
// telemetry's, in Jaeger's spelling; "" means all.
func (q *query) operations(snap scan.Snapshot, service, kind string) ([]operation, error) {
	stored := service
	if service == jaegerspan.NoService {
		stored = ""
	}
	found, stats, err := exec.Operations(q.ctx, snap, &stored, q.o.Limits)
	if err != nil {
		return nil, err
	}
	q.note(stats, q.tell)
	ops := []operation{}
	for _, op := range found {
		if o := (operation{op.Name, kindName(op.Kind)}); kind == "" || o.kind == kind {
			ops = append(ops, o)
		}
	}
	slices.SortFunc(ops, func(a, b operation) int { return cmp.Or(cmp.Compare(a.name, b.name), cmp.Compare(a.kind, b.kind)) })
	return slices.Compact(ops), nil
}

// kindName is a kind of an operation. As to Jaeger a span that does not say
// is internal.
func kindName(k telemetry.Kind) string {
	if k == telemetry.KindUnspecified {
		k = telemetry.KindInternal
	}
	return k.String()
}

// byName is the services of a trace in the order of their names.
func byName(all []exec.ServiceCount) []exec.ServiceCount {
	return slices.SortedFunc(slices.Values(all), func(a, b exec.ServiceCount) int { return cmp.Compare(a.Name, b.Name) })
}
