package storage

import (
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/kiseki-dev/kiseki/storage/vfs"
	"github.com/kiseki-dev/kiseki/telemetry/telemetrytest"
)

const sampleDir = "testdata/v1"

// TestSample opens a folder that version 1 of the log and the manifest wrote,
// two batches in its log. Set KISEKI_WRITE_SAMPLE=1 to write it, which is
// right only for a new version in a new folder.
func TestSample(t *testing.T) {
	one, two := telemetrytest.Random(1, 20), telemetrytest.Random(2, 20)
	if os.Getenv("KISEKI_WRITE_SAMPLE") != "" {
		s := open(t, Options{Dir: sampleDir, MinFreeBytes: 1})
		add(t, s, one)
		add(t, s, two)
		closeStore(t, s)
	}
	mem := vfs.NewMem(0)
	err := filepath.WalkDir(sampleDir, func(path string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		to := filepath.Join("/data", strings.TrimPrefix(path, sampleDir))
		if d.IsDir() {
			return mem.MkdirAll(to)
		}
		p, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		return writeFile(mem, to, p)
	})
	if err != nil {
		t.Fatal(err)
	}
	wantSpans(t, open(t, options(mem)), one, two)
}
