package forward

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"slices"
	"sync"
	"time"

	"github.com/kiseki-dev/kiseki/storage/vfs"
	"github.com/kiseki-dev/kiseki/storage/wal"
	"github.com/kiseki-dev/kiseki/telemetry"
)

// queue is spans that wait on disk, as files of package wal, whose records are
// batches: FOLDER/0000000000000001.wal and so on. The newest file is written
// to; once it is full, or its spans have waited for a while, it is sealed, and
// sealed files are read, sent and removed as a whole. So nothing on disk says
// how far sending has come: after a crash the file at hand is sent again.
//
// wal's headers void what an earlier file has beyond the last acknowledged
// record. A queue needs no such thing: a batch more than was acknowledged is
// one that the client sends again.
type queue struct {
	fs      vfs.FS
	dir     string
	limit   int64
	full    int64     // of a file
	dropped func(int) // told of spans that the limit dropped
	metrics wal.Metrics
	more    chan struct{} // has an element when there may be something to take

	// writing is held for reading by those who put and for writing by those
	// who seal, so that a sealed file does not change.
	writing sync.RWMutex
	active  *wal.Writer // nil unless something was put; guarded by writing
	room    sync.Mutex  // held by who makes room

	mu struct {
		sync.Mutex
		next   uint64 // the sequence of the next file
		sealed []*queued
		newest *queued // that is being written to, nil if there is none
		bytes  int64   // of all
	}
}

// queued is a file.
type queued struct {
	seq   uint64
	bytes int64
	spans int  // -1: it is from before the start, and must be read to know
	sent  int  // records that need not be sent again
	taken bool // it is being sent: it may not be dropped
}

const (
	fullFile = 4 << 20
	// linger is how long spans wait for others to be sent with. Each time it
	// ends a file has to be made, synced and removed.
	linger = 200 * time.Millisecond
)

// openQueue opens the queue in a folder, which is made if there is none.
func openQueue(fsys vfs.FS, dir string, limit int64) (*queue, error) {
	if err := fsys.MkdirAll(dir); err != nil {
		return nil, fmt.Errorf("make queue: %w", err)
	}
	for _, parent := range []string{filepath.Dir(dir), filepath.Dir(filepath.Dir(dir))} {
		if err := fsys.SyncDir(parent); err != nil {
			return nil, fmt.Errorf("make queue: %w", err)
		}
	}
	names, err := fsys.List(dir)
	if err != nil {
		return nil, fmt.Errorf("open queue: %w", err)
	}
	q := &queue{fs: fsys, dir: dir, limit: limit, full: min(fullFile, max(limit/8, 1)), more: make(chan struct{}, 1), dropped: func(int) {}}
	q.mu.next = 1
	for _, name := range names {
		seq, ok := wal.ParseName(name)
		if !ok {
			continue
		}
		info, err := fsys.Stat(filepath.Join(dir, name))
		if err != nil {
			return nil, fmt.Errorf("open queue: %w", err)
		}
		q.mu.sealed = append(q.mu.sealed, &queued{seq: seq, bytes: info.Size(), spans: -1})
		q.mu.bytes += info.Size()
		q.mu.next = max(q.mu.next, seq+1)
	}
	slices.SortFunc(q.mu.sealed, func(a, b *queued) int { return int(a.seq) - int(b.seq) })
	q.notify()
	return q, nil
}

func (q *queue) notify() {
	select {
	case q.more <- struct{}{}:
	default:
	}
}

// size is how many bytes wait.
func (q *queue) size() int64 {
	q.mu.Lock()
	defer q.mu.Unlock()
	return q.mu.bytes
}

// put returns once a record is on stable storage.
func (q *queue) put(rec []byte, spans int) error {
	w, f, err := q.writer()
	if err != nil {
		return err
	}
	err = w.Append(rec, spans)
	q.mu.Lock()
	if err == nil { // counted before the file can be sealed and removed
		f.bytes += int64(len(rec))
		f.spans += spans
		q.mu.bytes += int64(len(rec))
	}
	full := f.bytes >= q.full
	q.mu.Unlock()
	q.writing.RUnlock()
	if err != nil {
		return err
	}
	if full {
		q.seal(f)
	}
	q.makeRoom()
	q.notify()
	return nil
}

// writer is the file to write to; writing is held for reading on success.
func (q *queue) writer() (*wal.Writer, *queued, error) {
	for {
		q.writing.RLock()
		if w := q.active; w != nil && w.Err() == nil {
			q.mu.Lock()
			f := q.mu.newest
			q.mu.Unlock()
			return w, f, nil
		}
		q.writing.RUnlock()
		if err := q.renew(); err != nil {
			return nil, nil, err
		}
	}
}

// renew makes a file if the present one takes nothing more.
func (q *queue) renew() error {
	q.writing.Lock()
	defer q.writing.Unlock()
	if q.active != nil && q.active.Err() == nil {
		return nil // somebody else did
	}
	if err := q.sealLocked(); err != nil {
		return err
	}
	q.mu.Lock()
	f := &queued{seq: q.mu.next}
	q.mu.next++
	q.mu.Unlock()
	w, err := wal.Create(q.fs, q.dir, f.seq, &q.metrics)
	if err != nil {
		return err
	}
	w.Begin(wal.Position{})
	q.active = w
	q.mu.Lock()
	q.mu.newest = f
	q.mu.Unlock()
	return nil
}

