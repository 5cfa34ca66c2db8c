package segment

import (
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/kiseki-dev/kiseki/storage/column"
	"github.com/kiseki-dev/kiseki/telemetry/telemetrytest"
)

// TestDocument holds the operators' document to the constants.
func TestDocument(t *testing.T) {
	text, err := os.ReadFile("../../docs/format.md")
	if err != nil {
		t.Fatal(err)
	}
	_, section, ok := strings.Cut(string(text), "## Segment\n")
	if !ok {
		t.Fatal("docs/format.md has no section Segment")
	}
	section, _, _ = strings.Cut(section, "\n## ")
	section = strings.Join(strings.Fields(section), " ")
	for _, want := range []string{
		fmt.Sprintf("version %d", Version), fmt.Sprintf("| header | %d | `%s`", headerSize, magic),
		fmt.Sprintf("| trailer | %d |", trailerSize), fmt.Sprintf("%d traces a chunk", indexEntries),
		fmt.Sprintf("up to %d spans", BlockSpans), fmt.Sprintf("pages of %d spans", PageRows),
		fmt.Sprintf("longer than %d bytes", bloomString), fmt.Sprintf("up to %d bytes are part of the directory", inlineDict),
	} {
		if !strings.Contains(section, want) {
			t.Errorf("docs/format.md does not say %q", want)
		}
	}
	if len(header()) != headerSize || len(trailer(0, 0)) != trailerSize {
		t.Errorf("header and trailer have %d and %d bytes", len(header()), len(trailer(0, 0)))
	}
	hashes := make([]uint64, 1000)
	if perValue := len(column.NewBloom(hashes)) * 8 / len(hashes); !strings.Contains(section, fmt.Sprintf("%d bits a value", perValue)) {
		t.Errorf("docs/format.md does not say that a bloom filter has %d bits a value", perValue)
	}
}

var rewrite = flag.Bool("rewrite", false, "write the sample of the current version anew")

// TestVersion1 opens a file as version 1 was first written. It must never
// change: files like it are on users' disks.
func TestVersion1(t *testing.T) {
	path := filepath.Join("testdata", "version1.seg")
	b := telemetrytest.Random(41, 80)
	if *rewrite {
		if err := os.MkdirAll("testdata", 0o755); err != nil {
			t.Fatal(err)
		}
		writeFile(t, path, b, Options{BlockSpans: 50, PageRows: 64})
		if err := os.WriteFile(path+".txt", []byte(telemetrytest.Dump(b)), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(path + ".txt")
	if err != nil {
		t.Fatal(err)
	}
	r := openFile(t, path, nil)
	if err := r.Verify(nil); err != nil {
		t.Error(err)
	}
	if got := telemetrytest.Dump(readAll(t, r)); got != string(want) {
		t.Errorf("got\n%s\nwant\n%s", got, want)
	}
}

// TestColumns prints what a small file is made of, so that a change of the
// layout shows in review.
func TestColumns(t *testing.T) {
	path := filepath.Join(t.TempDir(), "s")
	writeFile(t, path, shop(2000), Options{BlockSpans: 1024, PageRows: 256})
	d, err := openFile(t, path, nil).Describe()
	if err != nil {
		t.Fatal(err)
	}
	var out strings.Builder
	for _, c := range d.Columns {
		fmt.Fprintf(&out, "%s: plain %d dictionary %d constant %d\n", c.Name, c.Plain, c.Dictionary, c.Constant)
	}
	got := out.String()
	for _, want := range []string{
		"span id: plain 2 dictionary 0 constant 0\n",
		"start: plain 2 dictionary 0 constant 0\n",
		"name: plain 0 dictionary 2 constant 0\n",
		"dropped links: plain 0 dictionary 0 constant 2\n",
		"span.http.request.method (string): plain 0 dictionary 2 constant 0\n",
		"span.session.id (string): plain 2 dictionary 0 constant 0\n",
	} {
		if !strings.Contains(got, want) {
			t.Errorf("no line %q in\n%s", want, got)
		}
	}
}
