package storage

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"path/filepath"
	"strings"

	"github.com/kiseki-dev/kiseki/internal/seldom"
	"github.com/kiseki-dev/kiseki/storage/segment"
	"github.com/kiseki-dev/kiseki/storage/vfs"
)

// Open opens the store in o.Dir, making it if there is none, and brings back
// everything that was acknowledged. Damaged files are set aside and counted;
// they do not keep the rest from being served. A folder that is in use gives
// ErrLocked.
func Open(o Options) (*Store, error) {
	o.defaults()
	s := &Store{
		opts: o, fs: o.FS, dir: tenantFolder(o.Dir), cache: o.Cache,
		nextSegment: 1, nextLog: 1, kick: make(chan struct{}, 1),
		failures: seldom.Filter{Every: sayAgain},
	}
	s.flushBytes.Store(o.FlushBytes)
	s.mu.changed = make(chan struct{})
	s.life, s.stop = context.WithCancel(context.Background())
	if err := s.open(); err != nil {
		s.stop()
		return nil, fmt.Errorf("open store %s: %w", o.Dir, err)
	}
	s.finishRebuild(s.life)
	s.background.Go(func() { s.maintain(s.life) })
	s.background.Go(func() { s.keepCompact(s.life) })
	s.background.Go(func() { s.keepErasing(s.life) })
	return s, nil
}

func (s *Store) open() (err error) {
	if err := s.makeFolders(); err != nil {
		return err
	}
	s.lock, err = s.fs.Lock(lockPath(s.opts.Dir))
	if errors.Is(err, vfs.ErrLocked) {
		return ErrLocked
	}
	if err != nil {
		return err
	}
	if err := s.recover(); err != nil {
		for _, ref := range s.mu.segments {
			err = errors.Join(err, ref.release())
		}
		return errors.Join(err, s.lock.Close())
	}
	return nil
}

// makeFolders makes the tenant's folders durably, each before what is in it.
func (s *Store) makeFolders() error {
	if err := s.fs.MkdirAll(s.opts.Dir); err != nil {
		return err
	}
	if err := checkRestored(s.fs, s.opts.Dir); err != nil {
		return err
	}
	if err := s.fs.SyncDir(filepath.Dir(filepath.Clean(s.opts.Dir))); err != nil {
		return err
	}
	tenants := filepath.Dir(s.dir.root)
	for _, dir := range []string{tenants, s.dir.root, s.dir.wal(), s.dir.segments(), s.dir.deletions(), s.dir.quarantine()} {
		if err := s.fs.MkdirAll(dir); err != nil {
			return err
		}
		if err := s.fs.SyncDir(filepath.Dir(dir)); err != nil {
			return err
		}
	}
	return nil
}

// recover brings the store to where it was.
func (s *Store) recover() error {
	changed, err := s.loadManifest()
	if err != nil {
		return err
	}
	if err := s.loadDeletions(); err != nil {
		return err
	}
	dropped, err := s.openSegments()
	if err != nil {
		return err
	}
	s.hideDeleted()
	if changed || dropped {
		if err := writeManifest(s.fs, s.dir, s.manifest); err != nil {
			return err
		}
	}
	if err := errors.Join(s.removeOrphans(), s.finishTaken()); err != nil {
		return err
	}
	g, err := s.replay()
	if err != nil {
		return err
	}
	s.active, s.mu.active = g, g
	return nil
}

// loadManifest reads the manifest. Where there is none, or both its files are
// damaged, everything in the folder is taken to belong to the store, and
// finishRebuild sees to it that nothing is shown twice. It reports whether the
// manifest must be written.
func (s *Store) loadManifest() (changed bool, err error) {
	m, err := readManifests(s.fs, s.dir)
	if err == nil {
		s.manifest = m.manifest
		for _, problem := range m.problems {
			s.counts.quarantined.Add(1)
			s.opts.Logger.Error("one of the two manifests is damaged, the other one is taken", "error", problem)
		}
		return m.differ, nil
	}
	switch {
	case errors.Is(err, errManifest):
		s.opts.Logger.Error("manifest set aside, all segments and logs are taken", "error", err)
		for _, path := range []string{s.dir.manifest(), s.dir.manifestCopy()} {
			if err := s.setAside(path); err != nil && !errors.Is(err, fs.ErrNotExist) {
				return false, err
			}
		}
	case errors.Is(err, fs.ErrNotExist):
	default:
		return false, err
	}
	return true, s.rebuildManifest()
}

// openSegments opens what the manifest lists. It reports whether some had to
// be taken off the list.
func (s *Store) openSegments() (lost bool, err error) {
	var kept []segmentEntry
	for _, e := range s.manifest.Segments {
		s.nextSegment = max(s.nextSegment, e.Number+1)
		path := s.dir.segment(e.Number)
		reader, err := segment.Open(s.fs, path, s.cache)
		var corrupt *segment.CorruptError
		switch {
		case errors.As(err, &corrupt):
			s.opts.Logger.Error("segment set aside", "spans", e.Spans, "error", err)
			if err := s.setAside(path); err != nil {
				return false, err
			}
			s.lose(e, nil)
			lost = true
			continue
		case errors.Is(err, fs.ErrNotExist):
			s.opts.Logger.Error("segment is missing", "path", path, "spans", e.Spans)
			s.counts.quarantined.Add(1)
			s.lose(e, nil)
			lost = true
			continue
		case err != nil:
			return false, err
		}
		if e.Bytes == 0 { // listed without a manifest to say more
			e = segmentEntry{Number: e.Number, Spans: reader.SpanCount(), Bytes: reader.Size(), MaxEnd: reader.MaxEnd(), Written: unixNanos(s.opts.Clock())}
			e.MinStart, e.MaxStart = reader.Bounds()
		}
		s.mu.segments = append(s.mu.segments, s.newRef(e, reader))
		kept = append(kept, e)
	}
	s.manifest.Segments = kept
	s.showLost()
	return lost, nil
}

// setAside moves a damaged file to the quarantine folder.
func (s *Store) setAside(path string) error {
	if err := moveAside(s.fs, path, filepath.Join(s.dir.quarantine(), filepath.Base(path))); err != nil {
		return err
	}
	s.counts.quarantined.Add(1)
	return nil
}

// removeOrphans deletes what interrupted flushes and retention runs left.
func (s *Store) removeOrphans() error {
	listed := map[string]bool{}
	for _, e := range s.manifest.Segments {
		listed[segmentName(e.Number)] = true
	}
	names, err := s.fs.List(s.dir.segments())
	if err != nil {
		return err
	}
	for _, name := range names {
		_, isSegment := parseSegmentName(name)
		if (isSegment && !listed[name]) || strings.HasSuffix(name, segmentSuffix+tempSuffix) {
			if err := s.removeOrphan(name); err != nil {
				return err
			}
		}
	}
	for _, path := range []string{s.dir.manifest(), s.dir.manifestCopy()} {
		if err := removeIfThere(s.fs, path+tempSuffix); err != nil {
			return err
		}
	}
	return s.removeLogs()
}
