package main

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"math"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/kiseki-dev/kiseki/internal/terminal"
)

// metricsAnswer is the API's answer to a query for metrics.
type metricsAnswer struct {
	Series            []json.RawMessage
	StartTimeUnixNano uint64 `json:",string"`
	StepNanos         uint64 `json:",string"`
	Stats             searchStats
}

// series is one of its series.
type series struct {
	Labels []namedValue
	Points []*float64 // nil: none
}

func (o *queryOptions) metrics(ctx context.Context, c apiClient, stdout io.Writer) error {
	v, path := o.params(), "/metrics/range?"
	if o.instant {
		path = "/metrics/instant?"
	}
	if o.step != "" {
		v.Set("step", o.step)
	}
	var answer metricsAnswer
	if err := c.ask(ctx, http.MethodGet, path+v.Encode(), nil, &answer); err != nil {
		return err
	}
	write := answer.writeTable
	if o.output == "json" {
		write = answer.writeJSON
	}
	if err := write(stdout); err != nil {
		return err
	}
	if answer.Stats.Complete && len(answer.Series) == 0 {
		return fmt.Errorf("%w: no series, for no span matches", errNone)
	}
	return answer.Stats.missed()
}

func (a *metricsAnswer) writeJSON(w io.Writer) error {
	for _, s := range a.Series {
		if _, err := fmt.Fprintf(w, "%s\n", s); err != nil {
			return err
		}
	}
	return nil
}

// chartShare is the part of a line that the chart takes: one in so many.
const chartShare = 3

// writeTable writes a line a series: its extremes and, where it has more than
// one point, all of them as a chart on one scale for all series.
func (a *metricsAnswer) writeTable(w io.Writer) error {
	all := make([][]float64, len(a.Series))
	names := make([]string, len(a.Series))
	low, high, most := 0.0, math.Inf(-1), 0
	for i, raw := range a.Series {
		var s series
		if err := json.Unmarshal(raw, &s); err != nil {
			return fmt.Errorf("read answer: %w", err)
		}
		names[i], all[i] = s.name(), s.points()
		most = max(most, len(all[i]))
		for _, x := range all[i] {
			if !math.IsNaN(x) {
				low, high = min(low, x), max(high, x)
			}
		}
	}
	if len(all) == 0 {
		return nil
	}
	columns := terminal.Of(w).Columns
	if most < 2 {
		return instantTable(names, all).Write(w, columns)
	}
	from := time.Unix(0, int64(a.StartTimeUnixNano)) // times of metrics are near now
	step := time.Duration(a.StepNanos)
	if _, err := fmt.Fprintf(w, "%s to %s, every %s; the charts are from %s to %s\n\n", from.Format(time.DateTime),
		from.Add(step*time.Duration(most)).Format(time.DateTime), step, number(low), number(high)); err != nil {
		return err
	}
	chart := max(columns/chartShare, 16)
	t := terminal.Table{Columns: []terminal.Column{
		{Title: "SERIES", Least: 8}, {Title: "MIN", Right: true}, {Title: "MAX", Right: true}, {Title: "LAST", Right: true}, {Title: "CHART"},
	}}
	for i, points := range all {
		least, greatest, last := extremes(points)
		t.Rows = append(t.Rows, []string{names[i], number(least), number(greatest), number(last), terminal.Spark(points, low, high, chart)})
	}
	return t.Write(w, columns)
}

func instantTable(names []string, all [][]float64) *terminal.Table {
	t := &terminal.Table{Columns: []terminal.Column{{Title: "SERIES", Least: 8}, {Title: "VALUE", Right: true}}}
	for i, points := range all {
		_, _, last := extremes(points)
		t.Rows = append(t.Rows, []string{names[i], number(last)})
	}
	return t
}

// name is a series by its labels.
func (s *series) name() string {
	labels := make([]string, len(s.Labels))
	for i, l := range s.Labels {
		labels[i] = shown(l.Name) + "=" + l.String()
	}
	if len(labels) == 0 {
		return "all"
	}
	return strings.Join(labels, " ")
}

func (s *series) points() []float64 {
	out := make([]float64, len(s.Points))
	for i, p := range s.Points {
		out[i] = math.NaN()
		if p != nil {
			out[i] = *p
		}
	}
	return out
}

// extremes are the least, the greatest and the last number of those there are.
func extremes(points []float64) (least, greatest, last float64) {
	least, greatest, last = math.NaN(), math.NaN(), math.NaN()
	for _, x := range points {
		if math.IsNaN(x) {
			continue
		}
		if math.IsNaN(last) || x < least {
			least = x
		}
		if math.IsNaN(last) || x > greatest {
			greatest = x
		}
		last = x
	}
	return least, greatest, last
}

// number is a number to four digits, - where there is none.
func number(x float64) string {
	if math.IsNaN(x) || math.IsInf(x, 0) {
		return "-"
	}
	return strconv.FormatFloat(x, 'g', 4, 64)
}
