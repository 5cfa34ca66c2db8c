package sqltrace

import "strings"

type kind int

const (
	atEnd   kind = iota
	word         // a keyword or a name, with its quotes and dots
	literal      // a string or a number
	symbol       // anything else, parameters included
)

type token struct {
	kind kind
	text string
}

// lexer cuts a query into tokens. It leaves out comments.
type lexer struct {
	rest   string
	system string
}

// next is the next token, and whether there was white space or a comment
// before it.
func (l *lexer) next() (t token, spaced bool) {
	spaced = l.skipSpace()
	if l.rest == "" {
		return token{}, spaced
	}
	switch c := l.rest[0]; {
	case c == '\'':
		return token{literal, l.take(l.quoted(1, '\'', l.hasBackslashes()))}, spaced
	case c == '"' && l.stringsInDoubleQuotes():
		return token{literal, l.take(l.quoted(1, '"', true))}, spaced
	case c == '$':
		return l.dollar(), spaced
	case isDigit(c), c == '.' && len(l.rest) > 1 && isDigit(l.rest[1]):
		return token{literal, l.take(l.numberEnd())}, spaced
	case isNameStart(c), c == '"', c == '`', c == '[' && l.system == "microsoft.sql_server":
		return l.name(), spaced
	case c == ':' || c == '@' || c == '?':
		// A parameter: :name, @name, ?1. A colon more is a cast.
		n := 1
		for n < len(l.rest) && isNamePart(l.rest[n]) {
			n++
		}
		return token{symbol, l.take(n)}, spaced
	}
	return token{symbol, l.take(1)}, spaced
}

func (l *lexer) take(n int) string {
	s := l.rest[:n]
	l.rest = l.rest[n:]
	return s
}

func (l *lexer) skipSpace() bool {
	before := len(l.rest)
	for {
		l.rest = strings.TrimLeft(l.rest, " \t\r\n\f\v")
		switch {
		case strings.HasPrefix(l.rest, "--"), strings.HasPrefix(l.rest, "#") && l.isMySQL():
			_, l.rest, _ = strings.Cut(l.rest, "\n")
		case strings.HasPrefix(l.rest, "/*"):
			_, l.rest, _ = strings.Cut(l.rest[2:], "*/")
		default:
			return len(l.rest) < before
		}
	}
}

// quoted is the end of what began with a quote at from-1; a quote twice is
// one in it, and so is one after a backslash if the database has those. What
// has no end ends with the query: half a string is a secret too.
func (l *lexer) quoted(from int, quote byte, backslashes bool) int {
	for i := from; i < len(l.rest); i++ {
		switch {
		case l.rest[i] == '\\' && l.system == "other_sql" && quote == '\'' && i+1 < len(l.rest) && l.rest[i+1] == '\'':
			// A string may end here or not, depending on the database.
			return len(l.rest)
		case l.rest[i] == '\\' && backslashes:
			i++
		case l.rest[i] == quote:
			if i+1 == len(l.rest) || l.rest[i+1] != quote {
				return i + 1
			}
			i++
		}
	}
	return len(l.rest)
}

// dollar is a parameter ($1), or a string of PostgreSQL: $$…$$, $tag$…$tag$.
func (l *lexer) dollar() token {
	n := 1
	for n < len(l.rest) && isNamePart(l.rest[n]) && l.rest[n] != '$' {
		n++
	}
	if n == len(l.rest) || l.rest[n] != '$' || n > 1 && isDigit(l.rest[1]) {
		return token{symbol, l.take(n)}
	}
	tag := l.rest[:n+1]
	if end := strings.Index(l.rest[n+1:], tag); end >= 0 {
		return token{literal, l.take(n + 1 + end + len(tag))}
	}
	return token{literal, l.take(len(l.rest))}
}

// name is a word, or a name with its parts: shop.orders, "Shop"."Orders". A
// word right before a quote is a prefix of a string: E'…', X'…', N'…'.
func (l *lexer) name() token {
	n := 0
	for n < len(l.rest) {
		switch c := l.rest[n]; {
		case isNamePart(c):
			n++
			continue
		case c == '.' && n > 0 && n+1 < len(l.rest) && (isNameStart(l.rest[n+1]) || l.rest[n+1] == '"' || l.rest[n+1] == '`' || l.rest[n+1] == '['):
			n++
			continue
		case (c == '"' && !l.stringsInDoubleQuotes() || c == '`') && (n == 0 || l.rest[n-1] == '.'):
			n = l.quoted(n+1, c, false)
			continue
		case c == '[' && l.system == "microsoft.sql_server" && (n == 0 || l.rest[n-1] == '.'):
			n = l.quoted(n+1, ']', false)
			continue
		case c == '\'' && n <= 2:
			escapes := l.hasBackslashes() || l.rest[0] == 'E' || l.rest[0] == 'e'
			return token{literal, l.take(l.quoted(n+1, '\'', escapes))}
		}
		break
	}
	return token{word, l.take(n)}
}

func (l *lexer) numberEnd() int {
	n := 0
	for n < len(l.rest) {
		c := l.rest[n]
		sign := (c == '+' || c == '-') && (l.rest[n-min(n, 1)]|0x20) == 'e' && n > 0
		if !isNamePart(c) && c != '.' && !sign {
			break
		}
		n++
	}
	return n
}

func (l *lexer) isMySQL() bool { return l.system == "mysql" || l.system == "mariadb" }

// hasBackslashes reports whether a backslash escapes a quote in a string.
func (l *lexer) hasBackslashes() bool {
	return l.isMySQL() || l.system == "clickhouse" || l.system == "gcp.spanner" || l.system == "hive"
}

// stringsInDoubleQuotes reports whether "…" is a string, not a name.
func (l *lexer) stringsInDoubleQuotes() bool {
	return l.isMySQL() || l.system == "gcp.spanner" || l.system == "hive"
}

func isDigit(c byte) bool { return '0' <= c && c <= '9' }

func isNameStart(c byte) bool {
	return 'a' <= c && c <= 'z' || 'A' <= c && c <= 'Z' || c == '_' || c >= 0x80
}

func isNamePart(c byte) bool { return isNameStart(c) || isDigit(c) || c == '$' }
