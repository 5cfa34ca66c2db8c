package storage

import (
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strings"
	"testing"
	"unsafe"

	"github.com/kiseki-dev/kiseki/storage/scan"
	"github.com/kiseki-dev/kiseki/storage/scan/scantest"
	"github.com/kiseki-dev/kiseki/telemetry"
	"github.com/kiseki-dev/kiseki/telemetry/telemetrytest"
)

func TestRowSizes(t *testing.T) {
	if got := unsafe.Sizeof(row{}); got != rowSize {
		t.Errorf("a row takes %d bytes, accounting says %d", got, rowSize)
	}
	if got := unsafe.Sizeof(traceEntry{}); got != 32 {
		t.Errorf("a trace entry takes %d bytes, want 32", got)
	}
}

// dumpSource is all spans of a source.
func dumpSource(t testing.TB, src scan.Source) string {
	t.Helper()
	var b telemetry.Batch
	for _, block := range src.Blocks() {
		if err := block.Spans(0, block.Len(), &b); err != nil {
			t.Fatal(err)
		}
	}
	return telemetrytest.Dump(&b)
}

func TestHeadRoundTrip(t *testing.T) {
	h := newHead(1)
	var all []string
	for seed := range uint64(80) {
		b := telemetrytest.Random(seed, 60)
		h.append(b)
		for i := range b.Spans {
			all = append(all, telemetrytest.DumpSpan(b, i))
		}
	}
	slices.Sort(all)
	src := h.source()
	if got, want := dumpSource(t, src), strings.Join(all, "\n"); got != want {
		t.Fatal("the head gives other spans than it got")
	}
	if src.SpanCount() != uint64(len(all)) || len(src.Blocks()) < 2 {
		t.Fatalf("%d spans in %d blocks", src.SpanCount(), len(src.Blocks()))
	}
}

// TestHeadFind: a trace is found whole, also where its rows are spread over
// blocks and it grows while a snapshot is held.
func TestHeadFind(t *testing.T) {
	h := newHead(2)
	trace := func(n byte) *telemetry.Batch {
		return &telemetry.Batch{
			Resources: make([]telemetry.Resource, 1), Scopes: make([]telemetry.Scope, 1),
			Spans: []telemetry.Span{{TraceID: telemetry.TraceID{n}, Start: 10, SpanID: telemetry.SpanID{1}}},
		}
	}
	count := func(src *headSource, id telemetry.TraceID) (n int) {
		err := src.Find(id, func(b scan.Block, lo, hi int) error {
			for i := lo; i < hi; i++ {
				if tr, err := b.Trace(i); err != nil || tr.ID != id {
					t.Fatalf("row %d is of trace %s, %v", i, tr.ID, err)
				}
			}
			n += hi - lo
			return nil
		})
		if err != nil {
			t.Fatal(err)
		}
		return n
	}
	var snapshots []*headSource
	for i := range 3 * chunkRows {
		h.append(trace(byte(i % 3)))
		if i%1000 == 500 {
			snapshots = append(snapshots, h.source())
		}
	}
	for i, src := range snapshots {
		n := i*1000 + 501
		for id := range 3 {
			if got, want := count(src, telemetry.TraceID{byte(id)}), (n-id+2)/3; got != want {
				t.Fatalf("snapshot of %d spans: %d of trace %d, want %d", n, got, id, want)
			}
		}
		if got := count(src, telemetry.TraceID{9}); got != 0 {
			t.Fatalf("%d spans of a trace that is not there", got)
		}
	}
}

// randomPredicates are all operators on all fields, with constants that occur.
func randomPredicates(b *telemetry.Batch) (out []scan.Predicate) {
	fields := []scan.Field{}
	for i := scan.IntrinsicNone + 1; i <= scan.IntrinsicLinkSpanID; i++ {
		fields = append(fields, scan.Field{Intrinsic: i})
	}
	keys := map[string]bool{"absent": true, "service.name": true}
	for _, a := range b.Attrs {
		keys[a.Key] = true
	}
	for _, key := range slices.Sorted(maps.Keys(keys)) {
		for s := scan.ScopeSpan; s <= scan.ScopeAny; s++ {
			fields = append(fields, scan.Field{Scope: s, Key: key})
		}
	}
	s := b.Spans[len(b.Spans)/2]
	values := []telemetry.Value{
		telemetry.StringValue(s.Name), telemetry.IntValue(2), telemetry.IntValue(int64(s.Duration())), telemetry.IntValue(int64(s.Start)),
		telemetry.BytesValue(string(s.TraceID[:])), telemetry.BytesValue(string(s.SpanID[:])), telemetry.DoubleValue(0.25), telemetry.BoolValue(true),
	}
	for i := 0; i < len(b.Attrs); i += 1 + len(b.Attrs)/20 {
		values = append(values, b.Attrs[i].Value)
	}
	regex := regexp.MustCompile(`^(?s:.*[a-m].*)$`)
	for _, f := range fields {
		for op := scan.OpEqual; op <= scan.OpGreaterEqual; op++ {
			for _, v := range values {
				out = append(out, scan.Predicate{Field: f, Op: op, Value: v})
			}
		}
		for op := scan.OpMatch; op <= scan.OpAbsent; op++ {
			out = append(out, scan.Predicate{Field: f, Op: op, Regex: regex})
		}
	}
	return out
}

