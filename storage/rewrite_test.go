package storage

import (
	"context"
	"errors"
	"math"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"github.com/kiseki-dev/kiseki/storage/vfs"
	"github.com/kiseki-dev/kiseki/telemetry"
	"github.com/kiseki-dev/kiseki/telemetry/telemetrytest"
)

// scattered flushes the spans of src in random parts, so that traces lie in
// pieces, and some spans twice.
func scattered(t testing.TB, s *Store, src *telemetry.Batch, segments int, seed uint64) {
	t.Helper()
	r := rand.New(rand.NewPCG(seed, 1))
	parts := make([]telemetry.Batch, segments)
	for i := range parts {
		parts[i] = *src
		parts[i].Spans = nil
	}
	for _, span := range src.Spans {
		for range 1 + r.IntN(5)/4 {
			p := &parts[r.IntN(segments)]
			p.Spans = append(p.Spans, span)
		}
	}
	for i := range parts {
		add(t, s, &parts[i])
		flush(t, s)
	}
}

func numbers(s *Store) (out []uint64) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, ref := range s.mu.segments {
		out = append(out, ref.entry.Number)
	}
	return out
}

func rewrite(t testing.TB, s *Store, job rewriteJob) rewriteResult {
	t.Helper()
	res, err := s.rewrite(context.Background(), job)
	if err != nil {
		t.Fatal(err)
	}
	return res
}

// wholeTraces fails unless every trace is one run of rows of one segment.
func wholeTraces(t testing.TB, s *Store) {
	t.Helper()
	seen := map[telemetry.TraceID]bool{}
	for _, ref := range s.mu.segments {
		for _, b := range ref.reader.Blocks() {
			for row := 0; row < b.Len(); {
				trace, err := b.Trace(row)
				if err != nil {
					t.Fatal(err)
				}
				if seen[trace.ID] {
					t.Fatalf("trace %s is in two places", trace.ID)
				}
				seen[trace.ID] = true
				row = trace.Hi
			}
		}
	}
}

func TestRewriteJoinsTraces(t *testing.T) {
	for seed := range uint64(5) {
		mem := vfs.NewMem(0)
		o := options(mem)
		o.rewrite = defaultRewriteLimits
		o.rewrite.segmentSpans = 90
		s := open(t, o)
		src := telemetrytest.Random(seed, 500)
		scattered(t, s, src, 6, seed)
		stored := s.Stats().SegmentSpans
		before := s.Snapshot()
		old := dumpSource(t, before.Sources()[0])
		res := rewrite(t, s, rewriteJob{inputs: numbers(s), level: 1})
		wantSpans(t, s, src)
		wholeTraces(t, s)
		if res.copies != stored-500 || res.droppedSpans != 0 || len(res.outputs) < 5 {
			t.Errorf("seed %d: %d spans were stored; %+v", seed, stored, res)
		}
		for _, e := range s.manifest.Segments {
			if e.Spans > 90+20 || e.Level != 1 || e.Written != unixNanos(now) {
				t.Errorf("seed %d: %+v", seed, e)
			}
		}
		if dumpSource(t, before.Sources()[0]) != old {
			t.Error("a snapshot changed")
		}
		before.Release()
		if names, err := mem.List("/data/tenants/default/segments"); err != nil || len(names) != len(res.outputs) {
			t.Errorf("files %q for %d segments, %v", names, len(res.outputs), err)
		}
		closeStore(t, s)
		wantSpans(t, open(t, o), src)
	}
}

func TestRewriteDropsTraces(t *testing.T) {
	s := open(t, options(vfs.NewMem(0)))
	src := telemetrytest.Random(1, 300)
	scattered(t, s, src, 3, 1)
	gone := src.Spans[7].TraceID
	keep := func(_ uint64, id telemetry.TraceID) bool { return id != gone }
	res := rewrite(t, s, rewriteJob{inputs: numbers(s), keep: keep})
	left := *src
	left.Spans = slices.DeleteFunc(slices.Clone(src.Spans), func(x telemetry.Span) bool { return x.TraceID == gone })
	wantSpans(t, s, &left)
	if res.droppedTraces == 0 || int(res.droppedSpans) < 300-len(left.Spans) {
		t.Errorf("%+v", res)
	}
	// Once more there is nothing to do.
	old := numbers(s)
	if res := rewrite(t, s, rewriteJob{inputs: old, keep: keep}); !res.unchanged || !slices.Equal(numbers(s), old) {
		t.Errorf("%+v, segments %v", res, numbers(s))
	}
	// All of it.
	rewrite(t, s, rewriteJob{inputs: old, keep: func(uint64, telemetry.TraceID) bool { return false }})
	wantSpans(t, s)
	if len(numbers(s)) != 0 {
		t.Error("an empty segment was written")
	}
}

