package grafana

import (
	"bytes"
	"cmp"
	"encoding/json"
	"flag"
	"fmt"
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"
)

var rewrite = flag.Bool("rewrite", false, "write testdata anew")

// What differs from run to run: the time at which it was asked, or the start of
// that hour, in milliseconds with the nanoseconds beyond them; and in how many
// blocks the spans lie.
var (
	clock  = regexp.MustCompile(`\b\d{13}\b( \+ \d+ ns)?`)
	nanos  = regexp.MustCompile(`"nanos":\[\[\d+\],null\],`)
	blocks = regexp.MustCompile(`("(?:completed|total)(?:Blocks|Jobs)":)\d+`)
)

// script is the answers to a list of questions.
type script struct{ strings.Builder }

func (s *script) add(question, answer string) {
	answer = strings.ReplaceAll(answer, seconds, "BASE")
	answer = clock.ReplaceAllString(answer, "CLOCK")
	answer = blocks.ReplaceAllString(nanos.ReplaceAllString(answer, ""), "${1}N")
	fmt.Fprintf(s, "== %s\n%s\n", question, strings.ReplaceAll(answer, " \n", "\n"))
}

// check compares the script with a file.
func (s *script) check(t *testing.T, file string) {
	t.Helper()
	got := s.String()
	if *rewrite {
		if err := os.WriteFile(file, []byte(got), 0o644); err != nil {
			t.Fatal(err)
		}
		return
	}
	want, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	gotLines, wantLines := strings.Split(got, "\n"), strings.Split(string(want), "\n")
	for i := range max(len(gotLines), len(wantLines)) {
		var g, w string
		if i < len(gotLines) {
			g = gotLines[i]
		}
		if i < len(wantLines) {
			w = wantLines[i]
		}
		if g != w {
			t.Fatalf("%s:%d: (with -rewrite, git diff shows all)\ngot:  %s\nwant: %s", file, i+1, g, w)
		}
	}
}

// frame is a table of Grafana's, as JSON.
type frame struct {
	Schema struct {
		Name string
		Meta struct {
			PreferredVisualisationType string
		}
		Fields []struct {
			Name   string
			Labels map[string]string
		}
	}
	Data struct {
		Values [][]json.RawMessage
		Nanos  [][]int64 // what a time has beyond its milliseconds
	}
}

// printFrame is the text of a frame: a line for every field of every row.
func printFrame(t *testing.T, text []byte) string {
	t.Helper()
	var f frame
	if err := json.Unmarshal(text, &f); err != nil {
		t.Fatalf("%s: %v", text, err)
	}
	var b strings.Builder
	fmt.Fprintf(&b, "frame %s", f.Schema.Name)
	if as := f.Schema.Meta.PreferredVisualisationType; as != "" {
		fmt.Fprintf(&b, ", shown as %s", as)
	}
	b.WriteString("\n")
	for row := range rows(&f) {
		fmt.Fprintf(&b, " row %d\n", row+1)
		for i, field := range f.Schema.Fields {
			fmt.Fprintf(&b, "  %s", field.Name)
			if len(field.Labels) > 0 {
				labels, _ := json.Marshal(field.Labels)
				fmt.Fprintf(&b, " %s", labels)
			}
			fmt.Fprintf(&b, ": %s", pretty(t, f.Data.Values[i][row]))
			if i < len(f.Data.Nanos) && row < len(f.Data.Nanos[i]) {
				fmt.Fprintf(&b, " + %d ns", f.Data.Nanos[i][row])
			}
			b.WriteString("\n")
		}
	}
	return b.String()
}

func rows(f *frame) int {
	if len(f.Data.Values) == 0 {
		return 0
	}
	return len(f.Data.Values[0])
}

// pretty writes JSON with the keys of objects in order and a line for each
// element of a list of objects, which it orders by key where a plugin does not.
func pretty(t *testing.T, text []byte) string {
	t.Helper()
	d := json.NewDecoder(bytes.NewReader(text))
	d.UseNumber()
	var v any
	if err := d.Decode(&v); err != nil {
		return string(text)
	}
	list, ok := v.([]any)
	if !ok || !slices.ContainsFunc(list, func(v any) bool { _, ok := v.(map[string]any); return ok }) {
		return compact(t, v)
	}
	slices.SortStableFunc(list, func(a, b any) int { return cmp.Compare(keyOf(a), keyOf(b)) })
	var b strings.Builder
	for _, v := range list {
		b.WriteString("\n   " + compact(t, v))
	}
	return b.String()
}

// keyOf is the key of one of a list's attributes.
func keyOf(v any) string {
	m, _ := v.(map[string]any)
	key, _ := m["key"].(string)
	return key
}

func compact(t *testing.T, v any) string {
	t.Helper()
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	if err := e.Encode(v); err != nil {
		t.Fatal(err)
	}
	return strings.TrimSpace(b.String())
}
