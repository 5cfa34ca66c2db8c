package native

import (
	"net/http"
	"strconv"

	"github.com/klauspost/compress/gzip"
)

const (
	// gzipFrom is the size in bytes from which an answer is compressed: smaller
	// ones fit a packet or two as they are.
	gzipFrom = 2048
	// pieceSize is the size in bytes from which an answer is sent in pieces, as
	// it is made. What is smaller is sent whole, with its length; until then an
	// error can take its place.
	pieceSize = 256 << 10
)

// sender sends one answer, whole or in pieces.
type sender struct {
	w     http.ResponseWriter
	r     *http.Request
	begun bool // pieces are out, with status 200
	zip   *gzip.Writer
}

// whole sends an answer of which nothing is out.
func (s *sender) whole(status int, body []byte) error {
	if len(body) >= gzipFrom && s.takesGzip() {
		s.w.WriteHeader(status)
		return s.finish(body)
	}
	s.w.Header().Set("Content-Length", strconv.Itoa(len(body)))
	s.w.WriteHeader(status)
	return s.write(body)
}

// piece sends a piece of an answer with status 200.
func (s *sender) piece(p []byte) error {
	if !s.begun {
		s.begun = true
		s.takesGzip()
		s.w.WriteHeader(http.StatusOK)
	}
	return s.write(p)
}

// takesGzip begins to compress if the client takes that.
func (s *sender) takesGzip() bool {
	h := s.w.Header()
	h.Add("Vary", "Accept-Encoding")
	if !acceptsGzip(s.r.Header.Values("Accept-Encoding")) {
		return false
	}
	h.Set("Content-Encoding", "gzip")
	s.zip = gzipWriters.Get().(*gzip.Writer)
	s.zip.Reset(s.w)
	return true
}

func (s *sender) write(p []byte) (err error) {
	switch {
	case s.r.Method == http.MethodHead:
	case s.zip != nil:
		_, err = s.zip.Write(p)
	default:
		_, err = s.w.Write(p)
	}
	return err
}

// finish sends the last piece.
func (s *sender) finish(p []byte) error {
	if err := s.write(p); err != nil || s.zip == nil || s.r.Method == http.MethodHead {
		return err
	}
	return s.zip.Close()
}

// release gives back what sending took; nothing may be sent after it.
func (s *sender) release() {
	if s.zip != nil {
		gzipWriters.Put(s.zip)
		s.zip = nil
	}
}

// spill sends what there is of the body if it is large enough for a piece, and
// returns what is left to send. An error means that the client is gone.
func (q *request) spill(body []byte) ([]byte, error) {
	if len(body) < pieceSize {
		return body, nil
	}
	return body[:0], q.out.piece(body)
}

// answer sends what q has, or err. Where pieces of the answer are out, an
// error can only be told by breaking off the connection: no client takes what
// it has for the whole.
func (a *api) answer(q *request, err error) {
	defer q.out.release()
	if q.out.begun {
		if err == nil {
			err = q.out.finish(q.body)
		}
		if err != nil {
			if q.Context().Err() == nil {
				a.Logger.Warn("answer broken off", "path", q.URL.Path, "err", err)
			}
			panic(http.ErrAbortHandler)
		}
		return
	}
	if err != nil {
		a.explain(q, err)
	}
	if err := q.out.whole(q.status, q.body); err != nil && q.Context().Err() == nil {
		a.Logger.Debug("send answer", "path", q.URL.Path, "err", err)
	}
}
