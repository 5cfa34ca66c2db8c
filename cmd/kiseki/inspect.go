package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"slices"

	"github.com/kiseki-dev/kiseki/config"
	"github.com/kiseki-dev/kiseki/storage"
	"github.com/kiseki-dev/kiseki/storage/vfs"
)

var inspectCommand = command{name: "inspect", summary: "print what a data folder holds and verify every checksum", run: runInspect}

const inspectHelp = `NAME
  kiseki inspect - print what a data folder holds and verify every checksum

SYNOPSIS
  kiseki inspect [--repair] [--data DIR] [--config FILE]

DESCRIPTION
  Reads the manifest, the write-ahead log and all segments of a data folder,
  and prints how many spans each holds, over which time, and how many bytes
  each column takes. Nothing is changed. It may run beside a server; a server
  cannot be started while it runs.

  With --repair, and no server running, damaged segments are replaced by what
  can be read of them, and so are segments in quarantine: to bring one back
  whole, put an intact copy of it from a backup in its place there first. Spans
  that were deleted on request after that backup come back too. The damaged
  files are kept in quarantine.

OPTIONS
  --repair        Repair, instead of printing what there is.
  --data DIR      The data folder. Default data. Environment KISEKI_DATA.
  --config FILE   Take the data folder from this configuration file.

EXIT STATUS
  0  everything is intact, or was repaired without loss
  1  something is damaged, lost or cannot be read
  2  the command line is wrong
`

func runInspect(ctx context.Context, args []string, stdout, stderr io.Writer) int {
	repair := slices.Contains(args, "--repair")
	args = slices.DeleteFunc(slices.Clone(args), func(arg string) bool { return arg == "--repair" })
	c, err := config.Load(args, os.LookupEnv, "data")
	switch {
	case errors.Is(err, config.ErrHelp):
		fmt.Fprint(stdout, inspectHelp)
		return exitOK
	case err != nil:
		fmt.Fprintf(stderr, "kiseki inspect: %v\nRun \"kiseki inspect --help\" for the options.\n", err)
		return exitUsage
	}
	if repair {
		return runRepair(ctx, c, stdout, stderr)
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

func runRepair(ctx context.Context, c config.Config, stdout, stderr io.Writer) int {
	if _, err := os.Stat(c.Data); err != nil {
		fmt.Fprintf(stderr, "kiseki inspect: there is nothing to repair: %v\n", err)
		return exitFailed
	}
	report, err := storage.Repair(ctx, storage.Options{Dir: c.Data, Logger: newLogger(stderr, c.Log)})
	if err != nil {
		fmt.Fprintf(stderr, "kiseki inspect: %v\n", explainOpen(err, c.Data))
		return exitFailed
	}
	if err := report.WriteText(stdout); err != nil {
		fmt.Fprintf(stderr, "kiseki inspect: write report: %v\n", err)
		return exitFailed
	}
	if report.Lost > 0 || report.DamagedLogs > 0 {
		return exitFailed
	}
	return exitOK
}
