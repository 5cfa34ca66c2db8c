package storage

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"maps"
	"math/rand/v2"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/kiseki-dev/kiseki/storage/scan"
	"github.com/kiseki-dev/kiseki/storage/scan/scantest"
	"github.com/kiseki-dev/kiseki/storage/vfs"
	"github.com/kiseki-dev/kiseki/telemetry"
	"github.com/kiseki-dev/kiseki/telemetry/telemetrytest"
)

// deleted asks for traces to be deleted.
func deleted(t testing.TB, s *Store, ids ...telemetry.TraceID) Deletion {
	t.Helper()
	d, err := s.Delete(context.Background(), DeletionRequest{Traces: ids, Kind: "traces", What: "a hash", Who: "the test"})
	if err != nil {
		t.Fatal(err)
	}
	return d
}

func erase(t testing.TB, s *Store) {
	t.Helper()
	if err := s.Erase(context.Background()); err != nil {
		t.Fatal(err)
	}
}

// pick is a choice of the traces of b, about one in three.
func pick(b *telemetry.Batch, seed uint64) map[telemetry.TraceID]struct{} {
	r := rand.New(rand.NewPCG(seed, 7))
	all, out := map[telemetry.TraceID]bool{}, map[telemetry.TraceID]struct{}{}
	for _, s := range b.Spans {
		if !all[s.TraceID] && r.IntN(3) == 0 {
			out[s.TraceID] = struct{}{}
		}
		all[s.TraceID] = true
	}
	return out
}

func idsOf(set map[telemetry.TraceID]struct{}) (out []telemetry.TraceID) {
	for id := range set {
		out = append(out, id)
	}
	return out
}

// lacking is b without the spans of some traces.
func lacking(b *telemetry.Batch, gone map[telemetry.TraceID]struct{}) *telemetry.Batch {
	out := *b
	out.Spans = slices.DeleteFunc(slices.Clone(b.Spans), func(s telemetry.Span) bool {
		_, ok := gone[s.TraceID]
		return ok
	})
	return &out
}

// TestHiddenTracesDoNotExist: a source without some traces answers everything
// as if it had been made without them.
func TestHiddenTracesDoNotExist(t *testing.T) {
	for seed := range uint64(4) {
		b := telemetrytest.Random(seed, 300)
		gone := pick(b, seed)
		left := lacking(b, gone)
		blocks := 1 + int(seed)
		full := scantest.Sorted(b, blocks).Snapshot().Sources()[0]
		w, err := newWithout(full, gone)
		if err != nil {
			t.Fatal(err)
		}
		want := scantest.New(left).Snapshot().Sources()[0]
		if w.SpanCount() != want.SpanCount() {
			t.Fatalf("seed %d: %d spans, want %d", seed, w.SpanCount(), want.SpanCount())
		}
		predicates := randomPredicates(b)
		for i := int(seed); i < len(predicates); i += 29 {
			if got, want := matching(t, w, &predicates[i]), matching(t, want, &predicates[i]); got != want {
				t.Fatalf("seed %d, %+v\ngot  %s\nwant %s", seed, predicates[i], got, want)
			}
		}
		for i := 0; i < len(b.Spans); i += 9 {
			s := b.Spans[i]
			if got, want := found(t, w, s.TraceID), found(t, want, s.TraceID); got != want {
				t.Fatalf("seed %d, trace %s\ngot\n%s\nwant\n%s", seed, s.TraceID, got, want)
			}
		}
		checkRanges(t, w)
	}
}

// matching are the rows for which p holds, in any order of blocks.
func matching(t *testing.T, src scan.Source, p *scan.Predicate) string {
	t.Helper()
	var rows scan.Rows
	var out []string
	for _, b := range src.Blocks() {
		var sel scan.Bitmap
		sel.Reset(b.Len(), true)
		if err := b.Narrow([]scan.Predicate{*p}, &sel); err != nil {
			t.Fatal(err)
		}
		if err := b.Rows(0, b.Len(), scan.ColTraceID|scan.ColSpanID|scan.ColStart|scan.ColName|scan.ColService, &rows); err != nil {
			t.Fatal(err)
		}
		for i := sel.Next(0); i >= 0; i = sel.Next(i + 1) {
			out = append(out, fmt.Sprint(rows.TraceID[i], rows.SpanID[i], rows.Start[i], rows.Name[i], rows.Service[i]))
		}
	}
	slices.Sort(out)
	return strings.Join(out, "\n")
}

