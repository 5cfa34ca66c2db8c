package zipkin

import (
	"net/url"
	"strconv"
	"time"
	"unicode/utf8"

	"github.com/kiseki-dev/kiseki/query/plan"
)

const (
	// maxText bounds names and queries, in bytes.
	maxText = 4096
	// defaultLookback is that of Zipkin's server (QUERY_LOOKBACK).
	defaultLookback = 24 * time.Hour
	// maxMicros keeps what is converted to nanoseconds within 63 bits.
	maxMicros = 1<<63/1000 - 2
)

// params are the query parameters of a request.
type params struct{ values url.Values }

func readParams(raw string) (params, error) {
	v, err := url.ParseQuery(raw)
	if err != nil {
		return params{}, badRequest("the query string is not valid: %v", err)
	}
	return params{v}, nil
}

// text is a parameter, or "".
func (p params) text(name string) (string, error) {
	s := p.values.Get(name)
	switch {
	case len(s) > maxText:
		return "", badRequest("%s is longer than %d bytes", name, maxText)
	case !utf8.ValidString(s):
		return "", badRequest("%s is not valid UTF-8", name)
	}
	return s, nil
}

// needed is a parameter that a request cannot do without.
func (p params) needed(name string) (string, error) {
	s, err := p.text(name)
	if err == nil && s == "" {
		err = badRequest("%s parameter is missing", name)
	}
	return s, err
}

// number is a parameter of at least 1; ok is false where it is not given.
func (p params) number(name string, most uint64) (n uint64, ok bool, err error) {
	s := p.values.Get(name)
	if s == "" {
		return 0, false, nil
	}
	n, err = strconv.ParseUint(s, 10, 64)
	if err != nil || n < 1 || n > most {
		return 0, false, badRequest("%s is not a number from 1 to %d: %.30q", name, most, s)
	}
	return n, true, nil
}

// window takes endTs and lookback, which are in milliseconds, as [start, end)
// in Unix nanoseconds.
func (a *api) window(p params) (start, end uint64, err error) {
	endTs, given, err := p.number("endTs", maxMicros/1000)
	if err != nil {
		return 0, 0, err
	}
	if !given {
		endTs = uint64(max(1, a.Now().UnixMilli()))
	}
	lookback, given, err := p.number("lookback", maxMicros/1000)
	if err != nil {
		return 0, 0, err
	}
	if !given {
		lookback = uint64(defaultLookback.Milliseconds())
	}
	const ms = uint64(time.Millisecond)
	return (endTs - min(endTs, lookback)) * ms, endTs*ms + 1, nil
}

// recent is the last day, for lists that Zipkin gives no range of time.
func (a *api) recent(p *plan.Search) {
	now := a.Now()
	p.Start, p.End = uint64(max(0, now.Add(-defaultLookback).UnixNano())), plan.All
}
