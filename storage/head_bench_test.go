package storage

import (
	"fmt"
	"regexp"
	"runtime"
	"testing"

	"github.com/kiseki-dev/kiseki/bench/corpus"
	"github.com/kiseki-dev/kiseki/storage/scan"
	"github.com/kiseki-dev/kiseki/telemetry"
)

// shopBatches are batches of about n spans, total spans in all.
func shopBatches(n, total int) (out []*telemetry.Batch, spans int) {
	g := corpus.New(corpus.Options{Seed: 1})
	for spans < total {
		b := &telemetry.Batch{}
		g.Batch(b, n)
		spans += len(b.Spans)
		out = append(out, b)
	}
	return out, spans
}

func BenchmarkHeadAppend(b *testing.B) {
	batches, spans := shopBatches(500, 50_000)
	var h *head
	for b.Loop() {
		h = newHead(2)
		for _, batch := range batches {
			h.append(batch)
		}
	}
	b.ReportMetric(float64(b.Elapsed())/float64(b.N*spans), "ns/span")
	b.ReportMetric(float64(h.bytes())/float64(spans), "counted-B/span")
	var with, without runtime.MemStats
	runtime.GC()
	runtime.ReadMemStats(&with)
	runtime.KeepAlive(h)
	h = nil
	runtime.GC()
	runtime.ReadMemStats(&without)
	b.ReportMetric(float64(with.HeapAlloc-without.HeapAlloc)/float64(spans), "heap-B/span")
}

func BenchmarkHeadNarrow(b *testing.B) {
	batches, spans := shopBatches(500, 50_000)
	h := newHead(2)
	for _, batch := range batches {
		h.append(batch)
	}
	src := h.source()
	for _, p := range []scan.Predicate{
		{Field: scan.Field{Scope: scan.ScopeResource, Key: "service.name"}, Op: scan.OpEqual, Value: telemetry.StringValue("cart")},
		{Field: scan.Field{Intrinsic: scan.IntrinsicName}, Op: scan.OpMatch, Regex: regexp.MustCompile("^(?:.*GET.*)$")},
		{Field: scan.Field{Intrinsic: scan.IntrinsicDuration}, Op: scan.OpGreater, Value: telemetry.IntValue(1e8)},
		{Field: scan.Field{Scope: scan.ScopeSpan, Key: "http.response.status_code"}, Op: scan.OpGreaterEqual, Value: telemetry.IntValue(500)},
		{Field: scan.Field{Scope: scan.ScopeAny, Key: "http.route"}, Op: scan.OpEqual, Value: telemetry.StringValue("/cart")},
	} {
		b.Run(fmt.Sprintf("%d-%d-%s", p.Field.Scope, p.Field.Intrinsic, p.Field.Key), func(b *testing.B) {
			var sel scan.Bitmap
			for b.Loop() {
				for _, block := range src.Blocks() {
					sel.Reset(block.Len(), true)
					if err := block.Narrow([]scan.Predicate{p}, &sel); err != nil {
						b.Fatal(err)
					}
				}
			}
			b.ReportMetric(float64(b.Elapsed())/float64(b.N*spans), "ns/span")
		})
	}
}
