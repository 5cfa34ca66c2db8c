package jaeger

import (
	"encoding/json"
	"net/url"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/kiseki-dev/kiseki/telemetry"
)

const (
	// maxText bounds names and tags, in bytes.
	maxText = 4096
	// maxTags of a search; each costs up to six comparisons.
	maxTags = 32
	// maxIDs bounds the traces that are asked for by ID.
	maxIDs = 1000
	// latest is the latest time that is understood, in Unix nanoseconds.
	latest = 1<<63 - 1
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

// one is the first of several spellings of a parameter that is given, or "".
func (p params) one(names ...string) (text, name string) {
	for _, name := range names {
		if s := p.values.Get(name); s != "" {
			return s, name
		}
	}
	return "", names[0]
}

// text is a parameter, or "".
func (p params) text(names ...string) (string, error) {
	s, name := p.one(names...)
	if why := checkText(s); why != "" {
		return "", unparsed(name, why)
	}
	return s, nil
}

// checkText is why a text is not taken, or "".
func checkText(s string) string {
	switch {
	case len(s) > maxText:
		return "it is longer than " + strconv.Itoa(maxText) + " bytes"
	case !utf8.ValidString(s):
		return "it is not valid UTF-8"
	}
	return ""
}

func unparsed(name, why string) error { return badRequest("unable to parse param '%s': %s", name, why) }

// number is a parameter, or otherwise if it is not given.
func (p params) number(otherwise, most uint64, names ...string) (uint64, error) {
	s, name := p.one(names...)
	if s == "" {
		return otherwise, nil
	}
	n, err := strconv.ParseUint(s, 10, 64)
	if err != nil || n > most {
		return 0, unparsed(name, strconv.Quote(cut(s))+" is not a number from 0 to "+strconv.FormatUint(most, 10))
	}
	return n, nil
}

// cut is what a message repeats of what a client sent.
func cut(s string) string { return s[:min(len(s), 40)] }

// truth is a parameter that is true or false; false where it is not given.
func (p params) truth(name string) (bool, error) {
	s := p.values.Get(name)
	if s == "" {
		return false, nil
	}
	b, err := strconv.ParseBool(s)
	if err != nil {
		return false, unparsed(name, strconv.Quote(cut(s))+" is neither true nor false")
	}
	return b, nil
}

// length is a parameter such as 1.5s or 300ms; 0 where it is not given.
func (p params) length(names ...string) (time.Duration, error) {
	s, name := p.one(names...)
	if s == "" {
		return 0, nil
	}
	d, err := time.ParseDuration(s)
	if err != nil || d < 0 {
		return 0, unparsed(name, strconv.Quote(cut(s))+" is not a length of time such as 1.5s or 300ms")
	}
	return d, nil
}

// lookback is how far back a search goes, such as 1h or 2d. The UI sends
// "custom" where a person chose the start.
func (p params) lookback() (time.Duration, bool) {
	s := p.values.Get("lookback")
	days, whole := strings.CutSuffix(s, "d")
	if n, err := strconv.ParseUint(days, 10, 16); whole && err == nil {
		return time.Duration(n) * 24 * time.Hour, true
	}
	d, err := time.ParseDuration(s)
	return d, err == nil && d > 0
}

// moment is a parameter of RFC 3339, which it has to be given.
func (p params) moment(names ...string) (uint64, error) {
	s, name := p.one(names...)
	if s == "" {
		return 0, badRequest("parameter %s is required, as in 2026-01-31T12:00:00Z", name)
	}
	t, err := time.Parse(time.RFC3339Nano, s)
	if err != nil {
		return 0, badRequest("malformed parameter %s: %q is not a time such as 2026-01-31T12:00:00Z", name, cut(s))
	}
	return unixNano(t), nil
}

// unixNano is a time in Unix nanoseconds, or the nearest that there is.
func unixNano(t time.Time) uint64 {
	switch {
	case t.Unix() < 0:
		return 0
	case t.Unix() >= latest/int64(time.Second):
		return latest
	}
	return uint64(t.UnixNano())
}

// readTags takes a JSON object of strings.
func readTags(name, text string, into map[string]string) error {
	if text == "" {
		return nil
	}
	var tags map[string]string
	if len(text) > maxTags*maxText || json.Unmarshal([]byte(text), &tags) != nil {
		return badRequest("malformed '%s' parameter: it is not a JSON object of strings, as in {\"http.status_code\":\"500\"}", name)
	}
	for k, v := range tags {
		into[k] = v
	}
	return nil
}

func parseID(text string) (telemetry.TraceID, error) {
	text = strings.TrimSpace(text)
	if n := len(text); n > 0 && n < 32 && n != 16 { // Jaeger pads what begins with zeros
		width := 16
		if n > 16 {
			width = 32
		}
		text = strings.Repeat("0", width-n) + text
	}
	id, err := telemetry.ParseTraceID(text)
	if err != nil || id.IsZero() {
		return id, badRequest("%q is not a trace ID of 1 to 32 hexadecimal digits", cut(text))
	}
	return id, nil
}
