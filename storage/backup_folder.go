package storage

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"github.com/kiseki-dev/kiseki/storage/vfs"
)

// A backup folder holds any number of backups that share their segments:
//
//	LOCK                                    held while a backup is written
//	<sequence>-<time>.backup                one a backup; the newest sorts last
//	segments/<number>-<fingerprint>.seg     each written once
//
// A .backup file has the form of a manifest: a line of header with the CRC-32C
// of what follows, and a JSON document, the [backup].
const (
	backupMagic   = "kiseki backup"
	backupVersion = 2 // 1 had neither deletions nor lost spans
	backupSuffix  = ".backup"
	backupTime    = "20060102T150405Z"
)

// backup is the list of what belongs to a backup.
type backup struct {
	Taken    uint64        `json:"taken"`    // Unix nanoseconds
	LogFrom  uint64        `json:"log_from"` // where the restored store's log begins
	Segments []backupEntry `json:"segments"`
	// Lost is what the manifest said was lost, and what was left out.
	Lost []lostEntry `json:"lost,omitempty"`
	// Deletions are those of traces that the segments may still have.
	Deletions []backupDeletion `json:"deletions,omitempty"`
}

// backupDeletion is a deletion with its traces: their IDs, ascending, one
// after the other.
type backupDeletion struct {
	deletionRecord
	IDs []byte `json:"ids"`
}

// pending is the deletion as the restored store shall have it.
func (d backupDeletion) pending() (*pendingDeletion, error) {
	traces, err := splitTraces(d.IDs, d.Traces)
	if err != nil {
		return nil, fmt.Errorf("%w: deletion %d: %w", errBackup, d.ID, err)
	}
	return &pendingDeletion{Deletion: d.deletion(), segments: d.Segments, traces: traces}, nil
}

// backupEntry is a segment and the file in the backup that has it.
type backupEntry struct {
	segmentEntry
	File string `json:"file"`
}

var errBackup = errors.New("backup is damaged")

type backupFolder struct {
	fs   vfs.FS
	root string
}

func (f backupFolder) segments() string { return filepath.Join(f.root, "segments") }

// open makes the folder durably and locks it.
func (f backupFolder) open() (io.Closer, error) {
	for _, dir := range []string{f.root, f.segments()} {
		if err := f.fs.MkdirAll(dir); err != nil {
			return nil, err
		}
		if err := f.fs.SyncDir(filepath.Dir(filepath.Clean(dir))); err != nil {
			return nil, err
		}
	}
	lock, err := f.fs.Lock(lockPath(f.root))
	if errors.Is(err, vfs.ErrLocked) {
		return nil, ErrBackupRunning
	}
	return lock, err
}

// names are the backups in the folder, the oldest first.
func (f backupFolder) names() (names []string, err error) {
	all, err := f.fs.List(f.root)
	if err != nil {
		return nil, err
	}
	for _, name := range all {
		if _, ok := parseBackupName(name); ok {
			names = append(names, name)
		}
	}
	return names, nil
}

func parseBackupName(name string) (sequence uint64, ok bool) {
	digits, _, ok := strings.Cut(name, "-")
	if !ok || !strings.HasSuffix(name, backupSuffix) {
		return 0, false
	}
	sequence, err := strconv.ParseUint(digits, 10, 64)
	return sequence, err == nil
}

// prepare writes the list of a backup beside its name, which publish gives it,
// after all of its segments durably are there.
func (f backupFolder) prepare(b backup) (name string, err error) {
	if err := f.fs.SyncDir(f.segments()); err != nil {
		return "", err
	}
	names, err := f.names()
	if err != nil {
		return "", err
	}
	sequence := uint64(1)
	if n := len(names); n > 0 {
		last, _ := parseBackupName(names[n-1])
		sequence = last + 1
	}
	name = fmt.Sprintf("%08d-%s%s", sequence, time.Unix(0, int64(b.Taken)).UTC().Format(backupTime), backupSuffix)
	body, err := json.MarshalIndent(b, "", " ")
	if err != nil {
		return "", fmt.Errorf("encode backup: %w", err)
	}
	return name, writeFile(f.fs, filepath.Join(f.root, name+tempSuffix), seal(backupMagic, backupVersion, body))
}

// publish makes the backup exist.
func (f backupFolder) publish(name string) error {
	path := filepath.Join(f.root, name)
	if err := f.fs.Rename(path+tempSuffix, path); err != nil {
		return err
	}
	return f.fs.SyncDir(f.root)
}

// read is the list of a backup.
func (f backupFolder) read(name string) (b backup, err error) {
	p, err := vfs.ReadFile(f.fs, filepath.Join(f.root, name))
	if err != nil {
		return b, err
	}
	return decodeBackup(p)
}

func decodeBackup(p []byte) (b backup, err error) {
	body, err := unseal(backupMagic, backupVersion, p)
	if errors.Is(err, errVersion) {
		return b, fmt.Errorf("read backup: %w", err)
	}
	if err != nil {
		return b, fmt.Errorf("%w: %w", errBackup, err)
	}
	if err := json.Unmarshal(body, &b); err != nil {
		return b, fmt.Errorf("%w: %w", errBackup, err)
	}
	for _, e := range b.Segments {
		if filepath.Base(e.File) != e.File || !strings.HasSuffix(e.File, segmentSuffix) {
			return b, fmt.Errorf("%w: %q is not the name of a segment", errBackup, e.File)
		}
	}
	for _, d := range b.Deletions {
		if _, err := d.pending(); err != nil {
			return b, err
		}
	}
	return b, nil
}

// prune deletes all backups but one, and the segments that one has no use for.
func (f backupFolder) prune(keep string, b backup) (deleted int, err error) {
	wanted := map[string]bool{keep: true}
	for _, e := range b.Segments {
		wanted[e.File] = true
	}
	// Backups before their segments: a listed backup is a whole one.
	for _, dir := range []string{f.root, f.segments()} {
		names, err := f.fs.List(dir)
		if err != nil {
			return deleted, fmt.Errorf("prune: %w", err)
		}
		for _, name := range names {
			ours := strings.HasSuffix(strings.TrimSuffix(name, tempSuffix), backupSuffix) || strings.HasSuffix(strings.TrimSuffix(name, tempSuffix), segmentSuffix)
			if !ours || wanted[name] {
				continue
			}
			if err := f.fs.Remove(filepath.Join(dir, name)); err != nil {
				return deleted, fmt.Errorf("prune: %w", err)
			}
			deleted++
		}
		if err := f.fs.SyncDir(dir); err != nil {
			return deleted, fmt.Errorf("prune: %w", err)
		}
	}
	return deleted, nil
}
