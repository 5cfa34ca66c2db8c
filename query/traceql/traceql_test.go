package traceql_test

import (
	"errors"
	"strings"
	"testing"

	"github.com/kiseki-dev/kiseki/query/traceql"
)

func TestPrint(t *testing.T) {
	for _, c := range []struct{ in, want string }{
		{"", "{}"},
		{" { } ", "{}"},
		{`{name="GET /cart"}`, `{ name = "GET /cart" }`},
		{`{span:name="a"&&span:status=error}`, `{ name = "a" && status = error }`},
		{`{.a=1||.b=2&&.c=3}`, `{ .a = 1 || .b = 2 && .c = 3 }`},
		{`{(.a=1||.b=2)&&.c=3}`, `{ (.a = 1 || .b = 2) && .c = 3 }`},
		{`{.a=1&&(.b=2&&.c=3)}`, `{ .a = 1 && (.b = 2 && .c = 3) }`},
		{`{!(.a=1||true)}`, `{ !(.a = 1 || true) }`},
		{`{!!(.a=1)}`, `{ !!.a = 1 }`},
		{`{ 500ms < duration }`, `{ duration > 500ms }`},
		{`{ duration >= 1h30m }`, `{ duration >= 1h30m0s }`},
		{`{ .wait < -1.5s }`, `{ .wait < -1.5s }`},
		{`{ .x = 1.5µs }`, `{ .x = 1.5µs }`},
		{`{ .x = 2.0 || .x = 1e3 || .x = -7 }`, `{ .x = 2.0 || .x = 1000.0 || .x = -7 }`},
		{`{ .x > minInt && .x < maxInt }`, `{ .x > -9223372036854775808 && .x < 9223372036854775807 }`},
		{`{ span.cache.hit || span.http.status_code = 500 }`, `{ span.cache.hit = true || span.http.status_code = 500 }`},
		{"{ resource.k8s.pod-name =~ `a\"\\d+` }", `{ resource.k8s.pod-name =~ "a\"\\d+" }`},
		{`{ span.attribute."name with \" and \\" = "é" }`, `{ span."attribute.name with \" and \\" = "é" }`},
		{`{ span."" != nil && event.x = nil }`, `{ span."" != nil && event.x = nil }`},
		{`{ kind = server && kind != unspecified && status = unset }`, `{ kind = server && kind != unspecified && status = unset }`},
		{`{ trace:id = "1234567890abcde" && span:parentID = nil && span:id != "ff" }`, `{ trace:id = "1234567890abcde" && span:parentID = nil && span:id != "ff" }`},
		{`{ event:name = "exception" && link.a = 1 && instrumentation.b = true }`, `{ event:name = "exception" && link.a = 1 && instrumentation.b = true }`},
		{`{ instrumentation:name =~ "net/.*" && instrumentation:version = nil }`, `{ instrumentation:name =~ "net/.*" && instrumentation:version = nil }`},
		{`{ trace:duration > 2s && trace:rootName !~ ".*perf.*" && rootServiceName = "a" }`, `{ traceDuration > 2s && rootName !~ ".*perf.*" && rootServiceName = "a" }`},
		{"{ .在庫 = \"日本\" }", `{ .在庫 = "日本" }`},
		{`{ span.bytes > 10 * 1024 * 1024 }`, `{ span.bytes > 10485760 }`},
		{`{ duration > trace:duration / 2 }`, `{ duration > traceDuration / 2 }`},
		{`{ .a - -5 + 2 * .b ^ 2 ^ .c >= -.d % 3 }`, `{ .a - -5 + 2 * .b ^ 2 ^ .c >= (0 - .d) % 3 }`},
		{`{ (.a + 1) * 2 = .b && -(.a) < 3 }`, `{ (.a + 1) * 2 = .b && 0 - .a < 3 }`},
		{`{ 1 + 1 = 2 || .a = .b }`, `{ true || .a = .b }`},
		{`{ duration / 100ms > 2 }`, `{ duration / 100ms > 2 }`},
		{`{ span:childCount = 0 && nestedSetParent < 0 }`, `{ childCount = 0 && nestedSetParent < 0 }`},
		{`{ event:timeSinceStart > -5s && link:traceID = "1234567890abcde" && link:spanID != nil }`, `{ event:timeSinceStart > -5s && link:traceID = "1234567890abcde" && link:spanID != nil }`},
		{`{.a}&&{.b}||{.c}`, `{ .a = true } && { .b = true } || { .c = true }`},
		{`{.a}&&({.b}||{.c})`, `{ .a = true } && ({ .b = true } || { .c = true })`},
		{`{}>{}>>{}<{}<<{}~{}`, `{} > {} >> {} < {} << {} ~ {}`},
		{`{}!>{}!>>{}!<{}!<<{}!~{}`, `{} !> {} !>> {} !< {} !<< {} !~ {}`},
		{`{}&>{}&>>{}&<{}&<<{}&~{}`, `{} &> {} &>> {} &< {} &<< {} &~ {}`},
		{`{} > ({} && {})`, `{} > ({} && {})`},
		{`{.a} | {.b} | count() > 2`, `{ .a = true } | { .b = true } | count() > 2`},
		{`count() > 10`, `{} | count() > 10`},
		{`avg(duration) > 20ms`, `{} | avg(duration) > 20ms`},
		{`{ status = error } | by(resource.service.name, duration > 1s) | count() > 1 | coalesce() | select(name, span.a)`,
			`{ status = error } | by(resource.service.name, duration > 1s) | count() > 1 | coalesce() | select(name, span.a)`},
		{`{} | max(duration) - min(duration) >= 2 * 500ms`, `{} | max(duration) - min(duration) >= 1s`},
		{`{} | (count() + 1) * 2 = 4`, `{} | (count() + 1) * 2 = 4`},
		{`({.a} | count() > 1) >> ({.b} | avg(.x) > 2.5)`, `({ .a = true } | count() > 1) >> ({ .b = true } | avg(.x) > 2.5)`},
		{`{} | ({.a} >> {.b}) | count() = 1`, `{} | { .a = true } >> { .b = true } | count() = 1`},
		{`{}|rate()`, `{} | rate()`},
		{`{ status = error } | count_over_time() by (resource.service.name, name)`, `{ status = error } | count_over_time() by (resource.service.name, name)`},
		{`{} | quantile_over_time(duration, .99, .9, 0.5) by (span.http.target)`, `{} | quantile_over_time(duration, 0.99, 0.9, 0.5) by (span.http.target)`},
		{`{} | sum_over_time(span.a * 8)`, `{} | sum_over_time(span.a * 8)`},
		{`{} | rate() by (name) | topk(10) | bottomk(3)`, `{} | rate() by (name) | topk(10) | bottomk(3)`},
		{`{} | rate() by (name) > 10`, `({} | rate() by (name)) > 10`},
		{`({.a} | rate()) / ({} | rate()) * 100 > 5 | topk(3)`, `({ .a = true } | rate()) / ({} | rate()) * 100 > 5 | topk(3)`},
		{`1 - ({.a} | rate()) / ({} | rate())`, `1 - ({ .a = true } | rate()) / ({} | rate())`},
		{`({} | rate() | topk(2)) + ({} | rate())`, `({} | rate() | topk(2)) + ({} | rate())`},
		{`{ .a = "x" } | compare({ status = error })`, `{ .a = "x" } | compare({ status = error })`},
		{`{} | compare({ duration > 1s }, 5, 100, 200)`, `{} | compare({ duration > 1s }, 5, 100, 200)`},
		{`{} with (most_recent=true)`, `{} with (most_recent = true)`},
		{`{} | rate() with (sample=0.1, exemplars=5)`, `{} | rate() with (sample = 0.1, exemplars = 5)`},
		{`{} | rate() with(trace_sample=0.05, span_sample=1)`, `{} | rate() with (trace_sample = 0.05, span_sample = 1)`},
	} {
		q, err := traceql.Parse(c.in)
		if err != nil {
			t.Errorf("%s: %v", c.in, err)
			continue
		}
		if got := q.String(); got != c.want {
			t.Errorf("%s\ngot  %s\nwant %s", c.in, got, c.want)
		}
	}
}

