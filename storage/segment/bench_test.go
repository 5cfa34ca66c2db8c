package segment

import (
	"fmt"
	"path/filepath"
	"slices"
	"syscall"
	"testing"
	"time"

	"github.com/kiseki-dev/kiseki/bench/corpus"
	"github.com/kiseki-dev/kiseki/storage/scan"
	"github.com/kiseki-dev/kiseki/storage/vfs"
	"github.com/kiseki-dev/kiseki/telemetry"
)

// shopSpans is what one flush of a store holds, about.
const shopSpans = 1 << 17

func shop(spans int) *telemetry.Batch {
	b := &telemetry.Batch{}
	corpus.New(corpus.Options{Seed: 1}).Batch(b, spans)
	return b
}

func BenchmarkWrite(b *testing.B) {
	batch := shop(shopSpans)
	traces := traceRows(batch)
	path := filepath.Join(b.TempDir(), "s")
	b.ReportAllocs()
	var info Info
	before := cpuTime(b)
	for b.Loop() {
		w, err := Create(vfs.OS{}, path, Options{})
		if err != nil {
			b.Fatal(err)
		}
		for _, rows := range traces {
			if err := w.AddTrace(batch, rows); err != nil {
				b.Fatal(err)
			}
		}
		if info, err = w.Finish(); err != nil {
			b.Fatal(err)
		}
	}
	b.ReportMetric(float64(cpuTime(b)-before)/float64(b.N)/float64(info.Spans), "cpu-ns/span")
	b.ReportMetric(float64(info.Bytes)/float64(info.Spans), "bytes/span")
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

// TestShopSize prints, with -v, what each column of the shop costs.
func TestShopSize(t *testing.T) {
	if testing.Short() {
		t.Skip("makes many spans")
	}
	path := filepath.Join(t.TempDir(), "s")
	info := writeFile(t, path, shop(1<<16), Options{})
	d, err := openFile(t, path, nil).Describe()
	if err != nil {
		t.Fatal(err)
	}
	n := float64(info.Spans)
	slices.SortFunc(d.Columns, func(x, y ColumnDescription) int { return int(y.Bytes - x.Bytes) })
	for _, c := range d.Columns {
		t.Logf("%-45s %6.3f bytes a span (dictionary %5.3f, context %5.3f, bloom %5.3f), %d values", c.Name, float64(c.Bytes)/n,
			float64(c.DictBytes)/n, float64(c.ContextBytes)/n, float64(c.BloomBytes)/n, c.Values)
	}
	t.Logf("resources %.3f scopes %.3f shapes %.3f traces %.3f directories %.3f index %.3f operations %.3f keys %.3f", float64(d.Resources)/n,
		float64(d.Scopes)/n, float64(d.Shapes)/n, float64(d.TraceTables)/n, float64(d.Directories)/n, float64(d.TraceIndex)/n,
		float64(d.Operations)/n, float64(d.Keys)/n)
	perSpan := float64(info.Bytes) / n
	t.Logf("%.2f bytes a span", perSpan)
	if perSpan > 60 {
		t.Errorf("a span takes %.1f bytes, more than 60", perSpan)
	}
}

// shopFile writes a segment and returns its traces' ids. The batch itself is
// garbage then: tracing it is not what is measured.
func shopFile(b *testing.B, path string) []telemetry.TraceID {
	batch := shop(shopSpans)
	writeFile(b, path, batch, Options{})
	var ids []telemetry.TraceID
	for _, rows := range traceRows(batch) {
		ids = append(ids, batch.Spans[rows[0]].TraceID)
	}
	return ids
}

// BenchmarkTraceByID reads whole traces; cold means that every chunk is
// unpacked anew from the operating system's page cache.
func BenchmarkTraceByID(b *testing.B) {
	path := filepath.Join(b.TempDir(), "s")
	ids := shopFile(b, path)
	for _, name := range []string{"cold", "warm"} {
		b.Run(name, func(b *testing.B) {
			c := NewCache(64 << 20)
			r := openFile(b, path, c)
			var dst telemetry.Batch
			var took []time.Duration
			i := 0
			b.ReportAllocs()
			for b.Loop() {
				if name == "cold" {
					c.drop(r.id)
				}
				start := time.Now()
				i = (i + 7919) % len(ids)
				dst.Reset()
				err := r.Find(ids[i], func(blk scan.Block, lo, hi int) error { return blk.Spans(lo, hi, &dst) })
				if err != nil || len(dst.Spans) == 0 {
					b.Fatal(len(dst.Spans), err)
				}
				took = append(took, time.Since(start))
			}
			slices.Sort(took)
			b.ReportMetric(float64(took[len(took)/2].Microseconds()), "p50-µs")
		})
	}
}

func BenchmarkNarrow(b *testing.B) {
	path := filepath.Join(b.TempDir(), "s")
	shopFile(b, path)
	str, num := telemetry.StringValue, telemetry.IntValue
	for _, q := range []struct {
		name string
		p    scan.Predicate
	}{
		{"resource", scan.Predicate{Field: scan.Field{Scope: scan.ScopeResource, Key: "service.name"}, Value: str("frontend")}},
		{"status", scan.Predicate{Field: scan.Field{Intrinsic: scan.IntrinsicStatus}, Value: num(2)}},
		{"duration", scan.Predicate{Field: scan.Field{Intrinsic: scan.IntrinsicDuration}, Op: scan.OpGreater, Value: num(100_000_000)}},
		{"attribute", scan.Predicate{Field: scan.Field{Scope: scan.ScopeSpan, Key: "http.request.method"}, Value: str("POST")}},
		{"any", scan.Predicate{Field: scan.Field{Scope: scan.ScopeAny, Key: "http.request.method"}, Value: str("POST")}},
		{"raw", scan.Predicate{Field: scan.Field{Scope: scan.ScopeSpan, Key: "db.query.text"}, Op: scan.OpNotEqual, Value: str("POST")}},
		{"bloom", scan.Predicate{Field: scan.Field{Scope: scan.ScopeSpan, Key: "user.id"}, Value: str("nobody")}},
	} {
		for _, cache := range []int64{0, 64 << 20} {
			b.Run(fmt.Sprintf("%s/cache=%dMiB", q.name, cache>>20), func(b *testing.B) {
				var c *Cache
				if cache > 0 {
					c = NewCache(cache)
				}
				r := openFile(b, path, c)
				var sel scan.Bitmap
				for b.Loop() {
					for _, blk := range r.Blocks() {
						sel.Reset(blk.Len(), true)
						if err := blk.Narrow([]scan.Predicate{q.p}, &sel); err != nil {
							b.Fatal(err)
						}
					}
				}
				b.ReportMetric(float64(r.SpanCount())*float64(b.N)/b.Elapsed().Seconds()/1e6, "Mrows/s")
			})
		}
	}
}

// BenchmarkCache finds what is there, and puts pages where older ones have to go.
func BenchmarkCache(b *testing.B) {
	const n, size = 1 << 12, 4 << 10
	c := NewCache(n * (size + entryOverhead) / 2)
	for i := range n {
		c.put(testKey(i), i, size, keepPage)
	}
	b.Run("get", func(b *testing.B) {
		b.ReportAllocs()
		for i := 0; b.Loop(); i++ {
			c.get(testKey(n - 1 - i%(n/4)))
		}
	})
	b.Run("put", func(b *testing.B) {
		b.ReportAllocs()
		for i := n; b.Loop(); i++ {
			c.put(testKey(i), i, size, keepPage)
		}
	})
}
