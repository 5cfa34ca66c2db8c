package segment

import (
	"encoding/binary"
	"math/rand/v2"
	"path/filepath"
	"slices"
	"testing"

	"github.com/kiseki-dev/kiseki/storage/scan"
	"github.com/kiseki-dev/kiseki/telemetry"
)

// TestIndexCollisions: traces whose stored hashes are equal, in one group and in
// different ones, are each found once, and others of that hash are not.
func TestIndexCollisions(t *testing.T) {
	const traces, twins = 3 * indexGroup / 2, 4
	mask := indexMask(traces)
	next := uint64(0)
	id := func() (id telemetry.TraceID) {
		next++
		binary.BigEndian.PutUint64(id[8:], next)
		return id
	}
	twin := func(of telemetry.TraceID) telemetry.TraceID {
		for {
			if x := id(); hashTrace(x)&mask == hashTrace(of)&mask {
				return x
			}
		}
	}
	var ids []telemetry.TraceID
	for range traces - twins {
		ids = append(ids, id())
	}
	for i := range twins { // of the first and of the last group
		ids = append(ids, twin(ids[i*(len(ids)-twins)/(twins-1)]))
	}
	b := &telemetry.Batch{Resources: make([]telemetry.Resource, 1), Scopes: make([]telemetry.Scope, 1)}
	for i, id := range ids {
		b.Spans = append(b.Spans, telemetry.Span{TraceID: id, SpanID: telemetry.SpanID{1}, Start: uint64(i), End: uint64(i)})
	}
	path := filepath.Join(t.TempDir(), "s")
	writeFile(t, path, b, Options{BlockSpans: 1000})
	r := openFile(t, path, nil)
	for _, id := range ids {
		if n := found(t, r, id); n != 1 {
			t.Errorf("trace %v is found %d times", id, n)
		}
	}
	if absent := twin(ids[0]); found(t, r, absent) != 0 {
		t.Errorf("trace %v is found and was never written", absent)
	}
}

// found is how many spans of a trace are found.
func found(t *testing.T, r *Reader, id telemetry.TraceID) (n int) {
	t.Helper()
	if err := r.Find(id, func(_ scan.Block, lo, hi int) error { n += hi - lo; return nil }); err != nil {
		t.Fatal(err)
	}
	return n
}

// TestFirstFrom: wherever hashes lie, it is what a search by halves finds.
func TestFirstFrom(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 2))
	for n := range 200 {
		hashes := make([]uint32, n)
		for i := range hashes {
			hashes[i] = r.Uint32() >> r.IntN(32) // most of them small, some equal
		}
		slices.Sort(hashes)
		wanted := append([]uint32{0, 1, 1<<32 - 1}, hashes...)
		for _, h := range hashes {
			wanted = append(wanted, h+1, h-min(h, 1))
		}
		for _, h := range wanted {
			want, _ := slices.BinarySearch(hashes, h)
			if got := firstFrom(hashes, h); got != want {
				t.Fatalf("first from %d of %d hashes: %d, want %d", h, n, got, want)
			}
		}
	}
}
