package storage

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"path/filepath"
	"slices"
	"time"

	"github.com/kiseki-dev/kiseki/storage/segment"
	"github.com/kiseki-dev/kiseki/storage/vfs"
	"github.com/kiseki-dev/kiseki/storage/wal"
	"github.com/kiseki-dev/kiseki/telemetry"
)

// Report is what a data folder holds.
type Report struct {
	Dir string
	// InUse says that a store has the folder open: files may have come and
	// gone while they were read.
	InUse      bool
	LogFrom    uint64
	Logs       []LogReport
	Segments   []SegmentReport
	Lost       []Lost // what damage has taken, as far as it was noticed
	Deletions  []DeletionReport
	Unlisted   []string // files that the next open deletes
	Quarantine []string
	Problems   []error // everything that is not as it was written
}

// LogReport is one log file.
type LogReport struct {
	Name    string
	Bytes   int64 // up to the last intact record
	Records int
	Spans   uint64
	Torn    int64 // bytes after that
	Void    int   // records never acknowledged
}

// DeletionReport is a deletion whose traces are hidden and may still be in
// files.
type DeletionReport struct {
	Deletion
	Segments []uint64 // those named by it that are still there
}

// SegmentReport is one segment.
type SegmentReport struct {
	Number   uint64
	Intact   bool                 // every checksum matches
	Contents *segment.Description // nil if it can not be read
}

// Inspect reads everything in a data folder, verifies every checksum and says
// what is there. It changes nothing. It holds the folder's lock meanwhile, or
// where a server does, runs beside it and says so: segments that retention
// deletes meanwhile are then left out.
func Inspect(fsys vfs.FS, dir string) (r Report, err error) {
	if fsys == nil {
		fsys = vfs.OS{}
	}
	r.Dir = dir
	f := tenantFolder(dir)
	if _, err := fsys.Stat(f.root); err != nil {
		return r, fmt.Errorf("inspect %s: there is no store: %w", dir, err)
	}
	lock, err := fsys.Lock(lockPath(dir))
	switch {
	case errors.Is(err, vfs.ErrLocked):
		r.InUse = true
	case err != nil:
		return r, fmt.Errorf("inspect %s: %w", dir, err)
	default:
		defer func() { err = errors.Join(err, lock.Close()) }()
	}
	m, err := readManifests(fsys, f)
	if err != nil {
		r.Problems = append(r.Problems, err)
	}
	r.Problems = append(r.Problems, m.problems...)
	r.LogFrom = m.LogFrom
	for _, e := range m.Lost {
		r.Lost = append(r.Lost, e.report())
	}
	for _, step := range []func() error{
		func() error { return r.inspectLogs(fsys, f) },
		func() error { return r.inspectSegments(fsys, f, m.manifest) },
		func() error { return r.inspectDeletions(fsys, f, m.manifest) },
		func() (err error) { r.Quarantine, err = fsys.List(f.quarantine()); return err },
	} {
		if err := step(); err != nil {
			return r, fmt.Errorf("inspect %s: %w", dir, err)
		}
	}
	return r, nil
}

func (r *Report) inspectLogs(fsys vfs.FS, dir folder) (err error) {
	files, err := readLogs(fsys, dir, r.LogFrom)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, closeLogs(files)) }()
	var d wal.Decoder
	var b telemetry.Batch
	for _, f := range files {
		r.Logs = append(r.Logs, LogReport{
			Name: filepath.Base(f.Path), Bytes: f.End, Records: len(f.Records), Spans: f.Spans(), Torn: f.Torn, Void: f.Void,
		})
		for _, damage := range f.Damage {
			r.Problems = append(r.Problems, damage)
		}
		for i := range f.Records {
			if err := d.Read(&f.Records[i], &b); err != nil {
				r.Problems = append(r.Problems, err)
			}
		}
	}
	return nil
}

func (r *Report) inspectSegments(fsys vfs.FS, dir folder, m manifest) error {
	listed := map[uint64]bool{}
	for _, e := range m.Segments {
		listed[e.Number] = true
		s := SegmentReport{Number: e.Number}
		err := s.inspect(fsys, dir.segment(e.Number))
		if r.InUse && errors.Is(err, fs.ErrNotExist) {
			continue
		}
		if err != nil {
			r.Problems = append(r.Problems, err)
		}
		r.Segments = append(r.Segments, s)
	}
	names, err := fsys.List(dir.segments())
	if err != nil {
		return err
	}
	for _, name := range names {
		if number, ok := parseSegmentName(name); !ok || !listed[number] {
			r.Unlisted = append(r.Unlisted, name)
		}
	}
	return nil
}

