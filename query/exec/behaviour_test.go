package exec_test

import (
	"flag"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"github.com/kiseki-dev/kiseki/query/exec"
	"github.com/kiseki-dev/kiseki/query/plan"
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
// with hexadecimal ids, times in milliseconds, keys such as span.a,
// resource.a, event:name, statusMessage or traceState, and arrays as [1,a]; then any
// number of
//
//	query { … } [; [limit n] [from ms] [to ms]]
//	the answer, one trace a line
//
// Below the trace come the spansets of a query that is more than a filter, one
// a line: what is told of it, and its spans. Likewise
//
//	metrics { … } | … [; [from ms] [to ms] [step ms] [exemplars n]]
//	the series, one a line
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
	var b *telemetry.Batch
	paragraphs := strings.Split(strings.TrimSpace(text), "\n\n")
	for i, p := range paragraphs {
		var comments []string
		lines := strings.Split(p, "\n")
		for strings.HasPrefix(lines[0], "#") && len(lines) > 1 {
			comments, lines = append(comments, lines[0]), lines[1:]
		}
		switch head := lines[0]; {
		case head == "spans":
			b = &telemetry.Batch{}
			for _, line := range lines[1:] {
				addSpan(t, b, line)
			}
		case strings.HasPrefix(head, "query "):
			paragraphs[i] = strings.Join(append(comments, head, answer(t, b, strings.TrimPrefix(head, "query "))), "\n")
		case strings.HasPrefix(head, "metrics "):
			paragraphs[i] = strings.Join(append(comments, head, metricsAnswer(t, b, strings.TrimPrefix(head, "metrics "))), "\n")
		case !strings.HasPrefix(head, "#"):
			t.Fatalf("not a paragraph of a script: %s", p)
		}
	}
	return strings.Join(paragraphs, "\n\n") + "\n"
}

const epoch = 1_790_000_000_000_000_000

func addSpan(t *testing.T, b *telemetry.Batch, line string) {
	f := strings.Fields(line)
	ids, parent, _ := strings.Cut(f[0], "<")
	trace, id, _ := strings.Cut(ids, "/")
	start, duration, _ := strings.Cut(f[3], "+")
	s := telemetry.Span{Name: f[2], Resource: uint32(len(b.Resources)), Scope: uint32(len(b.Scopes))}
	s.TraceID[15], s.SpanID[7], s.ParentID[7] = byte(number(t, trace, 16)), byte(number(t, id, 16)), byte(number(t, "0"+parent, 16))
	s.Start = epoch + number(t, start, 10)*1_000_000
	s.End = s.Start + number(t, duration, 10)*1_000_000
	s.Kind, _ = telemetry.ParseKind(f[4])
	s.Status, _ = telemetry.ParseStatus(f[5])
	lists := map[string][]telemetry.Attr{"resource": {{Key: "service.name", Value: telemetry.StringValue(f[1])}}}
	first := uint32(len(b.Events))
	for _, kv := range f[6:] {
		key, value, _ := strings.Cut(kv, "=")
		scope, name, _ := strings.Cut(key, ".")
		switch key {
		case "event:name":
			b.Events = append(b.Events, telemetry.Event{Name: value})
		case "statusMessage":
			s.StatusMessage = value
		case "traceState":
			s.TraceState = value
		default:
			lists[scope] = append(lists[scope], telemetry.Attr{Key: name, Value: attrValue(value)})
		}
	}
	add := func(scope string) telemetry.Range {
		start := uint32(len(b.Attrs))
		b.Attrs = append(b.Attrs, lists[scope]...)
		return telemetry.Range{Start: start, End: uint32(len(b.Attrs))}
	}
	s.Events = telemetry.Range{Start: first, End: uint32(len(b.Events))}
	if s.Events.Len() > 0 { // event attributes belong to the last event
		b.Events[s.Events.End-1].Attrs = add("event")
	}
	s.Attrs = add("span")
	b.Resources = append(b.Resources, telemetry.Resource{Attrs: add("resource")})
	b.Scopes = append(b.Scopes, telemetry.Scope{Attrs: add("instrumentation")})
	b.Spans = append(b.Spans, s)
}

func number(t *testing.T, s string, base int) uint64 {
	n, err := strconv.ParseUint(s, base, 64)
	if err != nil {
		t.Fatal(err)
	}
	return n
}

// attrValue is a bool, int or float if it looks like one, else a string.
func attrValue(s string) telemetry.Value {
	if list, ok := strings.CutPrefix(s, "["); ok {
		var enc []byte
		for e := range strings.SplitSeq(strings.TrimSuffix(list, "]"), ",") {
			enc = telemetry.AppendElement(enc, attrValue(e))
		}
		return telemetry.ArrayValue(string(enc))
	}
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

// answer is what a query finds, whatever the layout of the spans.
func answer(t *testing.T, b *telemetry.Batch, query string) string {
	query, rest, _ := strings.Cut(query, " ; ")
	p := plan.Search{End: plan.All, Limit: 100}
	options := strings.Fields(rest)
	for ; len(options) > 1; options = options[2:] {
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
		return "error: " + err.Error()
	}
	p.Filter, p.Spans = plan.Pipeline(q.Spans, p.Start > 0 || p.End != plan.All)
	if p.Spans != nil {
		p.SetSpans, p.Fields = 100, q.Selected()
	}
	text := found(t, scantest.New(b), &p)
	for seed := range uint64(10) {
		r := rand.New(rand.NewPCG(seed, 4))
		if again := found(t, scantest.Split(b, r, 1+r.IntN(4), 1+r.IntN(3)), &p); again != text {
			t.Errorf("%s\nin one place %s\nin several   %s", query, text, again)
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
