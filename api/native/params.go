package native

import (
	"fmt"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"

	"github.com/kiseki-dev/kiseki/query/plan"
	"github.com/kiseki-dev/kiseki/query/traceql"
)

// params are the query parameters of a request. Each is taken by name; what
// is left when the handler is done with them is refused.
type params struct {
	values url.Values
	err    *problem // the first thing wrong
}

func readParams(raw string) (params, error) {
	v, err := url.ParseQuery(raw)
	if err != nil {
		return params{}, badParameter("encoding", "The query string is not valid: "+err.Error()+".")
	}
	return params{values: v}, nil
}

func (p *params) fail(name, why string) {
	if p.err == nil {
		p.err = badParameter(name, why)
	}
}

// text takes a parameter that is at most max characters long.
func (p *params) text(name string, most int) (value string, given bool) {
	all, ok := p.values[name]
	if !ok {
		return "", false
	}
	delete(p.values, name)
	switch {
	case len(all) > 1:
		p.fail(name, "The parameter is given more than once.")
	case !utf8.ValidString(all[0]):
		p.fail(name, "The value is not valid UTF-8.")
	case utf8.RuneCountInString(all[0]) > most:
		p.fail(name, fmt.Sprintf("The value is longer than %d characters.", most))
	}
	return all[0], true
}

// integer takes a parameter between 1 and most.
func (p *params) integer(name string, most, otherwise int) int {
	s, ok := p.text(name, 20)
	if !ok {
		return otherwise
	}
	n, err := strconv.Atoi(s)
	if err != nil || n < 1 || n > most {
		p.fail(name, fmt.Sprintf("%q is not an integer from 1 to %d.", s, most))
		return otherwise
	}
	return n
}

// moment takes a time in Unix nanoseconds.
func (p *params) moment(name string, otherwise uint64) uint64 {
	s, ok := p.text(name, 20)
	if !ok {
		return otherwise
	}
	n, err := readMoment(name, s)
	if err != nil {
		p.fail(name, err.Detail)
	}
	return n
}

func readMoment(name, s string) (uint64, *problem) {
	n, err := strconv.ParseUint(s, 10, 64)
	if err != nil {
		return 0, badParameter(name, fmt.Sprintf("%q is not a time in nanoseconds since 1970, a decimal of at most 64 bits.", s))
	}
	return n, nil
}

// search takes q, start and end, which say what spans a request is about. It
// comes after the parameters that only some requests have.
func (p *params) search() (*plan.Search, error) {
	text, _ := p.text("q", traceql.MaxLength)
	out := &plan.Search{Start: p.moment("start", 0), End: p.moment("end", plan.All)}
	if err := p.done(); err != nil {
		return nil, err
	}
	if out.Start > out.End {
		return nil, badParameter("end", "The end is before the start.")
	}
	query, err := traceql.ParseSearch(text)
	if err != nil {
		return nil, parseProblem("q", err)
	}
	out.Fields = query.Selected()
	out.Filter, out.Spans = plan.Pipeline(query.Spans, out.Start > 0 || out.End != plan.All)
	return out, nil
}

// choice takes a parameter that is one of some words.
func (p *params) choice(name, otherwise string, words ...string) string {
	s, ok := p.text(name, 64)
	if !ok {
		return otherwise
	}
	if !slices.Contains(words, s) {
		p.fail(name, fmt.Sprintf("%q is not one of %s.", s, strings.Join(words, ", ")))
		return otherwise
	}
	return s
}

// done is the first thing wrong with the parameters, those that nobody took
// included.
func (p *params) done() error {
	if p.err != nil {
		return p.err
	}
	names := make([]string, 0, len(p.values))
	for name := range p.values {
		names = append(names, name)
	}
	if len(names) == 0 {
		return nil
	}
	slices.Sort(names)
	return badParameter(names[0], "There is no such parameter here.")
}
