package vfs

import (
	"io"
	"io/fs"
	"sync/atomic"
)

// OpKind is a kind of file-system operation.
type OpKind uint8

// The operations a [Fault] counts. Size, Close, Stat and Free of it are
// passed through uncounted.
const (
	OpCreate OpKind = iota
	OpOpen
	OpRename
	OpRemove
	OpMkdir
	OpList
	OpSyncDir
	OpRead
	OpWrite
	OpSync
)

// Op is one operation about to be done.
type Op struct {
	N    int64 // how many operations came before it
	Kind OpKind
	Path string // of a rename: the new name
}

// ShortWriteError makes a [Fault] write, or read, the first N bytes and then
// fail with Err.
type ShortWriteError struct {
	N   int
	Err error
}

func (e *ShortWriteError) Error() string { return e.Err.Error() }

// Unwrap is the cause.
func (e *ShortWriteError) Unwrap() error { return e.Err }

// Fault passes operations on to a file system unless Hook fails them. Hook is
// called before every operation, possibly from many goroutines.
type Fault struct {
	FS
	Hook func(Op) error

	ops atomic.Int64
}

// NewFault wraps fsys.
func NewFault(fsys FS, hook func(Op) error) *Fault { return &Fault{FS: fsys, Hook: hook} }

// Ops is the number of operations so far.
func (f *Fault) Ops() int64 { return f.ops.Load() }

func (f *Fault) before(kind OpKind, path string) error {
	return f.Hook(Op{N: f.ops.Add(1) - 1, Kind: kind, Path: path})
}

func (f *Fault) file(file File, err error, path string) (File, error) {
	if err != nil {
		return nil, err
	}
	return &faultFile{File: file, f: f, path: path}, nil
}

// Create implements [FS].
func (f *Fault) Create(path string) (File, error) {
	if err := f.before(OpCreate, path); err != nil {
		return nil, pathError("create", path, err)
	}
	file, err := f.FS.Create(path)
	return f.file(file, err, path)
}

// Append implements [FS].
func (f *Fault) Append(path string) (File, error) {
	if err := f.before(OpCreate, path); err != nil {
		return nil, pathError("append", path, err)
	}
	file, err := f.FS.Append(path)
	return f.file(file, err, path)
}

// Open implements [FS].
func (f *Fault) Open(path string) (File, error) {
	if err := f.before(OpOpen, path); err != nil {
		return nil, pathError("open", path, err)
	}
	file, err := f.FS.Open(path)
	return f.file(file, err, path)
}

// Rename implements [FS].
func (f *Fault) Rename(from, to string) error {
	if err := f.before(OpRename, to); err != nil {
		return pathError("rename", to, err)
	}
	return f.FS.Rename(from, to)
}

// Remove implements [FS].
func (f *Fault) Remove(path string) error {
	if err := f.before(OpRemove, path); err != nil {
		return pathError("remove", path, err)
	}
	return f.FS.Remove(path)
}

// MkdirAll implements [FS].
func (f *Fault) MkdirAll(path string) error {
	if err := f.before(OpMkdir, path); err != nil {
		return pathError("mkdir", path, err)
	}
	return f.FS.MkdirAll(path)
}

// List implements [FS].
func (f *Fault) List(dir string) ([]string, error) {
	if err := f.before(OpList, dir); err != nil {
		return nil, pathError("list", dir, err)
	}
	return f.FS.List(dir)
}

// SyncDir implements [FS].
func (f *Fault) SyncDir(dir string) error {
	if err := f.before(OpSyncDir, dir); err != nil {
		return pathError("sync", dir, err)
	}
	return f.FS.SyncDir(dir)
}

// Stat implements [FS].
func (f *Fault) Stat(path string) (fs.FileInfo, error) { return f.FS.Stat(path) }

// Lock implements [FS].
func (f *Fault) Lock(path string) (io.Closer, error) { return f.FS.Lock(path) }

type faultFile struct {
	File
	f    *Fault
	path string
}

func (f *faultFile) ReadAt(p []byte, off int64) (int, error) {
	err := f.f.before(OpRead, f.path)
	if short, ok := err.(*ShortWriteError); ok {
		n, rerr := f.File.ReadAt(p[:min(short.N, len(p))], off)
		if rerr != nil {
			return n, rerr
		}
		return n, pathError("read", f.path, short.Err)
	}
	if err != nil {
		return 0, pathError("read", f.path, err)
	}
	return f.File.ReadAt(p, off)
}

func (f *faultFile) Write(p []byte) (int, error) {
	err := f.f.before(OpWrite, f.path)
	if short, ok := err.(*ShortWriteError); ok {
		n, werr := f.File.Write(p[:min(short.N, len(p))])
		if werr != nil {
			return n, werr
		}
		return n, pathError("write", f.path, short.Err)
	}
	if err != nil {
		return 0, pathError("write", f.path, err)
	}
	return f.File.Write(p)
}

func (f *faultFile) Sync() error {
	if err := f.f.before(OpSync, f.path); err != nil {
		return pathError("sync", f.path, err)
	}
	return f.File.Sync()
}
