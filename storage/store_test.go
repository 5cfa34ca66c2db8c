package storage

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"math"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/kiseki-dev/kiseki/storage/scan"
	"github.com/kiseki-dev/kiseki/storage/vfs"
	"github.com/kiseki-dev/kiseki/storage/wal"
	"github.com/kiseki-dev/kiseki/telemetry"
	"github.com/kiseki-dev/kiseki/telemetry/telemetrytest"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// now is after all spans of telemetrytest.Random have ended.
var now = time.Unix(0, 1_790_200_000_000_000_000)

func options(fsys vfs.FS) Options {
	return Options{FS: fsys, Dir: "/data", Clock: func() time.Time { return now }, MinFreeBytes: 1, Shards: 2}
}

func open(t testing.TB, o Options) *Store {
	t.Helper()
	s, err := Open(o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { s.Close() })
	return s
}

func add(t testing.TB, s *Store, b *telemetry.Batch) {
	t.Helper()
	if _, err := s.Append(context.Background(), b); err != nil {
		t.Fatal(err)
	}
}

func flush(t testing.TB, s *Store) {
	t.Helper()
	if err := s.Flush(context.Background()); err != nil {
		t.Fatal(err)
	}
}

func closeStore(t testing.TB, s *Store) {
	t.Helper()
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
}

// contents are the spans of a store, sorted, as text.
func contents(t testing.TB, s *Store) []string {
	t.Helper()
	snap := s.Snapshot()
	defer snap.Release()
	var out []string
	for _, src := range snap.Sources() {
		if _, lost := src.(*lostSource); lost {
			continue
		}
		for _, block := range src.Blocks() {
			var b telemetry.Batch
			if err := block.Spans(0, block.Len(), &b); err != nil {
				t.Fatal(err)
			}
			for i := range b.Spans {
				out = append(out, strings.Clone(telemetrytest.DumpSpan(&b, i)))
			}
		}
	}
	slices.Sort(out)
	return out
}

func dumps(batches ...*telemetry.Batch) (out []string) {
	for _, b := range batches {
		for i := range b.Spans {
			out = append(out, telemetrytest.DumpSpan(b, i))
		}
	}
	slices.Sort(out)
	return out
}

func wantSpans(t testing.TB, s *Store, batches ...*telemetry.Batch) {
	t.Helper()
	got, want := strings.Join(contents(t, s), "\n"), strings.Join(dumps(batches...), "\n")
	if got != want {
		t.Fatalf("the store has other spans:\n%s", diff(got, want))
	}
}

func TestAppendFlushReopen(t *testing.T) {
	mem := vfs.NewMem(0)
	s := open(t, options(mem))
	one, two, three := telemetrytest.Random(1, 100), telemetrytest.Random(2, 100), telemetrytest.Random(3, 100)
	add(t, s, one)
	wantSpans(t, s, one)
	flush(t, s)
	wantSpans(t, s, one)
	add(t, s, two)
	wantSpans(t, s, one, two)
	closeStore(t, s)

	s = open(t, options(mem))
	wantSpans(t, s, one, two)
	add(t, s, three)
	flush(t, s)
	flush(t, s) // nothing to do
	wantSpans(t, s, one, two, three)
	if st := s.Stats(); st.Segments != 2 || st.HeadSpans != 0 || st.SegmentSpans != 300 {
		t.Errorf("stats: %+v", st)
	}
	if names, err := mem.List("/data/tenants/default/wal"); err != nil || len(names) != 1 {
		t.Errorf("log files: %q, %v", names, err)
	}
	closeStore(t, s)
	s = open(t, options(mem))
	wantSpans(t, s, one, two, three)
}

