package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"strings"

	"github.com/kiseki-dev/kiseki/api/native"
	"github.com/kiseki-dev/kiseki/storage"
)

var backupCommand = command{name: "backup", summary: "copy what is stored to a folder, what is new only", run: runBackup}

// defaultServer is where kiseki serve listens unless told otherwise.
const defaultServer = "http://127.0.0.1:16686"

const backupHelp = `NAME
  kiseki backup - copy what is stored to a folder, what is new only

SYNOPSIS
  kiseki backup [--to DIR] [--prune] [--server URL]
  kiseki backup --data DIR --to DIR [--prune]

DESCRIPTION
  Asks a running server for a backup of everything acknowledged so far, or
  with --data makes one of a data folder that no server uses. Taking spans goes
  on meanwhile. Segments that the folder has from an earlier backup are not
  copied again; what is copied is verified, every checksum. A backup counts
  once all of it is there: one that was interrupted is continued by the next.
  A folder may hold many backups. "kiseki restore" takes the newest.

OPTIONS
  --to DIR      The folder, on the server's machine: the one that its setting
                backup.directory names, or one below. Default is the former.
  --prune       When it is done delete the earlier backups in the folder.
                Until then they keep what has been deleted since.
  --server URL  The server. Default http://127.0.0.1:16686.
  --data DIR    Back up this data folder without a server.

EXIT STATUS
  0  done
  1  it failed, or something is damaged and could not be backed up
  2  the command line is wrong
`

func runBackup(ctx context.Context, args []string, stdout, stderr io.Writer) int {
	flags := newFlags("backup")
	to := flags.String("to", "", "")
	prune := flags.Bool("prune", false, "")
	server := flags.String("server", defaultServer, "")
	data := flags.String("data", "", "")
	if status, done := parseArgs(flags, args, 0, backupHelp, stdout, stderr); done {
		return status
	}
	if *data != "" && *to == "" {
		return usage(stderr, flags, errors.New("--data needs --to"))
	}
	var b native.Backup
	var err error
	if *data != "" {
		b, err = backUpFolder(ctx, *data, *to, *prune)
	} else {
		b, err = askForBackup(ctx, *server, native.BackupRequest{Directory: *to, Prune: *prune})
	}
	if err != nil {
		fmt.Fprintf(stderr, "kiseki backup: %v\n", err)
		return exitFailed
	}
	fmt.Fprintf(stdout, "backup %s: %d spans in %d segments, %d bytes; %d segments, %d bytes copied\n",
		filepath.Join(b.Directory, b.Name), b.SpanCount, b.SegmentCount, b.Bytes, b.CopiedSegments, b.CopiedBytes)
	if *prune {
		fmt.Fprintf(stdout, "%d files of earlier backups deleted\n", b.PrunedFiles)
	}
	if b.IncompleteReason != "" {
		fmt.Fprintf(stderr, "kiseki backup: not everything is in it: %s\n", b.IncompleteReason)
		return exitFailed
	}
	return exitOK
}

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

func usage(stderr io.Writer, flags *flag.FlagSet, err error) int {
	fmt.Fprintf(stderr, "kiseki %s: %v\nRun \"kiseki %s --help\" for the options.\n", flags.Name(), err, flags.Name())
	return exitUsage
}

// backUpFolder backs up a data folder that no server uses.
func backUpFolder(ctx context.Context, data, to string, prune bool) (out native.Backup, err error) {
	s, err := openFolder(data)
	if err != nil {
		return out, err
	}
	defer func() { err = errors.Join(err, s.Close()) }()
	return backUp(ctx, s, to, prune)
}

// backUp makes a backup and says in the report what could not be read.
func backUp(ctx context.Context, s *storage.Store, to string, prune bool) (native.Backup, error) {
	r, err := s.Backup(ctx, to, prune, nil)
	out := native.Backup{
		Directory: to, Name: r.Name, SegmentCount: r.Segments, SpanCount: r.Spans, Bytes: r.Bytes,
		CopiedSegments: r.CopiedSegments, CopiedBytes: r.CopiedBytes, PrunedFiles: r.PrunedFiles,
	}
	switch {
	case errors.Is(err, storage.ErrBackupRunning):
		return out, fmt.Errorf("%w: %w", native.ErrBackupRunning, err)
	case err != nil && r.Name != "": // there is a backup, without what is damaged
		out.IncompleteReason = err.Error()
		return out, nil
	}
	return out, err
}

// backup answers the API's request for a backup.
func (s *server) backup(ctx context.Context, in native.BackupRequest) (native.Backup, error) {
	root, err := filepath.Abs(s.config.Backup.Directory)
	if err != nil {
		return native.Backup{}, err
	}
	dir := in.Directory
	if !filepath.IsAbs(dir) {
		dir = filepath.Join(root, dir)
	}
	below, err := filepath.Rel(root, dir)
	if err != nil || !filepath.IsLocal(below) {
		return native.Backup{}, fmt.Errorf("%w: %s is not below %s, the server's backup.directory", native.ErrBackupDirectory, in.Directory, root)
	}
	return backUp(ctx, s.store, dir, in.Prune)
}

// backupFunc is nil unless the operator chose a folder.
func (s *server) backupFunc() func(context.Context, native.BackupRequest) (native.Backup, error) {
	if s.config.Backup.Directory == "" {
		return nil
	}
	return s.backup
}

func askForBackup(ctx context.Context, server string, in native.BackupRequest) (out native.Backup, err error) {
	body, err := json.Marshal(in)
	if err != nil {
		return out, err
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, strings.TrimSuffix(server, "/")+native.Prefix+"/backups", bytes.NewReader(body))
	if err != nil {
		return out, err
	}
	req.Header.Set("Content-Type", "application/json")
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		return out, fmt.Errorf("%w (is \"kiseki serve\" running?)", err)
	}
	defer resp.Body.Close()
	if resp.StatusCode != http.StatusOK {
		return out, answeredProblem(resp)
	}
	if err := json.NewDecoder(resp.Body).Decode(&out); err != nil {
		return out, fmt.Errorf("read answer: %w", err)
	}
	return out, nil
}

// answeredProblem is the server's error as one of ours.
func answeredProblem(resp *http.Response) error {
	var p struct{ Title, Detail string }
	if err := json.NewDecoder(io.LimitReader(resp.Body, 64<<10)).Decode(&p); err != nil || p.Title == "" {
		return fmt.Errorf("the server answered %s", resp.Status)
	}
	return fmt.Errorf("%s: %s", p.Title, p.Detail)
}

// openFolder opens the data folder of no server, without changing what it
// keeps.
func openFolder(data string) (*storage.Store, error) {
	if _, err := os.Stat(filepath.Join(data, "tenants")); err != nil { // opening would make it
		return nil, fmt.Errorf("there is no store in %s: %w", data, err)
	}
	s, err := storage.Open(storage.Options{Dir: data, MinFreeBytes: 1})
	if err != nil {
		return nil, explainOpen(err, data)
	}
	return s, nil
}
