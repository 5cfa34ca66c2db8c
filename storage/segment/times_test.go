package segment

import (
	"fmt"
	"path/filepath"
	"testing"

	"github.com/kiseki-dev/kiseki/telemetry/telemetrytest"
)

// TestTimes stores spans whose times are of every size and order, on clocks of
// different precision, in pages that begin within traces.
func TestTimes(t *testing.T) {
	for _, unit := range []uint64{1, 1000, 1_000_000} {
		for _, spread := range []uint64{0, 1, 12, 30, 63} {
			t.Run(fmt.Sprintf("unit %d, %d bits", unit, spread), func(t *testing.T) {
				b := shop(1500)
				for i := range b.Spans {
					s := &b.Spans[i]
					odd := (uint64(i) * 0x9e3779b97f4a7c15) >> (64 - spread)
					s.Start = (s.Start/unit + odd%(1<<40)) * unit
					if s.End = s.Start + odd/unit*unit; i%97 == 0 {
						s.End = s.Start - min(odd, 1<<50)
					}
				}
				path := filepath.Join(t.TempDir(), "s")
				writeFile(t, path, b, Options{PageRows: 64})
				if got := readAll(t, openFile(t, path, nil)); telemetrytest.Dump(got) != telemetrytest.Dump(b) {
					t.Error("the spans that come back differ")
				}
			})
		}
	}
}
