package storage

import (
	"bytes"
	"context"
	"errors"
	"log/slog"
	"strings"
	"testing"
	"time"

	"github.com/kiseki-dev/kiseki/storage/segment"
	"github.com/kiseki-dev/kiseki/storage/vfs"
	"github.com/kiseki-dev/kiseki/telemetry"
	"github.com/kiseki-dev/kiseki/telemetry/telemetrytest"
)

const quarantineDir = "/data/tenants/default/quarantine"

// subset fails unless got, sorted, is a part of want, and returns how much is
// missing.
func subset(t *testing.T, what string, got, want []string) int {
	t.Helper()
	left := map[string]int{}
	for _, span := range want {
		left[span]++
	}
	for _, span := range got {
		if left[span]--; left[span] < 0 {
			t.Fatalf("%s: there twice, or never appended:\n%s", what, span)
		}
	}
	return len(want) - len(got)
}

// readAll reads all that a store has, damage and all.
func readAll(s *Store) (damage error) {
	snap := s.Snapshot()
	defer snap.Release()
	for _, src := range snap.Sources() {
		for _, block := range src.Blocks() {
			var b telemetry.Batch
			damage = errors.Join(damage, block.Spans(0, block.Len(), &b))
		}
	}
	return damage
}

// TestDamageWhileServing flips a bit at many places of a segment that is being
// served. Whoever reads it is told, the file is set aside once, what can be
// read of it stays, and answers that would need the rest cannot be complete,
// after a restart too.
func TestDamageWhileServing(t *testing.T) {
	one, two := telemetrytest.Random(1, 4000), telemetrytest.Random(2, 40)
	base := vfs.NewMem(0)
	s := open(t, options(base))
	add(t, s, one)
	flush(t, s)
	path, size := s.mu.segments[0].path, int(s.mu.segments[0].entry.Bytes)
	add(t, s, two)
	flush(t, s)
	closeStore(t, s)
	want := dumps(one, two)
	step := size / 40
	if testing.Short() {
		step = size / 8
	}
	partly := 0
	for off := 20; off < size; off += step {
		mem := base.CrashClone(nil)
		var told bytes.Buffer
		o := options(mem)
		o.Logger = slog.New(slog.NewTextHandler(&told, nil))
		s := open(t, o)
		if err := mem.Corrupt(path, off, 0x20); err != nil {
			t.Fatal(err)
		}
		// Not every chunk is read by reading spans.
		damage := errors.Join(readAll(s), s.mu.segments[0].reader.Verify(nil))
		var corrupt *segment.CorruptError
		if !errors.As(damage, &corrupt) {
			// The footer is read when the file is opened.
			closeStore(t, s)
			continue
		}
		if corrupt.Path != path || !strings.Contains(corrupt.Error(), path) {
			t.Fatalf("flip at %d: %v", off, corrupt)
		}
		for range 3 {
			if err := s.maintainOnce(context.Background()); err != nil {
				t.Fatalf("flip at %d: %v", off, err)
			}
			_ = readAll(s) // the old damage is gone, what is lost stays lost
		}
		lost := subset(t, "flip", contents(t, s), want)
		st := s.Stats()
		if st.Quarantined != 1 || st.DamagedReads == 0 || int(st.LostSpans) != lost {
			t.Fatalf("flip at %d: %d spans are lost, statistics: %+v", off, lost, st)
		}
		if names, err := mem.List(quarantineDir); err != nil || len(names) != 1 {
			t.Fatalf("flip at %d: quarantine %q, %v", off, names, err)
		}
		closeStore(t, s)
		s = open(t, o)
		if again := subset(t, "after a restart", contents(t, s), want); again != lost {
			t.Fatalf("flip at %d: %d spans lost, after a restart %d", off, lost, again)
		}
		if err := readAll(s); errors.Is(err, errLost) != (lost > 0) {
			t.Fatalf("flip at %d: %d spans are lost, reading all gave %v", off, lost, err)
		}
		closeStore(t, s)
		if n := strings.Count(told.String(), "level=ERROR"); n != 2 {
			t.Fatalf("flip at %d: %d errors logged:\n%s", off, n, told.String())
		}
		if lost < len(one.Spans) {
			partly++
		}
	}
	if partly == 0 {
		t.Error("no damaged segment was salvaged in part")
	}
}

