package storage

import (
	"fmt"
	"sync/atomic"

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
// active head, the frozen one, and the segments from the newest to the oldest.
func (s *Store) Snapshot() scan.Snapshot {
	out := &snapshot{s: s}
	s.mu.Lock()
	heads := []*generation{s.mu.active, s.mu.frozen}
	out.refs = append(out.refs, s.mu.segments...)
	for _, ref := range out.refs {
		ref.refs.Add(1)
	}
	s.mu.Unlock()
	for _, g := range heads {
		if g == nil {
			continue
		}
		if src := g.head.source(); src.spans > 0 {
			out.sources = append(out.sources, src)
		}
	}
	for i := len(out.refs) - 1; i >= 0; i-- {
		out.sources = append(out.sources, out.refs[i].reader)
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