func TestSnapshotOutlivesFlushAndClose(t *testing.T) {
	s := open(t, options(vfs.NewMem(0)))
	b := telemetrytest.Random(1, 50)
	add(t, s, b)
	flush(t, s)
	snap := s.Snapshot()
	closeStore(t, s)
	if got := dumpSource(t, snap.Sources()[0]); got != telemetrytest.Dump(b) {
		t.Error("a snapshot changed when the store was closed")
	}
	snap.Release()
	_, err := s.Append(context.Background(), b)
	var again *telemetry.RetryError
	if !errors.As(err, &again) || !errors.Is(err, ErrClosed) {
		t.Errorf("append to a closed store: %v", err)
	}
}

func TestLock(t *testing.T) {
	for name, o := range map[string]Options{"memory": options(vfs.NewMem(0)), "os": {Dir: t.TempDir(), MinFreeBytes: 1}} {
		s := open(t, o)
		if _, err := Open(o); !errors.Is(err, ErrLocked) || !strings.Contains(err.Error(), o.Dir) {
			t.Errorf("%s: a second open gave %v", name, err)
		}
		closeStore(t, s)
		closeStore(t, open(t, o))
	}
}

// TestSameAnswers: the same spans in other batches, with flushes elsewhere,
// are the same spans.
func TestSameAnswers(t *testing.T) {
	var all telemetry.Batch
	src := telemetrytest.Random(7, 400)
	want := ""
	for _, x := range []struct{ batch, flushEvery, shards int }{{400, 1, 1}, {1, 90, 2}, {7, 3, 3}, {64, 100, 8}} {
		o := options(vfs.NewMem(0))
		o.Shards = x.shards
		s := open(t, o)
		for i, n := 0, 0; i < len(src.Spans); i, n = i+x.batch, n+1 {
			all = *src
			all.Spans = src.Spans[i:min(i+x.batch, len(src.Spans))]
			add(t, s, &all)
			if n%x.flushEvery == x.flushEvery-1 {
				flush(t, s)
			}
		}
		wantSpans(t, s, src)
		if got := answers(t, s, src); want == "" {
			want = got
		} else if got != want {
			t.Fatalf("%+v:\n%s", x, diff(got, want))
		}
		closeStore(t, s)
	}
}

// answers are what predicates and trace lookups find in a store, as text.
func answers(t *testing.T, s *Store, b *telemetry.Batch) string {
	t.Helper()
	snap := s.Snapshot()
	defer snap.Release()
	var lines []string
	var sel scan.Bitmap
	predicates := randomPredicates(b)
	for i := 0; i < len(predicates); i += 37 {
		p := predicates[i]
		found := 0
		for _, src := range snap.Sources() {
			for _, block := range src.Blocks() {
				sel.Reset(block.Len(), true)
				if err := block.Narrow([]scan.Predicate{p}, &sel); err != nil {
					t.Fatal(err)
				}
				found += sel.Count()
			}
		}
		lines = append(lines, fmt.Sprintf("%+v %d %s: %d", p.Field, p.Op, telemetrytest.DumpValue(p.Value), found))
	}
	for i := range b.Spans {
		var got telemetry.Batch
		for _, src := range snap.Sources() {
			err := src.Find(b.Spans[i].TraceID, func(block scan.Block, lo, hi int) error { return block.Spans(lo, hi, &got) })
			if err != nil {
				t.Fatal(err)
			}
		}
		lines = append(lines, telemetrytest.Dump(&got))
	}
	return strings.Join(lines, "\n")
}