const stages = "count(), avg(…), min(…), max(…), sum(…), by(…), select(…), coalesce(), a metrics function such as rate(), or {"

// TestErrors marks the place of the error with "»" in the query.
func TestErrors(t *testing.T) {
	for _, c := range []struct{ in, message, expected string }{
		{`»name = "a"`, `unexpected "name"`, "{"},
		{`{ name = »}`, `unexpected "}"`, "a string in quotes"},
		{`{ name = "a"»`, "the text ends too early", "&&, || or }"},
		{`{ name = »"a`, "the string is not closed", `a closing "`},
		{`{ .a = »"\q" }`, "the string has an invalid escape or a line break", "a string escaped as in Go, or a raw string in backquotes"},
		{`{ .»"a = 1 }`, "the attribute name is not closed", `a closing "`},
		{`{ span.» = 1 }`, "the attribute has no name", "an attribute name"},
		{`{ »nmae = "a" }`, `unknown field "nmae"; did you mean name?`, "a field such as name, or an attribute such as span.nmae"},
		{`{ »statsu = error }`, `unknown field "statsu"; did you mean status?`, "a field such as name, or an attribute such as span.statsu"},
		{`{ »span:childCunt = 0 }`, `unknown field "span:childCunt"; did you mean span:childCount?`, "a field such as span:name, or an attribute such as span.http.route"},
		{`{ »resuorce.service.name = "a" }`, `unknown scope "resuorce"; did you mean resource?`, "span., resource., event., link., instrumentation. or . before an attribute name"},
		{`{ status = »eror }`, `"eror" is not a value; did you mean error?`, "error, ok or unset"},
		{`{ status = »"error" }`, "status cannot be compared with a string", "error, ok or unset"},
		{`{ status = »2 }`, "status cannot be compared with an integer", "error, ok or unset"},
		{`{ status »> ok }`, "a status has no order", "= or !="},
		{`{ kind = »error }`, "kind cannot be compared with a status", "server, client, producer, consumer, internal or unspecified"},
		{`{ duration > »"1s" }`, "duration cannot be compared with a string", "a duration such as 100ms or 1.5s"},
		{`{ duration > »100 }`, "duration cannot be compared with an integer", "a duration such as 100ms or 1.5s"},
		{`{ duration > »100mss }`, `"100mss" is neither a number nor a duration`, "a number such as 200 or 0.5, or a duration such as 100ms or 1h30m"},
		{`{ »"1s" < duration }`, "duration cannot be compared with a string", "a duration such as 100ms or 1.5s"},
		{`{ name = »nil }`, "name is never nil", "a string in quotes"},
		{`{ .a »> nil }`, "nil has no order", "= or !="},
		{`{ .a »>= true }`, "a boolean has no order", "= or !="},
		{`{ .a = »error }`, ".a cannot be compared with a status", "a string in quotes, a number, a duration, true, false or nil"},
		{`{ name = ».b + 1 }`, "a string cannot be compared with a number", "a string"},
		{`{ .a + »"x" = 1 }`, "there is no arithmetic with a string", "a number, a duration or an attribute"},
		{`{ 1 »/ 0 = .a }`, "1 / 0 has no value", "arithmetic with a result"},
		{`{ .a + 1 »= nil }`, "nil is compared with a field alone", "field = nil or field != nil"},
		{`{ .a + 1 »=~ "x" }`, "a regular expression is compared with a field", `field =~ "…"`},
		{`{ status »> status }`, "a status has no order", "= or !="},
		{`{ .a =~ »200 }`, "=~ takes a string, not an integer", "a regular expression in quotes"},
		{`{ .a =~ »"a)(b" }`, "the regular expression is not valid: unexpected ): `a)(b`", "RE2 syntax"},
		{`{ "a" »=~ .a }`, "a regular expression stands on the right", `field =~ "…"`},
		{`{ trace:id = »"xyz" }`, `"xyz" is not a hexadecimal id`, "a trace ID of up to 32 hexadecimal digits in quotes"},
		{`{ span:id »=~ "a" }`, "an id does not match a regular expression", "= or !="},
		{`{ .a = »99999999999999999999 }`, `"99999999999999999999" is not a number of 64 bits`, "a number such as 200 or 0.5, or a duration such as 100ms or 1h30m"},
		{`{ .a = 1 »& .b = 2 }`, `unexpected "&"`, "&&, || or }"},
		{`{ (.a = 1 »}`, `unexpected "}"`, "&&, || or )"},
		{`{ duration» }`, `unexpected "}"`, "a comparison such as = or >"},
		{`{ 5 »}`, `unexpected "}"`, "a comparison such as = or >"},
		{`{} | »cuont() > 2`, `unknown stage "cuont"; did you mean count?`, stages},
		{`{} | 5ms > »count()`, "a duration cannot be compared with a number", "a duration"},
		{`{} | count() > »2s`, "a number cannot be compared with a duration", "a number"},
		{`{} | avg(»name) > 2`, "a string is no number", "a number such as duration, or an attribute"},
		{`{} | count() »}`, `unexpected "}"`, "a comparison such as = or >"},
		{`{} | rate() | »count() > 2`, `unknown stage "count" of series`, "topk or bottomk"},
		{`{} | rate() | topk(»0)`, "0 is out of range", "how many series to keep, from 1 to 1000"},
		{`{} | quantile_over_time(duration»)`, `unexpected ")"`, "a comma and a quantile such as 0.99"},
		{`{} | quantile_over_time(duration, »1.5)`, "1.5 is no quantile", "a number from 0 to 1"},
		{`({} | rate()) + »{}`, "spans cannot be combined with series", "a number, or a metrics query in parentheses"},
		{`{} && »({} | rate())`, "series cannot be combined with spans", "{"},
		{`{} with (»most_recnt = true)`, `unknown hint "most_recnt"; did you mean most_recent?`, "most_recent, sample, span_sample, trace_sample, extrapolate, exemplars, spanonly_fetch"},
		{`{} with (most_recent = »5)`, "most_recent cannot be 5", "true or false"},
		{`{} »{}`, `unexpected "{"`, "the end of the query"},
		{"{ .a = \"»\xff\" }", "the query is not valid UTF-8", "UTF-8 text"},
	} {
		text := strings.Replace(c.in, "»", "", 1)
		_, err := traceql.Parse(text)
		var e *traceql.Error
		if !errors.As(err, &e) {
			t.Errorf("%s: got %v, want an *Error", text, err)
			continue
		}
		pos := min(e.Pos, len(text))
		if got := text[:pos] + "»" + text[pos:]; got != c.in && !sameButSpace(got, c.in) {
			t.Errorf("position\ngot  %s\nwant %s", got, c.in)
		}
		if e.Message != c.message || e.Expected != c.expected {
			t.Errorf("%s\ngot  %s | %s\nwant %s | %s", text, e.Message, e.Expected, c.message, c.expected)
		}
	}
}

