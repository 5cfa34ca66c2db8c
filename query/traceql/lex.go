package traceql

import (
	"fmt"
	"strconv"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"github.com/kiseki-dev/kiseki/storage/scan"
	"github.com/kiseki-dev/kiseki/telemetry"
)

type tokenKind uint8

const (
	tokEnd     tokenKind = iota
	tokOp                // an operator or bracket, or whatever else is out of place
	tokField             // an attribute
	tokWord              // a bare or "scope:" name: an intrinsic, function, keyword or mistake
	tokLiteral           // a string or number
)

type token struct {
	kind    tokenKind
	pos     int
	text    string
	field   Field   // of tokField
	literal Literal // of tokLiteral
}

// lexer cuts a query into tokens. The text is valid UTF-8.
type lexer struct {
	text    string
	pos     int
	braces  int  // open ones
	operand bool // the token before was one, so that a minus is an operator
}

// operators are longest first where one begins another.
var operators = [...]string{
	"!>>", "!<<", "&>>", "&<<", "&&", "||", "=~", "!~", "!=", "<=", ">=", ">>", "<<", "!>", "!<", "&>", "&<", "&~",
	"{", "}", "(", ")", "|", ",", "=", "<", ">", "~", "!", "+", "-", "*", "/", "%", "^",
}

// comparisons are the operators of comparison.
var comparisons = [...]struct {
	text string
	op   CompareOp
}{
	{"=~", scan.OpMatch}, {"!~", scan.OpNotMatch}, {"!=", scan.OpNotEqual}, {"<=", scan.OpLessEqual},
	{">=", scan.OpGreaterEqual}, {"=", scan.OpEqual}, {"<", scan.OpLess}, {">", scan.OpGreater},
}

// isKeyRune reports whether r may stand in an attribute name without quotes.
func isKeyRune(r rune) bool {
	return !unicode.IsSpace(r) && !unicode.IsControl(r) && !strings.ContainsRune("{}()=~!<>&|^,\"`", r)
}

func isWordByte(c byte) bool {
	return c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c >= '0' && c <= '9' || c == '_'
}

func (l *lexer) next() (token, error) {
	t, err := l.token()
	l.operand = t.kind >= tokField || t.kind == tokOp && (t.text == ")" || t.text == "}")
	if t.kind == tokOp && t.text == "{" {
		l.braces++
	} else if t.kind == tokOp && t.text == "}" {
		l.braces--
	}
	return t, err
}

func (l *lexer) token() (token, error) {
	for l.pos < len(l.text) {
		r, n := utf8.DecodeRuneInString(l.text[l.pos:])
		if !unicode.IsSpace(r) {
			break
		}
		l.pos += n
	}
	if l.pos == len(l.text) {
		return token{pos: l.pos}, nil
	}
	rest := l.text[l.pos:]
	switch c := rest[0]; {
	case c == '"' || c == '`':
		return l.quoted()
	case isDigit(c), c == '-' && !l.operand && digitAt(rest, 1), c == '.' && l.braces == 0 && digitAt(rest, 1):
		return l.number()
	case c == '.':
		return l.attribute(scan.ScopeAny, 0)
	case isWordByte(c):
		return l.word()
	}
	for _, o := range &operators {
		if strings.HasPrefix(rest, o) {
			return l.take(tokOp, len(o)), nil
		}
	}
	_, n := utf8.DecodeRuneInString(rest)
	return l.take(tokOp, n), nil
}

func isDigit(c byte) bool { return c >= '0' && c <= '9' }

// digitAt reports whether a digit, perhaps after a dot, is at s[i].
func digitAt(s string, i int) bool {
	if i < len(s) && s[i] == '.' {
		i++
	}
	return i < len(s) && isDigit(s[i])
}

func (l *lexer) take(kind tokenKind, n int) token {
	t := token{kind: kind, pos: l.pos, text: l.text[l.pos : l.pos+n]}
	l.pos += n
	return t
}

func (l *lexer) quoted() (token, error) {
	rest, end := l.text[l.pos:], 1
	for end < len(rest) && rest[end] != rest[0] {
		if rest[0] == '"' && rest[end] == '\\' {
			end++
		}
		end++
	}
	if end >= len(rest) {
		return token{}, &Error{Pos: l.pos, Message: "the string is not closed", Expected: "a closing " + rest[:1]}
	}
	t := l.take(tokLiteral, end+1)
	s := t.text[1:end]
	if rest[0] == '"' {
		var err error
		if s, err = strconv.Unquote(t.text); err != nil || !utf8.ValidString(s) {
			return token{}, &Error{Pos: t.pos, Message: "the string has an invalid escape or a line break", Expected: "a string escaped as in Go, or a raw string in backquotes"}
		}
	}
	t.literal = Literal{Kind: LiteralString, Value: telemetry.StringValue(s)}
	return t, nil
}

