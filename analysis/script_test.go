package analysis_test

import (
	"flag"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/kiseki-dev/kiseki/query/plan"
	"github.com/kiseki-dev/kiseki/query/traceql"
	"github.com/kiseki-dev/kiseki/storage/scan"
	"github.com/kiseki-dev/kiseki/storage/scan/scantest"
	"github.com/kiseki-dev/kiseki/telemetry"
)

var rewrite = flag.Bool("rewrite", false, "write the answers the tests get to testdata")

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// TestScripts runs the scripts of testdata. A script is paragraphs: traces,
//
//	trace 1
//	service name start+duration [kind] [error] [key=value …]
//	  service name start+duration
//
// where a span is indented below its parent, spans are numbered from 1 in each
// trace and times are milliseconds; a key is an attribute of the span,
// "resource." begins one of its resource, "link" is a trace and a span in it
// as 1/3, "traceState" is what it says, "id" is the span's number and "parent" that of one not above it. "gap"
// forgets the spans before. Then questions, each with its answer:
//
//	graph [{ … }] [; [from ms] [to ms]]   the service graph
//	changes ms                            of the graph before a time to that after it
//	paths, around service                 the chains of services
//	critical trace                        the critical path of a trace
//	profile, flame, heat, values field    the other analyses, with queries as graph
//	compare { … } [to { … }]
func TestScripts(t *testing.T) {
	files, err := filepath.Glob("testdata/*.txt")
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
	b := &builder{T: t}
	paragraphs := strings.Split(strings.TrimSpace(text), "\n\n")
	for i, p := range paragraphs {
		var comments []string
		lines := strings.Split(p, "\n")
		for strings.HasPrefix(lines[0], "#") && len(lines) > 1 {
			comments, lines = append(comments, lines[0]), lines[1:]
		}
		word, rest, _ := strings.Cut(lines[0], " ")
		switch {
		case strings.HasPrefix(lines[0], "#"):
		case word == "gap":
			b = &builder{T: t}
		case word == "trace":
			b.trace(b.number(rest), lines[1:])
		case questions[word] != nil:
			paragraphs[i] = strings.Join(append(comments, lines[0], b.everywhere(questions[word], rest)), "\n")
		default:
			t.Fatalf("not a paragraph of a script: %s", p)
		}
	}
	return strings.Join(paragraphs, "\n\n") + "\n"
}

// question is answered from a store.
type question func(t *testing.T, store scan.Store, text string) string

var questions = map[string]question{
	"graph": graphAnswer, "changes": changesAnswer, "paths": pathsAnswer, "around": aroundAnswer, "critical": criticalAnswer,
	"profile": profileAnswer, "flame": flameAnswer, "heat": heatAnswer, "values": valuesAnswer, "compare": compareAnswer,
}

const epoch = 1_790_000_000_000_000_000

// builder makes spans of the lines of a script.
type builder struct {
	*testing.T
	telemetry.Batch
}

func (b *builder) number(s string) uint64 {
	n, err := strconv.ParseUint(s, 10, 64)
	if err != nil {
		b.Fatal(err)
	}
	return n
}

func (b *builder) trace(id uint64, lines []string) {
	var above []uint64 // by depth
	for i, line := range lines {
		depth := (len(line) - len(strings.TrimLeft(line, " "))) / 2
		s := b.span(strings.Fields(line), uint64(i)+1)
		s.TraceID[15] = byte(id)
		if depth > 0 && s.ParentID.IsZero() {
			s.ParentID[7] = byte(above[depth-1])
		}
		above = append(above[:depth], uint64(s.SpanID[7]))
		b.Spans = append(b.Spans, s)
	}
}

