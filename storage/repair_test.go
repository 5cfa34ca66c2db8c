package storage

import (
	"context"
	"errors"
	"strings"
	"testing"

	"github.com/kiseki-dev/kiseki/storage/vfs"
	"github.com/kiseki-dev/kiseki/telemetry/telemetrytest"
)

// TestRepair damages one segment in a page, one in its footer and the log, and
// then brings the second one back from a copy.
func TestRepair(t *testing.T) {
	mem := vfs.NewMem(0)
	s := open(t, options(mem))
	one, two, three := telemetrytest.Random(1, 4000), telemetrytest.Random(2, 40), telemetrytest.Random(3, 40)
	add(t, s, one)
	flush(t, s)
	add(t, s, two)
	flush(t, s)
	add(t, s, three)
	paths := []string{s.mu.segments[0].path, s.mu.segments[1].path}
	sizes := []int64{s.mu.segments[0].entry.Bytes, s.mu.segments[1].entry.Bytes}
	if _, err := Repair(t.Context(), options(mem)); !errors.Is(err, ErrLocked) {
		t.Fatalf("beside a store: %v", err)
	}
	closeStore(t, s)
	backup := mem.CrashClone(nil)
	if r, err := Repair(t.Context(), options(mem)); err != nil || r.Checked != 2 || len(r.Repairs) != 0 {
		t.Fatalf("nothing is damaged: %+v, %v", r, err)
	}
	for i, off := range []int64{sizes[0] / 2, sizes[1] - 30} {
		if err := mem.Corrupt(paths[i], int(off), 1); err != nil {
			t.Fatal(err)
		}
	}
	r, err := Repair(t.Context(), options(mem))
	if err != nil || r.Checked != 1 || len(r.Repairs) != 2 {
		t.Fatalf("%+v, %v", r, err)
	}
	page, footer := r.Repairs[0], r.Repairs[1]
	if page.Kept == 0 || page.Kept+page.Lost != 4000 || footer.Error == nil || r.Lost != page.Lost+40 {
		t.Errorf("%+v", r)
	}
	var text strings.Builder
	if err := r.WriteText(&text); err != nil || !strings.Contains(text.String(), "nothing can be read") {
		t.Errorf("%v\n%s", err, text.String())
	}
	s = open(t, options(mem))
	if lost := subset(t, "repaired", contents(t, s), dumps(one, two, three)); uint64(lost) != page.Lost+40 {
		t.Errorf("%d spans are missing", lost)
	}
	closeStore(t, s)

	putCopy(t, backup, paths[1], mem, footer.File)
	r, err = Repair(t.Context(), options(mem))
	if err != nil || len(r.Repairs) != 1 || r.Repairs[0].Kept != 40 || r.Lost != page.Lost {
		t.Fatalf("with the copy: %+v, %v", r, err)
	}
	for range 2 { // a second time there is nothing to do
		if r, err = Repair(context.Background(), options(mem)); err != nil || len(r.Repairs) != 0 {
			t.Fatalf("%+v, %v", r, err)
		}
	}
	s = open(t, options(mem))
	if lost := subset(t, "with the copy", contents(t, s), dumps(one, two, three)); uint64(lost) != page.Lost {
		t.Errorf("%d spans are missing", lost)
	}
}

func putCopy(t *testing.T, from *vfs.Mem, path string, to *vfs.Mem, dst string) {
	t.Helper()
	f, err := from.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	size, err := f.Size()
	if err != nil {
		t.Fatal(err)
	}
	p := make([]byte, size)
	if _, err := f.ReadAt(p, 0); err != nil {
		t.Fatal(err)
	}
	if err := writeFile(to, dst, p); err != nil {
		t.Fatal(err)
	}
}
