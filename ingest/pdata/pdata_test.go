package pdata

import (
	"errors"
	"testing"

	"go.opentelemetry.io/collector/pdata/pcommon"
	"go.opentelemetry.io/collector/pdata/ptrace"

	"github.com/kiseki-dev/kiseki/ingest"
	"github.com/kiseki-dev/kiseki/telemetry"
	"github.com/kiseki-dev/kiseki/telemetry/otlpproto"
	"github.com/kiseki-dev/kiseki/telemetry/telemetrytest"
)

// What pdata reads of OTLP comes out as the batch that was written.
func TestAgreesWithOTLP(t *testing.T) {
	for seed := range uint64(60) {
		want := telemetrytest.Random(seed, 50)
		td, err := new(ptrace.ProtoUnmarshaler).UnmarshalTraces(otlpproto.Append(nil, want))
		if err != nil {
			t.Fatal(err)
		}
		var got telemetry.Batch
		if report, err := Append(&got, td, ingest.Limits{}); err != nil || report != (ingest.Report{}) {
			t.Fatalf("seed %d: %v, %+v", seed, err, report)
		}
		if g, w := telemetrytest.Dump(&got), telemetrytest.Dump(want); g != w {
			t.Fatalf("seed %d:\ngot\n%s\nwant\n%s", seed, g, w)
		}
	}
}

// one is traces of one span, whose parts the caller spoils.
func one() (ptrace.Traces, ptrace.Span) {
	td := ptrace.NewTraces()
	s := td.ResourceSpans().AppendEmpty().ScopeSpans().AppendEmpty().Spans().AppendEmpty()
	s.SetTraceID(pcommon.TraceID{1})
	s.SetSpanID(pcommon.SpanID{2})
	s.SetName("fine")
	return td, s
}

func TestRepairs(t *testing.T) {
	td, s := one()
	s.SetName("caf\xe9")
	s.Links().AppendEmpty().SetTraceID(pcommon.TraceID{1})
	td.ResourceSpans().At(0).ScopeSpans().At(0).Spans().AppendEmpty().SetName("without ids")
	var b telemetry.Batch
	report, err := Append(&b, td, ingest.Limits{})
	want := ingest.Report{RejectedSpans: 1, Reason: "1 spans rejected: no trace ID or span ID", DroppedLinks: 1, InvalidUTF8: 1}
	if err != nil || report != want || len(b.Spans) != 1 || b.Spans[0].Name != "caf\uFFFD" || b.Spans[0].DroppedLinks != 1 {
		t.Errorf("%v, %+v, %+v", err, report, b.Spans)
	}
}

func TestLimits(t *testing.T) {
	for _, c := range []struct {
		name  string
		spoil func(ptrace.Span)
		limit ingest.Limits
		ok    bool
	}{
		{"as many attributes as may be", func(s ptrace.Span) { attributes(s, 9) }, ingest.Limits{Elements: 10}, true},
		{"one more", func(s ptrace.Span) { attributes(s, 10) }, ingest.Limits{Elements: 10}, false},
		{"as deep as may be", func(s ptrace.Span) { nest(s, 3) }, ingest.Limits{Depth: 3}, true},
		{"deeper", func(s ptrace.Span) { nest(s, 4) }, ingest.Limits{Depth: 3}, false},
	} {
		td, s := one()
		c.spoil(s)
		var b telemetry.Batch
		if _, err := Append(&b, td, c.limit); (err == nil) != c.ok || (err != nil && !errors.Is(err, ingest.ErrTooMany)) {
			t.Errorf("%s: %v", c.name, err)
		}
	}
}

func attributes(s ptrace.Span, n int) {
	for i := range n {
		s.Attributes().PutInt(string(rune('a'+i)), int64(i))
	}
}

func nest(s ptrace.Span, depth int) {
	m := s.Attributes()
	for range depth {
		m = m.PutEmptyMap("m")
	}
}
