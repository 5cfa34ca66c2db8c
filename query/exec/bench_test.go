package exec_test

import (
	"bytes"
	"cmp"
	"fmt"
	"maps"
	"path/filepath"
	"slices"
	"syscall"
	"testing"
	"time"

	"github.com/kiseki-dev/kiseki/bench/corpus"
	"github.com/kiseki-dev/kiseki/query/exec"
	"github.com/kiseki-dev/kiseki/query/plan"
	"github.com/kiseki-dev/kiseki/query/traceql"
	"github.com/kiseki-dev/kiseki/storage"
	"github.com/kiseki-dev/kiseki/storage/scan"
	"github.com/kiseki-dev/kiseki/storage/segment"
	"github.com/kiseki-dev/kiseki/storage/vfs"
	"github.com/kiseki-dev/kiseki/telemetry"
)

// benchStore holds traces of ten spans, all in the head.
func benchStore(b *testing.B, traces int) *storage.Store {
	s := openStore(b)
	batch := &telemetry.Batch{Scopes: make([]telemetry.Scope, 1)}
	for i := range 10 {
		batch.Attrs = append(batch.Attrs, telemetry.Attr{Key: "service.name", Value: telemetry.StringValue(fmt.Sprint("service-", i))})
		batch.Resources = append(batch.Resources, telemetry.Resource{Attrs: telemetry.Range{Start: uint32(i), End: uint32(i + 1)}})
	}
	shared := len(batch.Attrs)
	for i := range traces {
		for j := range 10 {
			first := uint32(len(batch.Attrs))
			batch.Attrs = append(batch.Attrs,
				telemetry.Attr{Key: "http.status_code", Value: telemetry.IntValue(int64(200 + i*j%7*50))},
				telemetry.Attr{Key: "http.route", Value: telemetry.StringValue(fmt.Sprint("/route/", i%50))},
				telemetry.Attr{Key: "user.id", Value: telemetry.StringValue(fmt.Sprint("user-", i*10+j))})
			x := telemetry.Span{Name: fmt.Sprint("op-", j), Start: epoch + uint64(i)*100_000 + uint64(j), Resource: uint32(j), Kind: telemetry.Kind(j % 6)}
			x.Attrs = telemetry.Range{Start: first, End: uint32(len(batch.Attrs))}
			x.End = x.Start + uint64((i*7919+j*104729)%1_000_000)
			for k := range 4 {
				x.TraceID[k], x.SpanID[k+1] = byte(i*0x9e3779b1>>(8*k)), byte(i>>(8*k))
			}
			x.TraceID[15], x.SpanID[0] = 1, byte(j+1)
			if j > 0 {
				x.ParentID = batch.Spans[len(batch.Spans)-1].SpanID
			}
			if i%97 == 0 && j == 9 {
				x.Status = telemetry.StatusError
			}
			batch.Spans = append(batch.Spans, x)
		}
		if len(batch.Spans) >= 5000 || i == traces-1 {
			if _, err := s.Append(b.Context(), batch); err != nil {
				b.Fatal(err)
			}
			batch.Spans, batch.Attrs = batch.Spans[:0], batch.Attrs[:shared]
		}
	}
	return s
}

// BenchmarkSearch searches 300,000 spans in the head and then in a segment.
func BenchmarkSearch(b *testing.B) {
	s := benchStore(b, 30_000)
	for _, place := range []string{"head", "segment"} {
		if place == "segment" {
			if err := s.Flush(b.Context()); err != nil {
				b.Fatal(err)
			}
		}
		for _, c := range []struct{ name, query string }{
			{"everything", "{}"},
			{"common service", `{ resource.service.name = "service-3" }`},
			{"rare error", `{ status = error && duration > 900us }`},
			{"one user", `{ span.user.id = "user-12345" }`},
			{"nobody", `{ span.user.id =~ "nobody.*" }`},
			{"three conjuncts", `{ resource.service.name = "service-3" && span.http.status_code >= 400 && span.http.route = "/route/7" }`},
		} {
			b.Run(place+"/"+c.name, func(b *testing.B) {
				q, err := traceql.ParseFilter(c.query)
				if err != nil {
					b.Fatal(err)
				}
				p := plan.Search{Filter: plan.Filter(q), End: plan.All, Limit: 20}
				snap := s.Snapshot()
				defer snap.Release()
				b.ReportAllocs()
				var res *exec.SearchResult
				for b.Loop() {
					if res, err = exec.Search(b.Context(), snap, &p, exec.DefaultLimits); err != nil || !res.Stats.Complete {
						b.Fatal(err, res)
					}
				}
				b.ReportMetric(float64(res.Stats.ScannedSpans), "spans")
			})
		}
	}
}