func found(t *testing.T, src scan.Source, id telemetry.TraceID) string {
	t.Helper()
	var b telemetry.Batch
	if err := src.Find(id, func(block scan.Block, lo, hi int) error { return block.Spans(lo, hi, &b) }); err != nil {
		t.Fatal(err)
	}
	return telemetrytest.Dump(&b)
}

// checkRanges compares what blocks say of ranges of rows with what they say
// of single ones.
func checkRanges(t *testing.T, src scan.Source) {
	t.Helper()
	name := scan.Field{Intrinsic: scan.IntrinsicName}
	for _, b := range src.Blocks() {
		for lo := 0; lo < b.Len(); lo += 7 {
			hi := min(lo+1+lo%40, b.Len())
			var many, one telemetry.Batch
			var rows, single scan.Rows
			var codes scan.Codes
			err := errors.Join(b.Spans(lo, hi, &many), b.Rows(lo, hi, scan.ColSpanID|scan.ColParentID|scan.ColDuration|scan.ColKind|scan.ColStatus, &rows), b.Codes(name, lo, hi, &codes))
			for i := lo; i < hi; i++ {
				err = errors.Join(err, b.Spans(i, i+1, &one), b.Rows(i, i+1, scan.ColSpanID|scan.ColName, &single))
				trace, terr := b.Trace(i)
				if err = errors.Join(err, terr); err != nil {
					t.Fatal(err)
				}
				s := &one.Spans[i-lo]
				if trace.ID != s.TraceID || i < trace.Lo || i >= trace.Hi || single.SpanID[0] != s.SpanID || rows.SpanID[i-lo] != s.SpanID ||
					rows.Duration[i-lo] != s.Duration() || codes.Dict[codes.Rows[i-lo]-1].Str() != s.Name {
					t.Fatalf("row %d of [%d, %d) differs: %+v", i, lo, hi, trace)
				}
			}
			if telemetrytest.Dump(&many) != telemetrytest.Dump(&one) || len(rows.Kind) != hi-lo || len(codes.Rows) != hi-lo {
				t.Fatalf("rows [%d, %d) differ from single rows", lo, hi)
			}
		}
		if err := b.Spans(0, 0, &telemetry.Batch{}); err != nil {
			t.Fatal(err)
		}
	}
}

// personal gives each span of some traces an attribute that no compression
// hides in a file, and returns its value.
func personal(b *telemetry.Batch, of map[telemetry.TraceID]struct{}) string {
	r := rand.New(rand.NewPCG(4, 5))
	value := make([]byte, 2048) // so many that literals are not packed
	for i := range value {
		value[i] = byte(r.Uint32())
	}
	for i := range b.Spans {
		if _, ok := of[b.Spans[i].TraceID]; ok {
			start := uint32(len(b.Attrs))
			b.Attrs = append(b.Attrs, telemetry.Attr{Key: "person", Value: telemetry.BytesValue(string(value))})
			b.Spans[i].Attrs = telemetry.Range{Start: start, End: start + 1}
		}
	}
	return string(value)
}

// filesWith are the files below dir whose bytes contain any of the texts.
func filesWith(t testing.TB, fsys vfs.FS, dir string, texts ...string) (out []string) {
	t.Helper()
	names, err := fsys.List(dir)
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range names {
		path := filepath.Join(dir, name)
		info, err := fsys.Stat(path)
		if err != nil {
			t.Fatal(err)
		}
		if info.IsDir() {
			out = append(out, filesWith(t, fsys, path, texts...)...)
			continue
		}
		b, err := vfs.ReadFile(fsys, path)
		if err != nil {
			t.Fatal(err)
		}
		if slices.ContainsFunc(texts, func(s string) bool { return bytes.Contains(b, []byte(s)) }) {
			out = append(out, path)
		}
	}
	return out
}

