package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"

	"github.com/kiseki-dev/kiseki/config"
	"github.com/kiseki-dev/kiseki/storage"
	"github.com/kiseki-dev/kiseki/storage/vfs"
)

var inspectCommand = command{name: "inspect", summary: "print what a data folder holds and verify every checksum", run: runInspect}

const inspectHelp = `NAME
  kiseki inspect - print what a data folder holds and verify every checksum

SYNOPSIS
  kiseki inspect [--data DIR] [--config FILE]

DESCRIPTION
  Reads the manifest, the write-ahead log and all segments of a data folder,
  and prints how many spans each holds, over which time, and how many bytes
  each column takes. Nothing is changed. It may run beside a server; a server
  cannot be started while it runs.

OPTIONS
  --data DIR      The data folder. Default data. Environment KISEKI_DATA.
  --config FILE   Take the data folder from this configuration file.

EXIT STATUS
  0  everything is intact
  1  something is damaged or cannot be read
  2  the command line is wrong
`

func runInspect(_ context.Context, args []string, stdout, stderr io.Writer) int {
	c, err := config.Load(args, os.LookupEnv, "data")
	switch {
	case errors.Is(err, config.ErrHelp):
		fmt.Fprint(stdout, inspectHelp)
		return exitOK
	case err != nil:
		fmt.Fprintf(stderr, "kiseki inspect: %v\nRun \"kiseki inspect --help\" for the options.\n", err)
		return exitUsage
	}
	report, err := storage.Inspect(vfs.OS{}, c.Data)
	if err != nil {
		fmt.Fprintf(stderr, "kiseki inspect: %v\n", err)
		return exitFailed
	}
	if err := report.WriteText(stdout); err != nil {
		fmt.Fprintf(stderr, "kiseki inspect: write report: %v\n", err)
		return exitFailed
	}
	if len(report.Problems) > 0 {
		fmt.Fprintf(stderr, "kiseki inspect: %d problems, listed above\n", len(report.Problems))
		return exitFailed
	}
	return exitOK
}
