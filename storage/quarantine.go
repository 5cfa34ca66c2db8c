package storage

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"slices"
	"time"

	"github.com/kiseki-dev/kiseki/storage/scan"
	"github.com/kiseki-dev/kiseki/storage/segment"
	"github.com/kiseki-dev/kiseki/storage/vfs"
	"github.com/kiseki-dev/kiseki/telemetry"
)

// A segment found damaged, be it by a query, by compaction or by Repair, is
// salvaged: what can be read of it moves to a new segment, the file moves to
// the quarantine folder, and the manifest notes what was lost, so that answers
// which would need it say that they are incomplete.

const (
	// salvagedSuffix marks quarantined segments of which nothing more is to be
	// had, so that Repair does not take their spans a second time.
	salvagedSuffix = ".salvaged"
	// salvageCache holds the pages of a block while its traces are copied.
	salvageCache = 32 << 20
	// salvageAgain is how soon a salvage that failed is tried again.
	salvageAgain = time.Minute
	// maxLostTraces bounds the list of lost traces in the manifest; beyond it
	// any trace may be among them.
	maxLostTraces = 4096
)

// lostEntry is what the manifest says of spans lost to damage. Spans and the
// times are those of the lost spans, as far as known; Number is that of the
// damaged segment. Retention drops the entry when it would have dropped the
// spans.
type lostEntry struct {
	segmentEntry
	// Log is the sequence of a damaged log, if the spans were in one; Number is
	// 0 then.
	Log uint64 `json:"log,omitempty"`
	// Traces are the IDs of all traces that lost spans, one after the other;
	// empty if they are not known.
	Traces []byte `json:"traces,omitempty"`
}

// lose notes that the spans of e are lost. It does not write the manifest.
func (s *Store) lose(e segmentEntry, traces []byte) {
	if newest(e) == 0 { // nothing is known: it may be any time
		e.MaxStart, e.MaxEnd = ^uint64(0), ^uint64(0)
		e.Written = unixNanos(s.opts.Clock())
	}
	s.manifest.Lost = append(slices.Clone(s.manifest.Lost), lostEntry{segmentEntry: e, Traces: traces})
}

// newRef is an open segment with one reference, the caller's. Damage found in
// it from now on makes maintenance set it aside.
func (s *Store) newRef(e segmentEntry, reader *segment.Reader) *segmentRef {
	ref := &segmentRef{entry: e, reader: reader, fs: s.fs, path: reader.Path()}
	ref.refs.Store(1)
	reader.OnDamage(func(damage *segment.CorruptError) {
		s.counts.damagedReads.Add(1)
		if !ref.damaged.Swap(true) {
			s.opts.Logger.Error("segment is damaged; what can be read of it will be kept", "error", damage)
			s.wake()
		}
	})
	return ref
}

// setDamagedAside salvages the segments in which damage was found.
// maintenance is held.
func (s *Store) setDamagedAside(ctx context.Context) (err error) {
	s.mu.Lock()
	segments := slices.Clone(s.mu.segments)
	s.mu.Unlock()
	now := s.opts.Clock()
	for _, ref := range segments {
		if !ref.damaged.Load() || now.Before(ref.salvageAfter) {
			continue
		}
		if e := s.setSegmentAside(ctx, ref); e != nil {
			ref.salvageAfter = now.Add(salvageAgain)
			err = errors.Join(err, fmt.Errorf("set damaged segment aside: %w", e))
		}
	}
	return err
}

// setSegmentAside replaces a segment by what can be read of it. Its file
// moves to the quarantine folder when the last snapshot that has it is
// released.
func (s *Store) setSegmentAside(ctx context.Context, ref *segmentRef) error {
	kept, lost, err := s.salvage(ctx, ref.path, ref.entry)
	switch {
	case err != nil:
		return err
	case lost == nil: // bad memory or a bad cable, and not the disk
		ref.damaged.Store(false)
		s.opts.Logger.Warn("damage of a segment was not seen again; it stays", "path", ref.path)
		return nil
	}
	ref.aside = s.salvagedPath(ref.entry.Number)
	if err := s.exchangeLost(map[uint64]bool{ref.entry.Number: true}, kept, lost); err != nil {
		ref.aside = ""
		return err
	}
	s.counts.quarantined.Add(1)
	s.opts.Logger.Error("damaged segment set aside", "path", ref.aside, "spans", ref.entry.Spans, "lost", lost.Spans)
	return nil
}