// BenchmarkSelect tells of the failed spans of 500 traces what failed.
func BenchmarkSelect(b *testing.B) {
	path := filepath.Join(b.TempDir(), "s")
	shopSegment(b, path)
	r, err := segment.Open(vfs.OS{}, path, segment.NewCache(1<<30))
	if err != nil {
		b.Fatal(err)
	}
	defer r.Close()
	for _, fields := range []string{"statusMessage", "event.exception.type", "event.exception.type, event.exception.message"} {
		b.Run(fields, func(b *testing.B) {
			q, err := traceql.ParseSearch("{ status = error } | select(" + fields + ")")
			if err != nil {
				b.Fatal(err)
			}
			p := plan.Search{End: plan.All, Limit: 500, SetSpans: 50, Fields: q.Selected()}
			p.Filter, p.Spans = plan.Pipeline(q.Spans, true)
			b.ReportAllocs()
			before := cpuTime(b)
			for b.Loop() {
				if res, err := exec.Search(b.Context(), oneSource{r}, &p, exec.DefaultLimits); err != nil || len(res.Traces) == 0 {
					b.Fatal(err, res)
				}
			}
			b.ReportMetric(float64(cpuTime(b)-before)/float64(b.N)/1e6, "cpu-ms")
		})
	}
}

// BenchmarkAggregate groups the spans of a web shop, with all pages unpacked
// in the cache (warm) and with none (cold).
func BenchmarkAggregate(b *testing.B) {
	path := filepath.Join(b.TempDir(), "s")
	spans := shopSegment(b, path)
	for _, c := range []struct {
		name, filter string
		by           []scan.Field
	}{
		{"all by operation", "{}", exec.Operation},
		{"all by route", "{}", []scan.Field{{Scope: scan.ScopeSpan, Key: "http.route"}}},
		{"all in one", "{}", nil},
		{"service by name", `{ resource.service.name = "checkout" }`, []scan.Field{{Intrinsic: scan.IntrinsicName}}},
		{"errors by operation", `{ status = error }`, exec.Operation},
		{"all by user", "{}", []scan.Field{{Scope: scan.ScopeSpan, Key: "user.id"}}},
	} {
		for name, size := range map[string]int64{"warm": 1 << 30, "cold": 0} {
			b.Run(c.name+"/"+name, func(b *testing.B) {
				r, err := segment.Open(vfs.OS{}, path, segment.NewCache(size))
				if err != nil {
					b.Fatal(err)
				}
				defer r.Close()
				q, err := traceql.ParseFilter(c.filter)
				if err != nil {
					b.Fatal(err)
				}
				a := exec.Aggregation{Filter: plan.Filter(q), End: plan.All, By: c.by, Limit: 100}
				limits := exec.DefaultLimits
				limits.Groups = 1 << 20
				b.ReportAllocs()
				before := cpuTime(b)
				for b.Loop() {
					if res, err := exec.Aggregate(b.Context(), oneSource{r}, &a, limits); err != nil || !res.Stats.Complete {
						b.Fatal(err, res)
					}
				}
				b.ReportMetric(float64(cpuTime(b)-before)/float64(spans)/float64(b.N), "cpu-ns/span")
			})
		}
	}
}

