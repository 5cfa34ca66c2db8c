package segment

import (
	"fmt"
	"path/filepath"
	"strings"
	"testing"

	"github.com/kiseki-dev/kiseki/storage/scan"
	"github.com/kiseki-dev/kiseki/telemetry"
)

// TestTrail: how each of some comparisons is decided for a block of 20,008 spans,
// of which 2 of one page are errors, and what is read for it is counted.
func TestTrail(t *testing.T) {
	b := shop(20000)
	for i := range b.Spans {
		start := uint32(len(b.Attrs))
		b.Attrs = append(b.Attrs, telemetry.Attr{Key: "user.id", Value: telemetry.StringValue(fmt.Sprintf("%x", uint64(i%300+1)*0x9e3779b97f4a7c15))})
		b.Spans[i].Attrs = telemetry.Range{Start: start, End: start + 1}
		b.Spans[i].Name, b.Spans[i].Kind, b.Spans[i].Status = "op", telemetry.KindServer, telemetry.StatusOK
		if i < 2 {
			b.Spans[i].Status = telemetry.StatusError
		}
	}
	path := filepath.Join(t.TempDir(), "s")
	writeFile(t, path, b, Options{})
	attr := func(key string) scan.Field { return scan.Field{Scope: scan.ScopeSpan, Key: key} }
	for _, x := range []struct {
		all  []scan.Predicate
		want string
	}{
		{[]scan.Predicate{{Field: attr("absent"), Value: telemetry.IntValue(1)}}, "1 block, absence; 0 B"},
		{[]scan.Predicate{{Field: attr("user.id"), Value: telemetry.StringValue("0123456789abcdef")}}, "1 block, bloom; some B"},
		{[]scan.Predicate{{Field: scan.Field{Intrinsic: scan.IntrinsicDuration}, Op: scan.OpGreater, Value: telemetry.IntValue(1e15)}}, "1 block, bounds; 0 B"},
		{[]scan.Predicate{{Field: attr("user.id"), Op: scan.OpGreater, Value: telemetry.StringValue("zzz")}}, "1 block, dictionary; some B"},
		{[]scan.Predicate{{Field: scan.Field{Intrinsic: scan.IntrinsicKind}, Value: telemetry.IntValue(int64(telemetry.KindServer))}}, "1 block, bounds; 0 B"},
		{
			[]scan.Predicate{
				{Field: scan.Field{Intrinsic: scan.IntrinsicStatus}, Value: telemetry.IntValue(int64(telemetry.StatusError))},
				{Field: attr("user.id"), Op: scan.OpGreater, Value: telemetry.StringValue("0")},
			},
			"1 block, pages 10 read 0 skipped, rows 20008 looked at 2 kept; some B / 1 block, dictionary; some B",
		},
		{
			[]scan.Predicate{
				{Field: scan.Field{Intrinsic: scan.IntrinsicStatus}, Value: telemetry.IntValue(int64(telemetry.StatusError))},
				{Field: attr("user.id"), Op: scan.OpGreater, Value: telemetry.StringValue("7")},
			},
			"1 block, pages 10 read 0 skipped, rows 20008 looked at 2 kept; some B / 1 block, pages 1 read 9 skipped, rows 2 looked at 1 kept; some B",
		},
		{
			[]scan.Predicate{
				{Field: attr("absent"), Value: telemetry.IntValue(1)},
				{Field: attr("user.id"), Op: scan.OpGreater, Value: telemetry.StringValue("7")},
			},
			"1 block, absence; 0 B / not asked",
		},
	} {
		var reads scan.Reads
		blk := openFile(t, path, nil).Metered(&reads).Blocks()[0]
		trails := make([]scan.Trail, len(x.all))
		for i := range x.all {
			x.all[i].Trail = &trails[i]
		}
		var sel scan.Bitmap
		sel.Reset(blk.Len(), true)
		if err := blk.Narrow(x.all, &sel); err != nil {
			t.Fatal(err)
		}
		var got []string
		sum := uint64(0)
		for i := range trails {
			got = append(got, trailText(&trails[i]))
			sum += trails[i].Bytes.Load()
		}
		if text := strings.Join(got, " / "); text != x.want {
			t.Errorf("%+v: got\n%s\nwant\n%s", x.all, text, x.want)
		}
		if reads.Bytes.Load() < sum || reads.Bytes.Load() == 0 {
			t.Errorf("%d bytes were read, %d of them for the comparisons", reads.Bytes.Load(), sum)
		}
	}
}

func trailText(t *scan.Trail) string {
	if t.Blocks.Load() == 0 {
		return "not asked"
	}
	text := fmt.Sprintf("%d block", t.Blocks.Load())
	for way := range t.Settled {
		if t.Settled[way].Load() > 0 {
			text += ", " + scan.Ways[way]
		}
	}
	if t.Pages.Load()+t.Skipped.Load() > 0 {
		text += fmt.Sprintf(", pages %d read %d skipped, rows %d looked at %d kept", t.Pages.Load(), t.Skipped.Load(), t.Rows.Load(), t.Kept.Load())
	}
	if t.Bytes.Load() == 0 {
		return text + "; 0 B"
	}
	return text + "; some B"
}
