package main

import (
	"encoding/json"
	"fmt"
	"io"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/kiseki-dev/kiseki/bench/corpus"
)

// report is all that one run found out.
type report struct {
	Date    time.Time `json:"date"`
	Commit  string    `json:"commit"`
	Machine machine   `json:"machine"`
	// LoadAfter is the load average after the run, which is part of it.
	LoadAfter string          `json:"loadAverageAfter"`
	Decode    *decodeResult   `json:"decode,omitempty"`
	Ingest    []*ingestResult `json:"ingest,omitempty"`
	Compact   *compactResult  `json:"compact,omitempty"`
	Sizes     *sizes          `json:"sizes,omitempty"`
	Queries   []*querySet     `json:"queries,omitempty"`
	Mixed     *mixedResult    `json:"mixed,omitempty"`
	Restart   *restartResult  `json:"restart,omitempty"`
}

// sizes are what the disk figures are compared with, in bytes a span.
type sizes struct {
	Raw     float64        `json:"otlp"`
	Zstd    float64        `json:"otlpZstd"`
	Entropy corpus.Entropy `json:"entropy"`
	Columns []columnSize   `json:"columns"` // of kiseki's segments, largest first
}

// querySet is one store's answers.
type querySet struct {
	Spans      int                `json:"spans"`
	Traces     int                `json:"traces"`
	IdleBefore int64              `json:"idleMemoryBytes"`      // resident after the start
	IdleAfter  int64              `json:"idleMemoryBytesAfter"` // resident after the questions
	Results    []*queryResult     `json:"results"`
	Aggregates []*aggregateResult `json:"aggregates"`
	Analyses   []*analysisResult  `json:"analyses"`
}

// table is a part of the report for people.
type table struct {
	title  string
	note   string
	header []string
	rows   [][]string
}

// writeMarkdown writes the report; its tables are aligned to be read as they
// are, too.
func (r *report) writeMarkdown(w io.Writer) {
	m := r.Machine
	fmt.Fprintf(w, "# Benchmark of %s, %s\n\n%s, %d cores, %.0f GiB, Linux %s, %s; load average before the run %s, after it %s. The machine was %s.\n",
		r.Commit, r.Date.Format("2006-01-02"), m.CPU, m.Cores, float64(m.Memory)/(1<<30), m.Kernel, m.Go, m.Load, r.LoadAfter, busyness(m.Load, m.Cores))
	for _, t := range r.tables() {
		fmt.Fprintf(w, "\n## %s\n\n%s\n\n", t.title, t.note)
		t.writeRows(w)
	}
	if row, ok := r.readmeRow(); ok {
		fmt.Fprintf(w, "\n## kiseki's row in the README, from %s spans\n\n```\n%s\n```\n", grouped(r.Ingest[0].Spans), row)
	}
}

// busyness says what the load average before a run means for its figures.
func busyness(load string, cores int) string {
	var minute float64
	if _, err := fmt.Sscan(load, &minute); err != nil || minute < float64(cores)/4 {
		return "quiet"
	}
	return "BUSY with other work: times are longer than they would be, processor time less so"
}

func (t *table) writeRows(w io.Writer) {
	width := make([]int, len(t.header))
	all := append([][]string{t.header}, t.rows...)
	for _, row := range all {
		for i, cell := range row {
			width[i] = max(width[i], utf8.RuneCountInString(cell))
		}
	}
	for n, row := range all {
		for i, cell := range row {
			pad := strings.Repeat(" ", width[i]-utf8.RuneCountInString(cell))
			if i == 0 {
				cell += pad
			} else {
				cell = pad + cell
			}
			fmt.Fprintf(w, "| %s ", cell)
		}
		fmt.Fprintln(w, "|")
		if n == 0 {
			writeRule(w, width)
		}
	}
}

// writeRule writes the line under a table's header: names on the left,
// figures on the right.
func writeRule(w io.Writer, width []int) {
	for i, n := range width {
		end := ":"
		if i == 0 {
			end = "-"
		}
		fmt.Fprintf(w, "|%s%s", strings.Repeat("-", n+1), end)
	}
	fmt.Fprintln(w, "|")
}

func (r *report) writeJSON(w io.Writer) error {
	enc := json.NewEncoder(w)
	enc.SetIndent("", "  ")
	return enc.Encode(r)
}
