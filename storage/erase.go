package storage

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"path/filepath"
	"slices"
	"strings"
	"time"
)

const (
	// eraseEvery is how often the age of deletions is looked at.
	eraseEvery = time.Second
	// eraseAgain is how soon another attempt follows one, which may have failed
	// or found files in use.
	eraseAgain = 10 * time.Second
)

// loadDeletions reads the deletions that are under way, those of the past, and
// sees to it that what they name is never taken for something newer.
func (s *Store) loadDeletions() error {
	pending, err := readDeletions(s.fs, s.dir, func(path string, err error) error {
		s.opts.Logger.Error("deletion set aside: its traces are shown again, ask for it again", "error", err)
		return s.setAside(path)
	})
	if err != nil {
		return err
	}
	known, torn, err := readAudit(s.fs, s.dir)
	if err != nil {
		return err
	}
	s.auditTorn = torn
	s.nextDeletion = 1
	for _, d := range known {
		s.nextDeletion = max(s.nextDeletion, d.ID+1)
		if d.State == DeletionPending {
			d.State = DeletionLost
		}
	}
	for _, p := range pending {
		s.nextDeletion = max(s.nextDeletion, p.ID+1)
		for _, n := range p.segments {
			s.nextSegment = max(s.nextSegment, n+1)
		}
		if d := known[p.ID]; d != nil {
			p.audited = true
			d.State, d.Erased = DeletionPending, time.Time{}
		} else {
			known[p.ID] = &p.Deletion
		}
	}
	s.pendingDeletions = pending
	if err := s.coverAll(); err != nil {
		return err
	}
	for _, id := range slices.Sorted(maps.Keys(known)) {
		d := knownDeletion{Deletion: *known[id]}
		if i := slices.IndexFunc(pending, func(p *pendingDeletion) bool { return p.ID == id }); i >= 0 {
			d.segments = pending[i].segments
		}
		s.mu.deletions = append(s.mu.deletions, d)
	}
	s.mu.deletions = s.mu.deletions[max(0, len(s.mu.deletions)-maxDeletions):]
	return s.removeTempDeletions()
}

// coverAll sees to it, where the manifest was made anew, that deletions name
// every segment that was there when they were made: also those that a rewrite
// had replaced and that a crash brought back.
func (s *Store) coverAll() error {
	if !s.manifest.Rebuilt {
		return nil
	}
	for _, p := range s.pendingDeletions {
		below := p.below
		for _, n := range p.segments {
			below = max(below, n)
		}
		for _, e := range s.manifest.Segments {
			if e.Number < below && !slices.Contains(p.segments, e.Number) {
				p.segments = append(p.segments, e.Number)
			}
		}
		if err := writeDeletionFile(s.fs, s.dir, p); err != nil {
			return err
		}
	}
	return nil
}

func (s *Store) removeTempDeletions() error {
	names, err := s.fs.List(s.dir.deletions())
	if err != nil {
		return err
	}
	for _, name := range names {
		if strings.HasSuffix(name, tempSuffix) {
			if err := s.fs.Remove(filepath.Join(s.dir.deletions(), name)); err != nil {
				return err
			}
		}
	}
	return nil
}

// hideDeleted hides the traces of all deletions in the segments just opened.
// What can not be told from deleted traces, for damage, is lost to readers.
func (s *Store) hideDeleted() {
	for _, ref := range s.mu.segments {
		gone := deletedFrom(s.pendingDeletions, ref.entry.Number)
		if len(gone) == 0 {
			continue
		}
		view, err := newWithout(ref.reader, gone)
		if err != nil {
			s.opts.Logger.Error("segment with deleted traces is not shown", "path", ref.path, "error", err)
			lost := &lostSource{lostEntry{segmentEntry: ref.entry}}
			view = &without{src: lost, gone: gone, blocks: lost.Blocks()}
		} else if len(view.cut) == 0 {
			s.freeOfDeleted(ref.entry.Number)
			continue
		}
		ref.hidden = view
	}
}

// freeOfDeleted takes a segment off the deletions that name it: it has none of
// their traces. A deletion made beside a backup names all that the backup has.
func (s *Store) freeOfDeleted(number uint64) {
	for _, p := range s.pendingDeletions {
		p.segments = slices.DeleteFunc(p.segments, func(n uint64) bool { return n == number })
	}
}

// keepErasing rewrites the segments of deletions that are due, until ctx is
// done. It is the goroutine that handles the errors of that.
func (s *Store) keepErasing(ctx context.Context) {
	ticker := time.NewTicker(eraseEvery)
	defer ticker.Stop()
	var last time.Time
	for {
		select {
		case <-ctx.Done():
			return
		case <-ticker.C:
		}
		if time.Since(last) < eraseAgain || !s.eraseDue() {
			continue
		}
		last = time.Now()
		if err := s.Erase(ctx); err != nil && ctx.Err() == nil {
			s.complain("deleted traces are hidden but still on disk, erasing them will be tried again", err)
		}
	}
}

func (s *Store) eraseDue() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.ContainsFunc(s.mu.deletions, func(d knownDeletion) bool {
		return d.State == DeletionPending && s.opts.Clock().Sub(d.Requested) >= s.opts.EraseAfter
	})
}

