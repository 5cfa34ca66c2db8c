package wal_test

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"sync"
	"syscall"
	"testing"

	"go.uber.org/goleak"

	"github.com/kiseki-dev/kiseki/storage/vfs"
	"github.com/kiseki-dev/kiseki/storage/wal"
	"github.com/kiseki-dev/kiseki/telemetry"
	"github.com/kiseki-dev/kiseki/telemetry/telemetrytest"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func TestBatchRoundTrip(t *testing.T) {
	var e wal.Encoder
	var d wal.Decoder
	var got telemetry.Batch
	for seed := range uint64(50) {
		b := telemetrytest.Random(seed, int(seed))
		rec, err := e.Encode(b)
		if err != nil {
			t.Fatal(err)
		}
		if err := d.Decode(rec[16:], &got); err != nil {
			t.Fatal(err)
		}
		if want, got := telemetrytest.Dump(b), telemetrytest.Dump(&got); want != got {
			t.Fatalf("seed %d:\ngot\n%s\nwant\n%s", seed, got, want)
		}
	}
}

// FuzzDecodeBatch: whatever the bytes, decoding fails or gives a batch that
// keeps the invariants, and that comes back the same once more.
func FuzzDecodeBatch(f *testing.F) {
	for seed := range uint64(8) {
		f.Add(wal.AppendBatch(nil, telemetrytest.Random(seed, 3*int(seed))))
	}
	f.Fuzz(func(t *testing.T, p []byte) {
		var b, again telemetry.Batch
		if wal.DecodeBatch(p, &b) != nil {
			return
		}
		want := telemetrytest.Dump(&b) // panics where a range is out of bounds
		if err := wal.DecodeBatch(wal.AppendBatch(nil, &b), &again); err != nil {
			t.Fatal(err)
		}
		if got := telemetrytest.Dump(&again); got != want {
			t.Fatalf("got\n%s\nwant\n%s", got, want)
		}
	})
}

// log is one file of records "span i of n" in a directory of its own.
type log struct {
	t   *testing.T
	fs  vfs.FS
	mem *vfs.Mem
}

func newLog(t *testing.T) *log {
	mem := vfs.NewMem(0)
	if err := mem.MkdirAll("/wal"); err != nil {
		t.Fatal(err)
	}
	if err := mem.SyncDir("/"); err != nil {
		t.Fatal(err)
	}
	return &log{t: t, fs: mem, mem: mem}
}

func (l *log) create(seq uint64, prev wal.Position) *wal.Writer {
	l.t.Helper()
	w, err := wal.Create(l.fs, "/wal", seq, &wal.Metrics{})
	if err != nil {
		l.t.Fatal(err)
	}
	w.Begin(prev)
	l.t.Cleanup(func() { w.Close() })
	return w
}

func named(name string) *telemetry.Batch {
	return &telemetry.Batch{
		Resources: make([]telemetry.Resource, 1), Scopes: make([]telemetry.Scope, 1),
		Spans: []telemetry.Span{{Name: name, TraceID: telemetry.TraceID{1}, SpanID: telemetry.SpanID{1}}},
	}
}

func add(w *wal.Writer, name string) error {
	var e wal.Encoder
	rec, err := e.Encode(named(name))
	if err != nil {
		return err
	}
	return w.Append(rec, 1)
}

// text is what can be read of the given files, one line a file.
func text(t *testing.T, fsys vfs.FS, seqs ...uint64) string {
	t.Helper()
	var files []*wal.File
	for _, seq := range seqs {
		f, err := wal.Read(fsys, "/wal", seq)
		if err != nil {
			t.Fatal(err)
		}
		files = append(files, f)
	}
	wal.Void(files)
	var lines []string
	for _, f := range files {
		line := fmt.Sprint(f.Seq, ":")
		var d wal.Decoder
		var b telemetry.Batch
		for i := range f.Records {
			if err := d.Read(&f.Records[i], &b); err != nil {
				t.Fatal(err)
			}
			line += " " + b.Spans[0].Name
		}
		if f.Void > 0 {
			line += fmt.Sprint(" void=", f.Void)
		}
		if len(f.Damage) > 0 {
			line += fmt.Sprint(" damage=", len(f.Damage))
		}
		lines = append(lines, line)
	}
	return strings.Join(lines, "\n")
}

// A batch may hold more attributes, events and links than its spans refer to:
// limits and refusals cut spans and leave the rest where it is.
func TestBatchWithLeftovers(t *testing.T) {
	b := telemetrytest.Random(1, 300)
	b.Spans = b.Spans[7:9]
	for i := range 5000 {
		b.Attrs = append(b.Attrs, telemetry.Attr{Key: "left over", Value: telemetry.IntValue(int64(i))})
	}
	var got telemetry.Batch
	if err := wal.DecodeBatch(wal.AppendBatch(nil, b), &got); err != nil {
		t.Fatal(err)
	}
	if telemetrytest.Dump(&got) != telemetrytest.Dump(b) {
		t.Error("the batch has changed")
	}
}

