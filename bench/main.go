// Command bench measures kiseki from outside, as its users meet it: how fast
// it takes spans, what they cost in processor time, memory and disk, how
// quickly it answers, and how soon it is back after a crash.
//
// It runs the real binary as a child process on a temporary data folder and
// talks to it over its public interfaces only; the spans are those of
// bench/corpus, encoded before anything is measured. The figures of the client
// are kept apart from those of the server, but both share the machine.
//
//	go run ./bench                 everything, with 1 and 5 million spans
//	go run ./bench --quick         the same with 200,000 spans, in about four minutes
//	go run ./bench --out --spans 1M,10M,50M
//	                               what a release records; the sizes are of the
//	                               stores that are queried, and 50M needs 5 GB
//	go run ./bench --only query --spans 10M,50M
//	                               one part (decode, ingest, compact, query,
//	                               mixed or restart), with other sizes
//	go run ./bench --out           also write bench/results/DATE-COMMIT.md
package main

import (
	"context"
	"flag"
	"fmt"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"time"

	"github.com/kiseki-dev/kiseki/telemetry"
)

// run is one run of the benchmark.
type run struct {
	binary      string
	sizes       []int
	only        string
	connections int
	report      report
}

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	if err := bench(ctx); err != nil {
		fmt.Fprintf(os.Stderr, "bench: %v\n", err)
		os.Exit(1)
	}
}

func bench(ctx context.Context) error {
	r := &run{report: report{Date: time.Now().UTC(), Commit: commit(), Machine: thisMachine()}}
	flag.StringVar(&r.binary, "binary", "bin/kiseki", "the kiseki to measure; built if it does not exist")
	flag.StringVar(&r.only, "only", "", "measure one part: "+strings.Join(parts, ", "))
	flag.IntVar(&r.connections, "connections", 8, "connections that send spans")
	spans := flag.String("spans", "1M,5M", "store sizes to query, such as 10M,50M; the first, at most 2M of it, is also the load to ingest")
	quick := flag.Bool("quick", false, "200,000 spans only")
	asJSON := flag.Bool("json", false, "print JSON instead of tables")
	out := flag.Bool("out", false, "also write bench/results/DATE-COMMIT.md in place of the one there")
	flag.Parse()
	var err error
	if *quick {
		*spans = "200k"
	}
	if r.sizes, err = parseCounts(*spans); err != nil {
		return err
	}
	clean, err := r.findBinary(ctx)
	if err != nil {
		return err
	}
	defer clean()
	if err := r.measure(ctx); err != nil {
		return err
	}
	r.report.LoadAfter = thisMachine().Load
	if *out {
		if err := r.save(); err != nil {
			return err
		}
	}
	if *asJSON {
		return r.report.writeJSON(os.Stdout)
	}
	r.report.writeMarkdown(os.Stdout)
	if r.only == "" {
		r.say("\nLarger stores: go run ./bench --only query --spans 10M (some minutes on a quiet machine, 1 GB of disk) or 50M (five times as much)")
	}
	return nil
}

// say tells how far the run is.
func (r *run) say(format string, args ...any) {
	fmt.Fprintf(os.Stderr, format+"\n", args...)
}

// findBinary builds kiseki if it is not there; clean removes what was built.
func (r *run) findBinary(ctx context.Context) (clean func(), err error) {
	if _, err := os.Stat(r.binary); err == nil {
		return func() {}, nil
	}
	dir, remove, err := temporaryFolder()
	if err != nil {
		return nil, err
	}
	r.say("build kiseki")
	r.binary = filepath.Join(dir, "kiseki")
	if out, err := exec.CommandContext(ctx, "go", "build", "-o", r.binary, "./cmd/kiseki").CombinedOutput(); err != nil {
		remove()
		return nil, fmt.Errorf("build kiseki: %w\n%s", err, out)
	}
	return remove, nil
}

// parts are what can be measured, in this order.
var parts = []string{"decode", "ingest", "compact", "query", "mixed", "restart"}

func (r *run) measure(ctx context.Context) error {
	if r.only != "" && !slices.Contains(parts, r.only) {
		return fmt.Errorf("--only %s: the parts are %s", r.only, strings.Join(parts, ", "))
	}
	for _, part := range parts {
		if r.only != "" && r.only != part {
			continue
		}
		if err := r.measurePart(ctx, part); err != nil {
			return fmt.Errorf("measure %s: %w", part, err)
		}
	}
	return nil
}

func (r *run) measurePart(ctx context.Context, part string) (err error) {
	r.say("%s", part)
	switch part {
	case "decode":
		r.report.Decode, err = measureDecode(20_000)
	case "ingest":
		err = r.measureIngest(ctx)
	case "compact":
		r.report.Compact, err = r.measureCompaction(ctx)
	case "query":
		for _, n := range r.sizes {
			if err := r.measureQueries(ctx, n); err != nil {
				return err
			}
		}
	case "mixed":
		r.report.Mixed, err = r.measureMixed(ctx)
	case "restart":
		r.report.Restart, err = r.measureRestart(ctx)
	}
	return err
}

