package storage

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/kiseki-dev/kiseki/storage/vfs"
	"github.com/kiseki-dev/kiseki/telemetry"
	"github.com/kiseki-dev/kiseki/telemetry/telemetrytest"
)

// TestCrashWithoutManifests cuts the power before the k-th operation of every
// workload and takes both manifests away as well. What was acknowledged is
// there, once, and what was deleted is not. What retention
// had just deleted may be back.
func TestCrashWithoutManifests(t *testing.T) {
	step := int64(1)
	if testing.Short() {
		step = 7
	}
	for _, workload := range crashWorkloads {
		if strings.Contains(workload, "damage") {
			continue // what is lost is not known any more
		}
		t.Run(strings.ReplaceAll(workload, " ", "-"), func(t *testing.T) {
			t.Parallel()
			for k := int64(0); ; k += step {
				c, operations := runUntil(workload, k)
				clone := c.mem.CrashClone(nil)
				for _, name := range []string{manifestName, manifestCopy} {
					path := "/data/tenants/default/" + name
					if _, err := clone.Stat(path); err != nil {
						continue // the cut came early
					}
					if err := clone.Corrupt(path, 3, 1); err != nil {
						t.Fatal(err)
					}
				}
				c.damaged = true // on purpose
				c.check(t, fmt.Sprint("cut at ", k), clone)
				if c.s != nil {
					_ = c.s.Close()
				}
				if operations <= k {
					return
				}
			}
		})
	}
}

// TestRebuild: three segments of which one is the compaction of
// the others, and a log that was flushed, are one of each span again; a
// deletion of a trace holds in all of them, and a crash in the middle changes
// nothing.
func TestRebuild(t *testing.T) {
	mem := vfs.NewMem(0)
	s := open(t, options(mem))
	one, two, three := telemetrytest.Random(1, 40), telemetrytest.Random(2, 40), telemetrytest.Random(3, 40)
	add(t, s, one)
	flush(t, s)
	add(t, s, two)
	flush(t, s)
	id := one.Spans[0].TraceID
	deleted(t, s, id)
	snap := s.Snapshot() // keeps the inputs
	if _, err := s.rewrite(context.Background(), rewriteJob{inputs: numbers(s)}); err != nil {
		t.Fatal(err)
	}
	add(t, s, three)
	s.maintenance.Lock()
	ref, err := s.writeSegment(context.Background(), s.active.head)
	s.maintenance.Unlock()
	if err := errors.Join(err, ref.release()); err != nil {
		t.Fatal(err)
	}
	crashed := mem.CrashClone(nil)
	snap.Release()
	for _, name := range []string{manifestName, manifestCopy} {
		if err := crashed.Corrupt("/data/tenants/default/"+name, 3, 1); err != nil {
			t.Fatal(err)
		}
	}
	left := lacking(one, map[telemetry.TraceID]struct{}{id: {}})
	for k := int64(0); ; k++ {
		clone := crashed.CrashClone(nil)
		fault := vfs.NewFault(clone, func(op vfs.Op) error {
			if op.N >= k {
				return &vfs.ShortWriteError{N: 5, Err: errPowerCut}
			}
			return nil
		})
		s, err := Open(options(fault))
		if err == nil {
			_ = s.Close()
		}
		again := open(t, options(clone.CrashClone(nil)))
		wantSpans(t, again, left, two, three)
		if again.manifest.Rebuilt {
			t.Fatalf("cut at %d: not done", k)
		}
		closeStore(t, again)
		if fault.Ops() <= k {
			break
		}
	}
}

// TestRebuildBesideDamage: a segment that can not be read does not keep the
// others from being served once.
func TestRebuildBesideDamage(t *testing.T) {
	mem := vfs.NewMem(0)
	s := open(t, options(mem))
	one, two := telemetrytest.Random(1, 40), telemetrytest.Random(2, 4000)
	add(t, s, two)
	flush(t, s)
	bad := s.mu.segments[0]
	add(t, s, one)
	s.maintenance.Lock()
	ref, err := s.writeSegment(context.Background(), s.active.head)
	s.maintenance.Unlock()
	if err := errors.Join(err, ref.release()); err != nil {
		t.Fatal(err)
	}
	crashed := mem.CrashClone(nil)
	err = errors.Join(crashed.Corrupt(bad.path, int(bad.entry.Bytes/2), 1),
		crashed.Corrupt("/data/tenants/default/"+manifestName, 3, 1), crashed.Corrupt("/data/tenants/default/"+manifestCopy, 3, 1))
	if err != nil {
		t.Fatal(err)
	}
	s = open(t, options(crashed))
	_ = readAll(s)
	if err := s.maintainOnce(context.Background()); err != nil {
		t.Fatal(err)
	}
	got := contents(t, s)
	subset(t, "beside damage", got, dumps(one, two))
	for _, span := range dumps(one) {
		if !slices.Contains(got, span) {
			t.Fatal("an intact span is missing")
		}
	}
}

// TestRepairCrash cuts the power before the k-th operation of a repair that
// takes a segment out of quarantine: another one takes it once.
func TestRepairCrash(t *testing.T) {
	mem := vfs.NewMem(0)
	s := open(t, options(mem))
	b := telemetrytest.Random(1, 40)
	add(t, s, b)
	flush(t, s)
	path := s.mu.segments[0].path
	closeStore(t, s)
	if err := mem.Rename(path, quarantineDir+"/"+segmentName(1)); err != nil {
		t.Fatal(err)
	}
	if err := errors.Join(mem.SyncDir("/data/tenants/default/segments"), mem.SyncDir(quarantineDir)); err != nil {
		t.Fatal(err)
	}
	for k := int64(0); ; k++ {
		clone := mem.CrashClone(nil)
		fault := vfs.NewFault(clone, func(op vfs.Op) error {
			if op.N >= k {
				return &vfs.ShortWriteError{N: 5, Err: errPowerCut}
			}
			return nil
		})
		_, _ = Repair(t.Context(), options(fault))
		clone = clone.CrashClone(nil)
		for range 2 {
			r, err := Repair(t.Context(), options(clone))
			if err != nil || r.Lost != 0 {
				t.Fatalf("cut at %d: %+v, %v", k, r, err)
			}
		}
		s := open(t, options(clone))
		wantSpans(t, s, b)
		closeStore(t, s)
		if names, err := clone.List(quarantineDir); err != nil || len(names) != 1 || !strings.HasSuffix(names[0], salvagedSuffix) {
			t.Fatalf("cut at %d: quarantine %q, %v", k, names, err)
		}
		if fault.Ops() <= k {
			break
		}
	}
}
