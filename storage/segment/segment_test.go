package segment

import (
	"cmp"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"testing"

	"go.uber.org/goleak"

	"github.com/kiseki-dev/kiseki/storage/scan"
	"github.com/kiseki-dev/kiseki/storage/vfs"
	"github.com/kiseki-dev/kiseki/telemetry"
	"github.com/kiseki-dev/kiseki/telemetry/telemetrytest"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// traceRows are the rows of b grouped by trace, in the order a writer wants.
func traceRows(b *telemetry.Batch) [][]uint32 {
	byID := make(map[telemetry.TraceID][]uint32)
	starts := make(map[telemetry.TraceID]uint64)
	var ids []telemetry.TraceID
	for i := range b.Spans {
		s := &b.Spans[i]
		if _, ok := byID[s.TraceID]; !ok {
			ids = append(ids, s.TraceID)
			starts[s.TraceID] = s.Start
		}
		byID[s.TraceID] = append(byID[s.TraceID], uint32(i))
		starts[s.TraceID] = min(starts[s.TraceID], s.Start)
	}
	slices.SortFunc(ids, func(x, y telemetry.TraceID) int {
		return cmp.Or(cmp.Compare(starts[x], starts[y]), slices.Compare(x[:], y[:]))
	})
	out := make([][]uint32, len(ids))
	for i, id := range ids {
		out[i] = byID[id]
	}
	return out
}

func writeFile(t testing.TB, path string, b *telemetry.Batch, o Options) Info {
	t.Helper()
	w, err := Create(vfs.OS{}, path, o)
	if err != nil {
		t.Fatal(err)
	}
	for _, rows := range traceRows(b) {
		if err := w.AddTrace(b, rows); err != nil {
			t.Fatal(err)
		}
	}
	info, err := w.Finish()
	if err != nil {
		t.Fatal(err)
	}
	return info
}

func openFile(t testing.TB, path string, c *Cache) *Reader {
	t.Helper()
	r, err := Open(vfs.OS{}, path, c)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { r.Close() })
	return r
}

// small makes several blocks and pages of a few hundred spans.
var small = Options{BlockSpans: 300, PageRows: 64}

func readAll(t testing.TB, r *Reader) *telemetry.Batch {
	t.Helper()
	b := &telemetry.Batch{}
	for _, blk := range r.Blocks() {
		if err := blk.Spans(0, blk.Len(), b); err != nil {
			t.Fatal(err)
		}
	}
	return b
}

func TestRoundTrip(t *testing.T) {
	for seed := range uint64(12) {
		b := telemetrytest.Random(seed, int(seed*seed*12))
		rand.New(rand.NewPCG(seed, 1)).Shuffle(len(b.Spans), func(i, j int) { b.Spans[i], b.Spans[j] = b.Spans[j], b.Spans[i] })
		path := filepath.Join(t.TempDir(), "s")
		info := writeFile(t, path, b, small)
		r := openFile(t, path, NewCache(1<<20))
		if int(info.Spans) != len(b.Spans) || r.SpanCount() != info.Spans || info.Bytes != r.Size() {
			t.Errorf("seed %d: wrote %+v, reader has %d spans, %d bytes", seed, info, r.SpanCount(), r.Size())
		}
		if got, want := telemetrytest.Dump(readAll(t, r)), telemetrytest.Dump(b); got != want {
			t.Fatalf("seed %d: got\n%s\nwant\n%s", seed, got, want)
		}
		if err := r.Verify(nil); err != nil {
			t.Error(err)
		}
	}
}

// TestRanges reads every row alone and in pieces that cross pages, and every
// trace, of which the columns in a context have just the values made.
func TestRanges(t *testing.T) {
	for name, b := range map[string]*telemetry.Batch{"random": telemetrytest.Random(5, 700), "shop": shop(2000)} {
		options := small
		if name == "shop" {
			options = Options{PageRows: 1024}
		}
		path := filepath.Join(t.TempDir(), "s")
		writeFile(t, path, b, options)
		for _, cache := range []*Cache{nil, NewCache(1 << 20)} {
			for _, blk := range openFile(t, path, cache).Blocks() {
				readRanges(t, blk)
			}
		}
	}
}

