package segment

import (
	"path/filepath"
	"testing"

	"github.com/kiseki-dev/kiseki/storage/vfs"
	"github.com/kiseki-dev/kiseki/telemetry"
	"github.com/kiseki-dev/kiseki/telemetry/telemetrytest"
)

// mergeFiles copies all traces of the sources, which share none, to path.
func mergeFiles(t testing.TB, path string, o Options, sources ...*Reader) Info {
	t.Helper()
	type piece struct {
		r *Reader
		Run
	}
	queues := make([][]piece, len(sources))
	for i, r := range sources {
		if err := r.Runs(func(run Run) error {
			queues[i] = append(queues[i], piece{r, run})
			return nil
		}); err != nil {
			t.Fatal(err)
		}
	}
	w, err := Create(vfs.OS{}, path, o)
	if err != nil {
		t.Fatal(err)
	}
	for {
		next := -1
		for i, q := range queues {
			if len(q) > 0 && (next < 0 || q[0].Start < queues[next][0].Start) {
				next = i
			}
		}
		if next < 0 {
			break
		}
		p := queues[next][0]
		queues[next] = queues[next][1:]
		if err := w.AddFrom(p.r, p.Run); err != nil {
			t.Fatal(err)
		}
	}
	info, err := w.Finish()
	if err != nil {
		t.Fatal(err)
	}
	return info
}

func TestMergeKeepsAll(t *testing.T) {
	for seed := range uint64(8) {
		dir := t.TempDir()
		var sources []*Reader
		all := ""
		spans := 0
		for i := range 1 + seed%4 {
			b := telemetrytest.Random(seed*10+i, 40+int(seed*150))
			path := filepath.Join(dir, string(rune('a'+i)))
			writeFile(t, path, b, small)
			sources = append(sources, openFile(t, path, nil))
			spans += len(b.Spans)
		}
		path := filepath.Join(dir, "merged")
		info := mergeFiles(t, path, Options{BlockSpans: 500, PageRows: 128}, sources...)
		var want telemetry.Batch
		for _, r := range sources {
			for _, blk := range r.Blocks() {
				if err := blk.Spans(0, blk.Len(), &want); err != nil {
					t.Fatal(err)
				}
			}
		}
		all = telemetrytest.Dump(&want)
		r := openFile(t, path, nil)
		if int(info.Spans) != spans || telemetrytest.Dump(readAll(t, r)) != all {
			t.Fatalf("seed %d: the merged file differs from what went in", seed)
		}
		if err := r.Verify(nil); err != nil {
			t.Error(err)
		}
	}
}
