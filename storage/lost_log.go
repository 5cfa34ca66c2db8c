package storage

import (
	"slices"
	"time"

	"github.com/kiseki-dev/kiseki/storage/wal"
	"github.com/kiseki-dev/kiseki/telemetry"
)

// A stretch of log that can not be read held acknowledged spans: how many, of
// which traces and of which time nobody knows. The manifest notes it as lost
// before the log goes, so that answers say they are incomplete.

// lostMargin is how long before they came the spans of a log may have begun.
const lostMargin = time.Hour

// loseLogs notes what can not be read of the log files, which are those from
// the manifest's LogFrom on, unless that is noted already. It reports whether
// the manifest must be written.
func (s *Store) loseLogs(files []*wal.File) (changed bool, err error) {
	for i, f := range files {
		lost := int64(0)
		for _, d := range f.Damage {
			lost += d.Bytes
		}
		if lost > 0 {
			low, high, err := startsIn(f)
			if err != nil {
				return changed, err
			}
			changed = s.loseLog(f.Seq, lost, low, high) || changed
		}
		before := f.Prev
		there := slices.ContainsFunc(files[:i], func(o *wal.File) bool { return o.Seq == before.Seq })
		if before.End > 0 && before.Seq >= s.manifest.LogFrom && s.manifest.LogFrom > 0 && !there {
			s.counts.damaged.Add(1)
			s.opts.Logger.Error("log is missing", "name", wal.Name(before.Seq), "bytes", before.End)
			changed = s.loseLog(before.Seq, before.End, ^uint64(0), 0) || changed
		}
	}
	return changed, nil
}

// loseLog notes that so many bytes of a log are lost, whose other spans start
// between low and high. The lost ones are taken to have started at most
// lostMargin before the flush that the log came after, and before now.
func (s *Store) loseLog(seq uint64, size int64, low, high uint64) bool {
	if slices.ContainsFunc(s.manifest.Lost, func(e lostEntry) bool { return e.Log == seq }) {
		return false
	}
	now := unixNanos(s.opts.Clock())
	flushed := uint64(0)
	for _, e := range s.manifest.Segments {
		flushed = max(flushed, e.Written)
	}
	low, high = min(low, flushed-min(flushed, uint64(lostMargin))), max(high, now)
	e := segmentEntry{Bytes: size, MinStart: low, MaxStart: high, MaxEnd: high, Written: now}
	s.manifest.Lost = append(slices.Clone(s.manifest.Lost), lostEntry{segmentEntry: e, Log: seq})
	return true
}

// startsIn are the earliest and the latest start of the spans in a log.
func startsIn(f *wal.File) (low, high uint64, err error) {
	low = ^uint64(0)
	var d wal.Decoder
	var b telemetry.Batch
	for i := range f.Records {
		if err := d.Read(&f.Records[i], &b); err != nil {
			return 0, 0, err
		}
		for i := range b.Spans {
			low, high = min(low, b.Spans[i].Start), max(high, b.Spans[i].Start)
		}
	}
	return low, high, nil
}

// Lost is what is known to be lost to damage in one file.
type Lost struct {
	File  string // the name of the segment or log
	Spans uint64 // 0: not known
	Bytes int64  // of the file or, for a log, of the stretch; 0: not known
	// MinStart and MaxStart bound the starts of the spans, Unix nanoseconds;
	// 0 and the largest number where nothing is known.
	MinStart, MaxStart uint64
	Traces             int // how many lost spans; 0: not known
}

// Lost says what is lost: answers that would need it are incomplete.
func (s *Store) Lost() (out []Lost) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, l := range s.mu.lost {
		out = append(out, l.e.report())
	}
	return out
}

func (e lostEntry) report() Lost {
	return Lost{
		File: e.file(), Spans: e.Spans, Bytes: e.Bytes, MinStart: e.MinStart, MaxStart: e.MaxStart,
		Traces: len(e.Traces) / len(telemetry.TraceID{}),
	}
}

// file is the name of the file that the spans were in.
func (e lostEntry) file() string {
	if e.Log > 0 {
		return wal.Name(e.Log)
	}
	return segmentName(e.Number)
}
