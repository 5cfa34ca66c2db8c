package storage

import (
	"context"
	"slices"

	"github.com/kiseki-dev/kiseki/telemetry"
)

// backupRun is a backup under way. Its references keep the files of its
// segments, whatever rewrites them, and with the files every deletion that
// names them: a deletion is complete only when no file has its traces.
type backupRun struct {
	s        *Store
	manifest manifest // when the backup began
	refs     []*segmentRef
	// since are the deletions made since it began, each with all traces that
	// were asked for: the backup may have some that the store no longer has.
	// Guarded by Store.maintenance.
	since []*pendingDeletion
}

// startBackup flushes what was acknowledged before the call and takes a
// reference to each segment. Unlike [Store.Flush] it ends under a load that
// never pauses. The run must be ended.
func (s *Store) startBackup(ctx context.Context) (*backupRun, error) {
	s.maintenance.Lock()
	defer s.maintenance.Unlock()
	if s.isClosed() {
		return nil, ErrClosed
	}
	s.mu.Lock()
	frozen := s.mu.frozen != nil
	s.mu.Unlock()
	if frozen {
		if err := s.flush(ctx); err != nil {
			return nil, err
		}
	}
	if s.pending() {
		if err := s.flush(ctx); err != nil {
			return nil, err
		}
	}
	run := &backupRun{s: s, manifest: s.manifest}
	s.mu.Lock()
	run.refs = slices.Clone(s.mu.segments)
	for _, ref := range run.refs {
		ref.refs.Add(1)
	}
	s.mu.Unlock()
	s.backups = append(s.backups, run)
	return run, nil
}

func (r *backupRun) end() error {
	r.s.maintenance.Lock()
	r.s.backups = slices.DeleteFunc(r.s.backups, func(o *backupRun) bool { return o == r })
	r.s.maintenance.Unlock()
	return releaseRefs(r.refs)
}

// entry is what the manifest says of a segment; that may have been added to
// since it was opened.
func (r *backupRun) entry(ref *segmentRef) segmentEntry {
	for _, e := range r.manifest.Segments {
		if e.Number == ref.entry.Number {
			return e
		}
	}
	return ref.entry
}

// noteDeletion tells the backups under way of a deletion that is about to be
// acknowledged; maintenance is held.
func (s *Store) noteDeletion(d Deletion, ids []telemetry.TraceID) {
	for _, run := range s.backups {
		run.since = append(run.since, &pendingDeletion{Deletion: d, traces: ids})
	}
}

// write makes the backup exist with every deletion that was acknowledged
// before that moment. The list is written with no lock held; only if there is
// a new deletion then is it written again.
func (r *backupRun) write(to backupFolder, b backup) (name string, err error) {
	for {
		known := 0
		if b.Deletions, known, err = r.deletions(b); err != nil {
			return "", err
		}
		if name, err = to.prepare(b); err != nil {
			return "", err
		}
		done, err := r.publish(to, name, known)
		if done || err != nil {
			return name, err
		}
	}
}

func (r *backupRun) publish(to backupFolder, name string, known int) (done bool, err error) {
	r.s.maintenance.Lock()
	defer r.s.maintenance.Unlock()
	if len(r.since) != known {
		return false, nil
	}
	return true, to.publish(name)
}

// deletions are those of traces that the segments of b may have: of the ones
// from before, those that name them; of the ones since, all.
func (r *backupRun) deletions(b backup) (out []backupDeletion, since int, err error) {
	r.s.maintenance.Lock()
	defer r.s.maintenance.Unlock()
	if r.s.isClosed() {
		return nil, 0, ErrClosed
	}
	var segments []uint64
	for _, e := range b.Segments {
		segments = append(segments, e.Number)
	}
	add := func(p *pendingDeletion, segments []uint64) {
		d := backupDeletion{deletionRecord: recordOf(p.Deletion), IDs: joinTraces(p.traces)}
		d.Traces, d.Segments = len(p.traces), segments
		out = append(out, d)
	}
	for _, p := range r.s.pendingDeletions {
		named := slices.DeleteFunc(slices.Clone(p.segments), func(n uint64) bool { return !slices.Contains(segments, n) })
		since := slices.ContainsFunc(r.since, func(o *pendingDeletion) bool { return o.ID == p.ID })
		if len(named) > 0 && !since {
			add(p, named)
		}
	}
	for _, p := range r.since {
		if len(segments) > 0 {
			add(p, segments)
		}
	}
	return out, len(r.since), nil
}
