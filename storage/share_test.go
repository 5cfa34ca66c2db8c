package storage

import (
	"testing"
	"time"

	"github.com/kiseki-dev/kiseki/storage/segment"
	"github.com/kiseki-dev/kiseki/storage/vfs"
	"github.com/kiseki-dev/kiseki/telemetry/telemetrytest"
)

// A head that is too large for its new share of memory is written at once.
func TestSetFlushBytes(t *testing.T) {
	s := open(t, options(vfs.NewMem(0)))
	add(t, s, telemetrytest.Random(1, 100))
	s.SetFlushBytes(1)
	for deadline := time.Now().Add(time.Minute); s.Stats().Segments == 0; {
		if time.Now().After(deadline) {
			t.Fatalf("the head stays in memory: %+v", s.Stats())
		}
		time.Sleep(time.Millisecond)
	}
	wantSpans(t, s, telemetrytest.Random(1, 100))
	closeStore(t, s)
}

// Stores that share a cache keep their spans apart, whatever their segments'
// numbers are.
func TestSharedCache(t *testing.T) {
	cache := segment.NewCache(1 << 20)
	var stores []*Store
	for i := range 2 {
		o := options(vfs.NewMem(0))
		o.Cache = cache
		s := open(t, o)
		add(t, s, telemetrytest.Random(uint64(i), 100))
		flush(t, s)
		stores = append(stores, s)
	}
	for range 2 { // from the disk, then from the cache
		for i, s := range stores {
			wantSpans(t, s, telemetrytest.Random(uint64(i), 100))
		}
	}
	if cache.Size() == 0 {
		t.Error("the cache is not used")
	}
	for _, s := range stores {
		closeStore(t, s)
	}
}
