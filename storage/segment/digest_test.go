package segment

import (
	"fmt"
	"maps"
	"math/bits"
	"math/rand/v2"
	"path/filepath"
	"testing"

	"github.com/kiseki-dev/kiseki/storage/scan"
	"github.com/kiseki-dev/kiseki/telemetry"
	"github.com/kiseki-dev/kiseki/telemetry/telemetrytest"
)

// TestDigestAgreesWithEachSpan compares the cells of all blocks, by one field
// and by two, with the spans they stand for.
func TestDigestAgreesWithEachSpan(t *testing.T) {
	for name, b := range map[string]*telemetry.Batch{"shop": shop(16_000), "repeated": again(telemetrytest.Random(3, 12), 200)} {
		t.Run(name, func(t *testing.T) {
			r := rand.New(rand.NewPCG(5, 5))
			path := filepath.Join(t.TempDir(), "s")
			writeFile(t, path, b, Options{BlockSpans: 1 << 14, PageRows: 1024})
			all := fields(b)
			digests := 0
			for _, blk := range openFile(t, path, NewCache(8<<20)).Blocks() {
				var spans telemetry.Batch
				if err := blk.Spans(0, blk.Len(), &spans); err != nil {
					t.Fatal(err)
				}
				for i, f := range all {
					by := []scan.Field{f}
					if i%2 == 0 {
						by = append(by, all[r.IntN(len(all))])
					}
					q := scan.DigestQuery{Fields: by, Durations: i%3 > 0}
					if i%4 > 0 {
						q.Step = 1 << (24 + 6*(i%4))
						q.Phase = q.Step / 3
					}
					d, err := blk.(*block).Digest(q)
					if err != nil {
						t.Fatal(err)
					}
					if d == nil {
						continue
					}
					digests++
					for _, f := range by {
						compareDigest(t, d, &spans, f, q)
						values := constants(&spans, f, r)
						for _, op := range []scan.Op{scan.OpEqual, scan.OpNotEqual, scan.OpLess, scan.OpExists, scan.OpAbsent} {
							compareCells(t, d, &spans, &scan.Predicate{Field: f, Op: op, Value: values[len(values)-1]})
						}
					}
				}
			}
			if digests < 20 {
				t.Errorf("only %d digests", digests)
			}
		})
	}
}

// TestDigestDimensions: fields that follow from form and service, others with
// a dictionary, and what no digest can tell.
func TestDigestDimensions(t *testing.T) {
	path := filepath.Join(t.TempDir(), "s")
	writeFile(t, path, shop(1<<16), Options{})
	attr := func(s scan.Scope, key string) scan.Field { return scan.Field{Scope: s, Key: key} }
	blk := openFile(t, path, NewCache(64<<20)).blocks[0].(*block)
	cells := func(by ...scan.Field) int {
		d, err := blk.Digest(scan.DigestQuery{Fields: by, Durations: true})
		if err != nil {
			t.Fatal(err)
		}
		if d == nil {
			return 0
		}
		return d.Cells.Len()
	}
	service := cells(attr(scan.ScopeResource, "service.name"), scan.Field{Intrinsic: scan.IntrinsicName}, attr(scan.ScopeSpan, "http.route"))
	status := cells(attr(scan.ScopeAny, "http.response.status_code"))
	pods := cells(attr(scan.ScopeResource, "k8s.pod.name"))
	if service == 0 || status < service || pods < 2*service {
		t.Errorf("%d cells by service and form, %d by status code too, %d by pod", service, status, pods)
	}
	for _, f := range []scan.Field{
		{Intrinsic: scan.IntrinsicDuration}, {Intrinsic: scan.IntrinsicStart}, {Intrinsic: scan.IntrinsicTraceID}, {Intrinsic: scan.IntrinsicEventName},
		attr(scan.ScopeEvent, "exception.type"), attr(scan.ScopeSpan, "http.request.header.x-request-id"), attr(scan.ScopeSpan, "db.query.text"),
	} {
		if n := cells(f); n != 0 {
			t.Errorf("%+v has %d cells", f, n)
		}
	}
}

