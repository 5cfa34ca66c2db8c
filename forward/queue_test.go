package forward

import (
	"testing"

	"github.com/kiseki-dev/kiseki/storage/vfs"
	"github.com/kiseki-dev/kiseki/storage/wal"
	"github.com/kiseki-dev/kiseki/telemetry"
	"github.com/kiseki-dev/kiseki/telemetry/telemetrytest"
)

// fileOf is a file of a queue with a record for each batch.
func fileOf(t testing.TB, batches ...*telemetry.Batch) []byte {
	t.Helper()
	disk := vfs.NewMem(0)
	q, err := openQueue(disk, "data/forward/a", 1<<30)
	if err != nil {
		t.Fatal(err)
	}
	var enc wal.Encoder
	for _, b := range batches {
		rec, err := enc.Encode(b)
		if err != nil {
			t.Fatal(err)
		}
		if err := q.put(rec, len(b.Spans)); err != nil {
			t.Fatal(err)
		}
	}
	if err := q.close(); err != nil {
		t.Fatal(err)
	}
	data, err := vfs.ReadFile(disk, "data/forward/a/"+wal.Name(1))
	if err != nil {
		t.Fatal(err)
	}
	return data
}

// readAll opens a queue that has one file and reads it to its end.
func readAll(t testing.TB, data []byte) (spans []string, damaged int) {
	t.Helper()
	disk := vfs.NewMem(0)
	if err := disk.MkdirAll("data/forward/a"); err != nil {
		t.Fatal(err)
	}
	f, err := disk.Create("data/forward/a/" + wal.Name(1))
	if err != nil {
		t.Fatal(err)
	}
	f.Write(data)
	f.Close()
	q, err := openQueue(disk, "data/forward/a", 1<<30)
	if err != nil {
		t.Fatal(err)
	}
	at := q.take(t.Context())
	r, err := q.read(at)
	if err != nil {
		return nil, 0 // of another version
	}
	defer r.close()
	for {
		b, records, bad := r.next()
		if records == 0 {
			return spans, damaged
		}
		damaged += bad
		for i := range b.Spans {
			spans = append(spans, telemetrytest.DumpSpan(b, i))
		}
	}
}

// FuzzQueue: whatever is in a file of a queue, reading it ends, and what it
// gives are whole spans.
func FuzzQueue(f *testing.F) {
	good := fileOf(f, telemetrytest.Random(1, 3), telemetrytest.Random(2, 1))
	f.Add(good)
	f.Add(good[:len(good)-7])
	f.Add([]byte{})
	f.Fuzz(func(t *testing.T, data []byte) { readAll(t, data) })
}

// A flipped bit costs at most the record that it is in.
func TestDamage(t *testing.T) {
	var batches []*telemetry.Batch
	want := map[string]bool{}
	for i := range uint64(5) {
		batches = append(batches, telemetrytest.Random(i, 10))
		for j := range batches[i].Spans {
			want[telemetrytest.DumpSpan(batches[i], j)] = true
		}
	}
	good := fileOf(t, batches...)
	for at := 0; at < len(good); at += 97 {
		bad := append([]byte(nil), good...)
		bad[at] ^= 0x10
		spans, _ := readAll(t, bad)
		if len(spans) < 40 {
			t.Fatalf("with a flip at %d of %d bytes only %d of 50 spans are left", at, len(good), len(spans))
		}
		for _, s := range spans {
			if !want[s] {
				t.Fatalf("with a flip at %d there is a span that was never put: %s", at, s)
			}
		}
	}
}

// A queue that is written to faster than sent from keeps to its limit, and what
// it counts as dropped is what is missing.
func TestLimit(t *testing.T) {
	q, err := openQueue(vfs.NewMem(0), "data/forward/a", 64<<10)
	if err != nil {
		t.Fatal(err)
	}
	dropped, put := 0, 0
	q.dropped = func(n int) { dropped += n }
	var enc wal.Encoder
	for i := range uint64(100) {
		b := telemetrytest.Random(i, 20)
		rec, err := enc.Encode(b)
		if err != nil {
			t.Fatal(err)
		}
		if err := q.put(rec, 20); err != nil {
			t.Fatal(err)
		}
		if put += 20; q.size() > 64<<10 {
			t.Fatalf("%d bytes", q.size())
		}
	}
	if dropped == 0 {
		t.Fatal("nothing was dropped: this test is blind")
	}
	left := 0
	for q.size() > 0 {
		f := q.take(t.Context())
		left += q.count(f)
		q.remove(f)
	}
	if left+dropped != put {
		t.Errorf("%d spans are left and %d dropped of %d", left, dropped, put)
	}
}

// BenchmarkPut is the time that a destination adds to an acknowledgement.
func BenchmarkPut(b *testing.B) {
	q, err := openQueue(vfs.OS{}, b.TempDir(), 1<<30)
	if err != nil {
		b.Fatal(err)
	}
	defer q.close()
	batch := telemetrytest.Random(1, 500)
	var enc wal.Encoder
	b.ReportAllocs()
	for b.Loop() {
		rec, err := enc.Encode(batch)
		if err != nil {
			b.Fatal(err)
		}
		if err := q.put(rec, 500); err != nil {
			b.Fatal(err)
		}
	}
}
