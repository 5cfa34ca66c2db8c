package exec_test

import (
	"testing"

	"github.com/kiseki-dev/kiseki/query/exec"
	"github.com/kiseki-dev/kiseki/query/plan"
	"github.com/kiseki-dev/kiseki/query/traceql"
	"github.com/kiseki-dev/kiseki/telemetry"
)

// TestRareSideIsFound: of traces of two spans, a server's below a client's,
// only the oldest has what the left side wants. Its spans are stored apart.
func TestRareSideIsFound(t *testing.T) {
	const traces = 500
	b := &telemetry.Batch{Scopes: make([]telemetry.Scope, 1), Attrs: []telemetry.Attr{
		{Key: "service.name", Value: telemetry.StringValue("often")}, {Key: "service.name", Value: telemetry.StringValue("once")}}}
	for i := range b.Attrs {
		b.Resources = append(b.Resources, telemetry.Resource{Attrs: telemetry.Range{Start: uint32(i), End: uint32(i + 1)}})
	}
	for _, kind := range []telemetry.Kind{telemetry.KindClient, telemetry.KindServer} {
		for i := range traces {
			s := telemetry.Span{Name: "call", Kind: kind, Start: epoch + uint64(i)*1000, End: epoch + uint64(i)*1000 + 9}
			s.TraceID = telemetry.TraceID{0: 1, 14: byte(i >> 8), 15: byte(i)}
			s.SpanID = telemetry.SpanID{7: byte(kind)}
			if kind == telemetry.KindServer {
				s.ParentID = telemetry.SpanID{7: byte(telemetry.KindClient)}
				s.Start++
			} else if i == 0 {
				s.Resource = 1
			}
			b.Spans = append(b.Spans, s)
		}
	}
	store := openStore(t)
	for _, half := range []*telemetry.Batch{part(b, 0, traces), part(b, traces, 2*traces)} {
		if _, err := store.Append(t.Context(), half); err != nil {
			t.Fatal(err)
		}
		if err := store.Flush(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
	for query, want := range map[string]int{
		`{ resource.service.name = "once" } > { kind = server }`:                   1,
		`{ kind = server } < { resource.service.name = "once" }`:                   1,
		`{ resource.service.name = "once" } && { kind = server }`:                  1,
		`{ rootServiceName = "once" && kind = server }`:                            1,
		`{ kind = server && name = "call" } > { resource.service.name = "once" }`:  0,
		`{ resource.service.name = "never" } > { kind = server }`:                  0,
		`{ rootServiceName = "never" && kind = server }`:                           0,
		`{ resource.service.name = "once" } !> { kind = server }`:                  10,
		`{ resource.service.name = "never" } || { kind = server }`:                 10,
		`{ resource.service.name = "never" } > { kind = server } || { name = "" }`: 0,
	} {
		q, err := traceql.ParseSearch(query)
		if err != nil {
			t.Fatal(err)
		}
		for _, begin := range []uint64{0, epoch + 1} { // all time, and without the left span
			p := &plan.Search{Start: begin, End: plan.All, Limit: 10}
			p.Filter, p.Spans = plan.Pipeline(q.Spans, begin > 0)
			snap := store.Snapshot()
			got, err := exec.Search(t.Context(), snap, p, exec.DefaultLimits)
			snap.Release()
			if err != nil || !got.Stats.Complete {
				t.Fatal(err, got.Stats)
			}
			if begin > 0 && query == `{ kind = server } < { resource.service.name = "once" }` {
				want = 0 // the client's span is the result
			}
			if len(got.Traces) != want {
				t.Errorf("%s from %d: %d traces, want %d", query, begin, len(got.Traces), want)
			}
		}
	}
}
