package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"slices"

	"github.com/kiseki-dev/kiseki/api/native"
	"github.com/kiseki-dev/kiseki/telemetry"
)

var traceCommand = command{name: "trace", summary: "print one trace", run: runTrace}

const traceHelp = `NAME
  kiseki trace - print one trace

SYNOPSIS
  kiseki trace [OPTION...] ID

DESCRIPTION
  Prints the errors of a trace, those that began in a span first, and then all
  its spans as bars over time, children below their parents. An ! stands before
  spans with errors. In a terminal each service has a colour (NO_COLOR turns
  colours off).

OPTIONS
  --output FORMAT  waterfall; otlp: OTLP/JSON; json: the arrays of the API's
                   format "columns". Default waterfall.
  --server URL     The server. Default http://127.0.0.1:16686.
  --tenant ID      Whose traces, where the server has several tenants.
  --data DIR       Read this data folder, which no server uses.

EXIT STATUS
  0  done
  1  it failed; the last line on stderr says why
  2  the command line is wrong
  3  what was printed is not the whole trace, for damage
  4  there is no such trace
`

func runTrace(ctx context.Context, args []string, stdout, stderr io.Writer) int {
	var from source
	var output string
	flags := newFlags("trace")
	from.flags(flags)
	flags.StringVar(&output, "output", "waterfall", "")
	if status, done := parseArgs(flags, args, 1, traceHelp, stdout, stderr); done {
		return status
	}
	if !slices.Contains([]string{"waterfall", "json", "otlp"}, output) {
		return usage(stderr, flags, fmt.Errorf("--output: %q is not one of waterfall, json, otlp", output))
	}
	id, err := telemetry.ParseTraceID(flags.Arg(0))
	if err != nil {
		return usage(stderr, flags, errors.New("the ID of a trace is needed: 32 hexadecimal digits, or 16 of older systems"))
	}
	err = from.use(stderr, func(c apiClient) error {
		if output != "waterfall" {
			return copyTrace(ctx, c, id.String(), map[string]string{"json": "columns", "otlp": "otlp"}[output], stdout)
		}
		t, err := getTrace(ctx, c, id.String())
		if err != nil {
			return err
		}
		return errors.Join(t.write(stdout, nil), t.Stats.missed())
	})
	return ended(ctx, stderr, "trace", err)
}

// copyTrace writes the API's answer as it is.
func copyTrace(ctx context.Context, c apiClient, id, format string, w io.Writer) error {
	resp, err := c.do(ctx, http.MethodGet, "/traces/"+id+"?format="+format, nil)
	if err != nil {
		return absence(err)
	}
	defer resp.Body.Close() // only read from
	if _, err := io.Copy(w, resp.Body); err != nil {
		return fmt.Errorf("read trace: %w", err)
	}
	if _, err := fmt.Fprintln(w); err != nil {
		return err
	}
	if reason := resp.Header.Get(native.IncompleteHeader); reason != "" {
		return partly{fmt.Errorf("this is not all there is: %s", reason)}
	}
	return nil
}

// getTrace asks for a whole trace.
func getTrace(ctx context.Context, c apiClient, id string) (*traceColumns, error) {
	t := &traceColumns{}
	if err := c.ask(ctx, http.MethodGet, "/traces/"+id+"?format=columns", nil, t); err != nil {
		return nil, absence(err)
	}
	if err := t.check(); err != nil {
		return nil, fmt.Errorf("read trace %s: %w", id, err)
	}
	return t, nil
}

// absence makes an answer that there is no such trace an error that tells.
func absence(err error) error {
	var e *apiError
	if errors.As(err, &e) && e.Status == http.StatusNotFound {
		return fmt.Errorf("%w: %w", errNone, err)
	}
	return err
}