// exchangeLost puts what was salvaged in place of damaged segments and notes
// what is lost. After an error kept is released.
func (s *Store) exchangeLost(gone map[uint64]bool, kept []*segmentRef, lost *lostEntry) error {
	before := s.manifest.Lost
	// A file that was restored from a backup has what was lost of it before.
	s.manifest.Lost = slices.DeleteFunc(slices.Clone(before), func(e lostEntry) bool { return e.Log == 0 && e.Number == lost.Number })
	if lost.Spans > 0 {
		s.manifest.Lost = append(s.manifest.Lost, *lost)
	}
	if err := s.exchange(gone, kept); err != nil {
		s.manifest.Lost = before
		if _, uncertain := errors.AsType[uncertainError](err); uncertain {
			return errors.Join(err, releaseRefs(kept))
		}
		return errors.Join(err, discard(kept))
	}
	s.showLost()
	return nil
}

// showLost has snapshots show what the manifest says is lost.
func (s *Store) showLost() {
	sources := lostSources(s.manifest.Lost)
	s.mu.Lock()
	s.mu.lost = sources
	s.mu.Unlock()
}

func (s *Store) salvagedPath(number uint64) string {
	return filepath.Join(s.dir.quarantine(), segmentName(number)+salvagedSuffix)
}

// salvage writes what can be read of the segment file at path, which the
// manifest describes as e, to a new segment, which is durably named but not
// listed; none if nothing can be read. What can not be read is lost; nil if
// the whole file is intact, and then nothing is written. Deleted
// traces are left out. maintenance is held.
func (s *Store) salvage(ctx context.Context, path string, e segmentEntry) (kept []*segmentRef, lost *lostEntry, err error) {
	r, err := segment.Open(s.fs, path, segment.NewCache(salvageCache))
	if _, corrupt := errors.AsType[*segment.CorruptError](err); corrupt {
		return nil, &lostEntry{segmentEntry: e}, nil
	}
	if err != nil {
		return nil, nil, err
	}
	defer func() { err = errors.Join(err, r.Close()) }()
	err = r.Verify(nil)
	if err == nil {
		return nil, nil, nil
	}
	if _, corrupt := errors.AsType[*segment.CorruptError](err); !corrupt {
		return nil, nil, err
	}
	x := salvager{entry: e, deleted: deletedFrom(s.pendingDeletions, e.Number)}
	ref, err := s.writeSalvaged(ctx, r, &x)
	if ref != nil {
		kept = append(kept, ref)
	}
	return kept, x.lost(), err
}

// writeSalvaged writes the readable traces of r to a segment that is durably
// named but not listed; nil if there are none.
func (s *Store) writeSalvaged(ctx context.Context, r *segment.Reader, x *salvager) (*segmentRef, error) {
	temp := filepath.Join(s.dir.segments(), "salvage"+segmentSuffix+tempSuffix)
	w, err := segment.Create(s.fs, temp, segment.Options{})
	if err != nil {
		return nil, err
	}
	if err := x.copy(ctx, r, w); err != nil || x.kept == 0 {
		return nil, errors.Join(err, w.Abort())
	}
	info, err := w.Finish()
	if err != nil {
		return nil, errors.Join(err, removeIfThere(s.fs, temp))
	}
	return s.nameSegment(temp, info, x.entry)
}

// salvager copies the readable traces of a segment.
type salvager struct {
	entry     segmentEntry // of the damaged segment
	deleted   map[telemetry.TraceID]struct{}
	kept      uint64
	gone      lostEntry
	unknown   bool // whose spans are lost
	batch     telemetry.Batch
	batchRows []uint32
}

