package storage

import (
	"bytes"
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/kiseki-dev/kiseki/storage/scan"
	"github.com/kiseki-dev/kiseki/telemetry"
)

// Deletion
//
// [Store.Delete] takes whole traces out of the data that is there when it is
// called. Spans of the same traces that come later are new data.
//
//   - If the head has spans of them it is flushed, and its log files go with
//     it. So only segments are left to consider.
//   - The traces and the segments that have them are written to a file of the
//     folder deletions, durably. It is the promise: from here on a restart
//     hides the traces again.
//   - Those segments are replaced, for snapshots to come, by what is left of
//     them (delete_view.go). Now Delete returns.
//   - Some time later the segments are rewritten without the traces (erase.go).
//     Whatever else rewrites a segment leaves them out too.
//   - When all those segments are gone from the disk, the audit log says so
//     and the file of the deletion is deleted.
//
// A deletion names segments by their numbers, and numbers are never used
// twice, so it can not touch what was stored after it.

// DeletionRequest says what to delete and what to remember of it. The store
// keeps Kind, What and Who as they are, for ever: they must not contain what
// is being erased.
type DeletionRequest struct {
	Traces []telemetry.TraceID
	Kind   string // how the traces were chosen: "traces", "query", "attribute"
	What   string // by which trace IDs, query or attribute; values as hashes
	Who    string // who asked
}

// The states of a deletion: hidden from all answers but still on disk, gone
// from disk, and lost: the file that held its traces was damaged, so that it
// must be asked for again.
const (
	DeletionPending = "pending"
	DeletionErased  = "erased"
	DeletionLost    = "lost"
)

// Deletion is what is remembered of a deletion.
type Deletion struct {
	ID        uint64
	Requested time.Time
	Kind      string
	What      string
	Who       string
	Traces    int // how many had spans
	Spans     uint64
	State     string
	Erased    time.Time // where State is DeletionErased
	// Of a pending one: when rewriting begins, at the latest; how many segments
	// had its traces, and how many of those are rewritten without them.
	Due                 time.Time
	Segments, Rewritten int
}

// knownDeletion is a deletion as the store knows it.
type knownDeletion struct {
	Deletion          // without what described adds
	segments []uint64 // of a pending one: those that had its traces
}

// pendingDeletion is a deletion whose traces are still in files.
type pendingDeletion struct {
	Deletion
	segments []uint64            // those that had its traces
	below    uint64              // the number the next segment was to get; 0: not known
	traces   []telemetry.TraceID // sorted
	audited  bool                // the audit log has it
}

// maxDeletions is how many past deletions are listed; the audit log has all.
const maxDeletions = 1000

// hit is a segment with traces to delete.
type hit struct {
	ref    *segmentRef
	traces map[telemetry.TraceID]struct{}
	spans  uint64
	view   *without // with these hidden, and those that were before
}

// Delete deletes the given traces from what is stored now: when it returns
// they are in no snapshot taken from then on, also after a restart. They are
// gone from the disk after Options.EraseAfter and the time it takes to rewrite
// the segments that have them.
func (s *Store) Delete(ctx context.Context, req DeletionRequest) (Deletion, error) {
	s.maintenance.Lock()
	defer s.maintenance.Unlock()
	if s.isClosed() {
		return Deletion{}, ErrClosed
	}
	d, err := s.delete(ctx, req)
	if err != nil {
		return Deletion{}, fmt.Errorf("delete traces: %w", err)
	}
	return d, nil
}

// delete does what Delete says; maintenance is held.
func (s *Store) delete(ctx context.Context, req DeletionRequest) (Deletion, error) {
	ids := slices.Clone(req.Traces)
	slices.SortFunc(ids, func(a, b telemetry.TraceID) int { return bytes.Compare(a[:], b[:]) })
	ids = slices.Compact(ids)
	if err := s.flushTraces(ctx, ids); err != nil {
		return Deletion{}, err
	}
	hits, err := s.locate(ctx, ids)
	if err != nil {
		return Deletion{}, err
	}
	p := &pendingDeletion{Deletion: Deletion{
		ID: s.nextDeletion, Requested: s.opts.Clock().UTC(), Kind: req.Kind, What: req.What, Who: req.Who, State: DeletionPending,
	}, below: s.nextSegment}
	found := map[telemetry.TraceID]struct{}{}
	for _, h := range hits {
		p.segments = append(p.segments, h.ref.entry.Number)
		p.Spans += h.spans
		for id := range h.traces {
			found[id] = struct{}{}
		}
	}
	for _, id := range ids {
		if _, ok := found[id]; ok {
			p.traces = append(p.traces, id)
		}
	}
	p.Traces = len(p.traces)
	if len(hits) > 0 {
		if err := s.writeDeletion(p); err != nil {
			return Deletion{}, err
		}
	}
	s.nextDeletion++
	s.noteDeletion(p.Deletion, ids)
	s.mu.Lock()
	for _, h := range hits {
		h.ref.hidden = h.view
	}
	known := knownDeletion{p.Deletion, p.segments}
	s.mu.deletions = append(s.mu.deletions, known)
	s.mu.deletions = s.mu.deletions[max(0, len(s.mu.deletions)-maxDeletions):]
	now := s.described(known)
	s.mu.Unlock()
	if len(hits) > 0 {
		s.pendingDeletions = append(s.pendingDeletions, p)
		return now, s.auditDeleted(p)
	}
	if _, err := s.finishDeletion(p); err != nil { // there is nothing to erase
		return Deletion{}, err
	}
	p.State, p.Erased = DeletionErased, p.Requested
	return p.Deletion, nil
}

