package segment

import (
	"fmt"
	"io"
	"sync"
	"sync/atomic"

	"github.com/kiseki-dev/kiseki/storage/scan"
	"github.com/kiseki-dev/kiseki/storage/vfs"
	"github.com/kiseki-dev/kiseki/telemetry"
)

// Reader reads one segment file. It implements [scan.Source], is immutable
// and safe for concurrent use until Close. Beside what its cache holds it
// keeps the footer in memory.
type Reader struct {
	file   vfs.File
	path   string
	size   int64
	id     uint64 // in the cache
	cache  *Cache
	footer *footer
	last   chunkRef     // the footer's own chunk
	format int          // version of the format
	blocks []scan.Block // of a view none before Blocks is called
	once   sync.Once    // Blocks
	// onDamage is told of damage that is found; nil for nobody.
	onDamage *atomic.Pointer[func(*CorruptError)]
	// reads is told what is read, and so is leaf; nil for nobody.
	reads, leaf *scan.Reads
}

// readers numbers the readers of the process, for the caches' keys.
var readers atomic.Uint64

// Open opens a segment file and verifies its header and footer; everything
// else is verified when it is read. A file that is not whole is a
// [*CorruptError]. The cache may be nil, then nothing is kept.
func Open(fs vfs.FS, path string, cache *Cache) (*Reader, error) {
	f, err := fs.Open(path)
	if err != nil {
		return nil, fmt.Errorf("open segment: %w", err)
	}
	r := &Reader{file: f, path: path, id: readers.Add(1), cache: cache, onDamage: &atomic.Pointer[func(*CorruptError)]{}}
	if err := r.open(); err != nil {
		f.Close() // the error that matters is the one above
		return nil, err
	}
	return r, nil
}

func (r *Reader) open() (err error) {
	if r.size, err = r.file.Size(); err != nil {
		return fmt.Errorf("open segment: %w", err)
	}
	if r.size < headerSize+trailerSize {
		return r.corrupt(0, named("header"), errSize)
	}
	var frame [max(headerSize, trailerSize)]byte
	if err := r.readAt(frame[:headerSize], 0); err != nil {
		return err
	}
	if r.format, err = checkHeader(frame[:headerSize]); err != nil {
		return r.corrupt(0, named("header"), err)
	}
	at := r.size - trailerSize
	if err := r.readAt(frame[:trailerSize], at); err != nil {
		return err
	}
	if r.last, err = parseTrailer(frame[:trailerSize], r.size); err != nil {
		return r.corrupt(at, named("trailer"), err)
	}
	body, err := r.read(r.last, named("footer"))
	if err != nil {
		return err
	}
	if r.footer, err = decodeFooter(body, r.last.off); err != nil {
		return r.corrupt(r.last.off, named("footer"), err)
	}
	r.Blocks()
	return nil
}

// view is r for one query, or a part of one, that counts what it reads.
func (r *Reader) view(reads, leaf *scan.Reads) *Reader {
	return &Reader{
		file: r.file, path: r.path, size: r.size, id: r.id, cache: r.cache, footer: r.footer, last: r.last, format: r.format,
		onDamage: r.onDamage, reads: reads, leaf: leaf,
	}
}

// Metered implements [scan.Metered].
func (r *Reader) Metered(reads *scan.Reads) scan.Source { return r.view(reads, nil) }

// Close closes the file and gives up the reader's share of the cache.
func (r *Reader) Close() error {
	if r.cache != nil {
		r.cache.drop(r.id)
	}
	if err := r.file.Close(); err != nil {
		return fmt.Errorf("close segment %s: %w", r.path, err)
	}
	return nil
}

// OnDamage has f called, from whatever goroutine reads, for all damage that
// is found from now on: the same place again at every read of it. f must be
// quick.
func (r *Reader) OnDamage(f func(*CorruptError)) { r.onDamage.Store(&f) }

// Path is the file's path as it was opened.
func (r *Reader) Path() string { return r.path }

// Size is the file's length in bytes.
func (r *Reader) Size() int64 { return r.size }

// MaxEnd is the latest span end in Unix nanoseconds, as received.
func (r *Reader) MaxEnd() uint64 { return r.footer.maxEnd }

// Traces is the number of traces.
func (r *Reader) Traces() int { return r.footer.traces }

// Blocks implements [scan.Source].
func (r *Reader) Blocks() []scan.Block {
	r.once.Do(func() {
		all := make([]block, len(r.footer.blocks))
		r.blocks = make([]scan.Block, len(all))
		for i := range all {
			all[i] = block{r: r, info: &r.footer.blocks[i]}
			r.blocks[i] = &all[i]
		}
	})
	return r.blocks
}

// SpanCount implements [scan.Source].
func (r *Reader) SpanCount() uint64 { return r.footer.spans }

// Bounds implements [scan.Source].
func (r *Reader) Bounds() (low, high uint64) { return r.footer.bounds() }

