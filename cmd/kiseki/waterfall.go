package main

import (
	"bufio"
	"errors"
	"fmt"
	"hash/fnv"
	"io"
	"strings"
	"time"

	"github.com/kiseki-dev/kiseki/internal/terminal"
	"github.com/kiseki-dev/kiseki/telemetry"
)

// traceColumns is a trace in the API's format "columns", as far as a waterfall
// needs it. Spans are parents first, each before its next sibling.
type traceColumns struct {
	TraceID           string
	StartTimeUnixNano uint64 `json:",string"`
	Strings           []string
	Resources         struct{ Service []int }
	Spans             struct {
		ID                                            []string
		Parent, Name, StatusMessage, Resource, Status []int
		Start, Duration                               []uint64
	}
	Stats searchStats
}

// check refuses an answer whose arrays do not fit together.
func (t *traceColumns) check() error {
	n := len(t.Spans.ID)
	inside := func(column []int, length int) bool {
		if len(column) != n {
			return false
		}
		for _, i := range column {
			if i < 0 || i >= length {
				return false
			}
		}
		return true
	}
	s := &t.Spans
	fits := n > 0 && len(s.Parent) == n && len(s.Status) == n && len(s.Start) == n && len(s.Duration) == n &&
		inside(s.Name, len(t.Strings)) && inside(s.StatusMessage, len(t.Strings)) && inside(s.Resource, len(t.Resources.Service))
	for i, p := range s.Parent {
		fits = fits && p < i
	}
	for _, i := range t.Resources.Service {
		fits = fits && i >= 0 && i < len(t.Strings)
	}
	if !fits {
		return errors.New("the arrays of the answer do not fit together")
	}
	return nil
}

func (t *traceColumns) service(i int) string {
	return shown(t.Strings[t.Resources.Service[t.Spans.Resource[i]]])
}
func (t *traceColumns) name(i int) string { return shown(t.Strings[t.Spans.Name[i]]) }
func (t *traceColumns) failed(i int) bool { return t.Spans.Status[i] == int(telemetry.StatusError) }

const (
	// plainColumns is the width where there is no terminal, narrowColumns
	// that below which bars say nothing.
	plainColumns, narrowColumns = 120, 50
	// durationColumns is the width of a duration.
	durationColumns = 8
	// shownErrors is how many errors are told before the spans.
	shownErrors = 5
)

// waterfall draws one trace.
type waterfall struct {
	*traceColumns
	out      *bufio.Writer
	colours  bool
	columns  int
	duration uint64 // of the trace, at least 1 ns
	depth    []int
	matched  map[string]bool // ids of the spans to mark
}

// write draws the trace for the terminal that w is, or for none.
func (t *traceColumns) write(w io.Writer, matched map[string]bool) error {
	screen := terminal.Of(w)
	if screen.Columns == 0 {
		screen.Columns = plainColumns
	}
	return t.draw(w, screen, matched)
}

func (t *traceColumns) draw(w io.Writer, screen terminal.Screen, matched map[string]bool) error {
	f := waterfall{traceColumns: t, out: bufio.NewWriter(w), colours: screen.Colours, columns: screen.Columns, duration: 1, matched: matched}
	f.depth = make([]int, len(t.Spans.ID))
	for i, p := range t.Spans.Parent {
		if p >= 0 {
			f.depth[i] = f.depth[p] + 1
		}
		f.duration = max(f.duration, t.Spans.Start[i]+t.Spans.Duration[i])
	}
	f.head()
	f.errors()
	for i := range t.Spans.ID {
		f.span(i)
	}
	return f.out.Flush()
}

