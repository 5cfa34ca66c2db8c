package main

import (
	"slices"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/kiseki-dev/kiseki/storage"
)

// storeMetric is one number of the store.
type storeMetric struct {
	name, help string
	kind       prometheus.ValueType
	value      func(*storage.Stats) float64
}

// shared are the metrics of which all stores tell the same, or that say
// whether any store is in some state. The others are added up over the stores.
var shared = map[string]bool{"segment_cache_bytes": true, "disk_free_bytes": true, "flush_failing": true}

var storeMetrics = []storeMetric{
	{"appended_spans_total", "Spans stored since the start.", prometheus.CounterValue,
		func(s *storage.Stats) float64 { return float64(s.AppendedSpans) }},
	{"append_waits_total", "Requests that waited for a flush because memory was full.", prometheus.CounterValue,
		func(s *storage.Stats) float64 { return float64(s.AppendWaits) }},
	{"append_disk_refusals_total", "Requests refused because the disk is nearly full.", prometheus.CounterValue,
		func(s *storage.Stats) float64 { return float64(s.RefusedDisk) }},

	{"wal_records_total", "Requests written to the write-ahead log.", prometheus.CounterValue,
		func(s *storage.Stats) float64 { return float64(s.LogRecords) }},
	{"wal_written_bytes_total", "Bytes written to the write-ahead log.", prometheus.CounterValue,
		func(s *storage.Stats) float64 { return float64(s.LogBytes) }},
	{"wal_fsyncs_total", "Calls of fsync for the log; one serves many requests.", prometheus.CounterValue,
		func(s *storage.Stats) float64 { return float64(s.LogFsyncs) }},
	{"wal_fsync_seconds_total", "Time spent in fsync for the log.", prometheus.CounterValue,
		func(s *storage.Stats) float64 { return s.LogFsync.Seconds() }},
	{"wal_failures_total", "Log files given up after a failed write or fsync.", prometheus.CounterValue,
		func(s *storage.Stats) float64 { return float64(s.LogFailures) }},
	{"wal_damaged_stretches_total", "Stretches of log that could not be read at the start.", prometheus.CounterValue,
		func(s *storage.Stats) float64 { return float64(s.DamagedRecords) }},

	{"head_spans", "Spans in memory and in the log, not yet in a segment.", prometheus.GaugeValue,
		func(s *storage.Stats) float64 { return float64(s.HeadSpans) }},
	{"head_bytes", "Memory taken by the spans of kiseki_head_spans.", prometheus.GaugeValue,
		func(s *storage.Stats) float64 { return float64(s.HeadBytes) }},
	{"flushes_total", "Segments written from memory.", prometheus.CounterValue,
		func(s *storage.Stats) float64 { return float64(s.Flushes) }},
	{"flush_failing", "1 while writing a segment fails and is tried again.", prometheus.GaugeValue,
		func(s *storage.Stats) float64 { return oneIf(s.FlushFailing) }},

	{"flushed_bytes_total", "Bytes of segments written from memory. What compactions wrote divided by it is how often a byte is written again.", prometheus.CounterValue,
		func(s *storage.Stats) float64 { return float64(s.FlushedBytes) }},

	{"segments", "Segments on disk.", prometheus.GaugeValue,
		func(s *storage.Stats) float64 { return float64(s.Segments) }},
	{"compaction_pending_segments", "Segments that wait for compaction; dozens for hours mean that it does not keep up or has no disk space.", prometheus.GaugeValue,
		func(s *storage.Stats) float64 { return float64(s.Backlog) }},
	{"segment_spans", "Spans in segments.", prometheus.GaugeValue,
		func(s *storage.Stats) float64 { return float64(s.SegmentSpans) }},
	{"segment_bytes", "Bytes of all segments.", prometheus.GaugeValue,
		func(s *storage.Stats) float64 { return float64(s.SegmentBytes) }},
	{"segment_cache_bytes", "Memory taken by decoded parts of segments.", prometheus.GaugeValue,
		func(s *storage.Stats) float64 { return float64(s.CacheBytes) }},
	{"quarantined_files_total", "Damaged files set aside.", prometheus.CounterValue,
		func(s *storage.Stats) float64 { return float64(s.Quarantined) }},
	{"segment_damaged_reads_total", "Reads that met a damaged place of a segment.", prometheus.CounterValue,
		func(s *storage.Stats) float64 { return float64(s.DamagedReads) }},
	{"lost_spans", "Spans of segments that cannot be read for damage; answers that need them are incomplete.", prometheus.GaugeValue,
		func(s *storage.Stats) float64 { return float64(s.LostSpans) }},
	{"lost_files", "Segments and logs of which something is lost to damage; answers that need it are incomplete.", prometheus.GaugeValue,
		func(s *storage.Stats) float64 { return float64(s.LostFiles) }},
	{"retention_early_segments_total", "Segments deleted before their time because free disk space was below the watermark.", prometheus.CounterValue,
		func(s *storage.Stats) float64 { return float64(s.EarlySegments) }},
	{"retention_deleted_segments_total", "Segments deleted by retention.", prometheus.CounterValue,
		func(s *storage.Stats) float64 { return float64(s.RetainedSegments) }},
	{"retention_deleted_spans_total", "Spans deleted by retention.", prometheus.CounterValue,
		func(s *storage.Stats) float64 { return float64(s.RetainedSpans) }},
	{"deletions_pending", "Deletions whose traces are in no answer but still on disk.", prometheus.GaugeValue,
		func(s *storage.Stats) float64 { return float64(s.PendingDeletions) }},
	{"erased_traces_total", "Traces deleted on request and gone from the disk.", prometheus.CounterValue,
		func(s *storage.Stats) float64 { return float64(s.ErasedTraces) }},
	{"disk_free_bytes", "Bytes that may still be written on the data folder's volume.", prometheus.GaugeValue,
		func(s *storage.Stats) float64 { return float64(s.DiskFree) }},
}