// Erase rewrites all segments that have deleted traces, without them, and
// completes the deletions that are done by that. Deletions whose segments are
// in use by a snapshot stay pending.
func (s *Store) Erase(ctx context.Context) error {
	inputs, pending := s.eraseInputs()
	if !pending {
		return nil
	}
	var errs error
	for _, e := range inputs {
		_, err := s.rewrite(ctx, rewriteJob{reason: rewriteDeletion, inputs: []uint64{e.Number}, level: e.Level})
		if err != nil && !errors.Is(err, errSuperseded) {
			errs = errors.Join(errs, err)
		}
		if ctx.Err() != nil {
			break
		}
	}
	// Without a rewrite under way there are no half-written files.
	s.rewriting.Lock()
	defer s.rewriting.Unlock()
	s.maintenance.Lock()
	defer s.maintenance.Unlock()
	if s.isClosed() {
		return ErrClosed
	}
	if err := errors.Join(errs, s.finishDeletions()); err != nil {
		return fmt.Errorf("erase deleted traces: %w", err)
	}
	return nil
}

// eraseInputs are the segments with deleted traces; pending is whether there
// is anything for Erase to do.
func (s *Store) eraseInputs() (inputs []segmentEntry, pending bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, ref := range s.mu.segments {
		if ref.hidden != nil {
			inputs = append(inputs, ref.entry)
		}
	}
	return inputs, slices.ContainsFunc(s.mu.deletions, func(d knownDeletion) bool { return d.State == DeletionPending })
}

// finishDeletions completes the deletions whose segments are all gone, if all
// other files are that might have their traces. rewriting and maintenance are
// held.
func (s *Store) finishDeletions() error {
	if err := s.removeLogs(); err != nil {
		return err
	}
	if unlisted, err := s.unlistedSegments(); err != nil || unlisted {
		return err
	}
	var left []*pendingDeletion
	var errs error
	for _, p := range s.pendingDeletions {
		done, err := false, error(nil)
		if len(deletedIn(s.manifest, p)) == 0 {
			done, err = s.finishDeletion(p)
		}
		errs = errors.Join(errs, err)
		if !done {
			left = append(left, p)
		}
	}
	s.pendingDeletions = left
	return errs
}

// unlistedSegments reports whether there are segment files that do not belong
// to the store any more: those that a snapshot has open, and those that an
// uncertain manifest may name until the store is opened again.
func (s *Store) unlistedSegments() (found bool, err error) {
	listed := map[string]bool{}
	for _, e := range s.manifest.Segments {
		listed[segmentName(e.Number)] = true
	}
	names, err := s.fs.List(s.dir.segments())
	if err != nil {
		return false, err
	}
	for _, name := range names {
		switch {
		case listed[name]:
		case strings.HasSuffix(name, tempSuffix):
			err = errors.Join(err, s.fs.Remove(filepath.Join(s.dir.segments(), name)))
		default:
			found = true
		}
	}
	return found, errors.Join(err, s.fs.SyncDir(s.dir.segments()))
}

// deletedIn are the segments of a deletion that still have its traces.
func deletedIn(m manifest, p *pendingDeletion) (numbers []uint64) {
	for _, e := range m.Segments {
		if slices.Contains(p.segments, e.Number) {
			numbers = append(numbers, e.Number)
		}
	}
	return numbers
}

// finishDeletion makes it known that the traces of p are gone, and forgets
// them; maintenance is held.
func (s *Store) finishDeletion(p *pendingDeletion) (done bool, err error) {
	if err := s.auditDeleted(p); err != nil {
		return false, err
	}
	for _, n := range p.segments { // what damage had set aside
		for _, path := range []string{filepath.Join(s.dir.quarantine(), segmentName(n)), s.salvagedPath(n)} {
			if err := removeIfThere(s.fs, path); err != nil {
				return false, err
			}
		}
	}
	if err := s.fs.SyncDir(s.dir.quarantine()); err != nil {
		return false, err
	}
	now := s.opts.Clock().UTC()
	if err := s.appendAudit(auditLine{Time: now, Event: auditErased, deletionRecord: deletionRecord{ID: p.ID}}); err != nil {
		return false, err
	}
	if err := removeIfThere(s.fs, filepath.Join(s.dir.deletions(), deletionName(p.ID))); err != nil {
		return false, err
	}
	if err := s.fs.SyncDir(s.dir.deletions()); err != nil {
		return false, err
	}
	s.setDeletion(p.ID, func(d *knownDeletion) { d.State, d.Erased, d.segments = DeletionErased, now, nil })
	s.counts.erasedTraces.Add(uint64(p.Traces))
	return true, nil
}

// auditDeleted writes the line of a deletion unless it is there.
func (s *Store) auditDeleted(p *pendingDeletion) error {
	if p.audited {
		return nil
	}
	if err := s.appendAudit(auditLine{Time: s.opts.Clock().UTC(), Event: auditDeleted, deletionRecord: recordOf(p.Deletion)}); err != nil {
		return err
	}
	p.audited = true
	return nil
}
