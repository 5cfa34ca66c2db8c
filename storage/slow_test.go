package storage

import (
	"context"
	"errors"
	"io"
	"strings"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/kiseki-dev/kiseki/storage/vfs"
	"github.com/kiseki-dev/kiseki/telemetry"
	"github.com/kiseki-dev/kiseki/telemetry/telemetrytest"
)

// TestSlowDisk: while writing a segment hangs, reading goes on, appends go on
// until memory is full, and are then pushed back when their client gives up.
func TestSlowDisk(t *testing.T) {
	hang, hanging := make(chan struct{}), make(chan struct{}, 1)
	var slow atomic.Bool
	o := options(vfs.NewFault(vfs.NewMem(0), func(op vfs.Op) error {
		if op.Kind == vfs.OpWrite && strings.HasSuffix(op.Path, segmentSuffix+tempSuffix) && slow.Load() {
			select {
			case hanging <- struct{}{}:
			default:
			}
			<-hang
		}
		return nil
	}))
	o.FlushBytes = 100_000
	s := open(t, o)
	first := telemetrytest.Random(1, 50)
	add(t, s, first)
	flush(t, s)
	slow.Store(true)
	batches := []*telemetry.Batch{first}
	var refused error
	for seed := uint64(2); refused == nil; seed++ {
		b := telemetrytest.Random(seed, 50)
		ctx, cancel := context.WithCancel(context.Background())
		done := make(chan error, 1)
		go func() { _, err := s.Append(ctx, b); done <- err }()
		waits := s.Stats().AppendWaits
	wait:
		for {
			select {
			case refused = <-done:
				break wait
			case <-time.After(time.Millisecond):
				if s.Stats().AppendWaits > waits { // its client gives up
					cancel()
				}
			}
		}
		cancel()
		if refused == nil {
			batches = append(batches, b)
		}
	}
	<-hanging
	var again *telemetry.RetryError
	if !errors.As(refused, &again) || again.After <= 0 {
		t.Errorf("a full head gave %v", refused)
	}
	if got := s.Stats().HeadBytes; got > 4*o.FlushBytes {
		t.Errorf("%d bytes in memory", got)
	}
	wantSpans(t, s, batches...) // readers are not blocked
	slow.Store(false)
	close(hang)
	flush(t, s)
	add(t, s, telemetrytest.Random(99, 1))
}

// TestShortReads: a disk that gives only a part of what was asked for, and
// then an error, is not taken for damage and loses nothing.
func TestShortReads(t *testing.T) {
	mem := vfs.NewMem(0)
	var failing atomic.Bool
	s := open(t, options(vfs.NewFault(mem, func(op vfs.Op) error {
		if op.Kind == vfs.OpRead && failing.Load() {
			return &vfs.ShortWriteError{N: 7, Err: syscall.EIO}
		}
		return nil
	})))
	b := telemetrytest.Random(1, 300)
	add(t, s, b)
	flush(t, s)
	failing.Store(true)
	if err := readAll(s); !errors.Is(err, syscall.EIO) || errors.Is(err, io.ErrUnexpectedEOF) {
		t.Errorf("got %v", err)
	}
	if err := s.maintainOnce(context.Background()); err != nil {
		t.Error(err)
	}
	failing.Store(false)
	wantSpans(t, s, b)
	if st := s.Stats(); st.DamagedReads != 0 || st.Quarantined != 0 {
		t.Errorf("a failing disk counted as damage: %+v", st)
	}
}