// again repeats the spans of b under other ids and with other durations, in
// traces of their own.
func again(b *telemetry.Batch, times int) *telemetry.Batch {
	once := b.Spans
	b.Spans = nil
	for i := range times {
		for j, s := range once {
			for k := range 4 {
				s.TraceID[k], s.SpanID[k] = byte(i>>(8*k)), byte((i*len(once)+j+1)>>(8*k))
			}
			if s.End > s.Start {
				s.End = s.Start + s.Duration()>>(i%40)
			}
			b.Spans = append(b.Spans, s)
		}
	}
	return b
}

// sums is what a digest says of the spans with a value, as text.
type sums struct {
	spans    uint32
	min, max uint64
	buckets  map[bucket]uint32
}

// bucket is one of durations, or the power of two that it begins with.
type bucket struct {
	number int
	power  bool
}

func (s *sums) add(spans uint32, low, high uint64) {
	if s.buckets == nil {
		s.min, s.buckets = low, map[bucket]uint32{}
	}
	s.spans += spans
	s.min, s.max = min(s.min, low), max(s.max, high)
}

// compareDigest compares the sums by a field's values and by interval.
func compareDigest(t *testing.T, d *scan.Digest, spans *telemetry.Batch, f scan.Field, q scan.DigestQuery) {
	t.Helper()
	want, got := map[string]*sums{}, map[string]*sums{}
	of := func(m map[string]*sums, start uint64, values ...telemetry.Value) *sums {
		key := fmt.Sprint(values)
		if q.Step > 0 && len(values) > 0 {
			key += fmt.Sprint(" ", (start+q.Step-q.Phase)/q.Step)
		}
		if m[key] == nil {
			m[key] = &sums{}
		}
		return m[key]
	}
	for i := range spans.Spans {
		s := of(want, spans.Spans[i].Start, fieldValues(spans, i, f)...)
		duration := spans.Spans[i].Duration()
		if !q.Durations {
			s.add(1, 0, 0)
			continue
		}
		s.add(1, duration, duration)
		power := duration >= 64 && bits.OnesCount64(duration) == 1
		s.buckets[bucket{scan.DurationBucket(duration), power}]++
	}
	var codes scan.Codes
	if err := d.Cells.Codes(f, 0, d.Cells.Len(), &codes); err != nil {
		t.Fatal(err)
	}
	for i, code := range codes.Rows {
		var values []telemetry.Value
		if code > 0 {
			values = append(values, codes.Dict[code-1])
		}
		start := uint64(0)
		if q.Step > 0 {
			start = d.Starts[i]
		}
		s := of(got, start, values...)
		if !q.Durations {
			s.add(d.Spans[i], 0, 0)
			continue
		}
		s.add(d.Spans[i], d.Min[i], d.Max[i])
		d.Histograms[i].Each(func(number int, power bool, n uint32) { s.buckets[bucket{number, power}] += n })
	}
	same := func(x, y *sums) bool {
		return x.spans == y.spans && x.min == y.min && x.max == y.max && maps.Equal(x.buckets, y.buckets)
	}
	delete(got, "[]")
	delete(want, "[]")
	if !maps.EqualFunc(got, want, same) {
		t.Fatalf("by %+v: got\n%v\nwant\n%v", f, got, want)
	}
}

// compareCells compares how many spans a predicate leaves.
func compareCells(t *testing.T, d *scan.Digest, spans *telemetry.Batch, p *scan.Predicate) {
	t.Helper()
	var sel scan.Bitmap
	sel.Reset(d.Cells.Len(), true)
	if err := d.Cells.Narrow([]scan.Predicate{*p}, &sel); err != nil {
		t.Fatal(err)
	}
	got, want := 0, 0
	for i := sel.Next(0); i >= 0; i = sel.Next(i + 1) {
		got += int(d.Spans[i])
	}
	for i := range spans.Spans {
		if matches(spans, i, p) {
			want++
		}
	}
	if got != want {
		t.Fatalf("%s: the cells that are left have %d spans, want %d", describePredicate(p), got, want)
	}
}