func oneIf(b bool) float64 {
	if b {
		return 1
	}
	return 0
}

// rewriteMetrics are about rewrites of segments, by their reason.
var rewriteMetrics = []struct {
	name, help string
	value      func(*storage.RewriteStats) float64
}{
	{"runs_total", "Rewrites of segments that were completed.", func(r *storage.RewriteStats) float64 { return float64(r.Runs) }},
	{"failures_total", "Rewrites of segments that failed and are tried again.", func(r *storage.RewriteStats) float64 { return float64(r.Failures) }},
	{"read_bytes_total", "Bytes of segments that rewrites replaced.", func(r *storage.RewriteStats) float64 { return float64(r.BytesRead) }},
	{"written_bytes_total", "Bytes of segments that rewrites wrote.", func(r *storage.RewriteStats) float64 { return float64(r.BytesWritten) }},
	{"seconds_total", "Time spent in rewrites of segments.", func(r *storage.RewriteStats) float64 { return r.Time.Seconds() }},
	{"dropped_spans_total", "Spans that rewrites left out.", func(r *storage.RewriteStats) float64 { return float64(r.DroppedSpans) }},
	{"copies_total", "Spans that rewrites left out because an equal one, or one with an end, stays.", func(r *storage.RewriteStats) float64 { return float64(r.Copies) }},
}

// storeCollector reads the state of all tenants' stores once a scrape, and tells
// it for all together: the number of series does not depend on that of tenants.
type storeCollector struct {
	tenants  *tenants
	descs    []*prometheus.Desc // parallel to storeMetrics
	rewrites []*prometheus.Desc // parallel to rewriteMetrics
}

func newStoreCollector(ts *tenants) *storeCollector {
	c := &storeCollector{tenants: ts}
	for _, m := range storeMetrics {
		c.descs = append(c.descs, prometheus.NewDesc("kiseki_"+m.name, m.help, nil, nil))
	}
	for _, m := range rewriteMetrics {
		c.rewrites = append(c.rewrites, prometheus.NewDesc("kiseki_compaction_"+m.name, m.help, []string{"reason"}, nil))
	}
	return c
}

// Describe implements [prometheus.Collector].
func (c *storeCollector) Describe(ch chan<- *prometheus.Desc) {
	for _, d := range slices.Concat(c.descs, c.rewrites) {
		ch <- d
	}
}

// Collect implements [prometheus.Collector].
func (c *storeCollector) Collect(ch chan<- prometheus.Metric) {
	var stats []storage.Stats
	for _, t := range c.tenants.all() {
		stats = append(stats, t.store.Stats())
	}
	for i, m := range storeMetrics {
		var total float64
		for j := range stats {
			if v := m.value(&stats[j]); shared[m.name] {
				total = max(total, v)
			} else {
				total += v
			}
		}
		ch <- prometheus.MustNewConstMetric(c.descs[i], m.kind, total)
	}
	for reason, of := range rewriteReasons {
		for i, m := range rewriteMetrics {
			var total float64
			for j := range stats {
				total += m.value(of(&stats[j]))
			}
			ch <- prometheus.MustNewConstMetric(c.rewrites[i], prometheus.CounterValue, total, reason)
		}
	}
}

// rewriteReasons are the rewrites by the label that says why they are done.
var rewriteReasons = map[string]func(*storage.Stats) *storage.RewriteStats{
	"compaction": func(s *storage.Stats) *storage.RewriteStats { return &s.Compaction },
	"retention":  func(s *storage.Stats) *storage.RewriteStats { return &s.Thinning },
	"deletion":   func(s *storage.Stats) *storage.RewriteStats { return &s.Erasure },
}