// TestDeleteAndErase follows traces that lie in two segments and the head
// until no byte of them is left.
func TestDeleteAndErase(t *testing.T) {
	mem := vfs.NewMem(0)
	clock := atomic.Int64{}
	clock.Store(now.UnixNano())
	o := options(mem)
	o.Clock = func() time.Time { return time.Unix(0, clock.Load()) }
	s := open(t, o)
	b := telemetrytest.Random(3, 300)
	gone := pick(b, 3)
	texts := []string{personal(b, gone)}
	for id := range gone {
		texts = append(texts, string(id[:]))
	}
	for lo := 0; lo < 300; lo += 100 {
		part := *b
		part.Spans = b.Spans[lo : lo+100]
		add(t, s, &part)
		if lo < 200 {
			flush(t, s)
		}
	}
	for _, folder := range []string{s.dir.wal(), s.dir.segments()} {
		if len(filesWith(t, mem, folder, texts[0])) == 0 {
			t.Fatalf("the search does not find what is in %s", folder)
		}
	}
	before := s.Snapshot()

	d := deleted(t, s, append(idsOf(gone), telemetry.TraceID{1, 2, 3})...)
	left := lacking(b, gone)
	if d.Traces != len(gone) || d.Spans != uint64(300-len(left.Spans)) || d.State != DeletionPending || d.ID != 1 {
		t.Errorf("%d traces with %d spans: %+v", len(gone), 300-len(left.Spans), d)
	}
	wantSpans(t, s, left)
	count := 0
	for _, src := range before.Sources() {
		count += int(src.SpanCount())
	}
	if count != 300 {
		t.Errorf("a snapshot taken before has %d spans", count)
	}
	if again := deleted(t, s, idsOf(gone)...); again.Traces != 0 || again.State != DeletionErased {
		t.Errorf("what is deleted can be deleted again: %+v", again)
	}

	// Late spans of the same traces are new.
	late := telemetrytest.Random(3, 40)
	add(t, s, late)
	wantSpans(t, s, left, late)
	flush(t, s)
	wantSpans(t, s, left, late)
	before.Release()
	closeStore(t, s)
	s = open(t, o)
	wantSpans(t, s, left, late)
	if st := s.Stats(); st.PendingDeletions != 1 {
		t.Errorf("after opening: %+v", st)
	}
	if s.eraseDue() {
		t.Error("traces are erased too soon")
	}
	if d := s.Deletions()[1]; d.Segments == 0 || d.Rewritten != 0 || !d.Due.Equal(d.Requested.Add(s.opts.EraseAfter)) {
		t.Errorf("before erasing: %+v", d)
	}
	clock.Add(int64(11 * time.Minute))
	if !s.eraseDue() {
		t.Error("traces are not erased in time")
	}
	snap := s.Snapshot()
	erase(t, s)
	if got := s.Deletions()[1]; got.State != DeletionPending || got.Rewritten != got.Segments || got.Segments == 0 {
		t.Errorf("erased while a snapshot has the files: %+v", got)
	}
	snap.Release()
	erase(t, s)
	wantSpans(t, s, left, late)
	if got := s.Deletions(); len(got) != 2 || got[1].State != DeletionErased || !got[1].Erased.Equal(o.Clock()) || got[1].Who != "the test" {
		t.Errorf("%+v", got)
	}
	if st := s.Stats(); st.PendingDeletions != 0 || st.ErasedTraces != uint64(len(gone)) {
		t.Errorf("stats: %+v", st)
	}
	if files := filesWith(t, mem, "/", texts[0]); len(files) != 0 {
		t.Errorf("deleted bytes are still in %q", files)
	}
	// The trace IDs are there again, for the late spans.
	deleted(t, s, idsOf(gone)...)
	erase(t, s)
	wantSpans(t, s, left, lacking(late, gone))
	if files := filesWith(t, mem, "/", texts...); len(files) != 0 {
		t.Errorf("deleted bytes are still in %q", files)
	}
	past := s.Deletions()
	closeStore(t, s)
	if again := open(t, o).Deletions(); fmt.Sprint(again) != fmt.Sprint(past) {
		t.Errorf("the audit log says\n%+v, was\n%+v", again, past)
	}
}

