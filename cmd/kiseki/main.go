// Command kiseki collects, stores, searches and explains distributed traces.
//
// Each subcommand has a file of its own. This file only finds the subcommand
// and turns signals into a cancelled context.
package main

import (
	"context"
	"fmt"
	"io"
	"os"
	"os/signal"
	"syscall"

	"github.com/kiseki-dev/kiseki/internal/nearest"
)

// Exit statuses, the same for every subcommand.
const (
	exitOK     = 0
	exitFailed = 1
	exitUsage  = 2 // the command line or configuration is wrong
	exitPartly = 3 // done, but for what the last line on stderr names
	exitNone   = 4 // done: there is nothing that matches
)

// A command is a subcommand. Its run function gets the arguments after the
// name and returns the exit status; its context ends at the first SIGINT or
// SIGTERM. It answers --help itself.
type command struct {
	name    string
	summary string
	run     func(ctx context.Context, args []string, stdout, stderr io.Writer) int
}

// commands is a function because "help" is in the list and reads it.
func commands() []command {
	return []command{
		serveCommand, demoCommand, proxyCommand, queryCommand, traceCommand, tailCommand, inspectCommand,
		backupCommand, restoreCommand, exportCommand, importCommand, deleteCommand, versionCommand,
		{name: "help", summary: "print this page, or that of a command", run: runHelp},
	}
}

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	// After the first signal the default action is back: a second one ends
	// the process at once.
	context.AfterFunc(ctx, stop)
	os.Exit(run(ctx, os.Args[1:], os.Stdout, os.Stderr))
}

func run(ctx context.Context, args []string, stdout, stderr io.Writer) int {
	if len(args) == 0 {
		writeHelp(stdout)
		return exitOK
	}
	name := args[0]
	switch name {
	case "-h", "--help", "-help":
		name = "help"
	case "--version", "-version":
		name = "version"
	}
	var names []string
	for _, c := range commands() {
		if c.name == name {
			return c.run(ctx, args[1:], stdout, stderr)
		}
		names = append(names, c.name)
	}
	fmt.Fprintf(stderr, "kiseki: unknown command %q%s\nRun \"kiseki help\" for the list.\n", name, nearest.Hint(name, names))
	return exitUsage
}
