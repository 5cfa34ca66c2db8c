package storage

import (
	"strings"
	"testing"

	"github.com/kiseki-dev/kiseki/storage/vfs"
	"github.com/kiseki-dev/kiseki/telemetry/telemetrytest"
)

func TestInspect(t *testing.T) {
	mem := vfs.NewMem(0)
	if _, err := Inspect(mem, "/data"); err == nil {
		t.Error("a folder that is not there was inspected")
	}
	s := open(t, options(mem))
	add(t, s, telemetrytest.Random(1, 40))
	flush(t, s)
	add(t, s, telemetrytest.Random(2, 7))
	inspect := func() (Report, string) {
		t.Helper()
		r, err := Inspect(mem, "/data")
		if err != nil {
			t.Fatal(err)
		}
		var text strings.Builder
		if err := r.WriteText(&text); err != nil {
			t.Fatal(err)
		}
		return r, text.String()
	}
	r, text := inspect()
	if !r.InUse || len(r.Problems) != 0 || !strings.Contains(text, "a server has it open") {
		t.Errorf("beside a store: %+v\n%s", r, text)
	}
	path := s.mu.segments[0].path
	closeStore(t, s)
	r, text = inspect()
	if r.InUse || len(r.Problems) != 0 || len(r.Segments) != 1 || r.Segments[0].Contents.Spans != 40 ||
		len(r.Logs) != 1 || r.Logs[0].Spans != 7 || !strings.Contains(text, "every checksum matches") {
		t.Errorf("after close: %+v\n%s", r, text)
	}
	info, err := mem.Stat(path)
	if err != nil {
		t.Fatal(err)
	}
	if err := mem.Corrupt(path, int(info.Size()/3), 1); err != nil {
		t.Fatal(err)
	}
	if r, text = inspect(); len(r.Problems) != 1 || !strings.Contains(text, "DAMAGED") {
		t.Errorf("damaged: %+v\n%s", r.Problems, text)
	}
}
