package sampler

import (
	"unicode"
	"unicode/utf8"
)

// matches reports whether s is of the pattern, in which * is any text and ?
// any character. Case does not matter. It takes at most len(pattern)*len(s)
// steps, whatever the pattern.
func matches(pattern, s string) bool {
	if pattern == "*" {
		return true
	}
	p, i := 0, 0
	star, from := -1, 0 // the last * and where what follows it was tried
	for i < len(s) {
		pr, pn := utf8.DecodeRuneInString(pattern[p:])
		sr, sn := utf8.DecodeRuneInString(s[i:])
		switch {
		case pn > 0 && pr == '*':
			star, from = p, i
			p++
		case pn > 0 && (pr == '?' || unicode.ToLower(pr) == unicode.ToLower(sr)):
			p, i = p+pn, i+sn
		case star >= 0:
			_, n := utf8.DecodeRuneInString(s[from:])
			from += n
			p, i = star+1, from
		default:
			return false
		}
	}
	for p < len(pattern) && pattern[p] == '*' {
		p++
	}
	return p == len(pattern)
}
