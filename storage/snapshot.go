package storage

import (
	"fmt"
	"slices"
	"sync/atomic"
	"time"

	"github.com/kiseki-dev/kiseki/storage/scan"
	"github.com/kiseki-dev/kiseki/storage/segment"
	"github.com/kiseki-dev/kiseki/storage/vfs"
)

// segmentRef is an open segment. The store holds one reference, every
// snapshot another; the last one closes the file, and deletes it if doomed.
type segmentRef struct {
	entry  segmentEntry
	reader *segment.Reader
	fs     vfs.FS
	path   string
	refs   atomic.Int64
	doomed atomic.Bool // the manifest no longer lists it
	// aside is where to move the file instead of deleting it; empty: nowhere.
	// Set before doomed.
	aside string

	// hidden is what snapshots have of the segment while it has deleted traces,
	// else nil. Changed under Store.maintenance and Store.mu.
	hidden *without

	damaged      atomic.Bool // damage was found in it; see setDamagedAside
	salvageAfter time.Time   // guarded by Store.maintenance
}

// source is the segment as readers shall see it; Store.mu or
// Store.maintenance is held.
func (r *segmentRef) source() scan.Source {
	if r.hidden != nil {
		return r.hidden
	}
	return r.reader
}

func (r *segmentRef) release() error {
	if r.refs.Add(-1) > 0 {
		return nil
	}
	if err := r.reader.Close(); err != nil {
		return fmt.Errorf("close segment: %w", err)
	}
	if !r.doomed.Load() {
		return nil
	}
	if r.aside != "" {
		return moveAside(r.fs, r.path, r.aside)
	}
	if err := r.fs.Remove(r.path); err != nil {
		return fmt.Errorf("delete segment: %w", err)
	}
	return nil
}

// snapshot implements [scan.Snapshot].
type snapshot struct {
	s        *Store
	sources  []scan.Source
	refs     []*segmentRef
	released atomic.Bool
}

// Snapshot implements [scan.Store]. It costs no I/O. Its sources are the
// active head, the frozen one, the segments from the newest to the oldest, and
// what stands for lost spans.
func (s *Store) Snapshot() scan.Snapshot {
	out := &snapshot{s: s}
	s.mu.Lock()
	heads := []*generation{s.mu.active, s.mu.frozen}
	out.refs = append(out.refs, s.mu.segments...)
	segments := make([]scan.Source, len(out.refs))
	for i, ref := range out.refs {
		ref.refs.Add(1)
		segments[i] = ref.source()
	}
	lost := s.mu.lost
	s.mu.Unlock()
	for _, g := range heads {
		if g == nil {
			continue
		}
		if src := g.head.source(); src.spans > 0 {
			out.sources = append(out.sources, src)
		}
	}
	slices.Reverse(segments)
	out.sources = append(out.sources, segments...)
	for _, l := range lost {
		out.sources = append(out.sources, l)
	}
	return out
}

// Sources implements [scan.Snapshot].
func (s *snapshot) Sources() []scan.Source { return s.sources }

// Release implements [scan.Snapshot].
func (s *snapshot) Release() {
	if s.released.Swap(true) {
		panic("storage: snapshot released twice")
	}
	for _, ref := range s.refs {
		if err := ref.release(); err != nil {
			s.s.opts.Logger.Warn("segment not released cleanly", "error", err)
		}
	}
}
