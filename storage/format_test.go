package storage

import (
	"bytes"
	"encoding/json"
	"fmt"
	"os"
	"reflect"
	"strings"
	"testing"

	"github.com/kiseki-dev/kiseki/storage/vfs"
)

// formatPage is a section of docs/format.md.
func formatPage(t *testing.T, title string) string {
	t.Helper()
	p, err := os.ReadFile("../docs/format.md")
	if err != nil {
		t.Fatal(err)
	}
	_, section, ok := strings.Cut(string(p), "\n## "+title+"\n")
	if !ok {
		t.Fatalf("there is no section %q", title)
	}
	section, _, _ = strings.Cut(section, "\n## ")
	return section
}

// example is the block of a section that begins with the given text.
func example(t *testing.T, section, begin string) string {
	t.Helper()
	_, rest, ok := strings.Cut(section, "```\n"+begin)
	block, _, end := strings.Cut(rest, "```\n")
	if !ok || !end {
		t.Fatalf("there is no example that begins with %q", begin)
	}
	return begin + block
}

// unsealed is the body of an example of a sealed file, and the file with the
// checksum it should have.
func unsealed(t *testing.T, section, magic string, version uint32) (body string, sealed []byte) {
	t.Helper()
	head := fmt.Sprintf("%s %d crc32c 89abcdef\n", magic, version)
	body = strings.TrimPrefix(example(t, section, head), head)
	return body, seal(magic, version, []byte(body))
}

// strict fails if text is not JSON of the type of to, or has other fields.
func strict(t *testing.T, text string, to any) {
	t.Helper()
	d := json.NewDecoder(strings.NewReader(text))
	d.DisallowUnknownFields()
	if err := d.Decode(to); err != nil {
		t.Errorf("%v\n%s", err, text)
	}
}

// described fails unless every field of a struct is in the text, as code.
func described(t *testing.T, text string, structs ...any) {
	t.Helper()
	for _, x := range structs {
		typ := reflect.TypeOf(x)
		for i := range typ.NumField() {
			name, _, _ := strings.Cut(typ.Field(i).Tag.Get("json"), ",")
			if name != "" && !strings.Contains(text, "`"+name+"`") && !strings.Contains(text, `"`+name+`"`) {
				t.Errorf("%s is not described", name)
			}
		}
	}
}

func TestManifestPage(t *testing.T) {
	page := formatPage(t, "Manifest and folder")
	body, file := unsealed(t, page, manifestMagic, manifestVersion)
	strict(t, body, &manifest{})
	m, err := decodeManifest(file)
	if err != nil || m.LogFrom != 7 || len(m.Segments) != 1 || m.Segments[0].Spans != 110000 || m.Segments[0].Written == 0 {
		t.Errorf("%+v, %v", m, err)
	}
	described(t, page, manifest{}, segmentEntry{}, lostEntry{}, thinning{})
	f := tenantFolder("<data>")
	for _, path := range []string{lockPath("<data>"), f.manifest(), f.manifestCopy(), f.wal(), f.segments(), f.deletions(), f.audit(), f.quarantine()} {
		if !strings.Contains(page, path) {
			t.Errorf("%s is not in the list of files", path)
		}
	}
}

func TestDeletionPage(t *testing.T) {
	page := formatPage(t, "Deletions")
	body, _ := unsealed(t, page, deletionMagic, deletionVersion)
	strict(t, body, &deletionRecord{})
	ids := bytes.Repeat([]byte{1}, 2*16)
	p, err := decodeDeletion(seal(deletionMagic, deletionVersion, append([]byte(body), ids...)))
	if err != nil || p.ID != 4 || len(p.traces) != 2 || len(p.segments) != 2 || p.below != 9 {
		t.Errorf("%+v, %v", p, err)
	}
	described(t, page, deletionRecord{}, auditLine{})

	mem := vfs.NewMem(0)
	f := folder{"/"}
	if err := writeFile(mem, f.audit(), []byte(example(t, page, `{"time":`))); err != nil {
		t.Fatal(err)
	}
	known, torn, err := readAudit(mem, f)
	if d := known[4]; err != nil || torn || d == nil || d.State != DeletionErased || d.Spans != 31 {
		t.Errorf("%+v, %v", d, err)
	}
}

func TestBackupPage(t *testing.T) {
	page := formatPage(t, "Backup")
	body, file := unsealed(t, page, backupMagic, backupVersion)
	strict(t, body, &backup{})
	b, err := decodeBackup(file)
	if err != nil || b.LogFrom != 8 || len(b.Segments) != 1 || len(b.Deletions) != 1 {
		t.Fatalf("%+v, %v", b, err)
	}
	if p, err := b.Deletions[0].pending(); err != nil || len(p.traces) != 1 || p.traces[0][15] != 15 {
		t.Errorf("%+v, %v", p, err)
	}
	described(t, page, backup{}, backupEntry{}, backupDeletion{})
	if kib := fmt.Sprintf("last %d KiB", fingerprintBytes>>10); !strings.Contains(page, kib) {
		t.Errorf("it does not say %q", kib)
	}
}