func readRanges(t *testing.T, blk scan.Block) {
	t.Helper()
	var all telemetry.Batch
	if err := blk.Spans(0, blk.Len(), &all); err != nil {
		t.Fatal(err)
	}
	rnd := rand.New(rand.NewPCG(1, 2))
	for lo := 0; lo < blk.Len(); {
		hi := min(lo+1+rnd.IntN(100), blk.Len())
		compareRange(t, blk, &all, lo, hi)
		lo = hi
	}
	for lo := 0; lo < blk.Len(); {
		tr, err := blk.Trace(lo)
		if err != nil {
			t.Fatal(err)
		}
		compareRange(t, blk, &all, tr.Lo, tr.Hi)
		lo = tr.Hi
	}
}

// compareRange checks that rows [lo, hi) are those of all.
func compareRange(t *testing.T, blk scan.Block, all *telemetry.Batch, lo, hi int) {
	t.Helper()
	var part telemetry.Batch
	var rows scan.Rows
	if err := blk.Rows(lo, hi, 1<<9-1, &rows); err != nil {
		t.Fatal(err)
	}
	if err := blk.Spans(lo, hi, &part); err != nil {
		t.Fatal(err)
	}
	for i := range part.Spans {
		if got, want := telemetrytest.DumpSpan(&part, i), telemetrytest.DumpSpan(all, lo+i); got != want {
			t.Fatalf("row %d: got %s want %s", lo+i, got, want)
		}
		s := &part.Spans[i]
		if rows.TraceID[i] != s.TraceID || rows.SpanID[i] != s.SpanID || rows.ParentID[i] != s.ParentID ||
			rows.Start[i] != s.Start || rows.Duration[i] != s.Duration() || rows.Kind[i] != s.Kind ||
			rows.Status[i] != s.Status || rows.Name[i] != s.Name || rows.Service[i] != part.ServiceName(s.Resource) {
			t.Fatalf("row %d: columns differ from the span", lo+i)
		}
		tr, err := blk.Trace(lo + i)
		if err != nil || tr.ID != s.TraceID || lo+i < tr.Lo || lo+i >= tr.Hi || tr.Start > s.Start || tr.Start > blk.NewestTrace() {
			t.Fatalf("row %d: trace %+v, %v", lo+i, tr, err)
		}
	}
}

func TestFind(t *testing.T) {
	b := telemetrytest.Random(9, 900)
	path := filepath.Join(t.TempDir(), "s")
	writeFile(t, path, b, small)
	r := openFile(t, path, NewCache(1<<20))
	for _, rows := range traceRows(b) {
		id := b.Spans[rows[0]].TraceID
		found := 0
		err := r.Find(id, func(blk scan.Block, lo, hi int) error {
			var got telemetry.Batch
			if err := blk.Spans(lo, hi, &got); err != nil {
				return err
			}
			for _, s := range got.Spans {
				if s.TraceID != id {
					t.Errorf("trace %s has a span of %s", id, s.TraceID)
				}
			}
			found += len(got.Spans)
			return nil
		})
		if err != nil || found != len(rows) {
			t.Errorf("trace %s: found %d of %d spans, %v", id, found, len(rows), err)
		}
	}
	err := r.Find(telemetry.TraceID{1}, func(scan.Block, int, int) error { t.Error("found a trace that is not there"); return nil })
	if err != nil {
		t.Error(err)
	}
}

func TestOrderIsEnforced(t *testing.T) {
	b := telemetrytest.Random(3, 100)
	w, err := Create(vfs.OS{}, filepath.Join(t.TempDir(), "s"), Options{})
	if err != nil {
		t.Fatal(err)
	}
	traces := traceRows(b)
	if err := w.AddTrace(b, traces[1]); err != nil {
		t.Fatal(err)
	}
	for _, rows := range traces[:2] {
		if err := w.AddTrace(b, rows); err == nil {
			t.Error("a trace out of order was taken")
		}
	}
	if err := w.Abort(); err != nil {
		t.Fatal(err)
	}
	if _, err := os.Stat(w.path); !os.IsNotExist(err) {
		t.Errorf("the aborted file is still there: %v", err)
	}
}
