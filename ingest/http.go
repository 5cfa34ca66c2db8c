package ingest

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"strconv"
	"strings"
	"time"
)

// Endpoint is what a protocol says over HTTP.
type Endpoint struct {
	// Encoding is the encoding of a request's body, or why it is refused: its
	// path, its method or its type. It may set headers of the answer.
	Encoding func(w http.ResponseWriter, r *http.Request) (string, *Failure)
	// Taken answers a request that was stored. It may use buf for the bytes, and
	// returns it.
	Taken func(w http.ResponseWriter, buf []byte, x *Exchange) []byte
	// Refused answers a request that was not stored; its encoding is "" where
	// that was not known yet. Retry-After is set already.
	Refused func(w http.ResponseWriter, encoding string, f *Failure)
}

// Handler takes requests over HTTP.
func (r *Receiver) Handler(e Endpoint) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, hr *http.Request) {
		x := r.Begin("http", "")
		q := r.take()
		defer r.give(q)
		fail := r.receiveHTTP(w, hr, q, e, &x)
		x.Seen.Bytes, x.Seen.DecodedBytes = clampInt(q.wire.n), len(q.body)
		if fail == nil {
			fail = r.handle(hr.Context(), hr.Header, q, &x)
		}
		if fail != nil {
			if fail.RetryAfter > 0 {
				seconds := (fail.RetryAfter + time.Second - 1) / time.Second
				w.Header().Set("Retry-After", strconv.FormatInt(int64(seconds), 10))
			}
			e.Refused(w, x.Seen.Encoding, fail)
		} else {
			// The batch is stored and the decoder is done: its body is free to
			// hold the answer.
			q.body = e.Taken(w, q.body[:0], &x)
		}
		r.End(&x, fail)
	})
}

// receiveHTTP checks what a request is and reads its body.
func (r *Receiver) receiveHTTP(w http.ResponseWriter, hr *http.Request, q *request, e Endpoint, x *Exchange) (fail *Failure) {
	q.body, q.wire.n = q.body[:0], 0
	if x.Seen.Encoding, fail = e.Encoding(w, hr); fail != nil {
		return fail
	}
	contentEncoding := strings.ToLower(hr.Header.Get("Content-Encoding"))
	switch {
	case contentEncoding != "" && contentEncoding != "identity" && contentEncoding != "gzip" && contentEncoding != "zstd":
		return &Failure{Outcome: OutcomeUnsupported, Message: fmt.Sprintf("Content-Encoding must be gzip, zstd or identity, not %.100q", contentEncoding)}
	case hr.ContentLength > r.limits.RequestBytes:
		return r.readFailure(q, errSentTooLarge)
	}
	if err := q.read(hr.Body, contentEncoding, r.limits.RequestBytes); err != nil {
		return r.readFailure(q, err)
	}
	return nil
}

// readFailure says what an error of [request.read] means to the client.
func (r *Receiver) readFailure(q *request, err error) *Failure {
	switch {
	case errors.Is(err, errSentTooLarge):
		return &Failure{Outcome: OutcomeTooLarge, Message: fmt.Sprintf("%v of %d bytes", err, r.limits.RequestBytes)}
	case errors.Is(err, errDecodedTooLarge):
		return &Failure{Outcome: OutcomeTooLarge, Message: fmt.Sprintf("%v: %d bytes", err, r.limits.DecodedBytes)}
	case errors.Is(err, errOverloaded):
		return &Failure{Outcome: OutcomeOverloaded, Message: err.Error(), RetryAfter: time.Second}
	case q.wire.err != nil: // the connection's fault, or the time limit's
		return &Failure{Outcome: OutcomeCanceled, Message: "the request's body did not arrive: " + err.Error()}
	}
	return &Failure{Outcome: OutcomeMalformed, Message: "read body: " + err.Error()}
}

// HTTPServer serves a handler within the limits of time of the receiver.
type HTTPServer struct {
	name   string
	server *http.Server
}

// HTTPServer makes a server, whose name ("OTLP/HTTP") is for errors.
func (r *Receiver) HTTPServer(name string, h http.Handler) *HTTPServer {
	return &HTTPServer{name: name, server: &http.Server{
		Handler:           h,
		ReadHeaderTimeout: min(10*time.Second, r.limits.ReadTime),
		ReadTimeout:       r.limits.ReadTime,
		// No write timeout: it would run while the batch is being stored, and
		// the answer fits the socket's buffer.
		IdleTimeout:    2 * time.Minute,
		MaxHeaderBytes: 64 << 10,
		TLSConfig:      r.options.TLS.Clone(),
		ErrorLog:       slog.NewLogLogger(r.log.Handler(), slog.LevelWarn),
	}}
}

// Serve serves on l until [HTTPServer.Shutdown], and returns nil then.
func (s *HTTPServer) Serve(l net.Listener) error { return serveHTTP(s.name, s.server, l) }

// Shutdown stops accepting requests, on listeners that were or will be
// served, and returns when those in flight are answered, or when ctx ends:
// then it cuts their connections.
func (s *HTTPServer) Shutdown(ctx context.Context) error { return shutdownHTTP(ctx, s.name, s.server) }

func serveHTTP(name string, s *http.Server, l net.Listener) (err error) {
	if s.TLSConfig != nil {
		err = s.ServeTLS(l, "", "")
	} else {
		err = s.Serve(l)
	}
	if errors.Is(err, http.ErrServerClosed) {
		return nil
	}
	return fmt.Errorf("serve %s: %w", name, err)
}

func shutdownHTTP(ctx context.Context, name string, s *http.Server) error {
	if err := s.Shutdown(ctx); err != nil {
		return errors.Join(fmt.Errorf("drain %s: %w", name, err), s.Close())
	}
	return nil
}
