package storage

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/kiseki-dev/kiseki/storage/segment"
)

// Compaction merges segments that are close in time, so that there are few,
// that a trace lies in one place, and that a segment has one day's traces.
//
// Goals: a span is written at most three times, by its flush and by two
// compactions; ingest never waits for compaction; segments that are large and
// overlap no other are left alone.
//
// A segment has a level, the number of compactions of its spans. Level 0 is
// merged by the hour to level 1: in an hour that goes on, fanIn segments at a
// time; in one that is over and quiet, what is left. Levels 0 and 1 are merged
// by the day to level 2: in a day that goes on, as soon as there is enough for
// a large segment; in one that is over and quiet, what is left. Level 2 stays.
// Hours and days are UTC, those of the segment's latest trace start, or of its
// flush where a client's clock runs ahead.
//
// Rejected: levels by size alone, as log-structured stores have. They mix days,
// which whole-segment retention and searches by time then pay for.
const (
	// compactEvery is how often the store looks for segments to rewrite.
	compactEvery = 30 * time.Second
	// compactAgain is how soon it does after a failure.
	compactAgain = 5 * time.Minute

	// fanIn bounds the segments that a snapshot has to look into for recent
	// traces. 16 flushes of 64 MiB are about 2 million spans.
	fanIn = 16
	// fewSegments of an hour wait for the day: merging them does not pay.
	fewSegments = 4
	// quiet is how long nothing must have come in a window that is over: late
	// spans come within minutes, or much later.
	quiet = 10 * time.Minute
	// maxInputs bounds the open files of a compaction.
	maxInputs = 64
	// maxTraces bounds its memory: 40 bytes each.
	maxTraces = 1 << 20
)

// keepCompact thins and compacts until ctx is done. It is the goroutine that
// handles the errors of both.
func (s *Store) keepCompact(ctx context.Context) {
	ticker := time.NewTicker(compactEvery)
	defer ticker.Stop()
	var failed time.Time
	for {
		select {
		case <-ctx.Done():
			return
		case <-ticker.C:
		}
		if !failed.IsZero() && time.Since(failed) < compactAgain {
			continue
		}
		failed = time.Time{}
		if err := errors.Join(s.thin(ctx), s.compact(ctx)); err != nil && ctx.Err() == nil {
			failed = time.Now()
			s.complain("segments could not be rewritten, will be tried again", err)
		}
	}
}

// compact merges segments until there are none left to merge.
func (s *Store) compact(ctx context.Context) error {
	// Traces too large to be joined keep their segments apart, until the
	// next call.
	apart := map[uint64]bool{}
	for {
		inputs, level := pickCompaction(s.candidates(apart), unixNanos(s.opts.Clock()), s.opts.rewrite)
		if len(inputs) == 0 {
			return nil
		}
		if err := s.roomFor(inputs); err != nil {
			return fmt.Errorf("compact: %w", err)
		}
		job := rewriteJob{reason: rewriteCompaction, level: level}
		for _, c := range inputs {
			job.inputs = append(job.inputs, c.Number)
		}
		res, err := s.rewrite(ctx, job)
		var large *tooLargeError
		switch {
		case errors.Is(err, errSuperseded):
		case errors.As(err, &large):
			for _, n := range large.segments {
				apart[n] = true
			}
		case err != nil:
			return fmt.Errorf("compact: %w", err)
		default:
			s.opts.Logger.Debug("segments compacted", "from", job.inputs, "to", res.outputs, "level", level,
				"bytesRead", res.bytesRead, "bytesWritten", res.bytesWritten, "copies", res.copies)
		}
	}
}

// roomFor refuses a rewrite that would take the space that appends need.
func (s *Store) roomFor(inputs []compactable) error {
	disk, err := s.Disk()
	if err != nil {
		return err
	}
	need := disk.Reserved
	for _, c := range inputs {
		need += uint64(c.Bytes)
	}
	if disk.Free < need {
		return fmt.Errorf("%w: %d MiB free, %d MiB are needed", errDiskFull, disk.Free>>20, need>>20)
	}
	return nil
}

// compactable is a segment as compaction sees it.
type compactable struct {
	segmentEntry
	traces int
}

// home is the moment whose windows a segment belongs to.
func (c compactable) home() uint64 {
	if c.Written > 0 {
		return min(c.MaxStart, c.Written)
	}
	return c.MaxStart
}

// candidates are the segments that may be compacted, by home.
func (s *Store) candidates(apart map[uint64]bool) (out []compactable) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, ref := range s.mu.segments {
		if ref.entry.Level < 2 && !apart[ref.entry.Number] && !ref.damaged.Load() {
			out = append(out, compactable{ref.entry, ref.reader.Traces()})
		}
	}
	slices.SortFunc(out, func(a, b compactable) int {
		return cmp.Or(cmp.Compare(a.home(), b.home()), cmp.Compare(a.Number, b.Number))
	})
	return out
}

