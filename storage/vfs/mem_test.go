package vfs_test

import (
	"errors"
	"io"
	"io/fs"
	"math/rand/v2"
	"strings"
	"syscall"
	"testing"

	"github.com/kiseki-dev/kiseki/storage/vfs"
)

// write makes a file; its content is synced if sync.
func write(t *testing.T, fsys vfs.FS, path, text string, sync bool) {
	t.Helper()
	f, err := fsys.Create(path)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := f.Write([]byte(text)); err != nil {
		t.Fatal(err)
	}
	if sync {
		check(t, f.Sync())
	}
	check(t, f.Close())
}

func check(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// tree is the files of a directory as text.
func tree(t *testing.T, fsys vfs.FS, dir string) string {
	t.Helper()
	names, err := fsys.List(dir)
	check(t, err)
	var out []string
	for _, name := range names {
		f, err := fsys.Open(dir + "/" + name)
		check(t, err)
		size, err := f.Size()
		check(t, err)
		p, err := io.ReadAll(io.NewSectionReader(f, 0, size))
		check(t, err)
		out = append(out, name+"="+string(p))
	}
	return strings.Join(out, " ")
}

func TestCrashClone(t *testing.T) {
	m := vfs.NewMem(0)
	check(t, m.MkdirAll("/d"))
	check(t, m.SyncDir("/"))
	write(t, m, "/d/a", "kept", true)
	write(t, m, "/d/b", "lost", false)
	write(t, m, "/d/gone", "kept", true)
	check(t, m.SyncDir("/d"))
	check(t, m.Remove("/d/gone"))
	write(t, m, "/d/new", "synced, but not its name", true)
	check(t, m.Rename("/d/a", "/d/b"))
	if got, want := tree(t, m, "/d"), "b=kept new=synced, but not its name"; got != want {
		t.Errorf("running: got %q, want %q", got, want)
	}
	if got, want := tree(t, m.CrashClone(nil), "/d"), "a=kept b= gone=kept"; got != want {
		t.Errorf("crashed: got %q, want %q", got, want)
	}
	seen := map[string]bool{}
	for seed := range uint64(200) {
		seen[tree(t, m.CrashClone(rand.New(rand.NewPCG(seed, 0))), "/d")] = true
	}
	// Changes of the directory survive in order: none, the removal, the new
	// name, the rename. What b's unsynced data leaves varies.
	for got := range seen {
		if strings.Contains(got, "new=") && strings.Contains(got, "gone=") {
			t.Errorf("a later change survived an earlier one: %q", got)
		}
		if !strings.Contains(got, "=kept") {
			t.Errorf("a rename lost the file: %q", got)
		}
	}
	if !seen["b=kept new=synced, but not its name"] {
		t.Error("no clone kept all changes")
	}
	check(t, m.SyncDir("/d"))
	if got, want := tree(t, m.CrashClone(nil), "/d"), "b=kept new=synced, but not its name"; got != want {
		t.Errorf("crashed after sync: got %q, want %q", got, want)
	}
}

func TestCapacity(t *testing.T) {
	m := vfs.NewMem(10)
	f, err := m.Create("/a")
	check(t, err)
	n, err := f.Write([]byte("0123456789abc"))
	if n != 10 || !errors.Is(err, syscall.ENOSPC) {
		t.Errorf("wrote %d bytes, %v", n, err)
	}
	if free, size, err := m.Free("/"); free != 0 || size == 0 || err != nil {
		t.Errorf("%d bytes free, %v", free, err)
	}
	check(t, m.Remove("/a"))
	if free, size, err := m.Free("/"); free != 10 || size < free || err != nil {
		t.Errorf("%d bytes free, %v", free, err)
	}
}

// TestSameFS: the memory and the operating system answer alike.
func TestSameFS(t *testing.T) {
	for name, x := range map[string]struct {
		fs  vfs.FS
		dir string
	}{"memory": {vfs.NewMem(0), "/tree"}, "os": {vfs.OS{}, t.TempDir()}} {
		t.Run(name, func(t *testing.T) {
			check(t, x.fs.MkdirAll(x.dir+"/d/e"))
			check(t, x.fs.SyncDir(x.dir+"/d"))
			write(t, x.fs, x.dir+"/d/e/b", "two", true)
			write(t, x.fs, x.dir+"/d/e/a", "one", false)
			check(t, x.fs.Rename(x.dir+"/d/e/a", x.dir+"/d/e/c"))
			if got, want := tree(t, x.fs, x.dir+"/d/e"), "b=two c=one"; got != want {
				t.Errorf("got %q, want %q", got, want)
			}
			if _, err := x.fs.Open(x.dir + "/d/e/a"); !errors.Is(err, fs.ErrNotExist) {
				t.Errorf("open of a missing file: %v", err)
			}
			if err := x.fs.Remove(x.dir + "/d/e/a"); !errors.Is(err, fs.ErrNotExist) {
				t.Errorf("removal of a missing file: %v", err)
			}
			info, err := x.fs.Stat(x.dir + "/d/e/b")
			check(t, err)
			if info.Size() != 3 || info.IsDir() {
				t.Errorf("stat: %d bytes, directory: %t", info.Size(), info.IsDir())
			}
			lock, err := x.fs.Lock(x.dir + "/LOCK")
			check(t, err)
			if _, err := x.fs.Lock(x.dir + "/LOCK"); !errors.Is(err, vfs.ErrLocked) {
				t.Errorf("second lock: %v", err)
			}
			check(t, lock.Close())
			lock, err = x.fs.Lock(x.dir + "/LOCK")
			check(t, err)
			check(t, lock.Close())
		})
	}
}

func TestFault(t *testing.T) {
	m := vfs.NewMem(0)
	f := vfs.NewFault(m, func(op vfs.Op) error {
		switch {
		case op.Kind == vfs.OpWrite && op.N == 1:
			return &vfs.ShortWriteError{N: 2, Err: syscall.EIO}
		case op.Kind == vfs.OpSync:
			return syscall.EIO
		}
		return nil
	})
	file, err := f.Create("/a")
	check(t, err)
	if n, err := file.Write([]byte("abc")); n != 2 || !errors.Is(err, syscall.EIO) {
		t.Errorf("wrote %d, %v", n, err)
	}
	if err := file.Sync(); !errors.Is(err, syscall.EIO) {
		t.Errorf("sync: %v", err)
	}
	check(t, file.Close())
	if got := tree(t, m, "/"); got != "a=ab" {
		t.Errorf("got %q", got)
	}
}