// attribute reads ".key" with the key plain, quoted, or a mixture. prefix is
// the length of the scope's name before the dot.
func (l *lexer) attribute(scope scan.Scope, prefix int) (token, error) {
	rest := l.text[l.pos:]
	i := prefix + 1
	var key strings.Builder
	quotes := false
	for i < len(rest) {
		if rest[i] == '"' {
			n, ok := unquoteKey(rest[i:], &key)
			if !ok {
				return token{}, &Error{Pos: l.pos + i, Message: "the attribute name is not closed", Expected: `a closing "`}
			}
			quotes = true
			i += n
			continue
		}
		r, n := utf8.DecodeRuneInString(rest[i:])
		if !isKeyRune(r) {
			break
		}
		key.WriteString(rest[i : i+n])
		i += n
	}
	if key.Len() == 0 && !quotes {
		return token{}, &Error{Pos: l.pos + i, Message: "the attribute has no name", Expected: "an attribute name"}
	}
	t := l.take(tokField, i)
	t.field = Field{Field: scan.Field{Scope: scope, Key: key.String()}}
	return t, nil
}

// unquoteKey appends the content of the quoted name that s starts with to key
// and returns the length of its source. Only \" and \\ are escapes.
func unquoteKey(s string, key *strings.Builder) (n int, ok bool) {
	for i := 1; i < len(s); i++ {
		switch {
		case s[i] == '"':
			return i + 1, true
		case s[i] == '\\' && i+1 < len(s) && (s[i+1] == '"' || s[i+1] == '\\'):
			i++
		}
		key.WriteByte(s[i])
	}
	return 0, false
}

// word reads a name. Followed by a dot it must be an attribute's scope;
// followed by a colon it takes the part after the colon along.
func (l *lexer) word() (token, error) {
	rest := l.text[l.pos:]
	n := 0
	for n < len(rest) && isWordByte(rest[n]) {
		n++
	}
	if n < len(rest) && rest[n] == '.' {
		scope, ok := lookupScope(rest[:n])
		if !ok {
			names := []string{"span", "resource", "event", "link", "instrumentation"}
			return token{}, &Error{
				Pos: l.pos, Message: fmt.Sprintf("unknown scope %q", rest[:n]) + didYouMean(rest[:n], names),
				Expected: "span., resource., event., link., instrumentation. or . before an attribute name",
			}
		}
		return l.attribute(scope, n)
	}
	if n+1 < len(rest) && rest[n] == ':' && isWordByte(rest[n+1]) {
		for n++; n < len(rest) && isWordByte(rest[n]); n++ {
		}
	}
	return l.take(tokWord, n), nil
}

// number reads an integer, float or duration, with its sign.
func (l *lexer) number() (token, error) {
	rest := l.text[l.pos:]
	n := 1
	for n < len(rest) {
		c := rest[n]
		exponentSign := (c == '+' || c == '-') && (rest[n-1] == 'e' || rest[n-1] == 'E')
		if !isWordByte(c) && c != '.' && c < utf8.RuneSelf && !exponentSign {
			break
		}
		if c >= utf8.RuneSelf { // the µ of µs
			if r, _ := utf8.DecodeRuneInString(rest[n:]); r != 'µ' && r != 'μ' {
				break
			}
			n++
		}
		n++
	}
	t := l.take(tokLiteral, n)
	const want = "a number such as 200 or 0.5, or a duration such as 100ms or 1h30m"
	if strings.Trim(t.text, "-+0123456789.eE") == "" {
		if i, err := strconv.ParseInt(t.text, 10, 64); err == nil {
			t.literal = Literal{Kind: LiteralInt, Value: telemetry.IntValue(i)}
			return t, nil
		}
		f, err := strconv.ParseFloat(t.text, 64)
		if err != nil || !strings.ContainsAny(t.text, ".eE") {
			return token{}, &Error{Pos: t.pos, Message: fmt.Sprintf("%q is not a number of 64 bits", t.text), Expected: want}
		}
		t.literal = Literal{Kind: LiteralFloat, Value: telemetry.DoubleValue(f)}
		return t, nil
	}
	d, err := time.ParseDuration(t.text)
	if err != nil {
		return token{}, &Error{Pos: t.pos, Message: fmt.Sprintf("%q is neither a number nor a duration", t.text), Expected: want}
	}
	t.literal = Literal{Kind: LiteralDuration, Value: telemetry.IntValue(int64(d))}
	return t, nil
}
