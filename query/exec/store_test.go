package exec_test

import (
	"fmt"
	"log/slog"
	"math/rand/v2"
	"testing"

	"go.uber.org/goleak"

	"github.com/kiseki-dev/kiseki/query/exec"
	"github.com/kiseki-dev/kiseki/query/plan"
	"github.com/kiseki-dev/kiseki/query/traceql"
	"github.com/kiseki-dev/kiseki/storage"
	"github.com/kiseki-dev/kiseki/storage/vfs"
	"github.com/kiseki-dev/kiseki/telemetry"
	"github.com/kiseki-dev/kiseki/telemetry/telemetrytest"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// openStore is a real store over memory.
func openStore(t testing.TB) *storage.Store {
	t.Helper()
	s, err := storage.Open(storage.Options{FS: vfs.NewMem(1 << 30), Dir: "data", Logger: slog.New(slog.DiscardHandler), MinFreeBytes: 1})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	})
	return s
}

// part is the spans [lo, hi) of b as a batch of its own.
func part(b *telemetry.Batch, lo, hi int) *telemetry.Batch {
	p := *b
	p.Spans = append([]telemetry.Span(nil), b.Spans[lo:hi]...)
	return &p
}

// TestRealStoreAgreesWithModel: what the reference model is to this package,
// the store must be too, with traces in pieces over segments and the head.
func TestRealStoreAgreesWithModel(t *testing.T) {
	for seed := range uint64(6) {
		r := rand.New(rand.NewPCG(seed, 3))
		b := randomBatch(r, 200)
		s := openStore(t)
		for lo := 0; lo < len(b.Spans); lo += 40 {
			if _, err := s.Append(t.Context(), part(b, lo, min(lo+40, len(b.Spans)))); err != nil {
				t.Fatal(err)
			}
			if r.IntN(3) == 0 {
				if err := s.Flush(t.Context()); err != nil {
					t.Fatal(err)
				}
			}
		}
		for range 40 {
			text := "{" + randomExpr(r, 3) + "}"
			q, err := traceql.ParseFilter(text)
			if err != nil {
				t.Fatal(err)
			}
			p := plan.Search{Filter: plan.Filter(q), End: plan.All, Limit: 1 + r.IntN(6)}
			if r.IntN(2) == 0 {
				p.Start = 1_790_000_000_000_000_000 + uint64(r.IntN(20))*1000
				p.End = p.Start + uint64(1+r.IntN(20))*1000
			}
			want := model{b}.search(q, p)
			if got := everyPage(t, s, p); fmt.Sprint(got) != fmt.Sprint(want) {
				t.Fatalf("seed %d, %s\n%sgot  %v\nwant %v", seed, text, p.Explain(), got, want)
			}
		}
		snap := s.Snapshot()
		for id, rows := range (model{b}).distinct() {
			got, err := exec.FindTrace(t.Context(), snap, id, exec.DefaultLimits)
			if err != nil {
				t.Fatal(err)
			}
			want := *b
			want.Spans = nil
			for _, i := range rows {
				want.Spans = append(want.Spans, b.Spans[i])
			}
			if g, w := telemetrytest.Dump(&got.Batch), telemetrytest.Dump(&want); g != w {
				t.Fatalf("seed %d, trace %s\ngot\n%s\nwant\n%s", seed, id, g, w)
			}
		}
		snap.Release()
	}
}
