package redact

import "strings"

// SQL replaces the values in a statement by "?": strings, numbers, and what
// is between dollar signs in PostgreSQL. Names, placeholders and comments
// stay. It reads what any SQL has in common and takes what it is not sure of
// for a value: a text in double quotes, which is one in MySQL and a name
// elsewhere, stays only where a name must be.
func SQL(statement string) string {
	var out strings.Builder
	out.Grow(len(statement))
	for i := 0; i < len(statement); {
		end, value := sqlToken(statement, i)
		if value {
			out.WriteByte('?')
		} else {
			out.WriteString(statement[i:end])
		}
		i = end
	}
	return out.String()
}

// sqlToken returns where the token at i ends and whether it is a value.
func sqlToken(s string, i int) (end int, value bool) {
	switch c := s[i]; {
	case c == '\'':
		return quoted(s, i, false), true
	case c == '"':
		end = quoted(s, i, false)
		return end, !isName(s, i, end)
	case c == '`' || c == '[' && i > 0 && (s[i-1] == ' ' || s[i-1] == '.'):
		return identifier(s, i), false
	case c == '-' && strings.HasPrefix(s[i:], "--"):
		return until(s, i, "\n"), false
	case c == '/' && strings.HasPrefix(s[i:], "/*"):
		return until(s, i, "*/"), false
	case c == '$':
		return dollar(s, i)
	case c >= '0' && c <= '9':
		return numberEnd(s, i), true
	case wordByte(c) || c >= 0x80 || c == '@' || c == ':':
		end = i + 1
		for end < len(s) && (wordByte(s[end]) || s[end] >= 0x80 || s[end] == '$') {
			end++
		}
		// E'…', N'…', X'…' and the like are values.
		if end < len(s) && s[end] == '\'' && end-i <= 2 && c != ':' {
			return quoted(s, end, c == 'e' || c == 'E'), true
		}
		return end, false
	}
	return i + 1, false
}

// quoted is the end of the text in quotes that begins at i. A doubled quote is
// a part of it. What \' means depends on the database: a quote in the text, or
// a backslash and the end of it. Only with escapes is it known; otherwise
// everything to the end of the statement is taken, or a piece of a value would
// pass for SQL.
func quoted(s string, i int, escapes bool) int {
	quote := s[i]
	for i++; i < len(s); i++ {
		switch {
		case s[i] == '\\' && escapes:
			i++
		case s[i] == '\\' && i+1 < len(s) && s[i+1] == quote:
			return len(s)
		case s[i] == quote && i+1 < len(s) && s[i+1] == quote:
			i++
		case s[i] == quote:
			return i + 1
		}
	}
	return len(s)
}

func identifier(s string, i int) int {
	closing := s[i]
	if closing == '[' {
		closing = ']'
	}
	if j := strings.IndexByte(s[i+1:], closing); j >= 0 {
		return i + 1 + j + 1
	}
	return len(s)
}

// beforeNames are words after which there is a name.
var beforeNames = map[string]bool{
	"FROM": true, "JOIN": true, "INTO": true, "UPDATE": true, "TABLE": true, "AS": true, "SELECT": true, "BY": true,
	"ON": true, "SET": true, "WHERE": true, "DISTINCT": true, "COLUMN": true, "INDEX": true,
}

// isName reports whether what is in double quotes from start to end can only
// be a name: a part of a dotted one, what is compared with something, or what
// follows one of beforeNames.
func isName(s string, start, end int) bool {
	if start > 0 && s[start-1] == '.' || end < len(s) && s[end] == '.' {
		return true
	}
	if rest := strings.TrimLeft(s[end:], " \t\r\n"); rest != "" && strings.ContainsRune("=<>!", rune(rest[0])) {
		return true
	}
	before := strings.TrimRight(s[:start], " \t\r\n")
	w := len(before)
	for w > 0 && wordByte(before[w-1]) {
		w--
	}
	return beforeNames[strings.ToUpper(before[w:])]
}

func until(s string, i int, ending string) int {
	if j := strings.Index(s[i:], ending); j >= 0 {
		return i + j + len(ending)
	}
	return len(s)
}

// dollar is $1, a placeholder, or $tag$text$tag$, a value.
func dollar(s string, i int) (end int, value bool) {
	end = i + 1
	for end < len(s) && wordByte(s[end]) {
		end++
	}
	if end == len(s) || s[end] != '$' || end > i+1 && s[i+1] <= '9' {
		return end, false
	}
	tag := s[i : end+1]
	if j := strings.Index(s[end+1:], tag); j >= 0 {
		return end + 1 + j + len(tag), true
	}
	return len(s), true
}

// numberEnd is the end of 1, 1.5, 1e-9 and 0xff.
func numberEnd(s string, i int) int {
	for i < len(s) && (wordByte(s[i]) || s[i] == '.' || (s[i] == '-' || s[i] == '+') && (s[i-1] == 'e' || s[i-1] == 'E')) {
		i++
	}
	return i
}