// TestRewritesLeaveDeletedTracesOut: compaction joins a segment with deleted
// traces and one with late spans of them.
func TestRewritesLeaveDeletedTracesOut(t *testing.T) {
	s := open(t, options(vfs.NewMem(0)))
	b := telemetrytest.Random(1, 200)
	late := telemetrytest.Random(1, 60)
	for i := range late.Spans {
		late.Spans[i].Name = "late"
		late.Spans[i].SpanID[0]++ // one without an end would else give way to the other
	}
	gone := pick(b, 1)
	add(t, s, b)
	flush(t, s)
	deleted(t, s, idsOf(gone)...)
	add(t, s, late)
	flush(t, s)
	rewrite(t, s, rewriteJob{inputs: numbers(s), level: 1})
	wantSpans(t, s, lacking(b, gone), late)
	erase(t, s)
	if d := s.Deletions()[0]; d.State != DeletionErased {
		t.Errorf("%+v", d)
	}
	wantSpans(t, s, lacking(b, gone), late)
}

// TestDeleteDuringRewrite: what a rewrite read before is not brought back by
// it.
func TestDeleteDuringRewrite(t *testing.T) {
	var s *Store
	var during func()
	s = open(t, options(vfs.NewFault(vfs.NewMem(0), func(op vfs.Op) error {
		if f := during; f != nil && op.Kind == vfs.OpSync && strings.HasSuffix(op.Path, segmentSuffix+tempSuffix) {
			during = nil
			f()
		}
		return nil
	})))
	b := telemetrytest.Random(1, 200)
	gone := pick(b, 1)
	for range 2 {
		add(t, s, b)
		flush(t, s)
	}
	during = func() { deleted(t, s, idsOf(gone)...) }
	if _, err := s.rewrite(context.Background(), rewriteJob{inputs: numbers(s)}); !errors.Is(err, errSuperseded) {
		t.Fatalf("got %v", err)
	}
	left := lacking(b, gone)
	wantSpans(t, s, left, left)
	erase(t, s)
	wantSpans(t, s, left, left)
}

// deletionWorkload deletes between appends and flushes, and erases twice. It
// ends at the first error.
func deletionWorkload(o Options, b *telemetry.Batch, first, second map[telemetry.TraceID]struct{}) (step int, err error) {
	s, err := Open(o)
	if err != nil {
		return 0, err
	}
	defer s.Close() // its error, if any, is the test's own
	ctx := context.Background()
	part := *b
	for i, f := range []func() error{
		func() error { part.Spans = b.Spans[:40]; _, err := s.Append(ctx, &part); return err },
		func() error { return s.Flush(ctx) },
		func() error { part.Spans = b.Spans[40:]; _, err := s.Append(ctx, &part); return err },
		func() error { _, err := s.Delete(ctx, DeletionRequest{Traces: idsOf(first)}); return err },
		func() error { _, err := s.Delete(ctx, DeletionRequest{Traces: idsOf(second)}); return err },
		func() error { return s.Erase(ctx) },
	} {
		if err := f(); err != nil {
			return i + 1, err
		}
	}
	return 7, nil
}

