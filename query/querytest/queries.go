package querytest

import (
	"math/rand/v2"
	"strings"
)

// RandomQuery is a search, well typed, of any construct of the language, with
// what the traces of [RandomTraces] have.
func RandomQuery(r *rand.Rand) string {
	g := queryMaker{r}
	text := g.pipeline(3)
	if r.IntN(4) > 0 { // most of the time something simple
		text = g.pipeline(1)
	}
	if r.IntN(15) == 0 { // of all spans
		text = g.stages(g.pick("count() > 1", "by(name)", "select(name)", "(count() > 1) >> {}"), 1)
	}
	if r.IntN(20) == 0 {
		text += " with (most_recent = true)"
	}
	return text
}

// RandomFilter is a pair of braces with a random condition.
func RandomFilter(r *rand.Rand) string { return queryMaker{r}.filter(3) }

type queryMaker struct{ *rand.Rand }

func (g queryMaker) pick(s ...string) string { return s[g.IntN(len(s))] }

// pipeline is a spanset and its stages.
func (g queryMaker) pipeline(depth int) string {
	return g.stages(g.spans(depth), depth)
}

// stages adds stages to a pipeline.
func (g queryMaker) stages(text string, depth int) string {
	for range max(0, g.IntN(6)-2) {
		text += " | " + g.stage(depth)
	}
	return text
}

func (g queryMaker) spans(depth int) string {
	switch n := g.IntN(8); {
	case depth == 0 || n < 3:
		return g.filter(depth)
	case n < 7:
		return g.spans(depth-1) + " " + g.setOp() + " " + g.spans(depth-1)
	}
	return "(" + g.pipeline(depth-1) + ")"
}

func (g queryMaker) setOp() string {
	if g.IntN(3) == 0 {
		return g.pick("&&", "||")
	}
	return g.pick("", "", "!", "&") + g.pick(">", ">>", "<", "<<", "~")
}

func (g queryMaker) filter(depth int) string {
	if g.IntN(6) == 0 {
		return "{}"
	}
	return "{ " + g.condition(depth) + " }"
}

func (g queryMaker) stage(depth int) string {
	switch n := g.IntN(12); {
	case n < 1:
		return "coalesce()"
	case n < 2:
		return "select(" + g.list(g.anyField) + ")"
	case n < 5:
		return "by(" + g.list(func() string { return g.value(depth) }) + ")"
	case n < 7:
		if depth > 0 {
			return g.spans(depth - 1)
		}
		return g.filter(0)
	}
	return g.scalarFilter()
}

func (g queryMaker) list(item func() string) string {
	items := []string{item()}
	for g.IntN(3) == 0 {
		items = append(items, item())
	}
	return strings.Join(items, ", ")
}

// value is what spans may be grouped by.
func (g queryMaker) value(depth int) string {
	switch g.IntN(6) {
	case 0:
		return g.condition(min(depth, 1))
	case 1:
		return g.number(2)
	}
	return g.anyField()
}

func (g queryMaker) scalarFilter() string {
	op := g.compare()
	switch g.IntN(4) {
	case 0:
		return "count() " + op + " " + g.pick("0", "1", "2", "3")
	case 1:
		return g.pick("avg", "min", "max", "sum") + "(" + g.duration(1) + ") " + op + " " + g.durationLiteral()
	case 2:
		return g.scalar(2) + " " + op + " " + g.scalar(2)
	}
	return g.pick("avg", "min", "max", "sum") + "(" + g.number(2) + ") " + op + " " + g.pick("0", "1", "0.5", "-3", "2.5")
}

// scalar is arithmetic on numbers of a spanset.
func (g queryMaker) scalar(depth int) string {
	if depth == 0 || g.IntN(3) == 0 {
		if g.IntN(3) == 0 {
			return "count()"
		}
		return g.pick("avg", "min", "max", "sum") + "(" + g.attribute() + ")"
	}
	other := g.pick("1", "2", "0.5")
	if g.IntN(2) == 0 {
		other = g.scalar(depth - 1)
	}
	return "(" + g.scalar(depth-1) + " " + g.arith() + " " + other + ")"
}

func (g queryMaker) condition(depth int) string {
	if depth > 0 {
		switch n := g.IntN(9); {
		case n < 1:
			return "!(" + g.condition(depth-1) + ")"
		case n < 3:
			return g.condition(depth-1) + " && " + g.condition(depth-1)
		case n < 5:
			return "(" + g.condition(depth-1) + " || " + g.condition(depth-1) + ")"
		case n < 6 && depth > 1:
			return "(" + g.condition(depth-2) + ") " + g.pick("=", "!=") + " " + g.pick(".a", "true", "span.b")
		}
	}
	return g.comparison()
}