func TestRetentionByAge(t *testing.T) {
	mem := vfs.NewMem(0)
	o := options(mem)
	clock := atomic.Int64{}
	clock.Store(now.UnixNano())
	o.Clock = func() time.Time { return time.Unix(0, clock.Load()) }
	o.Retention.Age = 30 * 24 * time.Hour
	s := open(t, o)
	old, recent := telemetrytest.Random(1, 30), telemetrytest.Random(2, 30)
	add(t, s, old)
	flush(t, s)
	snap := s.Snapshot()
	add(t, s, recent)
	clock.Add(int64(40 * 24 * time.Hour))
	if err := s.maintainOnce(context.Background()); err != nil {
		t.Fatal(err)
	}
	// That flushed the head too, by its age, and then found it too old as well.
	wantSpans(t, s)
	if got := dumpSource(t, snap.Sources()[0]); got != telemetrytest.Dump(old) {
		t.Error("retention took spans from a snapshot")
	}
	snap.Release()
	if names, _ := mem.List("/data/tenants/default/segments"); len(names) != 0 {
		t.Errorf("segments left: %q", names)
	}
	if st := s.Stats(); st.RetainedSegments != 2 || st.RetainedSpans != 60 {
		t.Errorf("stats: %+v", st)
	}
	closeStore(t, s)
	wantSpans(t, open(t, o))
}

func TestRetentionByBytes(t *testing.T) {
	o := options(vfs.NewMem(0))
	s := open(t, o)
	var batches []*telemetry.Batch
	for i := range uint64(4) {
		b := telemetrytest.Random(10+i, 40)
		for j := range b.Spans {
			b.Spans[j].Start = 1000 * (i + 1)
			b.Spans[j].End = b.Spans[j].Start + 1
		}
		batches = append(batches, b)
		add(t, s, b)
		flush(t, s)
	}
	total := s.Stats().SegmentBytes
	closeStore(t, s)
	o.Retention.Bytes = total / 2
	s = open(t, o)
	inHead := telemetrytest.Random(99, 40)
	add(t, s, inHead)
	if err := s.maintainOnce(context.Background()); err != nil {
		t.Fatal(err)
	}
	kept := s.Stats().Segments
	if kept < 1 || kept > 2 || s.Stats().SegmentBytes > total/2 {
		t.Fatalf("%d segments of %d bytes kept, limit %d", kept, s.Stats().SegmentBytes, total/2)
	}
	wantSpans(t, s, append(batches[4-kept:], inHead)...) // the newest, and all of the head
}

// A client whose clock runs ahead must not keep its segment for ever, nor
// have newer ones deleted in its stead.
func TestRetentionDoesNotTrustClientClocks(t *testing.T) {
	o := options(vfs.NewMem(0))
	clock := atomic.Int64{}
	clock.Store(now.UnixNano())
	o.Clock = func() time.Time { return time.Unix(0, clock.Load()) }
	s := open(t, o)
	ahead := telemetrytest.Random(1, 30)
	for i := range ahead.Spans {
		ahead.Spans[i].Start, ahead.Spans[i].End = math.MaxUint64-1, math.MaxUint64
	}
	add(t, s, ahead)
	flush(t, s)
	clock.Add(int64(time.Hour))
	right := telemetrytest.Random(2, 30)
	for i := range right.Spans {
		right.Spans[i].Start = uint64(clock.Load())
		right.Spans[i].End = right.Spans[i].Start + 1
	}
	add(t, s, right)
	flush(t, s)
	o.Retention.Bytes = s.Stats().SegmentBytes - 1
	closeStore(t, s)
	s = open(t, o)
	flush(t, s)
	wantSpans(t, s, right)
	closeStore(t, s)

	o.Retention.Age = 24 * time.Hour
	s = open(t, o)
	add(t, s, ahead)
	flush(t, s)
	clock.Add(int64(25 * time.Hour))
	flush(t, s)
	wantSpans(t, s)
}

// Between two looks at the clock a store can take far more than it may keep.
func TestRetentionAfterEachFlush(t *testing.T) {
	o := options(vfs.NewMem(0))
	o.Retention.Bytes, o.FlushBytes = 1, 1
	s := open(t, o)
	flush(t, s) // has looked at the clock
	add(t, s, telemetrytest.Random(1, 30))
	if err := s.maintainOnce(context.Background()); err != nil {
		t.Fatal(err)
	}
	wantSpans(t, s)
}

