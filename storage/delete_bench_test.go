package storage

import (
	"errors"
	"testing"

	"github.com/kiseki-dev/kiseki/storage/scan"
	"github.com/kiseki-dev/kiseki/storage/vfs"
	"github.com/kiseki-dev/kiseki/telemetry"
)

// deletionBench is a store of one segment of about 100,000 spans, and one in
// a hundred of its traces.
func deletionBench(b *testing.B) (s *Store, ids []telemetry.TraceID, spans int) {
	batches, spans := shopBatches(500, 100_000)
	s = open(b, options(vfs.NewMem(0)))
	seen := map[telemetry.TraceID]bool{}
	for _, batch := range batches {
		add(b, s, batch)
		for _, span := range batch.Spans {
			if !seen[span.TraceID] && len(seen)%100 == 0 {
				ids = append(ids, span.TraceID)
			}
			seen[span.TraceID] = true
		}
	}
	flush(b, s)
	return s, ids, spans
}

// BenchmarkDelete deletes one trace in a hundred and then erases them, from
// memory (no fsync).
func BenchmarkDelete(b *testing.B) {
	var spans int
	for b.Loop() {
		b.StopTimer()
		s, ids, n := deletionBench(b)
		spans = n
		b.StartTimer()
		deleted(b, s, ids...)
		hidden := b.Elapsed()
		erase(b, s)
		b.ReportMetric(float64(b.Elapsed()-hidden)/float64(n), "erase-ns/span")
		b.StopTimer()
		closeStore(b, s)
		b.StartTimer()
	}
	b.ReportMetric(float64(spans), "spans")
}

// BenchmarkHidden is a predicate over a segment, whole and with a trace in a
// hundred hidden.
func BenchmarkHidden(b *testing.B) {
	s, ids, spans := deletionBench(b)
	p := scan.Predicate{Field: scan.Field{Intrinsic: scan.IntrinsicDuration}, Op: scan.OpGreater, Value: telemetry.IntValue(1000)}
	for _, name := range []string{"whole", "hidden"} {
		b.Run(name, func(b *testing.B) {
			snap := s.Snapshot()
			defer snap.Release()
			var sel scan.Bitmap
			b.ReportAllocs()
			for b.Loop() {
				for _, block := range snap.Sources()[0].Blocks() {
					sel.Reset(block.Len(), true)
					if err := block.Narrow([]scan.Predicate{p}, &sel); err != nil {
						b.Fatal(err)
					}
				}
			}
			b.ReportMetric(float64(b.Elapsed())/float64(b.N*spans), "ns/span")
		})
		deleted(b, s, ids...)
	}
}

// BenchmarkHiddenLists lists operations, keys and the values of an attribute
// of a segment, whole and with a trace in a hundred hidden.
func BenchmarkHiddenLists(b *testing.B) {
	s, ids, spans := deletionBench(b)
	var field scan.Field
	snap := s.Snapshot()
	err := snap.Sources()[0].Keys(func(k scan.Key) {
		if k.Scope == scan.ScopeSpan && k.Type == telemetry.ValueString {
			field = scan.Field{Scope: k.Scope, Key: k.Key}
		}
	})
	snap.Release()
	if err != nil {
		b.Fatal(err)
	}
	for _, name := range []string{"whole", "hidden"} {
		b.Run(name, func(b *testing.B) {
			snap := s.Snapshot()
			defer snap.Release()
			src := snap.Sources()[0]
			b.ReportAllocs()
			for b.Loop() {
				err := errors.Join(src.Operations(func(scan.Operation) {}), src.Keys(func(scan.Key) {}),
					src.Values(field, "", func(string, uint64) bool { return true }))
				if err != nil {
					b.Fatal(err)
				}
			}
			b.ReportMetric(float64(b.Elapsed())/float64(b.N*spans), "ns/span")
		})
		deleted(b, s, ids...)
	}
}