func TestHeadNarrow(t *testing.T) {
	for seed := range uint64(2) {
		b := telemetrytest.Random(seed, 50)
		h := newHead(1) // rows in the order of the batch
		h.append(b)
		block := h.source().Blocks()[0]
		var sel scan.Bitmap
		for _, p := range randomPredicates(b) {
			sel.Reset(block.Len(), true)
			if err := block.Narrow([]scan.Predicate{p}, &sel); err != nil {
				t.Fatal(err)
			}
			for i := range b.Spans {
				if got, want := sel.Get(i), scantest.Holds(b, i, &p); got != want {
					t.Fatalf("seed %d: %+v op %d %s: got %t for\n%s", seed, p.Field, p.Op, telemetrytest.DumpValue(p.Value), got, telemetrytest.DumpSpan(b, i))
				}
			}
		}
	}
}

// catalogue is what a source says of operations, keys and values, as text.
func catalogue(t *testing.T, src scan.Source, b *telemetry.Batch) string {
	t.Helper()
	var lines []string
	operations := map[scan.Operation][2]uint64{}
	err := src.Operations(func(o scan.Operation) {
		n := [2]uint64{o.Spans, o.Errors}
		o.Spans, o.Errors = 0, 0
		operations[o] = [2]uint64{operations[o][0] + n[0], operations[o][1] + n[1]}
	})
	if err != nil {
		t.Fatal(err)
	}
	for o, n := range operations {
		lines = append(lines, fmt.Sprintf("operation %+v %d", o, n))
	}
	keys := map[scan.Key]uint64{}
	err = src.Keys(func(k scan.Key) {
		n := k.Spans
		k.Spans = 0
		keys[k] += n
	})
	if err != nil {
		t.Fatal(err)
	}
	for k, n := range keys {
		lines = append(lines, fmt.Sprintf("key %+v %d", k, n))
	}
	seen := map[scan.Field]bool{}
	for _, p := range randomPredicates(b) {
		if seen[p.Field] || p.Field.Intrinsic == scan.IntrinsicDuration || p.Field.Intrinsic == scan.IntrinsicStart {
			continue
		}
		seen[p.Field] = true
		for _, prefix := range []string{"", "c", "1"} {
			values := map[string]bool{}
			if err := src.Values(p.Field, prefix, func(v string, _ uint64) bool { values[v] = true; return true }); err != nil {
				t.Fatal(err)
			}
			for v := range values {
				lines = append(lines, fmt.Sprintf("value %+v %q %q", p.Field, prefix, v))
			}
		}
	}
	slices.Sort(lines)
	return strings.Join(lines, "\n")
}

func TestHeadCatalogue(t *testing.T) {
	for seed := range uint64(6) {
		b := telemetrytest.Random(seed, 80)
		h := newHead(3)
		h.append(b)
		snap := scantest.New(b).Snapshot()
		want := catalogue(t, snap.Sources()[0], b)
		if got := catalogue(t, h.source(), b); got != want {
			t.Fatalf("seed %d:\n%s", seed, diff(got, want))
		}
		snap.Release()
	}
}

// diff is the lines that only one of two texts has.
func diff(got, want string) string {
	count := map[string]int{}
	for l := range strings.SplitSeq(got, "\n") {
		count[l]++
	}
	for l := range strings.SplitSeq(want, "\n") {
		count[l]--
	}
	var out []string
	for l, n := range count {
		if n > 0 {
			out = append(out, "only got  "+l)
		} else if n < 0 {
			out = append(out, "only want "+l)
		}
	}
	slices.Sort(out)
	return strings.Join(out[:min(len(out), 40)], "\n")
}