// comparison is a comparison of any two things that may be compared.
func (g queryMaker) comparison() string {
	switch g.IntN(12) {
	case 0:
		return g.pick("true", "false", "!false", g.attribute())
	case 1:
		return g.pick(g.attribute(), "event:name", "event:timeSinceStart", "link:traceID", "link:spanID", "statusMessage", "span:parentID",
			"span:traceState", "rootServiceName", "instrumentation:name", "instrumentation:version") + g.pick(" = nil", " != nil")
	case 2:
		return g.pick("kind = server", "kind != client", "status = error", "status != unset", "kind = kind", "status != status", "kind = "+g.attribute())
	case 3:
		return g.id()
	case 4:
		return g.number(2) + " " + g.compare() + " " + g.number(2)
	case 5:
		return g.duration(2) + " " + g.compare() + " " + g.duration(1)
	case 6:
		return g.attribute() + " " + g.compare() + " " + g.anyValue()
	case 7:
		return g.anyText() + " " + g.compare() + " " + g.pick(g.anyText(), g.attribute())
	case 8:
		return g.pick(g.anyText(), g.attribute()) + " " + g.pick("=~", "!~") + " " + g.pick(`"G.*"`, `"x|y"`, `""`, `".*a.*"`, `"x.y"`, "`[^E]+`")
	case 9:
		return g.text() + " " + g.compare() + " " + g.anyText()
	case 10:
		return g.durationLiteral() + " " + g.compare() + " " + g.pick("duration", "traceDuration", "event:timeSinceStart", g.attribute())
	}
	return g.attribute() + " " + g.compare() + " " + g.literal()
}

func (g queryMaker) compare() string { return g.pick("=", "!=", "<", "<=", ">", ">=") }
func (g queryMaker) arith() string   { return g.pick("+", "-", "*", "/", "%", "^") }
func (g queryMaker) text() string {
	return g.pick(`"GET"`, `"x"`, `""`, `"web"`, `"exception"`, `"ot=th:c"`)
}

func (g queryMaker) durationLiteral() string { return g.pick("0s", "1ms", "2ms", "-1ms", "3500us") }

func (g queryMaker) literal() string {
	return g.pick(g.text(), "1", "0", "-1", "500", "0.5", "1.0", "maxInt", "minInt", "1e300", g.durationLiteral())
}

func (g queryMaker) anyValue() string {
	return g.pick(g.attribute(), g.number(1), g.duration(1), g.anyText())
}

func (g queryMaker) attribute() string {
	scope := g.pick("", "", "span", "span", "span", "resource", "event", "link", "instrumentation")
	return scope + "." + g.pick("a", "a", "b", "c", `"d e"`, "service.name", "none")
}

func (g queryMaker) anyText() string {
	return g.pick("name", "span:name", "statusMessage", "span:traceState", "rootName", "rootServiceName", "event:name",
		"instrumentation:name", "instrumentation:version", "resource.service.name")
}

func (g queryMaker) id() string {
	span, trace := g.pick("span:id", "span:parentID", "link:spanID"), g.pick("trace:id", "link:traceID")
	switch op := g.pick(" = ", " != "); g.IntN(4) {
	case 0:
		return span + op + g.pick("span:id", "span:parentID", "link:spanID")
	case 1:
		return trace + op + g.pick("trace:id", "link:traceID", "span:id")
	case 2:
		return trace + op + g.pick(`"b"`, `"00"`, `"1f"`)
	default:
		return span + op + g.pick(`"3"`, `"0"`, `"0000000000000004"`)
	}
}

// number is a number that is no duration.
func (g queryMaker) number(depth int) string {
	if depth == 0 || g.IntN(2) == 0 {
		return g.pick("childCount", "span:nestedSetLeft", "nestedSetRight", "nestedSetParent", g.attribute(), g.attribute(), g.attribute())
	}
	if g.IntN(8) == 0 {
		return "-" + g.number(0)
	}
	return "(" + g.number(depth-1) + " " + g.arith() + " " + g.pick("2", "0.5", "-1", "0", g.number(depth-1)) + ")"
}

// duration is a duration, or an attribute that may be one.
func (g queryMaker) duration(depth int) string {
	if depth == 0 || g.IntN(2) == 0 {
		return g.pick("duration", "span:duration", "traceDuration", "trace:duration", "event:timeSinceStart")
	}
	switch g.IntN(3) {
	case 0:
		return g.duration(depth-1) + g.pick(" + ", " - ", " % ") + g.duration(0)
	case 1:
		return g.duration(depth-1) + g.pick(" * ", " / ") + g.pick("2", "3", "0.5")
	}
	return g.duration(depth-1) + " * " + g.pick("childCount", g.attribute())
}

func (g queryMaker) anyField() string {
	return g.pick(g.attribute(), g.attribute(), g.anyText(), "kind", "status", "duration", "traceDuration", "trace:id", "span:id", "span:parentID",
		"event:timeSinceStart", "link:traceID", "link:spanID", "childCount", "nestedSetLeft", "nestedSetRight", "nestedSetParent")
}
