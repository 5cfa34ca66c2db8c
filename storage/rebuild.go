package storage

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/kiseki-dev/kiseki/storage/scan"
	"github.com/kiseki-dev/kiseki/telemetry"
)

// Without a manifest all segments and logs in the folder are taken to belong
// to the store. A crash in the middle of a step leaves both what it read and
// what it wrote: a log and the segment it was flushed to, or the inputs and
// the outputs of a rewrite. Their spans would be there twice, so before the
// store is opened such segments are merged, which keeps equal spans once.
//
// It takes a look at the trace IDs of every two segments of overlapping times,
// a fraction of a second each. Memory: the trace IDs of one segment.

// rebuildRounds bounds how often what was merged is looked at again, where
// more segments share spans than are merged at a time.
const rebuildRounds = 100

// finishRebuild merges segments that share spans, if the manifest says that it
// may be so. It is done before anything else uses the store. What keeps it from
// being done, a damaged segment or a full disk, does not keep the store from
// serving: the next start tries again.
func (s *Store) finishRebuild(ctx context.Context) {
	if !s.manifest.Rebuilt {
		return
	}
	if err := s.dropCopies(ctx); err != nil {
		s.opts.Logger.Error("the list of segments was made anew, and some spans may be shown twice until the next start", "error", err)
	}
}

func (s *Store) dropCopies(ctx context.Context) error {
	s.maintenance.Lock()
	var err error
	for s.pending() && err == nil {
		err = s.flush(ctx)
	}
	s.maintenance.Unlock()
	for round := 0; err == nil && round < rebuildRounds; round++ {
		var again bool
		if again, err = s.mergeCopies(ctx); !again {
			break
		}
	}
	if err != nil {
		return fmt.Errorf("drop what is there twice: %w", err)
	}
	s.maintenance.Lock()
	defer s.maintenance.Unlock()
	next := s.manifest
	next.Rebuilt = false
	if err := writeManifest(s.fs, s.dir, next); err != nil {
		return err
	}
	s.manifest = next
	return nil
}

// mergeCopies merges the segments that share spans. It reports whether there
// may be more.
func (s *Store) mergeCopies(ctx context.Context) (again bool, err error) {
	groups, damage := s.sharing(ctx)
	for _, group := range groups {
		job := rewriteJob{reason: rewriteCompaction, inputs: group[:min(len(group), maxInputs)]}
		res, err := s.rewrite(ctx, job)
		if _, large := errors.AsType[*tooLargeError](err); large {
			s.opts.Logger.Warn("spans may be there twice: a trace is too large for its segments to be merged", "error", err)
			continue
		}
		if err != nil {
			damage = errors.Join(damage, err)
			continue
		}
		s.opts.Logger.Info("segments that shared spans merged", "from", job.inputs, "to", res.outputs, "copies", res.copies)
		again = again || res.copies > 0
	}
	return again && damage == nil, damage
}

// sharing are groups of segments of which each shares a span with another of
// its group. A span is told by its ID, its trace and its start. What can not be
// read is left out, and told.
func (s *Store) sharing(ctx context.Context) (groups [][]uint64, damage error) {
	refs := slices.Clone(s.mu.segments)
	group := make([]int, len(refs)) // of each segment; the number of its first one
	for i, ref := range refs {
		group[i] = i
		var ids map[telemetry.TraceID]struct{}
		for j, other := range refs[:i] {
			apart := ref.entry.MaxStart < other.entry.MinStart || other.entry.MaxStart < ref.entry.MinStart
			if apart || group[i] == group[j] {
				continue
			}
			err := ctx.Err()
			if err == nil && ids == nil {
				ids, err = traceIDs(ref.reader)
			}
			if err != nil {
				damage = errors.Join(damage, err)
				break
			}
			shared, err := shareSpan(ids, ref.reader, other.reader)
			damage = errors.Join(damage, err)
			if shared {
				from, to := max(group[i], group[j]), min(group[i], group[j])
				for k := range group[:i+1] {
					if group[k] == from {
						group[k] = to
					}
				}
			}
		}
	}
	byFirst := map[int][]uint64{}
	for i, ref := range refs {
		byFirst[group[i]] = append(byFirst[group[i]], ref.entry.Number)
	}
	for i := range refs {
		if len(byFirst[i]) > 1 {
			groups = append(groups, byFirst[i])
		}
	}
	return groups, damage
}

func traceIDs(src scan.Source) (map[telemetry.TraceID]struct{}, error) {
	out := map[telemetry.TraceID]struct{}{}
	err := eachTrace(src, func(id telemetry.TraceID) (bool, error) {
		out[id] = struct{}{}
		return true, nil
	})
	return out, err
}

// eachTrace calls f with the ID of each trace until it returns false.
func eachTrace(src scan.Source, f func(telemetry.TraceID) (bool, error)) error {
	for _, b := range src.Blocks() {
		for row := 0; row < b.Len(); {
			t, err := b.Trace(row)
			if err != nil {
				return err
			}
			if more, err := f(t.ID); !more || err != nil {
				return err
			}
			row = t.Hi
		}
	}
	return nil
}

// shareSpan reports whether a, whose traces are ids, and b share a span.
func shareSpan(ids map[telemetry.TraceID]struct{}, a, b scan.Source) (shared bool, err error) {
	err = eachTrace(b, func(id telemetry.TraceID) (bool, error) {
		if _, both := ids[id]; !both {
			return true, nil
		}
		first, err := spanKeys(a, id, nil)
		if err != nil {
			return false, err
		}
		_, err = spanKeys(b, id, func(s spanKey) { shared = shared || first[s] })
		return !shared, err
	})
	return shared, err
}

// spanKey tells the spans of a trace apart.
type spanKey struct {
	id    telemetry.SpanID
	start uint64
}

// spanKeys are the spans of a trace; each, if not nil, is called instead of
// collecting them.
func spanKeys(src scan.Source, id telemetry.TraceID, each func(spanKey)) (out map[spanKey]bool, err error) {
	if each == nil {
		out = map[spanKey]bool{}
		each = func(s spanKey) { out[s] = true }
	}
	var rows scan.Rows
	err = src.Find(id, func(b scan.Block, lo, hi int) error {
		if err := b.Rows(lo, hi, scan.ColSpanID|scan.ColStart, &rows); err != nil {
			return err
		}
		for i := range rows.SpanID {
			each(spanKey{rows.SpanID[i], rows.Start[i]})
		}
		return nil
	})
	return out, err
}

// rebuildManifest is a manifest of everything in the folder. What is in
// quarantine was lost of a time that nobody knows any more.
func (s *Store) rebuildManifest() error {
	s.manifest = manifest{}
	names, err := s.fs.List(s.dir.segments())
	if err != nil {
		return err
	}
	for _, name := range names {
		if number, ok := parseSegmentName(name); ok {
			s.manifest.Segments = append(s.manifest.Segments, segmentEntry{Number: number})
		}
	}
	if names, err = s.fs.List(s.dir.quarantine()); err != nil {
		return err
	}
	for _, name := range names {
		if number, ok := parseSegmentName(strings.TrimSuffix(name, salvagedSuffix)); ok {
			s.nextSegment = max(s.nextSegment, number+1)
			s.lose(segmentEntry{Number: number}, nil)
		}
	}
	s.manifest.Rebuilt = len(s.manifest.Segments) > 0
	return nil
}
