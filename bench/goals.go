package main

import (
	"fmt"
	"time"
)

// goal is something a release must reach on 2 cores, with what this run got.
type goal struct {
	what, goal, got string
	met             bool
}

// The goals of the store.
const (
	goalEntropy   = 1.25  // times the entropy on disk
	goalPeak      = 300e6 // bytes of memory at the full rate of ingestion
	goalIdle      = 100e6 // bytes of memory with 10 M spans on disk
	goalRewrites  = 3     // times that a byte of a segment is written, its flush included
	goalAggregate = 100e6 // spans that a second of processor time passes
	goalMetrics   = 25e6  // likewise, of series by columns with a dictionary: 50 M a second on 2 cores
)

// latency is a goal of questions.
type latency struct {
	P50 time.Duration `json:"p50"`
	P99 time.Duration `json:"p99"`
}

var (
	goalByID   = latency{time.Millisecond, 5 * time.Millisecond}
	goalSearch = latency{5 * time.Millisecond, 25 * time.Millisecond}
	goalRare   = latency{100 * time.Millisecond, 250 * time.Millisecond} // results in few traces
	goalNone   = latency{time.Second, 2 * time.Second}                   // every trace must be excluded
)

// atMost is a goal met by figures up to a limit.
func atMost[T int64 | float64](what string, limit, got T, text func(T) string) goal {
	return goal{what, "≤ " + text(limit), text(got), got <= limit}
}

func (r *report) goals() (goals []goal) {
	number := func(n float64) string { return fmt.Sprintf("%.2f", n) }
	millions := func(n float64) string { return fmt.Sprintf("%.0f M", n/1e6) }
	megabytes := func(n int64) string { return fmt.Sprintf("%.0f MB", float64(n)/1e6) }
	if len(r.Ingest) > 0 {
		peak := int64(0)
		for _, i := range r.Ingest {
			peak = max(peak, i.PeakMemory)
		}
		goals = append(goals,
			atMost("bytes on disk for each byte of entropy", goalEntropy, r.disk()/r.Sizes.Entropy.Total(), number),
			atMost("peak memory at the full rate of ingestion", goalPeak, peak, megabytes))
	}
	if r.Compact != nil {
		goals = append(goals, atMost("bytes written to segments for each byte that stays", goalRewrites, r.Compact.rewrites(), number))
	}
	if len(r.Queries) > 0 {
		set := r.Queries[len(r.Queries)-1]
		of := fmt.Sprintf("%s spans: ", grouped(set.Spans))
		goals = append(goals,
			atMost(of+"idle memory after the start", goalIdle, set.IdleBefore, megabytes),
			atMost(of+"idle memory after the questions", goalIdle, set.IdleAfter, megabytes))
		for _, q := range set.Results {
			goals = append(goals, q.goal(of))
		}
		for _, a := range set.Aggregates {
			goals = append(goals, goal{of + a.Question + ", spans a CPU second", "≥ " + millions(a.Goal), millions(a.PerCPU), a.PerCPU >= a.Goal})
		}
	}
	return goals
}

// goal is that of a question.
func (q *queryResult) goal(of string) goal {
	return goal{
		what: of + q.Question + ", p50 and p99",
		goal: "≤ " + milliseconds(q.Goal.P50) + ", " + milliseconds(q.Goal.P99),
		got:  milliseconds(q.Times.P50) + ", " + milliseconds(q.Times.P99),
		met:  q.Times.P50 <= q.Goal.P50 && q.Times.P99 <= q.Goal.P99,
	}
}

func goalTable(goals []goal) table {
	t := table{
		title:  "Goals",
		note:   "Those of questions and of idle memory are meant for 10 million spans.",
		header: []string{"", "goal", "this run", ""},
	}
	for _, g := range goals {
		verdict := "met"
		if !g.met {
			verdict = "NOT MET"
		}
		t.rows = append(t.rows, []string{g.what, g.goal, g.got, verdict})
	}
	return t
}
