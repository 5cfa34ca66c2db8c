package segment

import (
	"fmt"
	"path/filepath"
	"strings"
	"testing"

	"github.com/kiseki-dev/kiseki/storage/scan"
	"github.com/kiseki-dev/kiseki/telemetry"
	"github.com/kiseki-dev/kiseki/telemetry/telemetrytest"
)

// tree makes a trace of "id parent start" lines; parent 0 is none.
func tree(text string) *telemetry.Batch {
	b := &telemetry.Batch{Resources: make([]telemetry.Resource, 1), Scopes: make([]telemetry.Scope, 1)}
	for line := range strings.Lines(text) {
		s := telemetry.Span{TraceID: telemetry.TraceID{1}}
		var id, parent byte
		if n, _ := fmt.Sscan(line, &id, &parent, &s.Start); n != 3 {
			continue
		}
		s.SpanID[7], s.ParentID[7] = id, parent
		s.End = s.Start + 1
		b.Spans = append(b.Spans, s)
	}
	return b
}

func TestOrder(t *testing.T) {
	for _, test := range []struct{ name, spans, want string }{
		{"siblings by start, depth first", "3 1 30\n4 2 25\n2 1 20\n1 0 10\n5 3 40", "1/0 2/1 4/2 3/1 5/3"},
		{"several roots", "2 0 20\n1 0 10\n4 2 21\n3 1 30", "1/0 3/1 2/0 4/2"},
		{"parent elsewhere", "2 9 10\n3 2 20", "2/9 3/2"},
		{"own parent", "1 1 10\n2 1 20", "1/1 2/1"},
		{"cycle", "1 2 10\n2 1 20\n3 1 30\n4 0 40", "4/0 1/2 2/1 3/1"},
		{"id twice", "1 0 10\n1 0 20\n2 1 30", "1/0 2/1 1/0"},
		{"child before its parent in time", "2 1 5\n1 0 10", "1/0 2/1"},
	} {
		t.Run(test.name, func(t *testing.T) {
			b := tree(test.spans)
			path := filepath.Join(t.TempDir(), "s")
			writeFile(t, path, b, small)
			got := readAll(t, openFile(t, path, nil))
			var order []string
			for i := range got.Spans {
				order = append(order, fmt.Sprintf("%d/%d", got.Spans[i].SpanID[7], got.Spans[i].ParentID[7]))
			}
			if s := strings.Join(order, " "); s != test.want {
				t.Errorf("got  %s\nwant %s", s, test.want)
			}
		})
	}
}

// TestLargeTrace writes a trace that is larger than a block, as a chain whose
// parents lie in other pages, after one that is not.
func TestLargeTrace(t *testing.T) {
	b := tree("9 0 1")
	b.Spans[0].TraceID = telemetry.TraceID{2}
	for i := range 1000 {
		s := telemetry.Span{TraceID: telemetry.TraceID{1}, Start: uint64(100 + i)}
		s.SpanID = telemetry.SpanID{1, byte(i >> 8), byte(i)}
		if p := i - 150; p >= 0 {
			s.ParentID = telemetry.SpanID{1, byte(p >> 8), byte(p)}
		}
		b.Spans = append(b.Spans, s)
	}
	path := filepath.Join(t.TempDir(), "s")
	writeFile(t, path, b, small)
	r := openFile(t, path, nil)
	if n := len(r.Blocks()); n != 2 || r.Blocks()[1].Len() != 1000 {
		t.Errorf("%d blocks, the second of %d spans", n, r.Blocks()[1].Len())
	}
	if telemetrytest.Dump(readAll(t, r)) != telemetrytest.Dump(b) {
		t.Error("the spans came back changed")
	}
}

// TestManyKeys writes more attribute keys than a builder keeps.
func TestManyKeys(t *testing.T) {
	b := &telemetry.Batch{Resources: make([]telemetry.Resource, 1), Scopes: make([]telemetry.Scope, 1)}
	for i := range 3 * maxColumns / 10 {
		s := telemetry.Span{TraceID: telemetry.TraceID{byte(i >> 8), byte(i)}, SpanID: telemetry.SpanID{1}, Start: uint64(i)}
		s.Attrs.Start = uint32(len(b.Attrs))
		for k := range 10 {
			b.Attrs = append(b.Attrs, telemetry.Attr{Key: fmt.Sprint("key ", i, k), Value: telemetry.IntValue(int64(k))})
		}
		s.Attrs.End = uint32(len(b.Attrs))
		b.Spans = append(b.Spans, s)
	}
	path := filepath.Join(t.TempDir(), "s")
	writeFile(t, path, b, Options{})
	r := openFile(t, path, nil)
	if n := len(r.Blocks()); n < 3 {
		t.Errorf("%d blocks", n)
	}
	if telemetrytest.Dump(readAll(t, r)) != telemetrytest.Dump(b) {
		t.Error("the spans came back changed")
	}
}

// TestParents: parents are told as rows where they are rows before.
func TestParents(t *testing.T) {
	for _, test := range []struct{ name, spans, want string }{
		{"siblings", "3 1 30\n4 2 25\n2 1 20\n1 0 10\n5 3 40", "[0 1 1 3 1]"},
		{"parent elsewhere", "2 9 10\n3 2 20", "[elsewhere 1]"},
		{"own parent", "1 1 10\n2 1 20", "[elsewhere 1]"},
		{"cycle", "1 2 10\n2 1 20\n3 1 30\n4 0 40", "[0 elsewhere 1 2]"},
		{"id twice", "1 0 10\n1 0 20\n2 1 30", "[0 1 0]"},
	} {
		t.Run(test.name, func(t *testing.T) {
			path := filepath.Join(t.TempDir(), "s")
			writeFile(t, path, tree(test.spans), small)
			b := openFile(t, path, nil).Blocks()[0]
			parents, err := b.(scan.Lineage).Parents(0, b.Len(), nil)
			if err != nil {
				t.Fatal(err)
			}
			if got := strings.ReplaceAll(fmt.Sprint(parents), fmt.Sprint(uint32(scan.ParentElsewhere)), "elsewhere"); got != test.want {
				t.Errorf("got %s, want %s", got, test.want)
			}
		})
	}
}

// TestParentsAcrossPages asks for runs of rows of a chain.
func TestParentsAcrossPages(t *testing.T) {
	b := tree("1 0 1")
	for i := range 200 {
		s := b.Spans[0]
		s.ParentID, s.SpanID = b.Spans[i].SpanID, telemetry.SpanID{5: 1, 6: byte(i >> 8), 7: byte(i)}
		s.Start = uint64(i + 2)
		b.Spans = append(b.Spans, s)
	}
	path := filepath.Join(t.TempDir(), "s")
	writeFile(t, path, b, small)
	block := openFile(t, path, nil).Blocks()[0]
	var parents []uint32
	for lo := 0; lo < block.Len(); lo += 50 {
		hi := min(lo+90, block.Len())
		var err error
		if parents, err = block.(scan.Lineage).Parents(lo, hi, parents); err != nil {
			t.Fatal(err)
		}
		for i, back := range parents {
			if want := uint32(min(lo+i, 1)); len(parents) != hi-lo || back != want {
				t.Fatalf("row %d of %d to %d: %d, want %d", lo+i, lo, hi, back, want)
			}
		}
	}
}
