package storage

import (
	"testing"

	"github.com/kiseki-dev/kiseki/storage/vfs"
	"github.com/kiseki-dev/kiseki/telemetry"
	"github.com/kiseki-dev/kiseki/telemetry/telemetrytest"
)

// TestActivity: appends, flushes and questions are activity; statistics and
// rest are not, and afterwards everything is still found.
func TestActivity(t *testing.T) {
	s := open(t, options(vfs.NewMem(64<<20)))
	last := s.Activity()
	b := telemetrytest.Random(1, 200)
	for _, step := range []struct {
		name   string
		active bool
		do     func()
	}{
		{"append", true, func() { add(t, s, b) }},
		{"statistics", false, func() { s.Stats() }},
		{"flush", true, func() { flush(t, s) }},
		{"rest", false, s.Rest},
		{"question", true, func() {
			snap := s.Snapshot()
			defer snap.Release()
			n := 0
			for _, src := range snap.Sources() {
				for _, blk := range src.Blocks() {
					var spans telemetry.Batch
					if err := blk.Spans(0, blk.Len(), &spans); err != nil {
						t.Fatal(err)
					}
					n += len(spans.Spans)
				}
			}
			if n != len(b.Spans) {
				t.Errorf("%d spans after a rest, want %d", n, len(b.Spans))
			}
		}},
	} {
		step.do()
		if now := s.Activity(); now != last != step.active {
			t.Errorf("%s: activity went from %d to %d", step.name, last, now)
		} else {
			last = now
		}
	}
}