// head says which trace it is.
func (f *waterfall) head() {
	services := map[string]bool{}
	failed := 0
	for i := range f.Spans.ID {
		services[f.service(i)] = true
		if f.failed(i) {
			failed++
		}
	}
	start := time.Unix(int64(f.StartTimeUnixNano/1e9), int64(f.StartTimeUnixNano%1e9))
	fmt.Fprintf(f.out, "%s  %s  %s\n", f.TraceID, start.Format("2006-01-02 15:04:05.000 MST"), shortDuration(f.duration))
	fmt.Fprintf(f.out, "%s in %s, %s\n", counted(len(f.Spans.ID), "span"), counted(len(services), "service"), counted(failed, "error"))
}

func counted(n int, what string) string {
	if n == 1 {
		return "1 " + what
	}
	return fmt.Sprintf("%d %ss", n, what)
}

// errors tells the errors that no error of a child explains, in the order of
// the spans, and how many more there are.
func (f *waterfall) errors() {
	explained := make([]bool, len(f.Spans.ID))
	for i, p := range f.Spans.Parent {
		if p >= 0 && f.failed(i) {
			explained[p] = true
		}
	}
	told, more := 0, 0
	for i := range f.Spans.ID {
		if !f.failed(i) || explained[i] {
			continue
		}
		if told++; told > shownErrors {
			more++
			continue
		}
		text := "! " + f.service(i) + ": " + f.name(i)
		if message := shown(f.Strings[f.Spans.StatusMessage[i]]); message != "" {
			text += ": " + message
		}
		fmt.Fprintln(f.out, f.paint(red, terminal.Clip(text, f.columns)))
	}
	if more > 0 {
		fmt.Fprintf(f.out, "! and %d more\n", more)
	}
	fmt.Fprintln(f.out)
}

// deepest is how far children are moved to the right: below, they say how deep
// they are.
const deepest = 12

// span draws a line: marks, the place in the tree, service and name, the bar
// and the duration.
func (f *waterfall) span(i int) {
	mark := ' '
	if f.matched[f.Spans.ID[i]] {
		mark = '*'
	}
	failed := ' '
	if f.failed(i) {
		failed = '!'
	}
	indent := strings.Repeat("  ", min(f.depth[i], deepest))
	if f.depth[i] > deepest {
		indent += fmt.Sprintf("(%d) ", f.depth[i])
	}
	rest := f.columns - 2 - durationColumns - 2
	label, bar := rest, 0
	if f.columns >= narrowColumns {
		label = rest * 9 / 20
		bar = rest - label - 1
	}
	// The colour begins behind the indent and ends before the spaces.
	text := terminal.Clip(indent+f.service(i)+": "+f.name(i), label)
	space := strings.Repeat(" ", max(label-terminal.Width(text), 0))
	line := f.paint(f.colour(i), text) + space
	if bar > 0 {
		from := float64(f.Spans.Start[i]) / float64(f.duration)
		to := float64(f.Spans.Start[i]+f.Spans.Duration[i]) / float64(f.duration)
		drawn := terminal.Bar(from, to, bar)
		line += " " + f.paint(f.colour(i), drawn) + strings.Repeat(" ", bar-terminal.Width(drawn))
	}
	duration := shortDuration(f.Spans.Duration[i])
	space = strings.Repeat(" ", max(durationColumns-terminal.Width(duration), 0))
	fmt.Fprintf(f.out, "%c%c%s %s%s\n", mark, failed, line, space, duration)
}

// Colours of the terminal, as numbers of its table of 256. Those of services
// can be read on light and dark ground, and none is red.
const red = 160

var serviceColours = []int{33, 35, 67, 71, 97, 99, 101, 104, 133, 136, 142, 172, 30, 64, 61}

// colour is that of the span: red for an error, else its service's.
func (f *waterfall) colour(i int) int {
	if f.failed(i) {
		return red
	}
	h := fnv.New32a()
	_, _ = io.WriteString(h, f.service(i)) // a hash takes everything
	return serviceColours[h.Sum32()%uint32(len(serviceColours))]
}

func (f *waterfall) paint(colour int, text string) string {
	if !f.colours {
		return text
	}
	return fmt.Sprintf("\x1b[38;5;%dm%s\x1b[0m", colour, text)
}
