package httptrace

import (
	"bufio"
	"io"
	"net"
	"net/http"
	"sync/atomic"
)

// recorder notes what a handler answers.
type recorder struct {
	http.ResponseWriter
	status   int // the first final one; 0 before
	written  int64
	hijacked bool
}

// statusCode is what the client saw, or 0 if that cannot be known.
func (r *recorder) statusCode(panicked bool) int {
	switch {
	case r.status != 0:
		return r.status
	case r.hijacked:
		return 0
	case panicked:
		return http.StatusInternalServerError
	}
	return http.StatusOK
}

// WriteHeader implements http.ResponseWriter.
func (r *recorder) WriteHeader(status int) {
	// 1xx come before the answer, but 101 is one.
	if r.status == 0 && (status >= 200 || status == http.StatusSwitchingProtocols) {
		r.status = status
	}
	r.ResponseWriter.WriteHeader(status)
}

func (r *recorder) answered() {
	if r.status == 0 {
		r.status = http.StatusOK
	}
}

// Write implements http.ResponseWriter.
func (r *recorder) Write(b []byte) (int, error) {
	r.answered()
	n, err := r.ResponseWriter.Write(b)
	r.written += int64(n)
	return n, err
}

// WriteString implements io.StringWriter.
func (r *recorder) WriteString(s string) (int, error) {
	r.answered()
	n, err := io.WriteString(r.ResponseWriter, s)
	r.written += int64(n)
	return n, err
}

// Unwrap serves http.ResponseController.
func (r *recorder) Unwrap() http.ResponseWriter { return r.ResponseWriter }

// The optional interfaces; which of them a handler sees is in wrap.

type (
	flusher    struct{ *recorder }
	hijacker   struct{ *recorder }
	readerFrom struct{ *recorder }
)

// Flush implements http.Flusher.
func (r flusher) Flush() {
	r.answered()
	r.ResponseWriter.(http.Flusher).Flush()
}

// Hijack implements http.Hijacker.
func (r hijacker) Hijack() (net.Conn, *bufio.ReadWriter, error) {
	c, rw, err := r.ResponseWriter.(http.Hijacker).Hijack()
	r.hijacked = r.hijacked || err == nil
	return c, rw, err
}

// ReadFrom implements io.ReaderFrom, with which net/http sends files without
// copying them.
func (r readerFrom) ReadFrom(src io.Reader) (int64, error) {
	r.answered()
	n, err := r.ResponseWriter.(io.ReaderFrom).ReadFrom(src)
	r.written += n
	return n, err
}

// wrap is the recorder with those optional interfaces that the writer behind
// it has. Handlers ask for them by type assertion, so each set is a type.
func (r *recorder) wrap() http.ResponseWriter {
	f, isFlusher := flusher{r}, is[http.Flusher](r)
	h, isHijacker := hijacker{r}, is[http.Hijacker](r)
	rf, isReaderFrom := readerFrom{r}, is[io.ReaderFrom](r)
	p, isPusher := r.ResponseWriter.(http.Pusher)
	switch {
	case isPusher && isFlusher: // HTTP/2
		return struct {
			*recorder
			http.Flusher
			http.Pusher
		}{r, f, p}
	case isFlusher && isHijacker && isReaderFrom: // HTTP/1
		return struct {
			*recorder
			http.Flusher
			http.Hijacker
			io.ReaderFrom
		}{r, f, h, rf}
	case isFlusher && isHijacker:
		return struct {
			*recorder
			http.Flusher
			http.Hijacker
		}{r, f, h}
	case isFlusher && isReaderFrom:
		return struct {
			*recorder
			http.Flusher
			io.ReaderFrom
		}{r, f, rf}
	case isFlusher: // httptest.ResponseRecorder, most compressors
		return struct {
			*recorder
			http.Flusher
		}{r, f}
	case isHijacker:
		return struct {
			*recorder
			http.Hijacker
		}{r, h}
	case isReaderFrom:
		return struct {
			*recorder
			io.ReaderFrom
		}{r, rf}
	}
	return r
}

func is[T any](r *recorder) bool {
	_, ok := r.ResponseWriter.(T)
	return ok
}

// countedBody counts what is read of a request.
type countedBody struct {
	io.ReadCloser
	n atomic.Int64 // a transport may read it from another goroutine
}

// countBody counts the body of r, and returns nil if there is none.
func countBody(r *http.Request) *countedBody {
	if r.Body == nil || r.Body == http.NoBody {
		return nil
	}
	c := &countedBody{ReadCloser: r.Body}
	r.Body = c
	return c
}

// Read implements io.Reader.
func (c *countedBody) Read(b []byte) (int, error) {
	n, err := c.ReadCloser.Read(b)
	c.n.Add(int64(n))
	return n, err
}
