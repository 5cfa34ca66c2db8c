package main

import (
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"time"

	"github.com/kiseki-dev/kiseki/query/plan"
	"github.com/kiseki-dev/kiseki/query/traceql"
)

var queryCommand = command{name: "query", summary: "find traces, or compute metrics from them, with TraceQL", run: runQuery}

const queryHelp = `NAME
  kiseki query - find traces, or compute metrics from them, with TraceQL

SYNOPSIS
  kiseki query [OPTION...] [QUERY]

DESCRIPTION
  Prints the traces that a query finds, newest first; without a query, the
  newest of all. A query that ends in a metrics function, as
  '{ } | rate() by(resource.service.name)' does, prints series of numbers.

  A query that begins with a dash comes after --.

OPTIONS
  --output FORMAT  table; waterfall: the spans of each trace as bars, with a
                   * before those that the query found; json: a line of JSON
                   for each trace or series, as the API has them. Default
                   table.
  --start TIME     Spans that started at this time or later: such as -1h or 7d
                   (ago), 2026-11-21T09:00:00Z, or Unix nanoseconds. Default
                   any time; for metrics an hour before the end.
  --end TIME       Spans that started before this time. Default now.
  --limit N        The most traces to print. Default 20.
  --cursor CURSOR  Go on after the traces of a query before, which ended with
                   this cursor.
  --step DURATION  The length of the intervals of metrics, such as 15s. Default
                   a usual length.
  --instant        Compute one number a series, over the whole time.
  --explain        Print how the answer was found and what that took, in place
                   of the answer.
  --server URL     The server. Default http://127.0.0.1:16686.
  --tenant ID      Whose traces, where the server has several tenants.
  --data DIR       Read this data folder, which no server uses.

EXAMPLES
  kiseki query '{ status = error }' --start -1h
  kiseki query '{ resource.service.name = "cart" } >> { duration > 1s }' \
    --output waterfall --limit 1
  kiseki query '{ } | quantile_over_time(duration, .5, .99) by(name)'

EXIT STATUS
  0  something was found
  1  it failed; the last line on stderr says why
  2  the command line or the query is wrong
  3  what was printed is not all there is; the last line on stderr says why
  4  nothing was found
`

// pageSize is the most traces that the API returns at once.
const pageSize = 1000

type queryOptions struct {
	source
	output, start, end, cursor, step string
	limit                            int
	instant, explain                 bool
	text                             string
	query                            *traceql.Query
	from, to                         uint64 // Unix nanoseconds; 0 and plan.All: not given
}

func (o *queryOptions) flags() *flag.FlagSet {
	flags := newFlags("query")
	o.source.flags(flags)
	flags.StringVar(&o.output, "output", "table", "")
	flags.StringVar(&o.start, "start", "", "")
	flags.StringVar(&o.end, "end", "", "")
	flags.IntVar(&o.limit, "limit", 20, "")
	flags.StringVar(&o.cursor, "cursor", "", "")
	flags.StringVar(&o.step, "step", "", "")
	flags.BoolVar(&o.instant, "instant", false, "")
	flags.BoolVar(&o.explain, "explain", false, "")
	return flags
}

func runQuery(ctx context.Context, args []string, stdout, stderr io.Writer) int {
	var o queryOptions
	flags := o.flags()
	if status, done := parseArgs(flags, args, 1, queryHelp, stdout, stderr); done {
		return status
	}
	o.text = flags.Arg(0)
	if err := o.check(time.Now()); err != nil {
		return usage(stderr, flags, err)
	}
	err := o.use(stderr, func(c apiClient) error {
		if o.explain {
			return o.explanation(ctx, c, stdout)
		}
		if o.query.Metrics != nil {
			return o.metrics(ctx, c, stdout)
		}
		return o.search(ctx, c, stdout, stderr)
	})
	return ended(ctx, stderr, "query", err)
}