// seal seals a file unless that was done.
func (q *queue) seal(f *queued) {
	q.writing.Lock()
	defer q.writing.Unlock()
	q.mu.Lock()
	newest := q.mu.newest
	q.mu.Unlock()
	if newest == f {
		_ = q.sealLocked() // what was acknowledged is synced, closing adds nothing
	}
}

func (q *queue) sealLocked() error {
	if q.active == nil {
		return nil
	}
	err := q.active.Close()
	q.active = nil
	q.mu.Lock()
	q.mu.sealed = append(q.mu.sealed, q.mu.newest)
	q.mu.newest = nil
	q.mu.Unlock()
	if errors.Is(err, wal.ErrClosed) {
		err = nil
	}
	return err
}

// makeRoom drops the oldest files while there are too many bytes.
func (q *queue) makeRoom() {
	q.room.Lock()
	defer q.room.Unlock()
	for {
		q.mu.Lock()
		i := slices.IndexFunc(q.mu.sealed, func(f *queued) bool { return !f.taken })
		if q.mu.bytes <= q.limit || i < 0 {
			q.mu.Unlock()
			return
		}
		f := q.mu.sealed[i]
		f.taken = true // nobody else takes it
		q.mu.Unlock()
		spans := f.spans
		if spans < 0 || f.sent > 0 {
			spans = q.count(f)
		}
		q.remove(f)
		q.dropped(spans)
	}
}

// count is the spans of a file that are not sent, as far as it can be read.
func (q *queue) count(f *queued) (n int) {
	file, err := wal.Read(q.fs, q.dir, f.seq)
	if err != nil {
		return 0
	}
	defer file.Close() // only read from
	all := slices.Concat(file.Records, file.Rest)
	for _, r := range all[min(f.sent, len(all)):] {
		n += int(r.Spans)
	}
	return n
}

// remove removes a file that is taken. A crash may bring it back, to be sent
// once more.
func (q *queue) remove(f *queued) {
	_ = q.fs.Remove(filepath.Join(q.dir, wal.Name(f.seq))) // one that stays is sent again after the next start
	q.mu.Lock()
	defer q.mu.Unlock()
	if i := slices.Index(q.mu.sealed, f); i >= 0 {
		q.mu.sealed = slices.Delete(q.mu.sealed, i, i+1)
		q.mu.bytes -= f.bytes
	}
}

// take waits for the oldest file, which is sealed first if its spans have
// waited long enough. It belongs to the caller until release or remove. It is
// nil once ctx is done.
func (q *queue) take(ctx context.Context) *queued {
	for ctx.Err() == nil {
		q.mu.Lock()
		f, newest := (*queued)(nil), q.mu.newest
		if i := slices.IndexFunc(q.mu.sealed, func(f *queued) bool { return !f.taken }); i >= 0 {
			f = q.mu.sealed[i]
			f.taken = true
		}
		waiting := newest != nil && newest.bytes > 0
		q.mu.Unlock()
		switch {
		case f != nil:
			return f
		case waiting:
			sleep(ctx, linger)
			if ctx.Err() == nil {
				q.seal(newest)
			}
			continue
		}
		select {
		case <-q.more:
		case <-ctx.Done():
		}
	}
	return nil
}

// release gives a file back that is to be sent later.
func (q *queue) release(f *queued) {
	q.mu.Lock()
	defer q.mu.Unlock()
	f.taken = false
}

// close closes the file that is written to.
func (q *queue) close() error {
	q.writing.Lock()
	defer q.writing.Unlock()
	return q.sealLocked()
}

// sleep waits, or for ctx to end.
func sleep(ctx context.Context, d time.Duration) {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
	case <-ctx.Done():
	}
}

// A request has as many records as come to this many spans and bytes on disk:
// enough that their number does not matter, and little enough for what
// receivers take as a rule.
const (
	requestSpans = 2000
	requestBytes = 512 << 10
)

// reader reads the records of a file in portions.
type reader struct {
	file     *wal.File
	records  []wal.Record
	decoders []wal.Decoder
	one, all telemetry.Batch
}

// read opens a file.
func (q *queue) read(f *queued) (*reader, error) {
	file, err := wal.Read(q.fs, q.dir, f.seq)
	if err != nil {
		return nil, err
	}
	all := slices.Concat(file.Records, file.Rest)
	return &reader{file: file, records: all[min(f.sent, len(all)):]}, nil
}

func (r *reader) close() error { return r.file.Close() }

// next is the next portion, how many records it is of and how many of their
// spans cannot be read; 0 records: there are no more. The batch is valid until
// the next call.
func (r *reader) next() (b *telemetry.Batch, records, damaged int) {
	r.all.Reset()
	size := 0
	for len(r.records) > 0 {
		rec := &r.records[0]
		spans := int(rec.Spans)
		size += rec.Bytes()
		if records > 0 && (len(r.all.Spans)+spans > requestSpans || size > requestBytes) {
			break
		}
		if records == len(r.decoders) {
			r.decoders = append(r.decoders, wal.Decoder{})
		}
		if err := r.decoders[records].Read(rec, &r.one); err != nil {
			damaged += spans
		} else {
			merge(&r.all, &r.one)
		}
		records++
		r.records = r.records[1:]
	}
	return &r.all, records, damaged
}