// Where the disk is too full for a flush, retention is what makes room.
func TestRetentionWhileFlushFails(t *testing.T) {
	var full atomic.Bool
	o := options(vfs.NewFault(vfs.NewMem(0), func(op vfs.Op) error {
		switch {
		case op.Kind == vfs.OpRemove && strings.HasSuffix(op.Path, segmentSuffix):
			full.Store(false)
		case op.Kind == vfs.OpWrite && strings.HasSuffix(op.Path, segmentSuffix+tempSuffix) && full.Load():
			return syscall.ENOSPC
		}
		return nil
	}))
	s := open(t, o)
	add(t, s, telemetrytest.Random(1, 300))
	flush(t, s)
	o.Retention.Bytes, o.FlushAge = s.Stats().SegmentBytes-1, 1
	closeStore(t, s)
	clock := atomic.Int64{}
	clock.Store(now.UnixNano())
	o.Clock = func() time.Time { return time.Unix(0, clock.Load()) }
	full.Store(true)
	s = open(t, o)
	b := telemetrytest.Random(2, 30)
	add(t, s, b)
	clock.Add(1)
	// The goroutine of the store may have come first.
	if err := s.maintainOnce(context.Background()); err != nil && !errors.Is(err, syscall.ENOSPC) {
		t.Fatal(err)
	}
	if st := s.Stats(); st.RetainedSegments < 1 {
		t.Errorf("nothing was deleted while the disk was full: %+v", st)
	}
	wantSpans(t, s, b)
}

func TestDiskNearlyFull(t *testing.T) {
	mem := vfs.NewMem(1 << 20)
	o := options(mem)
	o.MinFreeBytes = 1 << 19
	s := open(t, o)
	b := telemetrytest.Random(1, 20)
	add(t, s, b)
	mem.SetCapacity(1 << 19)
	var again *telemetry.RetryError
	if _, err := s.Append(context.Background(), b); !errors.As(err, &again) || !errors.Is(err, errDiskFull) {
		t.Fatalf("got %v", err)
	}
	mem.SetCapacity(1 << 20)
	c := telemetrytest.Random(2, 20)
	add(t, s, c)
	wantSpans(t, s, b, c)
}

// TestFullDiskHeals: a log that ran out of space takes spans again when there
// is some, and what failed is not there, before and after a power cut.
func TestFullDiskHeals(t *testing.T) {
	mem := vfs.NewMem(1 << 20)
	s := open(t, options(mem))
	a, b, c := telemetrytest.Random(1, 20), telemetrytest.Random(2, 2000), telemetrytest.Random(3, 20)
	add(t, s, a)
	free, _, err := mem.Free("/")
	if err != nil {
		t.Fatal(err)
	}
	mem.SetCapacity(1<<20 - free + 3000)
	var again *telemetry.RetryError
	for range 3 {
		if _, err := s.Append(context.Background(), b); !errors.As(err, &again) {
			t.Fatalf("got %v", err)
		}
	}
	mem.SetCapacity(1 << 30)
	add(t, s, c)
	wantSpans(t, s, a, c)
	cut := open(t, options(mem.CrashClone(nil)))
	wantSpans(t, cut, a, c)
	flush(t, s)
	wantSpans(t, s, a, c)
}

// TestFailedFsyncIsNotRetried: spans whose fsync failed are refused, and may
// be sent again without being there twice after a crash.
func TestFailedFsyncIsNotRetried(t *testing.T) {
	mem := vfs.NewMem(0)
	var failing atomic.Bool
	s := open(t, options(vfs.NewFault(mem, func(op vfs.Op) error {
		if op.Kind == vfs.OpSync && failing.Load() {
			return syscall.EIO
		}
		return nil
	})))
	a, b := telemetrytest.Random(1, 20), telemetrytest.Random(2, 20)
	add(t, s, a)
	failing.Store(true)
	var again *telemetry.RetryError
	if _, err := s.Append(context.Background(), b); !errors.As(err, &again) || !errors.Is(err, syscall.EIO) {
		t.Fatalf("got %v", err)
	}
	failing.Store(false)
	add(t, s, b)
	wantSpans(t, s, a, b)
	// Everything that was written is on the disk, also the record of the
	// failed fsync.
	closeStore(t, s)
	wantSpans(t, open(t, options(mem)), a, b)
}

