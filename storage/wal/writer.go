package wal

import (
	"errors"
	"fmt"
	"runtime"
	"sync"
	"sync/atomic"
	"time"

	"github.com/kiseki-dev/kiseki/storage/vfs"
)

// ErrClosed is returned by Append after Close.
var ErrClosed = errors.New("log is closed")

// Metrics counts what writers do; one may serve many writers.
type Metrics struct {
	Records    atomic.Uint64
	Bytes      atomic.Uint64
	Fsyncs     atomic.Uint64
	FsyncNanos atomic.Uint64
	Failures   atomic.Uint64 // writers that failed
}

// keepBuffer is the largest group buffer that is kept for the next group:
// several requests of the default size limit.
const keepBuffer = 8 << 20

// Writer appends to one file. Its methods may be called from any goroutine.
//
// Commits take turns: the first to arrive while a commit is under way leads
// the next group, those after it join, and the leader writes them all with
// one write and one fsync. After a failure the writer takes nothing more:
// what a failed fsync left on disk is unknown, and trying again would not tell.
type Writer struct {
	path    string
	seq     uint64
	metrics *Metrics

	commit sync.Mutex // held by the leader while it writes; taken before mu
	file   vfs.File   // used under commit

	mu struct {
		sync.Mutex
		next  *group // gathers while a commit is under way; nil if nobody waits
		spare []byte
		prev  Position
		begun bool // the header was put into a group
		end   int64
		err   error
	}
}

type group struct {
	buf     []byte
	records uint64
	done    chan struct{}
	err     error // set before done is closed
}

// Create makes the file with the given sequence, durably named but empty.
// [Writer.Begin] must be called before the first Append.
func Create(fsys vfs.FS, dir string, seq uint64, m *Metrics) (*Writer, error) {
	p := path(dir, seq)
	f, err := fsys.Create(p)
	if err != nil {
		return nil, fmt.Errorf("create log: %w", err)
	}
	if err := fsys.SyncDir(dir); err != nil {
		f.Close()
		return nil, fmt.Errorf("create log: %w", err)
	}
	return &Writer{path: p, seq: seq, metrics: m, file: f}, nil
}

// Begin says where the log before this one ends. It does no I/O.
func (w *Writer) Begin(prev Position) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.mu.prev = prev
}

// Position is the end of what is durable, or, while that is nothing, the end
// of the log before.
func (w *Writer) Position() Position {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.mu.end == 0 {
		return w.mu.prev
	}
	return Position{Seq: w.seq, End: w.mu.end}
}

// Seq is the file's sequence.
func (w *Writer) Seq() uint64 { return w.seq }

// Err is why the writer takes nothing more, nil while it does.
func (w *Writer) Err() error {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.mu.err
}

// Append writes a record made by [Encoder.Encode] and returns once it is on
// stable storage. The record belongs to the caller again on return.
func (w *Writer) Append(record []byte, spans int) error {
	w.mu.Lock()
	if w.mu.err != nil {
		defer w.mu.Unlock()
		return w.mu.err
	}
	g, leads := w.join()
	start := len(g.buf)
	g.buf = append(g.buf, record...)
	g.seal(start, w.seq, spans)
	w.mu.Unlock()
	if leads {
		w.lead(g)
	}
	<-g.done
	return g.err
}

// Copy writes intact records of open files in one commit, and returns once
// they are on stable storage.
func (w *Writer) Copy(records []Record) error {
	var read [][]byte
	for i := range records {
		rec, err := records[i].read(nil)
		if err != nil {
			return err
		}
		read = append(read, rec)
	}
	w.mu.Lock()
	if w.mu.err != nil {
		defer w.mu.Unlock()
		return w.mu.err
	}
	g, leads := w.join()
	for i, rec := range read {
		start := len(g.buf)
		g.buf = append(g.buf, rec...)
		g.seal(start, w.seq, int(records[i].Spans))
	}
	w.mu.Unlock()
	if leads {
		w.lead(g)
	}
	<-g.done
	return g.err
}

// join is the group to add to, and whether the caller leads it; mu is held.
func (w *Writer) join() (g *group, leads bool) {
	if w.mu.next != nil {
		return w.mu.next, false
	}
	g = &group{buf: w.mu.spare, done: make(chan struct{})}
	w.mu.next, w.mu.spare = g, nil
	if !w.mu.begun {
		w.mu.begun = true
		g.buf = appendHeader(g.buf, w.seq, w.mu.prev)
	}
	return g, true
}

// seal makes what is in the group's bytes from start on a record.
func (g *group) seal(start int, seq uint64, spans int) {
	marked := uint32(spans)
	if g.records > 0 {
		marked |= joined
	}
	seal(g.buf[start:], seq, marked)
	g.records++
}

// lead commits g when its turn has come.
func (w *Writer) lead(g *group) {
	w.commit.Lock()
	defer w.commit.Unlock()
	// Requests that are ready to run join before the group is closed: fewer
	// fsyncs are fewer switches between threads.
	runtime.Gosched()
	w.mu.Lock()
	w.mu.next = nil // whoever comes now leads the next group
	err := w.mu.err
	w.mu.Unlock()
	if err == nil {
		err = w.write(g)
	}
	w.mu.Lock()
	if err == nil {
		w.mu.end += int64(len(g.buf))
	} else if w.mu.err == nil {
		w.mu.err = err
		w.metrics.Failures.Add(1)
	}
	if cap(g.buf) <= keepBuffer {
		w.mu.spare = g.buf[:0]
	}
	w.mu.Unlock()
	g.err = err
	close(g.done)
}

func (w *Writer) write(g *group) error {
	if _, err := w.file.Write(g.buf); err != nil {
		return fmt.Errorf("write log: %w", err)
	}
	began := time.Now()
	if err := w.file.Sync(); err != nil {
		return fmt.Errorf("sync log: %w", err)
	}
	w.metrics.FsyncNanos.Add(uint64(time.Since(began)))
	w.metrics.Fsyncs.Add(1)
	w.metrics.Records.Add(g.records)
	w.metrics.Bytes.Add(uint64(len(g.buf)))
	return nil
}

// Close waits for the commit under way and closes the file. Appends that have
// not begun to commit fail.
func (w *Writer) Close() error {
	w.commit.Lock()
	defer w.commit.Unlock()
	w.mu.Lock()
	closed := errors.Is(w.mu.err, ErrClosed)
	if w.mu.err == nil {
		w.mu.err = ErrClosed
	} else if !closed {
		w.mu.err = fmt.Errorf("%w after: %w", ErrClosed, w.mu.err)
	}
	w.mu.Unlock()
	if closed {
		return nil
	}
	if err := w.file.Close(); err != nil {
		return fmt.Errorf("close log: %w", err)
	}
	return nil
}
