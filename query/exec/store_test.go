package exec_test

import (
	"log/slog"
	"math/rand/v2"
	"testing"

	"go.uber.org/goleak"

	"github.com/kiseki-dev/kiseki/query/querytest"
	"github.com/kiseki-dev/kiseki/storage"
	"github.com/kiseki-dev/kiseki/storage/vfs"
	"github.com/kiseki-dev/kiseki/telemetry"
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

// TestRealStore: what the model of storage is to this package, the store must
// be too, with traces in pieces over segments and the head.
func TestRealStore(t *testing.T) {
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
		ref := querytest.New(b)
		for range 40 {
			checkSearch(t, r, ref, "{"+randomExpr(r, 3)+"}", s)
		}
		checkTraces(t, b, s)
	}
}
