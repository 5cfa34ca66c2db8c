package otlp

import (
	"encoding/hex"
	"fmt"
	"math"
	"strconv"
	"strings"
	"unicode/utf16"
	"unicode/utf8"
)

// The lexical half of the JSON decoder (RFC 8259). Errors are sticky: after
// one, every function returns at once and every loop ends, so that callers
// need look at Decoder.err only once.

// maxSkipDepth is how deep a field nobody knows may nest.
const maxSkipDepth = 128

// fields walks the members of an object and items the elements of an array:
//
//	for o := d.object(); d.member(&o); {
//		switch o.name { … }
//	}
type fields struct {
	name  string // valid until the next value is read
	begun bool
	done  bool
}

// peek is the next byte that is not white space, or 0 at the end and after an
// error.
func (d *Decoder) peek() byte {
	if d.err != nil {
		return 0
	}
	for ; d.pos < len(d.in); d.pos++ {
		switch c := d.in[d.pos]; c {
		case ' ', '\t', '\n', '\r':
		default:
			return c
		}
	}
	return 0
}

// expected records that something else was found.
func (d *Decoder) expected(what string) {
	c := d.peek()
	if d.pos >= len(d.in) {
		d.fail(d.pos, "expected "+what+", found the end")
		return
	}
	d.fail(d.pos, fmt.Sprintf("expected %s, found %q", what, rune(c)))
}

// take consumes c if it comes next.
func (d *Decoder) take(c byte) bool {
	if d.peek() != c {
		return false
	}
	d.pos++
	return true
}

// null consumes a null if it comes next.
func (d *Decoder) null() bool {
	if d.peek() != 'n' || !strings.HasPrefix(d.in[d.pos:], "null") {
		return false
	}
	d.pos += len("null")
	return true
}

// open begins an object or array; null counts as an empty one.
func (d *Decoder) open(bracket byte, what string) fields {
	if d.null() {
		return fields{done: true}
	}
	if !d.take(bracket) {
		d.expected(what)
	}
	return fields{done: d.err != nil}
}

func (d *Decoder) object() fields { return d.open('{', "an object") }

func (d *Decoder) array() fields { return d.open('[', "an array") }

// more reports whether another member follows and consumes the punctuation.
func (d *Decoder) more(f *fields, bracket byte) bool {
	switch {
	case f.done || d.err != nil:
		return false
	case d.take(bracket):
		f.done = true
		return false
	case f.begun && !d.take(','):
		d.expected("',' or '" + string(rune(bracket)) + "'")
		return false
	}
	f.begun = true
	return true
}

// member goes to the next member of an object, up to its value.
func (d *Decoder) member(f *fields) bool {
	if !d.more(f, '}') {
		return false
	}
	start := len(d.arena)
	f.name = d.quoted()
	d.arena = d.arena[:start] // the name is gone before anything is appended
	if d.err == nil && !d.take(':') {
		d.expected("':'")
	}
	return d.err == nil
}

// item goes to the next element of an array.
func (d *Decoder) item(f *fields) bool { return d.more(f, ']') }

// quoted reads a string. It aliases the body, or if it has escapes or invalid
// UTF-8 it is what was appended to the arena.
func (d *Decoder) quoted() string {
	if !d.take('"') {
		d.expected("a string")
		return ""
	}
	start, ascii := d.pos, true
	for i := start; i < len(d.in); i++ {
		switch c := d.in[i]; {
		case c == '"':
			d.pos = i + 1
			if ascii {
				return d.in[start:i]
			}
			return d.text(d.in[start:i])
		case c == '\\':
			return d.unescape(start, i)
		case c < ' ':
			d.fail(i, "control character in a string")
			return ""
		case c >= utf8.RuneSelf:
			ascii = false
		}
	}
	d.fail(len(d.in), "string cut off")
	return ""
}