// TestLostTraces: a trace that is known to be whole is found without a word
// about others that were lost, and a lost one is not called absent.
func TestLostTraces(t *testing.T) {
	mem := vfs.NewMem(0)
	o := options(mem)
	clock := now
	o.Clock = func() time.Time { return clock }
	o.Retention.Age = 240 * time.Hour
	s := open(t, o)
	s.stop() // maintenance is this test's
	s.background.Wait()
	b := telemetrytest.Random(1, 6000)
	add(t, s, b)
	flush(t, s)
	ref := s.mu.segments[0]
	for off := 16; s.Stats().LostSpans == 0 && off < int(ref.entry.Bytes)/2; off += 997 {
		if err := mem.Corrupt(ref.path, off, 1); err != nil {
			t.Fatal(err)
		}
		_ = readAll(s)
		if err := s.maintainOnce(context.Background()); err != nil {
			t.Fatal(err)
		}
	}
	lost, whole, gone := s.mu.lost[0], 0, 0
	for _, span := range b.Spans {
		if err := lost.Find(span.TraceID, nil); err == nil {
			whole++
		} else {
			gone++
		}
	}
	if whole == 0 || gone == 0 || uint64(gone) < lost.e.Spans {
		t.Errorf("%d spans of whole traces, %d of lost ones; %d spans lost", whole, gone, lost.e.Spans)
	}
	clock = clock.Add(1000 * time.Hour)
	flush(t, s)
	if st := s.Stats(); st.LostSpans != 0 || len(s.manifest.Lost) != 0 {
		t.Errorf("lost spans outlive retention: %+v", st)
	}
}

// TestDamageThatPasses: a file that reads well the second time stays.
func TestDamageThatPasses(t *testing.T) {
	mem := vfs.NewMem(0)
	s := open(t, options(mem))
	b := telemetrytest.Random(1, 300)
	add(t, s, b)
	flush(t, s)
	path, size := s.mu.segments[0].path, int(s.mu.segments[0].entry.Bytes)
	s.maintenance.Lock()
	if err := mem.Corrupt(path, size/3, 1); err != nil {
		t.Fatal(err)
	}
	if s.mu.segments[0].reader.Verify(nil) == nil {
		t.Fatal("the damage was not seen")
	}
	if err := mem.Corrupt(path, size/3, 1); err != nil {
		t.Fatal(err)
	}
	s.maintenance.Unlock()
	if err := s.maintainOnce(context.Background()); err != nil {
		t.Fatal(err)
	}
	wantSpans(t, s, b)
	if st := s.Stats(); st.Quarantined != 0 || st.LostSpans != 0 || st.Segments != 1 {
		t.Errorf("statistics: %+v", st)
	}
}

// TestDamagedManifests: with one of the two damaged nothing is lost and
// nothing is there twice, even where a crash left files that it does not list.
func TestDamagedManifests(t *testing.T) {
	for _, name := range []string{manifestName, manifestCopy} {
		mem := vfs.NewMem(0)
		s := open(t, options(mem))
		one, two := telemetrytest.Random(1, 40), telemetrytest.Random(2, 40)
		add(t, s, one)
		flush(t, s)
		add(t, s, two)
		// As if a crash had come in the middle of a flush.
		s.maintenance.Lock()
		s.mu.Lock()
		head := s.mu.active.head
		s.mu.Unlock()
		ref, err := s.writeSegment(context.Background(), head)
		if err != nil {
			t.Fatal(err)
		}
		s.maintenance.Unlock()
		if err := ref.release(); err != nil {
			t.Fatal(err)
		}
		closeStore(t, s)
		info, err := mem.Stat("/data/tenants/default/" + name)
		if err != nil {
			t.Fatal(err)
		}
		for off := 0; off < int(info.Size()); off += 7 {
			clone := mem.CrashClone(nil)
			if err := clone.Corrupt("/data/tenants/default/"+name, off, 1); err != nil {
				t.Fatal(err)
			}
			s = open(t, options(clone))
			wantSpans(t, s, one, two)
			if got := s.Stats().Quarantined; got != 1 {
				t.Fatalf("%s, flip at %d: %d files counted as damaged", name, off, got)
			}
			closeStore(t, s)
			s = open(t, options(clone))
			if got := s.Stats().Quarantined; got != 0 {
				t.Fatalf("%s, flip at %d: it was not repaired", name, off)
			}
			closeStore(t, s)
		}
	}
}
