package otlp

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

// budget bounds the bytes in flight over all requests.
type budget struct {
	limit int64
	used  atomic.Int64
}

// reserve takes n bytes, or none and reports false.
func (b *budget) reserve(n int64) bool {
	if b.used.Add(n) <= b.limit {
		return true
	}
	b.used.Add(-n)
	return false
}

func (b *budget) release(n int64) { b.used.Add(-n) }

// full reports whether not even one more chunk can be reserved.
func (b *budget) full() bool { return b.used.Load()+chunk > b.limit }

// request is the memory of one request, pooled as a whole because its batch
// aliases its body and its decoder. It belongs to one goroutine.
type request struct {
	body     []byte // decompressed
	batch    telemetry.Batch
	decoder  *Decoder
	wire     wireReader
	gzip     *gzip.Reader  // nil until needed
	zstd     *zstd.Decoder // nil until needed
	budget   *budget
	reserved int64
	limit    int64 // of len(body)
	poisoned bool  // a decoder panicked over it
}

func newRequest(s *Server) *request {
	return &request{
		decoder: NewDecoder(DecodeLimits{Depth: s.limits.Depth, Elements: s.limits.Elements}),
		budget:  &s.budget, limit: s.limits.DecodedBytes,
	}
}

func (s *Server) take() *request { return s.pool.Get().(*request) }

// give takes back a request whose batch and body nobody uses any more.
func (s *Server) give(r *request) {
	r.budget.release(r.reserved)
	r.reserved, r.wire.r = 0, nil
	if !r.poisoned && cap(r.body) <= maxPooledBody && cap(r.batch.Attrs) <= maxPooledAttrs {
		s.pool.Put(r)
	}
}

// reserve makes sure that n bytes of the budget are this request's.
func (r *request) reserve(n int64) error {
	if n <= r.reserved {
		return nil
	}
	more := (n - r.reserved + chunk - 1) / chunk * chunk
	if !r.budget.reserve(more) {
		return errOverloaded
	}
	r.reserved += more
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
func (r *request) read(src io.Reader, contentEncoding string, sentLimit int64) error {
	r.wire = wireReader{r: src, limit: sentLimit}
	var err error
	switch contentEncoding {
	case "gzip":
		err = r.readGzip()
	case "zstd":
		err = r.readZstd()
	default:
		err = r.fill(&r.wire)
	}
	if err != nil && r.wire.err != nil {
		return r.wire.err // the cause, undisguised by a decompressor
	}
	return err
}

func (r *request) readGzip() error {
	var err error
	if r.gzip == nil {
		r.gzip, err = gzip.NewReader(&r.wire)
	} else {
		err = r.gzip.Reset(&r.wire)
	}
	if err == nil {
		err = r.fill(r.gzip)
	}
	return decompressError("gzip", err)
}

func (r *request) readZstd() error {
	var err error
	if r.zstd == nil {
		r.zstd, err = newZstdDecoder(&r.wire)
	} else {
		err = r.zstd.Reset(&r.wire)
	}
	if err == nil {
		err = r.fill(r.zstd)
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
func (r *request) fill(src io.Reader) error {
	r.body = r.body[:0]
	for {
		n := len(r.body)
		if n == cap(r.body) {
			size := max(chunk, 2*int64(n))
			if size >= r.limit {
				size = r.limit + 1 // a byte more tells too large from just right
			}
			if err := r.reserve(size); err != nil {
				return err
			}
			r.body = append(make([]byte, 0, size), r.body...)
		}
		end := min(cap(r.body), n+chunk)
		if err := r.reserve(int64(end)); err != nil {
			return err
		}
		read, err := src.Read(r.body[n:end])
		r.body = r.body[:n+read]
		switch {
		case int64(len(r.body)) > r.limit:
			return errDecodedTooLarge
		case err == io.EOF:
			return nil
		case err != nil:
			return err
		}
	}
}