func TestFailedFsyncEndsTheFile(t *testing.T) {
	l := newLog(t)
	failing := false
	l.fs = vfs.NewFault(l.mem, func(op vfs.Op) error {
		if failing && op.Kind == vfs.OpSync {
			return syscall.EIO
		}
		return nil
	})
	one := l.create(1, wal.Position{})
	if err := add(one, "a"); err != nil {
		t.Fatal(err)
	}
	failing = true
	if err := add(one, "b"); !errors.Is(err, syscall.EIO) {
		t.Fatalf("got %v", err)
	}
	failing = false
	if err := add(one, "c"); !errors.Is(err, syscall.EIO) {
		t.Fatalf("a failed log took another record: %v", err)
	}
	// A second file that fails at once, and a third that works: b, which may
	// well be on the disk of the first, must not come back.
	two := l.create(2, one.Position())
	failing = true
	if err := add(two, "b"); !errors.Is(err, syscall.EIO) {
		t.Fatalf("got %v", err)
	}
	failing = false
	three := l.create(3, two.Position())
	if err := add(three, "b"); err != nil {
		t.Fatal(err)
	}
	want := "1: a void=1\n2: void=1\n3: b"
	if got := text(t, l.mem, 1, 2, 3); got != want {
		t.Errorf("got\n%s\nwant\n%s", got, want)
	}
}

func TestTornTail(t *testing.T) {
	l := newLog(t)
	w := l.create(7, wal.Position{})
	for _, name := range []string{"a", "b"} {
		if err := add(w, name); err != nil {
			t.Fatal(err)
		}
	}
	whole, err := wal.Read(l.mem, "/wal", 7)
	if err != nil {
		t.Fatal(err)
	}
	data := make([]byte, whole.End)
	file, err := l.mem.Open("/wal/" + wal.Name(7))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := file.ReadAt(data, 0); err != nil {
		t.Fatal(err)
	}
	for n := range data {
		cut, err := l.mem.Create("/wal/" + wal.Name(7))
		if err != nil {
			t.Fatal(err)
		}
		if _, err := cut.Write(data[:n]); err != nil {
			t.Fatal(err)
		}
		want := "7:"
		if int64(n) >= whole.Records[1].Offset {
			want = "7: a"
		}
		if got := text(t, l.mem, 7); got != want {
			t.Fatalf("cut at %d: got %q, want %q", n, got, want)
		}
	}
}

// TestFlips: one flipped byte costs at most one of the records, and where
// others follow it is reported.
func TestFlips(t *testing.T) {
	l := newLog(t)
	w := l.create(1, wal.Position{})
	for _, name := range []string{"a", "b", "c"} {
		if err := add(w, name); err != nil {
			t.Fatal(err)
		}
	}
	next := l.create(2, w.Position())
	if err := add(next, "d"); err != nil {
		t.Fatal(err)
	}
	end := w.Position().End
	for off := range int(end) {
		if err := l.mem.Corrupt("/wal/"+wal.Name(1), off, 0x10); err != nil {
			t.Fatal(err)
		}
		got := text(t, l.mem, 1, 2)
		switch got {
		case "1: a b c damage=1\n2: d": // in the header
		case "1: b c damage=1\n2: d", "1: a c damage=1\n2: d", "1: a b damage=1\n2: d":
		default:
			t.Fatalf("flip at %d of %d: got %q", off, end, got)
		}
		if err := l.mem.Corrupt("/wal/"+wal.Name(1), off, 0x10); err != nil {
			t.Fatal(err)
		}
	}
}

