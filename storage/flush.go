package storage

import (
	"bytes"
	"cmp"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"path/filepath"
	"slices"
	"time"

	"github.com/kiseki-dev/kiseki/storage/segment"
	"github.com/kiseki-dev/kiseki/storage/vfs"
	"github.com/kiseki-dev/kiseki/storage/wal"
	"github.com/kiseki-dev/kiseki/telemetry"
)

const (
	// maintainEvery is how often ages are looked at, and how soon a failed
	// flush is tried again.
	maintainEvery = time.Second
	// retainEvery is how often retention runs, besides after each flush.
	retainEvery = time.Minute
	// sayAgain is how often the log repeats that something still fails.
	sayAgain = 5 * time.Minute
)

// maintain flushes and retains until ctx is done. It is the goroutine that
// handles the errors of both.
func (s *Store) maintain(ctx context.Context) {
	ticker := time.NewTicker(maintainEvery)
	defer ticker.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-s.kick:
		case <-ticker.C:
		}
		if err := s.maintainOnce(ctx); err != nil && ctx.Err() == nil {
			s.complain("store maintenance failed, will be tried again", err)
		}
	}
}

func (s *Store) maintainOnce(ctx context.Context) error {
	s.maintenance.Lock()
	defer s.maintenance.Unlock()
	err := errors.Join(s.setDamagedAside(ctx), s.relieve())
	switch {
	case s.flushDue():
		err = errors.Join(err, s.flush(ctx))
	case s.opts.Clock().Sub(s.retained) < retainEvery:
		return err
	}
	// After a failed flush too: it may be what makes room for the next one.
	return errors.Join(err, s.retain())
}

// complain logs an error of the background, once in a while for each cause.
func (s *Store) complain(what string, err error) {
	if say, held := s.failures.Pass(what+": "+cause(err), time.Now()); say {
		s.opts.Logger.Error(what, "error", err, "repeated", held)
	}
}

// cause is the text of the innermost error, which does not name files.
func cause(err error) string {
	for {
		switch x := err.(type) {
		case interface{ Unwrap() []error }:
			err = x.Unwrap()[0]
		case interface{ Unwrap() error }:
			next := x.Unwrap()
			if next == nil {
				return err.Error()
			}
			err = next
		default:
			return err.Error()
		}
	}
}

// SetFlushBytes changes [Options.FlushBytes], for stores that share memory.
func (s *Store) SetFlushBytes(n int64) {
	s.flushBytes.Store(n)
	s.wake()
}

func (s *Store) flushDue() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	oldest := s.mu.active.oldest.Load()
	return s.mu.frozen != nil || s.mu.active.head.bytes() >= s.flushBytes.Load() ||
		oldest != 0 && s.opts.Clock().Sub(time.Unix(0, oldest)) >= s.opts.FlushAge
}

// Flush writes all that is in memory to segments and applies retention.
func (s *Store) Flush(ctx context.Context) error {
	s.maintenance.Lock()
	defer s.maintenance.Unlock()
	if s.isClosed() {
		return ErrClosed
	}
	// A generation that waits for another attempt goes first.
	for s.pending() {
		if err := s.flush(ctx); err != nil {
			return err
		}
	}
	return s.retain()
}

func (s *Store) pending() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.mu.frozen != nil || s.mu.active.oldest.Load() != 0
}

// flush moves one generation to a segment: the frozen one if there is one,
// else the active one. maintenance is held.
func (s *Store) flush(ctx context.Context) (err error) {
	defer func() { s.update(func() { s.mu.flushError = err }) }()
	s.mu.Lock()
	frozen := s.mu.frozen
	s.mu.Unlock()
	if frozen == nil {
		if err := s.freeze(); err != nil {
			return err
		}
		s.mu.Lock()
		frozen = s.mu.frozen
		s.mu.Unlock()
	}
	ref, err := s.writeSegment(ctx, frozen.head)
	if err != nil {
		return fmt.Errorf("flush: %w", err)
	}
	next := s.manifest
	next.LogFrom, next.Segments = frozen.log.Seq()+1, append(slices.Clone(s.manifest.Segments), ref.entry)
	if err := writeManifest(s.fs, s.dir, next); err != nil {
		if _, uncertain := errors.AsType[uncertainError](err); !uncertain {
			ref.doomed.Store(true)
		}
		return fmt.Errorf("flush: %w", errors.Join(err, ref.release()))
	}
	s.manifest = next
	s.update(func() {
		s.mu.frozen = nil
		s.mu.segments = append(slices.Clone(s.mu.segments), ref)
	})
	s.counts.flushes.Add(1)
	s.counts.flushedBytes.Add(uint64(ref.entry.Bytes))
	return s.removeLogs()
}