// unescape reads into the arena a string that begins at start and has its
// first backslash at i.
func (d *Decoder) unescape(start, i int) string {
	begin, invalid := len(d.arena), d.report.InvalidUTF8
	for i < len(d.in) {
		switch c := d.in[i]; {
		case c == '"':
			d.appendText(d.in[start:i])
			d.pos = i + 1
			d.report.InvalidUTF8 = min(d.report.InvalidUTF8, invalid+1)
			return alias(d.arena[begin:])
		case c == '\\':
			d.appendText(d.in[start:i])
			if i = d.escape(i); d.err != nil {
				return ""
			}
			start = i
		case c < ' ':
			d.fail(i, "control character in a string")
			return ""
		default:
			i++
		}
	}
	d.fail(len(d.in), "string cut off")
	return ""
}

// escape appends what the escape sequence at i means and returns the index
// after it.
func (d *Decoder) escape(i int) int {
	const from, to = `"\/bfnrt`, "\"\\/\b\f\n\r\t"
	if i+1 < len(d.in) {
		if k := strings.IndexByte(from, d.in[i+1]); k >= 0 {
			d.arena = append(d.arena, to[k])
			return i + 2
		}
	}
	r, ok := d.hex4(i)
	if !ok {
		d.fail(i, "malformed escape sequence")
		return i
	}
	i += 6
	if utf16.IsSurrogate(r) {
		low, _ := d.hex4(i)
		if r = utf16.DecodeRune(r, low); r == utf8.RuneError {
			d.report.InvalidUTF8++ // half of a pair
		} else {
			i += 6
		}
	}
	d.arena = utf8.AppendRune(d.arena, r)
	return i
}

// hex4 reads an escape of the form \u12ab at i.
func (d *Decoder) hex4(i int) (rune, bool) {
	if len(d.in)-i < 6 || d.in[i] != '\\' || d.in[i+1] != 'u' {
		return 0, false
	}
	var b [2]byte
	if _, err := hex.Decode(b[:], bytesOf(d.in[i+2:i+6])); err != nil {
		return 0, false
	}
	return rune(b[0])<<8 | rune(b[1]), true
}

// jsonText reads a string into dst; null leaves it alone.
func (d *Decoder) jsonText(dst *string) {
	if !d.null() {
		*dst = d.quoted()
	}
}

// jsonBool reads a boolean; ok is false for null.
func (d *Decoder) jsonBool() (value, ok bool) {
	if d.null() {
		return false, false
	}
	for _, word := range [...]string{"true", "false"} {
		if d.peek() == word[0] && strings.HasPrefix(d.in[d.pos:], word) {
			d.pos += len(word)
			return word == "true", true
		}
	}
	d.expected("true or false")
	return false, false
}

// token is the text of a number, which JSON's mapping of protobuf allows to
// be quoted; ok is false for null.
func (d *Decoder) token() (text string, ok bool) {
	if d.null() {
		return "", false
	}
	if d.peek() == '"' {
		start := len(d.arena)
		text = d.quoted()
		d.arena = d.arena[:start] // used up before anything is appended
		return text, d.err == nil
	}
	start := d.pos
	for d.pos < len(d.in) && strings.IndexByte("+-.0123456789eE", d.in[d.pos]) >= 0 {
		d.pos++
	}
	if start == d.pos {
		d.expected("a number")
	}
	return d.in[start:d.pos], d.err == nil
}

// jsonUint reads an unsigned integer up to limit into dst; null leaves it
// alone.
func (d *Decoder) jsonUint(dst *uint64, limit uint64) {
	text, ok := d.token()
	if !ok {
		return
	}
	negative, u, ok := parseInteger(text)
	if !ok || u > limit || negative && u > 0 {
		d.fail(d.pos-len(text), fmt.Sprintf("%.30q is not an integer from 0 to %d", text, limit))
		return
	}
	*dst = u
}

func (d *Decoder) jsonUint32(dst *uint32) {
	u := uint64(*dst)
	d.jsonUint(&u, math.MaxUint32)
	*dst = uint32(u)
}

// jsonInt reads a 64-bit signed integer; ok is false for null.
func (d *Decoder) jsonInt() (i int64, ok bool) {
	text, ok := d.token()
	if !ok {
		return 0, false
	}
	negative, u, ok := parseInteger(text)
	switch {
	case ok && !negative && u <= math.MaxInt64:
		return int64(u), true
	case ok && negative && u <= -math.MinInt64:
		return -int64(u), true
	}
	d.fail(d.pos-len(text), fmt.Sprintf("%.30q is not a 64-bit integer", text))
	return 0, false
}

