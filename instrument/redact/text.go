package redact

import (
	"regexp"
	"strings"
)

// A rule finds a kind of secret in text. The mark, which is looked for first,
// keeps the regular expressions away from nearly all text.
type rule struct {
	mark    func(*text) bool
	pattern *regexp.Regexp
	// with is what is written for a match, in the notation of
	// Regexp.ReplaceAllString; or keep decides what becomes of it.
	with string
	keep func(match string) string
}

// text is a string and what a look at it has found.
type text struct {
	s       string
	chars   uint8 // a bit for each of the characters in charBits that it has
	digits  int
	secrets int8 // whether a secret word is in it: 1 yes, -1 no, 0 not known
}

const (
	colon = 1 << iota
	equals
	at
	space
	digit
)

var charBits = func() (bits [256]uint8) {
	bits[':'], bits['='], bits['@'] = colon, equals, at
	bits[' '], bits['\t'], bits['\n'] = space, space, space
	for c := '0'; c <= '9'; c++ {
		bits[c] = digit
	}
	return bits
}()

func look(s string) text {
	t := text{s: s}
	for i := range len(s) {
		b := charBits[s[i]]
		t.chars |= b
		t.digits += int(b / digit)
	}
	return t
}

// secret reports whether one of the marks of secrets is in the text.
func (t *text) secret() bool {
	if t.secrets == 0 {
		t.secrets = -1
		if hasSecretWord(t.s) {
			t.secrets = 1
		}
	}
	return t.secrets > 0
}

// plain reports whether no rule can find anything, which is so for most text.
func (t *text) plain() bool {
	return t.chars&(colon|equals|at|space) == 0 && t.digits < shortestCard && (len(t.s) < 13 || !hasKey(t.s))
}

// hasKey reports whether a token or a key with a form of its own may be in s.
func hasKey(s string) bool {
	return strings.Contains(s, "eyJ") || strings.Contains(s, "AKIA") || strings.Contains(s, "ASIA") ||
		strings.Contains(s, "xox") || strings.Contains(s, "k_live_") || len(s) >= 40 && strings.Contains(s, "gh")
}

func (t *text) has(chars uint8) bool { return t.chars&chars == chars }

// secretWord ends the names of parameters and members that hold secrets.
const secretWord = `[\w.-]*(?:password|passwd|pwd|passphrase|secret|token|api[_-]?key|access[_-]?key(?:id)?|private[_-]?key|signature|credential|session[_-]?id|jwt)`

