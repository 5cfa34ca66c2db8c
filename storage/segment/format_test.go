package segment

import (
	"crypto/sha256"
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
		fmt.Sprintf("| trailer | %d |", trailerSize), fmt.Sprintf("%d traces a chunk", indexEntries), fmt.Sprintf("in the file / %d", indexGroup),
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

// TestVersions opens a file of each version as it was first written. The
// files must never change: others like them are on users' disks.
func TestVersions(t *testing.T) {
	for v := minVersion; v <= Version; v++ {
		t.Run(fmt.Sprint(v), func(t *testing.T) { testVersion(t, v) })
	}
}

func testVersion(t *testing.T, version int) {
	path := filepath.Join("testdata", fmt.Sprintf("version%d.seg", version))
	if *rewrite && version == Version {
		b := shop(1100)
		writeFile(t, path, b, Options{PageRows: 512})
		if err := os.WriteFile(path+".sum", []byte(sum(telemetrytest.Dump(b))), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(path + ".sum")
	if err != nil {
		t.Fatal(err)
	}
	r := openFile(t, path, nil)
	if err := r.Verify(nil); err != nil {
		t.Error(err)
	}
	if d, err := r.Describe(); err != nil || d.Version != version {
		t.Errorf("the file is described as of version %d, %v", d.Version, err)
	}
	b := readAll(t, r)
	if got := telemetrytest.Dump(b); sum(got) != string(want) {
		t.Errorf("the spans differ from those that were written; got\n%s", got)
	}
	for _, rows := range traceRows(b) {
		if n := found(t, r, b.Spans[rows[0]].TraceID); n != len(rows) {
			t.Errorf("%d spans of trace %v are found, it has %d", n, b.Spans[rows[0]].TraceID, len(rows))
		}
	}
}

// sum stands for a dump that is too long to keep.
func sum(dump string) string { return fmt.Sprintf("%x", sha256.Sum256([]byte(dump))) }

// TestColumns prints what a small file is made of, so that a change of the
// layout shows in review.
func TestColumns(t *testing.T) {
	path := filepath.Join(t.TempDir(), "s")
	writeFile(t, path, shop(19000), Options{BlockSpans: 10000, PageRows: 256})
	d, err := openFile(t, path, nil).Describe()
	if err != nil {
		t.Fatal(err)
	}
	var out strings.Builder
	for _, c := range d.Columns {
		fmt.Fprintf(&out, "%s: plain %d dictionary %d constant %d templates %d contexts %d\n",
			c.Name, c.Plain, c.Dictionary, c.Constant, c.Templates, c.Contexts)
	}
	got := out.String()
	for _, want := range []string{
		"span id: plain 2 dictionary 0 constant 0 templates 0 contexts 0\n",
		"start: plain 2 dictionary 0 constant 0 templates 0 contexts 2\n",
		"name: plain 0 dictionary 2 constant 0 templates 0 contexts 0\n",
		"dropped links: plain 0 dictionary 0 constant 2 templates 0 contexts 0\n",
		"span.server.address (string): plain 0 dictionary 2 constant 0 templates 0 contexts 2\n",
		"span.user.id (string): plain 0 dictionary 2 constant 0 templates 0 contexts 2\n",
		"resource: plain 2 dictionary 0 constant 0 templates 0 contexts 2\n",
		"span.thread.name (string): plain 0 dictionary 2 constant 0 templates 0 contexts 2\n",
		"span.http.request.header.x-request-id (string): plain 0 dictionary 0 constant 0 templates 2 contexts 0\n",
	} {
		if !strings.Contains(got, want) {
			t.Errorf("no line %q in\n%s", want, got)
		}
	}
}