// TestDeletionSurvivesCrash cuts the power at every file-system operation: what
// is acknowledged as deleted stays so, what is not deleted stays, and after
// the next erasure nothing is left of what is.
func TestDeletionSurvivesCrash(t *testing.T) {
	step := int64(1)
	if testing.Short() {
		step = 5
	}
	b := telemetrytest.Random(5, 80)
	first, second := pick(b, 5), pick(lacking(b, pick(b, 5)), 6)
	value := personal(b, first)
	for k := int64(0); ; k += step {
		mem := vfs.NewMem(0)
		var n atomic.Int64
		done, err := deletionWorkload(options(vfs.NewFault(mem, func(vfs.Op) error {
			if n.Add(1)-1 >= k {
				return syscall.EIO
			}
			return nil
		})), b, first, second)
		for seed := range uint64(1 + (k/step+1)%2) {
			var r *rand.Rand
			if seed > 0 {
				r = rand.New(rand.NewPCG(seed, uint64(k)))
			}
			checkDeletions(t, fmt.Sprintf("operation %d, seed %d, step %d", k, seed, done), mem.CrashClone(r), b, first, second, done, value)
		}
		if err == nil {
			t.Logf("%d operations", n.Load())
			return
		}
	}
}

// checkDeletions opens what a crash in the given step of deletionWorkload left.
func checkDeletions(t *testing.T, what string, mem *vfs.Mem, b *telemetry.Batch, first, second map[telemetry.TraceID]struct{}, step int, value string) {
	t.Helper()
	s := open(t, options(mem))
	defer closeStore(t, s)
	got := contents(t, s)
	if step > 3 {
		// First and second, each deleted from its own step on, or in it.
		ok := false
		for _, x := range []struct {
			from, to int
			want     *telemetry.Batch
		}{{0, 4, b}, {4, 5, lacking(b, first)}, {5, 7, lacking(lacking(b, first), second)}} {
			ok = ok || step >= x.from && step <= x.to && slices.Equal(got, dumps(x.want))
		}
		if !ok {
			t.Fatalf("%s: %d spans of %d", what, len(got), len(b.Spans))
		}
	}
	erase(t, s)
	if after := contents(t, s); !slices.Equal(after, got) {
		t.Fatalf("%s: erasing changed what is seen", what)
	}
	if st := s.Stats(); st.PendingDeletions != 0 || st.Quarantined != 0 {
		t.Fatalf("%s: %+v", what, st)
	}
	if step > 4 {
		if files := filesWith(t, mem, "/data", value); len(files) != 0 {
			t.Fatalf("%s: deleted bytes are still in %q", what, files)
		}
	}
}

// TestDeletionErrors lets the k-th operation fail once; asking again then
// works.
func TestDeletionErrors(t *testing.T) {
	step := int64(1)
	if testing.Short() {
		step = 5
	}
	b := telemetrytest.Random(5, 80)
	first := pick(b, 5)
	value := personal(b, first)
	for k := int64(0); ; k += step {
		mem := vfs.NewMem(0)
		var n atomic.Int64
		var on atomic.Bool
		s := open(t, options(vfs.NewFault(mem, func(vfs.Op) error {
			if on.Load() && n.Add(1)-1 == k {
				return syscall.EIO
			}
			return nil
		})))
		add(t, s, b)
		on.Store(true)
		twice := func(f func() error) {
			t.Helper()
			if f() != nil {
				if err := f(); err != nil {
					t.Fatalf("operation %d: %v", k, err)
				}
			}
		}
		twice(func() error {
			_, err := s.Delete(context.Background(), DeletionRequest{Traces: idsOf(first)})
			return err
		})
		twice(func() error { return s.Erase(context.Background()) })
		on.Store(false)
		erase(t, s)
		wantSpans(t, s, lacking(b, first))
		closeStore(t, s)
		s = open(t, options(mem))
		wantSpans(t, s, lacking(b, first))
		erase(t, s)
		if files := filesWith(t, mem, "/data", value); len(files) != 0 || s.Stats().PendingDeletions != 0 {
			t.Fatalf("operation %d: deleted bytes are still in %q: %+v", k, files, s.Deletions())
		}
		closeStore(t, s)
		if n.Load() <= k {
			t.Logf("%d operations", n.Load())
			return
		}
	}
}

