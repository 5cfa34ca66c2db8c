package traceql

import (
	"slices"
)

// top is what a query or parentheses in one may be: spans, series, or a
// number for arithmetic on series.
type top struct {
	spans   Spanset
	metrics MetricsExpr
	pos     int
}

// pipeline is spans as a pipeline.
func (x top) pipeline() *Pipeline {
	if p, ok := x.spans.(*Pipeline); ok || x.spans == nil {
		return p
	}
	return &Pipeline{First: x.spans}
}

// How tightly the operators between spansets and series bind.
const (
	bindSetOr = iota
	bindSetAnd
	bindRelation // structural, and comparisons of series
	bindAdd
	bindMul
	bindPow
)

func (o ArithOp) binding() int {
	switch o {
	case Pow:
		return bindPow
	case Mul, Div, Mod:
		return bindMul
	}
	return bindAdd
}

func (o SetOp) binding() int { return min(int(o), bindRelation) }

// top reads a whole pipeline, with its stages.
func (p *parser) top(depth int) (top, error) {
	if err := p.deep(depth); err != nil {
		return top{}, err
	}
	pos := p.tok.pos
	var x top
	var err error
	if p.tok.kind == tokWord && !p.atWord("with") && isStage(p.tok.text) || p.at("(") && p.scalarInParentheses() {
		x = top{spans: &Filter{pos: pos}, pos: pos}
		x, err = p.stage(x, depth)
	} else {
		x, err = p.sets(depth, bindSetOr)
	}
	for err == nil && p.at("|") {
		if err = p.advance(); err == nil {
			x, err = p.stage(x, depth)
		}
	}
	return x, err
}

// sets reads operands joined by operators that bind at least so tightly.
func (p *parser) sets(depth, least int) (top, error) {
	left, err := p.set(depth)
	if err != nil {
		return left, err
	}
	return p.joined(left, depth, least)
}

// joined goes on after the first operand.
func (p *parser) joined(left top, depth, least int) (top, error) {
	for {
		var err error
		var done bool
		if left.metrics != nil {
			left, done, err = p.joinSeries(left, depth, least)
		} else {
			left, done, err = p.joinSpans(left, depth, least)
		}
		if err != nil || done {
			return left, err
		}
	}
}

func (p *parser) joinSpans(left top, depth, least int) (_ top, done bool, err error) {
	at := slices.Index(setOps[:], p.tok.text)
	if p.tok.kind != tokOp || at < 0 || SetOp(at).binding() < least {
		return left, true, nil
	}
	op := SetOp(at)
	if err := p.countStage(); err != nil {
		return left, false, err
	}
	if err := p.advance(); err != nil {
		return left, false, err
	}
	pos := p.tok.pos
	right, err := p.sets(depth, op.binding()+1)
	if err != nil {
		return left, false, err
	}
	if right.spans == nil {
		return left, false, &Error{Pos: pos, Message: "series cannot be combined with spans", Expected: "{"}
	}
	left.spans = &SpansetOp{Op: op, Left: left.spans, Right: right.spans}
	return left, false, nil
}

func (p *parser) joinSeries(left top, depth, least int) (_ top, done bool, err error) {
	x := &MetricsOp{Left: left.metrics}
	var binding int
	var ok bool
	if x.Arith, binding, ok = p.arithHere(); !ok {
		if x.Compare, x.Comparing = p.comparisonHere(); !x.Comparing {
			return left, true, nil
		}
		binding = bindRelation
	}
	if binding < least {
		return left, true, nil
	}
	at := p.tok
	if err := p.countStage(); err != nil {
		return left, false, err
	}
	if err := p.advance(); err != nil {
		return left, false, err
	}
	tighter := binding + 1
	if !x.Comparing && x.Arith == Pow {
		tighter = binding
	}
	if err := p.deep(depth + 1); err != nil {
		return left, false, err
	}
	pos := p.tok.pos
	right, err := p.sets(depth+1, tighter)
	if err != nil {
		return left, false, err
	}
	if right.metrics == nil {
		return left, false, &Error{Pos: pos, Message: "spans cannot be combined with series", Expected: "a number, or a metrics query in parentheses"}
	}
	x.Right = right.metrics
	left.metrics, err = checkSeries(x, at)
	return left, false, err
}

