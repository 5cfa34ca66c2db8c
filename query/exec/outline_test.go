package exec_test

import (
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/kiseki-dev/kiseki/query/exec"
	"github.com/kiseki-dev/kiseki/telemetry"
)

// TestOutlineIsTheTrace: an outline has the spans of the whole trace in the
// same order, sent once or twice, in the head or in segments; and each span can
// be read alone.
func TestOutlineIsTheTrace(t *testing.T) {
	for seed := range uint64(8) {
		r := rand.New(rand.NewPCG(seed, 17))
		b := randomBatch(r, 200)
		s := openStore(t)
		for lo := 0; lo < len(b.Spans); lo += 40 {
			for range 1 + r.IntN(2) {
				if _, err := s.Append(t.Context(), part(b, lo, min(lo+40, len(b.Spans)))); err != nil {
					t.Fatal(err)
				}
			}
			if r.IntN(3) == 0 {
				if err := s.Flush(t.Context()); err != nil {
					t.Fatal(err)
				}
			}
		}
		snap := s.Snapshot()
		ids := map[telemetry.TraceID]bool{}
		for i := range b.Spans {
			ids[b.Spans[i].TraceID] = true
		}
		for id := range ids {
			whole, err := exec.FindTrace(t.Context(), snap, id, exec.DefaultLimits)
			if err != nil {
				t.Fatal(err)
			}
			outline, err := exec.ReadOutline(t.Context(), snap, id, exec.DefaultLimits)
			if err != nil {
				t.Fatal(err)
			}
			if len(outline.Spans) != len(whole.Batch.Spans) || !outline.Stats.Complete {
				t.Fatalf("seed %d, trace %s: %d spans are outlined, the trace has %d", seed, id, len(outline.Spans), len(whole.Batch.Spans))
			}
			if n := exec.CountSpans(t.Context(), snap, id, exec.DefaultLimits); n < len(outline.Spans) {
				t.Errorf("seed %d, trace %s: %d spans are counted of %d", seed, id, n, len(outline.Spans))
			}
			for i := range outline.Spans {
				checkOutlined(t, whole, outline, int32(i))
				alone, err := exec.FindSpans(t.Context(), snap, id, outline.Spans[i].ID, exec.DefaultLimits)
				if err != nil {
					t.Fatal(err)
				}
				if !slices.ContainsFunc(alone.Batch.Spans, func(s telemetry.Span) bool {
					return s.Name == outline.Spans[i].Name && s.Start == outline.Spans[i].Start
				}) {
					t.Errorf("span %d is not found by its ID", i)
				}
			}
			if t.Failed() {
				t.FailNow()
			}
		}
		snap.Release()
	}
}

func checkOutlined(t *testing.T, whole *exec.Trace, o *exec.Outline, i int32) {
	t.Helper()
	want, got := &whole.Batch.Spans[i], &o.Spans[i]
	if got.Start != want.Start || got.ID != want.SpanID || got.Parent != want.ParentID || got.Duration != want.Duration() ||
		got.Kind != want.Kind || got.Status != want.Status || got.Name != want.Name ||
		got.Service != whole.Batch.ServiceName(want.Resource) || o.Parent[i] != whole.Parent[i] {
		t.Errorf("span %d: got %+v below %d, want %+v below %d", i, got, o.Parent[i], want, whole.Parent[i])
	}
	if got := o.StatusMessage(i); got != want.StatusMessage {
		t.Errorf("span %d: status message %q, want %q", i, got, want.StatusMessage)
	}
	alone, err := o.Span(i)
	if err != nil {
		t.Fatal(err)
	}
	if len(alone.Spans) != 1 || alone.Spans[0].SpanID != want.SpanID || len(alone.AttrsOf(alone.Spans[0].Attrs)) != want.Attrs.Len() {
		t.Errorf("span %d alone: %+v, want %+v", i, alone.Spans, want)
	}
}
