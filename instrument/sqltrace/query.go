package sqltrace

import (
	"strings"
	"sync"
	"sync/atomic"
	"unicode/utf8"
)

// query is what spans say of a query.
type query struct {
	text       string // without literals and comments
	summary    string // "SELECT orders users", or the operation alone
	operation  string // "SELECT"
	collection string // "orders", if the query is about one table only
}

// queries remembers the queries that were seen: programs have few, and
// reading one takes microseconds.
type queries struct {
	system string
	seen   sync.Map // text to *query
	n      atomic.Int32
}

// Bounds of what is remembered and recorded. A program that writes values
// into its queries makes new ones forever.
const (
	maxQueries      = 500
	maxRemembered   = 8 << 10 // bytes of a query
	maxQueryText    = 2048    // bytes recorded
	maxQuerySummary = 255     // as the semantic conventions want it
)

func (q *queries) get(text string) *query {
	if v, ok := q.seen.Load(text); ok {
		return v.(*query)
	}
	read := readQuery(text, q.system)
	if len(text) <= maxRemembered && q.n.Load() < maxQueries {
		q.n.Add(1)
		q.seen.Store(strings.Clone(text), read)
	}
	return read
}

// readQuery takes literals out of a query and finds out what it is about. It
// understands tokens, not grammar: what it cannot make sense of ends up in
// the text as it is, except that nothing in quotes that may be a string does.
func readQuery(text, system string) *query {
	l := lexer{rest: text, system: system}
	var b strings.Builder
	var s summary
	for b.Len() < maxQueryText {
		t, spaced := l.next()
		if t.kind == atEnd {
			break
		}
		if spaced && b.Len() > 0 {
			b.WriteByte(' ')
		}
		if t.kind == literal {
			b.WriteByte('?')
		} else {
			b.WriteString(t.text)
		}
		s.add(t)
	}
	q := &query{text: collapseLists(cut(b.String(), maxQueryText)), operation: s.operation}
	q.summary = cut(strings.Join(append([]string{s.operation}, s.tables...), " "), maxQuerySummary)
	if s.operation == "" {
		q.summary = "SQL"
	}
	if len(s.tables) == 1 {
		q.collection = s.tables[0]
	}
	return q
}

func cut(s string, limit int) string {
	if len(s) <= limit {
		return s
	}
	for limit > 0 && !utf8.RuneStart(s[limit]) {
		limit--
	}
	return s[:limit]
}

// collapseLists makes "(?, ?, ?)" one "(?)", so that a query has one text
// whatever the number of its values.
func collapseLists(s string) string {
	for _, more := range []string{"?, ?", "?,?"} {
		for strings.Contains(s, more) {
			s = strings.ReplaceAll(s, more, "?")
		}
	}
	for strings.Contains(s, "(?), (?)") {
		s = strings.ReplaceAll(s, "(?), (?)", "(?)")
	}
	return s
}

// summary gathers the operation and the tables of a query, token by token.
type summary struct {
	operation string
	tables    []string
	depth     int    // of parentheses
	with      bool   // whether the query began with WITH
	before    string // the word before, in upper case
	inList    bool   // after FROM a comma leads to another table
}

func (s *summary) add(t token) {
	switch {
	case t.text == "(":
		s.depth++
		s.before = "("
		return
	case t.text == ")":
		s.depth--
		s.before = ")"
		return
	case t.text == "," && s.inList:
		s.before = "FROM"
		return
	case t.kind != word:
		s.before = ""
		return
	}
	upper := strings.ToUpper(t.text)
	switch {
	case s.operation == "" && s.with && s.depth > 0:
	case s.operation == "" && upper == "WITH":
		s.with = true
	case s.operation == "" && s.with && !isOperation(upper):
	case s.operation == "":
		s.operation = upper
	}
	switch s.before {
	case "FROM", "INTO", "UPDATE", "JOIN", "TABLE", "EXISTS":
		if !isNoTable(upper) {
			s.addTable(t.text)
			s.inList = s.before == "FROM"
			upper = ""
		} else if upper == "ONLY" || upper == "IF" || upper == "NOT" {
			upper = s.before // UPDATE ONLY t
		}
	}
	if upper == "WHERE" || upper == "SET" || upper == "GROUP" || upper == "ORDER" || upper == "SELECT" {
		s.inList = false
	}
	s.before = upper
}

// maxTables bounds the summary of large joins.
const maxTables = 3

func (s *summary) addTable(name string) {
	name = strings.NewReplacer(`"`, "", "`", "", "[", "", "]", "").Replace(name)
	for _, t := range s.tables {
		if t == name {
			return
		}
	}
	if len(s.tables) < maxTables {
		s.tables = append(s.tables, name)
	}
}

func isOperation(upper string) bool {
	switch upper {
	case "SELECT", "INSERT", "UPDATE", "DELETE", "MERGE":
		return true
	}
	return false
}

// isNoTable: words that may stand where a table does.
func isNoTable(upper string) bool {
	switch upper {
	case "SELECT", "SET", "ONLY", "IF", "NOT", "EXISTS", "LATERAL", "VALUES", "INTO":
		return true
	}
	return false
}
