package storage

import (
	"context"
	"testing"
	"time"

	"github.com/kiseki-dev/kiseki/storage/vfs"
	"github.com/kiseki-dev/kiseki/telemetry"
	"github.com/kiseki-dev/kiseki/telemetry/telemetrytest"
)

// TestDiskWatermark: the oldest segments go, as many as needed, and never
// those of the last hour.
func TestDiskWatermark(t *testing.T) {
	mem := vfs.NewMem(64 << 20)
	o := options(mem)
	clock := now
	o.Clock = func() time.Time { return clock }
	o.Retention.DiskWatermark = 1 << 17
	s := open(t, o)
	s.stop() // maintenance is this test's
	s.background.Wait()
	var batches []*telemetry.Batch
	for i := range uint64(4) {
		b := telemetrytest.Random(10+i, 400)
		for j := range b.Spans {
			b.Spans[j].Start = uint64(clock.UnixNano())
			b.Spans[j].End = b.Spans[j].Start + 1
		}
		batches = append(batches, b)
		add(t, s, b)
		flush(t, s)
		clock = clock.Add(time.Hour)
	}
	maintain := func() {
		t.Helper()
		clock = clock.Add(relieveEvery)
		if err := s.maintainOnce(context.Background()); err != nil {
			t.Fatal(err)
		}
	}
	used := func() uint64 {
		free, _, err := mem.Free("/")
		if err != nil {
			t.Fatal(err)
		}
		return 64<<20 - free
	}
	maintain()
	wantSpans(t, s, batches...)
	mem.SetCapacity(used() + 1<<17 - 1) // a byte below
	maintain()
	if st := s.Stats(); st.EarlySegments == 0 || st.EarlySegments > 3 || st.DiskFree < 1<<17 {
		t.Fatalf("statistics: %+v", st)
	}
	wantSpans(t, s, batches[s.Stats().EarlySegments:]...)
	mem.SetCapacity(64 << 20)
	add(t, s, telemetrytest.Random(99, 10))
	flush(t, s)
	mem.SetCapacity(used() + 20_000) // as if somebody else had filled the disk
	for range 5 {
		maintain()
	}
	if st := s.Stats(); st.Segments == 0 {
		t.Errorf("what came in the last hour was deleted: %+v", st)
	}
}

// TestKeptSpace: a setting for a large volume does not take most of a small
// one.
func TestKeptSpace(t *testing.T) {
	for _, x := range []struct {
		size                 uint64
		minFree, flush, want int64
	}{
		{100 << 30, 1 << 30, 64 << 20, 1 << 30},  // 5 % are more
		{10 << 30, 1 << 30, 64 << 20, 512 << 20}, // 5 %
		{1 << 30, 1 << 30, 64 << 20, 128 << 20},  // both flushes
		{1 << 30, 100 << 20, 64 << 20, 100 << 20},
	} {
		o := options(vfs.NewMem(x.size))
		o.MinFreeBytes, o.FlushBytes = x.minFree, x.flush
		d, err := open(t, o).Disk()
		if err != nil || d.Reserved != uint64(x.want) {
			t.Errorf("%+v: %d bytes are kept, %v", x, d.Reserved, err)
		}
	}
}
