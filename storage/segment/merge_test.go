package segment

import (
	"bytes"
	"cmp"
	"errors"
	"fmt"
	"maps"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/kiseki-dev/kiseki/storage/vfs"
	"github.com/kiseki-dev/kiseki/telemetry"
	"github.com/kiseki-dev/kiseki/telemetry/telemetrytest"
)

// A choice says how a trace gets into the merged file.
type choice int

const (
	copied  choice = iota // AddFrom
	added                 // AddTrace
	dropped               // not at all
)

// mergeFiles merges the traces of the sources to path.
func mergeFiles(t testing.TB, fs vfs.FS, path string, o Options, sources []*Reader, choose func(Run) choice) Info {
	t.Helper()
	w, err := Create(fs, path, o)
	if err != nil {
		t.Fatal(err)
	}
	if err := mergeAll(w, sources, choose); err != nil {
		t.Fatal(err)
	}
	info, err := w.Finish()
	if err != nil {
		t.Fatal(err)
	}
	return info
}

// merged is mergeFiles to memory.
func merged(t testing.TB, o Options, sources []*Reader, choose func(Run) choice) *Reader {
	t.Helper()
	fs := vfs.NewMem(0)
	mergeFiles(t, fs, "merged", o, sources, choose)
	r, err := Open(fs, "merged", NewCache(4<<20))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { r.Close() })
	return r
}

func mergeAll(w *Writer, sources []*Reader, choose func(Run) choice) error {
	traces := map[telemetry.TraceID][]Piece{}
	for _, r := range sources {
		if err := r.Runs(func(run Run) error {
			traces[run.ID] = append(traces[run.ID], Piece{r, run})
			return nil
		}); err != nil {
			return err
		}
	}
	start := func(pieces []Piece) uint64 {
		return slices.MinFunc(pieces, func(x, y Piece) int { return cmp.Compare(x.Start, y.Start) }).Start
	}
	sorted := slices.SortedFunc(maps.Values(traces), func(x, y []Piece) int {
		return cmp.Or(cmp.Compare(start(x), start(y)), slices.Compare(x[0].ID[:], y[0].ID[:]))
	})
	for _, pieces := range sorted {
		switch choose(pieces[0].Run) {
		case copied:
			if err := w.AddFrom(pieces...); err != nil {
				return err
			}
		case added:
			var b telemetry.Batch
			for _, p := range pieces {
				if err := p.From.Blocks()[p.Block].Spans(p.Lo, p.Hi, &b); err != nil {
					return err
				}
			}
			rows := make([]uint32, len(b.Spans))
			for i := range rows {
				rows[i] = uint32(i)
			}
			if err := w.AddTrace(&b, rows); err != nil {
				return err
			}
		}
	}
	return nil
}

func copyAll(Run) choice { return copied }

// inOrder is all spans as they lie in the file.
func inOrder(t testing.TB, r *Reader) string {
	var w strings.Builder
	b := readAll(t, r)
	for i := range b.Spans {
		w.WriteString(telemetrytest.DumpSpan(b, i))
	}
	return w.String()
}

// content is all bytes of the file.
func content(t testing.TB, r *Reader) []byte {
	out := make([]byte, r.Size())
	if err := r.readAt(out, 0); err != nil {
		t.Fatal(err)
	}
	return out
}

// A mergeCase is what the segments to merge are made of.
type mergeCase struct {
	name    string
	from, o Options // of the inputs, of the output
	inputs  []*telemetry.Batch
}

func mergeCases() []mergeCase {
	medium := Options{BlockSpans: 4000, PageRows: 512}
	all := []mergeCase{{"shop", formed, medium, cutUp(shop(6000), 5)}, {"shop, one segment", medium, small, cutUp(shop(1500), 1)}}
	for seed := range uint64(4) {
		c := mergeCase{fmt.Sprint("random ", seed), small, Options{BlockSpans: 500, PageRows: 128}, nil}
		for i := range 1 + seed {
			c.inputs = append(c.inputs, telemetrytest.Random(seed*10+i, 40+int(seed*150)))
		}
		r := rand.New(rand.NewPCG(seed, 9))
		repeatKeys(c.inputs[0], r)
		all = append(all, c)
	}
	all = append(all,
		mergeCase{"shop in pieces", formed, medium, inPieces(shop(6000), 4)},
		mergeCase{"random in pieces", small, small, inPieces(telemetrytest.Random(5, 700), 3)},
	)
	mixed := mergeCase{"shop and random", formed, medium, cutUp(shop(3000), 3)}
	mixed.inputs = append(mixed.inputs, telemetrytest.Random(77, 900), texts(1000, 40, func(i int) string { return fmt.Sprint("v", i%7) }))
	all = append(all, mixed)
	// A column that is repetitive in one segment and not in another, with
	// empty values and ones with zero bytes, changes its form under way.
	flip := mergeCase{name: "dictionary or not", from: medium, o: medium}
	for i, f := range []func(i int) string{
		func(i int) string { return fmt.Sprint("few ", i%5) },
		func(i int) string { return fmt.Sprint("many ", i) },
		func(i int) string { return strings.Repeat("x", i%3*i) },
		func(i int) string { return fmt.Sprint("zero\x00", i/2) },
	} {
		flip.inputs = append(flip.inputs, texts(2500, 4+i, f))
	}
	return append(all, flip)
}

