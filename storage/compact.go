package storage

import (
	"context"
	"time"
)

// compactEvery is how often the store looks for segments to rewrite.
const compactEvery = 30 * time.Second

// keepCompact rewrites segments until ctx is done. It is the goroutine that
// handles the errors.
func (s *Store) keepCompact(ctx context.Context) {
	ticker := time.NewTicker(compactEvery)
	defer ticker.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-ticker.C:
		}
	}
}

// yield returns at once, or where appends wait for a flush when they do not
// any more: that flush needs the processor and the disk more than a rewrite.
func (s *Store) yield(ctx context.Context) error {
	for {
		if err := ctx.Err(); err != nil {
			return context.Cause(ctx)
		}
		s.mu.Lock()
		waiting := s.mu.frozen != nil && s.mu.flushError == nil && s.mu.active.head.bytes() >= s.opts.FlushBytes
		changed := s.mu.changed
		s.mu.Unlock()
		if !waiting {
			return nil
		}
		select {
		case <-changed:
		case <-ctx.Done():
		}
	}
}
