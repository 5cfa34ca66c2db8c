package exec_test

import (
	"context"
	"errors"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/kiseki-dev/kiseki/query/exec"
	"github.com/kiseki-dev/kiseki/query/plan"
	"github.com/kiseki-dev/kiseki/query/traceql"
	"github.com/kiseki-dev/kiseki/storage/scan"
	"github.com/kiseki-dev/kiseki/storage/scan/scantest"
	"github.com/kiseki-dev/kiseki/telemetry"
)

// counting counts what is asked of a snapshot's blocks and sources.
type counting struct {
	scan.Snapshot
	narrows, finds atomic.Int64
}

type countingSource struct {
	scan.Source
	c *counting
}

type countingBlock struct {
	scan.Block
	c *counting
}

func (c *counting) Sources() (out []scan.Source) {
	for _, s := range c.Snapshot.Sources() {
		out = append(out, countingSource{s, c})
	}
	return out
}

func (s countingSource) Blocks() (out []scan.Block) {
	for _, b := range s.Source.Blocks() {
		out = append(out, countingBlock{b, s.c})
	}
	return out
}

func (s countingSource) Find(id telemetry.TraceID, f func(scan.Block, int, int) error) error {
	s.c.finds.Add(1)
	return s.Source.Find(id, func(b scan.Block, lo, hi int) error { return f(countingBlock{b, s.c}, lo, hi) })
}

func (b countingBlock) Narrow(all []scan.Predicate, sel *scan.Bitmap) error {
	b.c.narrows.Add(int64(len(all)))
	return b.Block.Narrow(all, sel)
}

// many is n traces of 5 spans, one a millisecond; every third has a root in
// the frontend.
func many(n int) *telemetry.Batch {
	b := &telemetry.Batch{Scopes: make([]telemetry.Scope, 1)}
	for i, name := range []string{"frontend", "cart", "db"} {
		b.Attrs = append(b.Attrs, telemetry.Attr{Key: "service.name", Value: telemetry.StringValue(name)})
		b.Resources = append(b.Resources, telemetry.Resource{Attrs: telemetry.Range{Start: uint32(i), End: uint32(i + 1)}})
	}
	for i := range n {
		for j := range 5 {
			s := telemetry.Span{Name: "op", Start: epoch + uint64(i)*1_000_000 + uint64(j), Resource: uint32((i + j) % 3)}
			s.TraceID[0], s.TraceID[1], s.SpanID[0] = byte(i>>8), byte(i), byte(j+1)
			b.Spans = append(b.Spans, s)
		}
	}
	return b
}

func search(t *testing.T, text string) *plan.Search {
	t.Helper()
	q, err := traceql.ParseFilter(text)
	if err != nil {
		t.Fatal(err)
	}
	return &plan.Search{Filter: plan.Filter(q), End: plan.All, Limit: 20}
}

// TestSearchCost: a common value is found in the newest block, and only the
// traces of the page are looked up.
func TestSearchCost(t *testing.T) {
	c := &counting{Snapshot: scantest.Sorted(many(2000), 20).Snapshot()}
	res, err := exec.Search(t.Context(), c, search(t, `{ resource.service.name = "frontend" }`), exec.DefaultLimits)
	if err != nil || len(res.Traces) != 20 {
		t.Fatalf("%v, %+v", err, res)
	}
	if res.Stats.ScannedBlocks != 1 || c.finds.Load() != 20 {
		t.Errorf("filtered %d of %d blocks and looked up %d traces for 20 results", res.Stats.ScannedBlocks, res.Stats.TotalBlocks, c.finds.Load())
	}
	if c.narrows.Load() != 1 {
		t.Errorf("%d predicates were evaluated, want one for the block and none for its results", c.narrows.Load())
	}
}

// TestSearchSkipsBlocksByTime: blocks outside the range of time are not read,
// and those inside need no look at the start of their rows.
func TestSearchSkipsBlocksByTime(t *testing.T) {
	c := &counting{Snapshot: scantest.Sorted(many(2000), 20).Snapshot()}
	p := search(t, `{ resource.service.name = "nobody" }`)
	p.Start, p.End = epoch+450_000_000, epoch+750_000_000
	res, err := exec.Search(t.Context(), c, p, exec.DefaultLimits)
	if err != nil || len(res.Traces) != 0 {
		t.Fatalf("%v, %+v", err, res)
	}
	if got := res.Stats.ScannedBlocks; got != 4 {
		t.Errorf("filtered %d blocks, want 4", got)
	}
	if c.narrows.Load() != 4+2 {
		t.Errorf("%d predicates were evaluated, want one a block and one each where the range begins and ends", c.narrows.Load())
	}
}

