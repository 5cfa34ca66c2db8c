package main

import (
	"encoding/json"
	"fmt"
	"io"
	"strconv"
	"strings"
	"time"

	"github.com/kiseki-dev/kiseki/internal/terminal"
)

// traceSummary is a trace as a search of the API tells it.
type traceSummary struct {
	TraceID               string
	RootService, RootName string
	StartTimeUnixNano     uint64 `json:",string"`
	DurationNanos         uint64 `json:",string"`
	SpanCount             int
	ErrorCount            int
	MatchedCount          int
	SpanSets              []struct {
		Traits []namedValue
		Spans  []struct {
			SpanID string
			Values []namedValue
		}
	}
}

// namedValue is a value of the API; Value is OTLP's AnyValue, or nil.
type namedValue struct {
	Name  string
	Value map[string]json.RawMessage
}

// String is the value as people read it.
func (v namedValue) String() string {
	for _, raw := range v.Value {
		var text string
		if json.Unmarshal(raw, &text) == nil { // 64-bit integers too
			return shown(text)
		}
		return shown(string(raw))
	}
	return "-"
}

// matches are the ids of the spans that the query found.
func (t *traceSummary) matches() map[string]bool {
	ids := map[string]bool{}
	for _, set := range t.SpanSets {
		for _, s := range set.Spans {
			ids[s.SpanID] = true
		}
	}
	return ids
}

// found is what the query's spansets have in common, or selected.
func (t *traceSummary) found() string {
	var sets []string
	for _, set := range t.SpanSets {
		var values []string
		for _, v := range set.Traits {
			values = append(values, v.String())
		}
		if len(set.Spans) > 0 {
			for _, v := range set.Spans[0].Values {
				values = append(values, v.String())
			}
		}
		if len(values) > 0 {
			sets = append(sets, strings.Join(values, " "))
		}
	}
	return strings.Join(sets, "; ")
}

// traceTable collects the rows of a table of traces.
type traceTable struct {
	rows  [][]string
	found bool // a row has values in the last column
}

func (t *traceTable) add(s *traceSummary, now time.Time) {
	found := s.found()
	t.found = t.found || found != ""
	t.rows = append(t.rows, []string{
		shortTime(s.StartTimeUnixNano, now), shortDuration(s.DurationNanos), fmt.Sprintf("%d/%d", s.MatchedCount, s.SpanCount),
		strconv.Itoa(s.ErrorCount), rootOf(s.RootService, s.RootName), s.TraceID, found,
	})
}

func rootOf(service, name string) string { return shown(service) + ": " + shown(name) }

func (t *traceTable) write(w io.Writer) error {
	if len(t.rows) == 0 {
		return nil
	}
	table := terminal.Table{Columns: []terminal.Column{
		{Title: "TIME"}, {Title: "DURATION", Right: true}, {Title: "SPANS", Right: true}, {Title: "ERR", Right: true},
		{Title: "ROOT", Least: 8}, {Title: "TRACE ID"}, {Title: "FOUND", Least: 8},
	}, Rows: t.rows}
	if !t.found {
		table.Columns = table.Columns[:len(table.Columns)-1]
		for i := range t.rows {
			t.rows[i] = t.rows[i][:len(table.Columns)]
		}
	}
	return table.Write(w, terminal.Of(w).Columns)
}

// shown is a text of the telemetry as it may be printed.
func shown(s string) string { return terminal.Clean(s) }

// shownWidth is the number of columns it takes.
func shownWidth(s string) int { return terminal.Width(shown(s)) }

// shortTime is a time in Unix nanoseconds in the local time zone, without the
// parts that it shares with now.
func shortTime(ns uint64, now time.Time) string {
	t := time.Unix(int64(ns/1e9), int64(ns%1e9)).In(now.Location())
	switch {
	case t.Format(time.DateOnly) == now.Format(time.DateOnly):
		return t.Format(time.TimeOnly)
	case t.Year() == now.Year():
		return t.Format("01-02 15:04:05")
	}
	return t.Format(time.DateTime)
}

// shortDuration is a duration to three or four digits.
func shortDuration(ns uint64) string {
	d := time.Duration(min(ns, 1<<63-1))
	switch {
	case d < time.Microsecond:
		return fmt.Sprintf("%dns", d)
	case d < time.Millisecond:
		return digits(float64(d)/1e3) + "µs"
	case d < time.Second:
		return digits(float64(d)/1e6) + "ms"
	case d < time.Minute:
		return digits(float64(d)/1e9) + "s"
	}
	return d.Truncate(time.Second).String()
}

// digits is a number below 1000 to three digits.
func digits(x float64) string {
	switch {
	case x < 9.995:
		return strconv.FormatFloat(x, 'f', 2, 64)
	case x < 99.95:
		return strconv.FormatFloat(x, 'f', 1, 64)
	}
	return strconv.FormatFloat(x, 'f', 0, 64)
}
