package delivery

import (
	"context"
	"log/slog"
	"sync"
	"time"
)

// reporter tells the application's log what an operator has to know, and a
// message of a kind at most once a minute: a receiver that is down for a
// night does not fill a disk.
type reporter struct {
	logger *slog.Logger
	url    string

	mu struct {
		sync.Mutex
		last map[string]time.Time
	}
}

const reportEvery = time.Minute

func (r *reporter) log(level slog.Level, message string, args ...any) {
	r.mu.Lock()
	if r.mu.last == nil {
		r.mu.last = map[string]time.Time{}
	}
	last, seen := r.mu.last[message]
	if seen && time.Since(last) < reportEvery {
		r.mu.Unlock()
		return
	}
	r.mu.last[message] = time.Now()
	r.mu.Unlock()
	logger := r.logger
	if logger == nil {
		logger = slog.Default()
	}
	// A handler of the application that panics must not end it from here.
	defer func() { _ = recover() }()
	logger.Log(context.Background(), level, "tracing: "+message, args...)
}

func (r *reporter) fails(err error, w waiting) {
	r.log(slog.LevelWarn, "spans cannot be delivered and are kept", "endpoint", r.url, "error", err,
		"memory_spans", w.memorySpans, "disk_spans", w.diskSpans, "disk_bytes", w.diskBytes)
}

func (r *reporter) works(w waiting) {
	r.log(slog.LevelInfo, "spans are delivered again", "endpoint", r.url, "still_waiting", w.memorySpans+w.diskSpans)
}

func (r *reporter) dropped(why string, spans int, err error) {
	r.log(slog.LevelWarn, "spans dropped: "+why, "spans", spans, "error", err)
}

func (r *reporter) diskFailed(err error) {
	r.log(slog.LevelWarn, "the queue directory fails, spans wait in memory", "error", err)
}

func (r *reporter) recovered(spans, files int) {
	r.log(slog.LevelInfo, "spans of an earlier process will be sent", "spans", spans, "files", files)
}
