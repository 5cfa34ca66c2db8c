package main

import (
	"encoding/json"
	"fmt"
	"io"
	"math"
	"strings"
	"time"
	"unicode/utf8"
)

// report is all that one run found out.
type report struct {
	Date    time.Time       `json:"date"`
	Commit  string          `json:"commit"`
	Machine machine         `json:"machine"`
	Decode  *decodeResult   `json:"decode,omitempty"`
	Ingest  []*ingestResult `json:"ingest,omitempty"`
	Sizes   *sizes          `json:"sizes,omitempty"`
	Queries []*querySet     `json:"queries,omitempty"`
	Restart *restartResult  `json:"restart,omitempty"`
}

// sizes are what the disk figures are compared with, in bytes a span.
type sizes struct {
	Raw     float64 `json:"otlp"`
	Zstd    float64 `json:"otlpZstd"`
	Entropy float64 `json:"entropy"`
}

// querySet is one store's answers.
type querySet struct {
	Spans   int            `json:"spans"`
	Traces  int            `json:"traces"`
	Results []*queryResult `json:"results"`
}

// table is a part of the report for people.
type table struct {
	title  string
	note   string
	header []string
	rows   [][]string
}

func (r *report) tables() (tables []table) {
	if r.Decode != nil {
		tables = append(tables, r.decodeTable())
	}
	if len(r.Ingest) > 0 {
		tables = append(tables, r.ingestTable(), r.sizeTable(), r.comparisonTable())
	}
	for _, set := range r.Queries {
		tables = append(tables, set.table())
	}
	if r.Restart != nil {
		tables = append(tables, r.restartTable())
	}
	return tables
}

func (r *report) decodeTable() table {
	d := r.Decode
	return table{
		title:  "Decoding OTLP protobuf",
		note:   fmt.Sprintf("%s spans in memory; processor time, that of the garbage collector included, the best of %d rounds.", grouped(d.Spans), rounds),
		header: []string{"decoder", "CPU ns/span", "ratio"},
		rows: [][]string{
			{"kiseki", fmt.Sprintf("%.0f", d.OwnNanos), "1"},
			{"pdata", fmt.Sprintf("%.0f", d.PdataNanos), fmt.Sprintf("%.1f", d.Ratio())},
		},
	}
}

func (r *report) ingestTable() table {
	t := table{
		title: fmt.Sprintf("Ingestion of %s spans, from empty until every span is in a segment", grouped(r.Ingest[0].Spans)),
		note: "Spans/s counts acknowledged spans, which are durable. The client runs on the same cores. " +
			"CPU is of the server, user and system, in seconds for a million spans.",
		header: []string{"over", "spans/s", "CPU to last ack", "CPU to last flush", "client CPU", "peak memory", "disk B/span", "ack p50", "ack p99", "retries"},
	}
	for _, i := range r.Ingest {
		t.rows = append(t.rows, []string{
			i.Transport, grouped(int(i.SpansPerSecond)), fmt.Sprintf("%.2f", i.AckCPU), fmt.Sprintf("%.2f", i.CPU), fmt.Sprintf("%.2f", i.ClientCPU),
			mib(i.PeakMemory), fmt.Sprintf("%.1f", i.DiskPerSpan), milliseconds(i.Acks.P50), milliseconds(i.Acks.P99), fmt.Sprint(i.Retries),
		})
	}
	return t
}

func (r *report) sizeTable() table {
	disk := r.Ingest[len(r.Ingest)-1].DiskPerSpan
	row := func(name string, bytes float64) []string {
		return []string{name, fmt.Sprintf("%.1f", bytes), fmt.Sprintf("%.2f", bytes/disk)}
	}
	return table{
		title: "Size of a span",
		note: "The entropy is that of the corpus itself: what an ideal coder that knows how the corpus is made would need. " +
			"The OTLP requests are compressed one by one.",
		header: []string{"as", "bytes", "ratio to kiseki"},
		rows: [][]string{
			row("kiseki on disk", disk), row("OTLP", r.Sizes.Raw), row("OTLP, zstd level 3", r.Sizes.Zstd), row("entropy", r.Sizes.Entropy),
		},
	}
}

