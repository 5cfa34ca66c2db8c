package vfs

import (
	"errors"
	"io"
	"io/fs"
	"math/rand/v2"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"syscall"
	"time"
)

// Mem is a file system in memory that keeps apart what a program sees and
// what a power cut would leave: data written but not synced, and names made,
// renamed or removed in a directory that was not synced, are lost in a
// [Mem.CrashClone]. It is safe for concurrent use.
type Mem struct {
	mu struct {
		sync.Mutex
		root     *memNode
		used     uint64
		capacity uint64
	}
}

// memNode is a file or a directory. All fields are guarded by Mem.mu, but
// bytes of data below its length never change.
type memNode struct {
	dir    bool
	locked bool

	// Of a file: what was written, and how much of it is on stable storage.
	data   []byte
	synced int

	// Of a directory: the entries as seen, as on stable storage, and the
	// changes that lead from one to the other.
	live    map[string]*memNode
	durable map[string]*memNode
	pending []memChange
}

// memChange is a group of directory entries set (or removed, where node is
// nil) that reach stable storage together.
type memChange []memEntry

type memEntry struct {
	dir  *memNode
	name string
	node *memNode
}

// NewMem is an empty file system with room for capacity bytes; 0 means 1 TiB.
func NewMem(capacity uint64) *Mem {
	if capacity == 0 {
		capacity = 1 << 40
	}
	m := &Mem{}
	m.mu.root, m.mu.capacity = newMemDir(), capacity
	return m
}

func newMemDir() *memNode {
	return &memNode{dir: true, live: map[string]*memNode{}, durable: map[string]*memNode{}}
}

// SetCapacity changes the room, possibly to less than is in use.
func (m *Mem) SetCapacity(capacity uint64) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.mu.capacity = capacity
}

// CrashClone is the file system as a power cut at this moment would leave it.
// With a nil r everything unsynced is lost. Otherwise r decides how much of
// each file's unsynced tail survives, possibly with a hole of zeros or of
// garbage in it, and how many of a directory's unsynced changes do, in order.
func (m *Mem) CrashClone(r *rand.Rand) *Mem {
	m.mu.Lock()
	defer m.mu.Unlock()
	c := NewMem(m.mu.capacity)
	clones := map[*memNode]*memNode{}
	c.mu.root = m.mu.root.crashed(r, clones)
	for _, n := range clones {
		c.mu.used += uint64(len(n.data))
	}
	return c
}

// crashed is the clone of n; clones keeps a node reachable by two names one.
func (n *memNode) crashed(r *rand.Rand, clones map[*memNode]*memNode) *memNode {
	if c, ok := clones[n]; ok {
		return c
	}
	if !n.dir {
		c := &memNode{data: tear(n.data, n.synced, r)}
		c.synced = len(c.data)
		clones[n] = c
		return c
	}
	c := newMemDir()
	clones[n] = c
	entries := map[string]*memNode{}
	for name, child := range n.durable {
		entries[name] = child
	}
	if r != nil && len(n.pending) > 0 {
		for _, change := range n.pending[:r.IntN(len(n.pending)+1)] {
			for _, e := range change {
				if e.dir == n {
					set(entries, e.name, e.node)
				}
			}
		}
	}
	names := make([]string, 0, len(entries))
	for name := range entries {
		names = append(names, name)
	}
	slices.Sort(names) // so that r is used in a fixed order
	for _, name := range names {
		child := entries[name].crashed(r, clones)
		c.live[name], c.durable[name] = child, child
	}
	return c
}

// tear is what remains of data of which the first synced bytes are safe.
func tear(data []byte, synced int, r *rand.Rand) []byte {
	if r == nil || synced == len(data) {
		return slices.Clone(data[:synced])
	}
	torn := slices.Clone(data[:synced+r.IntN(len(data)-synced+1)])
	if tail := torn[synced:]; len(tail) > 0 && r.IntN(2) == 0 {
		hole := tail[r.IntN(len(tail)):]
		hole = hole[:1+r.IntN(len(hole))]
		for i := range hole {
			hole[i] = byte(r.Uint32()) * byte(r.IntN(2))
		}
	}
	return torn
}

func set(entries map[string]*memNode, name string, n *memNode) {
	if n == nil {
		delete(entries, name)
	} else {
		entries[name] = n
	}
}

