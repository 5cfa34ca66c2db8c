package segment

import (
	"math/rand/v2"
	"path/filepath"
	"testing"

	"github.com/kiseki-dev/kiseki/storage/scan"
	"github.com/kiseki-dev/kiseki/telemetry"
	"github.com/kiseki-dev/kiseki/telemetry/telemetrytest"
)

// hasCodes reports whether a field has one value a span that is no time or id.
func hasCodes(f scan.Field) bool {
	switch f.Scope {
	case scan.ScopeEvent, scan.ScopeLink:
		return false
	case scan.ScopeIntrinsic:
		switch f.Intrinsic {
		case scan.IntrinsicName, scan.IntrinsicKind, scan.IntrinsicStatus, scan.IntrinsicStatusMessage, scan.IntrinsicTraceState,
			scan.IntrinsicScopeName, scan.IntrinsicScopeVersion:
			return true
		}
		return false
	}
	return true
}

// TestCodesAgreeWithEachSpan reads every field in runs of random lengths.
func TestCodesAgreeWithEachSpan(t *testing.T) {
	for seed := range uint64(6) {
		r := rand.New(rand.NewPCG(seed, 8))
		b := telemetrytest.Random(seed, 100+int(seed)*150)
		repeatKeys(b, r)
		path := filepath.Join(t.TempDir(), "s")
		writeFile(t, path, b, small)
		for _, blk := range openFile(t, path, NewCache(4<<20)).Blocks() {
			var all telemetry.Batch
			if err := blk.Spans(0, blk.Len(), &all); err != nil {
				t.Fatal(err)
			}
			var codes scan.Codes
			for _, f := range fields(b) {
				codes.Reset()
				if !hasCodes(f) {
					if err := blk.Codes(f, 0, 1, &codes); err == nil {
						t.Fatalf("%+v has codes", f)
					}
					continue
				}
				for lo := 0; lo < blk.Len(); {
					hi := lo + r.IntN(blk.Len()-lo+1)
					if err := blk.Codes(f, lo, hi, &codes); err != nil {
						t.Fatal(err)
					}
					compareCodes(t, &all, f, lo, hi, &codes)
					lo = hi
				}
			}
		}
	}
}

func compareCodes(t *testing.T, all *telemetry.Batch, f scan.Field, lo, hi int, codes *scan.Codes) {
	t.Helper()
	if len(codes.Rows) != hi-lo {
		t.Fatalf("%+v: %d codes for rows %d to %d", f, len(codes.Rows), lo, hi)
	}
	for i, code := range codes.Rows {
		want := fieldValues(all, lo+i, f)
		switch {
		case code == 0 && len(want) == 0:
		case code == 0 || len(want) == 0 || codes.Dict[code-1] != want[0]:
			t.Fatalf("%+v: row %d has code %d of %v, want %v", f, lo+i, code, codes.Dict, want)
		}
	}
}
