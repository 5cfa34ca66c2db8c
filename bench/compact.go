package main

import (
	"context"
	"errors"
	"fmt"
	"time"
)

// compactResult is what merging segments costs and gains. Over its life a
// span is merged at most twice.
type compactResult struct {
	Spans    int        `json:"spans"`
	CPU      float64    `json:"cpuSeconds"` // of the server, per million spans merged
	Segments [2]int     `json:"segments"`   // before and after
	Disk     [2]float64 `json:"diskBytesPerSpan"`
	Merged   float64    `json:"mergedShare"`         // of the bytes before
	Written  float64    `json:"writtenBytesPerSpan"` // to segments, by flushes and the merge
}

// rewrites is how often a byte of a segment was written.
func (c *compactResult) rewrites() float64 { return c.Written / c.Disk[1] }

// flushes is into how many segments a load is flushed so that a merge is due
// right away, wherever the border of an hour falls.
const flushes = 40

// headBytesPerSpan is about what a span takes in memory before it is flushed.
const headBytesPerSpan = 270

// measureCompaction loads a server that flushes small segments, and waits
// until it has merged them.
func (r *run) measureCompaction(ctx context.Context) (*compactResult, error) {
	dir, remove, err := temporaryFolder()
	if err != nil {
		return nil, err
	}
	defer remove()
	requests, spans, err := makeRequests(seed, r.loadSize())
	if err != nil {
		return nil, err
	}
	flush := max(spans*headBytesPerSpan/flushes, 1<<20) // 1 MiB is the least that is allowed
	s, err := startServer(ctx, r.binary, dir, "--flush-bytes", fmt.Sprintf("%dKiB", flush>>10), "--flush-age", flushAge.String())
	if err != nil {
		return nil, err
	}
	defer s.kill()
	r.say("  ingest %s spans", grouped(spans))
	if _, err = load(ctx, feed(requests, r.say), httpSenders(s.otlpHTTP, r.connections, "")); err != nil {
		return nil, err
	}
	if err := s.awaitFlush(); err != nil {
		return nil, err
	}
	res := &compactResult{Spans: spans}
	before, err := res.measure(s, dir, 0)
	if err != nil {
		return nil, err
	}
	r.say("  waiting for compaction")
	if err := s.awaitRest(); err != nil {
		return nil, err
	}
	after, err := res.measure(s, dir, 1)
	if err != nil {
		return nil, err
	}
	merged, err := s.metric("kiseki_compaction_read_bytes_total")
	if err != nil {
		return nil, err
	}
	if merged == 0 {
		return nil, fmt.Errorf("nothing of %d segments was merged", res.Segments[0])
	}
	res.Merged = merged / (res.Disk[0] * float64(spans))
	res.CPU = (after - before).Seconds() * 1e6 / float64(spans) / res.Merged
	return res, s.stop()
}

// measure notes the state before (0) or after (1) the merge.
func (res *compactResult) measure(s *server, dir string, at int) (cpu time.Duration, err error) {
	segments, err := s.metric("kiseki_segments")
	if err != nil {
		return 0, err
	}
	res.Segments[at] = int(segments)
	var in ingestResult
	in.Spans = res.Spans
	if err := in.measureDisk(s, dir); err != nil {
		return 0, err
	}
	res.Disk[at], res.Written = in.DiskPerSpan, in.WrittenPerSpan-in.LogPerSpan
	return cpuOf(s.pid())
}

// Compaction looks for work every 30 seconds. A server that has used next to
// no processor time for longer has none left.
const (
	restFor  = 35 * time.Second
	restLoad = 0.05 // processor seconds a second
)

// awaitRest waits until the server has nothing to do.
func (s *server) awaitRest() error {
	begin := time.Now()
	before, err := cpuOf(s.pid())
	for last := begin; time.Since(last) < restFor; {
		if err != nil {
			return err
		}
		if time.Since(begin) > time.Hour {
			return errors.New("the server was busy for an hour")
		}
		time.Sleep(time.Second)
		var now time.Duration
		if now, err = cpuOf(s.pid()); (now - before).Seconds() > restLoad {
			last = time.Now()
		}
		before = now
	}
	return nil
}

func (c *compactResult) table() table {
	return table{
		title: "Compaction",
		note: fmt.Sprintf("%s spans are flushed to small segments, so that a merge is due; over its life a span is merged at most twice. "+
			"CPU is in seconds for a million merged spans. Written to segments counts flush and merge.", grouped(c.Spans)),
		header: []string{"CPU", "merged", "segments before", "after", "disk B/span before", "after", "written to segments B/span", "of what stays"},
		rows: [][]string{{fmt.Sprintf("%.2f", c.CPU), percent(c.Merged), fmt.Sprint(c.Segments[0]), fmt.Sprint(c.Segments[1]), fmt.Sprintf("%.1f", c.Disk[0]),
			fmt.Sprintf("%.1f", c.Disk[1]), fmt.Sprintf("%.0f", c.Written), fmt.Sprintf("%.2f×", c.rewrites())}},
	}
}
