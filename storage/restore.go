package storage

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"path/filepath"

	"github.com/kiseki-dev/kiseki/storage/vfs"
)

// ErrNotEmpty is returned by [Restore] for a data folder that has something
// in it.
var ErrNotEmpty = errors.New("data folder is not empty")

// ErrNoBackup is returned by [Restore] for a folder without backups.
var ErrNoBackup = errors.New("there is no backup in the folder")

// ErrRestoring is returned by [Open] for a data folder that a restore writes
// to or was interrupted in: an empty store there would pass for what was
// backed up, and be in the restore's way.
var ErrRestoring = errors.New("a restore to this folder is not finished: if it was interrupted run it again, or delete the folder \"restoring\" in it")

// restoring is the name that a folder of tenants has until it is whole.
const restoring = "restoring"

// Restore makes a data folder of a backup, by default of the newest in the
// folder, and verifies every checksum. The data folder must be empty, or have
// nothing but what an interrupted restore left. It holds a store only once
// all of the backup is there. progress, if not nil, is told by the calling
// goroutine what there is so far, after every megabyte.
func Restore(ctx context.Context, fsys vfs.FS, from, name, dir string, progress func(BackupReport)) (r BackupReport, err error) {
	defer func() {
		if err != nil {
			err = fmt.Errorf("restore %s to %s: %w", from, dir, err)
		}
	}()
	source := backupFolder{fs: fsys, root: from}
	if name == "" {
		names, err := source.names()
		if err != nil {
			return r, err
		}
		if len(names) == 0 {
			return r, ErrNoBackup
		}
		name = names[len(names)-1]
	}
	b, err := source.read(name)
	if err != nil {
		return r, fmt.Errorf("read %s: %w", name, err)
	}
	lock, err := claim(fsys, dir)
	if err != nil {
		return r, err
	}
	defer func() { err = errors.Join(err, lock.Close()) }()
	r.Name = name
	temp := filepath.Join(dir, restoring)
	if err := source.fill(ctx, b, folder{filepath.Join(temp, filepath.Base(tenantFolder(dir).root))}, &r, progress); err != nil {
		return r, err
	}
	if err := fsys.Rename(temp, filepath.Dir(tenantFolder(dir).root)); err != nil {
		return r, err
	}
	return r, fsys.SyncDir(dir)
}

// claim makes and locks a data folder that is to be restored to.
func claim(fsys vfs.FS, dir string) (lock interface{ Close() error }, err error) {
	if err := fsys.MkdirAll(dir); err != nil {
		return nil, err
	}
	names, err := fsys.List(dir)
	if err != nil {
		return nil, err
	}
	for _, name := range names {
		if name != restoring && name != filepath.Base(lockPath(dir)) {
			return nil, fmt.Errorf("%w: it has %q", ErrNotEmpty, name)
		}
	}
	lock, err = fsys.Lock(lockPath(dir))
	if errors.Is(err, vfs.ErrLocked) {
		return nil, ErrLocked
	}
	return lock, err
}

// checkRestored refuses a folder that a restore has not finished.
func checkRestored(fsys vfs.FS, dir string) error {
	_, err := fsys.Stat(filepath.Join(dir, restoring))
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return nil
	case err != nil:
		return err
	}
	return ErrRestoring
}

// fill makes the tenant's folder to of the backup.
func (f backupFolder) fill(ctx context.Context, b backup, to folder, r *BackupReport, progress func(BackupReport)) error {
	for _, dir := range []string{to.wal(), to.segments(), to.deletions(), to.quarantine()} {
		if err := f.fs.MkdirAll(dir); err != nil {
			return err
		}
	}
	for _, e := range b.Segments {
		r.expect(e.segmentEntry)
	}
	m := manifest{LogFrom: b.LogFrom, Lost: b.Lost}
	for _, e := range b.Segments {
		if err := f.restore(ctx, e, to, r.copying(progress)); err != nil {
			return err
		}
		m.Segments = append(m.Segments, e.segmentEntry)
		r.count(e.segmentEntry, true)
	}
	for _, d := range b.Deletions {
		p, err := d.pending()
		if err != nil {
			return err
		}
		if err := writeDeletionFile(f.fs, to, p); err != nil {
			return err
		}
	}
	if err := writeManifest(f.fs, to, m); err != nil {
		return err
	}
	for _, dir := range []string{to.segments(), to.root, filepath.Dir(to.root)} {
		if err := f.fs.SyncDir(dir); err != nil {
			return err
		}
	}
	return nil
}

func (f backupFolder) restore(ctx context.Context, e backupEntry, to folder, copying func(bytes int64)) error {
	from, err := f.fs.Open(filepath.Join(f.segments(), e.File))
	if err != nil {
		return err
	}
	defer from.Close() // only read from
	size, err := from.Size()
	if err != nil {
		return err
	}
	if e.Bytes > 0 && size != e.Bytes {
		return fmt.Errorf("%w: %s has %d bytes, %d were backed up", errBackup, e.File, size, e.Bytes)
	}
	return copySegment(ctx, f.fs, from, size, to.segment(e.Number), copying)
}