// set reads one operand.
func (p *parser) set(depth int) (top, error) {
	pos := p.tok.pos
	switch {
	case p.at("{"):
		f, err := p.filter()
		if err != nil {
			return top{}, err
		}
		return top{spans: f, pos: pos}, nil
	case p.at("("):
		if err := p.countStage(); err != nil {
			return top{}, err
		}
		if err := p.advance(); err != nil {
			return top{}, err
		}
		x, err := p.top(depth + 1)
		if err != nil {
			return x, err
		}
		if !p.at(")") {
			return x, p.unexpected("| or )")
		}
		return x, p.advance()
	}
	if lit, ok := p.literalHere(); ok && lit.Kind.numeric() {
		return top{metrics: &MetricsConst{Value: number(lit), pos: pos}, pos: pos}, p.advance()
	}
	return top{}, p.unexpected("{")
}

// filter reads "{ … }".
func (p *parser) filter() (*Filter, error) {
	f := &Filter{pos: p.tok.pos}
	if err := p.expect("{"); err != nil {
		return nil, err
	}
	if !p.at("}") {
		var err error
		if f.Cond, err = p.condition(0); err != nil {
			return nil, err
		}
	}
	if !p.at("}") {
		return nil, p.unexpected("&&, || or }")
	}
	return f, p.advance()
}

// stage adds what follows a "|" to x.
func (p *parser) stage(x top, depth int) (top, error) {
	if err := p.countStage(); err != nil {
		return x, err
	}
	if x.spans == nil {
		return p.limitSeries(x)
	}
	pipe := x.pipeline()
	word := ""
	if p.tok.kind == tokWord {
		word = p.tok.text
	}
	if f := slices.Index(metricsNames[:], word); f >= 0 {
		m, err := p.metrics(MetricsFunc(f), pipe)
		if err != nil {
			return x, err
		}
		return p.joined(top{metrics: m, pos: x.pos}, depth, bindRelation)
	}
	s, err := p.spanStage(word, depth)
	if err != nil {
		return x, err
	}
	x.spans = &Pipeline{First: pipe.First, Stages: append(slices.Clone(pipe.Stages), s)}
	return x, nil
}

func (p *parser) spanStage(word string, depth int) (Stage, error) {
	pos := p.tok.pos
	switch word {
	case "by":
		s := &By{pos: pos}
		if err := p.advance(); err != nil {
			return nil, err
		}
		return s, p.list(func() error {
			v, err := p.value(depth + 1)
			s.Exprs = append(s.Exprs, v)
			return err
		})
	case "select":
		s := &Select{pos: pos}
		err := p.advance()
		if err == nil {
			s.Fields, err = p.fields()
		}
		return s, err
	case "coalesce":
		if err := p.advance(); err != nil {
			return nil, err
		}
		return &Coalesce{pos: pos}, p.empty()
	}
	if p.at("{") || p.at("(") && !p.scalarInParentheses() {
		x, err := p.sets(depth, bindSetOr)
		if err != nil {
			return nil, err
		}
		switch s := x.spans.(type) {
		case *Filter:
			return s, nil
		case *SpansetOp:
			return s, nil
		case *Pipeline:
			return s, nil
		}
		return nil, &Error{Pos: pos, Message: "series are no stage", Expected: stageNames}
	}
	return p.scalarFilter(depth)
}

// scalarInParentheses looks behind the opening parenthesis at hand, up to the
// closing one: arithmetic over a set's numbers has no comparison, stage or
// brace of its own.
func (p *parser) scalarInParentheses() bool {
	l := p.lexer
	argument, called := 0, false // parentheses of the function whose argument this is
	numbers := false
	for depth := 1; depth > 0; {
		t, err := l.next()
		if err != nil || t.kind == tokEnd {
			return numbers
		}
		function := t.kind == tokWord && slices.Contains(aggregateNames[:], t.text)
		switch {
		case t.kind == tokOp && t.text == "(":
			depth++
			if called && argument == 0 {
				argument = depth
			}
		case t.kind == tokOp && t.text == ")":
			if depth == argument {
				argument = 0
			}
			depth--
		case argument > 0:
		case function:
			numbers = true
		case t.kind == tokWord && isStage(t.text), t.kind == tokOp && (t.text == "{" || t.text == "|"):
			return false
		case t.kind == tokOp:
			if _, ok := comparison(t.text); ok {
				return false
			}
		}
		called = function
	}
	return numbers
}

