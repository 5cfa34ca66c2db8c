package main

import (
	"context"
	"fmt"
	"io"
)

// runHelp answers "help COMMAND" as COMMAND answers --help.
func runHelp(ctx context.Context, args []string, stdout, stderr io.Writer) int {
	if len(args) > 0 && args[0] != "help" && !wantsHelp(args) {
		return run(ctx, []string{args[0], "--help"}, stdout, stderr)
	}
	writeHelp(stdout)
	return exitOK
}

func writeHelp(w io.Writer) {
	fmt.Fprint(w, `NAME
  kiseki - collects, stores, searches and explains distributed traces

SYNOPSIS
  kiseki COMMAND [OPTION...]

COMMANDS
`)
	for _, c := range commands() {
		fmt.Fprintf(w, "  %-9s %s\n", c.name, c.summary)
	}
	fmt.Fprint(w, `
EXAMPLES
  kiseki serve
      serve the UI on http://127.0.0.1:16686 and take OTLP on the ports
      4317 (gRPC) and 4318 (HTTP)
  kiseki demo
      in another terminal: a small shop that sends traces
  kiseki inspect --data data
      what a data folder holds, every checksum verified
  kiseki export --query '{ status = error }' --out errors.parquet
      spans as a file for other tools
  kiseki serve --help
      all options of a command

EXIT STATUS
  0  done, or stopped by SIGINT or SIGTERM after draining
  1  it failed; the last line on stderr says why
  2  the command line or the configuration is wrong
`)
}
