package storage

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/kiseki-dev/kiseki/storage/wal"
	"github.com/kiseki-dev/kiseki/telemetry"
)

const (
	// maxWait is how long an append waits for a flush to make room: shorter
	// than the 10 s that OpenTelemetry exporters allow a request by default.
	maxWait = 5 * time.Second
	// retryAfter is what a client is told when waiting would not have helped.
	retryAfter = 5 * time.Second
	// keepEncoder bounds the memory an idle encoder holds on to.
	keepEncoder = 8 << 20
)

var (
	errDiskFull = errors.New("disk is nearly full")
	errBusy     = errors.New("spans arrive faster than they can be written to disk")
)

var encoders = sync.Pool{New: func() any { return new(wal.Encoder) }}

// Append implements [telemetry.AppendFunc]: it stores all of b and returns
// when that is durable and visible to the next snapshot.
func (s *Store) Append(ctx context.Context, b *telemetry.Batch) (telemetry.Outcome, error) {
	if len(b.Spans) == 0 {
		return telemetry.Outcome{}, nil
	}
	if err := s.admit(ctx); err != nil {
		return telemetry.Outcome{}, retry(err)
	}
	enc := encoders.Get().(*wal.Encoder)
	defer func() {
		if enc.Size() <= keepEncoder {
			encoders.Put(enc)
		}
	}()
	rec, err := enc.Encode(b)
	if err != nil {
		return telemetry.Outcome{}, fmt.Errorf("append: %w", err)
	}
	if err := s.commit(b, rec); err != nil {
		return telemetry.Outcome{}, retry(err)
	}
	s.counts.spans.Add(uint64(len(b.Spans)))
	return telemetry.Outcome{}, nil
}

func retry(err error) error {
	return &telemetry.RetryError{After: retryAfter, Err: fmt.Errorf("append: %w", err)}
}

// commit makes the record durable and then the batch visible.
func (s *Store) commit(b *telemetry.Batch, rec []byte) error {
	s.gate.RLock()
	if failed := s.active.log.Err(); failed != nil && !errors.Is(failed, wal.ErrClosed) {
		s.gate.RUnlock()
		if err := s.replaceLog(); err != nil {
			return err
		}
		s.gate.RLock()
	}
	defer s.gate.RUnlock()
	g := s.active
	if err := g.log.Append(rec, len(b.Spans)); err != nil {
		return err
	}
	if g.oldest.Load() == 0 {
		g.oldest.CompareAndSwap(0, s.opts.Clock().UnixNano())
	}
	g.head.append(b)
	return nil
}

// admit returns when there is room for another batch, or says why not.
func (s *Store) admit(ctx context.Context) error {
	disk, err := s.Disk()
	if err != nil {
		return err
	}
	if disk.Free < disk.Reserved {
		s.counts.refusedDisk.Add(1)
		return fmt.Errorf("%w: %d MiB free, %d MiB are kept", errDiskFull, disk.Free>>20, disk.Reserved>>20)
	}
	var timeout <-chan time.Time
	for {
		wait, err := s.room()
		if err != nil || wait == nil {
			return err
		}
		if timeout == nil {
			s.counts.waits.Add(1)
			timer := time.NewTimer(maxWait)
			defer timer.Stop()
			timeout = timer.C
		}
		select {
		case <-wait:
		case <-timeout:
			return errBusy
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

// room says whether the head has room: if not, either what to wait for or why
// waiting is pointless.
func (s *Store) room() (wait <-chan struct{}, err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	size, full := s.mu.active.head.bytes(), s.flushBytes.Load()
	switch {
	case s.mu.closed:
		return nil, ErrClosed
	case size < full:
		return nil, nil
	case s.mu.frozen == nil && size < full+full/2:
		s.wake()
		return nil, nil
	case s.mu.flushError != nil:
		return nil, fmt.Errorf("%w: %w", errBusy, s.mu.flushError)
	}
	s.wake()
	return s.mu.changed, nil
}

// wake makes the maintenance goroutine look for work.
func (s *Store) wake() {
	select {
	case s.kick <- struct{}{}:
	default:
	}
}

// newLog makes the next log file; rotation is held.
func (s *Store) newLog() (*wal.Writer, error) {
	w, err := wal.Create(s.fs, s.dir.wal(), s.nextLog, &s.counts.wal)
	if err != nil {
		return nil, err
	}
	s.nextLog++
	return w, nil
}

// replaceLog gives the active generation a new log file after the present one
// failed. What the failed one holds beyond its last acknowledged record is
// void from then on.
func (s *Store) replaceLog() error {
	s.rotation.Lock()
	defer s.rotation.Unlock()
	if s.isClosed() {
		return ErrClosed
	}
	s.gate.RLock()
	failed := s.active.log
	s.gate.RUnlock()
	if failed.Err() == nil {
		return nil // replaced meanwhile
	}
	w, err := s.newLog()
	if err != nil {
		return err
	}
	s.gate.Lock()
	w.Begin(failed.Position())
	s.active.log = w
	s.gate.Unlock()
	s.opts.Logger.Warn("log file replaced after a failure", "failed", wal.Name(failed.Seq()), "next", wal.Name(w.Seq()), "error", failed.Err())
	if err := failed.Close(); err != nil {
		return fmt.Errorf("replace log: %w", err)
	}
	return nil
}

// freeze makes the active generation the frozen one. maintenance is held and
// there is no frozen generation.
func (s *Store) freeze() error {
	s.rotation.Lock()
	defer s.rotation.Unlock()
	w, err := s.newLog()
	if err != nil {
		return err
	}
	g := &generation{head: newHead(s.opts.Shards), log: w}
	s.gate.Lock()
	old := s.active
	w.Begin(old.log.Position())
	s.active = g
	s.update(func() { s.mu.active, s.mu.frozen = g, old })
	s.gate.Unlock()
	if err := old.log.Close(); err != nil {
		return fmt.Errorf("freeze head: %w", err)
	}
	return nil
}
