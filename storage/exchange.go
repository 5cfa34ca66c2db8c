package storage

import (
	"errors"
	"slices"

	"github.com/kiseki-dev/kiseki/storage/segment"
)

// nameSegment gives a finished segment file its number and makes the name
// durable; the segment is not listed yet. entry is what is known beyond info.
// After an error neither name is there. maintenance is held.
func (s *Store) nameSegment(temp string, info segment.Info, entry segmentEntry) (*segmentRef, error) {
	entry.Number = s.nextSegment
	s.nextSegment++
	entry.Spans, entry.Bytes = info.Spans, info.Bytes
	entry.MinStart, entry.MaxStart, entry.MaxEnd = info.MinStart, info.MaxStart, info.MaxEnd
	path := s.dir.segment(entry.Number)
	if err := s.fs.Rename(temp, path); err != nil {
		return nil, errors.Join(err, removeIfThere(s.fs, temp))
	}
	if err := s.fs.SyncDir(s.dir.segments()); err != nil {
		return nil, errors.Join(err, removeIfThere(s.fs, path))
	}
	reader, err := segment.Open(s.fs, path, s.cache)
	if err != nil {
		return nil, errors.Join(err, removeIfThere(s.fs, path))
	}
	return s.newRef(entry, reader), nil
}

// exchange puts segments in place of those whose numbers are in gone: durably
// in the manifest, then at one instant for snapshots. The files of those that
// are gone go when the last snapshot that has them is released. maintenance is
// held.
func (s *Store) exchange(gone map[uint64]bool, others []*segmentRef) error {
	entries := make([]segmentEntry, len(others))
	for i, ref := range others {
		entries[i] = ref.entry
	}
	next := s.manifest
	next.Segments, _ = replace(s.manifest.Segments, entries, func(e segmentEntry) bool { return gone[e.Number] })
	if err := writeManifest(s.fs, s.dir, next); err != nil {
		return err
	}
	s.manifest = next
	s.mu.Lock()
	refs, old := replace(s.mu.segments, others, func(ref *segmentRef) bool { return gone[ref.entry.Number] })
	s.mu.segments = refs
	s.mu.Unlock()
	for _, ref := range old {
		ref.doomed.Store(true)
	}
	s.releaseAll(old)
	return nil
}

// replace is a copy of list in which others stand where the first of those
// that are gone stood.
func replace[T any](list, others []T, gone func(T) bool) (out, removed []T) {
	at := slices.IndexFunc(list, gone)
	if at < 0 {
		at = len(list)
	}
	out = append(slices.Clone(list[:at]), others...)
	for _, x := range list[at:] {
		if gone(x) {
			removed = append(removed, x)
		} else {
			out = append(out, x)
		}
	}
	return out, removed
}