// flushTraces moves what the head has of the traces to segments; maintenance
// is held.
func (s *Store) flushTraces(ctx context.Context, ids []telemetry.TraceID) error {
	s.mu.Lock()
	heads := []*generation{s.mu.active}
	if s.mu.frozen != nil { // is flushed first
		heads = []*generation{s.mu.frozen, s.mu.active}
	}
	s.mu.Unlock()
	flushes := 0
	for i, g := range heads {
		here, err := hasAny(g.head.source(), ids)
		if err != nil {
			return err
		}
		if here {
			flushes = i + 1
		}
	}
	for range flushes {
		if err := s.flush(ctx); err != nil {
			return err
		}
	}
	return nil
}

// hasAny reports whether src has spans of any of the traces.
func hasAny(src scan.Source, ids []telemetry.TraceID) (found bool, err error) {
	for _, id := range ids {
		err := src.Find(id, func(scan.Block, int, int) error {
			found = true
			return nil
		})
		if err != nil || found {
			return found, err
		}
	}
	return false, nil
}

// locate finds the segments that have some of the traces, and prepares what
// readers shall see of them; maintenance is held.
func (s *Store) locate(ctx context.Context, ids []telemetry.TraceID) (hits []hit, err error) {
	s.mu.Lock()
	refs := s.mu.segments
	s.mu.Unlock()
	wanted := make(map[telemetry.TraceID]struct{}, len(ids))
	for _, id := range ids {
		wanted[id] = struct{}{}
	}
	for _, ref := range refs {
		if err := ctx.Err(); err != nil {
			return nil, err
		}
		h := hit{ref: ref, traces: map[telemetry.TraceID]struct{}{}}
		if len(ids) < ref.reader.Traces()/lookupCost {
			err = h.lookUp(ids)
		} else {
			err = h.walk(wanted)
		}
		if err != nil {
			return nil, err
		}
		if len(h.traces) == 0 {
			continue
		}
		if h.view, err = newWithout(ref.reader, union(h.traces, ref.hidden)); err != nil {
			return nil, err
		}
		hits = append(hits, h)
	}
	return hits, nil
}

// lookupCost is about how many traces of a segment can be walked over in the
// time that one is looked up in its index.
const lookupCost = 8

func (h *hit) lookUp(ids []telemetry.TraceID) error {
	for _, id := range ids {
		err := h.ref.source().Find(id, func(_ scan.Block, lo, hi int) error {
			h.traces[id] = struct{}{}
			h.spans += uint64(hi - lo)
			return nil
		})
		if err != nil {
			return err
		}
	}
	return nil
}

func (h *hit) walk(wanted map[telemetry.TraceID]struct{}) error {
	for _, b := range h.ref.source().Blocks() {
		for row := 0; row < b.Len(); {
			t, err := b.Trace(row)
			if err != nil {
				return err
			}
			if _, ok := wanted[t.ID]; ok {
				h.traces[t.ID] = struct{}{}
				h.spans += uint64(t.Hi - t.Lo)
			}
			row = t.Hi
		}
	}
	return nil
}

// union is the traces of both.
func union(traces map[telemetry.TraceID]struct{}, hidden *without) map[telemetry.TraceID]struct{} {
	if hidden == nil {
		return traces
	}
	out := make(map[telemetry.TraceID]struct{}, len(traces)+len(hidden.gone))
	for _, set := range []map[telemetry.TraceID]struct{}{traces, hidden.gone} {
		for id := range set {
			out[id] = struct{}{}
		}
	}
	return out
}

// Deletions are the latest deletions, the newest first.
func (s *Store) Deletions() []Deletion {
	s.mu.Lock()
	defer s.mu.Unlock()
	out := make([]Deletion, 0, len(s.mu.deletions))
	for _, d := range slices.Backward(s.mu.deletions) {
		out = append(out, s.described(d))
	}
	return out
}

// described is a deletion with what is left to do for it; mu is held.
func (s *Store) described(d knownDeletion) Deletion {
	if d.State != DeletionPending {
		return d.Deletion
	}
	d.Due, d.Segments, d.Rewritten = d.Requested.Add(s.opts.EraseAfter), len(d.segments), len(d.segments)
	for _, ref := range s.mu.segments {
		if slices.Contains(d.segments, ref.entry.Number) {
			d.Rewritten--
		}
	}
	return d.Deletion
}

// setDeletion changes what Deletions says of one.
func (s *Store) setDeletion(id uint64, change func(*knownDeletion)) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for i := range s.mu.deletions {
		if s.mu.deletions[i].ID == id {
			change(&s.mu.deletions[i])
		}
	}
}
