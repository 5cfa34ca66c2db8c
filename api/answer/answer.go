// Package answer sends the answers of HTTP APIs: small ones whole, with their
// length, large ones in pieces while they are made, either compressed where
// the client takes that.
//
// Goals: an error can take the place of an answer for as long as that is
// small; memory does not grow with the size of an answer; an answer that
// breaks off is not taken for the whole.
package answer

import (
	"log/slog"
	"net/http"
	"strconv"

	"github.com/klauspost/compress/gzip"
)

const (
	// gzipFrom is the size in bytes from which an answer is compressed: smaller
	// ones fit a packet or two as they are.
	gzipFrom = 2048
	// PieceSize is the size in bytes from which an answer is sent in pieces, as
	// it is made. What is smaller is sent whole, with its length; until then an
	// error can take its place.
	PieceSize = 256 << 10
)

// Sender sends one answer, whole or in pieces. It belongs to the goroutine of
// the request.
type Sender struct {
	w     http.ResponseWriter
	r     *http.Request
	begun bool // pieces are out, with status 200
	zip   *gzip.Writer
}

// To makes the sender of the answer to r.
func To(w http.ResponseWriter, r *http.Request) Sender { return Sender{w: w, r: r} }

// Begun reports whether pieces are out, with status 200: it is too late for an
// error.
func (s *Sender) Begun() bool { return s.begun }

// Spill sends what there is of the body if it is large enough for a piece, and
// returns what is left to send, to which the caller appends. An error means
// that the client is gone.
func (s *Sender) Spill(body []byte) ([]byte, error) {
	if len(body) < PieceSize {
		return body, nil
	}
	return body[:0], s.piece(body)
}

// Send sends an answer of which nothing is out, with the header that has been
// set. It is the last call.
func (s *Sender) Send(status int, body []byte, log *slog.Logger) {
	defer s.release()
	if err := s.whole(status, body); err != nil && s.r.Context().Err() == nil {
		log.Debug("send answer", "path", s.r.URL.Path, "err", err)
	}
}

// End sends the last piece of an answer that has [Sender.Begun], or tells err in
// the one way left, by breaking off the connection with a panic that net/http
// knows: no client takes what it has for the whole. It is the last call.
func (s *Sender) End(body []byte, err error, log *slog.Logger) {
	defer s.release()
	if err == nil {
		err = s.finish(body)
	}
	if err != nil {
		if s.r.Context().Err() == nil {
			log.Warn("answer broken off", "path", s.r.URL.Path, "err", err)
		}
		panic(http.ErrAbortHandler)
	}
}

func (s *Sender) whole(status int, body []byte) error {
	if len(body) >= gzipFrom && s.takesGzip() {
		s.w.WriteHeader(status)
		return s.finish(body)
	}
	s.w.Header().Set("Content-Length", strconv.Itoa(len(body)))
	s.w.WriteHeader(status)
	return s.write(body)
}

// piece sends a piece of an answer with status 200.
func (s *Sender) piece(p []byte) error {
	if !s.begun {
		s.begun = true
		s.takesGzip()
		s.w.WriteHeader(http.StatusOK)
	}
	return s.write(p)
}

// takesGzip begins to compress if the client takes that.
func (s *Sender) takesGzip() bool {
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

func (s *Sender) write(p []byte) (err error) {
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
func (s *Sender) finish(p []byte) error {
	if err := s.write(p); err != nil || s.zip == nil || s.r.Method == http.MethodHead {
		return err
	}
	return s.zip.Close()
}

// release gives back what sending took; nothing may be sent after it.
func (s *Sender) release() {
	if s.zip != nil {
		gzipWriters.Put(s.zip)
		s.zip = nil
	}
}