// TestSearchGoesFar: a value that is only in old blocks is found there, and of
// the blocks before it none is passed over.
func TestSearchGoesFar(t *testing.T) {
	b := many(4000)
	b.Spans[5*1000].Name = "rare"
	c := &counting{Snapshot: scantest.Sorted(b, 400).Snapshot()}
	p := search(t, `{ name = "rare" }`)
	p.Limit = 1
	res, err := exec.Search(t.Context(), c, p, exec.DefaultLimits)
	if err != nil || len(res.Traces) != 1 || res.Traces[0].Matched != 1 || !res.Stats.Complete {
		t.Fatalf("%v, %+v", err, res)
	}
	if got := res.Stats.ScannedBlocks; got < 300 || got != int(c.narrows.Load()) {
		t.Errorf("%d blocks were filtered for the answer, %d in all", got, c.narrows.Load())
	}
}

func TestLimits(t *testing.T) {
	store := scantest.Sorted(many(200), 4)
	for _, c := range []struct {
		limit  func(*exec.Limits)
		reason string
	}{
		{func(l *exec.Limits) { l.Time = -1 }, "the query took longer than -1ns"},
		{func(l *exec.Limits) { l.Traces = 10 }, "there are more than 10 traces to choose from"},
		{func(l *exec.Limits) { l.TraceSpans = 3 }, "there are more than 3 spans in the trace"},
	} {
		limits := exec.DefaultLimits
		c.limit(&limits)
		res, err := exec.Search(t.Context(), store.Snapshot(), search(t, "{}"), limits)
		if err != nil || res.Stats.Complete || res.Stats.Reason != c.reason {
			t.Errorf("%s: %v, %+v", c.reason, err, res.Stats)
		}
	}
	limits := exec.DefaultLimits
	limits.TraceSpans = 3
	tr, err := exec.FindTrace(t.Context(), store.Snapshot(), telemetry.TraceID{0, 1}, limits)
	if err != nil || len(tr.Batch.Spans) != 3 || tr.Stats.Complete {
		t.Errorf("trace: %v, %d spans, %+v", err, len(tr.Batch.Spans), tr.Stats)
	}
}

func TestCancel(t *testing.T) {
	ctx, cancel := context.WithCancelCause(t.Context())
	cause := errors.New("the client went away")
	cancel(cause)
	snap := scantest.New(many(10)).Snapshot()
	_, err := exec.Search(ctx, snap, search(t, "{}"), exec.DefaultLimits)
	if !errors.Is(err, cause) {
		t.Errorf("search: %v", err)
	}
	if _, err = exec.FindTrace(ctx, snap, telemetry.TraceID{}, exec.DefaultLimits); !errors.Is(err, cause) {
		t.Errorf("trace: %v", err)
	}
	if _, _, err = exec.Services(ctx, snap, exec.DefaultLimits); !errors.Is(err, cause) {
		t.Errorf("services: %v", err)
	}
	if _, _, err = exec.Keys(ctx, snap, exec.KeyQuery{}, exec.DefaultLimits); !errors.Is(err, cause) {
		t.Errorf("keys: %v", err)
	}
	if _, _, err = exec.Values(ctx, snap, exec.ValueQuery{}, exec.DefaultLimits); !errors.Is(err, cause) {
		t.Errorf("values: %v", err)
	}
}

// unreadable fails where the newest half of the data is.
type unreadable struct{ scan.Block }

func (unreadable) Narrow([]scan.Predicate, *scan.Bitmap) error {
	return errors.New("checksum mismatch")
}

type damagedSnapshot struct{ scan.Snapshot }

type damagedSource struct{ scan.Source }

func (s damagedSnapshot) Sources() []scan.Source {
	return []scan.Source{damagedSource{s.Snapshot.Sources()[0]}}
}

func (s damagedSource) Blocks() []scan.Block {
	blocks := s.Source.Blocks()
	for i := len(blocks) / 2; i < len(blocks); i++ {
		blocks[i] = unreadable{blocks[i]}
	}
	return blocks
}

// TestDamageIsSteppedOver: what can be read is found, and the answer says
// that something could not.
func TestDamageIsSteppedOver(t *testing.T) {
	snap := damagedSnapshot{scantest.Sorted(many(200), 4).Snapshot()}
	res, err := exec.Search(t.Context(), snap, search(t, `{ name = "op" }`), exec.DefaultLimits)
	if err != nil || len(res.Traces) != 20 || res.Stats.Complete || res.Stats.Damage == nil || strings.Contains(res.Stats.Reason, "checksum") {
		t.Fatalf("%v, %d traces, %+v", err, len(res.Traces), res.Stats)
	}
}

// TestLateClocks: starts beyond 2262, which an int64 of nanoseconds cannot
// say, obey the range of time.
func TestLateClocks(t *testing.T) {
	b := many(3)
	for i := range b.Spans {
		b.Spans[i].Start += uint64(1<<63) - epoch - 1_500_000
	}
	p := search(t, "{}")
	p.Start = 1 << 63
	res, err := exec.Search(t.Context(), scantest.New(b).Snapshot(), p, exec.DefaultLimits)
	if err != nil || len(res.Traces) != 1 {
		t.Errorf("%v, %+v", err, res)
	}
	p.Start, p.End = 0, 1<<63
	if res, err = exec.Search(t.Context(), scantest.New(b).Snapshot(), p, exec.DefaultLimits); err != nil || len(res.Traces) != 2 {
		t.Errorf("%v, %+v", err, res)
	}
}