func split(path string) []string {
	return strings.FieldsFunc(filepath.Clean(path), func(r rune) bool { return r == filepath.Separator })
}

// walk finds the node at path, or nil; the caller holds mu.
func (m *Mem) walk(parts []string) *memNode {
	n := m.mu.root
	for _, p := range parts {
		if n == nil || !n.dir || p == "." {
			if p == "." {
				continue
			}
			return nil
		}
		n = n.live[p]
	}
	return n
}

// parent finds the directory that holds path, and path's last element.
func (m *Mem) parent(path string) (*memNode, string, error) {
	parts := split(path)
	if len(parts) == 0 {
		return nil, "", fs.ErrInvalid
	}
	last := len(parts) - 1
	dir := m.walk(parts[:last])
	if dir == nil || !dir.dir {
		return nil, "", fs.ErrNotExist
	}
	return dir, parts[last], nil
}

func change(entries ...memEntry) {
	c := memChange(entries)
	for i, e := range c {
		set(e.dir.live, e.name, e.node)
		if i == 0 || c[0].dir != e.dir {
			e.dir.pending = append(e.dir.pending, c)
		}
	}
}

func pathError(op, path string, err error) error {
	if err == nil {
		return nil
	}
	return &fs.PathError{Op: op, Path: path, Err: err}
}

// Create implements [FS].
func (m *Mem) Create(path string) (File, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	dir, name, err := m.parent(path)
	if err == nil && dir.live[name] != nil && dir.live[name].dir {
		err = syscall.EISDIR
	}
	if err != nil {
		return nil, pathError("create", path, err)
	}
	if old := dir.live[name]; old != nil {
		m.mu.used -= uint64(len(old.data))
	}
	n := &memNode{}
	change(memEntry{dir, name, n})
	return &memFile{m: m, n: n, path: path}, nil
}

// Append implements [FS].
func (m *Mem) Append(path string) (File, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	dir, name, err := m.parent(path)
	if err == nil && dir.live[name] != nil && dir.live[name].dir {
		err = syscall.EISDIR
	}
	if err != nil {
		return nil, pathError("append", path, err)
	}
	if dir.live[name] == nil {
		change(memEntry{dir, name, &memNode{}})
	}
	return &memFile{m: m, n: dir.live[name], path: path}, nil
}

// Open implements [FS].
func (m *Mem) Open(path string) (File, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	n := m.walk(split(path))
	if n == nil {
		return nil, pathError("open", path, fs.ErrNotExist)
	}
	return &memFile{m: m, n: n, path: path, readOnly: true}, nil
}

// Rename implements [FS].
func (m *Mem) Rename(from, to string) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	fromDir, fromName, err := m.parent(from)
	if err == nil && fromDir.live[fromName] == nil {
		err = fs.ErrNotExist
	}
	if err != nil {
		return pathError("rename", from, err)
	}
	toDir, toName, err := m.parent(to)
	if err != nil {
		return pathError("rename", to, err)
	}
	if fromDir != toDir || fromName != toName {
		if old := toDir.live[toName]; old != nil {
			m.mu.used -= uint64(len(old.data))
		}
		change(memEntry{toDir, toName, fromDir.live[fromName]}, memEntry{fromDir, fromName, nil})
	}
	return nil
}

// Remove implements [FS].
func (m *Mem) Remove(path string) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	dir, name, err := m.parent(path)
	if err == nil && dir.live[name] == nil {
		err = fs.ErrNotExist
	}
	if err == nil && dir.live[name].dir && len(dir.live[name].live) > 0 {
		err = syscall.ENOTEMPTY
	}
	if err != nil {
		return pathError("remove", path, err)
	}
	m.mu.used -= uint64(len(dir.live[name].data))
	change(memEntry{dir, name, nil})
	return nil
}

// MkdirAll implements [FS].
func (m *Mem) MkdirAll(path string) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	n := m.mu.root
	for _, p := range split(path) {
		if p == "." {
			continue
		}
		if n.live[p] == nil {
			change(memEntry{n, p, newMemDir()})
		}
		if n = n.live[p]; !n.dir {
			return pathError("mkdir", path, syscall.ENOTDIR)
		}
	}
	return nil
}

// List implements [FS].
func (m *Mem) List(dir string) ([]string, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	n := m.walk(split(dir))
	if n == nil || !n.dir {
		return nil, pathError("list", dir, fs.ErrNotExist)
	}
	names := make([]string, 0, len(n.live))
	for name := range n.live {
		names = append(names, name)
	}
	slices.Sort(names)
	return names, nil
}

