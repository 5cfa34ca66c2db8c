package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/kiseki-dev/kiseki/internal/terminal"
	"github.com/kiseki-dev/kiseki/query/traceql"
)

var tailCommand = command{name: "tail", summary: "print traces as they arrive", run: runTail}

const tailHelp = `NAME
  kiseki tail - print traces as they arrive

SYNOPSIS
  kiseki tail [OPTION...] [QUERY]

DESCRIPTION
  Prints every trace that a TraceQL query finds from now on, without a query
  every trace, until Ctrl-C. A trace is printed once, when first it satisfies
  the query: spans of it may arrive later, and a root that has not arrived yet
  is not told.

  None is left out: should the server restart, or more arrive than it
  remembers, a line on stderr says that some may be missing. A trace that goes
  on while 100,000 others are printed may be printed again.

OPTIONS
  --output FORMAT  text; json: a line of JSON for each trace. Default text.
  --limit N        End after N traces. Default 0, go on.
  --server URL     The server. Default http://127.0.0.1:16686.
  --tenant ID      Whose traces, where the server has several tenants.

EXAMPLES
  kiseki tail '{ status = error }'
  kiseki tail '{ duration > 1s }' --limit 1 && notify-send "slow"

EXIT STATUS
  0  ended by Ctrl-C or --limit
  1  it failed; the last line on stderr says why
  2  the command line or the query is wrong
`

const (
	// tailEvery is the time between two questions.
	tailEvery = time.Second
	// tailRemembered is how many printed traces are remembered, so that they
	// are not printed again.
	tailRemembered = 100_000
)

type tailOptions struct {
	server, tenant, output string
	limit                  int
	text                   string
}

func runTail(ctx context.Context, args []string, stdout, stderr io.Writer) int {
	var o tailOptions
	flags := newFlags("tail")
	flags.StringVar(&o.server, "server", defaultServer, "")
	flags.StringVar(&o.tenant, "tenant", "", "")
	flags.StringVar(&o.output, "output", "text", "")
	flags.IntVar(&o.limit, "limit", 0, "")
	if status, done := parseArgs(flags, args, 1, tailHelp, stdout, stderr); done {
		return status
	}
	o.text = flags.Arg(0)
	if err := o.check(); err != nil {
		return usage(stderr, flags, err)
	}
	err := o.follow(ctx, stdout, stderr)
	if ctx.Err() != nil {
		return exitOK
	}
	return ended(ctx, stderr, "tail", err)
}

func (o *tailOptions) check() error {
	if !slices.Contains([]string{"text", "json"}, o.output) {
		return fmt.Errorf("--output: %q is not one of text, json", o.output)
	}
	if o.limit < 0 {
		return errors.New("--limit must not be negative")
	}
	_, err := traceql.ParseSearch(o.text)
	return pointedOut(o.text, err)
}

// tailAnswer is the API's answer.
type tailAnswer struct {
	Traces     []json.RawMessage
	NextCursor string
	More       bool // ask again at once
	Missed     bool
	Stats      searchStats
}

// follow asks until ctx ends, the limit is met, or the first question fails.
// Later the server may be away for a while.
func (o *tailOptions) follow(ctx context.Context, stdout, stderr io.Writer) error {
	c := apiClient{server: o.server, tenant: o.tenant}
	printed := newRecent(tailRemembered)
	v := url.Values{"q": {o.text}, "spans": {"1"}}
	away := false
	for left := o.limit; ; {
		var answer tailAnswer
		err := c.ask(ctx, http.MethodGet, "/tail?"+v.Encode(), nil, &answer)
		switch {
		case err != nil && (!v.Has("cursor") || ctx.Err() != nil || refused(err)):
			return err
		case err != nil && !away:
			fmt.Fprintf(stderr, "kiseki tail: %v; asking again\n", err)
		case err == nil && answer.Missed:
			fmt.Fprintln(stderr, "kiseki tail: some traces may be missing: the server was restarted, or more arrived than it remembers")
		}
		if away = err != nil; !away {
			v.Set("cursor", answer.NextCursor)
			for _, raw := range answer.Traces {
				if err := o.print(stdout, raw, printed, &left); err != nil || o.limit > 0 && left == 0 {
					return err
				}
			}
		}
		if answer.More {
			continue
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-time.After(tailEvery):
		}
	}
}

// refused reports whether the server will not answer another time either.
func refused(err error) bool {
	var e *apiError
	return errors.As(err, &e) && e.Status >= 400 && e.Status < 500 && e.Status != http.StatusTooManyRequests
}

// print prints a trace unless it was printed before.
func (o *tailOptions) print(w io.Writer, raw json.RawMessage, printed *recent, left *int) error {
	var t traceSummary
	if err := json.Unmarshal(raw, &t); err != nil {
		return fmt.Errorf("read answer: %w", err)
	}
	if !printed.add(t.TraceID) {
		return nil
	}
	*left--
	line := string(raw)
	if o.output == "text" {
		line = t.line(terminal.Of(w).Columns)
	}
	_, err := fmt.Fprintln(w, line)
	return err
}

// line is a trace where the traces to come are not known.
func (t *traceSummary) line(columns int) string {
	failed := "  "
	if t.ErrorCount > 0 {
		failed = "! "
	}
	start := time.Unix(0, int64(min(t.StartTimeUnixNano, 1<<63-1)))
	fixed := fmt.Sprintf("%s%s %s %s  ", failed, start.Format(time.TimeOnly), rightOf(shortDuration(t.DurationNanos), durationColumns), rightOf(counted(t.SpanCount, "span"), 9))
	root := rootOf(t.RootService, t.RootName)
	if columns > 0 {
		root = terminal.Fit(root, max(columns-terminal.Width(fixed)-2-len(t.TraceID), 8))
	}
	return fixed + root + "  " + t.TraceID
}

// rightOf is s in at least n columns, at the right.
func rightOf(s string, n int) string {
	return strings.Repeat(" ", max(n-terminal.Width(s), 0)) + s
}

// recent is the set of the texts added last.
type recent struct {
	ring []string
	next int
	set  map[string]bool
}

func newRecent(n int) *recent { return &recent{ring: make([]string, n), set: map[string]bool{}} }

// add reports whether s was not there; then the oldest makes room for it.
func (r *recent) add(s string) bool {
	if r.set[s] {
		return false
	}
	delete(r.set, r.ring[r.next])
	r.ring[r.next], r.set[s] = s, true
	r.next = (r.next + 1) % len(r.ring)
	return true
}
