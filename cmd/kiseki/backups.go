package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"path/filepath"
	"slices"
	"sync"
	"time"

	"github.com/kiseki-dev/kiseki/api/native"
	"github.com/kiseki-dev/kiseki/storage"
)

// maxBackups is how many backups are listed.
const maxBackups = 100

// backups are those that the API was asked for since the server started. One
// runs at a time, in the background: it goes on when the client that asked for
// it is gone, and ends early when the server stops.
type backups struct {
	store *storage.Store
	root  string // the operator's folder for backups
	log   *slog.Logger
	ctx   context.Context // of all backups
	stop  context.CancelFunc

	mu struct {
		sync.Mutex
		done chan struct{}   // closed when the one that runs ends; nil while none does
		list []native.Backup // oldest first
	}
}

func newBackups(store *storage.Store, root string, log *slog.Logger) *backups {
	b := &backups{store: store, root: root, log: log}
	b.ctx, b.stop = context.WithCancel(context.Background())
	return b
}

// start starts a backup.
func (b *backups) start(in native.BackupRequest) (native.Backup, error) {
	dir, err := b.directory(in.Directory)
	if err != nil {
		return native.Backup{}, err
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.ctx.Err() != nil {
		return native.Backup{}, errors.New("the server is stopping")
	}
	if b.mu.done != nil {
		return native.Backup{}, native.ErrBackupRunning
	}
	run := native.Backup{ID: 1, State: native.BackupRunning, Started: uint64(time.Now().UnixNano()), Directory: dir}
	if n := len(b.mu.list); n > 0 {
		run.ID = b.mu.list[n-1].ID + 1
	}
	b.mu.list = append(b.mu.list, run)
	b.mu.list = b.mu.list[max(0, len(b.mu.list)-maxBackups):]
	b.mu.done = make(chan struct{})
	go b.run(run, in.Prune)
	return run, nil
}

// directory is the folder that a request means.
func (b *backups) directory(asked string) (string, error) {
	root, err := filepath.Abs(b.root)
	if err != nil {
		return "", err
	}
	dir := asked
	if !filepath.IsAbs(dir) {
		dir = filepath.Join(root, dir)
	}
	below, err := filepath.Rel(root, dir)
	if err != nil || !filepath.IsLocal(below) {
		return "", fmt.Errorf("%w: %s is not below %s, the server's backup.directory", native.ErrBackupDirectory, asked, root)
	}
	return dir, nil
}

// run makes the backup that is the newest of the list.
func (b *backups) run(now native.Backup, prune bool) {
	b.log.Info("backup started", "backup", now.ID, "directory", now.Directory)
	r, err := b.store.Backup(b.ctx, now.Directory, prune, func(r storage.BackupReport) {
		report(&now, r)
		b.set(now)
	})
	report(&now, r)
	now.Ended = uint64(time.Now().UnixNano())
	finish(&now, r, err)
	if err != nil {
		b.log.Error("backup failed or is not complete", "backup", now.ID, "directory", now.Directory, "state", now.State, "error", err)
	} else {
		b.log.Info("backup done", "backup", now.ID, "directory", now.Directory, "name", now.Name, "bytes", now.Bytes, "copiedBytes", now.CopiedBytes)
	}
	b.set(now)
	b.mu.Lock()
	defer b.mu.Unlock()
	close(b.mu.done)
	b.mu.done = nil
}

// report puts what the store says into what the API does.
func report(to *native.Backup, r storage.BackupReport) {
	to.TotalSegments, to.TotalBytes = r.TotalSegments, r.TotalBytes
	to.SegmentCount, to.SpanCount, to.Bytes = r.Segments, r.Spans, r.Bytes
	to.CopiedSegments, to.CopiedBytes, to.PrunedFiles = r.CopiedSegments, r.CopiedBytes, r.PrunedFiles
}

// finish says how a backup ended. A name and an error are a backup without
// what is damaged.
func finish(to *native.Backup, r storage.BackupReport, err error) {
	to.State, to.Name = native.BackupDone, r.Name
	switch {
	case err != nil && r.Name != "":
		to.IncompleteReason = err.Error()
	case err != nil:
		to.State, to.Error = native.BackupFailed, err.Error()
	}
}

func (b *backups) set(now native.Backup) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.mu.list[len(b.mu.list)-1] = now
}

// all are the latest backups, newest first.
func (b *backups) all() []native.Backup {
	b.mu.Lock()
	defer b.mu.Unlock()
	out := slices.Clone(b.mu.list)
	slices.Reverse(out)
	return out
}

// close ends the backup that runs.
func (b *backups) close() {
	b.stop()
	b.mu.Lock()
	done := b.mu.done
	b.mu.Unlock()
	if done != nil {
		<-done
	}
}

// backupFunc is nil unless the operator chose a folder.
func (t *tenant) backupFunc() func(native.BackupRequest) (native.Backup, error) {
	if t.server.config.Backup.Directory == "" {
		return nil
	}
	return t.backups.start
}