func (b *builder) span(f []string, id uint64) telemetry.Span {
	start, duration, _ := strings.Cut(f[2], "+")
	s := telemetry.Span{Name: f[1], Resource: uint32(len(b.Resources)), Scope: 0, Kind: telemetry.KindInternal}
	s.SpanID[7] = byte(id)
	s.Start = epoch + b.number(start)*1_000_000
	s.End = s.Start + b.number(duration)*1_000_000
	resource := []telemetry.Attr{{Key: "service.name", Value: telemetry.StringValue(f[0])}}
	var attrs []telemetry.Attr
	links := uint32(len(b.Links))
	for _, word := range f[3:] {
		key, value, given := strings.Cut(word, "=")
		kind, isKind := telemetry.ParseKind(word)
		switch {
		case isKind:
			s.Kind = kind
		case !given:
			s.Status, _ = telemetry.ParseStatus(word)
		case key == "traceState":
			s.TraceState = value
		case key == "id":
			s.SpanID[7] = byte(b.number(value))
		case key == "parent":
			s.ParentID[7] = byte(b.number(value))
		case key == "link":
			trace, span, _ := strings.Cut(value, "/")
			b.Links = append(b.Links, telemetry.Link{TraceID: telemetry.TraceID{15: byte(b.number(trace))}, SpanID: telemetry.SpanID{7: byte(b.number(span))}})
		case strings.HasPrefix(key, "resource."):
			resource = append(resource, telemetry.Attr{Key: key[len("resource."):], Value: attrValue(value)})
		default:
			attrs = append(attrs, telemetry.Attr{Key: key, Value: attrValue(value)})
		}
	}
	s.Links = telemetry.Range{Start: links, End: uint32(len(b.Links))}
	s.Attrs = b.list(attrs)
	b.Resources = append(b.Resources, telemetry.Resource{Attrs: b.list(resource)})
	if len(b.Scopes) == 0 {
		b.Scopes = []telemetry.Scope{{}}
	}
	return s
}

func (b *builder) list(attrs []telemetry.Attr) telemetry.Range {
	start := uint32(len(b.Attrs))
	b.Attrs = append(b.Attrs, attrs...)
	return telemetry.Range{Start: start, End: uint32(len(b.Attrs))}
}

// attrValue is a bool, int or float if it looks like one, else a string.
func attrValue(s string) telemetry.Value {
	if s == "true" || s == "false" {
		return telemetry.BoolValue(s == "true")
	}
	if n, err := strconv.ParseInt(s, 10, 64); err == nil {
		return telemetry.IntValue(n)
	}
	if x, err := strconv.ParseFloat(s, 64); err == nil {
		return telemetry.DoubleValue(x)
	}
	return telemetry.StringValue(s)
}

// everywhere is the answer to a question, whatever the layout of the spans.
func (b *builder) everywhere(ask question, rest string) string {
	text := ask(b.T, scantest.New(&b.Batch), rest)
	for seed := range uint64(10) {
		r := rand.New(rand.NewPCG(seed, 4))
		if again := ask(b.T, scantest.Split(&b.Batch, r, 1+r.IntN(4), 1+r.IntN(3)), rest); again != text {
			b.Errorf("%s\nin one place\n%s\nin several\n%s", rest, text, again)
		}
	}
	if text == "" {
		return "nothing"
	}
	return text
}

// search reads a query and its options, and takes those that others know.
func search(t *testing.T, text string, others func(option, value string)) *plan.Search {
	t.Helper()
	query, rest, _ := strings.Cut(text, ";")
	p := &plan.Search{End: plan.All}
	options := strings.Fields(rest)
	for ; len(options) > 1; options = options[2:] {
		ms := func() uint64 {
			n, err := strconv.ParseUint(options[1], 10, 64)
			if err != nil {
				t.Fatal(err)
			}
			return epoch + n*1_000_000
		}
		switch options[0] {
		case "from":
			p.Start = ms()
		case "to":
			p.End = ms()
		default:
			others(options[0], options[1])
		}
	}
	if strings.TrimSpace(query) == "" {
		query = "{}"
	}
	q, err := traceql.ParseSearch(query)
	if err != nil {
		t.Fatal(err)
	}
	p.Filter, p.Spans = plan.Pipeline(q.Spans, p.Start > 0 || p.End != plan.All)
	return p
}

// ms is a duration in milliseconds.
func ms(nanos uint64) string {
	return strconv.FormatFloat(time.Duration(nanos).Seconds()*1000, 'g', 4, 64)
}

// at is a time of the script.
func at(t uint64) string { return fmt.Sprint((int64(t) - epoch) / 1_000_000) }
