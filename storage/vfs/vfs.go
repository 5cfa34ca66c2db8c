// Package vfs is the file system behind a seam, so that the store can be
// tested against power cuts and failing disks: [OS] is the real one, [Mem]
// keeps files in memory and can be cloned as a crash would leave it.
package vfs

import (
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
)

// File is an open file. Reads at offsets may run concurrently.
type File interface {
	io.ReaderAt
	io.Writer
	io.Closer
	// Sync returns once all that was written is on stable storage.
	Sync() error
	// Size is the file's present length in bytes.
	Size() (int64, error)
}

// FS is a file system. Paths are the operating system's. A file created,
// renamed or removed is durably so only after SyncDir of its directory.
type FS interface {
	// Create makes or truncates a file for writing and reading.
	Create(path string) (File, error)
	// Append opens a file for writing at its end and for reading, making it
	// if there is none.
	Append(path string) (File, error)
	// Open opens a file for reading.
	Open(path string) (File, error)
	Rename(from, to string) error
	Remove(path string) error
	MkdirAll(path string) error
	// List is the names in a directory, sorted.
	List(dir string) ([]string, error)
	Stat(path string) (fs.FileInfo, error)
	SyncDir(dir string) error
	// Free is the number of bytes an unprivileged process may still write on
	// the volume that holds path, and the size of that volume.
	Free(path string) (free, size uint64, err error)
	// Lock takes the exclusive advisory lock of a file, creating it, or fails
	// at once. Closing the result, or the death of the process, releases it.
	Lock(path string) (io.Closer, error)
}

// OS is the operating system's file system.
type OS struct{}

type osFile struct{ *os.File }

func (f osFile) Size() (int64, error) {
	info, err := f.Stat()
	if err != nil {
		return 0, err
	}
	return info.Size(), nil
}

// Create implements [FS].
func (OS) Create(path string) (File, error) {
	f, err := os.OpenFile(path, os.O_RDWR|os.O_CREATE|os.O_TRUNC, 0o600)
	if err != nil {
		return nil, err
	}
	return osFile{f}, nil
}

// Append implements [FS].
func (OS) Append(path string) (File, error) {
	f, err := os.OpenFile(path, os.O_RDWR|os.O_CREATE|os.O_APPEND, 0o600)
	if err != nil {
		return nil, err
	}
	return osFile{f}, nil
}

// Open implements [FS].
func (OS) Open(path string) (File, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	return osFile{f}, nil
}

// Rename implements [FS].
func (OS) Rename(from, to string) error { return os.Rename(from, to) }

// Remove implements [FS].
func (OS) Remove(path string) error { return os.Remove(path) }

// MkdirAll implements [FS].
func (OS) MkdirAll(path string) error { return os.MkdirAll(path, 0o700) }

// List implements [FS].
func (OS) List(dir string) ([]string, error) {
	entries, err := os.ReadDir(dir)
	if err != nil {
		return nil, err
	}
	names := make([]string, len(entries))
	for i, e := range entries {
		names[i] = e.Name()
	}
	return names, nil
}

// Stat implements [FS].
func (OS) Stat(path string) (fs.FileInfo, error) { return os.Stat(path) }

// SyncDir implements [FS].
func (OS) SyncDir(dir string) error {
	d, err := os.Open(filepath.Clean(dir))
	if err != nil {
		return err
	}
	if err := d.Sync(); err != nil {
		d.Close()
		return err
	}
	return d.Close()
}

// ReadFile is what a file has, in memory: for files of a bounded size.
func ReadFile(fsys FS, path string) ([]byte, error) {
	f, err := fsys.Open(path)
	if err != nil {
		return nil, err
	}
	defer f.Close() // only read from
	size, err := f.Size()
	if err != nil {
		return nil, err
	}
	data := make([]byte, size)
	if n, err := f.ReadAt(data, 0); err != nil && (err != io.EOF || n < len(data)) {
		return nil, fmt.Errorf("read %s: %w", path, err)
	}
	return data, nil
}
