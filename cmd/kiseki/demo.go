package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"strings"
	"time"

	"github.com/kiseki-dev/kiseki/demo"
)

var demoCommand = command{name: "demo", summary: "run a small shop that sends traces", run: runDemo}

const (
	// demoReport is the time between two lines about what was sent.
	demoReport = 5 * time.Second
	// demoRetry is the time between two attempts to find kiseki.
	demoRetry = time.Second
)

// demoOptions are the options of the command line.
type demoOptions struct {
	shop     demo.Options
	duration time.Duration
	ui       string
}

func demoFlags(o *demoOptions) *flag.FlagSet {
	flags := flag.NewFlagSet("demo", flag.ContinueOnError)
	flags.SetOutput(io.Discard) // runDemo says what is wrong
	flags.StringVar(&o.shop.Endpoint, "otlp-http", "http://127.0.0.1:4318", "Where to send spans: the `URL` of an OTLP/HTTP receiver.")
	flags.Float64Var(&o.shop.Rate, "rate", 5, "Let `N` customers a second in, each good for 100 spans.")
	flags.Uint64Var(&o.shop.Seed, "seed", 1, "The same `N` gives the same customers.")
	flags.DurationVar(&o.duration, "duration", 0, "Stop after this `TIME`, such as 90s; 0 is never.")
	flags.StringVar(&o.ui, "ui", "http://127.0.0.1:16686", "The `URL` to print for looking at traces.")
	return flags
}

func writeDemoHelp(w io.Writer) {
	fmt.Fprint(w, `NAME
  kiseki demo - run a small shop that sends traces

SYNOPSIS
  kiseki demo [OPTION...]

DESCRIPTION
  Eleven services on loopback ports, real requests, SQL queries and messages,
  and customers who come until you press Ctrl-C. Look at their traces in the
  UI of the kiseki that "kiseki serve" runs. To find in them: declined cards,
  payments that succeed at the third attempt, a stock-take that locks a table
  for 20 seconds of every two minutes, a page with one query per product, a
  panic behind a degraded page, a queue in front of one printer.

OPTIONS
`)
	demoFlags(&demoOptions{}).VisitAll(func(f *flag.Flag) {
		argument, usage := flag.UnquoteUsage(f)
		fmt.Fprintf(w, "  --%s %s\n      %s\n      Default %s.\n", f.Name, argument, usage, f.DefValue)
	})
}

func runDemo(ctx context.Context, args []string, stdout, stderr io.Writer) int {
	var o demoOptions
	flags := demoFlags(&o)
	err := flags.Parse(args)
	if errors.Is(err, flag.ErrHelp) {
		writeDemoHelp(stdout)
		return exitOK
	}
	if err == nil && flags.NArg() > 0 {
		err = fmt.Errorf("takes no arguments, got %q", flags.Arg(0))
	}
	if err == nil {
		err = o.shop.Validate()
	}
	if err != nil {
		if name, ok := strings.CutPrefix(err.Error(), "flag provided but not defined: -"); ok {
			err = fmt.Errorf("unknown option --%s", name) // as the other commands say it
		}
		fmt.Fprintf(stderr, "kiseki demo: %v\nRun \"kiseki demo --help\" for the options.\n", err)
		return exitUsage
	}
	shop, err := demo.Open(o.shop)
	if err != nil {
		fmt.Fprintf(stderr, "kiseki demo: open shop: %v\n", err)
		return exitFailed
	}
	if awaitReceiver(ctx, shop, o.shop.Endpoint, stdout) {
		fmt.Fprintf(stdout, "The shop is open and sends to %s. See its traces at %s\n", o.shop.Endpoint, o.ui)
		trade(ctx, shop, o.duration, stdout)
	}
	err = shop.Close()
	fmt.Fprintf(stdout, "The shop is closed: %s\n", describeCounts(shop.Counts()))
	if err != nil {
		fmt.Fprintf(stderr, "kiseki demo: close shop: %v\n", err)
		return exitFailed
	}
	return exitOK
}

// awaitReceiver tries until kiseki answers, and reports whether it did
// before ctx ended.
func awaitReceiver(ctx context.Context, shop *demo.Shop, endpoint string, stdout io.Writer) bool {
	for told := false; ; told = true {
		err := shop.Probe(ctx)
		if err == nil {
			return true
		}
		if ctx.Err() != nil {
			return false
		}
		if !told {
			fmt.Fprintf(stdout, "No kiseki at %s (%v).\nStart one with \"kiseki serve\" in another terminal; trying again every %s.\n",
				endpoint, cause(err), demoRetry)
		}
		select {
		case <-ctx.Done():
			return false
		case <-time.After(demoRetry):
		}
	}
}

// trade runs the shop until ctx ends or d, if there is one, is over.
func trade(ctx context.Context, shop *demo.Shop, d time.Duration, stdout io.Writer) {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	if d > 0 {
		defer time.AfterFunc(d, cancel).Stop()
	}
	done := make(chan struct{})
	go func() {
		defer close(done)
		shop.Run(ctx)
	}()
	tick := time.NewTicker(demoReport)
	defer tick.Stop()
	for start := time.Now(); ; {
		select {
		case <-done:
			return
		case <-tick.C:
			fmt.Fprintf(stdout, "%6s  %s\n", time.Since(start).Round(time.Second), describeCounts(shop.Counts()))
		}
	}
}

func describeCounts(c demo.Counts) string {
	s := fmt.Sprintf("%d spans sent, %d failed", c.Sent, c.Failed)
	if rest := c.Ended - c.Sent - c.Failed; rest > 0 {
		s += fmt.Sprintf(", %d waiting", rest)
	}
	if c.Err != nil {
		s += fmt.Sprintf(" (%v; is \"kiseki serve\" running?)", cause(c.Err))
	}
	return s
}

// cause is the innermost error: of a refused connection, the part that says
// so.
func cause(err error) error {
	for {
		inner := errors.Unwrap(err)
		if inner == nil {
			return err
		}
		err = inner
	}
}
