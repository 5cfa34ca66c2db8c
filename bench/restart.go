package main

import (
	"context"
	"fmt"
	"time"
)

// restartResult is a start on what a kill -9 left, with no span in a segment.
type restartResult struct {
	Spans  int           `json:"spans"`           // acknowledged, and all there afterwards
	Bytes  int64         `json:"bytes"`           // of the data folder
	Ready  time.Duration `json:"ready"`           // from exec to the first 200 of /readyz
	Cold   time.Duration `json:"empty"`           // the same on an empty folder
	Memory int64         `json:"peakMemoryBytes"` // of the start
}

// mostUnflushed bounds the spans of the restart, which all lie in memory.
const mostUnflushed = 1_000_000

// measureRestart loads a server that does not flush, kills it when the last
// request is acknowledged, starts it again and counts.
func (r *run) measureRestart(ctx context.Context) (*restartResult, error) {
	dir, remove, err := temporaryFolder()
	if err != nil {
		return nil, err
	}
	defer remove()
	requests, spans, err := makeRequests(seed, min(r.loadSize(), mostUnflushed))
	if err != nil {
		return nil, err
	}
	s, err := startServer(ctx, r.binary, dir, neverFlush...)
	if err != nil {
		return nil, err
	}
	res := &restartResult{Spans: spans, Cold: s.ready}
	r.say("  ingest %s spans", grouped(spans))
	_, err = load(ctx, feed(requests, r.say), httpSenders(s.otlpHTTP, r.connections, ""))
	s.kill()
	if err != nil {
		return nil, fmt.Errorf("%w\n%s", err, s.log)
	}
	if res.Bytes, err = diskUse(dir); err != nil {
		return nil, fmt.Errorf("measure data folder: %w", err)
	}
	if s, err = startServer(ctx, r.binary, dir, neverFlush...); err != nil {
		return nil, err
	}
	defer s.kill()
	res.Ready = s.ready
	return res, res.count(s)
}

// count checks that the server holds what was acknowledged, none of it in a
// segment.
func (res *restartResult) count(s *server) error {
	stored, err := s.spanCount()
	if err != nil {
		return err
	}
	unflushed, err := s.metric(headSpansMetric)
	if err != nil {
		return err
	}
	if stored != res.Spans || int(unflushed) != res.Spans {
		return fmt.Errorf("%d spans after the restart, %.0f of them from the log, of %d: %w", stored, unflushed, res.Spans, errLost)
	}
	res.Memory, err = memory(s.pid(), residentPeak)
	return err
}

// neverFlush keeps all spans of the restart in the log: a million take about
// 270 MiB of memory.
var neverFlush = []string{"--flush-bytes", "512MiB", "--flush-age", "1d"}