// cutUp deals the traces of a batch out.
func cutUp(b *telemetry.Batch, parts int) []*telemetry.Batch {
	out := make([]*telemetry.Batch, parts)
	for i := range out {
		out[i] = new(telemetry.Batch)
		*out[i] = *b
		out[i].Spans = nil
	}
	for i, rows := range traceRows(b) {
		for _, row := range rows {
			p := out[i*31%97%parts]
			p.Spans = append(p.Spans, b.Spans[row])
		}
	}
	return out
}

// inPieces deals the spans of a batch out: of some traces all to one part, of
// others to several.
func inPieces(b *telemetry.Batch, parts int) []*telemetry.Batch {
	r := rand.New(rand.NewPCG(3, 4))
	out := cutUp(&telemetry.Batch{}, parts)
	for _, rows := range traceRows(b) {
		first, spread := r.IntN(parts), 1+r.IntN(2)*r.IntN(parts)
		for _, row := range rows {
			p := out[(first+r.IntN(spread))%parts]
			spans := p.Spans
			*p = *b
			p.Spans = append(spans, b.Spans[row])
		}
	}
	return out
}

// texts makes spans with one attribute, in traces of so many.
func texts(n, trace int, value func(i int) string) *telemetry.Batch {
	b := &telemetry.Batch{Resources: make([]telemetry.Resource, 1), Scopes: make([]telemetry.Scope, 1)}
	for i := range n {
		b.Attrs = append(b.Attrs, telemetry.Attr{Key: "text", Value: telemetry.StringValue(value(i))})
		id := i / trace
		b.Spans = append(b.Spans, telemetry.Span{
			TraceID: telemetry.TraceID{byte(trace), byte(id >> 8), byte(id)}, SpanID: telemetry.SpanID{byte(i >> 8), byte(i)},
			Start: 1_790_000_000_000_000_000 + uint64(id)*1e9, Name: "text", Attrs: telemetry.Range{Start: uint32(i), End: uint32(i + 1)},
		})
	}
	return b
}

// TestMergedEqualsWritten: a merged file is the one that a writer makes that
// is given the same spans one by one.
func TestMergedEqualsWritten(t *testing.T) {
	for _, c := range mergeCases() {
		dir := t.TempDir()
		var sources []*Reader
		for i, b := range c.inputs {
			path := filepath.Join(dir, fmt.Sprint("in", i))
			writeFile(t, path, b, c.from)
			sources = append(sources, openFile(t, path, NewCache(1<<20)))
		}
		third := func(other choice) func(Run) choice {
			return func(run Run) choice {
				if run.ID[3]%3 == 0 {
					return other
				}
				return copied
			}
		}
		for name, choose := range map[string]func(Run) choice{
			"all": copyAll, "some added": third(added), "some dropped": third(dropped),
			"few kept": func(run Run) choice { return dropped * choice(min(1, run.ID[2]%16)) },
		} {
			got := merged(t, c.o, sources, choose)
			want := merged(t, c.o, sources, func(run Run) choice { return max(added, choose(run)) })
			if inOrder(t, got) != inOrder(t, want) {
				t.Fatalf("%s, %s: the spans differ", c.name, name)
			}
			if !bytes.Equal(content(t, got), content(t, want)) {
				t.Errorf("%s, %s: the files differ", c.name, name)
			}
			if err := got.Verify(nil); err != nil {
				t.Error(err)
			}
		}
	}
}

