package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"time"

	"github.com/kiseki-dev/kiseki/demo"
)

var demoCommand = command{name: "demo", summary: "run a small shop that sends traces", run: runDemo}

const demoUsage = `NAME
  kiseki demo - runs a small shop whose services send traces

SYNOPSIS
  kiseki demo [OPTION...]

  Eleven services on loopback ports, real requests, SQL queries and messages,
  and customers who come until you press Ctrl-C. Look at their traces in the
  UI of the kiseki that "kiseki serve" runs.

OPTIONS
`

const (
	// demoReport is the time between two lines about what was sent.
	demoReport = 5 * time.Second
	// demoRetry is the time between two attempts to find kiseki.
	demoRetry = time.Second
)

func runDemo(ctx context.Context, args []string, stdout, stderr io.Writer) int {
	var o demo.Options
	flags := flag.NewFlagSet("demo", flag.ContinueOnError)
	flags.SetOutput(stderr)
	flags.StringVar(&o.Endpoint, "otlp-http", "http://127.0.0.1:4318", "send spans to this OTLP/HTTP `URL`")
	flags.Float64Var(&o.Rate, "rate", 5, "let `N` customers a second in")
	flags.Uint64Var(&o.Seed, "seed", 1, "the same `N` gives the same customers")
	duration := flags.Duration("duration", 0, "stop after this time; 0 means never")
	ui := flags.String("ui", "http://127.0.0.1:16686", "the `URL` to print for looking at traces")
	flags.Usage = func() {
		fmt.Fprint(flags.Output(), demoUsage)
		flags.PrintDefaults()
	}
	if wantsHelp(args) {
		flags.SetOutput(stdout)
		flags.Usage()
		return exitOK
	}
	if err := flags.Parse(args); err != nil {
		return exitUsage
	}
	if flags.NArg() > 0 {
		fmt.Fprintf(stderr, "kiseki demo: takes no arguments, got %q\n", flags.Arg(0))
		return exitUsage
	}
	shop, err := demo.Open(o)
	if err != nil {
		fmt.Fprintf(stderr, "kiseki demo: open shop: %v\n", err)
		return exitFailed
	}
	if awaitReceiver(ctx, shop, o.Endpoint, stdout) {
		fmt.Fprintf(stdout, "The shop is open and sends to %s. See its traces at %s\n", o.Endpoint, *ui)
		trade(ctx, shop, *duration, stdout)
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