// A piece of a trace can be dropped where it lies and stay elsewhere.
func TestRewriteDropsPieces(t *testing.T) {
	s := open(t, options(vfs.NewMem(0)))
	a, b := telemetrytest.Random(1, 50), telemetrytest.Random(2, 50)
	for i := range b.Spans {
		b.Spans[i].TraceID = a.Spans[0].TraceID
	}
	add(t, s, a)
	flush(t, s)
	add(t, s, b)
	flush(t, s)
	first := numbers(s)[0]
	rewrite(t, s, rewriteJob{inputs: numbers(s), keep: func(n uint64, _ telemetry.TraceID) bool { return n != first }})
	wantSpans(t, s, b)
}

func TestRewriteEndsEarly(t *testing.T) {
	mem := vfs.NewMem(0)
	o := options(mem)
	o.rewrite = defaultRewriteLimits
	o.rewrite.joinedSpans = 30
	s := open(t, o)
	src := telemetrytest.Random(1, 200)
	for i := range src.Spans {
		src.Spans[i].TraceID = src.Spans[0].TraceID
	}
	scattered(t, s, src, 2, 1)
	was := contents(t, s)
	canceled, cancel := context.WithCancel(context.Background())
	cancel()
	if _, err := s.rewrite(canceled, rewriteJob{inputs: numbers(s)}); !errors.Is(err, context.Canceled) {
		t.Errorf("got %v", err)
	}
	if _, err := s.rewrite(context.Background(), rewriteJob{inputs: []uint64{99}}); !errors.Is(err, errSuperseded) {
		t.Errorf("got %v", err)
	}
	var large *tooLargeError
	if _, err := s.rewrite(context.Background(), rewriteJob{inputs: numbers(s)}); !errors.As(err, &large) || len(large.segments) != 2 {
		t.Errorf("got %v", err)
	}
	if !slices.Equal(contents(t, s), was) {
		t.Error("the spans have changed")
	}
	if names, err := mem.List("/data/tenants/default/segments"); err != nil || len(names) != 2 {
		t.Errorf("files are left: %q, %v", names, err)
	}
}

// TestRewriteCrash cuts the power before every file-system operation of a
// rewrite. Either all inputs are there after it or all outputs.
func TestRewriteCrash(t *testing.T) {
	base := vfs.NewMem(0)
	src := telemetrytest.Random(3, 60)
	s := open(t, options(base))
	scattered(t, s, src, 3, 3)
	inputs, outputs := strings.Join(contents(t, s), "\n"), strings.Join(dumps(src), "\n")
	closeStore(t, s)
	for k := int64(0); ; k++ {
		mem := base.CrashClone(nil)
		cut := int64(math.MaxInt64)
		fault := vfs.NewFault(mem, func(op vfs.Op) error {
			if op.N >= cut {
				return &vfs.ShortWriteError{N: 5, Err: errPowerCut}
			}
			return nil
		})
		o := options(fault)
		o.rewrite = defaultRewriteLimits
		o.rewrite.segmentSpans = 20
		s := open(t, o)
		cut = fault.Ops() + k
		_, err := s.rewrite(context.Background(), rewriteJob{inputs: numbers(s)})
		done := fault.Ops() <= cut
		after := open(t, options(mem.CrashClone(rand.New(rand.NewPCG(uint64(k), 1)))))
		got := strings.Join(contents(t, after), "\n")
		if got != outputs && (err == nil || got != inputs) {
			t.Fatalf("cut at operation %d, %v:\n%s", k, err, diff(got, outputs))
		}
		closeStore(t, after)
		_ = s.Close() // after the cut
		if done {
			t.Logf("%d operations", k)
			return
		}
	}
}

// TestRewriteDropsOutdated: of a span that came while it ran, and again when it
// had ended, compaction leaves the latter.
func TestRewriteDropsOutdated(t *testing.T) {
	s := open(t, options(vfs.NewMem(0)))
	src := telemetrytest.Random(9, 300)
	outdated := 0
	for i, span := range src.Spans {
		b := *src
		b.Spans = []telemetry.Span{span}
		if span.End != 0 {
			running := span
			running.End, running.Attrs = 0, telemetry.Range{}
			b.Spans = append(b.Spans, running)
			outdated++
		}
		for _, at := range rand.New(rand.NewPCG(uint64(i), 1)).Perm(len(b.Spans)) {
			one := b
			one.Spans = b.Spans[at : at+1]
			add(t, s, &one)
			if (i+at)%40 == 0 {
				flush(t, s)
			}
		}
	}
	flush(t, s)
	res := rewrite(t, s, rewriteJob{inputs: numbers(s), level: 1})
	if res.copies != uint64(outdated) {
		t.Errorf("%d of %d outdated spans are left out", res.copies, outdated)
	}
	wantSpans(t, s, src)
}