// jsonDouble reads a double; ok is false for null.
func (d *Decoder) jsonDouble() (f float64, ok bool) {
	text, ok := d.token()
	if !ok {
		return 0, false
	}
	switch text {
	case "NaN":
		return math.NaN(), true
	case "Infinity":
		return math.Inf(1), true
	case "-Infinity":
		return math.Inf(-1), true
	}
	if _, ok = splitNumber(text); ok {
		if f, err := strconv.ParseFloat(text, 64); err == nil {
			return f, true
		}
	}
	d.fail(d.pos-len(text), fmt.Sprintf("%.30q is not a 64-bit float", text))
	return 0, false
}

// number is the parts of a JSON number.
type number struct {
	negative             bool
	whole, fraction, exp string // digits; exp with its sign
}

// splitNumber takes a number apart by the grammar of RFC 8259.
func splitNumber(s string) (n number, ok bool) {
	digits := func() string {
		i := 0
		for i < len(s) && s[i]-'0' <= 9 {
			i++
		}
		run := s[:i]
		s = s[i:]
		return run
	}
	if strings.HasPrefix(s, "-") {
		n.negative, s = true, s[1:]
	}
	if n.whole = digits(); n.whole == "" || n.whole[0] == '0' && len(n.whole) > 1 {
		return n, false
	}
	if strings.HasPrefix(s, ".") {
		s = s[1:]
		if n.fraction = digits(); n.fraction == "" {
			return n, false
		}
	}
	if s != "" && s[0]|0x20 == 'e' {
		sign, exp := "", s[1:]
		if exp != "" && (exp[0] == '-' || exp[0] == '+') {
			sign, exp = exp[:1], exp[1:]
		}
		whole := s
		s = exp
		run := digits()
		if run == "" {
			return n, false
		}
		n.exp = whole[1 : 1+len(sign)+len(run)]
	}
	return n, s == ""
}

// parseInteger reads a number that is integral, in whatever form it is
// written: 12, 1.2e1, 120e-1.
func parseInteger(s string) (negative bool, u uint64, ok bool) {
	n, ok := splitNumber(s)
	if !ok {
		return false, 0, false
	}
	exp := 0
	if n.exp != "" {
		var err error
		if exp, err = strconv.Atoi(n.exp); err != nil || exp > 1<<20 || exp < -1<<20 {
			return false, 0, false
		}
	}
	// The point moves exp places to the right: of the digits that are left of
	// it all count, those right of it must be zero.
	point := len(n.whole) + exp
	for i := range len(n.whole) + len(n.fraction) {
		c := n.digit(i)
		switch {
		case i >= point && c != 0:
			return false, 0, false
		case i < point:
			if u > (math.MaxUint64-c)/10 {
				return false, 0, false
			}
			u = u*10 + c
		}
	}
	for i := len(n.whole) + len(n.fraction); i < point && u > 0; i++ {
		if u > math.MaxUint64/10 {
			return false, 0, false
		}
		u *= 10
	}
	return n.negative, u, true
}

// digit is the i-th digit of whole and fraction.
func (n *number) digit(i int) uint64 {
	if i < len(n.whole) {
		return uint64(n.whole[i] - '0')
	}
	return uint64(n.fraction[i-len(n.whole)] - '0')
}

// skip reads a value of any kind and forgets it.
func (d *Decoder) skip(depth int) {
	start := len(d.arena)
	switch c := d.peek(); {
	case depth > maxSkipDepth:
		d.fail(d.pos, fmt.Sprintf("nested deeper than %d levels", maxSkipDepth))
	case c == '{':
		for o := d.object(); d.member(&o); {
			d.skip(depth + 1)
		}
	case c == '[':
		for a := d.array(); d.item(&a); {
			d.skip(depth + 1)
		}
	case c == '"':
		d.quoted()
		d.arena = d.arena[:start]
	case c == 't' || c == 'f' || c == 'n':
		d.jsonBool()
	default:
		if text, ok := d.token(); ok {
			if _, ok = splitNumber(text); !ok {
				d.fail(d.pos-len(text), "malformed number")
			}
		}
	}
}
