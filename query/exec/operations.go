package exec

import (
	"cmp"
	"context"
	"slices"

	"github.com/kiseki-dev/kiseki/storage/scan"
)

// Operations lists what the services do, by service, name and kind. Where
// service is not nil only that service's.
func Operations(ctx context.Context, snap scan.Snapshot, service *string, limits Limits) ([]scan.Operation, Stats, error) {
	r := start(ctx, snap, limits)
	defer r.release()
	sums := map[scan.Operation]scan.Operation{} // by an Operation without counts
	for _, s := range r.sources {
		if ok, err := r.more(); err != nil {
			return nil, Stats{}, err
		} else if !ok {
			break
		}
		err := s.Operations(func(op scan.Operation) {
			if service != nil && op.Service != *service {
				return
			}
			key := scan.Operation{Service: op.Service, Name: op.Name, Kind: op.Kind}
			sum, ok := sums[key]
			if !ok && len(sums) >= limits.Names {
				r.tooMany(limits.Names, "operations")
				return
			}
			op.Spans += sum.Spans
			op.Errors += sum.Errors
			sums[key] = op
		})
		if err != nil {
			r.damaged("list operations", err)
		}
	}
	out := make([]scan.Operation, 0, len(sums))
	for _, op := range sums {
		out = append(out, op)
	}
	slices.SortFunc(out, func(a, b scan.Operation) int {
		return cmp.Or(cmp.Compare(a.Service, b.Service), cmp.Compare(a.Name, b.Name), cmp.Compare(a.Kind, b.Kind))
	})
	return out, r.finish(), nil
}

// Service is a service with its number of spans.
type Service struct {
	Name          string
	Spans, Errors uint64
}

// Services lists the services by name.
func Services(ctx context.Context, snap scan.Snapshot, limits Limits) ([]Service, Stats, error) {
	ops, stats, err := Operations(ctx, snap, nil, limits)
	out := []Service{}
	for _, op := range ops {
		if len(out) == 0 || out[len(out)-1].Name != op.Service {
			out = append(out, Service{Name: op.Service})
		}
		last := &out[len(out)-1]
		last.Spans += op.Spans
		last.Errors += op.Errors
	}
	return out, stats, err
}