// TestMergeIsBounded: what does not fit into one block is written as several.
func TestMergeIsBounded(t *testing.T) {
	if testing.Short() {
		t.Skip("merges much text")
	}
	keys := &telemetry.Batch{Resources: make([]telemetry.Resource, 1), Scopes: make([]telemetry.Scope, 1)}
	for i := range 2 * maxColumns / 4 {
		keys.Attrs = append(keys.Attrs, telemetry.Attr{Key: fmt.Sprint("key ", i), Value: telemetry.IntValue(1)})
	}
	// One trace that has more columns than a block should.
	for i := range 2 * maxColumns {
		keys.Attrs = append(keys.Attrs, telemetry.Attr{Key: fmt.Sprint("another key ", i), Value: telemetry.IntValue(1)})
	}
	for i := range uint32(5) {
		s := telemetry.Span{TraceID: telemetry.TraceID{9, byte(i)}, Start: uint64(i), Attrs: telemetry.Range{Start: i * maxColumns / 8, End: (i + 1) * maxColumns / 8}}
		if i == 4 {
			s.Attrs = telemetry.Range{Start: maxColumns / 2, End: uint32(len(keys.Attrs))}
		}
		keys.Spans = append(keys.Spans, s)
	}
	other := *keys
	other.Spans = slices.Clone(keys.Spans)
	for i := range other.Spans {
		other.Spans[i].TraceID[0], other.Spans[i].Attrs.Start = 8, uint32(i*maxColumns/8)
		other.Spans[i].Attrs.End = other.Spans[i].Attrs.Start + maxColumns/16
	}
	mib := func(i int) string { return fmt.Sprint(i, strings.Repeat("text ", 1<<20/5)) }
	for name, inputs := range map[string][]*telemetry.Batch{
		"columns": {keys, &other},
		"text":    {texts(31, 1, mib), texts(31, 2, mib), texts(31, 3, mib)},
	} {
		dir := t.TempDir()
		var sources []*Reader
		var all []string
		for i, b := range inputs {
			path := filepath.Join(dir, fmt.Sprint("in", i))
			writeFile(t, path, b, Options{})
			sources = append(sources, openFile(t, path, NewCache(16<<20)))
			all = append(all, telemetrytest.Dump(b))
		}
		r := merged(t, Options{}, sources, copyAll)
		if n := len(r.Blocks()); n < 2 || n > 6 {
			t.Errorf("%s: %d blocks", name, n)
		}
		got, want := strings.Split(telemetrytest.Dump(readAll(t, r)), "\nspan "), strings.Split(strings.Join(all, "\n"), "\nspan ")
		for i := range want {
			got[i], want[i] = strings.TrimPrefix(got[i], "span "), strings.TrimPrefix(want[i], "span ")
		}
		slices.Sort(got)
		slices.Sort(want)
		if !slices.Equal(got, want) {
			t.Errorf("%s: the merged file differs from what went in", name)
		}
	}
}

// TestMergeFindsDamage: a merge ends with the damage of an input, whichever
// chunk it needs, rather than with a file.
func TestMergeFindsDamage(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, "in")
	writeFile(t, path, telemetrytest.Random(4, 100), small)
	whole, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	chunks := chunksOf(t, path)
	found := map[string]int{}
	for _, c := range chunks {
		damaged := slices.Clone(whole)
		damaged[c.off+int64(c.size)/2] ^= 4
		if err := os.WriteFile(path, damaged, 0o600); err != nil {
			t.Fatal(err)
		}
		err := mergeOne(path)
		var corrupt *CorruptError
		if err != nil && (!errors.As(err, &corrupt) || corrupt.Path != path) {
			t.Fatalf("chunk at %d: got error %v", c.off, err)
		}
		if err != nil {
			found[corrupt.Section]++
		}
	}
	// Bloom filters and the index are made anew; all else is needed.
	if n := len(slices.Collect(maps.Keys(found))); n < 40 || found["span id"] == 0 || found["event time"] == 0 || found["resources"] == 0 {
		t.Errorf("damage was found in %d chunks: %v", n, found)
	}
}

// mergeOne copies all traces of a file to one in memory.
func mergeOne(from string) error {
	r, err := Open(vfs.OS{}, from, NewCache(1<<20))
	if err != nil {
		return err
	}
	defer r.Close()
	w, err := Create(vfs.NewMem(0), "merged", small)
	if err != nil {
		return err
	}
	if err = mergeAll(w, []*Reader{r}, copyAll); err == nil {
		_, err = w.Finish()
	}
	return errors.Join(err, w.Abort())
}

// BenchmarkMerge merges segments whose times overlap, as compaction does.
func BenchmarkMerge(b *testing.B) {
	batch := shop(1 << 18)
	traces := traceRows(batch)
	const inputs = 16
	dir := b.TempDir()
	var sources []*Reader
	for i := range inputs {
		path := filepath.Join(dir, string(rune('a'+i)))
		w, err := Create(vfs.OS{}, path, Options{})
		if err != nil {
			b.Fatal(err)
		}
		for k := i; k < len(traces); k += inputs {
			if err := w.AddTrace(batch, traces[k]); err != nil {
				b.Fatal(err)
			}
		}
		if _, err := w.Finish(); err != nil {
			b.Fatal(err)
		}
		sources = append(sources, openFile(b, path, NewCache(16<<20)))
	}
	batch, traces = nil, nil
	b.ReportAllocs()
	var info Info
	var took time.Duration
	for b.Loop() {
		before := cpuTime(b)
		info = mergeFiles(b, vfs.OS{}, filepath.Join(dir, "merged"), Options{}, sources, copyAll)
		took += cpuTime(b) - before
	}
	b.ReportMetric(float64(took)/float64(b.N)/float64(info.Spans), "cpu-ns/span")
	b.ReportMetric(float64(info.Bytes)/float64(info.Spans), "bytes/span")
}