func (o *queryOptions) check(now time.Time) (err error) {
	if !slices.Contains([]string{"table", "waterfall", "json"}, o.output) {
		return fmt.Errorf("--output: %q is not one of table, waterfall, json", o.output)
	}
	if o.query, err = traceql.Parse(o.text); err != nil {
		return pointedOut(o.text, err)
	}
	if o.from, err = parseMoment(o.start, 0, now); err != nil {
		return fmt.Errorf("--start: %w", err)
	}
	if o.to, err = parseMoment(o.end, plan.All, now); err != nil {
		return fmt.Errorf("--end: %w", err)
	}
	switch metrics := o.query.Metrics != nil; {
	case o.from > o.to:
		return errors.New("--end is before --start")
	case o.limit < 1:
		return errors.New("--limit must be at least 1")
	case metrics && (o.output == "waterfall" || o.cursor != ""):
		return errors.New("metrics have neither waterfalls nor pages: leave out --output waterfall and --cursor")
	case !metrics && (o.step != "" || o.instant):
		return errors.New("--step and --instant are for queries that end in a metrics function, such as rate()")
	case o.step != "" && o.instant:
		return errors.New("--instant has no --step")
	}
	return nil
}

// params are those of the API that searches and metrics have in common.
func (o *queryOptions) params() url.Values {
	v := url.Values{"q": {o.text}}
	if o.from != 0 {
		v.Set("start", strconv.FormatUint(o.from, 10))
	}
	if o.to != plan.All {
		v.Set("end", strconv.FormatUint(o.to, 10))
	}
	return v
}

// searchStats is what an answer says about itself.
type searchStats struct {
	Complete         bool
	IncompleteReason string
}

// missed is an error where the answer is not all there is.
func (s searchStats) missed() error {
	if s.Complete {
		return nil
	}
	return partly{fmt.Errorf("this is not all there is: %s", s.IncompleteReason)}
}

// searchPage is a page of traces.
type searchPage struct {
	Traces     []json.RawMessage
	NextCursor string
	Stats      searchStats
}

// told is how many spans of each spanset are asked for.
func (o *queryOptions) told() string {
	if o.output == "table" {
		return "1"
	}
	return "1000"
}

// search prints traces, page by page.
func (o *queryOptions) search(ctx context.Context, c apiClient, stdout, stderr io.Writer) error {
	show, finish := o.shower(ctx, c, stdout)
	v := o.params()
	v.Set("spans", o.told())
	cursor, found := o.cursor, 0
	var missed error
	for found < o.limit {
		if cursor != "" {
			v.Set("cursor", cursor)
		}
		v.Set("limit", strconv.Itoa(min(o.limit-found, pageSize)))
		var page searchPage
		if err := c.ask(ctx, http.MethodGet, "/traces?"+v.Encode(), nil, &page); err != nil {
			return err
		}
		for _, t := range page.Traces {
			if err := show(t); err != nil {
				return err
			}
		}
		found += len(page.Traces)
		missed = errors.Join(missed, page.Stats.missed())
		if cursor = page.NextCursor; cursor == "" || missed != nil {
			break
		}
	}
	if err := finish(); err != nil {
		return err
	}
	if cursor != "" {
		fmt.Fprintf(stderr, "There are more: --cursor %s\n", cursor)
	}
	if missed == nil && found == 0 {
		return fmt.Errorf("%w: no trace matches", errNone)
	}
	return missed
}

// shower is what prints traces in the format chosen, and what ends the print.
func (o *queryOptions) shower(ctx context.Context, c apiClient, stdout io.Writer) (show func(json.RawMessage) error, finish func() error) {
	if o.output == "json" {
		return func(t json.RawMessage) error {
			_, err := fmt.Fprintf(stdout, "%s\n", t)
			return err
		}, func() error { return nil }
	}
	var table traceTable
	between := ""
	show = func(raw json.RawMessage) error {
		var t traceSummary
		if err := json.Unmarshal(raw, &t); err != nil {
			return fmt.Errorf("read answer: %w", err)
		}
		if o.output == "table" {
			table.add(&t, time.Now())
			return nil
		}
		trace, err := getTrace(ctx, c, t.TraceID)
		if err != nil {
			return err
		}
		if _, err := io.WriteString(stdout, between); err != nil {
			return err
		}
		between = "\n"
		return trace.write(stdout, t.matches())
	}
	return show, func() error { return table.write(stdout) }
}
