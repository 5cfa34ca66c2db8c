package exec_test

import (
	"cmp"
	"errors"
	"flag"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/kiseki-dev/kiseki/query/exec"
	"github.com/kiseki-dev/kiseki/query/plan"
	"github.com/kiseki-dev/kiseki/query/querytest"
	"github.com/kiseki-dev/kiseki/query/traceql"
	"github.com/kiseki-dev/kiseki/storage/scan"
	"github.com/kiseki-dev/kiseki/storage/scan/scantest"
	"github.com/kiseki-dev/kiseki/telemetry"
	"github.com/kiseki-dev/kiseki/telemetry/telemetrytest"
)

var rewrite = flag.Bool("rewrite", false, "write the answers the tests get to ../testdata")

// TestBehaviour runs the scripts of query/testdata. A script is paragraphs:
//
//	spans
//	trace/span[<parent] service name start+duration kind status [key=value …]
//
// with hexadecimal ids, times in milliseconds and arrays as [1,a]; double
// quotes hold spaces together. Keys are attributes such as span.a or
// resource.a (5 is an int, '5' a string), statusMessage, traceState, instrumentation:name and :version.
// event:name begins an event and link:traceID a link: event:timeSinceStart,
// link:spanID and attributes such as event.a are of the one before them. Then
// any number of
//
//	find { … } [; [limit n] [from ms] [to ms]]
//	the spans of the answer, by trace; spansets apart by bars
//
//	query { … } [; [limit n] [from ms] [to ms]]
//	the answer, one trace a line
//
// Below the trace come the spansets of a query that is more than a filter, one
// a line: what is told of it, and its spans. Likewise
//
//	metrics { … } | … [; [from ms] [to ms] [step ms] [exemplars n]]
//	the series, one a line
//
// The answer to a query that does not parse points at the place.
func TestBehaviour(t *testing.T) {
	files, err := filepath.Glob("../testdata/*.txt")
	if err != nil || len(files) == 0 {
		t.Fatalf("no scripts: %v", err)
	}
	for _, file := range files {
		t.Run(filepath.Base(file), func(t *testing.T) {
			text, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			got := runScript(t, string(text))
			if *rewrite {
				if err := os.WriteFile(file, []byte(got), 0o644); err != nil {
					t.Fatal(err)
				}
			} else if got != string(text) {
				t.Errorf("got\n%s", got)
			}
		})
	}
}

// runScript is the script with the answers it should have.
func runScript(t *testing.T, text string) string {
	b := &telemetry.Batch{}
	answers := map[string]func(t *testing.T, b *telemetry.Batch, query string) string{"find": spansFound, "query": answer, "metrics": metricsAnswer}
	paragraphs := strings.Split(strings.TrimSpace(text), "\n\n")
	for i, p := range paragraphs {
		var comments []string
		lines := strings.Split(p, "\n")
		for strings.HasPrefix(lines[0], "#") && len(lines) > 1 {
			comments, lines = append(comments, lines[0]), lines[1:]
		}
		word, query, _ := strings.Cut(lines[0], " ")
		switch {
		case lines[0] == "spans":
			b = &telemetry.Batch{}
			for _, line := range lines[1:] {
				addSpan(t, b, line)
			}
		case answers[word] != nil:
			got, mark := answers[word](t, b, query), ""
			if strings.HasPrefix(got, "^") { // below the place it is about
				var at int
				at, got = pointed(t, got)
				mark = strings.Repeat(" ", utf8.RuneCountInString(lines[0][:len(word)+1+at])) + "^ "
			}
			paragraphs[i] = strings.Join(append(comments, lines[0], mark+got), "\n")
		case !strings.HasPrefix(lines[0], "#"):
			t.Fatalf("not a paragraph of a script: %s", p)
		}
	}
	return strings.Join(paragraphs, "\n\n") + "\n"
}

// problem is an error of the parser as "^place message".
func problem(t *testing.T, err error) string {
	var e *traceql.Error
	if !errors.As(err, &e) {
		t.Fatal(err)
	}
	return fmt.Sprintf("^%d %s; expected %s", e.Pos, e.Message, e.Expected)
}

func pointed(t *testing.T, text string) (at int, message string) {
	place, message, _ := strings.Cut(text[1:], " ")
	return int(number(t, place, 10)), message
}