// TestDamagedDeletion: a deletion that can not be read is set aside, and said
// to be lost.
func TestDamagedDeletion(t *testing.T) {
	mem := vfs.NewMem(0)
	s := open(t, options(mem))
	b := telemetrytest.Random(1, 50)
	add(t, s, b)
	deleted(t, s, b.Spans[0].TraceID)
	closeStore(t, s)
	if err := mem.Corrupt(filepath.Join(s.dir.deletions(), deletionName(1)), 60, 1); err != nil {
		t.Fatal(err)
	}
	s = open(t, options(mem))
	if d := s.Deletions()[0]; d.State != DeletionLost || s.Stats().Quarantined != 1 {
		t.Errorf("%+v", d)
	}
	wantSpans(t, s, b)
	if d := deleted(t, s, b.Spans[0].TraceID); d.ID != 2 || d.Traces != 1 {
		t.Errorf("%+v", d)
	}
}

// TestDeletedTracesOfDamagedSegment: setting a damaged segment aside does not
// bring its deleted traces back.
func TestDeletedTracesOfDamagedSegment(t *testing.T) {
	mem := vfs.NewMem(0)
	s := open(t, options(mem))
	b := telemetrytest.Random(1, 200)
	gone := pick(b, 1)
	value := personal(b, gone)
	add(t, s, b)
	flush(t, s)
	deleted(t, s, idsOf(gone)...)
	path := s.mu.segments[0].path
	s.mu.segments[0].damaged.Store(true)
	at := bytes.Index(fileBytes(t, mem, path), []byte(value))
	if err := mem.Corrupt(path, at, 1); err != nil {
		t.Fatal(err)
	}
	s.maintenance.Lock()
	err := s.setDamagedAside(context.Background())
	s.maintenance.Unlock()
	if err != nil {
		t.Fatal(err)
	}
	seen := contentsButLost(t, s)
	for _, text := range dumps(b) {
		if slices.Contains(seen, text) && !slices.Contains(dumps(lacking(b, gone)), text) {
			t.Fatal("a deleted trace is back")
		}
	}
	erase(t, s)
	if files := filesWith(t, mem, "/", value[1:]); len(files) != 0 || s.Deletions()[0].State != DeletionErased {
		t.Errorf("deleted bytes are still in %q: %+v", files, s.Deletions())
	}
}

