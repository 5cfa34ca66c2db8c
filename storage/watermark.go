package storage

import (
	"cmp"
	"fmt"
	"slices"
	"time"
)

const (
	// relieveEvery is the least time between two early deletions: a file's
	// space comes back only when the last query that reads it is over.
	relieveEvery = 30 * time.Second
	// relieveExtra is the share of the watermark that is freed beyond it, so
	// that it is not met again at once.
	relieveExtra = 8
	// relieveKeeps is how long what was received stays at least: where
	// something else fills the disk, deleting everything would not help.
	relieveKeeps = time.Hour
)

// relieve deletes the oldest segments while the volume has less free space
// than the watermark. Data goes before its time, so it says so in the log and
// in the statistics. maintenance is held.
func (s *Store) relieve() error {
	now := s.opts.Clock()
	watermark := s.opts.Retention.DiskWatermark
	if watermark <= 0 || now.Sub(s.relieved) < relieveEvery {
		return nil
	}
	disk, err := s.Disk()
	if err != nil {
		return err
	}
	need := watermark - int64(min(disk.Free, 1<<62))
	if need <= 0 {
		return nil
	}
	need += watermark / relieveExtra
	early := map[uint64]bool{}
	spans, size := uint64(0), int64(0)
	byAge := slices.SortedFunc(slices.Values(s.manifest.Segments), func(a, b segmentEntry) int { return cmp.Compare(newest(a), newest(b)) })
	for _, e := range byAge {
		if size >= need {
			break
		}
		if e.Written >= unixNanos(now.Add(-relieveKeeps)) {
			continue
		}
		early[e.Number] = true
		spans, size = spans+e.Spans, size+e.Bytes
	}
	if len(early) == 0 {
		return nil // appends are refused in time
	}
	if err := s.exchange(early, nil); err != nil {
		return fmt.Errorf("delete segments early: %w", err)
	}
	s.relieved = now
	s.counts.early.Add(uint64(len(early)))
	s.counts.retained.Add(uint64(len(early)))
	s.counts.retainedSpans.Add(spans)
	s.opts.Logger.Warn("oldest segments deleted before their time: the disk is filling up",
		"segments", len(early), "spans", spans, "bytes", size, "free", disk.Free, "watermark", watermark)
	return nil
}

// keptShare is the share of the volume that is kept free, where it is less
// than Options.MinFreeBytes: a gibibyte of a small volume would be most of it.
const keptShare = 20

// Disk is the volume of the data folder, in bytes.
type Disk struct {
	Size uint64
	Free uint64 // what may still be written
	// Reserved is the free space at which appends are refused: enough for the
	// flushes of both generations at least.
	Reserved uint64
}

// Disk reads how full the volume is.
func (s *Store) Disk() (Disk, error) {
	free, size, err := s.fs.Free(s.dir.root)
	if err != nil {
		return Disk{}, fmt.Errorf("read free disk space: %w", err)
	}
	reserved := min(uint64(s.opts.MinFreeBytes), max(size/keptShare, 2*uint64(s.opts.FlushBytes)))
	return Disk{Size: size, Free: free, Reserved: reserved}, nil
}
