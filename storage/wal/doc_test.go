package wal

import (
	"fmt"
	"os"
	"strings"
	"testing"
)

// TestFormatPage holds docs/format.md to the constants of this package.
func TestFormatPage(t *testing.T) {
	p, err := os.ReadFile("../../docs/format.md")
	if err != nil {
		t.Fatal(err)
	}
	_, page, _ := strings.Cut(string(p), "\n## WAL\n")
	page, _, _ = strings.Cut(page, "\n## ")
	var mark []string
	for _, b := range recordMarker {
		mark = append(mark, fmt.Sprintf("%02x", b))
	}
	for _, want := range []string{
		fmt.Sprintf("version %d, is a header of %d bytes", Version, headerSize),
		fmt.Sprintf("| magic | %d | `%s` |", len(magic), magic),
		fmt.Sprintf("| version | 4 | %d |", Version),
		fmt.Sprintf("CRC-32C of the header's other %d bytes", headerSize-4),
		fmt.Sprintf("`%s`", strings.Join(mark, " ")),
		fmt.Sprintf("at most %d MiB", MaxRecord>>20),
	} {
		if !strings.Contains(page, want) {
			t.Errorf("docs/format.md does not say %q", want)
		}
	}
	header := appendHeader(nil, 7, Position{Seq: 6, End: 99})
	if len(header) != headerSize {
		t.Errorf("a header has %d bytes", len(header))
	}
	if seq, prev, err := parseHeader(header); err != nil || seq != 7 || prev != (Position{Seq: 6, End: 99}) {
		t.Errorf("header came back as %d, %+v, %v", seq, prev, err)
	}
	header[8]++
	if _, _, err := parseHeader(header); err == nil {
		t.Error("a flipped version passed")
	}
}