var rules = []rule{
	{ // a private key in PEM, also a cut one
		mark:    func(t *text) bool { return t.has(space) && strings.Contains(t.s, "PRIVATE KEY-----") },
		pattern: regexp.MustCompile(`-----BEGIN [A-Z ]*PRIVATE KEY-----[^-]*(?:-----END [A-Z ]*PRIVATE KEY-----)?`),
		with:    Removed,
	},
	{ // scheme://user:password@host
		mark:    func(t *text) bool { return t.has(colon|at) && strings.Contains(t.s, "://") },
		pattern: regexp.MustCompile(`([A-Za-z][A-Za-z0-9+.-]*://[^\s/:@?#]*):[^\s/?#]*@`),
		with:    "$1:" + Removed + "@",
	},
	{ // user:password@tcp(host), a data source name of MySQL's driver
		mark:    func(t *text) bool { return t.has(colon|at) && strings.Contains(t.s, "(") },
		pattern: regexp.MustCompile(`([\w.-]+):\S*@(tcp|unix)\(`),
		with:    "$1:" + Removed + "@$2(",
	},
	{ // a header in text
		mark:    func(t *text) bool { return t.has(colon) && t.secret() },
		pattern: regexp.MustCompile(`(?i)\b((?:proxy-)?authorization|(?:set-)?cookie2?|x-api-key)["']?\s*:\s*[^\r\n]+`),
		with:    "$1: " + Removed,
	},
	{ // password=value in a query, a data source name or a form
		mark:    func(t *text) bool { return t.has(equals) && t.secret() },
		pattern: regexp.MustCompile(`(?i)((?:^|[^\w.-])(?:` + secretWord + `|sig|auth|code))=(?:"[^"]*"|'[^']*'|[^&\s;,"']+)`),
		with:    "$1=" + Removed,
	},
	{ // "password": "value" in JSON, and password: value in other notations
		mark:    func(t *text) bool { return t.has(colon) && t.secret() },
		pattern: regexp.MustCompile(`(?i)(["']` + secretWord + `["']\s*:\s*)(?:"(?:[^"\\]|\\.)*"?|'[^']*'?|[^\s,}\]]+)`),
		with:    `$1"` + Removed + `"`,
	},
	{ // Bearer … and Basic …, which are also words
		mark:    func(t *text) bool { return t.has(space) && t.secret() },
		pattern: regexp.MustCompile(`(?i)\b(?:bearer|basic)\s+[A-Za-z0-9._~+/=-]{8,}`),
		keep: func(match string) string {
			scheme, credential, _ := strings.Cut(match, " ")
			if !strings.ContainsAny(credential, "0123456789=") {
				return match
			}
			return scheme + " " + Removed
		},
	},
	{ // a JSON web token, also a cut one
		mark:    func(t *text) bool { return strings.Contains(t.s, "eyJ") },
		pattern: regexp.MustCompile(`\beyJ[A-Za-z0-9_-]{8,}(?:\.[A-Za-z0-9_-]*){0,2}`),
		with:    Removed,
	},
	{ // keys with a form of their own: AWS, GitHub, Slack, Stripe
		mark:    func(t *text) bool { return len(t.s) >= 13 && hasKey(t.s) },
		pattern: regexp.MustCompile(`\b(?:(?:AKIA|ASIA)[A-Z0-9]{16}|gh[pousr]_[A-Za-z0-9]{36,}|xox[abprs]-[A-Za-z0-9-]{10,}|[rs]k_live_[A-Za-z0-9]{16,})`),
		with:    Removed,
	},
}

var emails = rule{
	mark:    func(t *text) bool { return t.has(at) || strings.Contains(t.s, "%40") },
	pattern: regexp.MustCompile(`[A-Za-z0-9.!#$%&'*+/=?^_{|}~-]+(?:@|%40)[A-Za-z0-9-]+(?:\.[A-Za-z0-9-]+)+`),
	with:    Removed,
}

// Text returns s without what must not be in it, and s itself if there is
// nothing.
func (r *Redactor) Text(s string) string {
	if r.opts.Off || len(s) < 6 {
		return s
	}
	t := look(s)
	if t.plain() && !r.opts.Emails && len(r.opts.Patterns) == 0 {
		return s
	}
	return r.apply(t)
}

// apply is apart from Text because its text is on the heap.
func (r *Redactor) apply(t text) string {
	for i := range rules {
		rules[i].apply(&t)
	}
	if r.opts.Emails {
		emails.apply(&t)
	}
	if t.digits >= shortestCard {
		t.s = removeCards(t.s)
	}
	for _, p := range r.opts.Patterns {
		t.s = p.ReplaceAllLiteralString(t.s, Removed)
	}
	return t.s
}

// apply changes the text. What the look at it found stays as it is: nothing
// is added that a rule looks for.
func (r *rule) apply(t *text) {
	switch {
	case !r.mark(t):
	case r.keep != nil:
		t.s = r.pattern.ReplaceAllStringFunc(t.s, r.keep)
	default:
		t.s = r.pattern.ReplaceAllString(t.s, r.with)
	}
}

// marks are parts of which every name of a secret has one, by first letter.
var marks = [256][]string{
	'a': {"auth", "apikey", "api_key", "api-key", "access"}, 'b': {"bearer", "basic"}, 'c': {"cookie", "credential", "code"},
	'j': {"jwt"}, 'p': {"passw", "pwd", "passphrase", "private"}, 's': {"secret", "sig", "session"}, 't': {"token"},
	'x': {"x-api-key"},
}

// hasSecretWord reports whether one of the marks is in s, whatever its case.
func hasSecretWord(s string) bool {
	for i := range len(s) {
		for _, m := range marks[s[i]|0x20] {
			if len(s)-i >= len(m) && strings.EqualFold(s[i:i+len(m)], m) {
				return true
			}
		}
	}
	return false
}