// sameButSpace allows the mark on either side of white space.
func sameButSpace(a, b string) bool {
	return strings.ReplaceAll(a, "» ", " »") == strings.ReplaceAll(b, "» ", " »")
}

func TestLimits(t *testing.T) {
	nested := func(n int) string { return "{" + strings.Repeat("(", n) + ".a=1" + strings.Repeat(")", n) + "}" }
	chain := func(n int) string { return "{" + strings.Repeat(".a=1&&", n-1) + ".a=1}" }
	for name, text := range map[string]string{
		"depth": nested(traceql.MaxDepth), "negations": "{" + strings.Repeat("!", traceql.MaxDepth) + ".a}",
		"comparisons": chain(traceql.MaxComparisons),
		"length":      "{}" + strings.Repeat(" ", traceql.MaxLength-2), "stages": "{}" + strings.Repeat("|{}", traceql.MaxStages),
		"operators": "{}" + strings.Repeat(">{}", traceql.MaxStages),
	} {
		if _, err := traceql.Parse(text); err != nil {
			t.Errorf("%s at the limit: %v", name, err)
		}
	}
	for name, text := range map[string]string{
		"depth": nested(traceql.MaxDepth + 1), "comparisons": chain(traceql.MaxComparisons + 1),
		"length": "{}" + strings.Repeat(" ", traceql.MaxLength-1), "deepest": nested(8000),
		"stages": "{}" + strings.Repeat("|{}", traceql.MaxStages+1), "operators": "{}" + strings.Repeat(">{}", traceql.MaxStages+1),
		"spansets": strings.Repeat("(", traceql.MaxStages+1) + "{}" + strings.Repeat(")", traceql.MaxStages+1),
		"numbers":  "{}|count()>" + strings.Repeat("1+", traceql.MaxComparisons+1) + "count()",
	} {
		if _, err := traceql.Parse(text); err == nil {
			t.Errorf("%s beyond the limit: no error", name)
		}
	}
}

