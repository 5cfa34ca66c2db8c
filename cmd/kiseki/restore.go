package main

import (
	"context"
	"errors"
	"fmt"
	"io"

	"github.com/kiseki-dev/kiseki/api/native"
	"github.com/kiseki-dev/kiseki/storage"
	"github.com/kiseki-dev/kiseki/storage/vfs"
)

var restoreCommand = command{name: "restore", summary: "make a data folder of a backup", run: runRestore}

const restoreHelp = `NAME
  kiseki restore - make a data folder of a backup

SYNOPSIS
  kiseki restore --from DIR --data DIR [--backup NAME] [--tenant ID]

DESCRIPTION
  Copies a backup to an empty data folder and verifies every checksum. The
  data folder becomes one only when all of the backup is there; what was
  interrupted is begun anew by the next restore.

OPTIONS
  --from DIR     The folder that "kiseki backup" wrote to.
  --data DIR     The data folder to make; it must be absent or empty.
  --backup NAME  The backup in the folder. Default is the newest.
  --tenant ID    Whose traces: what is below tenants/ID in the one folder goes
                 to tenants/ID in the other. Others in the data folder stay.

EXIT STATUS
  0  done
  1  the folder is not empty, or the backup is damaged or absent
  2  the command line is wrong
`

func runRestore(ctx context.Context, args []string, stdout, stderr io.Writer) int {
	flags := newFlags("restore")
	from := flags.String("from", "", "")
	data := flags.String("data", "", "")
	name := flags.String("backup", "", "")
	tenant := flags.String("tenant", "", "")
	if status, done := parseArgs(flags, args, 0, restoreHelp, stdout, stderr); done {
		return status
	}
	if *from == "" || *data == "" {
		return usage(stderr, flags, errors.New("both --from and --data are needed"))
	}
	source, err := tenantFolder(*from, *tenant)
	if err != nil {
		return usage(stderr, flags, fmt.Errorf("--tenant: %w", err))
	}
	into, err := tenantFolder(*data, *tenant)
	if err != nil {
		return usage(stderr, flags, fmt.Errorf("--tenant: %w", err))
	}
	say := reporter(stderr)
	r, err := storage.Restore(ctx, vfs.OS{}, source, *name, into, func(r storage.BackupReport) {
		var b native.Backup
		report(&b, r)
		sayBackup(say, &b)
	})
	if err != nil {
		return ended(ctx, stderr, "restore", err)
	}
	fmt.Fprintf(stdout, "restored %s to %s: %d spans in %d segments, %d bytes, every checksum verified\n", r.Name, into, r.Spans, r.Segments, r.Bytes)
	return exitOK
}
