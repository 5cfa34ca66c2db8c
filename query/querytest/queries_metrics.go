package querytest

import "math/rand/v2"

// RandomMetrics is a metrics query, well typed, of any construct of the
// language, with what the traces of [RandomTraces] have.
func RandomMetrics(r *rand.Rand) string {
	g := queryMaker{r}
	text := g.function(false)
	switch r.IntN(4) {
	case 0:
		text = g.series(2)
	case 1:
		text = g.series(1)
	}
	if r.IntN(6) == 0 {
		text += " with (extrapolate = " + g.pick("true", "false") + ")"
	}
	return text
}

// series is arithmetic, comparisons and limits of functions. Their numbers are
// exact, as it depends on the last digit which points are kept.
func (g queryMaker) series(depth int) string {
	if depth == 0 {
		return g.function(true)
	}
	x := "(" + g.series(depth-1) + ")"
	switch g.IntN(5) {
	case 0:
		return x + " " + g.compare() + " " + g.pick("0", "1", "4", "2ms", "0.004", "1e3")
	case 1:
		return g.pick("2", "0.5", "1ms") + " " + g.pick(g.compare(), g.arith()) + " " + x
	case 2:
		return x + " " + g.arith() + " " + g.pick("2", "0.5", "1000")
	case 3:
		return x + " " + g.pick(g.arith(), g.arith(), g.compare()) + " (" + g.series(depth-1) + ")"
	}
	return g.series(depth-1) + " | " + g.pick("topk", "bottomk") + "(" + g.pick("1", "2", "5") + ")"
}

// function is a pipeline and a function that makes series of it.
func (g queryMaker) function(exact bool) string {
	spans := g.filter(1)
	switch g.IntN(6) {
	case 0:
		spans = g.pipeline(1)
	case 1:
		spans = "{ nestedSetParent " + g.pick("<", ">", ">=") + " 0 }"
	case 2, 3:
		spans = g.pick("{}", "{ kind = server }", "{ status = error }")
	}
	if !exact && g.IntN(7) == 0 {
		return spans + " | compare(" + g.filter(1) + g.pick("", ", 1", ", 3", ", 2, 1790000000100000000, 1790000000600000000") + ")"
	}
	f := g.pick("rate()", "count_over_time()")
	if g.IntN(3) > 0 {
		f = g.ofNumbers(exact)
	}
	text := spans + " | " + f
	switch g.IntN(5) {
	case 0, 1:
		text += " by (" + g.pick("name", "kind", "status", "resource.service.name") + ")"
	case 2:
		text += " by (" + g.list(func() string { return g.pick("rootName", "rootServiceName", g.anyField()) }) + ")"
	}
	return text
}

// ofNumbers is a function of a number of each span.
func (g queryMaker) ofNumbers(exact bool) string {
	x := g.pick("duration", "duration", g.duration(2), g.number(2))
	if exact {
		x = g.pick("duration", "duration", "traceDuration", "childCount")
		return g.pick("min", "max", "sum", "avg", "histogram") + "_over_time(" + x + ")"
	}
	if g.IntN(3) == 0 {
		return "quantile_over_time(" + x + ", " + g.list(func() string { return g.pick("0", ".1", ".5", ".9", ".99", "1") }) + ")"
	}
	return g.pick("min", "max", "sum", "avg", "histogram") + "_over_time(" + x + ")"
}
