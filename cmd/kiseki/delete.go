package main

import (
	"bufio"
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"net/http"
	"os"
	"strconv"
	"strings"
	"time"
)

var deleteCommand = command{name: "delete", summary: "delete traces from a running server", run: runDelete}

// deletion is the body of a request, see openapi.yaml.
type deletion struct {
	TraceIDs  []string           `json:"traceIds,omitempty"`
	Query     *string            `json:"query,omitempty"`
	Attribute *deletionAttribute `json:"attribute,omitempty"`
	Start     string             `json:"start,omitempty"`
	End       string             `json:"end,omitempty"`
	DryRun    bool               `json:"dryRun"`
}

type deletionAttribute struct {
	Key   string `json:"key"`
	Value string `json:"value"`
}

// deletionResult is the answer.
type deletionResult struct {
	TraceCount       int
	SpanCount        int
	IncompleteReason string
	Deletion         struct {
		ID    uint64
		State string
	}
}

// deleteOptions are the options of the command line.
type deleteOptions struct {
	what           deletion
	server, tenant string
	yes            bool
}

func deleteFlags(o *deleteOptions) *flag.FlagSet {
	flags := newFlags("delete")
	flags.Func("trace", "The `ID` of a trace to delete. May be given several times.", func(v string) error {
		o.what.TraceIDs = append(o.what.TraceIDs, v)
		return nil
	})
	flags.Func("query", "Delete all traces that a `TRACEQL` query finds.", func(v string) error {
		o.what.Query = &v
		return nil
	})
	flags.Func("attribute", "Delete all traces with an attribute `KEY=VALUE` of a span,\n      resource, scope, event or link.", func(v string) error {
		key, value, ok := strings.Cut(v, "=")
		if !ok || key == "" || value == "" {
			return errors.New("it must be KEY=VALUE")
		}
		o.what.Attribute = &deletionAttribute{key, value}
		return nil
	})
	flags.Func("start", "Only traces found by their spans that started at this `TIME`\n      or later, such as 2026-11-21T00:00:00Z.", timeFlag(&o.what.Start))
	flags.Func("end", "Only by spans that started before this `TIME`.", timeFlag(&o.what.End))
	flags.BoolVar(&o.what.DryRun, "dry-run", false, "Only say how many traces it would be.")
	flags.BoolVar(&o.yes, "yes", false, "Do not ask.")
	flags.StringVar(&o.server, "server", defaultServer, "The `URL` of the server.")
	flags.StringVar(&o.tenant, "tenant", "", "Whose traces, by the tenant's `ID`, where the server has several.")
	return flags
}

func timeFlag(to *string) func(string) error {
	return func(v string) error {
		t, err := time.Parse(time.RFC3339, v)
		if err != nil || t.Unix() < 0 {
			return fmt.Errorf("%q is not a time such as 2026-11-21T00:00:00Z", v)
		}
		*to = strconv.FormatInt(t.UnixNano(), 10)
		return nil
	}
}

const deleteHelp = `NAME
  kiseki delete - delete traces from a running server

SYNOPSIS
  kiseki delete --trace ID... [OPTION...]
  kiseki delete --query TRACEQL [OPTION...]
  kiseki delete --attribute KEY=VALUE [OPTION...]

DESCRIPTION
  Deletes whole traces. It says how many there are and asks before it does so.
  They are in no answer any more when it returns; the server erases them from
  its disk a while later (setting storage.erase-after). Backups are not
  touched, and spans of these traces that arrive later stay.

  The server notes in its audit log when something was deleted, how much, and
  who asked, but no value: a hash stands for it.

OPTIONS
`

const deleteExamples = `
EXAMPLES
  kiseki delete --attribute enduser.id=alice@example.com --dry-run
  kiseki delete --query '{ span.http.url =~ ".*token=.*" }' --yes

EXIT STATUS
  0  deleted, or counted with --dry-run
  1  nothing was deleted; the last line on stderr says why
  2  the command line is wrong
  3  deleted or counted, but for what could not be read for damage
`

func writeDeleteHelp(w io.Writer) {
	fmt.Fprint(w, deleteHelp)
	deleteFlags(&deleteOptions{}).VisitAll(func(f *flag.Flag) {
		argument, usage := flag.UnquoteUsage(f)
		fmt.Fprintf(w, "%s\n      %s\n", strings.TrimRight("  --"+f.Name+" "+argument, " "), usage)
		if f.Name == "server" {
			fmt.Fprintf(w, "      Default %s.\n", f.DefValue)
		}
	})
	fmt.Fprint(w, deleteExamples)
}

func runDelete(ctx context.Context, args []string, stdout, stderr io.Writer) int {
	var o deleteOptions
	flags := deleteFlags(&o)
	var help strings.Builder
	writeDeleteHelp(&help)
	if status, done := parseArgs(flags, args, 0, help.String(), stdout, stderr); done {
		return status
	}
	if err := o.check(); err != nil {
		return usage(stderr, flags, err)
	}
	return ended(ctx, stderr, "delete", o.run(ctx, os.Stdin, stdout, stderr))
}

func (o *deleteOptions) check() error {
	ways := 0
	for _, given := range []bool{o.what.TraceIDs != nil, o.what.Query != nil, o.what.Attribute != nil} {
		if given {
			ways++
		}
	}
	if ways != 1 {
		return errors.New("give one of --trace, --query and --attribute")
	}
	return nil
}

func (o *deleteOptions) run(ctx context.Context, stdin io.Reader, stdout, stderr io.Writer) error {
	dry := o.what
	dry.DryRun = true
	if o.what.DryRun || !o.yes {
		found, err := o.send(ctx, dry, stderr)
		if err != nil {
			return err
		}
		fmt.Fprintf(stdout, "%d traces with %d spans\n", found.TraceCount, found.SpanCount)
		if o.what.DryRun {
			return found.missed()
		}
		fmt.Fprint(stdout, "Delete them? [y/N] ")
		answer, err := bufio.NewReader(stdin).ReadString('\n')
		if a := strings.ToLower(strings.TrimSpace(answer)); a != "y" && a != "yes" {
			if errors.Is(err, io.EOF) {
				fmt.Fprintln(stdout)
			}
			return errors.New("nothing was deleted: not confirmed; --yes does not ask")
		}
	}
	done, err := o.send(ctx, o.what, stderr)
	if err != nil {
		return err
	}
	fmt.Fprintf(stdout, "deleted %d traces with %d spans: deletion %d, %s\n", done.TraceCount, done.SpanCount, done.Deletion.ID, done.Deletion.State)
	return done.missed()
}

// send asks the server.
func (o *deleteOptions) send(ctx context.Context, d deletion, stderr io.Writer) (res deletionResult, err error) {
	defer whileWaiting(stderr, "searching for the traces")()
	err = apiClient{server: o.server, tenant: o.tenant}.ask(ctx, http.MethodPost, "/deletions", d, &res)
	return res, err
}

// missed is an error where damage may hide more traces.
func (r *deletionResult) missed() error {
	if r.IncompleteReason == "" {
		return nil
	}
	return partly{fmt.Errorf("more traces may be there: %s", r.IncompleteReason)}
}