// pickCompaction chooses what to merge next, hours before days and old before
// new, and the level it gets; nothing if there is nothing to do. The
// candidates are sorted by home.
func pickCompaction(all []compactable, now uint64, limits rewriteLimits) (inputs []compactable, level int) {
	flushed := slices.DeleteFunc(slices.Clone(all), func(c compactable) bool { return c.Level > 0 })
	for _, group := range windows(flushed, uint64(time.Hour)) {
		least := fanIn
		if settled(group, uint64(time.Hour), now) {
			least = fewSegments
		}
		if chunk := firstChunk(group, limits); len(chunk) >= least || len(chunk) > 1 && len(chunk) < len(group) {
			return chunk, 1
		}
	}
	for _, group := range windows(all, day) {
		over := settled(group, day, now)
		if !over {
			group = slices.DeleteFunc(group, func(c compactable) bool { return c.Level == 0 })
		}
		group = slices.DeleteFunc(group, func(c compactable) bool { return c.large(limits) && !c.overlaps(group) })
		chunk := firstChunk(group, limits)
		if len(chunk) > 1 && (over || spansOf(chunk) >= limits.segmentSpans) {
			return chunk, 2
		}
	}
	return nil, 0
}

// backlog is how many segments could be merged now, whatever disk space says.
func (s *Store) backlog() (n int) {
	all := s.candidates(nil)
	now := unixNanos(s.opts.Clock())
	for {
		inputs, _ := pickCompaction(all, now, s.opts.rewrite)
		if len(inputs) == 0 {
			return n
		}
		n += len(inputs)
		all = slices.DeleteFunc(all, func(c compactable) bool {
			return slices.ContainsFunc(inputs, func(i compactable) bool { return i.Number == c.Number })
		})
	}
}

// windows cuts candidates into those of one window each.
func windows(sorted []compactable, window uint64) (out [][]compactable) {
	for len(sorted) > 0 {
		n := 1
		for n < len(sorted) && sorted[n].home()/window == sorted[0].home()/window {
			n++
		}
		out = append(out, slices.Clone(sorted[:n]))
		sorted = sorted[n:]
	}
	return out
}

// settled reports whether a window is over and nothing came in lately.
func settled(group []compactable, window, now uint64) bool {
	const pause = uint64(quiet)
	end := (group[0].home()/window + 1) * window
	return now >= end+pause && !slices.ContainsFunc(group, func(c compactable) bool { return c.Written+pause > now })
}

// firstChunk are the first two or more neighbours that a rewrite can take
// together.
func firstChunk(group []compactable, limits rewriteLimits) []compactable {
	for ; len(group) > 1; group = group[1:] {
		n, spans, traces := 0, uint64(0), 0
		for n < min(len(group), maxInputs) && spans < limits.segmentSpans {
			spans, traces = spans+group[n].Spans, traces+group[n].traces
			if n > 0 && (spans > 2*limits.segmentSpans || traces > maxTraces) {
				break
			}
			n++
		}
		if n > 1 {
			return group[:n]
		}
	}
	return nil
}

func spansOf(group []compactable) (n uint64) {
	for _, c := range group {
		n += c.Spans
	}
	return n
}

func (c compactable) large(limits rewriteLimits) bool { return c.Spans >= limits.segmentSpans/2 }

// overlaps reports whether another of the group has spans of the same time.
func (c compactable) overlaps(group []compactable) bool {
	return slices.ContainsFunc(group, func(o compactable) bool {
		return o.Number != c.Number && o.MinStart <= c.MaxStart && c.MinStart <= o.MaxStart
	})
}

// yield returns at once, or where appends wait for a flush when they do not
// any more: that flush needs the processor and the disk more than a rewrite.
func (s *Store) yield(ctx context.Context) error {
	for {
		if ctx.Err() != nil {
			return context.Cause(ctx)
		}
		s.mu.Lock()
		waiting := s.mu.frozen != nil && s.mu.flushError == nil && s.mu.active.head.bytes() >= s.flushBytes.Load()
		changed := s.mu.changed
		s.mu.Unlock()
		if !waiting {
			return nil
		}
		select {
		case <-changed:
		case <-ctx.Done():
		}
	}
}

// noteDamage has a segment salvaged in which a rewrite found damage.
func (s *Store) noteDamage(refs []*segmentRef, err error) {
	var corrupt *segment.CorruptError
	if !errors.As(err, &corrupt) {
		return
	}
	for _, ref := range refs {
		if ref.path == corrupt.Path && !ref.damaged.Swap(true) {
			s.opts.Logger.Error("segment is damaged; what can be read of it will be kept", "error", corrupt)
			s.wake()
		}
	}
}
