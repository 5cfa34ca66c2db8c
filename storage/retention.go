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
	if err := s.forgetLost(s.cutoff()); err != nil || len(expired) == 0 {
		return err
	}
	spans := uint64(0)
	for _, e := range s.manifest.Segments {
		if expired[e.Number] {
			spans += e.Spans
		}
	}
	if err := s.exchange(expired, nil); err != nil {
		return fmt.Errorf("apply retention: %w", err)
	}
	s.counts.retained.Add(uint64(len(expired)))
	s.counts.retainedSpans.Add(spans)
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
	cutoff := s.cutoff()
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

// cutoff is the time before which spans are too old; 0 for never.
func (s *Store) cutoff() uint64 {
	longest := s.opts.Retention.longest()
	if longest <= 0 {
		return 0
	}
	return unixNanos(s.opts.Clock().Add(-longest))
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
