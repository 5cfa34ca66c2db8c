package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"math"
	"net/http"
	"net/url"
	"os"
	"strconv"
	"strings"
	"time"

	"github.com/kiseki-dev/kiseki/api/native"
	"github.com/kiseki-dev/kiseki/archive"
	"github.com/kiseki-dev/kiseki/config"
	"github.com/kiseki-dev/kiseki/query/plan"
	"github.com/kiseki-dev/kiseki/query/traceql"
)

var exportCommand = command{name: "export", summary: "write spans to a Parquet or OTLP/JSON file", run: runExport}

const exportHelp = `NAME
  kiseki export - write spans to a Parquet or OTLP/JSON file

SYNOPSIS
  kiseki export --out FILE [--format FORMAT] [--query QUERY] [--start TIME]
                [--end TIME] [--server URL | --data DIR] [--tenant ID]

DESCRIPTION
  Writes all spans that satisfy a query. docs/export.md describes the columns
  of the Parquet file and how DuckDB, ClickHouse, Spark and BigQuery read it.
  "kiseki import" reads both formats.

OPTIONS
  --out FILE       The file, or - for stdout.
  --format FORMAT  parquet: one row a span. otlp-json: one OTLP message a line,
                   as the Collector's file exporter writes. Default parquet.
  --query QUERY    A TraceQL filter such as '{ status = error }'. Default {},
                   every span.
  --start TIME     Spans that started at this time or later: such as
                   2026-11-21T09:00:00Z, 24h or 7d (ago), or Unix nanoseconds.
  --end TIME       Spans that started before this time.
  --server URL     The server. Default http://127.0.0.1:16686.
  --tenant ID      Whose spans, where the server has several tenants.
  --data DIR       Read this data folder without a server.

EXIT STATUS
  0  done
  1  it failed: there is no file
  2  the command line is wrong
  3  there is a file, without what is damaged
`

type exportOptions struct {
	format, query, start, end, out string
	source                         source
	plan                           plan.Search
}

func runExport(ctx context.Context, args []string, stdout, stderr io.Writer) int {
	var o exportOptions
	flags := newFlags("export")
	flags.StringVar(&o.format, "format", string(archive.FormatParquet), "")
	flags.StringVar(&o.query, "query", "{}", "")
	flags.StringVar(&o.start, "start", "", "")
	flags.StringVar(&o.end, "end", "", "")
	flags.StringVar(&o.out, "out", "", "")
	o.source.flags(flags)
	if status, done := parseArgs(flags, args, 0, exportHelp, stdout, stderr); done {
		return status
	}
	if err := o.check(time.Now()); err != nil {
		return usage(stderr, flags, err)
	}
	out, finish, err := createWhole(o.out, stdout)
	if err == nil {
		err = o.export(ctx, out, stderr)
		err = errors.Join(err, finish(err == nil || errors.As(err, &partly{})))
	}
	return ended(ctx, stderr, "export", err)
}

func (o *exportOptions) check(now time.Time) (err error) {
	if o.out == "" {
		return errors.New("--out is needed")
	}
	if _, err := archive.NewWriter(archive.Format(o.format), io.Discard); err != nil {
		return fmt.Errorf("--format: %w", err)
	}
	q, err := traceql.ParseSearch(o.query)
	if err != nil {
		return fmt.Errorf("--query: %w", err)
	}
	if o.plan.Start, err = parseMoment(o.start, 0, now); err != nil {
		return fmt.Errorf("--start: %w", err)
	}
	if o.plan.End, err = parseMoment(o.end, plan.All, now); err != nil {
		return fmt.Errorf("--end: %w", err)
	}
	if o.plan.Start > o.plan.End {
		return errors.New("--end is before --start")
	}
	o.plan.Filter, o.plan.Spans = plan.Pipeline(q.Spans, o.plan.Start > 0 || o.plan.End != plan.All)
	return nil
}