// TestNarrowerQueries: what takes a part of the language refuses the rest, and
// says where it begins.
func TestNarrowerQueries(t *testing.T) {
	if _, err := traceql.ParseFilter(`{ .a }`); err != nil {
		t.Error(err)
	}
	for _, text := range []string{`{} > {}`, `{} | count() > 1`, `{} | rate()`, `{} | select(.a)`} {
		var e *traceql.Error
		if _, err := traceql.ParseFilter(text); !errors.As(err, &e) || e.Message != "the query is more than a filter of single spans" {
			t.Errorf("%s: %v", text, err)
		}
	}
	for text, pos := range map[string]int{`{} | rate()`: 0, `({} | rate()) * 2`: 1, `2 * ({} | rate())`: 0} {
		var e *traceql.Error
		if _, err := traceql.ParseSearch(text); !errors.As(err, &e) || e.Message != "the query computes series, it finds no traces" || e.Pos != pos {
			t.Errorf("%s: %#v", text, err)
		}
	}
}

func TestParseField(t *testing.T) {
	for in, want := range map[string]string{
		"resource.service.name": "resource.service.name", ".http.route": ".http.route", "span:name": "name", `span."a b"`: `span."a b"`,
	} {
		f, err := traceql.ParseField(in)
		if err != nil || f.String() != want {
			t.Errorf("%s: got %s, %v", in, f, err)
		}
	}
	for _, in := range []string{"", "bogus", "5", "name = 1", "span.", `"a"`} {
		if f, err := traceql.ParseField(in); err == nil {
			t.Errorf("%s: got %s, want an error", in, f)
		}
	}
}

