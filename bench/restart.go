package main

import (
	"context"
	"errors"
	"fmt"
	"time"
)

// restartResult is a start on what a kill -9 left, with as many spans in the
// log as fit before a flush.
type restartResult struct {
	Spans int           `json:"spans"` // in the log, not in a segment
	Bytes int64         `json:"bytes"` // of the data folder
	Ready time.Duration `json:"ready"` // from exec to the first 200 of /readyz
	Cold  time.Duration `json:"empty"` // the same on an empty folder
}

// fullShare of the flush limit counts as a full log.
const fullShare = 0.95

// measureRestart loads a server with the default settings to just below its
// first flush, kills it and starts it again.
func (r *run) measureRestart(ctx context.Context) (*restartResult, error) {
	r.say("restart after kill -9")
	dir, remove, err := temporaryFolder()
	if err != nil {
		return nil, err
	}
	defer remove()
	s, err := startServer(ctx, r.binary, dir)
	if err != nil {
		return nil, err
	}
	res := &restartResult{Cold: s.ready}
	err = fillHead(ctx, s)
	s.kill()
	if err != nil {
		return nil, err
	}
	if res.Bytes, err = diskUse(dir); err != nil {
		return nil, fmt.Errorf("measure data folder: %w", err)
	}
	if s, err = startServer(ctx, r.binary, dir); err != nil {
		return nil, err
	}
	defer s.kill()
	n, err := s.metric(headSpansMetric)
	res.Spans, res.Ready = int(n), s.ready
	return res, err
}

// fillHead sends spans until the head is nearly full.
func fillHead(ctx context.Context, s *server) error {
	errFull := errors.New("full")
	send := httpSenders(s.otlpHTTP, 1, "")[0]
	limit := fullShare * flushBytes
	const most = 5_000_000 // far more than fit
	n := 0
	err := eachRequest(corpusFor(most), most, func(body []byte) error {
		if n++; n%10 == 0 {
			size, err := s.metric(headBytesMetric)
			if err != nil {
				return err
			}
			if size >= limit {
				return errFull
			}
		}
		return send(ctx, body)
	})
	if !errors.Is(err, errFull) {
		return fmt.Errorf("fill head: %w", err)
	}
	return nil
}

// headBytesMetric is the memory of the spans that are not yet in a segment,
// which is flushed at flushBytes by default.
const (
	headBytesMetric = "kiseki_head_bytes"
	flushBytes      = 64 << 20
)