// TestFlushFailure: a flush that fails loses nothing and is tried again.
func TestFlushFailure(t *testing.T) {
	mem := vfs.NewMem(0)
	var failing atomic.Bool
	s := open(t, options(vfs.NewFault(mem, func(op vfs.Op) error {
		if failing.Load() && strings.Contains(op.Path, "segments") {
			return syscall.EIO
		}
		return nil
	})))
	a, b := telemetrytest.Random(1, 20), telemetrytest.Random(2, 20)
	add(t, s, a)
	failing.Store(true)
	if err := s.Flush(context.Background()); !errors.Is(err, syscall.EIO) {
		t.Fatalf("got %v", err)
	}
	add(t, s, b)
	wantSpans(t, s, a, b)
	if !s.Stats().FlushFailing {
		t.Error("a failing flush is not in the statistics")
	}
	failing.Store(false)
	flush(t, s)
	wantSpans(t, s, a, b)
	if st := s.Stats(); st.Segments != 2 || st.HeadSpans != 0 || st.FlushFailing {
		t.Errorf("stats: %+v", st)
	}
}

// TestMemoryIsBounded: when flushes fail, appends are refused before the head
// has grown beyond twice its size.
func TestMemoryIsBounded(t *testing.T) {
	var failing atomic.Bool
	o := options(vfs.NewFault(vfs.NewMem(0), func(op vfs.Op) error {
		if failing.Load() && strings.Contains(op.Path, "segments") {
			return syscall.EIO
		}
		return nil
	}))
	o.FlushBytes = 200_000
	s := open(t, o)
	failing.Store(true)
	refused := false
	for seed := uint64(0); seed < 1000 && !refused; seed++ {
		_, err := s.Append(context.Background(), telemetrytest.Random(seed, 50))
		var again *telemetry.RetryError
		if refused = errors.As(err, &again); !refused && err != nil {
			t.Fatal(err)
		}
	}
	if got := s.Stats().HeadBytes; !refused || got > 3*o.FlushBytes {
		t.Errorf("refused: %t, %d bytes in memory", refused, got)
	}
	failing.Store(false)
	flush(t, s)
	add(t, s, telemetrytest.Random(1, 50))
}

func TestDamagedSegment(t *testing.T) {
	mem := vfs.NewMem(0)
	s := open(t, options(mem))
	a, b := telemetrytest.Random(1, 40), telemetrytest.Random(2, 40)
	add(t, s, a)
	flush(t, s)
	add(t, s, b)
	flush(t, s)
	path := s.mu.segments[0].path
	size := s.mu.segments[0].entry.Bytes
	closeStore(t, s)
	if err := mem.Corrupt(path, int(size)-1, 0xff); err != nil {
		t.Fatal(err)
	}
	s = open(t, options(mem))
	wantSpans(t, s, b)
	if got := s.Stats().Quarantined; got != 1 {
		t.Errorf("%d files set aside", got)
	}
	if names, err := mem.List("/data/tenants/default/quarantine"); err != nil || len(names) != 1 {
		t.Errorf("quarantine: %q, %v", names, err)
	}
	closeStore(t, s)
	s = open(t, options(mem))
	wantSpans(t, s, b)
	if got := s.Stats().Quarantined; got != 0 {
		t.Errorf("%d files set aside again", got)
	}
}