func FuzzParse(f *testing.F) {
	for _, seed := range []string{
		"", "{}", `{ resource.service.name = "checkout" && duration > 500ms && status = error }`,
		`{ !(.a = 1 || .b != nil) && span."a b" =~ "x.*" }`, `{ 1.5 <= span.x }`, "{ .a = `raw` }", `{ .x }`, `{ true && !false }`,
		`{ kind = server && trace:id = "ab" }`, `{ .a = -1h2m3.5s || .b = 1e-7 || .c = 1e300 }`, `{ .a =~ "\\Qabc" }`, "{ .\"\n\" = 1 }",
		`{ event:name = "x" } | count() > 2`, `{.a} &>> ({.b} | by(name, .x > 1) | avg(duration) / 2 > 1s) !~ {}`, `{} | coalesce() | select(name, .a)`,
		`({.a} | rate() by (name) | topk(3)) / 2 > ({} | rate())`, `{} | quantile_over_time(duration, .5, 1) by (.x) with (sample=true)`,
		`{} | compare({ .a }, 5, 1, 2)`, `{ .a + 2 * -.b ^ 3 != .c % 2 || duration / 3 < 1s }`, `{} | sum(.a - 1) * 2 <= count()`,
		`{ nestedSetParent < 0 && span:childCount >= 1 && link:spanID != nil }`, `{}|rate()+1-2*3>4`,
		"{ .x = 5μs }", `{ ."\\\"" = maxInt }`,
	} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, text string) {
		q, err := traceql.Parse(text)
		if err != nil {
			var e *traceql.Error
			if !errors.As(err, &e) || e.Pos < 0 || e.Pos > len(text) || e.Message == "" {
				t.Fatalf("%q: bad error %#v", text, err)
			}
			return
		}
		printed := q.String()
		if len(printed) > traceql.MaxLength { // the canonical spelling may be longer
			return
		}
		again, err := traceql.Parse(printed)
		if err != nil {
			t.Fatalf("%q prints as %q: %v", text, printed, err)
		}
		if again.String() != printed {
			t.Fatalf("%q prints as %q and then %q", text, printed, again)
		}
	})
}
