package wal_test

import (
	"fmt"
	"sync"
	"testing"

	"github.com/kiseki-dev/kiseki/bench/corpus"
	"github.com/kiseki-dev/kiseki/storage/vfs"
	"github.com/kiseki-dev/kiseki/storage/wal"
	"github.com/kiseki-dev/kiseki/telemetry"
)

func BenchmarkEncode(b *testing.B) {
	var batch telemetry.Batch
	corpus.New(corpus.Options{Seed: 1}).Batch(&batch, 500)
	var e wal.Encoder
	size := 0
	b.ReportAllocs()
	for b.Loop() {
		rec, err := e.Encode(&batch)
		if err != nil {
			b.Fatal(err)
		}
		size = len(rec)
	}
	spans := len(batch.Spans)
	b.ReportMetric(float64(b.Elapsed())/float64(b.N*spans), "ns/span")
	b.ReportMetric(float64(size)/float64(spans), "B/span")
	b.ReportMetric(float64(len(wal.AppendBatch(nil, &batch)))/float64(spans), "flat-B/span")
}

func BenchmarkDecode(b *testing.B) {
	var batch, out telemetry.Batch
	corpus.New(corpus.Options{Seed: 1}).Batch(&batch, 500)
	var e wal.Encoder
	rec, err := e.Encode(&batch)
	if err != nil {
		b.Fatal(err)
	}
	var d wal.Decoder
	b.ReportAllocs()
	for b.Loop() {
		if err := d.Decode(rec[16:], &out); err != nil {
			b.Fatal(err)
		}
	}
	b.ReportMetric(float64(b.Elapsed())/float64(b.N*len(batch.Spans)), "ns/span")
}

// BenchmarkGroupCommit is the time for a record of 500 spans with an fsync,
// on the file system of the temporary directory.
func BenchmarkGroupCommit(b *testing.B) {
	var batch telemetry.Batch
	corpus.New(corpus.Options{Seed: 1}).Batch(&batch, 500)
	var e wal.Encoder
	rec, err := e.Encode(&batch)
	if err != nil {
		b.Fatal(err)
	}
	for _, n := range []int{1, 8, 64} {
		b.Run(fmt.Sprint("appenders=", n), func(b *testing.B) {
			var m wal.Metrics
			w, err := wal.Create(vfs.OS{}, b.TempDir(), 1, &m)
			if err != nil {
				b.Fatal(err)
			}
			defer w.Close()
			w.Begin(wal.Position{})
			var wg sync.WaitGroup
			work := make(chan struct{})
			for range n {
				wg.Go(func() {
					for range work {
						if err := w.Append(rec, len(batch.Spans)); err != nil {
							b.Error(err)
						}
					}
				})
			}
			b.SetBytes(int64(len(rec)))
			for b.Loop() {
				work <- struct{}{}
			}
			close(work)
			wg.Wait()
			b.ReportMetric(float64(m.Records.Load())/float64(m.Fsyncs.Load()), "records/fsync")
		})
	}
}