func TestGroupCommit(t *testing.T) {
	l := newLog(t)
	var mu sync.Mutex
	mu.Lock() // holds the first fsync back until all others wait
	var m wal.Metrics
	first := make(chan struct{})
	var once sync.Once
	l.fs = vfs.NewFault(l.mem, func(op vfs.Op) error {
		if op.Kind == vfs.OpSync {
			once.Do(func() { close(first); mu.Lock() })
		}
		return nil
	})
	w, err := wal.Create(l.fs, "/wal", 1, &m)
	if err != nil {
		t.Fatal(err)
	}
	w.Begin(wal.Position{})
	var wg sync.WaitGroup
	appendOne := func() {
		wg.Go(func() {
			if err := add(w, "x"); err != nil {
				t.Error(err)
			}
		})
	}
	appendOne()
	<-first
	for range 20 {
		appendOne()
	}
	wal.WaitQueued(w, 20)
	mu.Unlock()
	wg.Wait()
	if got := m.Fsyncs.Load(); got != 2 {
		t.Errorf("%d fsyncs for 21 records, want 2", got)
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	if err := add(w, "y"); !errors.Is(err, wal.ErrClosed) {
		t.Errorf("append after close: %v", err)
	}
}

// TestTornCommit: damage with intact records behind it is no damage where all
// of them are of the last commit, which need not have been synced, until a
// later file says that it was.
func TestTornCommit(t *testing.T) {
	l := newLog(t)
	first := l.create(1, wal.Position{})
	for _, name := range []string{"a", "b", "c", "d"} {
		if err := add(first, name); err != nil {
			t.Fatal(err)
		}
	}
	source, err := wal.Read(l.mem, "/wal", 1)
	if err != nil {
		t.Fatal(err)
	}
	w := l.create(2, first.Position())
	if err := w.Copy(source.Records[:1]); err != nil { // a commit of its own
		t.Fatal(err)
	}
	torn := int(w.Position().End)
	if err := w.Copy(source.Records[1:]); err != nil {
		t.Fatal(err)
	}
	if got, want := text(t, l.mem, 2), "2: a b c d"; got != want {
		t.Fatalf("got %q, want %q", got, want)
	}
	if err := l.mem.Corrupt("/wal/"+wal.Name(2), torn+20, 0x10); err != nil { // record b
		t.Fatal(err)
	}
	f, err := wal.Read(l.mem, "/wal", 2)
	if err != nil {
		t.Fatal(err)
	}
	if len(f.Damage) != 0 || len(f.Records) != 1 || len(f.Rest) != 2 || f.End != int64(torn) {
		t.Errorf("torn commit: %d records to %d, rest %d, damage %v", len(f.Records), f.End, len(f.Rest), f.Damage)
	}
	// The next file has the rest, and makes what is left here void.
	next := l.create(3, wal.Position{Seq: 2, End: f.End})
	if err := next.Copy(f.Rest); err != nil {
		t.Fatal(err)
	}
	if got, want := text(t, l.mem, 2, 3), "2: a void=2\n3: c d"; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
	// One that knows the commit to be acknowledged makes it damage.
	if err := add(l.create(4, w.Position()), "e"); err != nil {
		t.Fatal(err)
	}
	if got, want := text(t, l.mem, 2, 4), "2: a c d damage=1\n4: e"; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
}

// TestCrash: after a power cut in the middle of concurrent appends every
// acknowledged record is there.
func TestCrash(t *testing.T) {
	for k := range int64(40) {
		l := newLog(t)
		down := errors.New("power cut")
		l.fs = vfs.NewFault(l.mem, func(op vfs.Op) error {
			if op.N >= k+2 {
				return &vfs.ShortWriteError{N: int(k) * 7, Err: down}
			}
			return nil
		})
		w := l.create(1, wal.Position{})
		var acked sync.Map
		var wg sync.WaitGroup
		for i := range 4 {
			wg.Go(func() {
				for j := range 5 {
					if name := fmt.Sprintf("r%d-%d", i, j); add(w, name) == nil {
						acked.Store(name, true)
					}
				}
			})
		}
		wg.Wait()
		got := text(t, l.mem.CrashClone(rand.New(rand.NewPCG(uint64(k), 1))), 1) + " "
		acked.Range(func(name, _ any) bool {
			if !strings.Contains(got, " "+name.(string)+" ") {
				t.Errorf("k=%d: %s was acknowledged and is lost: %s", k, name, got)
			}
			return true
		})
	}
}

// TestLargeFile: records and damage are found wherever they lie in a file that
// is read in parts, also records larger than a part.
func TestLargeFile(t *testing.T) {
	l := newLog(t)
	w := l.create(1, wal.Position{})
	r := rand.New(rand.NewPCG(1, 1))
	var names []string
	var ends []int64
	for i := range 60 {
		n := 1 + r.IntN(200_000)
		if i%20 == 7 {
			n = 3_000_000
		}
		name := make([]byte, n)
		for j := range name {
			name[j] = byte('a' + r.IntN(26))
		}
		copy(name[n/2:], "\xabREC") // what only looks like a record
		if err := add(w, string(name)); err != nil {
			t.Fatal(err)
		}
		names, ends = append(names, string(name)), append(ends, w.Position().End)
	}
	if err := add(l.create(2, w.Position()), "after"); err != nil {
		t.Fatal(err)
	}
	if got, want := text(t, l.mem, 1), "1: "+strings.Join(names, " "); got != want {
		t.Fatal("not what was written")
	}
	for _, i := range []int{0, 6, 7, 30, 58} {
		if err := l.mem.Corrupt("/wal/"+wal.Name(1), int(ends[i])-1, 0x10); err != nil {
			t.Fatal(err)
		}
		want := "1: " + strings.Join(slices.Concat(names[:i], names[i+1:]), " ") + " damage=1\n2: after"
		if got := text(t, l.mem, 1, 2); got != want {
			t.Errorf("damage in record %d costs other records than that one", i)
		}
		if err := l.mem.Corrupt("/wal/"+wal.Name(1), int(ends[i])-1, 0x10); err != nil {
			t.Fatal(err)
		}
	}
}
