package segment

import (
	"encoding/binary"
	"errors"
	"hash/crc32"
	"os"
	"path/filepath"
	"testing"

	"github.com/kiseki-dev/kiseki/storage/scan"
	"github.com/kiseki-dev/kiseki/storage/vfs"
	"github.com/kiseki-dev/kiseki/telemetry"
	"github.com/kiseki-dev/kiseki/telemetry/telemetrytest"
)

// exercise opens the file and reads it in every way there is. It returns the
// dump of all spans, or the first error.
func exercise(path string) (string, error) {
	r, err := Open(vfs.OS{}, path, NewCache(1<<20))
	if err != nil {
		return "", err
	}
	defer r.Close()
	var all telemetry.Batch
	for _, blk := range r.Blocks() {
		if err := blk.Spans(0, blk.Len(), &all); err != nil {
			return "", err
		}
		var rows scan.Rows
		if err := blk.Rows(0, blk.Len(), 1<<9-1, &rows); err != nil {
			return "", err
		}
		if err := exerciseNarrow(blk); err != nil {
			return "", err
		}
	}
	for i := range all.Spans {
		if err := r.Find(all.Spans[i].TraceID, func(scan.Block, int, int) error { return nil }); err != nil {
			return "", err
		}
	}
	if err := r.Operations(func(scan.Operation) {}); err != nil {
		return "", err
	}
	if err := r.Keys(func(scan.Key) {}); err != nil {
		return "", err
	}
	if err := r.Verify(nil); err != nil {
		return "", err
	}
	if _, err := r.Describe(); err != nil {
		return "", err
	}
	// Damage may well change the order of traces.
	if err := mergeOne(path); err != nil && !errors.Is(err, ErrOrder) {
		return "", err
	}
	return telemetrytest.Dump(&all), nil
}

func exerciseNarrow(blk scan.Block) error {
	fields := []scan.Field{{Scope: scan.ScopeSpan, Key: "user.id0"}, {Scope: scan.ScopeAny, Key: "service.name"}, {Scope: scan.ScopeEvent, Key: "user.id0"}}
	for in := scan.IntrinsicName; in <= scan.IntrinsicLinkSpanID; in++ {
		fields = append(fields, scan.Field{Intrinsic: in})
	}
	for _, f := range fields {
		var sel scan.Bitmap
		sel.Reset(blk.Len(), true)
		if err := blk.Narrow([]scan.Predicate{{Field: f, Op: scan.OpGreater, Value: telemetry.StringValue("a")}}, &sel); err != nil {
			return err
		}
	}
	_, err := blk.(*block).Digest(scan.DigestQuery{Fields: fields[1:2], Phase: 5, Step: 1000, Durations: true})
	return err
}

func TestEveryDamagedByteIsNoticed(t *testing.T) {
	path := filepath.Join(t.TempDir(), "s")
	writeFile(t, path, telemetrytest.Random(2, 4), small)
	whole, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	for i := range whole {
		damaged := append([]byte(nil), whole...)
		damaged[i] ^= 1 << (i % 8)
		if err := os.WriteFile(path, damaged, 0o600); err != nil {
			t.Fatal(err)
		}
		_, err := exercise(path)
		var corrupt *CorruptError
		if !errors.As(err, &corrupt) {
			t.Fatalf("byte %d of %d: got error %v", i, len(whole), err)
		}
	}
	for _, n := range []int{0, 1, headerSize, len(whole) / 2, len(whole) - 1} {
		if err := os.WriteFile(path, whole[:n], 0o600); err != nil {
			t.Fatal(err)
		}
		var corrupt *CorruptError
		if _, err := exercise(path); !errors.As(err, &corrupt) {
			t.Errorf("cut at %d: got error %v", n, err)
		}
	}
}

// FuzzReader changes what chunks say and makes their checksums right again,
// so that the decoders themselves meet the damage: they must answer with an
// error or with some spans, but never panic.
func FuzzReader(f *testing.F) {
	type file struct {
		whole  []byte
		chunks []chunkRef
	}
	var files []file
	for _, make := range []func(path string){
		func(path string) { writeFile(f, path, telemetrytest.Random(2, 12), small) },
		// With columns that are derived, or in a context, and texts in templates.
		func(path string) { writeFile(f, path, shop(1100), Options{PageRows: 512}) },
		func(path string) { writeFile(f, path, requests(40), Options{PageRows: 64}) },
	} {
		path := filepath.Join(f.TempDir(), "s")
		make(path)
		whole, err := os.ReadFile(path)
		if err != nil {
			f.Fatal(err)
		}
		files = append(files, file{whole, chunksOf(f, path)})
		// The second file's kinds of chunks are those of the first but for the
		// directory, which is the last of a block.
		for i := range len(files[len(files)-1].chunks) {
			if len(files) > 1 && i%16 != 0 && i < len(files[1].chunks)-1 {
				continue
			}
			f.Add(uint8(len(files)-1), uint16(i), uint16(0), byte(0xff))
			f.Add(uint8(len(files)-1), uint16(i), uint16(3), byte(0x01))
		}
	}
	f.Fuzz(func(t *testing.T, of uint8, chunk, at uint16, flip byte) {
		from := files[int(of)%len(files)]
		damaged := append([]byte(nil), from.whole...)
		c := from.chunks[int(chunk)%len(from.chunks)]
		n := int64(c.size) - 4
		damaged[c.off+int64(at)%n] ^= flip
		binary.LittleEndian.PutUint32(damaged[c.off+n:], crc32.Checksum(damaged[c.off:c.off+n], castagnoli))
		path := filepath.Join(t.TempDir(), "s")
		if err := os.WriteFile(path, damaged, 0o600); err != nil {
			t.Fatal(err)
		}
		_, err := exercise(path)
		var corrupt *CorruptError
		if err != nil && !errors.As(err, &corrupt) {
			t.Fatalf("chunk %d byte %d flip %#x: error of another kind: %v", chunk, at, flip, err)
		}
	})
}

// chunksOf are all chunks of a sound file.
func chunksOf(t testing.TB, path string) []chunkRef {
	r := openFile(t, path, nil)
	out := []chunkRef{r.last, r.footer.operations, r.footer.keys}
	for _, c := range r.footer.index {
		out = append(out, c.chunkRef)
	}
	for i := range r.blocks {
		b := r.blocks[i].(*block)
		d, err := b.dir()
		if err != nil {
			t.Fatal(err)
		}
		out = append(out, b.info.dir)
		if err := d.each(func(_ section, c chunkRef) error { out = append(out, c); return nil }); err != nil {
			t.Fatal(err)
		}
	}
	return out
}
