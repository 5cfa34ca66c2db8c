package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"slices"
	"strings"

	"github.com/kiseki-dev/kiseki/config"
	"github.com/kiseki-dev/kiseki/storage"
	"github.com/kiseki-dev/kiseki/storage/vfs"
)

var inspectCommand = command{name: "inspect", summary: "print what a data folder holds and verify every checksum", run: runInspect}

const inspectHelp = `NAME
  kiseki inspect - print what a data folder holds and verify every checksum

SYNOPSIS
  kiseki inspect [--repair] [DIR | --data DIR | --config FILE]

DESCRIPTION
  Reads the manifest, the write-ahead log and all segments of a data folder,
  and prints how many spans each holds, over which time, and how many bytes
  each column takes, which deletions are not erased yet, and what damage has
  taken. Nothing is changed. It may run beside a server; a server
  cannot be started while it runs.

  With --repair, and no server running, damaged segments are replaced by what
  can be read of them, and so are segments in quarantine: to bring one back
  whole, put an intact copy of it from a backup in its place there first. Spans
  that were deleted on request after that backup come back too. The damaged
  files are kept in quarantine.

OPTIONS
  --repair        Repair, instead of printing what there is.
  --data DIR      The data folder, as DIR alone. Default data. Environment
                  KISEKI_DATA.
  --config FILE   Take the data folder from this configuration file.

EXIT STATUS
  0  everything is intact, or was repaired without loss
  1  something is damaged, lost or cannot be read
  2  the command line is wrong
`

func runInspect(ctx context.Context, args []string, stdout, stderr io.Writer) int {
	repair := slices.Contains(args, "--repair")
	args = slices.DeleteFunc(slices.Clone(args), func(arg string) bool { return arg == "--repair" })
	c, err := config.Load(folderFirst(args), os.LookupEnv, "data")
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

// folderFirst makes an option of the data folder that stands alone, before or
// behind the options.
func folderFirst(args []string) []string {
	var out []string
	for i := 0; i < len(args); i++ {
		switch arg := args[i]; {
		case arg == "--data" || arg == "--config":
			out = append(out, args[i:min(i+2, len(args))]...)
			i++
		case !strings.HasPrefix(arg, "-") && !slices.Contains(out, "--data"):
			out = append(out, "--data", arg)
		default: // an option, or one argument too many
			out = append(out, arg)
		}
	}
	return out
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
	if report.Lost > 0 || len(report.LostLogs) > 0 {
		return exitFailed
	}
	return exitOK
}