// empty reads "()".
func (p *parser) empty() error {
	if err := p.expect("("); err != nil {
		return err
	}
	return p.expect(")")
}

func (p *parser) scalarFilter(depth int) (Stage, error) {
	left, err := p.scalar(depth, bindAdd)
	if err != nil {
		return nil, err
	}
	op, ok := p.comparisonHere()
	if !ok {
		return nil, p.unexpected("a comparison such as = or >")
	}
	at := p.tok
	if err := p.advance(); err != nil {
		return nil, err
	}
	right, err := p.scalar(depth, bindAdd)
	if err != nil {
		return nil, err
	}
	return scalarFilter(left, op, right, at)
}

// scalar reads operands joined by operators that bind at least so tightly.
func (p *parser) scalar(depth, least int) (Scalar, error) {
	if err := p.deep(depth); err != nil {
		return nil, err
	}
	left, err := p.scalarOperand(depth)
	if err != nil {
		return nil, err
	}
	for {
		op, binding, ok := p.arithHere()
		if !ok || binding < least {
			return left, nil
		}
		at := p.tok.pos
		if err := p.advance(); err != nil {
			return nil, err
		}
		tighter := binding + 1
		if op == Pow {
			tighter = binding
		}
		right, err := p.scalar(depth+1, tighter)
		if err != nil {
			return nil, err
		}
		if left, err = scalarOp(left, op, right, at); err != nil {
			return nil, err
		}
	}
}

func (p *parser) scalarOperand(depth int) (Scalar, error) {
	if err := p.count(); err != nil {
		return nil, err
	}
	pos := p.tok.pos
	if lit, ok := p.literalHere(); ok && lit.Kind.numeric() {
		return &ScalarConst{Literal: lit, pos: pos}, p.advance()
	}
	if p.at("(") {
		if err := p.advance(); err != nil {
			return nil, err
		}
		s, err := p.scalar(depth+1, bindAdd)
		if err != nil {
			return nil, err
		}
		return s, p.expect(")")
	}
	f := slices.Index(aggregateNames[:], p.tok.text)
	if p.tok.kind != tokWord || f < 0 {
		return nil, p.notStage()
	}
	s := &Aggregate{Func: AggregateFunc(f), pos: pos}
	if err := p.advance(); err != nil {
		return nil, err
	}
	if s.Func == Count {
		return s, p.empty()
	}
	var err error
	s.X, err = p.argument(depth)
	if err == nil {
		err = p.expect(")")
	}
	return s, err
}

// argument reads "( value" of a number.
func (p *parser) argument(depth int) (Value, error) {
	if err := p.expect("("); err != nil {
		return nil, err
	}
	pos := p.tok.pos
	v, err := p.arithmetic(depth+1, bindAdd)
	if err != nil {
		return nil, err
	}
	return v, checkNumber(v, pos)
}

const stageNames = "count(), avg(…), min(…), max(…), sum(…), by(…), select(…), coalesce(), a metrics function such as rate(), or {"

// isStage reports whether a stage can begin with the word.
func isStage(word string) bool {
	return word == "by" || word == "select" || word == "coalesce" || slices.Contains(aggregateNames[:], word) || slices.Contains(metricsNames[:], word)
}

func (p *parser) notStage() error {
	if p.tok.kind != tokWord {
		return p.unexpected(stageNames)
	}
	known := append([]string{"by", "select", "coalesce", "topk", "bottomk"}, append(aggregateNames[:], metricsNames[:]...)...)
	return &Error{Pos: p.tok.pos, Message: "unknown stage " + quote(p.tok.text) + didYouMean(p.tok.text, known), Expected: stageNames}
}
