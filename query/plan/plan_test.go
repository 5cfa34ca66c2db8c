package plan_test

import (
	"strings"
	"testing"

	"github.com/kiseki-dev/kiseki/query/plan"
	"github.com/kiseki-dev/kiseki/query/traceql"
	"github.com/kiseki-dev/kiseki/telemetry"
)

func filter(t *testing.T, text string) plan.Node {
	t.Helper()
	q, err := traceql.ParseFilter(text)
	if err != nil {
		t.Fatal(err)
	}
	return plan.Filter(q)
}

// indented drops the margin of a raw string.
func indented(s string) string {
	return strings.ReplaceAll(strings.TrimPrefix(s, "\n"), "\n\t\t\t", "\n")[3:]
}

func TestFilter(t *testing.T) {
	for _, c := range []struct{ name, in, want string }{
		{"everything", `{}`, `
			every span
			`},
		{"constants fold", `{ (true && .a = 1) || !true }`, `
			.a = 1
			`},
		{"a constant decides", `{ .a = 1 && (false && .b = 2) }`, `
			no span
			`},
		{"cheapest first, chains flat", `{ event:name = "x" && (span.url =~ "a.*" && duration > 1s) && resource.r = 1 && trace:id = "1" && name = "n" }`, `
			all of
			  trace:id = "1"
			  resource.r = 1
			  name = "n"
			  duration > 1s
			  span.url =~ "a.*"
			  event:name = "x"
			`},
		{"negation goes to the leaves and stays a complement", `{ !(.a = 1 && (.b != 2 || !(.c =~ "x"))) }`, `
			one of
			  not
			    .a = 1
			  all of
			    not
			      .b != 2
			    .c =~ "x"
			`},
		{"absent is not present", `{ .a = nil || !(.b = nil) || event:name = nil }`, `
			one of
			  not
			    .a != nil
			  .b != nil
			  not
			    event:name != nil
			`},
		{"nil of what every span has", `{ statusMessage != nil || span:parentID = nil }`, `
			one of
			  span:parentID = nil
			  not
			    statusMessage = nil
			`},
	} {
		if got := plan.Explain(filter(t, c.in)); got != indented(c.want) {
			t.Errorf("%s\ngot\n%swant\n%s", c.name, got, indented(c.want))
		}
	}
}

func TestTraceLeaves(t *testing.T) {
	n := filter(t, `{ (traceDuration > 1s || .a = 1) && !(rootName = "x" && .b = 2) }`)
	if !plan.HasTraceLeaves(n) || plan.HasTraceLeaves(filter(t, `{ duration > 1s }`)) {
		t.Error("HasTraceLeaves is wrong")
	}
	if got, want := plan.Explain(plan.Relax(n)), "every span\n"; got != want {
		t.Errorf("relaxed: got %s", got)
	}
	slow := func(l *plan.TraceLeaf) bool { return l.Field == traceql.TraceDuration }
	if got, want := plan.Explain(plan.Bind(n, slow)), "every span\n"; got != want {
		t.Errorf("slow trace: got %s", got)
	}
	named := func(l *plan.TraceLeaf) bool { return l.Field == traceql.TraceRootName }
	if got, want := plan.Explain(plan.Bind(n, named)), "all of\n  .a = 1\n  not\n    .b = 2\n"; got != want {
		t.Errorf("named trace: got %s", got)
	}
}

func TestExplainSearch(t *testing.T) {
	s := plan.Search{
		Filter: filter(t, `{ .a }`), Start: 1_790_000_000_000_000_000, End: plan.All, Limit: 20,
		After: &plan.Cursor{Start: 1_790_000_000_500_000_000, ID: telemetry.TraceID{15: 1}},
	}
	want := `newest traces, limit 20
  after 2026-09-21T14:13:20.5Z 00000000000000000000000000000001
  from 2026-09-21T14:13:20Z
  .a = true
`
	if got := s.Explain(); got != want {
		t.Errorf("got\n%s", got)
	}
}

func TestNeeded(t *testing.T) {
	for in, want := range map[string]string{
		`{ .a = 1 } >> { .b = 2 }`:                               ".a = 1; .b = 2",
		`{ .a = 1 }`:                                             "",
		`{ .a = 1 } >> ({ .b = 2 } && { .c = 3 })`:               ".a = 1; .b = 2; .c = 3",
		`{ .a = 1 } &>> { .b = 2 }`:                              ".a = 1; .b = 2",
		`{ .a = 1 } !>> { .b = 2 }`:                              ".b = 2",
		`{ .a = 1 } || { .b = 2 }`:                               "",
		`{} > { .b = 2 && traceDuration > 1s }`:                  ".b = 2",
		`{ .a = 1 } | { .b = 2 } | count() > 3`:                  ".a = 1",
		`{ rootServiceName = "s" && .a = 1 }`:                    `rootServiceName = "s"`,
		`{ rootServiceName != "s" }`:                             "",
		`{ rootName =~ "a.*" && rootServiceName =~ ".*" }`:       `rootName =~ "a.*"`,
		`{ rootServiceName = "s" || .a = 1 }`:                    "",
		`{ rootName = "x" && traceDuration > 1s } && { .b = 2 }`: `rootName = "x"; .b = 2`,
	} {
		q, err := traceql.ParseSearch(in)
		if err != nil {
			t.Fatal(err)
		}
		p := plan.Search{}
		p.Filter, p.Spans = plan.Pipeline(q.Spans, true)
		var got []string
		for _, n := range p.Needed() {
			got = append(got, strings.TrimSpace(plan.Explain(n)))
		}
		if got := strings.Join(got, "; "); got != want {
			t.Errorf("%s needs %s, want %s", in, got, want)
		}
	}
}