// asked is a line of a script after its first word: a search with options.
func asked(t *testing.T, line string) (*plan.Search, *traceql.Query, error) {
	query, rest, _ := strings.Cut(line, " ; ")
	p := &plan.Search{End: plan.All, Limit: 100}
	for options := strings.Fields(rest); len(options) > 1; options = options[2:] {
		n := number(t, options[1], 10)
		switch options[0] {
		case "limit":
			p.Limit = int(n)
		case "from":
			p.Start = epoch + n*1_000_000
		case "to":
			p.End = epoch + n*1_000_000
		}
	}
	q, err := traceql.ParseSearch(query)
	if err != nil {
		return nil, nil, err
	}
	p.Filter, p.Spans = plan.Pipeline(q.Spans, p.Start > 0 || p.End != plan.All)
	p.Fields = q.Selected()
	return p, q, nil
}

// answer is what a query finds, told trace by trace.
func answer(t *testing.T, b *telemetry.Batch, line string) string {
	p, q, err := asked(t, line)
	if err != nil {
		return problem(t, err)
	}
	if p.Spans != nil || p.Fields != nil {
		p.SetSpans = 100
	}
	return everywhere(t, b, p, q, found)
}

// spansFound is what a query finds in a line, such as "b 1 2 3, a 1 | 2".
func spansFound(t *testing.T, b *telemetry.Batch, line string) string {
	p, q, err := asked(t, line)
	if err != nil {
		return problem(t, err)
	}
	p.SetSpans = 100
	return everywhere(t, b, p, q, func(t *testing.T, store scan.Store, p *plan.Search) string {
		res, err := exec.Search(t.Context(), store.Snapshot(), p, exec.DefaultLimits)
		if err != nil || !res.Stats.Complete {
			t.Fatalf("%s: %v, %+v", line, err, res)
		}
		var traces []string
		for _, s := range res.Traces {
			var sets []string
			for _, set := range s.Sets {
				var ids []string
				for _, span := range set.Spans {
					ids = append(ids, fmt.Sprintf("%x", span.ID[7]))
				}
				sets = append(sets, strings.Join(ids, " "))
			}
			traces = append(traces, fmt.Sprintf("%x %s", s.ID[15], strings.Join(sets, " | ")))
		}
		return cmp.Or(strings.Join(traces, ", "), "nothing")
	})
}

// everywhere is tell's text, whatever the layout of the spans. The reference
// must agree, unless there are spans that it cannot order.
func everywhere(t *testing.T, b *telemetry.Batch, p *plan.Search, q *traceql.Query, tell func(*testing.T, scan.Store, *plan.Search) string) string {
	text := tell(t, scantest.New(b), p)
	for seed := range uint64(10) {
		r := rand.New(rand.NewPCG(seed, 4))
		if again := tell(t, scantest.Split(b, r, 1+r.IntN(4), 1+r.IntN(3)), p); again != text {
			t.Errorf("%s\nin one place %s\nin several   %s", q, text, again)
		}
	}
	if ref := querytest.New(b); ref.Ordered() {
		if err := ref.Check(t.Context(), scantest.New(b), querytest.Question{Query: q, Start: p.Start, End: p.End, SetSpans: 100}, 100); err != nil {
			t.Error(err)
		}
	}
	return text
}

func found(t *testing.T, store scan.Store, p *plan.Search) string {
	res, err := exec.Search(t.Context(), store.Snapshot(), p, exec.DefaultLimits)
	if err != nil {
		t.Fatal(err)
	}
	var lines []string
	for _, s := range res.Traces {
		line := fmt.Sprintf("%x at %d for %d: %s %s", s.ID[15], (s.Start-epoch)/1_000_000, s.Duration/1_000_000, s.RootService, s.RootName)
		if s.RootMissing {
			line += " (root missing)"
		}
		line += fmt.Sprintf(", %d of %d spans, %d errors,", s.Matched, s.Spans, s.Errors)
		for _, c := range s.Services {
			line += fmt.Sprintf(" %s=%d/%d", c.Name, c.Errors, c.Spans)
		}
		lines = append(lines, line)
		for _, set := range s.Sets {
			lines = append(lines, "  "+spansetLine(&set, p.Fields))
		}
	}
	if res.Next != nil {
		lines = append(lines, "and more")
	}
	if lines == nil {
		return "nothing"
	}
	return strings.Join(lines, "\n")
}

func spansetLine(set *exec.SpanSet, fields []traceql.Field) string {
	var parts []string
	for _, x := range set.Traits {
		parts = append(parts, x.Name+"="+groupText(exec.GroupValue{Present: x.Present, Value: x.Value}))
	}
	for _, span := range set.Spans {
		text := fmt.Sprintf("%x", span.ID[7])
		for i, f := range fields {
			text += fmt.Sprintf(" %s=%s", f, groupText(span.Values[i]))
		}
		parts = append(parts, text)
	}
	return strings.Join(parts, ", ")
}

func groupText(v exec.GroupValue) string {
	if !v.Present {
		return "nil"
	}
	return telemetrytest.DumpValue(v.Value)
}
