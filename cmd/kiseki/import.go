package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"math"
	"net/http"

	"github.com/kiseki-dev/kiseki/archive"
	names "github.com/kiseki-dev/kiseki/internal/tenant"
	"github.com/kiseki-dev/kiseki/telemetry"
)

var importCommand = command{name: "import", summary: "send the spans of files to an OTLP receiver", run: runImport}

const importHelp = `NAME
  kiseki import - send the spans of files to an OTLP receiver

SYNOPSIS
  kiseki import [--otlp-http URL] [--tenant ID] FILE...

DESCRIPTION
  Reads files that "kiseki export" wrote, Parquet or OTLP/JSON, and files with
  one OTLP/JSON message a line that the Collector's file exporter wrote; the
  latter may be compressed with gzip or Zstandard. Sends their spans to any
  OTLP/HTTP receiver, and sends again what it is too busy for. To import a file
  twice stores its spans twice.

OPTIONS
  --otlp-http URL  The receiver. Default http://127.0.0.1:4318.
  --tenant ID      Whose spans they become, where the receiver has several
                   tenants: sent in the header X-Scope-OrgID.

EXIT STATUS
  0  every span was taken
  1  it failed: the rest was not sent
  2  the command line is wrong
  3  all were sent, and some were rejected for good
`

func runImport(ctx context.Context, args []string, stdout, stderr io.Writer) int {
	flags := newFlags("import")
	to := flags.String("otlp-http", "http://127.0.0.1:4318", "")
	tenant := flags.String("tenant", "", "")
	if status, done := parseArgs(flags, args, math.MaxInt, importHelp, stdout, stderr); done {
		return status
	}
	if flags.NArg() == 0 {
		return usage(stderr, flags, errors.New("which FILE?"))
	}
	s := &archive.Sender{URL: *to, Client: http.DefaultClient, Header: http.Header{}}
	if *tenant != "" {
		if err := names.Check(*tenant); err != nil {
			return usage(stderr, flags, fmt.Errorf("--tenant: %w", err))
		}
		s.Header.Set(names.Header, *tenant)
	}
	say := reporter(stderr)
	var err error
	for _, path := range flags.Args() {
		if err = importFile(ctx, path, s, say); err != nil {
			err = fmt.Errorf("import %s: %w", path, err)
			break
		}
	}
	fmt.Fprintf(stdout, "%d spans sent, %d rejected, in %d requests, %d of them tried again\n", s.Sent.Spans, s.Sent.Rejected, s.Sent.Requests, s.Sent.Retries)
	if err == nil && s.Sent.Rejected > 0 {
		err = partly{fmt.Errorf("%d spans were rejected: %s", s.Sent.Rejected, s.Sent.Message)}
	}
	return ended(ctx, stderr, "import", err)
}

func importFile(ctx context.Context, path string, s *archive.Sender, say func(string, ...any)) (err error) {
	f, err := archive.Open(path)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, f.Close()) }()
	var b telemetry.Batch
	for {
		rejected, err := f.Next(&b)
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return err
		}
		if s.Sent.Rejected += int64(rejected); rejected > 0 {
			s.Sent.Message = "the file has spans without a valid id"
		}
		if err := s.Send(ctx, &b); err != nil {
			return err
		}
		say("%s: %d spans sent", path, s.Sent.Spans)
	}
}
