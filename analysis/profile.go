package analysis

import (
	"cmp"
	"context"
	"fmt"
	"slices"

	"github.com/kiseki-dev/kiseki/query/exec"
	"github.com/kiseki-dev/kiseki/query/plan"
	"github.com/kiseki-dev/kiseki/storage/scan"
	"github.com/kiseki-dev/kiseki/telemetry"
)

// ProfileTraces is how many traces a profile reads at most. Where there are
// more, they are sampled evenly in time, and the profile says so.
const ProfileTraces = 20_000

// Operation is something a service does.
type Operation struct {
	Service, Name string
	Kind          telemetry.Kind
}

func operationOf(s *exec.TraceSpan) Operation { return Operation{s.Service, s.Name, s.Kind} }

func compareOperations(a, b Operation) int {
	return cmp.Or(cmp.Compare(a.Service, b.Service), cmp.Compare(a.Name, b.Name), cmp.Compare(a.Kind, b.Kind))
}

// Sample says which of the traces with a result an answer rests on.
type Sample struct {
	Traces uint64 // how many were read
	Every  uint64 // one of every so many was, in the order of their starts; 1: all
}

// PathProfile says where the end-to-end time of traces goes: that of their
// roots, by what of it is on the critical path, see [CriticalPath]. Times and
// spans are of as many traces as a root was sampled of.
type PathProfile struct {
	Sample
	Time       uint64      // nanoseconds: the sum of all roots' durations, and of all shares
	Operations []PathShare // the most time first
	Stats      exec.Stats
}

// PathShare is an operation's part of the critical paths.
type PathShare struct {
	Operation
	Time   uint64 // nanoseconds that its spans themselves took, without those below them
	Traces uint64 // on whose path it is, as they are stored
	Spans  uint64 // on the paths
}

// CriticalPaths adds up the critical paths of the traces that q has a result
// in.
func CriticalPaths(ctx context.Context, snap scan.Snapshot, q *plan.Search, limits exec.Limits) (*PathProfile, error) {
	begin := func() *pathSum { return &pathSum{most: limits.Groups, shares: map[Operation]*PathShare{}} }
	sums, every, stats, err := exec.SampleTraces(ctx, snap, q, ProfileTraces, limits, begin, (*pathSum).add)
	if err != nil {
		return nil, fmt.Errorf("add up critical paths: %w", err)
	}
	out := &PathProfile{Sample: Sample{Every: every}, Stats: stats}
	sum := begin()
	for _, s := range sums {
		out.Traces += s.traces
		out.Time += s.time
		sum.full = sum.full || s.full
		for _, x := range s.shares {
			if to := sum.share(x.Operation); to != nil {
				to.Time += x.Time
				to.Traces += x.Traces
				to.Spans += x.Spans
			}
		}
	}
	if sum.full {
		out.Stats.Limit(fmt.Sprintf("there are more than %d operations", limits.Groups))
	}
	for _, x := range sum.shares {
		out.Operations = append(out.Operations, *x)
	}
	slices.SortFunc(out.Operations, func(a, b PathShare) int {
		return cmp.Or(cmp.Compare(b.Time, a.Time), compareOperations(a.Operation, b.Operation))
	})
	return out, nil
}

// pathSum adds up critical paths. It belongs to one goroutine.
type pathSum struct {
	most         int
	full         bool
	traces, time uint64
	shares       map[Operation]*PathShare
	spans        map[int32]struct{} // of the trace at hand, on its path
	operations   map[Operation]struct{}
}

// share is nil beyond the limit.
func (s *pathSum) share(o Operation) *PathShare {
	x := s.shares[o]
	if x == nil {
		if len(s.shares) >= s.most {
			s.full = true
			return nil
		}
		x = &PathShare{Operation: o}
		s.shares[o] = x
	}
	return x
}

func (s *pathSum) add(t *exec.WholeTrace) error {
	if s.spans == nil {
		s.spans, s.operations = map[int32]struct{}{}, map[Operation]struct{}{}
	}
	clear(s.spans)
	clear(s.operations)
	s.traces++
	weight := t.Weight()
	for _, part := range CriticalPath(t.Spans, t.Parent, t.Order) {
		time := weight * (part.End - part.Start)
		s.time += time
		o := operationOf(&t.Spans[part.Span])
		x := s.share(o)
		if x == nil {
			continue
		}
		x.Time += time
		if _, known := s.spans[part.Span]; !known {
			s.spans[part.Span] = struct{}{}
			x.Spans += weight
		}
		if _, known := s.operations[o]; !known {
			s.operations[o] = struct{}{}
			x.Traces++
		}
	}
	return nil
}
