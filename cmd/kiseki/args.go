package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"strings"
)

// newFlags are the options of a command that parseArgs reads.
func newFlags(name string) *flag.FlagSet {
	flags := flag.NewFlagSet(name, flag.ContinueOnError)
	flags.SetOutput(io.Discard) // parseArgs says what is wrong
	return flags
}

// parseArgs reads options, and at most files other arguments, which may stand
// anywhere between them and are left in flags.Args. It answers --help and what
// is wrong itself; done is true then.
func parseArgs(flags *flag.FlagSet, args []string, files int, help string, stdout, stderr io.Writer) (status int, done bool) {
	var others []string
	for {
		err := flags.Parse(args)
		switch {
		case errors.Is(err, flag.ErrHelp):
			fmt.Fprint(stdout, help)
			return exitOK, true
		case err != nil:
			return usage(stderr, flags, err), true
		}
		if flags.NArg() == 0 {
			break
		}
		others, args = append(others, flags.Arg(0)), flags.Args()[1:]
		if len(others) > files {
			return usage(stderr, flags, fmt.Errorf("unexpected argument %q", others[files])), true
		}
	}
	if err := flags.Parse(append([]string{"--"}, others...)); err != nil {
		return usage(stderr, flags, err), true
	}
	return exitOK, false
}

// usage says what is wrong with a command line.
func usage(stderr io.Writer, flags *flag.FlagSet, err error) int {
	if name, ok := strings.CutPrefix(err.Error(), "flag provided but not defined: -"); ok {
		err = fmt.Errorf("unknown option --%s", name)
	}
	fmt.Fprintf(stderr, "kiseki %s: %v\nRun \"kiseki %s --help\" for the options.\n", flags.Name(), err, flags.Name())
	return exitUsage
}

// partly is the error of a command that did what it was asked to, but for what
// the error names.
type partly struct{ error }

// errNone is the error of a command that looked for something and did not find
// it.
var errNone = errors.New("nothing found")

// ended is the exit status of a command that ended with err, which it prints.
func ended(ctx context.Context, stderr io.Writer, name string, err error) int {
	if err == nil {
		return exitOK
	}
	if ctx.Err() != nil {
		err = fmt.Errorf("interrupted: %w", err)
	}
	fmt.Fprintf(stderr, "kiseki %s: %v\n", name, err)
	switch {
	case errors.As(err, &partly{}):
		return exitPartly
	case errors.Is(err, errNone):
		return exitNone
	}
	return exitFailed
}
