package segment

import (
	"path/filepath"
	"testing"

	"github.com/kiseki-dev/kiseki/storage/vfs"
	"github.com/kiseki-dev/kiseki/telemetry"
	"github.com/kiseki-dev/kiseki/telemetry/telemetrytest"
)

// codesOf numbers the names and keys of a batch, in the order of their first
// use from a number on.
func codesOf(b *telemetry.Batch, from uint32) *Codes {
	type column struct {
		key string
		typ telemetry.ValueType
	}
	c, names, columns := &Codes{}, map[string]uint32{}, map[column]uint32{}
	for i := range b.Spans {
		n, ok := names[b.Spans[i].Name]
		if !ok {
			n = from + uint32(len(names))
			names[b.Spans[i].Name] = n
		}
		c.Names = append(c.Names, n)
	}
	for i := range b.Attrs {
		k := column{b.Attrs[i].Key, b.Attrs[i].Value.Type()}
		n, ok := columns[k]
		if !ok {
			n = from + uint32(len(columns))
			columns[k] = n
		}
		c.Columns = append(c.Columns, n)
	}
	return c
}

// TestCodes writes traces with two sets of codes by turns, over many blocks,
// and with the same codes one file after another.
func TestCodes(t *testing.T) {
	for seed := range uint64(8) {
		b := telemetrytest.Random(seed, 200+int(seed)*100)
		want := telemetrytest.Dump(b)
		codes := []*Codes{codesOf(b, 0), codesOf(b, 1000)}
		for round := range 2 {
			path := filepath.Join(t.TempDir(), "s")
			w, err := Create(vfs.OS{}, path, small)
			if err != nil {
				t.Fatal(err)
			}
			for i, rows := range traceRows(b) {
				if err := w.AddCoded(b, rows, codes[(i+round)%2]); err != nil {
					t.Fatal(err)
				}
			}
			if _, err := w.Finish(); err != nil {
				t.Fatal(err)
			}
			r := openFile(t, path, nil)
			if got := telemetrytest.Dump(readAll(t, r)); got != want {
				t.Fatalf("seed %d, round %d: got\n%s\nwant\n%s", seed, round, got, want)
			}
			if err := r.Verify(nil); err != nil {
				t.Error(err)
			}
		}
	}
}
