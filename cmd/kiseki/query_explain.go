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
	ScannedSpans, ReadBytes int
	Conditions              []struct {
		Text                    string
		Blocks                  int
		SettledBy               struct{ Absence, Bounds, Bloom, Dictionary int }
		PagesRead, PagesSkipped int
		RowsLookedAt, RowsKept  int
		ReadBytes               int
	}
	Steps []struct {
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
	if _, err := fmt.Fprintf(w, "%s\n%s: %d outside the time, %d filtered, %d not reached\n%s in the filtered blocks, %s read\n",
		e.Plan, counted(b.Total, "block"), b.OutsideTime, b.Scanned, b.NotReached,
		counted(e.ScannedSpans, "span"), counted(e.ReadBytes, "byte")); err != nil {
		return err
	}
	if err := e.writeConditions(w); err != nil {
		return err
	}
	if _, err := io.WriteString(w, "\n"); err != nil {
		return err
	}
	t := terminal.Table{Columns: []terminal.Column{{Title: "OPERATOR"}, {Title: "TIMES", Right: true}, {Title: "TOOK", Right: true}}}
	for _, s := range e.Steps {
		t.Rows = append(t.Rows, []string{shown(s.Name), strconv.Itoa(s.Count), shortDuration(s.ElapsedNanos)})
	}
	t.Rows = append(t.Rows, []string{"in all", "", shortDuration(elapsed)})
	return t.Write(w, terminal.Of(w).Columns)
}

// writeConditions prints how many blocks each condition was asked of, by what
// these were decided at once, and what was read of the others.
func (e *explanation) writeConditions(w io.Writer) error {
	if len(e.Conditions) == 0 {
		return nil
	}
	t := terminal.Table{Columns: []terminal.Column{{Title: "CONDITION"}}}
	for _, title := range []string{"BLOCKS", "ABSENT", "BOUNDS", "BLOOM", "DICT", "PAGES", "SKIPPED", "ROWS", "KEPT", "BYTES"} {
		t.Columns = append(t.Columns, terminal.Column{Title: title, Right: true})
	}
	for _, c := range e.Conditions {
		row := []string{shown(c.Text)}
		for _, n := range []int{
			c.Blocks, c.SettledBy.Absence, c.SettledBy.Bounds, c.SettledBy.Bloom, c.SettledBy.Dictionary,
			c.PagesRead, c.PagesSkipped, c.RowsLookedAt, c.RowsKept, c.ReadBytes,
		} {
			row = append(row, strconv.Itoa(n))
		}
		t.Rows = append(t.Rows, row)
	}
	if _, err := io.WriteString(w, "\n"); err != nil {
		return err
	}
	return t.Write(w, terminal.Of(w).Columns)
}
