package storage

import (
	"context"
	"fmt"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/kiseki-dev/kiseki/storage/vfs"
	"github.com/kiseki-dev/kiseki/telemetry"
)

// BenchmarkAppend is a request of 500 spans, over memory (no fsync) and over
// the disk, flushes included.
func BenchmarkAppend(b *testing.B) {
	for _, x := range []struct {
		name    string
		fs      vfs.FS
		clients int
	}{{"memory", vfs.NewMem(0), 1}, {"disk", vfs.OS{}, 1}, {"disk", vfs.OS{}, 8}, {"disk", vfs.OS{}, 64}} {
		b.Run(fmt.Sprintf("%s/clients=%d", x.name, x.clients), func(b *testing.B) {
			batches, total := shopBatches(500, 50_000)
			s := open(b, Options{FS: x.fs, Dir: b.TempDir(), MinFreeBytes: 1})
			work := make(chan *telemetry.Batch)
			var wg sync.WaitGroup
			for range x.clients {
				wg.Go(func() {
					for batch := range work {
						if _, err := s.Append(context.Background(), batch); err != nil {
							b.Error(err)
						}
					}
				})
			}
			b.ReportAllocs()
			for b.Loop() {
				for _, batch := range batches {
					work <- batch
				}
			}
			close(work)
			wg.Wait()
			b.ReportMetric(float64(b.Elapsed())/float64(b.N*total), "ns/span")
			st := s.Stats()
			b.ReportMetric(float64(st.LogBytes)/float64(st.AppendedSpans), "log-B/span")
			b.ReportMetric(float64(st.LogRecords)/float64(st.LogFsyncs), "records/fsync")
		})
	}
}

// BenchmarkOpen is an open with a full log.
func BenchmarkOpen(b *testing.B) {
	mem := vfs.NewMem(0)
	o := options(mem)
	s := open(b, o)
	batches, _ := shopBatches(500, 10_000)
	for i := 0; s.Stats().HeadBytes < 60<<20; i++ {
		add(b, s, batches[i%len(batches)])
	}
	spans := s.Stats().HeadSpans
	closeStore(b, s)
	b.ReportAllocs()
	for b.Loop() {
		closeStore(b, open(b, o))
	}
	b.ReportMetric(float64(spans), "spans")
	b.ReportMetric(float64(b.Elapsed())/float64(b.N*spans), "ns/span")
}

// cpuTime is the processor time that the process has taken, which other
// processes disturb less than the clock.
func cpuTime(b *testing.B) time.Duration {
	var u syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
		b.Fatal(err)
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}

// BenchmarkFlush is a head of about 50,000 spans made a segment.
func BenchmarkFlush(b *testing.B) {
	batches, total := shopBatches(500, 50_000)
	s := open(b, options(vfs.NewMem(0)))
	b.ReportAllocs()
	var cpu time.Duration
	for b.Loop() {
		b.StopTimer()
		for _, batch := range batches {
			add(b, s, batch)
		}
		b.StartTimer()
		before := cpuTime(b)
		flush(b, s)
		cpu += cpuTime(b) - before
	}
	b.ReportMetric(float64(cpu)/float64(b.N*total), "cpu-ns/span")
	st := s.Stats()
	b.ReportMetric(float64(st.SegmentBytes)/float64(st.SegmentSpans), "B/span")
}

// BenchmarkRewrite merges 8 segments whose times overlap, with some traces in
// two of them.
func BenchmarkRewrite(b *testing.B) {
	base := vfs.NewMem(0)
	s := open(b, options(base))
	batches, total := shopBatches(500, 80_000)
	for i, batch := range batches {
		add(b, s, batch)
		if i%(len(batches)/8) == 0 {
			flush(b, s)
		}
	}
	flush(b, s)
	closeStore(b, s)
	b.ReportAllocs()
	for b.Loop() {
		b.StopTimer()
		s := open(b, options(base.CrashClone(nil)))
		b.StartTimer()
		rewrite(b, s, rewriteJob{inputs: numbers(s), level: 1})
		b.StopTimer()
		b.ReportMetric(float64(s.Stats().SegmentBytes)/float64(total), "B/span")
		closeStore(b, s)
		b.StartTimer()
	}
	b.ReportMetric(float64(b.Elapsed())/float64(b.N*total), "ns/span")
}