// published are figures of other stores, by product. They cannot be measured
// here.
var published = []struct {
	name            string
	cpu, rate, size float64 // CPU seconds a million spans, spans/s, bytes a span
	memory          float64 // GB
	byID, search    float64 // ms, p50
}{
	{"Jaeger + Badger", 253, 5_000, 1370, 4.5, 2.0, 49},
	{"Tempo", 59, 26_000, 147, 4.1, 90, 17},
	{"VictoriaTraces (2025)", 30, 67_000, 87, 0.38, 8.9, 89},
}

const publishedNote = "Other stores were measured on 2 cores of the same kind of machine with a similar corpus, not in this run. " +
	"In brackets: how many times better kiseki is, below 1 where it is worse."

func (r *report) comparisonTable() table {
	own := r.Ingest[len(r.Ingest)-1]
	var byID, search time.Duration
	if len(r.Queries) > 0 {
		res := r.Queries[0].Results
		byID, search = res[0].Times.P50, res[serviceSearch].Times.P50
	}
	memory := float64(own.PeakMemory) / 1e9
	t := table{
		title:  "Beside other stores",
		note:   publishedNote,
		header: []string{"store", "CPU s/M spans", "spans/s", "disk B/span", "peak memory", "trace by ID p50", "service search p50"},
		rows: [][]string{{"kiseki, OTLP/" + own.Transport, fmt.Sprintf("%.1f", own.CPU), grouped(int(own.SpansPerSecond)),
			fmt.Sprintf("%.1f", own.DiskPerSpan), fmt.Sprintf("%.2f GB", memory), milliseconds(byID), milliseconds(search)}},
	}
	for _, p := range published {
		t.rows = append(t.rows, []string{
			p.name,
			better(fmt.Sprintf("%.0f", p.cpu), p.cpu/own.CPU),
			better(grouped(int(p.rate)), own.SpansPerSecond/p.rate),
			better(fmt.Sprintf("%.0f", p.size), p.size/own.DiskPerSpan),
			better(fmt.Sprintf("%.2f GB", p.memory), p.memory/memory),
			better(fmt.Sprintf("%.1f ms", p.byID), p.byID*1e6/float64(byID)),
			better(fmt.Sprintf("%.0f ms", p.search), p.search*1e6/float64(search)),
		})
	}
	return t
}

// better adds to a figure by how much it is beaten, if that was measured.
func better(text string, factor float64) string {
	if math.IsInf(factor, 0) {
		return text
	}
	return fmt.Sprintf("%s (%.1f×)", text, factor)
}

func (set *querySet) table() table {
	t := table{
		title:  fmt.Sprintf("Questions to %s spans in %s traces", grouped(set.Spans), grouped(set.Traces)),
		note:   "Over the HTTP API on one kept connection, one at a time, caches warm; searches ask for the newest 20 of all time.",
		header: []string{"question", "p50", "p99", "p999", "max", "n", "traces", "scanned"},
	}
	for _, q := range set.Results {
		p999 := milliseconds(q.Times.P999)
		if q.Times.N < 1000 {
			p999 = "" // too few to say
		}
		t.rows = append(t.rows, []string{
			q.Question, milliseconds(q.Times.P50), milliseconds(q.Times.P99), p999, milliseconds(q.Times.Max),
			fmt.Sprint(q.Times.N), fmt.Sprintf("%.1f", q.Answers), fmt.Sprintf("%.1f %%", 100*q.Scanned),
		})
	}
	return t
}

func (r *report) restartTable() table {
	d := r.Restart
	return table{
		title:  "Restart after kill -9",
		note:   "From starting the process to the first 200 of /readyz.",
		header: []string{"log holds", "data folder", "ready after", "with an empty folder"},
		rows:   [][]string{{grouped(d.Spans) + " spans", mib(d.Bytes), milliseconds(d.Ready), milliseconds(d.Cold)}},
	}
}

// writeMarkdown writes the report; its tables are aligned to be read as they
// are, too.
func (r *report) writeMarkdown(w io.Writer) {
	m := r.Machine
	fmt.Fprintf(w, "# Benchmark of %s, %s\n\n%s, %d cores, %.0f GiB, Linux %s, %s; load average before the run %s.\n",
		r.Commit, r.Date.Format("2006-01-02"), m.CPU, m.Cores, float64(m.Memory)/(1<<30), m.Kernel, m.Go, m.Load)
	for _, t := range r.tables() {
		fmt.Fprintf(w, "\n## %s\n\n%s\n\n", t.title, t.note)
		t.writeRows(w)
	}
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