// Stat implements [FS].
func (m *Mem) Stat(path string) (fs.FileInfo, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	n := m.walk(split(path))
	if n == nil {
		return nil, pathError("stat", path, fs.ErrNotExist)
	}
	return memInfo{name: filepath.Base(path), size: int64(len(n.data)), dir: n.dir}, nil
}

// SyncDir implements [FS].
func (m *Mem) SyncDir(dir string) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	n := m.walk(split(dir))
	if n == nil || !n.dir {
		return pathError("sync", dir, fs.ErrNotExist)
	}
	for _, c := range n.pending {
		for _, e := range c {
			// A rename out of another directory carries that side with it.
			set(e.dir.durable, e.name, e.node)
		}
	}
	n.pending = nil
	return nil
}

// Free implements [FS].
func (m *Mem) Free(string) (free, size uint64, err error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.mu.used >= m.mu.capacity {
		return 0, m.mu.capacity, nil
	}
	return m.mu.capacity - m.mu.used, m.mu.capacity, nil
}

// Lock implements [FS].
func (m *Mem) Lock(path string) (io.Closer, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	dir, name, err := m.parent(path)
	if err != nil {
		return nil, pathError("lock", path, err)
	}
	if dir.live[name] == nil {
		change(memEntry{dir, name, &memNode{}})
	}
	n := dir.live[name]
	if n.locked {
		return nil, pathError("lock", path, ErrLocked)
	}
	n.locked = true
	return &memLock{m: m, n: n}, nil
}

type memLock struct {
	m *Mem
	n *memNode
}

func (l *memLock) Close() error {
	l.m.mu.Lock()
	defer l.m.mu.Unlock()
	l.n.locked = false
	return nil
}

// memFile is one opening of a node.
type memFile struct {
	m        *Mem
	n        *memNode
	path     string
	readOnly bool
}

func (f *memFile) ReadAt(p []byte, off int64) (int, error) {
	f.m.mu.Lock()
	data := f.n.data
	f.m.mu.Unlock()
	if off < 0 {
		return 0, pathError("read", f.path, fs.ErrInvalid)
	}
	if off >= int64(len(data)) {
		return 0, io.EOF
	}
	n := copy(p, data[off:])
	if n < len(p) {
		return n, io.EOF
	}
	return n, nil
}

func (f *memFile) Write(p []byte) (int, error) {
	if f.readOnly {
		return 0, pathError("write", f.path, fs.ErrPermission)
	}
	f.m.mu.Lock()
	defer f.m.mu.Unlock()
	n, err := len(p), error(nil)
	if free := f.m.mu.capacity - min(f.m.mu.used, f.m.mu.capacity); uint64(n) > free {
		n, err = int(free), pathError("write", f.path, syscall.ENOSPC)
	}
	f.n.data = append(f.n.data, p[:n]...)
	f.m.mu.used += uint64(n)
	return n, err
}

func (f *memFile) Sync() error {
	f.m.mu.Lock()
	defer f.m.mu.Unlock()
	f.n.synced = len(f.n.data)
	return nil
}

func (f *memFile) Size() (int64, error) {
	f.m.mu.Lock()
	defer f.m.mu.Unlock()
	return int64(len(f.n.data)), nil
}

func (f *memFile) Close() error { return nil }

// Corrupt flips the bits of mask in the byte at off of the file at path, on
// stable storage too.
func (m *Mem) Corrupt(path string, off int, mask byte) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	n := m.walk(split(path))
	if n == nil || n.dir || off >= len(n.data) {
		return pathError("corrupt", path, errors.New("no such byte"))
	}
	n.data = slices.Clone(n.data) // readers may hold the old bytes
	n.data[off] ^= mask
	return nil
}

type memInfo struct {
	name string
	size int64
	dir  bool
}

func (i memInfo) Name() string       { return i.name }
func (i memInfo) Size() int64        { return i.size }
func (i memInfo) ModTime() time.Time { return time.Time{} }
func (i memInfo) IsDir() bool        { return i.dir }
func (i memInfo) Sys() any           { return nil }

func (i memInfo) Mode() fs.FileMode {
	if i.dir {
		return fs.ModeDir | 0o700
	}
	return 0o600
}
