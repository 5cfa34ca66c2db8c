// Package querylog remembers what queries cost: the latest ones, for whoever
// asks, and the slow ones in the server's log.
//
// What people ask for may be about people. Unless told otherwise the log keeps
// of a query its shape and none of its constants.
package querylog

import (
	"log/slog"
	"net/url"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/kiseki-dev/kiseki/query/exec"
	"github.com/kiseki-dev/kiseki/query/plan"
	"github.com/kiseki-dev/kiseki/query/traceql"
)

const (
	// kept is how many queries are remembered, maxText how many bytes of each:
	// less than 1 MB in all.
	kept, maxText = 200, 2048
)

// Options are what is logged, and where to.
type Options struct {
	Slow     time.Duration // queries that take longer are logged; 0: none
	Literals bool          // keep constants
	Logger   *slog.Logger
}

// Entry is a query that has ended.
type Entry struct {
	Start  time.Time     // when it came
	Waited time.Duration // for its turn
	Took   time.Duration // from its turn on
	Tenant string
	Client string // its address
	Route  string // the pattern of the path, or the gRPC method
	Class  string // one of Classes
	Text   string // of the request's parameters, see Text
	Status string // HTTP's, or gRPC's after "grpc "
	Cost   exec.CostTotal
}

// Log is the log. All of its methods may be called at any time.
type Log struct {
	o  Options
	mu struct {
		sync.Mutex
		ring []Entry
		next int
	}
}

// New makes an empty log.
func New(o Options) *Log { return &Log{o: o} }

// Add logs a query.
func (l *Log) Add(e Entry) {
	if l.o.Slow > 0 && e.Took > l.o.Slow {
		l.o.Logger.Warn("slow query", "route", e.Route, "class", e.Class, "text", e.Text, "took", e.Took, "waited", e.Waited, "tenant", e.Tenant,
			"client", e.Client, "status", e.Status, "scannedSpans", e.Cost.ScannedSpans, "scannedBlocks", e.Cost.ScannedBlocks,
			"readBytes", e.Cost.ReadBytes, "matchedSpans", e.Cost.Spans, "matchedTraces", e.Cost.Traces, "complete", e.Cost.Complete)
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	if len(l.mu.ring) < kept {
		l.mu.ring = append(l.mu.ring, e)
		return
	}
	l.mu.ring[l.mu.next] = e
	l.mu.next = (l.mu.next + 1) % kept
}

// Latest are a tenant's queries among the latest of all, newest first.
func (l *Log) Latest(tenant string) (out []Entry) {
	l.mu.Lock()
	defer l.mu.Unlock()
	n := len(l.mu.ring)
	for i := range n {
		if e := &l.mu.ring[(l.mu.next+n-1-i)%n]; e.Tenant == tenant {
			out = append(out, *e)
		}
	}
	return out
}

// Classes are the kinds of queries that are told apart.
var Classes = []string{"filter", "pipeline", "metrics", "other"}

// Class is the class of a request with these parameters: filter, which decides
// span by span; pipeline, which reads whole traces; metrics; other, where no
// parameter is TraceQL.
func Class(v url.Values) string {
	text, ok := query(v)
	if !ok {
		return "other"
	}
	q, err := traceql.Parse(text)
	switch {
	case err != nil:
		return "other"
	case q.Metrics != nil:
		return "metrics"
	}
	if filter, spans := plan.Pipeline(q.Spans, true); spans != nil || plan.HasTraceLeaves(filter) {
		return "pipeline"
	}
	return "filter"
}

// query is the parameter that is TraceQL.
func query(v url.Values) (string, bool) {
	for _, name := range traceQL {
		if v.Has(name) {
			return v.Get(name), true
		}
	}
	return "", false
}

// traceQL are the names of parameters that are TraceQL, harmless of those that
// tell of nobody.
var (
	traceQL  = []string{"q", "query"}
	harmless = []string{"end", "endTs", "explain", "format", "limit", "lookback", "spans", "spss", "start", "step"}
)

// Text is the parameters of a request as they are logged: by name, without
// constants unless those are wanted.
func (l *Log) Text(v url.Values) string {
	names := make([]string, 0, len(v))
	for name := range v {
		names = append(names, name)
	}
	slices.Sort(names)
	var out strings.Builder
	for _, name := range names {
		if out.Len() > 0 {
			out.WriteString(" ")
		}
		value := strings.Join(v[name], " ")
		switch {
		case l.o.Literals || slices.Contains(harmless, name):
		case slices.Contains(traceQL, name):
			value = Shape(value)
		default:
			value = "?"
		}
		out.WriteString(name + "=" + value)
		if out.Len() > maxText {
			return strings.ToValidUTF8(out.String()[:maxText], "")
		}
	}
	return out.String()
}

// Shape is a text of TraceQL with a question mark for each constant that may
// tell of somebody: strings, numbers, durations, and names in quotes.
func Shape(text string) string {
	var out strings.Builder
	name := false // the byte before belongs to a name
	for i := 0; i < len(text); {
		c := text[i]
		switch {
		case c == '"' || c == '`':
			i = endOfString(text, i)
			out.WriteByte('?')
			name = false
			continue
		case isDigit(c) && !name:
			for i < len(text) && (isDigit(text[i]) || text[i] == '.' || isName(text[i])) {
				i++
			}
			out.WriteByte('?')
			continue
		}
		name = isName(c) || name && (isDigit(c) || c == '.' || c == '-')
		out.WriteByte(c)
		i++
	}
	return out.String()
}

// endOfString is where the string that begins at i ends; that of the text
// where it is not closed.
func endOfString(text string, i int) int {
	quote := text[i]
	for i++; i < len(text); i++ {
		switch {
		case text[i] == '\\' && quote == '"':
			i++
		case text[i] == quote:
			return i + 1
		}
	}
	return len(text)
}

func isDigit(c byte) bool { return c >= '0' && c <= '9' }

func isName(c byte) bool {
	return c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c == '_' || c >= 0x80
}