func (r *Report) inspectDeletions(fsys vfs.FS, dir folder, m manifest) error {
	pending, err := readDeletions(fsys, dir, func(path string, err error) error {
		r.Problems = append(r.Problems, fmt.Errorf("%s: %w", path, err))
		return nil
	})
	if errors.Is(err, fs.ErrNotExist) { // the folder is older than deletions
		return nil
	}
	for _, p := range pending {
		r.Deletions = append(r.Deletions, DeletionReport{p.Deletion, deletedIn(m, p)})
	}
	return err
}

func (s *SegmentReport) inspect(fsys vfs.FS, path string) (err error) {
	reader, err := segment.Open(fsys, path, segment.NewCache(1<<20))
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, reader.Close()) }()
	d, err := reader.Describe()
	if err != nil {
		return err
	}
	s.Contents = &d
	if err := reader.Verify(nil); err != nil {
		return err
	}
	s.Intact = true
	return nil
}

// WriteText writes r for people.
func (r *Report) WriteText(w io.Writer) error {
	p := printer{w: w}
	p.line("data folder %s", r.Dir)
	if r.InUse {
		p.line("a server has it open: files may have come and gone while they were read")
	}
	p.line("")
	p.line("log, from sequence %d", r.LogFrom)
	for _, l := range r.Logs {
		p.line("  %s  %d bytes, %d records, %d spans", l.Name, l.Bytes, l.Records, l.Spans)
		if l.Torn > 0 || l.Void > 0 {
			p.line("    never acknowledged: %d bytes at the end, %d records", l.Torn, l.Void)
		}
	}
	p.line("segments: %d", len(r.Segments))
	for _, s := range r.Segments {
		p.segment(s)
	}
	p.line("deletions whose traces may still be on disk: %d", len(r.Deletions))
	for _, d := range r.Deletions {
		p.line("  %s  %d traces, asked for %s, in segments %v", deletionName(d.ID), d.Traces, d.Requested.Format(time.RFC3339), d.Segments)
	}
	for _, l := range r.Lost {
		p.lost(l)
	}
	p.names("left over, deleted when the store is opened", r.Unlisted)
	p.names("quarantine", r.Quarantine)
	p.line("")
	if len(r.Problems) == 0 {
		p.line("every checksum matches")
	} else {
		p.line("problems: %d", len(r.Problems))
	}
	for _, err := range r.Problems {
		p.line("  %v", err)
	}
	return p.err
}

// printer keeps the first error.
type printer struct {
	w   io.Writer
	err error
}

func (p *printer) line(format string, args ...any) {
	if p.err == nil {
		_, p.err = fmt.Fprintf(p.w, format+"\n", args...)
	}
}

func (p *printer) names(title string, names []string) {
	if len(names) == 0 {
		return
	}
	p.line("%s:", title)
	for _, name := range names {
		p.line("  %s", name)
	}
}

func (p *printer) lost(l Lost) {
	spans := "spans, nobody knows how many,"
	if l.Spans > 0 {
		spans = fmt.Sprintf("%d spans", l.Spans)
	}
	when := "of any time"
	if l.MaxStart != ^uint64(0) {
		when = "with starts from " + moment(l.MinStart) + " to " + moment(l.MaxStart)
	}
	p.line("lost: %s of %s, %s", spans, l.File, when)
}

func (p *printer) segment(s SegmentReport) {
	c := s.Contents
	if c == nil {
		p.line("  %s  unreadable", segmentName(s.Number))
		return
	}
	state := "intact"
	if !s.Intact {
		state = "DAMAGED"
	}
	p.line("  %s  %s, %d bytes, %d spans (%.1f bytes each), %d traces, starts %s to %s", segmentName(s.Number), state,
		c.Bytes, c.Spans, float64(c.Bytes)/float64(max(c.Spans, 1)), c.Traces, moment(c.MinStart), moment(c.MaxStart))
	columns := slices.Clone(c.Columns)
	slices.SortStableFunc(columns, func(a, b segment.ColumnDescription) int { return int(b.Bytes - a.Bytes) })
	for _, col := range columns {
		p.line("    %10d bytes %8.2f a span  %s", col.Bytes, float64(col.Bytes)/float64(max(c.Spans, 1)), col.Name)
	}
	for _, x := range []struct {
		name  string
		bytes int64
	}{
		{"resources", c.Resources}, {"scopes", c.Scopes}, {"attribute shapes", c.Shapes}, {"trace tables", c.TraceTables},
		{"directories", c.Directories}, {"trace index", c.TraceIndex}, {"operations", c.Operations}, {"keys", c.Keys},
		{"footer and ends", c.FooterAndEnds},
	} {
		p.line("    %10d bytes %8.2f a span  (%s)", x.bytes, float64(x.bytes)/float64(max(c.Spans, 1)), x.name)
	}
}

func moment(nanos uint64) string { return time.Unix(0, int64(nanos)).UTC().Format(time.RFC3339) }
