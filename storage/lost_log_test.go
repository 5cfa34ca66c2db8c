package storage

import (
	"errors"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/kiseki-dev/kiseki/storage/vfs"
	"github.com/kiseki-dev/kiseki/storage/wal"
	"github.com/kiseki-dev/kiseki/telemetry"
	"github.com/kiseki-dev/kiseki/telemetry/telemetrytest"
)

// TestLostLog: a hole in acknowledged data makes answers incomplete, in this
// life and, when the log is gone, in the next, until retention drops it; those
// about another time stay complete.
func TestLostLog(t *testing.T) {
	mem := vfs.NewMem(0)
	clock := now
	o := options(mem)
	o.Clock = func() time.Time { return clock }
	o.Retention.Age = 240 * time.Hour
	s := open(t, o)
	add(t, s, telemetrytest.Random(1, 5))
	flush(t, s)
	add(t, s, telemetrytest.Random(2, 5))
	end := int(s.active.log.Position().End)
	add(t, s, telemetrytest.Random(3, 5))
	log := "/data/tenants/default/wal/" + wal.Name(s.active.log.Seq())
	closeStore(t, s)
	if err := mem.Corrupt(log, end-3, 4); err != nil {
		t.Fatal(err)
	}
	r, err := Inspect(mem, "/data")
	if err != nil || len(r.Problems) != 1 || len(r.Lost) != 0 {
		t.Fatalf("before it was noticed: %+v, %v", r, err)
	}
	for life := range 3 {
		s = open(t, o)
		if got := s.Lost(); len(got) != 1 || got[0].File != wal.Name(2) || got[0].MaxStart < unixNanos(clock) ||
			got[0].MinStart > unixNanos(clock.Add(-lostMargin)) || got[0].Bytes == 0 {
			t.Fatalf("life %d: %+v", life, got)
		}
		if err := readAll(s); !errors.Is(err, errLost) {
			t.Fatalf("life %d: reading all gave %v", life, err)
		}
		if n := len(contents(t, s)); n != 10 {
			t.Fatalf("life %d: %d spans", life, n)
		}
		flush(t, s)
		closeStore(t, s)
	}
	r, err = Inspect(mem, "/data")
	var text strings.Builder
	if err := errors.Join(err, r.WriteText(&text)); err != nil || !strings.Contains(text.String(), "lost: spans, nobody knows how many, of "+wal.Name(2)) {
		t.Errorf("%v\n%s", err, &text)
	}
	clock = clock.Add(1000 * time.Hour)
	s = open(t, o)
	flush(t, s)
	if got := s.Lost(); len(got) != 0 {
		t.Errorf("outlives retention: %+v", got)
	}
}

// TestMissingLog: a log that later ones name and that is not there is lost.
func TestMissingLog(t *testing.T) {
	mem := vfs.NewMem(0)
	s := open(t, options(mem))
	one := telemetrytest.Random(1, 5)
	add(t, s, one)
	flush(t, s)
	for seed := range uint64(3) { // every life begins a log
		add(t, s, telemetrytest.Random(2+seed, 5))
		closeStore(t, s)
		s = open(t, options(mem))
	}
	closeStore(t, s)
	names, err := mem.List("/data/tenants/default/wal")
	if err != nil || len(names) < 3 {
		t.Fatal(names, err)
	}
	if err := mem.Remove("/data/tenants/default/wal/" + names[1]); err != nil {
		t.Fatal(err)
	}
	s = open(t, options(mem))
	if got := s.Lost(); len(got) != 1 || got[0].File != names[1] || s.Stats().LostFiles != 1 {
		t.Errorf("%q is missing: %+v", names[1], got)
	}
}

// TestInspectDeletions: what is hidden and still on disk is told of, beside a
// store and without one.
func TestInspectDeletions(t *testing.T) {
	mem := vfs.NewMem(0)
	s := open(t, options(mem))
	b := telemetrytest.Random(1, 40)
	add(t, s, b)
	deleted(t, s, b.Spans[0].TraceID)
	for range 2 {
		r, err := Inspect(mem, "/data")
		var text strings.Builder
		if err := errors.Join(err, r.WriteText(&text)); err != nil {
			t.Fatal(err)
		}
		if len(r.Deletions) != 1 || r.Deletions[0].Traces != 1 || !slices.Equal(r.Deletions[0].Segments, []uint64{1}) ||
			!strings.Contains(text.String(), "1 traces, asked for") {
			t.Errorf("%+v\n%s", r.Deletions, &text)
		}
		closeStore(t, s)
	}
	s = open(t, options(mem))
	erase(t, s)
	if r, err := Inspect(mem, "/data"); err != nil || len(r.Deletions) != 0 {
		t.Errorf("%+v, %v", r.Deletions, err)
	}
	wantSpans(t, s, lacking(b, map[telemetry.TraceID]struct{}{b.Spans[0].TraceID: {}}))
}