// parseMoment reads a time as people write it.
func parseMoment(s string, otherwise uint64, now time.Time) (uint64, error) {
	switch s {
	case "":
		return otherwise, nil
	case "now":
		return uint64(max(now.UnixNano(), 0)), nil
	}
	if n, err := strconv.ParseUint(s, 10, 64); err == nil {
		return n, nil
	}
	t, err := time.Parse(time.RFC3339Nano, s)
	if err != nil {
		ago, err := config.ParseDuration(strings.TrimPrefix(s, "-"))
		if err != nil {
			return 0, fmt.Errorf("%q is neither a time such as 2026-11-21T09:00:00Z, nor an age such as 24h, nor Unix nanoseconds", s)
		}
		t = now.Add(-ago)
	}
	return uint64(max(t.UnixNano(), 0)), nil
}

// createWhole makes a file that gets its name only when it is whole. "-" is
// stdout.
func createWhole(path string, stdout io.Writer) (w io.Writer, finish func(whole bool) error, err error) {
	if path == "-" {
		return stdout, func(bool) error { return nil }, nil
	}
	part := path + ".part"
	f, err := os.Create(part)
	if err != nil {
		return nil, nil, err
	}
	return f, func(whole bool) error {
		err := f.Close()
		if err != nil || !whole {
			return errors.Join(err, os.Remove(part))
		}
		return os.Rename(part, path)
	}, nil
}

func (o *exportOptions) export(ctx context.Context, w io.Writer, stderr io.Writer) error {
	if o.source.data != "" {
		return o.fromFolder(ctx, w, stderr)
	}
	return o.fromServer(ctx, w, stderr)
}

func (o *exportOptions) fromFolder(ctx context.Context, w io.Writer, stderr io.Writer) (err error) {
	dir, err := tenantFolder(o.source.data, o.source.tenant)
	if err != nil {
		return err
	}
	s, err := openFolder(dir)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, s.Close()) }()
	snap := s.Snapshot()
	defer snap.Release()
	say := reporter(stderr)
	spans, stats, err := archive.Export(ctx, snap, &o.plan, archive.Format(o.format), w, func(n int64) { say("%d spans", n) })
	if err != nil {
		return err
	}
	fmt.Fprintf(stderr, "%d spans exported\n", spans)
	if !stats.Complete {
		return incomplete(stats.Reason + ": " + stats.Damage.Error())
	}
	return nil
}

func (o *exportOptions) fromServer(ctx context.Context, w io.Writer, stderr io.Writer) error {
	v := url.Values{"format": {o.format}, "q": {o.query}, "start": {strconv.FormatUint(o.plan.Start, 10)}}
	if o.plan.End != math.MaxUint64 {
		v.Set("end", strconv.FormatUint(o.plan.End, 10))
	}
	resp, err := apiClient{server: o.source.server, tenant: o.source.tenant}.do(ctx, http.MethodGet, "/export?"+v.Encode(), nil)
	if err != nil {
		return err
	}
	defer resp.Body.Close() // only read from
	say := reporter(stderr)
	n := int64(0)
	if _, err := io.Copy(w, io.TeeReader(resp.Body, tap(func(p []byte) {
		n += int64(len(p))
		say("%d MiB", n>>20)
	}))); err != nil {
		return fmt.Errorf("read export: %w", err)
	}
	spans := resp.Trailer.Get(native.SpansTrailer)
	if spans == "" {
		return errors.New("the export was cut off")
	}
	fmt.Fprintf(stderr, "%s spans exported, %d bytes\n", spans, n)
	if reason := resp.Trailer.Get(native.IncompleteHeader); reason != "" {
		return incomplete(reason)
	}
	return nil
}

// incomplete says that there is a whole file, without what could not be read.
func incomplete(reason string) error {
	return partly{fmt.Errorf("not all that is stored could be read: %s", reason)}
}

type tap func(p []byte)

func (f tap) Write(p []byte) (int, error) {
	f(p)
	return len(p), nil
}
