package storage

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"path/filepath"
	"slices"

	"github.com/cespare/xxhash/v2"

	"github.com/kiseki-dev/kiseki/storage/segment"
	"github.com/kiseki-dev/kiseki/storage/vfs"
)

const (
	// copyBytes is how much of a file is copied at a time.
	copyBytes = 1 << 20
	// fingerprintBytes is how much of a segment's end its fingerprint is made
	// of: the footer, which has the size of every chunk and the bounds of
	// every block, and most of what is before it.
	fingerprintBytes = 64 << 10
)

// ErrBackupRunning is returned where another backup writes to the same folder.
var ErrBackupRunning = errors.New("another backup is writing to this folder")

// BackupReport says what a backup holds and what making it took; until it is
// done, what there is of it.
type BackupReport struct {
	Name string // of the backup within its folder; "" while there is none
	// TotalSegments and TotalBytes are what is to be in it; 0 until it is known.
	TotalSegments int
	TotalBytes    int64
	Segments      int // it refers to
	Spans         uint64
	Bytes         int64
	// CopiedSegments and CopiedBytes were not in the folder before.
	CopiedSegments int
	CopiedBytes    int64
	PrunedFiles    int // deleted because this backup does not refer to them
}

// Backup writes a backup of everything that was acknowledged before the call
// to a folder, which may hold earlier ones: segments that are there already
// are not copied again. Appends go on meanwhile. What is copied is verified,
// every checksum of it. The backup exists once its manifest is there, which is
// written last; a call that ends early leaves segments that the next one uses.
// Traces deleted before the call are erased first, so that no backup has them;
// deletions made while it runs are carried in it, and hold in what is restored.
// With prune everything but the new backup is deleted from the folder.
// progress, if not nil, is told by the calling goroutine what there is so far,
// after every megabyte.
//
// A segment that does not verify is left out of the backup, unless an earlier
// one has it; the error then says so, the report describes the rest, and the
// restored store knows that the spans are lost.
func (s *Store) Backup(ctx context.Context, dir string, prune bool, progress func(BackupReport)) (r BackupReport, err error) {
	defer func() {
		if err != nil {
			err = fmt.Errorf("back up to %s: %w", dir, err)
		}
	}()
	to := backupFolder{fs: s.fs, root: dir}
	lock, err := to.open()
	if err != nil {
		return r, err
	}
	defer func() { err = errors.Join(err, lock.Close()) }()
	// What was deleted before must not come back with a backup.
	if err := s.Erase(ctx); err != nil {
		return r, err
	}
	run, err := s.startBackup(ctx)
	if err != nil {
		return r, err
	}
	defer func() { err = errors.Join(err, run.end()) }()
	for _, e := range run.manifest.Segments {
		r.expect(e)
	}
	b := backup{Taken: unixNanos(s.opts.Clock()), LogFrom: run.manifest.LogFrom, Lost: run.manifest.Lost}
	var damage error
	for _, ref := range run.refs {
		entry := run.entry(ref)
		file, copied, err := to.add(ctx, ref, r.copying(progress))
		if corrupt := (*segment.CorruptError)(nil); errors.As(err, &corrupt) {
			damage = errors.Join(damage, fmt.Errorf("segment left out: %w", err))
			b.Lost = append(slices.Clone(b.Lost), lostEntry{segmentEntry: entry})
			continue
		}
		if err != nil {
			return r, err
		}
		b.Segments = append(b.Segments, backupEntry{segmentEntry: entry, File: file})
		r.count(entry, copied)
	}
	if r.Name, err = run.write(to, b); err != nil {
		return r, err
	}
	if prune {
		r.PrunedFiles, err = to.prune(r.Name, b)
	}
	return r, errors.Join(damage, err)
}

// expect counts a segment that is to be in the backup.
func (r *BackupReport) expect(e segmentEntry) {
	r.TotalSegments++
	r.TotalBytes += e.Bytes
}

// count counts one that is.
func (r *BackupReport) count(e segmentEntry, copied bool) {
	r.Segments++
	r.Spans += e.Spans
	r.Bytes += e.Bytes
	if copied {
		r.CopiedSegments++
		r.CopiedBytes += e.Bytes
	}
}

// copying tells progress how much there is with the bytes of a segment that is
// being copied.
func (r *BackupReport) copying(progress func(BackupReport)) func(bytes int64) {
	return func(bytes int64) {
		if progress == nil {
			return
		}
		now := *r
		now.Bytes += bytes
		now.CopiedBytes += bytes
		progress(now)
	}
}

// add makes sure that the folder has the segment and returns its name there.
func (f backupFolder) add(ctx context.Context, ref *segmentRef, copying func(bytes int64)) (name string, copied bool, err error) {
	from, err := f.fs.Open(ref.path)
	if err != nil {
		return "", false, err
	}
	defer from.Close() // only read from
	size, err := from.Size()
	if err != nil {
		return "", false, err
	}
	mark, err := fingerprint(from, size)
	if err != nil {
		return "", false, fmt.Errorf("read %s: %w", ref.path, err)
	}
	name = fmt.Sprintf("%016d-%016x%s", ref.entry.Number, mark, segmentSuffix)
	path := filepath.Join(f.segments(), name)
	info, err := f.fs.Stat(path)
	if err == nil && info.Size() == size {
		copying(0)
		return name, false, nil
	}
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return "", false, err
	}
	return name, true, copySegment(ctx, f.fs, from, size, path, copying)
}

// fingerprint tells segments of equal number apart, which stores that were
// restored from one backup may have.
func fingerprint(f vfs.File, size int64) (uint64, error) {
	tail := make([]byte, min(size, fingerprintBytes))
	if _, err := f.ReadAt(tail, size-int64(len(tail))); err != nil {
		return 0, err
	}
	return xxhash.Sum64(tail), nil
}

// copySegment copies a segment and verifies the copy before it gets its name.
// The name is durable only after SyncDir. copying is told how many bytes there
// are.
func copySegment(ctx context.Context, fsys vfs.FS, from vfs.File, size int64, path string, copying func(bytes int64)) error {
	temp := path + tempSuffix
	err := copyFile(ctx, fsys, from, size, temp, copying)
	if err == nil {
		err = verifySegment(fsys, temp)
	}
	if err == nil {
		err = fsys.Rename(temp, path)
	}
	if err != nil {
		return fmt.Errorf("copy segment to %s: %w", path, errors.Join(err, removeIfThere(fsys, temp)))
	}
	return nil
}

func copyFile(ctx context.Context, fsys vfs.FS, from vfs.File, size int64, path string, copying func(bytes int64)) (err error) {
	to, err := fsys.Create(path)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, to.Close()) }()
	buf := make([]byte, min(size, copyBytes))
	for at := int64(0); at < size; at += int64(len(buf)) {
		if err := ctx.Err(); err != nil {
			return context.Cause(ctx)
		}
		buf = buf[:min(size-at, copyBytes)]
		if _, err := from.ReadAt(buf, at); err != nil {
			return err
		}
		if _, err := to.Write(buf); err != nil {
			return err
		}
		copying(at + int64(len(buf)))
	}
	return to.Sync()
}

// verifySegment reads a segment whole and compares every checksum.
func verifySegment(fsys vfs.FS, path string) (err error) {
	r, err := segment.Open(fsys, path, segment.NewCache(1<<20))
	if err != nil {
		return err
	}
	return errors.Join(r.Verify(nil), r.Close())
}
