package storage

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"path/filepath"
	"slices"

	"github.com/kiseki-dev/kiseki/storage/segment"
)

// RepairReport says what [Repair] did.
type RepairReport struct {
	Dir     string
	Checked int // segments whose checksums were all verified
	Repairs []SegmentRepair
	// Logs are quarantined log files. Their intact records were taken when the
	// store was opened; of the rest nothing can be read.
	Logs     []string
	LostLogs []Lost // of which something could not be read, now or before
	Lost     uint64 // spans that stay lost, all in all, but for those of logs
}

// SegmentRepair is what became of one damaged segment.
type SegmentRepair struct {
	File  string // the damaged file, which is kept
	Kept  uint64 // spans that are served again, or still
	Lost  uint64 // spans that could not be read; 0 with Kept 0: not known
	Error error  // why nothing was done
}

// Repair opens the store in o.Dir, which no server may have open, verifies
// every segment, and takes what can be read of damaged ones, and of segments
// in quarantine, into new segments. So a file that was set aside comes back
// by putting an intact copy of it, from a backup, in its place in the
// quarantine folder. Damaged files are kept.
func Repair(ctx context.Context, o Options) (r RepairReport, err error) {
	s, err := Open(o)
	if err != nil {
		return r, err
	}
	defer func() { err = errors.Join(err, s.Close()) }()
	s.maintenance.Lock()
	defer s.maintenance.Unlock()
	r.Dir = s.opts.Dir
	if err := r.repairSegments(ctx, s); err != nil {
		return r, fmt.Errorf("repair %s: %w", r.Dir, err)
	}
	if err := r.takeQuarantine(ctx, s); err != nil {
		return r, fmt.Errorf("repair %s: %w", r.Dir, err)
	}
	for _, e := range s.manifest.Lost {
		r.Lost += e.Spans
		if e.Log > 0 {
			r.LostLogs = append(r.LostLogs, e.report())
		}
	}
	return r, nil
}

// repairSegments verifies the segments that are served.
func (r *RepairReport) repairSegments(ctx context.Context, s *Store) error {
	s.mu.Lock()
	refs := append([]*segmentRef(nil), s.mu.segments...)
	s.mu.Unlock()
	for _, ref := range refs {
		if err := ctx.Err(); err != nil {
			return err
		}
		err := ref.reader.Verify(nil)
		if _, corrupt := errors.AsType[*segment.CorruptError](err); err != nil && !corrupt {
			return err
		}
		r.Checked++
		if err == nil {
			continue
		}
		before := s.lostSpans()
		if err := s.setSegmentAside(ctx, ref); err != nil {
			return err
		}
		lost := s.lostSpans() - before
		r.Repairs = append(r.Repairs, SegmentRepair{File: ref.aside, Kept: ref.entry.Spans - lost, Lost: lost})
	}
	return nil
}

func (s *Store) lostSpans() (n uint64) {
	for _, e := range s.manifest.Lost {
		n += e.Spans
	}
	return n
}

// takeQuarantine takes what can be read of the segments in quarantine.
func (r *RepairReport) takeQuarantine(ctx context.Context, s *Store) error {
	names, err := s.fs.List(s.dir.quarantine())
	if err != nil {
		return err
	}
	for _, name := range names {
		path := filepath.Join(s.dir.quarantine(), name)
		if filepath.Ext(name) == ".wal" {
			r.Logs = append(r.Logs, path)
		}
		number, ok := parseSegmentName(name)
		if !ok {
			continue
		}
		repair, err := s.takeSegment(ctx, path, number)
		if err != nil {
			return err
		}
		r.Repairs = append(r.Repairs, repair)
	}
	return nil
}

// takeSegment takes what can be read of a segment that the manifest no longer
// lists.
func (s *Store) takeSegment(ctx context.Context, path string, number uint64) (SegmentRepair, error) {
	out := SegmentRepair{File: path}
	reader, err := segment.Open(s.fs, path, segment.NewCache(salvageCache))
	if _, corrupt := errors.AsType[*segment.CorruptError](err); corrupt {
		out.Error = err
		return out, nil
	}
	if err != nil {
		return out, err
	}
	e := segmentEntry{Number: number, MaxEnd: reader.MaxEnd(), Written: unixNanos(s.opts.Clock())}
	for _, lost := range s.manifest.Lost {
		if lost.Number == number {
			e.Written, e.Level, e.Thinned = lost.Written, lost.Level, lost.Thinned
		}
	}
	x := salvager{entry: e, deleted: deletedFrom(s.pendingDeletions, number)}
	ref, err := s.writeSalvaged(ctx, reader, &x)
	if err := errors.Join(err, reader.Close()); err != nil {
		return out, err
	}
	out.Kept, out.Lost = x.kept, x.gone.Spans
	if ref == nil {
		return out, nil
	}
	before := s.manifest.Taken
	s.manifest.Taken = append(slices.Clone(before), number)
	if err := s.exchangeLost(nil, []*segmentRef{ref}, x.lost()); err != nil {
		s.manifest.Taken = before
		return out, err
	}
	out.File = s.salvagedPath(number)
	return out, s.finishTaken()
}

// finishTaken names the files in quarantine whose spans have been taken so
// that they are not taken again, also where a crash came before.
func (s *Store) finishTaken() error {
	if len(s.manifest.Taken) == 0 {
		return nil
	}
	for _, number := range s.manifest.Taken {
		path := filepath.Join(s.dir.quarantine(), segmentName(number))
		if err := moveAside(s.fs, path, s.salvagedPath(number)); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return err
		}
	}
	next := s.manifest
	next.Taken = nil
	if err := writeManifest(s.fs, s.dir, next); err != nil {
		return err
	}
	s.manifest = next
	return nil
}

// WriteText writes r for people.
func (r *RepairReport) WriteText(w io.Writer) error {
	p := printer{w: w}
	p.line("data folder %s: %d segments verified", r.Dir, r.Checked)
	for _, x := range r.Repairs {
		switch {
		case x.Error != nil:
			p.line("  %s  nothing can be read: %v", x.File, x.Error)
		default:
			p.line("  %s  %d spans kept, %d lost", x.File, x.Kept, x.Lost)
		}
	}
	for _, name := range r.Logs {
		p.line("  %s  its intact records are in the store", name)
	}
	for _, l := range r.LostLogs {
		p.lost(l)
	}
	p.line("spans lost in all: %d", r.Lost)
	return p.err
}