func fileBytes(t testing.TB, fsys vfs.FS, path string) []byte {
	t.Helper()
	b, err := vfs.ReadFile(fsys, path)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// contentsButLost are the spans that can be read.
func contentsButLost(t testing.TB, s *Store) (out []string) {
	t.Helper()
	snap := s.Snapshot()
	defer snap.Release()
	for _, src := range snap.Sources() {
		for _, block := range src.Blocks() {
			var b telemetry.Batch
			if err := block.Spans(0, block.Len(), &b); err != nil {
				continue
			}
			for i := range b.Spans {
				out = append(out, strings.Clone(telemetrytest.DumpSpan(&b, i)))
			}
		}
	}
	return out
}

func TestDeleteFromClosedStore(t *testing.T) {
	s := open(t, options(vfs.NewMem(0)))
	closeStore(t, s)
	if _, err := s.Delete(context.Background(), DeletionRequest{}); !errors.Is(err, ErrClosed) {
		t.Errorf("got %v", err)
	}
}

// TestDeleteEverything: segments of which nothing is left go.
func TestDeleteEverything(t *testing.T) {
	s := open(t, options(vfs.NewMem(0)))
	for i := range uint64(2) {
		add(t, s, telemetrytest.Random(i, 50))
		flush(t, s)
	}
	var ids []telemetry.TraceID
	for i := range uint64(2) {
		for _, x := range telemetrytest.Random(i, 50).Spans {
			ids = append(ids, x.TraceID)
		}
	}
	deleted(t, s, ids...)
	wantSpans(t, s)
	erase(t, s)
	wantSpans(t, s)
	if st := s.Stats(); st.Segments != 0 || st.PendingDeletions != 0 {
		t.Errorf("%+v", st)
	}
}

// TestBackupAfterDelete: a backup has nothing of what was deleted before.
func TestBackupAfterDelete(t *testing.T) {
	mem := vfs.NewMem(0)
	s := open(t, options(mem))
	b := telemetrytest.Random(1, 100)
	gone := pick(b, 1)
	value := personal(b, gone)
	add(t, s, b)
	deleted(t, s, idsOf(gone)...)
	if _, err := s.Backup(context.Background(), "/backup", false, nil); err != nil {
		t.Fatal(err)
	}
	if files := filesWith(t, mem, "/backup", value); len(files) != 0 {
		t.Errorf("deleted bytes are in %q", files)
	}
}

// FuzzDeletion: whatever is in the file of a deletion, reading it is safe, and
// what reads is written as it was.
func FuzzDeletion(f *testing.F) {
	good, err := encodeDeletion(&pendingDeletion{
		Deletion: Deletion{ID: 4, Requested: now.UTC(), Kind: "query", What: "{ .a = 1 }", Who: "x", Traces: 2, Spans: 9, State: DeletionPending},
		segments: []uint64{3, 7}, traces: []telemetry.TraceID{{1}, {2}},
	})
	if err != nil {
		f.Fatal(err)
	}
	f.Add(good)
	f.Add([]byte("kiseki deletion 1 crc32c 00000000\n{}\n"))
	f.Add([]byte("kiseki deletion 2 crc32c 00000000\n"))
	f.Fuzz(func(t *testing.T, p []byte) {
		d, err := decodeDeletion(p)
		if err != nil {
			return
		}
		again, err := encodeDeletion(d)
		if err != nil {
			t.Fatal(err)
		}
		if e, err := decodeDeletion(again); err != nil || fmt.Sprint(e) != fmt.Sprint(d) {
			t.Errorf("%+v became %+v, %v", d, e, err)
		}
	})
}

// TestConcurrentDeletion appends, deletes, erases, rewrites and reads all at
// once: what is deleted when a snapshot is taken is not in it.
func TestConcurrentDeletion(t *testing.T) {
	s := open(t, options(vfs.NewMem(0)))
	ctx := context.Background()
	var mu sync.Mutex
	gone := map[telemetry.TraceID]bool{}
	var left []*telemetry.Batch
	stop := make(chan struct{})
	var helpers, writers sync.WaitGroup
	for _, f := range []func() error{
		func() error { return s.Flush(ctx) },
		func() error { return s.Erase(ctx) },
		func() error {
			inputs := numbers(s)
			if len(inputs) == 0 {
				return nil
			}
			if _, err := s.rewrite(ctx, rewriteJob{inputs: inputs}); !errors.Is(err, errSuperseded) {
				return err
			}
			return nil
		},
		func() error {
			mu.Lock()
			known := maps.Clone(gone)
			mu.Unlock()
			snap := s.Snapshot()
			defer snap.Release()
			for _, src := range snap.Sources() {
				for _, b := range src.Blocks() {
					for row := range b.Len() {
						if trace, err := b.Trace(row); err != nil || known[trace.ID] {
							return fmt.Errorf("trace %s is still there, %w", trace.ID, err)
						}
					}
				}
			}
			return nil
		},
	} {
		helpers.Go(func() {
			for {
				select {
				case <-stop:
					return
				default:
				}
				if err := f(); err != nil {
					t.Error(err)
					return
				}
			}
		})
	}
	for w := range uint64(2) {
		writers.Go(func() {
			for i := range uint64(15) {
				b := telemetrytest.Random(100*w+i, 40)
				if _, err := s.Append(ctx, b); err != nil {
					t.Error(err)
				}
				some := pick(b, i)
				if _, err := s.Delete(ctx, DeletionRequest{Traces: idsOf(some)}); err != nil {
					t.Error(err)
				}
				mu.Lock()
				for id := range some {
					gone[id] = true
				}
				left = append(left, lacking(b, some))
				mu.Unlock()
			}
		})
	}
	writers.Wait()
	close(stop)
	helpers.Wait()
	wantSpans(t, s, left...)
	erase(t, s)
	wantSpans(t, s, left...)
	if st := s.Stats(); st.PendingDeletions != 0 {
		t.Errorf("%+v", st)
	}
}
