package main

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io"
	"net/http"
	"os"
	"strconv"
	"strings"
	"time"

	"github.com/kiseki-dev/kiseki/api/native"
)

var deleteCommand = command{name: "delete", summary: "delete traces from a running server", run: runDelete}

// deleteAnswer is the largest answer read.
const deleteAnswer = 1 << 20

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

// deletionResult is the answer, or the problem that came in its stead.
type deletionResult struct {
	TraceCount       int
	SpanCount        int
	IncompleteReason string
	Deletion         struct {
		ID    uint64
		State string
	}
	Title, Detail string
}

// deleteOptions are the options of the command line.
type deleteOptions struct {
	what   deletion
	server string
	yes    bool
}

func deleteFlags(o *deleteOptions) *flag.FlagSet {
	flags := flag.NewFlagSet("delete", flag.ContinueOnError)
	flags.SetOutput(io.Discard) // runDelete says what is wrong
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
	flags.StringVar(&o.server, "server", "http://127.0.0.1:16686", "The `URL` of the server.")
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
	err := flags.Parse(args)
	if errors.Is(err, flag.ErrHelp) {
		writeDeleteHelp(stdout)
		return exitOK
	}
	if err == nil {
		err = o.check(flags.Args())
	}
	if err != nil {
		if name, ok := strings.CutPrefix(err.Error(), "flag provided but not defined: -"); ok {
			err = fmt.Errorf("unknown option --%s", name) // as the other commands say it
		}
		fmt.Fprintf(stderr, "kiseki delete: %v\nRun \"kiseki delete --help\" for the options.\n", err)
		return exitUsage
	}
	if err := o.run(ctx, os.Stdin, stdout); err != nil {
		fmt.Fprintf(stderr, "kiseki delete: %v\n", err)
		return exitFailed
	}
	return exitOK
}

func (o *deleteOptions) check(args []string) error {
	ways := 0
	for _, given := range []bool{o.what.TraceIDs != nil, o.what.Query != nil, o.what.Attribute != nil} {
		if given {
			ways++
		}
	}
	switch {
	case len(args) > 0:
		return fmt.Errorf("takes no arguments, got %q", args[0])
	case ways != 1:
		return errors.New("give one of --trace, --query and --attribute")
	}
	return nil
}

func (o *deleteOptions) run(ctx context.Context, stdin io.Reader, stdout io.Writer) error {
	dry := o.what
	dry.DryRun = true
	if o.what.DryRun || !o.yes {
		found, err := o.send(ctx, dry)
		if err != nil {
			return err
		}
		fmt.Fprintf(stdout, "%d traces with %d spans\n", found.TraceCount, found.SpanCount)
		if o.what.DryRun {
			return nil
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
	done, err := o.send(ctx, o.what)
	if err != nil {
		return err
	}
	fmt.Fprintf(stdout, "deleted %d traces with %d spans: deletion %d, %s\n", done.TraceCount, done.SpanCount, done.Deletion.ID, done.Deletion.State)
	if done.IncompleteReason != "" {
		return fmt.Errorf("more traces may be there: %s", done.IncompleteReason)
	}
	return nil
}

// send asks the server.
func (o *deleteOptions) send(ctx context.Context, d deletion) (res deletionResult, err error) {
	body, err := json.Marshal(d)
	if err != nil {
		return res, fmt.Errorf("encode request: %w", err)
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, strings.TrimSuffix(o.server, "/")+native.Prefix+"/deletions", bytes.NewReader(body))
	if err != nil {
		return res, fmt.Errorf("ask server: %w", err)
	}
	req.Header.Set("Content-Type", "application/json")
	client := &http.Client{Transport: &http.Transport{Proxy: http.ProxyFromEnvironment, DisableKeepAlives: true}}
	resp, err := client.Do(req)
	if err != nil {
		return res, fmt.Errorf("no answer from %s: %w; is \"kiseki serve\" running?", o.server, cause(err))
	}
	defer resp.Body.Close() // only read from
	answer, err := io.ReadAll(io.LimitReader(resp.Body, deleteAnswer))
	if err != nil {
		return res, fmt.Errorf("read answer: %w", err)
	}
	if err := json.Unmarshal(answer, &res); err != nil || resp.StatusCode != http.StatusOK && res.Title == "" {
		return res, fmt.Errorf("%s answered %s and not as a kiseki does", o.server, resp.Status)
	}
	if resp.StatusCode != http.StatusOK {
		return res, fmt.Errorf("%s: %s", res.Title, res.Detail)
	}
	return res, nil
}
