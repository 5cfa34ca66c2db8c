// Package terminal lays text out in columns for people who read it in a
// terminal, of whatever width and in whatever script.
//
// What came over the network must go through [Clean] before it is printed:
// terminals obey escape sequences, and a span may be named by anybody.
package terminal

import (
	"strings"
	"unicode"
	"unicode/utf8"

	"golang.org/x/text/width"
)

// Clean makes text of anybody's harmless and one line: characters that a
// terminal would obey or not show are replaced, and so is what is no UTF-8.
func Clean(s string) string {
	return strings.Map(func(r rune) rune {
		switch {
		case r == '\n' || r == '\t' || r == '\r':
			return ' '
		case r == utf8.RuneError || unicode.IsControl(r) || unicode.Is(unicode.Bidi_Control, r) || unicode.Is(unicode.Zl, r) || unicode.Is(unicode.Zp, r):
			return '\uFFFD'
		}
		return r
	}, s)
}

// Width is the number of columns that a clean text takes.
func Width(s string) (n int) {
	for _, r := range s {
		n += runeWidth(r)
	}
	return n
}

// runeWidth is 2 for the wide characters of East Asian scripts and for emoji,
// 0 for marks that are drawn onto the character before them.
func runeWidth(r rune) int {
	switch {
	case r < 0x300:
		return 1
	case unicode.In(r, unicode.Mn, unicode.Me, unicode.Cf):
		return 0
	}
	switch width.LookupRune(r).Kind() {
	case width.EastAsianWide, width.EastAsianFullwidth:
		return 2
	}
	return 1
}

// Clip is the beginning of s that fits into n columns, with an ellipsis where
// something was cut off.
func Clip(s string, n int) string {
	if Width(s) <= n {
		return s
	}
	if n < 1 {
		return ""
	}
	used := 0
	for i, r := range s {
		w := runeWidth(r)
		if used+w > n-1 {
			return s[:i] + "…"
		}
		used += w
	}
	return s
}

// Fit is s in exactly n columns: clipped, or with spaces behind.
func Fit(s string, n int) string {
	s = Clip(s, n)
	return s + strings.Repeat(" ", max(n-Width(s), 0))
}
