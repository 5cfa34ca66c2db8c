package scantest_test

import (
	"math/rand/v2"
	"testing"

	"github.com/kiseki-dev/kiseki/storage/scan"
	"github.com/kiseki-dev/kiseki/storage/scan/scantest"
	"github.com/kiseki-dev/kiseki/telemetry"
	"github.com/kiseki-dev/kiseki/telemetry/telemetrytest"
)

// TestContract checks the promises of [scan.Source] and [scan.Block] that a
// reader relies on, for all layouts.
func TestContract(t *testing.T) {
	for seed := range uint64(10) {
		r := rand.New(rand.NewPCG(seed, 0))
		b := telemetrytest.Random(seed, 150)
		for _, store := range []scan.Store{scantest.New(b), scantest.Sorted(b, 7), scantest.Split(b, r, 3, 4)} {
			var all telemetry.Batch
			for _, s := range store.Snapshot().Sources() {
				checkSource(t, s)
				for _, block := range s.Blocks() {
					if err := block.Spans(0, block.Len(), &all); err != nil {
						t.Fatal(err)
					}
				}
			}
			if telemetrytest.Dump(&all) != telemetrytest.Dump(b) {
				t.Fatalf("seed %d: the blocks do not hold the spans they were given", seed)
			}
		}
	}
}

func checkSource(t *testing.T, s scan.Source) {
	t.Helper()
	min, max := s.Bounds()
	var rows scan.Rows
	spans := uint64(0)
	for _, b := range s.Blocks() {
		if err := b.Rows(0, b.Len(), scan.ColTraceID|scan.ColStart, &rows); err != nil {
			t.Fatal(err)
		}
		spans += uint64(b.Len())
		for i, at := range rows.Start {
			tr, err := b.Trace(i)
			if err != nil || tr.ID != rows.TraceID[i] || i < tr.Lo || i >= tr.Hi || tr.Start > at || tr.Start > b.NewestTrace() || at < min || at > max {
				t.Fatalf("row %d: trace %+v, %v; newest %d, bounds %d to %d", i, tr, err, b.NewestTrace(), min, max)
			}
			found := false
			err = s.Find(tr.ID, func(in scan.Block, lo, hi int) error {
				found = found || in == b && lo <= i && i < hi
				return nil
			})
			if err != nil || !found {
				t.Fatalf("row %d is not found by its trace, %v", i, err)
			}
		}
	}
	if spans != s.SpanCount() {
		t.Fatalf("%d spans, SpanCount %d", spans, s.SpanCount())
	}
}