// Find implements [scan.Source].
func (r *Reader) Find(id telemetry.TraceID, f func(b scan.Block, lo, hi int) error) error {
	return r.lookup(id, func(from, to int) error {
		for i := range r.footer.blocks {
			info := &r.footer.blocks[i]
			lo, hi := max(from-info.firstTrace, 0), min(to-info.firstTrace, info.traces)
			if lo >= hi {
				continue
			}
			b := r.Blocks()[i].(*block)
			t, err := b.traces()
			if err != nil {
				return err
			}
			n := t.find(id, lo, hi)
			if n < 0 {
				continue
			}
			if err := f(b, int(t.rows[n]), t.end(n)); err != nil {
				return err
			}
		}
		return nil
	})
}

// Operations implements [scan.Source].
func (r *Reader) Operations(f func(scan.Operation)) error {
	body, err := r.read(r.footer.operations, named("operations"))
	if err != nil {
		return err
	}
	if err := decodeOperations(body, f); err != nil {
		return r.corrupt(r.footer.operations.off, named("operations"), err)
	}
	return nil
}

// Keys implements [scan.Source].
func (r *Reader) Keys(f func(scan.Key)) error {
	body, err := r.read(r.footer.keys, named("keys"))
	if err != nil {
		return err
	}
	if err := decodeKeys(body, f); err != nil {
		return r.corrupt(r.footer.keys.off, named("keys"), err)
	}
	return nil
}

func (r *Reader) corrupt(off int64, s section, err error) error {
	e := &CorruptError{Path: r.path, Offset: off, Section: s.name(), Err: err}
	if f := r.onDamage.Load(); f != nil {
		(*f)(e)
	}
	return e
}

// readAt fills p; a file that ends early is damaged.
func (r *Reader) readAt(p []byte, off int64) error {
	n, err := r.file.ReadAt(p, off)
	for _, told := range [...]*scan.Reads{r.reads, r.leaf} {
		if told != nil {
			told.Bytes.Add(uint64(n))
		}
	}
	switch {
	case n == len(p):
		return nil
	case err == io.EOF:
		return r.corrupt(off, named("file"), io.ErrUnexpectedEOF)
	}
	return fmt.Errorf("read segment %s at %d: %w", r.path, off, err)
}

// stored are buffers for chunks as they lie in the file.
var stored = sync.Pool{New: func() any { return new([]byte) }}

// storedMax keeps a huge chunk's buffer out of the pool.
const storedMax = 1 << 20

// read reads, verifies and unpacks a chunk. The result is the caller's own.
func (r *Reader) read(ref chunkRef, s section) ([]byte, error) {
	if ref.size == 0 || ref.off+int64(ref.size) > r.size {
		return nil, r.corrupt(ref.off, s, errSize)
	}
	buf := stored.Get().(*[]byte)
	if cap(*buf) < int(ref.size) {
		*buf = make([]byte, ref.size)
	}
	p := (*buf)[:ref.size]
	if cap(*buf) <= storedMax {
		defer stored.Put(buf)
	}
	if err := r.readAt(p, ref.off); err != nil {
		return nil, err
	}
	body, err := openChunk(p)
	if err != nil {
		return nil, r.corrupt(ref.off, s, err)
	}
	if p[0] == codecRaw {
		body = append(make([]byte, 0, len(body)+slack), body...)
	}
	return body, nil
}

// shared are the resources and scopes that the cache's readers share.
func (r *Reader) shared() *sharedEntries {
	if r.cache == nil {
		return nil
	}
	return &r.cache.entries
}

// section names a part of the file when something is wrong with it.
type section interface{ name() string }

type named string

func (n named) name() string { return string(n) }

// dictOf and bloomOf name what belongs to a column.
type (
	dictOf  struct{ *columnInfo }
	bloomOf struct{ *columnInfo }
)

func (d dictOf) name() string  { return d.columnInfo.name() + " dictionary" }
func (b bloomOf) name() string { return b.columnInfo.name() + " bloom filter" }

// cached is what a cache holds: a decoded chunk that knows its memory.
type cached interface{ size() int }

// load reads and decodes a table, or takes it from the cache. A chunk is
// always decoded in the same way, so its place in the file identifies it.
func load[T cached](r *Reader, ref chunkRef, s section, decode func([]byte) (T, error)) (T, error) {
	return fetch(r, ref, s, keepTable, decode)
}

// fetch is load; what is read is kept as said.
func fetch[T cached](r *Reader, ref chunkRef, s section, how keep, decode func([]byte) (T, error)) (T, error) {
	key := cacheKey{r.id, ref.off, 0}
	if r.cache != nil {
		if v, ok := r.cache.get(key).(T); ok {
			return v, nil
		}
	}
	var none T
	body, err := r.read(ref, s)
	if err != nil {
		return none, err
	}
	v, err := decode(body)
	if err != nil {
		return none, r.corrupt(ref.off, s, err)
	}
	if how != keepNot && r.cache != nil {
		r.cache.put(key, v, v.size(), how)
	}
	return v, nil
}
