package segment

import (
	"bytes"
	"encoding/binary"
	"hash/crc32"
	"math/rand/v2"
	"os"
	"path/filepath"
	"testing"

	"github.com/kiseki-dev/kiseki/storage/scan"
	"github.com/kiseki-dev/kiseki/telemetry"
	"github.com/kiseki-dev/kiseki/telemetry/telemetrytest"
)

// formed has several blocks and pages, and enough spans in each for columns
// to be derived.
var formed = Options{BlockSpans: 2048, PageRows: 256}

// TestDerivedColumns reads and narrows spans most of whose columns follow
// from others.
func TestDerivedColumns(t *testing.T) {
	b := shop(3000)
	// One span in a thousand is an exception from its form.
	for i := range b.Spans {
		if i%1000 == 7 && b.Spans[i].Attrs.Len() > 1 {
			b.AttrsOf(b.Spans[i].Attrs)[1].Value = telemetry.IntValue(int64(i))
		}
	}
	path := filepath.Join(t.TempDir(), "s")
	writeFile(t, path, b, formed)
	r := openFile(t, path, NewCache(8<<20))
	d, err := r.Describe()
	if err != nil {
		t.Fatal(err)
	}
	derived := map[string]int{}
	for _, c := range d.Columns {
		derived[c.Name] = c.Derived
	}
	for _, name := range []string{"name", "kind", "shape", "span.db.operation.name (string)", "span.rpc.grpc.status_code (int)"} {
		if derived[name] == 0 {
			t.Errorf("column %s is never derived", name)
		}
	}
	if got, want := telemetrytest.Dump(readAll(t, r)), telemetrytest.Dump(b); got != want {
		t.Fatal("the spans that come back are not those that were written")
	}
	rnd := rand.New(rand.NewPCG(1, 1))
	for _, blk := range r.Blocks() {
		var all telemetry.Batch
		if err := blk.Spans(0, blk.Len(), &all); err != nil {
			t.Fatal(err)
		}
		for i, f := range fields(b) {
			if i%3 != 0 { // each block other fields, the map's order decides
				continue
			}
			values := constants(&all, f, rnd)
			for _, v := range values[len(values)-1:] {
				for _, op := range []scan.Op{scan.OpEqual, scan.OpNotEqual, scan.OpAbsent} {
					compareNarrow(t, blk, &all, &scan.Predicate{Field: f, Op: op, Value: v}, rnd)
				}
			}
		}
	}
	kinds := map[string]bool{}
	if err := r.Values(scan.Field{Intrinsic: scan.IntrinsicKind}, "", func(v string, _ uint64) bool { kinds[v] = true; return true }); err != nil {
		t.Fatal(err)
	}
	if !kinds["server"] || !kinds["client"] {
		t.Errorf("kinds are %v", kinds)
	}
}

// TestDamagedDirectories changes what directories of derived columns say: the
// answer is an error or some spans.
func TestDamagedDirectories(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, "s")
	writeFile(t, path, shop(1500), formed)
	whole, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	r := openFile(t, path, nil)
	ref := r.blocks[0].(*block).info.dir
	body, err := r.read(ref, named("directory"))
	if err != nil {
		t.Fatal(err)
	}
	d, err := r.blocks[0].(*block).dir()
	if err != nil {
		t.Fatal(err)
	}
	for at := range body {
		if at%61 != 0 {
			continue
		}
		changed := bytes.Clone(body)
		changed[at] ^= 1 << (at % 8)
		damaged, err := decodeDirectory(changed, r.blocks[0].(*block).info.off, ref.off, r.footer.pageRows)
		if err != nil || damaged.rows != d.rows {
			continue
		}
		// The directory's chunk, not compressed, goes to the end of a file of
		// its own with a footer that knows its place.
		chunk := append([]byte{codecRaw}, changed...)
		chunk = binary.LittleEndian.AppendUint32(chunk, crc32.Checksum(chunk, castagnoli))
		file := append(bytes.Clone(whole[:ref.off]), chunk...)
		f := footer{pageRows: r.footer.pageRows, blocks: append([]blockInfo(nil), r.footer.blocks[0])}
		f.blocks[0].dir.size = uint32(len(chunk))
		last := append([]byte{codecRaw}, f.append(nil)...)
		last = binary.LittleEndian.AppendUint32(last, crc32.Checksum(last, castagnoli))
		off := int64(len(file))
		file = append(append(file, last...), trailer(off, len(last))...)
		if err := os.WriteFile(path+"x", file, 0o600); err != nil {
			t.Fatal(err)
		}
		x := openFile(t, path+"x", nil)
		var all telemetry.Batch
		_ = x.blocks[0].Spans(0, d.rows, &all) // it must not panic
		_ = exerciseNarrow(x.blocks[0])
	}
}
