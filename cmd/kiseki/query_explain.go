package main

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"strconv"

	"github.com/kiseki-dev/kiseki/internal/terminal"
)

// explanation is how the API says that it answered a query.
type explanation struct {
	Plan                    string
	Blocks                  struct{ Total, OutsideTime, Scanned, NotReached int }
	ScannedSpans            int
	SettledCount, PageCount int
	Steps                   []struct {
		Name         string
		Count        int
		ElapsedNanos uint64 `json:",string"`
	}
}

// explanation prints how a query is answered. Metrics have an answer of the
// whole time with the same plan.
func (o *queryOptions) explanation(ctx context.Context, c apiClient, stdout io.Writer) error {
	v, path := o.params(), "/traces?"
	v.Set("explain", "true")
	if o.query.Metrics != nil {
		path = "/metrics/instant?"
	} else {
		v.Set("limit", strconv.Itoa(min(o.limit, pageSize)))
		if o.cursor != "" {
			v.Set("cursor", o.cursor)
		}
	}
	var answer struct {
		Explain explanation
		Stats   struct {
			searchStats
			ElapsedNanos uint64 `json:",string"`
		}
	}
	if err := c.ask(ctx, http.MethodGet, path+v.Encode(), nil, &answer); err != nil {
		return err
	}
	if err := answer.Explain.write(stdout, answer.Stats.ElapsedNanos); err != nil {
		return err
	}
	return answer.Stats.missed()
}

func (e *explanation) write(w io.Writer, elapsed uint64) error {
	b := &e.Blocks
	if _, err := fmt.Fprintf(w, "%s\n%s: %d outside the time, %d filtered, %d not reached\n%s in the filtered blocks, %s looked at, %s settled by summaries\n\n",
		e.Plan, counted(b.Total, "block"), b.OutsideTime, b.Scanned, b.NotReached,
		counted(e.ScannedSpans, "span"), counted(e.PageCount, "page"), counted(e.SettledCount, "block")); err != nil {
		return err
	}
	t := terminal.Table{Columns: []terminal.Column{{Title: "OPERATOR"}, {Title: "TIMES", Right: true}, {Title: "TOOK", Right: true}}}
	for _, s := range e.Steps {
		t.Rows = append(t.Rows, []string{shown(s.Name), strconv.Itoa(s.Count), shortDuration(s.ElapsedNanos)})
	}
	t.Rows = append(t.Rows, []string{"in all", "", shortDuration(elapsed)})
	return t.Write(w, terminal.Of(w).Columns)
}
