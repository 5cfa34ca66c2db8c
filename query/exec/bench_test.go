package exec_test

import (
	"fmt"
	"testing"

	"github.com/kiseki-dev/kiseki/query/exec"
	"github.com/kiseki-dev/kiseki/query/plan"
	"github.com/kiseki-dev/kiseki/query/traceql"
	"github.com/kiseki-dev/kiseki/storage"
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
				q, err := traceql.Parse(c.query)
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

// BenchmarkParse is the cost of reading and planning a query.
func BenchmarkParse(b *testing.B) {
	b.ReportAllocs()
	for b.Loop() {
		q, err := traceql.Parse(`{ resource.service.name = "checkout" && duration > 500ms && status = error }`)
		if err != nil {
			b.Fatal(err)
		}
		plan.Filter(q)
	}
}