// removeLogs deletes the log files whose spans are all in segments.
func (s *Store) removeLogs() error {
	names, err := s.fs.List(s.dir.wal())
	if err != nil {
		return fmt.Errorf("delete log: %w", err)
	}
	removed := false
	for _, name := range names {
		if seq, ok := wal.ParseName(name); ok && seq < s.manifest.LogFrom {
			if err := s.fs.Remove(filepath.Join(s.dir.wal(), name)); err != nil {
				return fmt.Errorf("delete log: %w", err)
			}
			removed = true
		}
	}
	if !removed {
		return nil
	}
	// For good: without a manifest a log that came back would be read, and
	// bring back what was deleted since.
	if err := s.fs.SyncDir(s.dir.wal()); err != nil {
		return fmt.Errorf("delete log: %w", err)
	}
	return nil
}

// writeSegment writes h to a segment that is durably named but not listed.
func (s *Store) writeSegment(ctx context.Context, h *head) (*segmentRef, error) {
	temp := filepath.Join(s.dir.segments(), "flush"+segmentSuffix+tempSuffix)
	w, err := segment.Create(s.fs, temp, segment.Options{})
	if err != nil {
		return nil, err
	}
	if err := writeTraces(ctx, w, h); err != nil {
		return nil, errors.Join(err, w.Abort())
	}
	info, err := w.Finish()
	if err != nil {
		return nil, errors.Join(err, removeIfThere(s.fs, temp))
	}
	return s.nameSegment(temp, info, segmentEntry{Written: unixNanos(s.opts.Clock())})
}

// unixNanos is t as telemetry counts time; times before 1970 are 0.
func unixNanos(t time.Time) uint64 { return uint64(max(0, t.UnixNano())) }

func removeIfThere(fsys vfs.FS, path string) error {
	if err := fsys.Remove(path); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	return nil
}

// writeTraces adds all traces of h in the order the segment wants.
func writeTraces(ctx context.Context, w *segment.Writer, h *head) error {
	refs := h.traces()
	slices.SortFunc(refs, func(a, b traceRef) int {
		if c := cmp.Compare(a.start, b.start); c != 0 {
			return c
		}
		return bytes.Compare(a.id[:], b.id[:])
	})
	x := newFlusher(h)
	for _, ref := range refs {
		if err := ctx.Err(); err != nil {
			return err
		}
		if err := w.AddCoded(x.trace(ref)); err != nil {
			return err
		}
	}
	return nil
}

// flusher copies traces out of a head, one at a time.
type flusher struct {
	shards []flushShard
	rows   []uint32
}

// flushShard reads one shard. Its batch has all resources and scopes of the
// shard, in the order of their codes, and of spans those of one trace.
type flushShard struct {
	spanReader
	attrs int // in the batch, of the resources and scopes
}

func newFlusher(h *head) *flusher {
	x := &flusher{shards: make([]flushShard, len(h.shards))}
	for i, shard := range h.shards {
		r := &x.shards[i]
		r.v, r.dst, r.codes = shard.view.Load(), &telemetry.Batch{}, &segment.Codes{}
		for i := range r.v.resources {
			r.addResource(&r.v.resources[i])
		}
		for i := range r.v.scopes {
			r.addScope(&r.v.scopes[i])
		}
		r.attrs = len(r.dst.Attrs)
		r.codes.Columns = make([]uint32, r.attrs)
	}
	return x
}

// trace is all spans of a trace as rows of a batch, for [segment.Writer.AddCoded];
// they are valid until the next call.
func (x *flusher) trace(ref traceRef) (*telemetry.Batch, []uint32, *segment.Codes) {
	r := &x.shards[ref.shard]
	b, codes := r.dst, r.codes
	b.Spans, b.Events, b.Links, b.Attrs = b.Spans[:0], b.Events[:0], b.Links[:0], b.Attrs[:r.attrs]
	codes.Names, codes.Columns = codes.Names[:0], codes.Columns[:r.attrs]
	x.rows = x.rows[:0]
	for next := r.v.trace(ref.entry).first + 1; next != 0; {
		row := r.v.row(next - 1)
		x.rows = append(x.rows, uint32(len(b.Spans)))
		r.add(row)
		next = row.next
	}
	return b, x.rows, codes
}
