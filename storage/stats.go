package storage

import (
	"sync/atomic"
	"time"

	"github.com/kiseki-dev/kiseki/storage/wal"
)

// counters are what a store counts since it was opened.
type counters struct {
	wal           wal.Metrics
	spans         atomic.Uint64
	waits         atomic.Uint64
	refusedDisk   atomic.Uint64
	flushes       atomic.Uint64
	retained      atomic.Uint64
	retainedSpans atomic.Uint64
	quarantined   atomic.Uint64
	damaged       atomic.Uint64
	damagedReads  atomic.Uint64
	early         atomic.Uint64
	flushedBytes  atomic.Uint64
	erasedTraces  atomic.Uint64
	rewrites      [rewriteReasons]rewriteCounters
}

// Stats is the state of a store, cheap enough for every scrape. Counts are
// since the store was opened.
type Stats struct {
	AppendedSpans uint64
	AppendWaits   uint64 // appends that waited for a flush
	RefusedDisk   uint64 // appends refused because the disk is nearly full

	LogRecords  uint64
	LogBytes    uint64
	LogFsyncs   uint64
	LogFsync    time.Duration // time spent in fsync
	LogFailures uint64        // log files given up after a failed write or fsync

	HeadSpans int // in memory, of both generations
	HeadBytes int64

	Segments     int
	SegmentSpans uint64
	SegmentBytes int64
	CacheBytes   int64

	Flushes          uint64
	FlushFailing     bool // the last attempt failed
	RetainedSegments uint64
	RetainedSpans    uint64 // deleted by retention
	EarlySegments    uint64 // of these, deleted early because the disk was filling up
	Quarantined      uint64 // files set aside
	DamagedReads     uint64 // reads of segments that met damage
	LostSpans        uint64 // spans in segments that can not be read for damage
	LostFiles        int    // segments and logs of which something is lost, also where nobody knows how much
	DamagedRecords   uint64 // stretches of log that could not be read on open

	PendingDeletions int    // whose traces are hidden and still on disk
	ErasedTraces     uint64 // deleted on request and gone from the disk

	// FlushedBytes are those of segments written from memory. Together with
	// what rewrites wrote they tell how often a byte is written.
	FlushedBytes uint64
	Compaction   RewriteStats
	Backlog      int          // segments that wait for compaction
	Thinning     RewriteStats // retention by query
	Erasure      RewriteStats

	DiskFree uint64 // bytes; 0 where it can not be read
}

// RewriteStats are the rewrites of segments for one reason.
type RewriteStats struct {
	Runs         uint64
	Failures     uint64
	BytesRead    uint64 // the sizes of the segments that were replaced
	BytesWritten uint64 // also by runs that came to nothing
	Time         time.Duration
	DroppedSpans uint64
	Copies       uint64 // spans dropped because they equalled another one
}

func (c *rewriteCounters) stats() RewriteStats {
	return RewriteStats{
		Runs: c.runs.Load(), Failures: c.failures.Load(), BytesRead: c.bytesRead.Load(), BytesWritten: c.bytesWritten.Load(),
		Time: time.Duration(c.nanos.Load()), DroppedSpans: c.droppedSpans.Load(), Copies: c.copies.Load(),
	}
}

// Stats is the present state.
func (s *Store) Stats() Stats {
	c := &s.counts
	out := Stats{
		AppendedSpans: c.spans.Load(), AppendWaits: c.waits.Load(), RefusedDisk: c.refusedDisk.Load(),
		LogRecords: c.wal.Records.Load(), LogBytes: c.wal.Bytes.Load(), LogFsyncs: c.wal.Fsyncs.Load(),
		LogFsync: time.Duration(c.wal.FsyncNanos.Load()), LogFailures: c.wal.Failures.Load(),
		CacheBytes: s.cache.Size(),
		Flushes:    c.flushes.Load(), RetainedSegments: c.retained.Load(), RetainedSpans: c.retainedSpans.Load(),
		Quarantined: c.quarantined.Load(), DamagedReads: c.damagedReads.Load(), EarlySegments: c.early.Load(), DamagedRecords: c.damaged.Load(),
		ErasedTraces: c.erasedTraces.Load(), FlushedBytes: c.flushedBytes.Load(),
		Compaction: c.rewrites[rewriteCompaction].stats(), Thinning: c.rewrites[rewriteRetention].stats(),
		Erasure: c.rewrites[rewriteDeletion].stats(),
	}
	if free, _, err := s.fs.Free(s.dir.root); err == nil {
		out.DiskFree = free
	}
	out.Backlog = s.backlog()
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, g := range []*generation{s.mu.active, s.mu.frozen} {
		if g != nil {
			out.HeadSpans += g.head.spans()
			out.HeadBytes += g.head.bytes()
		}
	}
	out.FlushFailing = s.mu.flushError != nil
	out.Segments = len(s.mu.segments)
	for _, d := range s.mu.deletions {
		if d.State == DeletionPending {
			out.PendingDeletions++
		}
	}
	out.LostFiles = len(s.mu.lost)
	for _, l := range s.mu.lost {
		out.LostSpans += l.e.Spans
	}
	for _, ref := range s.mu.segments {
		out.SegmentSpans += ref.entry.Spans
		out.SegmentBytes += ref.entry.Bytes
	}
	return out
}