func TestDamagedManifest(t *testing.T) {
	mem := vfs.NewMem(0)
	s := open(t, options(mem))
	a, b := telemetrytest.Random(1, 40), telemetrytest.Random(2, 40)
	add(t, s, a)
	flush(t, s)
	add(t, s, b)
	closeStore(t, s)
	if err := mem.Corrupt("/data/tenants/default/MANIFEST", 50, 1); err != nil {
		t.Fatal(err)
	}
	s = open(t, options(mem))
	wantSpans(t, s, a, b)
}

// TestDamagedLog: whichever byte of the log flips, all records but the one it
// is in are there, and somebody is told.
func TestDamagedLog(t *testing.T) {
	mem := vfs.NewMem(0)
	s := open(t, options(mem))
	batches := []*telemetry.Batch{telemetrytest.Random(1, 5), telemetrytest.Random(2, 5), telemetrytest.Random(3, 5)}
	for _, b := range batches {
		add(t, s, b)
	}
	log := "/data/tenants/default/wal/" + wal.Name(s.active.log.Seq())
	end := int(s.active.log.Position().End)
	closeStore(t, s)
	for off := 0; off < end; off += 61 {
		clone := mem.CrashClone(nil)
		if err := clone.Corrupt(log, off, 4); err != nil {
			t.Fatal(err)
		}
		var told bytes.Buffer
		o := options(clone)
		o.Logger = slog.New(slog.NewTextHandler(&told, nil))
		s := open(t, o)
		got := strings.Join(contents(t, s), "\n")
		intact := 0
		for _, b := range batches {
			if strings.Contains(got, telemetrytest.DumpSpan(b, 0)) {
				intact++
			}
		}
		if intact < 2 || !strings.Contains(told.String(), "log") {
			t.Fatalf("flip at %d of %d: %d batches left; log:\n%s", off, end, intact, told.String())
		}
		closeStore(t, s)
	}
}

// TestConcurrent appends, reads and flushes at once; every snapshot must have
// what was acknowledged before it, once.
func TestConcurrent(t *testing.T) {
	o := options(vfs.NewMem(0))
	o.FlushBytes = 100_000
	s := open(t, o)
	var acked atomic.Int64
	var wg sync.WaitGroup
	var batches [4][]*telemetry.Batch
	stop := make(chan struct{})
	for i := range batches {
		wg.Go(func() {
			for j := range 30 {
				b := telemetrytest.Random(uint64(1000*i+j), 20)
				if _, err := s.Append(context.Background(), b); err != nil {
					t.Error(err)
					return
				}
				acked.Add(int64(len(b.Spans)))
				batches[i] = append(batches[i], b)
			}
		})
	}
	var readers sync.WaitGroup
	readers.Go(func() {
		for {
			select {
			case <-stop:
				return
			default:
			}
			before := acked.Load()
			seen := contents(t, s)
			if int64(len(seen)) < before {
				t.Errorf("%d spans seen, %d were acknowledged before", len(seen), before)
			}
			if n := len(seen); len(slices.Compact(seen)) != n {
				t.Error("a span was seen twice")
			}
		}
	})
	readers.Go(func() {
		for i := 0; i < 10; i++ {
			if err := s.Flush(context.Background()); err != nil {
				t.Error(err)
			}
		}
	})
	wg.Wait()
	close(stop)
	readers.Wait()
	wantSpans(t, s, slices.Concat(batches[:]...)...)
}

func FuzzManifest(f *testing.F) {
	p, err := encodeManifest(manifest{LogFrom: 3, Segments: []segmentEntry{{Number: 1, Spans: 2, Bytes: 3}}})
	if err != nil {
		f.Fatal(err)
	}
	f.Add(p)
	f.Add([]byte("kiseki manifest 1 crc32c 00000000\n{}"))
	f.Fuzz(func(t *testing.T, p []byte) {
		m, err := decodeManifest(p)
		if err != nil {
			return
		}
		if _, err := encodeManifest(m); err != nil {
			t.Fatal(err)
		}
	})
}
