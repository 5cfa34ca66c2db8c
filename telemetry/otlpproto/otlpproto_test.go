package otlpproto_test

import (
	"math"
	"testing"

	trace "go.opentelemetry.io/proto/otlp/trace/v1"
	"google.golang.org/protobuf/proto"

	"github.com/kiseki-dev/kiseki/ingest"
	"github.com/kiseki-dev/kiseki/ingest/otlp"
	"github.com/kiseki-dev/kiseki/telemetry"
	"github.com/kiseki-dev/kiseki/telemetry/otlpproto"
	"github.com/kiseki-dev/kiseki/telemetry/telemetrytest"
)

// What is written is read back as the batch it was written of, and the
// official library finds no field in it that it does not know.
func TestReadsBack(t *testing.T) {
	d := otlp.NewDecoder(otlp.DecodeLimits{Depth: 32, Elements: math.MaxInt})
	var got telemetry.Batch
	for seed := range uint64(60) {
		want := telemetrytest.Random(seed, 50)
		body := otlpproto.Append([]byte("before"), want)[len("before"):]
		if report, err := d.DecodeProto(body, &got); err != nil || report != (ingest.Report{}) {
			t.Fatalf("seed %d: %v, %+v", seed, err, report)
		}
		if g, w := telemetrytest.Dump(&got), telemetrytest.Dump(want); g != w {
			t.Fatalf("seed %d:\ngot\n%s\nwant\n%s", seed, g, w)
		}
		var official trace.TracesData
		if err := proto.Unmarshal(body, &official); err != nil {
			t.Fatalf("seed %d: %v", seed, err)
		}
		for _, r := range official.ResourceSpans {
			for _, scope := range r.ScopeSpans {
				for _, s := range scope.Spans {
					if r.Resource == nil || scope.Scope == nil || s.Status == nil {
						t.Fatalf("seed %d: readers that take these messages for granted would fail: %v", seed, s)
					}
				}
			}
		}
		again, err := proto.Marshal(&official)
		if err != nil || len(again) != len(body) {
			t.Fatalf("seed %d: %d bytes are written again as %d: %v", seed, len(body), len(again), err)
		}
	}
}

// TestGroups: a resource and a scope are written once for the spans that
// follow each other in their order.
func TestGroups(t *testing.T) {
	b := telemetrytest.Random(1, 40)
	var got trace.TracesData
	if err := proto.Unmarshal(otlpproto.Append(nil, b), &got); err != nil {
		t.Fatal(err)
	}
	resources := map[uint32]bool{}
	for i := range b.Spans {
		resources[b.Spans[i].Resource] = true
	}
	if len(got.ResourceSpans) != len(resources) {
		t.Errorf("%d groups, want one for each of %d resources", len(got.ResourceSpans), len(resources))
	}
}

func BenchmarkAppend(b *testing.B) {
	batch := telemetrytest.Random(1, 10_000)
	var dst []byte
	b.ReportAllocs()
	for b.Loop() {
		dst = otlpproto.Append(dst[:0], batch)
	}
	b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N*len(batch.Spans)), "ns/span")
}
