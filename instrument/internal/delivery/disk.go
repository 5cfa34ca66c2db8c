package delivery

import (
	"crypto/rand"
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"time"
)

// disk is the folder of this process below the queue directory:
//
//	DIR/SERVICE/PROCESS/lock             locked while the process lives
//	DIR/SERVICE/PROCESS/TIME-RAND.spans  a batch; names sort by age
//
// Processes do not share files. The folder of a process that is gone, which
// is one whose lock can be had, is adopted by the next process of the same
// service: it moves the files into its own folder.
//
// A disk is used by one goroutine at a time, except for read and remove.
type disk struct {
	root string // DIR/SERVICE
	dir  string // DIR/SERVICE/PROCESS
	lock *os.File
	// write creates a file with content and syncs it. Tests fill the disk.
	write func(path string, content []byte) error
}

const (
	fileSuffix = ".spans"
	lockName   = "lock"
	// unfinished marks names that another process must leave alone: a folder
	// that is not locked yet, a file that is not complete yet.
	unfinished = ".new-"
)

// openDisk makes and locks the folder of this process.
func openDisk(dir, service string, write func(string, []byte) error) (*disk, error) {
	root := filepath.Join(dir, folderName(service))
	if err := os.MkdirAll(root, 0o700); err != nil {
		return nil, fmt.Errorf("create queue directory: %w", err)
	}
	// The folder appears with its lock taken, or another process would find
	// it unlocked and take it for one left behind.
	name := fmt.Sprintf("%d-%s", os.Getpid(), random())
	hidden := filepath.Join(root, unfinished+name)
	if err := os.Mkdir(hidden, 0o700); err != nil {
		return nil, fmt.Errorf("create queue directory: %w", err)
	}
	l, err := os.OpenFile(filepath.Join(hidden, lockName), os.O_CREATE|os.O_RDWR, 0o600)
	if err == nil {
		if err = lock(l); err == nil {
			err = os.Rename(hidden, filepath.Join(root, name))
		}
		if err != nil {
			l.Close()
		}
	}
	if err != nil {
		os.RemoveAll(hidden)
		return nil, fmt.Errorf("lock queue directory: %w", err)
	}
	return &disk{root: root, dir: filepath.Join(root, name), lock: l, write: write}, nil
}

// folderName is a service's name as one element of a path.
func folderName(service string) string {
	name := strings.Map(func(r rune) rune {
		switch {
		case r >= 'a' && r <= 'z', r >= 'A' && r <= 'Z', r >= '0' && r <= '9', r == '-', r == '_', r == '.':
			return r
		}
		return '_'
	}, service)
	return "service-" + name[:min(len(name), 100)]
}

func random() string {
	var b [6]byte
	rand.Read(b[:]) // never fails
	return hex.EncodeToString(b[:])
}

// writeSynced is the write of a real disk.
func writeSynced(path string, content []byte) error {
	f, err := os.OpenFile(path, os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o600)
	if err != nil {
		return err
	}
	_, err = f.Write(content)
	if err == nil {
		err = f.Sync()
	}
	if closing := f.Close(); err == nil {
		err = closing
	}
	return err
}

// put writes b to a file and returns its path and size. When it fails,
// nothing is left.
func (d *disk) put(b batch) (string, int64, error) {
	name := fmt.Sprintf("%016x-%s%s", time.Now().UnixNano(), random(), fileSuffix)
	hidden, path := filepath.Join(d.dir, unfinished+name), filepath.Join(d.dir, name)
	content := b.fileBytes()
	err := d.write(hidden, content)
	if err == nil {
		err = os.Rename(hidden, path)
	}
	if err != nil {
		os.Remove(hidden)
		return "", 0, fmt.Errorf("write queue file: %w", err)
	}
	d.syncFolder()
	return path, int64(len(content)), nil
}

// syncFolder makes a new name last over a power cut, where the file system
// can do that.
func (d *disk) syncFolder() {
	if f, err := os.Open(d.dir); err == nil {
		_ = f.Sync()
		f.Close()
	}
}

// read reads a queue file. Errors wrap fs.ErrNotExist, errDamaged, errNewer
// or say what the disk said.
func (d *disk) read(path string) (batch, error) {
	f, err := os.Open(path)
	if err != nil {
		return batch{}, fmt.Errorf("open queue file: %w", err)
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil {
		return batch{}, fmt.Errorf("open queue file: %w", err)
	}
	b, err := readBatch(f, info.Size())
	if err != nil {
		return batch{}, fmt.Errorf("read %s: %w", path, err)
	}
	return b, nil
}

func (d *disk) remove(path string) error { return os.Remove(path) }

// adopt moves the files of processes that are gone into the own folder and
// returns their entries, oldest first within each process. An error does not
// keep the other folders from being adopted.
func (d *disk) adopt() ([]*entry, error) {
	folders, err := os.ReadDir(d.root)
	if err != nil {
		return nil, fmt.Errorf("look for queues left behind: %w", err)
	}
	var found []*entry
	var errs []error
	for _, f := range folders {
		path := filepath.Join(d.root, f.Name())
		if !f.IsDir() || path == d.dir || strings.HasPrefix(f.Name(), unfinished) {
			continue
		}
		entries, err := d.adoptFolder(path)
		found = append(found, entries...)
		errs = append(errs, err)
	}
	return found, errors.Join(errs...)
}

// adoptFolder does nothing while the folder's process lives.
func (d *disk) adoptFolder(path string) ([]*entry, error) {
	l, err := os.OpenFile(filepath.Join(path, lockName), os.O_RDWR, 0)
	if errors.Is(err, fs.ErrNotExist) {
		os.Remove(path) // what another process adopted and could not remove
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("adopt queue: %w", err)
	}
	defer l.Close()
	if lock(l) != nil {
		return nil, nil
	}
	files, err := os.ReadDir(path)
	if err != nil {
		return nil, fmt.Errorf("adopt queue: %w", err)
	}
	var found []*entry
	var errs []error
	for _, f := range files {
		from, to := filepath.Join(path, f.Name()), filepath.Join(d.dir, f.Name())
		switch {
		case strings.HasPrefix(f.Name(), unfinished):
			errs = append(errs, os.Remove(from))
		case strings.HasSuffix(f.Name(), fileSuffix):
			if err := os.Rename(from, to); err != nil {
				errs = append(errs, err)
				continue
			}
			found = append(found, d.entry(to))
		}
	}
	if err := errors.Join(errs...); err != nil {
		return found, fmt.Errorf("adopt queue: %w", err)
	}
	os.Remove(filepath.Join(path, lockName))
	os.Remove(path)
	return found, nil
}

// entry describes a file without reading all of it. A damaged file is found
// out when it is its turn; its number of spans is not known.
func (d *disk) entry(path string) *entry {
	e := &entry{path: path}
	f, err := os.Open(path)
	if err != nil {
		return e
	}
	defer f.Close()
	if info, err := f.Stat(); err == nil {
		e.size = info.Size()
	}
	var h [fileHeaderSize]byte
	if n, err := f.Read(h[:]); err == nil {
		e.spans, _ = parseHeader(h[:n], e.size)
	}
	return e
}

// close gives the folder up. An empty one is removed, the rest is for the
// next process.
func (d *disk) close() {
	left, err := os.ReadDir(d.dir)
	if err == nil && len(left) == 1 { // the lock
		os.Remove(filepath.Join(d.dir, lockName))
		os.Remove(d.dir)
	}
	d.lock.Close()
}