// mostLoad bounds the loads that are encoded beforehand, and so the memory
// they take: about half a gigabyte a million spans.
const mostLoad = 2_000_000

// loadSize is how many spans are sent where ingestion is measured.
func (r *run) loadSize() int { return min(r.sizes[0], mostLoad) }

func (r *run) measureIngest(ctx context.Context) error {
	r.say("encode %s spans", grouped(r.loadSize()))
	p, err := makePayload(r.loadSize())
	if err != nil {
		return err
	}
	r.report.Sizes = &sizes{Raw: p.perSpan(p.rawBytes), Zstd: p.perSpan(p.zstdBytes), Entropy: p.entropy}
	for _, transport := range []string{"HTTP gzip", "gRPC", "HTTP"} {
		if err := r.ingestOnce(ctx, transport, p); err != nil {
			return err
		}
	}
	return nil
}

func (r *run) ingestOnce(ctx context.Context, transport string, p *payload) error {
	dir, remove, err := temporaryFolder()
	if err != nil {
		return err
	}
	defer remove()
	s, res, err := r.ingest(ctx, transport, p, dir)
	if err != nil {
		return err
	}
	defer s.kill()
	r.report.Ingest = append(r.report.Ingest, res)
	if r.report.Sizes.Columns, err = columnSizes(ctx, r.binary, dir, res.Spans); err != nil {
		return err
	}
	return s.stop()
}

// measureQueries fills a store, starts a server on it anew and asks.
func (r *run) measureQueries(ctx context.Context, spans int) error {
	dir, remove, err := temporaryFolder()
	if err != nil {
		return err
	}
	defer remove()
	filled, err := r.fill(ctx, dir, spans, (*server).awaitRest)
	if err != nil {
		return err
	}
	s, err := startServer(ctx, r.binary, dir)
	if err != nil {
		return err
	}
	defer s.kill()
	set := &querySet{Spans: filled.spans, Traces: len(filled.ids)}
	if set.IdleBefore, err = s.idleMemory(); err != nil {
		return err
	}
	if set.Results, err = r.ask(ctx, s, filled); err != nil {
		return err
	}
	if set.Aggregates, err = r.aggregate(ctx, s, filled); err != nil {
		return err
	}
	if set.Analyses, err = r.analyse(ctx, s, filled); err != nil {
		return err
	}
	if set.IdleAfter, err = s.idleMemory(); err != nil {
		return err
	}
	r.report.Queries = append(r.report.Queries, set)
	return s.stop()
}

// filled is what a store holds.
type filled struct {
	spans int
	ids   []telemetry.TraceID
	users []string // some who made few requests
	// oldest and newest are a range of time with all spans, in Unix
	// nanoseconds.
	oldest, newest string
}

// fill stores that many spans, all in segments, and stops the server when
// settled returns.
func (r *run) fill(ctx context.Context, dir string, spans int, settled func(*server) error) (*filled, error) {
	r.say("  store %s spans", grouped(spans))
	s, err := startServer(ctx, r.binary, dir, "--flush-age", flushAge.String())
	if err != nil {
		return nil, err
	}
	defer s.kill()
	g := corpusFor(seed, spans)
	said := time.Now()
	_, err = load(ctx, func(send func([]byte) error) error {
		return eachRequest(g, spans, func(body []byte) error {
			if time.Since(said) > 10*time.Second {
				said = time.Now()
				r.say("  %d %% sent", 100*g.Spans()/spans)
			}
			return send(body)
		})
	}, httpSenders(s.otlpHTTP, r.connections, ""))
	if err != nil {
		s.kill() // so that its log is complete
		return nil, fmt.Errorf("%w\n%s", err, s.log)
	}
	if err := s.awaitFlush(); err != nil {
		return nil, err
	}
	if err := settled(s); err != nil {
		return nil, err
	}
	status, err := s.status()
	if err != nil {
		return nil, err
	}
	f := &filled{spans: g.Spans(), ids: g.IDs(), users: someUsers(corpusFor(seed, spans), lookups), oldest: status.Oldest}
	f.newest = strconv.FormatInt(time.Now().UnixNano(), 10)
	return f, s.stop()
}

// save writes the report to the folder of results, in place of the one
// there: older ones are in the history of the sources.
func (r *run) save() error {
	name := r.report.Date.Format("2006-01-02") + "-" + strings.ReplaceAll(r.report.Commit, "/", "-") + ".md"
	path := filepath.Join("bench", "results", name)
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		return fmt.Errorf("make folder of results: %w", err)
	}
	f, err := os.Create(path)
	if err != nil {
		return fmt.Errorf("write results: %w", err)
	}
	r.report.writeMarkdown(f)
	if err := f.Close(); err != nil {
		return fmt.Errorf("write results: %w", err)
	}
	r.say("wrote %s", path)
	old, err := filepath.Glob(filepath.Join("bench", "results", "*.md"))
	if err != nil {
		return fmt.Errorf("find older results: %w", err)
	}
	for _, other := range old {
		if other != path {
			if err := os.Remove(other); err != nil {
				return fmt.Errorf("remove older results: %w", err)
			}
		}
	}
	return nil
}
