package main

import (
	"fmt"
	"math"
	"strings"
	"time"
)

func (r *report) tables() (tables []table) {
	if r.Decode != nil {
		tables = append(tables, r.decodeTable())
	}
	if len(r.Ingest) > 0 {
		tables = append(tables, r.ingestTable(), r.sizeTable(), r.columnTable(), r.comparisonTable())
	}
	if r.Compact != nil {
		tables = append(tables, r.Compact.table())
	}
	for _, set := range r.Queries {
		tables = append(tables, set.table(), set.aggregateTable(), set.analysisTable())
	}
	if r.Mixed != nil {
		tables = append(tables, r.Mixed.table())
	}
	if r.Restart != nil {
		tables = append(tables, r.restartTable())
	}
	if goals := r.goals(); len(goals) > 0 {
		tables = append(tables, goalTable(goals))
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
			"CPU is of the server, user and system, in seconds for a million spans. Written is everything the server had the disk write, the log included.",
		header: []string{"over", "spans/s", "CPU to last ack", "to last flush", "client CPU", "peak memory", "disk B/span", "written B/span", "of it log", "ack p50", "ack p99", "retries"},
	}
	for _, i := range r.Ingest {
		t.rows = append(t.rows, []string{
			i.Transport, grouped(int(i.SpansPerSecond)), fmt.Sprintf("%.2f", i.AckCPU), fmt.Sprintf("%.2f", i.CPU),
			fmt.Sprintf("%.2f", i.ClientCPU), mib(i.PeakMemory), fmt.Sprintf("%.1f", i.DiskPerSpan), fmt.Sprintf("%.0f", i.WrittenPerSpan),
			fmt.Sprintf("%.0f", i.LogPerSpan), milliseconds(i.Acks.P50), milliseconds(i.Acks.P99), fmt.Sprint(i.Retries),
		})
	}
	return t
}

func (r *report) sizeTable() table {
	disk := r.disk()
	row := func(name string, bytes float64) []string {
		return []string{name, fmt.Sprintf("%.1f", bytes), fmt.Sprintf("%.2f", bytes/disk)}
	}
	e := r.Sizes.Entropy
	return table{
		title: "Size of a span",
		note: "The entropy is that of the corpus itself: what an ideal coder that knows how the corpus is made would need. " +
			"The OTLP requests are compressed one by one.",
		header: []string{"as", "bytes", "ratio to kiseki"},
		rows: [][]string{
			row("kiseki on disk", disk), row("OTLP", r.Sizes.Raw), row("OTLP, zstd level 3", r.Sizes.Zstd), row("entropy", e.Total()),
			row("of it ids", e.IDs), row("of it times", e.Times), row("of it all else", e.Content),
		},
	}
}

// disk is the size of a span on disk.
func (r *report) disk() float64 { return r.Ingest[len(r.Ingest)-1].DiskPerSpan }

// topColumns are shown one by one.
const topColumns = 15

