package storage

import (
	"bytes"
	"context"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"slices"
	"strings"
	"sync/atomic"
	"syscall"
	"testing"

	"github.com/kiseki-dev/kiseki/storage/vfs"
	"github.com/kiseki-dev/kiseki/telemetry"
	"github.com/kiseki-dev/kiseki/telemetry/telemetrytest"
)

// TestErrorEverywhere lets the k-th file-system operation fail once, for
// every k, while clients send refused batches again. Nothing acknowledged may
// be missing or there twice: in the running store, and after a power cut.
func TestErrorEverywhere(t *testing.T) {
	for _, fail := range []error{syscall.EIO, &vfs.ShortWriteError{N: 40, Err: syscall.ENOSPC}} {
		t.Run(fail.Error(), func(t *testing.T) {
			step := int64(1)
			if testing.Short() {
				step = 7
			}
			for k := int64(0); ; k += step {
				mem := vfs.NewMem(0)
				var n atomic.Int64
				var looking atomic.Bool
				fault := vfs.NewFault(mem, func(op vfs.Op) error {
					if looking.Load() {
						return nil
					}
					if n.Add(1)-1 == k {
						return fail
					}
					return nil
				})
				persevere(t, fmt.Sprint("error at operation ", k), options(fault), mem, &looking)
				if n.Load() <= k {
					t.Logf("%d operations", n.Load())
					break
				}
			}
		})
	}
}

// persevere appends and flushes, and tries once more what fails. It sets
// looking while it reads for itself.
func persevere(t *testing.T, what string, o Options, mem *vfs.Mem, looking *atomic.Bool) {
	t.Helper()
	s, err := Open(o)
	if err != nil {
		if s, err = Open(o); err != nil {
			t.Fatalf("%s: a second open failed too: %v", what, err)
		}
	}
	defer s.Close() // its error, if that is the k-th operation, is the test's own
	var batches []*telemetry.Batch
	for i := range uint64(5) {
		b := telemetrytest.Random(i, 6)
		batches = append(batches, b)
		if _, err := s.Append(context.Background(), b); err != nil {
			if _, err := s.Append(context.Background(), b); err != nil {
				t.Fatalf("%s: append failed twice: %v", what, err)
			}
		}
		if i%2 == 1 {
			if err := s.Flush(context.Background()); err != nil {
				if err := s.Flush(context.Background()); err != nil {
					t.Fatalf("%s: flush failed twice: %v", what, err)
				}
			}
		}
		if i == 4 {
			_, _ = s.rewrite(context.Background(), rewriteJob{inputs: numbers(s)}) // compaction tries again in its own time
		}
		looking.Store(true)
		for _, clone := range []*vfs.Mem{nil, mem.CrashClone(nil)} {
			got, where := []string(nil), "running"
			if clone == nil {
				got = contents(t, s)
			} else {
				where = "after a power cut"
				again := open(t, options(clone))
				got = contents(t, again)
				closeStore(t, again)
			}
			if want := dumps(batches...); !slices.Equal(got, want) {
				t.Fatalf("%s, %s: %d spans, want %d", what, where, len(got), len(want))
			}
		}
		looking.Store(false)
	}
}

// TestUncertainManifest: when it is unknown whether a manifest reached the
// disk, a power cut may leave the old one or the new one. Either must find
// its segments and logs.
func TestUncertainManifest(t *testing.T) {
	mem := vfs.NewMem(0)
	var failing atomic.Bool
	s := open(t, options(vfs.NewFault(mem, func(op vfs.Op) error {
		if failing.Load() && op.Kind == vfs.OpSyncDir && op.Path == "/data/tenants/default" {
			return syscall.EIO
		}
		return nil
	})))
	b := telemetrytest.Random(1, 20)
	add(t, s, b)
	failing.Store(true)
	if err := s.Flush(context.Background()); err == nil {
		t.Fatal("the flush did not fail")
	}
	for seed := range uint64(40) {
		again := open(t, options(mem.CrashClone(rand.New(rand.NewPCG(seed, 0)))))
		wantSpans(t, again, b)
		if got := again.Stats().Quarantined; got != 0 {
			t.Fatalf("seed %d: %d files are missing or damaged", seed, got)
		}
		closeStore(t, again)
	}
	failing.Store(false)
}

// TestComplaintsAreSeldom: what fails again and again for the same cause is in
// the log once, another cause at once.
func TestComplaintsAreSeldom(t *testing.T) {
	var told bytes.Buffer
	o := options(vfs.NewMem(0))
	o.Logger = slog.New(slog.NewTextHandler(&told, nil))
	s := open(t, o)
	defer closeStore(t, s)
	for range 3 {
		s.complain("flush failed", fmt.Errorf("write segment: %w", syscall.ENOSPC))
	}
	s.complain("flush failed", fmt.Errorf("write segment: %w", syscall.EIO))
	if n := strings.Count(told.String(), "flush failed"); n != 2 {
		t.Errorf("%d lines, want one for each of 2 causes:\n%s", n, &told)
	}
}