// BenchmarkMetrics makes series of the spans of a web shop, with all pages
// unpacked in the cache; in "steps" of a hundredth of the time.
func BenchmarkMetrics(b *testing.B) {
	path := filepath.Join(b.TempDir(), "s")
	spans := shopSegment(b, path)
	r, err := segment.Open(vfs.OS{}, path, segment.NewCache(1<<30))
	if err != nil {
		b.Fatal(err)
	}
	defer r.Close()
	start, end := r.Bounds()
	for _, query := range []string{
		"{} | rate()",
		"{} | rate() by (resource.service.name, name, kind)",
		"{} | rate() by (span.http.route)",
		"{ status = error } | rate() by (resource.service.name)",
		"{} | quantile_over_time(duration, .5, .99) by (resource.service.name, name)",
		"{ status = error } | rate() by (event.exception.type)",
		"{ event.exception.type != nil } | rate() by (event.exception.type)",
		"{} | avg_over_time(duration) by (resource.service.name)",
		"{} | sum_over_time(span.http.response.body.size) by (resource.service.name)",
		"{} | rate() by (span.user.id)",
		"{} | compare({ status = error })",
		`{ resource.service.name = "checkout" } >> { status = error } | rate() by (resource.service.name)`,
		"{} > { kind = client } | rate() by (resource.service.name)",
		"{} | rate() by (rootName)",
	} {
		for _, steps := range []uint64{1, 100} {
			b.Run(fmt.Sprintf("%s/steps=%d", query, steps), func(b *testing.B) {
				parsed, err := traceql.Parse(query)
				if err != nil {
					b.Fatal(err)
				}
				q := &exec.MetricsQuery{Expr: parsed.Metrics, Start: start, End: end + 1, Step: (end-start)/steps + 1}
				limits := exec.DefaultLimits
				limits.Series, limits.Memory = 1<<20, 4<<30
				b.ReportAllocs()
				before := cpuTime(b)
				for b.Loop() {
					if res, err := exec.Metrics(b.Context(), oneSource{r}, q, limits); err != nil || !res.Stats.Complete {
						b.Fatal(err, res.Stats)
					}
				}
				b.ReportMetric(float64(cpuTime(b)-before)/float64(spans)/float64(b.N), "cpu-ns/span")
			})
		}
	}
}

// cpuTime is what the process has used, whoever else uses the machine.
func cpuTime(b *testing.B) time.Duration {
	var used syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &used); err != nil {
		b.Fatal(err)
	}
	return time.Duration(used.Utime.Nano() + used.Stime.Nano())
}

// oneSource is a snapshot of one source.
type oneSource struct{ scan.Source }

func (s oneSource) Sources() []scan.Source { return []scan.Source{s.Source} }
func (oneSource) Release()                 {}

// shopSegment writes a segment of a web shop's spans and returns their number.
func shopSegment(b *testing.B, path string) uint64 {
	batch := &telemetry.Batch{}
	corpus.New(corpus.Options{Seed: 1}).Batch(batch, 1<<18)
	byTrace := map[telemetry.TraceID][]uint32{}
	starts := map[telemetry.TraceID]uint64{}
	for i := range batch.Spans {
		s := &batch.Spans[i]
		if at, ok := starts[s.TraceID]; !ok || s.Start < at {
			starts[s.TraceID] = s.Start
		}
		byTrace[s.TraceID] = append(byTrace[s.TraceID], uint32(i))
	}
	ids := slices.SortedFunc(maps.Keys(byTrace), func(x, y telemetry.TraceID) int {
		return cmp.Or(cmp.Compare(starts[x], starts[y]), bytes.Compare(x[:], y[:]))
	})
	w, err := segment.Create(vfs.OS{}, path, segment.Options{})
	if err != nil {
		b.Fatal(err)
	}
	for _, id := range ids {
		if err := w.AddTrace(batch, byTrace[id]); err != nil {
			b.Fatal(err)
		}
	}
	info, err := w.Finish()
	if err != nil {
		b.Fatal(err)
	}
	return uint64(info.Spans)
}

// BenchmarkParse is the cost of reading and planning a query.
func BenchmarkParse(b *testing.B) {
	b.ReportAllocs()
	for b.Loop() {
		q, err := traceql.ParseFilter(`{ resource.service.name = "checkout" && duration > 500ms && status = error }`)
		if err != nil {
			b.Fatal(err)
		}
		plan.Filter(q)
	}
}
