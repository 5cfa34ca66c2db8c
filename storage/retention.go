package storage

import (
	"cmp"
	"fmt"
	"slices"
)

// retain deletes the segments that retention no longer wants. Each file goes
// when the last snapshot that has it is released. maintenance is held.
func (s *Store) retain() error {
	s.retained = s.opts.Clock()
	expired := s.expired()
	if len(expired) == 0 {
		return nil
	}
	next := manifest{LogFrom: s.manifest.LogFrom}
	for _, e := range s.manifest.Segments {
		if !expired[e.Number] {
			next.Segments = append(next.Segments, e)
		}
	}
	if err := writeManifest(s.fs, s.dir, next); err != nil {
		return fmt.Errorf("apply retention: %w", err)
	}
	s.manifest = next
	var kept, gone []*segmentRef
	s.mu.Lock()
	for _, ref := range s.mu.segments {
		if expired[ref.entry.Number] {
			gone = append(gone, ref)
		} else {
			kept = append(kept, ref)
		}
	}
	s.mu.segments = kept
	s.mu.Unlock()
	for _, ref := range gone {
		ref.doomed.Store(true)
		s.counts.retained.Add(1)
		s.counts.retainedSpans.Add(ref.entry.Spans)
		if err := ref.release(); err != nil {
			return fmt.Errorf("apply retention: %w", err)
		}
	}
	return nil
}

// expired are the numbers of the segments to delete: those whose newest span
// is too old, then the oldest ones until the rest fits.
func (s *Store) expired() map[uint64]bool {
	out := map[uint64]bool{}
	byAge := slices.Clone(s.manifest.Segments)
	slices.SortFunc(byAge, func(a, b segmentEntry) int { return cmp.Compare(newest(a), newest(b)) })
	total := int64(0)
	for _, e := range byAge {
		total += e.Bytes
	}
	cutoff := uint64(0)
	if now := s.opts.Clock().Add(-s.opts.Retention.Age).UnixNano(); s.opts.Retention.Age > 0 && now > 0 {
		cutoff = uint64(now)
	}
	for _, e := range byAge {
		tooOld := newest(e) < cutoff
		tooMuch := s.opts.Retention.Bytes > 0 && total > s.opts.Retention.Bytes
		if !tooOld && !tooMuch {
			break
		}
		out[e.Number] = true
		total -= e.Bytes
	}
	return out
}

// newest is the age of a segment: spans without an end count by their start.
// No span is newer than the segment it is in, whatever the clock of the client
// that sent it said.
func newest(e segmentEntry) uint64 {
	latest := max(e.MaxStart, e.MaxEnd)
	if e.Written > 0 {
		latest = min(latest, e.Written)
	}
	return latest
}
