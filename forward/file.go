package forward

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"path/filepath"
	"strconv"

	"github.com/kiseki-dev/kiseki/storage/vfs"
	"github.com/kiseki-dev/kiseki/telemetry"
	"github.com/kiseki-dev/kiseki/telemetry/otlpjson"
)

// Defaults of files.
const (
	defaultFileBytes = 100 << 20
	defaultFiles     = 10
)

// file writes lines of OTLP/JSON, a TracesData message each, to PATH. Once it
// has its size PATH.1 becomes PATH.2 and so on, and PATH PATH.1. A line that a
// crash tore is ended before the next one.
type file struct {
	fs    vfs.FS
	path  string
	most  int64
	files int
	open  vfs.File // nil: not yet, or not any more
	size  int64
	line  []byte
}

func newFile(o *Options, t *target) (sender, error) {
	f := &file{fs: o.FS, path: filepath.FromSlash(t.url.Path), most: t.FileBytes, files: t.Files}
	if f.most == 0 {
		f.most = defaultFileBytes
	}
	if f.files == 0 {
		f.files = defaultFiles
	}
	return f, f.fs.MkdirAll(filepath.Dir(f.path))
}

func (f *file) send(_ context.Context, b *telemetry.Batch) error {
	f.line = append(otlpjson.Append(f.line[:0], b), '\n')
	if err := f.prepare(); err != nil {
		return err
	}
	_, err := f.open.Write(f.line)
	if err == nil {
		err = f.open.Sync()
	}
	if err != nil {
		return errors.Join(fmt.Errorf("write %s: %w", f.path, err), f.close()) // what it holds is unknown: see prepare
	}
	f.size += int64(len(f.line))
	return nil
}

// prepare makes sure that a file is open whose end is that of a line.
func (f *file) prepare() error {
	if f.open != nil && f.size > 0 && f.size+int64(len(f.line)) > f.most {
		if err := errors.Join(f.close(), f.rotate()); err != nil {
			return err
		}
	}
	if f.open != nil {
		return nil
	}
	opened, err := f.fs.Append(f.path)
	if err != nil {
		return err
	}
	f.open = opened
	if f.size, err = opened.Size(); err == nil && f.size == 0 {
		err = f.fs.SyncDir(filepath.Dir(f.path))
	}
	if err == nil && f.size > 0 {
		err = f.mend()
	}
	if err != nil {
		return errors.Join(err, f.close())
	}
	return nil
}

// mend ends a line that is none.
func (f *file) mend() error {
	var last [1]byte
	if _, err := f.open.ReadAt(last[:], f.size-1); err != nil {
		return fmt.Errorf("read %s: %w", f.path, err)
	}
	if last[0] == '\n' {
		return nil
	}
	f.size++
	_, err := f.open.Write([]byte{'\n'})
	return err
}

func (f *file) rotate() error {
	name := func(i int) string {
		if i == 0 {
			return f.path
		}
		return f.path + "." + strconv.Itoa(i)
	}
	for i := f.files - 1; i > 0; i-- {
		if err := f.fs.Rename(name(i-1), name(i)); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return fmt.Errorf("rotate: %w", err)
		}
	}
	if f.files == 1 {
		if err := f.fs.Remove(f.path); err != nil {
			return fmt.Errorf("rotate: %w", err)
		}
	}
	return f.fs.SyncDir(filepath.Dir(f.path))
}

func (f *file) close() error {
	if f.open == nil {
		return nil
	}
	opened := f.open
	f.open = nil
	return opened.Close()
}
