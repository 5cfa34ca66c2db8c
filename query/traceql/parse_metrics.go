package traceql

import (
	"fmt"
	"strconv"

	"github.com/kiseki-dev/kiseki/telemetry"
)

const (
	// MaxSeries bounds topk and bottomk.
	MaxSeries = 1000
	// maxTopN bounds the values of an attribute that compare tells.
	maxTopN     = 1000
	defaultTopN = 10
)

func quote(s string) string { return strconv.Quote(s) }

// metrics reads a metrics function, the current token, and its "by".
func (p *parser) metrics(f MetricsFunc, spans *Pipeline) (MetricsExpr, error) {
	m := &Metrics{Spans: spans, Func: f}
	if err := p.advance(); err != nil {
		return nil, err
	}
	var err error
	switch {
	case f == Compare:
		m.Compare, err = p.comparer()
	case f.HasArgument():
		if m.X, err = p.argument(0); err == nil && f == QuantileOverTime {
			err = p.quantiles(m)
		}
		if err == nil {
			err = p.expect(")")
		}
	default:
		err = p.empty()
	}
	if err != nil || !p.atWord("by") {
		return m, err
	}
	if f == Compare {
		return nil, &Error{Pos: p.tok.pos, Message: "compare groups by every attribute already", Expected: "the end of the query"}
	}
	if err := p.advance(); err != nil {
		return nil, err
	}
	m.By, err = p.fields()
	return m, err
}

func (p *parser) quantiles(m *Metrics) error {
	for p.at(",") {
		if err := p.advance(); err != nil {
			return err
		}
		if err := p.count(); err != nil {
			return err
		}
		lit, ok := p.literalHere()
		if !ok || lit.Kind != LiteralInt && lit.Kind != LiteralFloat {
			return p.unexpected("a quantile such as 0.99")
		}
		q := number(lit)
		if !(q >= 0 && q <= 1) {
			return &Error{Pos: p.tok.pos, Message: fmt.Sprintf("%v is no quantile", q), Expected: "a number from 0 to 1"}
		}
		m.Quantiles = append(m.Quantiles, q)
		if err := p.advance(); err != nil {
			return err
		}
	}
	if len(m.Quantiles) == 0 {
		return p.unexpected("a comma and a quantile such as 0.99")
	}
	return nil
}

// comparer reads the arguments of compare.
func (p *parser) comparer() (*Comparer, error) {
	if err := p.expect("("); err != nil {
		return nil, err
	}
	c := &Comparer{TopN: defaultTopN}
	var err error
	if c.Selection, err = p.filter(); err != nil {
		return nil, err
	}
	if p.at(",") {
		n, err := p.integer("how many values to tell of an attribute", 1, maxTopN)
		if err != nil {
			return nil, err
		}
		c.TopN = int(n)
	}
	if p.at(",") {
		start, err := p.integer("the start of the selection in Unix nanoseconds", 0, 1<<63-1)
		if err != nil {
			return nil, err
		}
		if !p.at(",") {
			return nil, p.unexpected("a comma and the end of the selection")
		}
		end, err := p.integer("the end of the selection in Unix nanoseconds", start, 1<<63-1)
		if err != nil {
			return nil, err
		}
		c.Start, c.End = uint64(start), uint64(end)
	}
	return c, p.expect(")")
}

// integer reads a comma or opening parenthesis and an integer behind it.
func (p *parser) integer(want string, least, most int64) (int64, error) {
	if err := p.advance(); err != nil {
		return 0, err
	}
	lit, ok := p.literalHere()
	if !ok || lit.Kind != LiteralInt {
		return 0, p.unexpected(want)
	}
	n := lit.Value.Int()
	if n < least || n > most {
		return 0, &Error{Pos: p.tok.pos, Message: fmt.Sprintf("%d is out of range", n), Expected: fmt.Sprintf("%s, from %d to %d", want, least, most)}
	}
	return n, p.advance()
}

// limitSeries reads topk or bottomk.
func (p *parser) limitSeries(x top) (top, error) {
	l := &SeriesLimit{X: x.metrics, Bottom: p.atWord("bottomk")}
	if !l.Bottom && !p.atWord("topk") {
		if p.tok.kind == tokWord {
			msg := "unknown stage " + quote(p.tok.text) + " of series" + didYouMean(p.tok.text, []string{"topk", "bottomk"})
			return x, &Error{Pos: p.tok.pos, Message: msg, Expected: "topk or bottomk"}
		}
		return x, p.unexpected("topk or bottomk")
	}
	if err := p.advance(); err != nil {
		return x, err
	}
	if !p.at("(") {
		return x, p.unexpected("(")
	}
	k, err := p.integer("how many series to keep", 1, MaxSeries)
	if err != nil {
		return x, err
	}
	l.K = int(k)
	x.metrics = l
	if err := p.expect(")"); err != nil {
		return x, err
	}
	return p.joined(x, 0, bindRelation)
}

// number is a numeric literal as a float; a duration in seconds, as metrics
// of durations are.
func number(l Literal) float64 {
	switch {
	case l.Value.Type() == telemetry.ValueDouble:
		return l.Value.Double() + 0 // no negative zero
	case l.Kind == LiteralDuration:
		return float64(l.Value.Int()) / 1e9
	}
	return float64(l.Value.Int())
}
