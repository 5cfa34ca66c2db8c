package httptrace

import "strings"

// pattern is a route to compare paths with, see Only.
type pattern struct {
	method   string // "" for all
	segments []string
	rest     bool // whether anything may follow the segments
}

func parsePatterns(list []string) []pattern {
	patterns := make([]pattern, len(list))
	for i, s := range list {
		patterns[i] = parsePattern(s)
	}
	return patterns
}

func parsePattern(s string) (p pattern) {
	if method, path, ok := strings.Cut(s, " "); ok {
		p.method, s = method, strings.TrimSpace(path)
	}
	p.segments = strings.Split(strings.TrimPrefix(s, "/"), "/")
	last := len(p.segments) - 1
	if end := p.segments[last]; end == "*" || strings.HasPrefix(end, "{") && strings.HasSuffix(end, "...}") {
		p.segments, p.rest = p.segments[:last], true
	}
	return p
}

func (p pattern) matches(method, path string) bool {
	if p.method != "" && p.method != method {
		return false
	}
	path = strings.TrimPrefix(path, "/")
	more := true
	for _, want := range p.segments {
		if !more {
			return false
		}
		var segment string
		segment, path, more = strings.Cut(path, "/")
		if isVariable := strings.HasPrefix(want, "{") && strings.HasSuffix(want, "}"); isVariable {
			if segment == "" {
				return false
			}
		} else if want != segment {
			return false
		}
	}
	return p.rest || !more
}

// wants reports whether a request is to be traced.
func (o *options) wants(method, path string) bool {
	return (len(o.only) == 0 || anyMatches(o.only, method, path)) && !anyMatches(o.except, method, path)
}

func anyMatches(patterns []pattern, method, path string) bool {
	for _, p := range patterns {
		if p.matches(method, path) {
			return true
		}
	}
	return false
}
