package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"time"

	"github.com/kiseki-dev/kiseki/api/native"
	"github.com/kiseki-dev/kiseki/archive"
	"github.com/kiseki-dev/kiseki/storage"
)

var backupCommand = command{name: "backup", summary: "copy what is stored to a folder, what is new only", run: runBackup}

// firstPoll and lastPoll are the times between two looks at a backup, which
// double from one to the other.
const (
	firstPoll = 20 * time.Millisecond
	lastPoll  = time.Second
)

const backupHelp = `NAME
  kiseki backup - copy what is stored to a folder, what is new only

SYNOPSIS
  kiseki backup [--to DIR] [--prune] [--server URL] [--tenant ID]
  kiseki backup --data DIR --to DIR [--prune] [--tenant ID]

DESCRIPTION
  Asks a running server for a backup of everything acknowledged so far, or
  with --data makes one of a data folder that no server uses. Taking spans goes
  on meanwhile. Segments that the folder has from an earlier backup are not
  copied again; what is copied is verified, every checksum. A backup counts
  once all of it is there: one that was interrupted is continued by the next.
  A folder may hold many backups. "kiseki restore" takes the newest.

  The server makes one backup at a time, and goes on with it when this command
  is interrupted. GET /api/kiseki/v1/backups says how far it is.

OPTIONS
  --to DIR      The folder, on the server's machine: the one that its setting
                backup.directory names, or one below. Default is the former.
  --prune       When it is done delete the earlier backups in the folder.
                Until then they keep what has been deleted since.
  --server URL  The server. Default http://127.0.0.1:16686.
  --tenant ID   Whose traces, where the server has several tenants. They are
                backed up below tenants/ID in the folder, and a --to that is
                given to a server is meant from there.
  --data DIR    Back up this data folder without a server.

EXIT STATUS
  0  done
  1  it failed: there is no new backup
  2  the command line is wrong
  3  there is one, without what is damaged; the last line on stderr names it
`

func runBackup(ctx context.Context, args []string, stdout, stderr io.Writer) int {
	flags := newFlags("backup")
	to := flags.String("to", "", "")
	prune := flags.Bool("prune", false, "")
	server := flags.String("server", defaultServer, "")
	tenant := flags.String("tenant", "", "")
	data := flags.String("data", "", "")
	if status, done := parseArgs(flags, args, 0, backupHelp, stdout, stderr); done {
		return status
	}
	if *data != "" && *to == "" {
		return usage(stderr, flags, errors.New("--data needs --to"))
	}
	say := reporter(stderr)
	var b native.Backup
	var err error
	if *data != "" {
		b, err = backUpFolder(ctx, *data, *to, *tenant, *prune, say)
	} else {
		b, err = askForBackup(ctx, apiClient{server: *server, tenant: *tenant}, native.BackupRequest{Directory: *to, Prune: *prune}, say)
	}
	if err == nil && b.Error != "" {
		err = errors.New(b.Error)
	}
	if err != nil {
		return ended(ctx, stderr, "backup", err)
	}
	fmt.Fprintf(stdout, "backup %s: %d spans in %d segments, %d bytes; %d segments, %d bytes copied\n",
		filepath.Join(b.Directory, b.Name), b.SpanCount, b.SegmentCount, b.Bytes, b.CopiedSegments, b.CopiedBytes)
	if *prune {
		fmt.Fprintf(stdout, "%d files of earlier backups deleted\n", b.PrunedFiles)
	}
	if b.IncompleteReason != "" {
		err = partly{fmt.Errorf("not everything is in it: %s", b.IncompleteReason)}
	}
	return ended(ctx, stderr, "backup", err)
}

// backUpFolder backs up a tenant of a data folder that no server uses.
func backUpFolder(ctx context.Context, data, to, tenant string, prune bool, say func(string, ...any)) (out native.Backup, err error) {
	if data, err = tenantFolder(data, tenant); err != nil {
		return out, err
	}
	if to, err = tenantFolder(to, tenant); err != nil {
		return out, err
	}
	out = native.Backup{Directory: to}
	s, err := openFolder(data)
	if err != nil {
		return out, err
	}
	defer func() { err = errors.Join(err, s.Close()) }()
	r, err := s.Backup(ctx, to, prune, func(r storage.BackupReport) {
		report(&out, r)
		sayBackup(say, &out)
	})
	report(&out, r)
	finish(&out, r, err)
	return out, nil
}

// askForBackup has a server make a backup and waits until it is done.
func askForBackup(ctx context.Context, server apiClient, in native.BackupRequest, say func(string, ...any)) (out native.Backup, err error) {
	if err := server.ask(ctx, http.MethodPost, "/backups", in, &out); err != nil {
		return out, err
	}
	for wait := firstPoll; out.State == native.BackupRunning; wait = min(2*wait, lastPoll) {
		sayBackup(say, &out)
		if err := archive.Sleep(ctx, wait); err != nil {
			return out, fmt.Errorf("the server goes on with backup %d: %w", out.ID, err)
		}
		if err := server.ask(ctx, http.MethodGet, fmt.Sprintf("/backups/%d", out.ID), nil, &out); err != nil {
			return out, err
		}
	}
	return out, nil
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
