package ingest

import (
	"errors"
	"fmt"
	"io"
	"sync/atomic"

	"github.com/klauspost/compress/gzip"
	"github.com/klauspost/compress/zstd"

	"github.com/kiseki-dev/kiseki/telemetry"
)

// chunk is how much of a body is read, and reserved of the budget, at a time.
const chunk = 64 << 10

// Requests larger than this are not kept for reuse: they are rare, and would
// pin their memory.
const (
	maxPooledBody  = 4 * mib
	maxPooledAttrs = 256 << 10
)

// maxWindow is the largest zstd window accepted: RFC 8878 asks decoders to
// support 8 MiB, and every level up to 19 keeps to it.
const maxWindow = 8 * mib

// Why a body could not be read.
var (
	errSentTooLarge    = errors.New("request is larger than the limit")
	errDecodedTooLarge = errors.New("request is larger than the limit after decompression")
	errOverloaded      = errors.New("too many bytes in flight, send again later")
)

// Budget bounds the bytes in flight: those of all requests that are being
// handled, after decompression. Its methods may be called from any goroutine.
type Budget struct {
	limit int64
	used  atomic.Int64
}

// NewBudget makes a budget for requests of so many bytes together, which is at
// least the limit of one: a larger one would never fit. Beyond it clients are
// told to come again.
func NewBudget(bytes int64) *Budget {
	return &Budget{limit: bytes + 2*chunk} // bodies are read in whole chunks
}

// Used is the number of bytes in flight.
func (b *Budget) Used() int64 { return b.used.Load() }

// reserve takes n bytes, or none and reports false.
func (b *Budget) reserve(n int64) bool {
	if b.used.Add(n) <= b.limit {
		return true
	}
	b.used.Add(-n)
	return false
}

func (b *Budget) release(n int64) { b.used.Add(-n) }

// full reports whether not even one more chunk can be reserved.
func (b *Budget) full() bool { return b.used.Load()+chunk > b.limit }

// request is the memory of one request, pooled as a whole because its batch
// aliases its body and its decoder. It belongs to one goroutine.
type request struct {
	body     []byte // decompressed
	batch    telemetry.Batch
	decoder  Decoder
	wire     wireReader
	gzip     *gzip.Reader  // nil until needed
	zstd     *zstd.Decoder // nil until needed
	budget   *Budget
	reserved int64
	limit    int64 // of len(body)
	poisoned bool  // a decoder panicked over it
}

func newRequest(r *Receiver) *request {
	q := &request{budget: r.budget, limit: r.limits.DecodedBytes}
	if r.options.NewDecoder != nil {
		q.decoder = r.options.NewDecoder(r.limits)
	}
	return q
}

func (r *Receiver) take() *request { return r.pool.Get().(*request) }

// give takes back a request whose batch and body nobody uses any more.
func (r *Receiver) give(q *request) {
	q.budget.release(q.reserved)
	q.reserved, q.wire.r = 0, nil
	if !q.poisoned && cap(q.body) <= maxPooledBody && cap(q.batch.Attrs) <= maxPooledAttrs {
		r.pool.Put(q)
	}
}

// reserve makes sure that n bytes of the budget are this request's.
func (q *request) reserve(n int64) error {
	if n <= q.reserved {
		return nil
	}
	more := (n - q.reserved + chunk - 1) / chunk * chunk
	if !q.budget.reserve(more) {
		return errOverloaded
	}
	q.reserved += more
	return nil
}

// wireReader counts what is read of a body as sent, and ends it at a limit.
// What a client pays for in bytes is bounded here, what decompression makes
// of it in [request.fill].
type wireReader struct {
	r        io.Reader
	n, limit int64
	err      error // of r, other than io.EOF
}

func (w *wireReader) Read(p []byte) (int, error) {
	n, err := w.r.Read(p)
	w.n += int64(n)
	if w.n > w.limit {
		err = errSentTooLarge
	}
	if err != nil && err != io.EOF {
		w.err = err
	}
	return n, err
}

// read fills the body from src, decompressed. It has read too much by a byte
// at most when it refuses.
func (q *request) read(src io.Reader, contentEncoding string, sentLimit int64) error {
	q.wire = wireReader{r: src, limit: sentLimit}
	var err error
	switch contentEncoding {
	case "gzip":
		err = q.readGzip()
	case "zstd":
		err = q.readZstd()
	default:
		err = q.fill(&q.wire)
	}
	if err != nil && q.wire.err != nil {
		return q.wire.err // the cause, undisguised by a decompressor
	}
	return err
}

func (q *request) readGzip() error {
	var err error
	if q.gzip == nil {
		q.gzip, err = gzip.NewReader(&q.wire)
	} else {
		err = q.gzip.Reset(&q.wire)
	}
	if err == nil {
		err = q.fill(q.gzip)
	}
	return decompressError("gzip", err)
}

func (q *request) readZstd() error {
	var err error
	if q.zstd == nil {
		q.zstd, err = newZstdDecoder(&q.wire)
	} else {
		err = q.zstd.Reset(&q.wire)
	}
	if err == nil {
		err = q.fill(q.zstd)
	}
	return decompressError("zstd", err)
}

// newZstdDecoder makes a decoder that starts no goroutine, so that it can be
// left to the garbage collector.
func newZstdDecoder(src io.Reader) (*zstd.Decoder, error) {
	return zstd.NewReader(src, zstd.WithDecoderConcurrency(1), zstd.WithDecoderLowmem(true), zstd.WithDecoderMaxWindow(maxWindow))
}

// decompressError adds what was being done to an error that is not one of a
// limit.
func decompressError(what string, err error) error {
	if err == nil || errors.Is(err, errDecodedTooLarge) || errors.Is(err, errOverloaded) {
		return err
	}
	return fmt.Errorf("decompress %s: %w", what, err)
}

// fill reads src into the body to its end, within the limit and the budget.
func (q *request) fill(src io.Reader) error {
	q.body = q.body[:0]
	for {
		n := len(q.body)
		if n == cap(q.body) {
			size := max(chunk, 2*int64(n))
			if size >= q.limit {
				size = q.limit + 1 // a byte more tells too large from just right
			}
			if err := q.reserve(size); err != nil {
				return err
			}
			q.body = append(make([]byte, 0, size), q.body...)
		}
		end := min(cap(q.body), n+chunk)
		if err := q.reserve(int64(end)); err != nil {
			return err
		}
		read, err := src.Read(q.body[n:end])
		q.body = q.body[:n+read]
		switch {
		case int64(len(q.body)) > q.limit:
			return errDecodedTooLarge
		case err == io.EOF:
			return nil
		case err != nil:
			return err
		}
	}
}