func (x *salvager) lost() *lostEntry {
	out := x.gone
	out.Number, out.Written = x.entry.Number, x.entry.Written
	if x.unknown || len(out.Traces) > maxLostTraces*len(telemetry.TraceID{}) {
		out.Traces = nil
	}
	return &out
}

// lose counts rows of a block as lost.
func (x *salvager) lose(b scan.Block, rows int) {
	lo, hi := b.Bounds()
	if x.gone.Spans == 0 {
		x.gone.MinStart = lo
	}
	x.gone.Spans += uint64(rows)
	x.gone.MinStart, x.gone.MaxStart = min(x.gone.MinStart, lo), max(x.gone.MaxStart, hi)
	x.gone.MaxEnd = max(x.gone.MaxStart, x.entry.MaxEnd)
}

// copy adds the traces of r that can be read to w.
func (x *salvager) copy(ctx context.Context, r *segment.Reader, w *segment.Writer) error {
	for _, b := range r.Blocks() {
		for row := 0; row < b.Len(); {
			if err := ctx.Err(); err != nil {
				return err
			}
			t, err := b.Trace(row)
			if _, corrupt := errors.AsType[*segment.CorruptError](err); corrupt {
				x.unknown = true
				x.lose(b, b.Len()-row)
				break
			}
			if _, deleted := x.deleted[t.ID]; err == nil && !deleted {
				err = x.trace(b, t, w)
			}
			if err != nil {
				return err
			}
			row = t.Hi
		}
	}
	return nil
}

// salvageBatch is about how many spans are copied out of a segment at a time,
// so that traces share their resources.
const salvageBatch = 2048

func (x *salvager) trace(b scan.Block, t scan.Trace, w *segment.Writer) error {
	if len(x.batch.Spans) >= salvageBatch {
		x.batch.Reset()
	}
	n := len(x.batch.Spans)
	err := b.Spans(t.Lo, t.Hi, &x.batch)
	if _, corrupt := errors.AsType[*segment.CorruptError](err); corrupt {
		x.batch.Spans = x.batch.Spans[:n]
		x.lose(b, t.Hi-t.Lo)
		x.gone.Traces = append(x.gone.Traces, t.ID[:]...)
		return nil
	}
	if err != nil {
		return err
	}
	x.batchRows = x.batchRows[:0]
	for i := n; i < len(x.batch.Spans); i++ {
		x.batchRows = append(x.batchRows, uint32(i))
	}
	x.kept += uint64(t.Hi - t.Lo)
	return w.AddTrace(&x.batch, x.batchRows)
}

// removeOrphan deletes a file in the segments folder that is not listed,
// unless it is the damaged original of what was salvaged.
func (s *Store) removeOrphan(name string) error {
	path := filepath.Join(s.dir.segments(), name)
	number, _ := parseSegmentName(name)
	for _, e := range s.manifest.Lost {
		if e.Number == number {
			s.counts.quarantined.Add(1)
			return moveAside(s.fs, path, s.salvagedPath(number))
		}
	}
	return s.fs.Remove(path)
}

// moveAside moves a file to the quarantine folder, durably.
func moveAside(fsys vfs.FS, path, to string) error {
	if err := fsys.Rename(path, to); err != nil {
		return fmt.Errorf("set aside: %w", err)
	}
	return errors.Join(fsys.SyncDir(filepath.Dir(to)), fsys.SyncDir(filepath.Dir(path)))
}

// forgetLost drops the entries of lost spans that retention would have
// deleted before cutoff. maintenance is held.
func (s *Store) forgetLost(cutoff uint64) error {
	next := s.manifest
	next.Lost = slices.DeleteFunc(slices.Clone(next.Lost), func(e lostEntry) bool { return newest(e.segmentEntry) < cutoff })
	if len(next.Lost) == len(s.manifest.Lost) {
		return nil
	}
	if err := writeManifest(s.fs, s.dir, next); err != nil {
		return fmt.Errorf("forget lost spans: %w", err)
	}
	s.manifest = next
	s.showLost()
	return nil
}
