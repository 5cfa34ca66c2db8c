package segment

import (
	"bytes"
	"os"
	"path/filepath"
	"runtime/debug"
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

// TestCodes writes the same traces with and without codes, over many blocks,
// with two sets of codes by turns and the same codes for one file after
// another: the files are the same.
func TestCodes(t *testing.T) {
	// A builder that the collector takes from the pool knows no columns yet, and
	// the next one writes them in another order.
	defer debug.SetGCPercent(debug.SetGCPercent(-1))
	for seed := range uint64(8) {
		b := telemetrytest.Random(seed, 200+int(seed)*100)
		path := filepath.Join(t.TempDir(), "s")
		writeFile(t, path, b, small)
		want, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		codes := []*Codes{codesOf(b, 0), codesOf(b, 1000)}
		for round := range 2 {
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
			got, err := os.ReadFile(path)
			if err != nil {
				t.Fatal(err)
			}
			if !bytes.Equal(got, want) {
				t.Errorf("seed %d, round %d: the file with codes differs", seed, round)
			}
		}
	}
}