func (r *report) columnTable() table {
	t := table{
		title:  "Where the bytes are",
		note:   fmt.Sprintf("The %d largest of %d columns and other parts of the segments.", min(topColumns, len(r.Sizes.Columns)), len(r.Sizes.Columns)),
		header: []string{"column", "B/span", "share", "sum"},
	}
	total, sum := 0.0, 0.0
	for _, c := range r.Sizes.Columns {
		total += c.PerSpan
	}
	row := func(name string, size float64) {
		sum += size
		t.rows = append(t.rows, []string{name, fmt.Sprintf("%.2f", size), percent(size / total), percent(sum / total)})
	}
	for _, c := range r.Sizes.Columns[:min(topColumns, len(r.Sizes.Columns))] {
		row(c.Name, c.PerSpan)
	}
	row("all others", total-sum)
	return t
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

const publishedNote = "kiseki's CPU is from socket to segment, and includes one compaction where it was measured. Other stores were measured on 2 cores of the same kind of machine with a similar corpus, not in this run. " +
	"In brackets: how many times better kiseki is, below 1 where it is worse."

// cpu is the processor time of a million spans from socket to segment, and to
// compacted segment where that was measured.
func (r *report) cpu() float64 {
	cpu := r.Ingest[len(r.Ingest)-1].CPU
	if r.Compact != nil {
		cpu += r.Compact.CPU
	}
	return cpu
}

// measured is a time, or nothing for one that was not measured.
func measured(d time.Duration) string {
	if d == 0 {
		return ""
	}
	return milliseconds(d)
}

func (r *report) comparisonTable() table {
	own := r.Ingest[len(r.Ingest)-1]
	var byID, search time.Duration
	if len(r.Queries) > 0 {
		res := r.Queries[0].Results
		byID, search = res[0].Times.P50, res[serviceSearch].Times.P50
	}
	cpu, memory := r.cpu(), float64(own.PeakMemory)/1e9
	t := table{
		title:  "Beside other stores",
		note:   publishedNote,
		header: []string{"store", "CPU s/M spans", "spans/s", "disk B/span", "peak memory", "trace by ID p50", "service search p50"},
		rows: [][]string{{"kiseki, OTLP/" + own.Transport, fmt.Sprintf("%.1f", cpu), grouped(int(own.SpansPerSecond)),
			fmt.Sprintf("%.1f", own.DiskPerSpan), fmt.Sprintf("%.2f GB", memory), measured(byID), measured(search)}},
	}
	for _, p := range published {
		t.rows = append(t.rows, []string{
			p.name,
			better(fmt.Sprintf("%.0f", p.cpu), p.cpu/cpu),
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
		title: fmt.Sprintf("Questions to %s spans in %s traces", grouped(set.Spans), grouped(set.Traces)),
		note: fmt.Sprintf("Over the HTTP API on one kept connection, one at a time, caches warm; searches ask for the newest 20 of all time. "+
			"The idle server takes %s of memory before the questions and %s after them.", mib(set.IdleBefore), mib(set.IdleAfter)),
		header: []string{"question", "p50", "p99", "p999", "max", "n", "traces", "scanned"},
	}
	for _, q := range set.Results {
		p999 := milliseconds(q.Times.P999)
		if q.Times.N < 1000 {
			p999 = "" // too few to say
		}
		t.rows = append(t.rows, []string{
			q.Question, milliseconds(q.Times.P50), milliseconds(q.Times.P99), p999, milliseconds(q.Times.Max),
			fmt.Sprint(q.Times.N), fmt.Sprintf("%.1f", q.Answers), percent(q.Scanned),
		})
	}
	return t
}

func (m *mixedResult) table() table {
	t := table{
		title: "Questions while spans come in",
		note: fmt.Sprintf("%d questions a second at fixed times (a trace by ID, a service's newest, its slow errors in turn) to a store of %s spans and more. "+
			"The questions take their share of the same cores.", m.PerSecond, grouped(m.Stored)),
		header: []string{"", "spans/s", "ack p50", "ack p99", "question p50", "question p99", "questions"},
		rows: [][]string{
			{"only questions", "", "", "", milliseconds(m.Questions.P50), milliseconds(m.Questions.P99), fmt.Sprint(m.Questions.N)},
			{"only ingestion", grouped(int(m.Alone.SpansPerSecond)), milliseconds(m.Alone.Acks.P50), milliseconds(m.Alone.Acks.P99), "", "", ""},
		},
	}
	q := m.Queried
	t.rows = append(t.rows, []string{"both", grouped(int(q.SpansPerSecond)), milliseconds(q.Acks.P50), milliseconds(q.Acks.P99),
		milliseconds(q.Questions.P50), milliseconds(q.Questions.P99), fmt.Sprint(q.Questions.N)})
	return t
}

func (r *report) restartTable() table {
	d := r.Restart
	return table{
		title:  "Restart after kill -9",
		note:   "From starting the process to the first 200 of /readyz. Killed at the last acknowledgement, nothing in a segment; every acknowledged span was counted afterwards.",
		header: []string{"log holds", "data folder", "ready after", "peak memory", "ready with an empty folder"},
		rows:   [][]string{{grouped(d.Spans) + " spans", mib(d.Bytes), milliseconds(d.Ready), mib(d.Memory), milliseconds(d.Cold)}},
	}
}

// readmeRow is kiseki's row in the README's table of stores; ok is false
// where a part of it was not measured.
func (r *report) readmeRow() (row string, ok bool) {
	if len(r.Ingest) == 0 || r.Compact == nil || len(r.Queries) == 0 || r.Restart == nil {
		return "", false
	}
	own, res := r.Ingest[len(r.Ingest)-1], r.Queries[0].Results
	cells := []string{
		"**kiseki**", fmt.Sprintf("%.1f s", r.cpu()), grouped(int(own.SpansPerSecond) / 1000 * 1000), fmt.Sprintf("%.0f", own.DiskPerSpan),
		fmt.Sprintf("%.2f GB", float64(own.PeakMemory)/1e9), shortMilliseconds(res[0].Times.P50), shortMilliseconds(res[serviceSearch].Times.P50),
		"all", // a restart that loses a span fails
	}
	return "| " + strings.Join(cells, " | ") + " |", true
}
