package otlp

import (
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"mime"
	"net"
	"net/http"
	"strconv"
	"strings"
	"time"

	"google.golang.org/protobuf/encoding/protojson"
	"google.golang.org/protobuf/proto"
)

// TracesPath is where OTLP/HTTP clients send traces.
const TracesPath = "/v1/traces"

// The encodings of OTLP/HTTP and their media types. The header values are
// shared between answers and never written.
const (
	encodingProto = "protobuf"
	encodingJSON  = "json"
	typeProto     = "application/x-protobuf"
	typeJSON      = "application/json"
)

var (
	headerProto = []string{typeProto}
	headerJSON  = []string{typeJSON}
)

func (s *Server) newHTTP() *http.Server {
	return &http.Server{
		Handler:           s.Handler(),
		ReadHeaderTimeout: min(10*time.Second, s.limits.ReadTime),
		ReadTimeout:       s.limits.ReadTime,
		// No write timeout: it would run while the batch is being stored, and
		// the answer fits the socket's buffer.
		IdleTimeout:    2 * time.Minute,
		MaxHeaderBytes: 64 << 10,
		TLSConfig:      s.options.TLS,
		ErrorLog:       slog.NewLogLogger(s.log.Handler(), slog.LevelWarn),
	}
}

// ServeHTTP serves OTLP/HTTP on l until [Server.Shutdown], and returns nil
// then. The limits of time are those of this method: who mounts
// [Server.Handler] elsewhere sets their own.
func (s *Server) ServeHTTP(l net.Listener) error {
	var err error
	if s.options.TLS != nil {
		err = s.http.ServeTLS(l, "", "")
	} else {
		err = s.http.Serve(l)
	}
	if errors.Is(err, http.ErrServerClosed) {
		return nil
	}
	return fmt.Errorf("serve OTLP/HTTP: %w", err)
}

// Handler answers OTLP/HTTP requests: POST of [TracesPath] and the preflight
// requests of browsers. Any other path is not found.
func (s *Server) Handler() http.Handler {
	origins := newOrigins(s.options.CORSOrigins)
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if origins.preflight(w, r) {
			return
		}
		s.export(w, r)
	})
}

func (s *Server) export(w http.ResponseWriter, hr *http.Request) {
	x := exchange{started: time.Now(), seen: Observation{Transport: "http"}}
	r := s.take()
	defer s.give(r)
	fail := s.receive(w, hr, r, &x)
	x.seen.Bytes, x.seen.DecodedBytes = clampInt(r.wire.n), len(r.body)
	if fail == nil {
		fail = s.handle(hr.Context(), hr.Header, r, &x)
	}
	if fail != nil {
		writeFailure(w, x.seen.Encoding, fail)
	} else {
		// The batch is stored and the decoder is done: its body is free to
		// hold the answer.
		r.body = writeResponse(w, x.seen.Encoding, r.body[:0], x.seen.Rejected, x.message)
	}
	s.observe(&x, fail)
}

// receive checks what a request is and reads its body.
func (s *Server) receive(w http.ResponseWriter, hr *http.Request, r *request, x *exchange) *failure {
	r.body, r.wire.n = r.body[:0], 0
	x.seen.Encoding = encodingOf(hr.Header.Get("Content-Type"))
	contentEncoding := strings.ToLower(hr.Header.Get("Content-Encoding"))
	unsupported := func(status int, format string, args ...any) *failure {
		return &failure{outcome: OutcomeUnsupported, httpStatus: status, message: fmt.Sprintf(format, args...)}
	}
	switch {
	case hr.URL.Path != TracesPath:
		return unsupported(http.StatusNotFound, "traces are taken at %s; nothing is at %.100q", TracesPath, hr.URL.Path)
	case hr.Method != http.MethodPost:
		w.Header().Set("Allow", "POST, OPTIONS")
		return unsupported(http.StatusMethodNotAllowed, "traces are sent with POST, not %.20q", hr.Method)
	case x.seen.Encoding == "":
		return unsupported(0, "Content-Type must be %s or %s, not %.100q", typeProto, typeJSON, hr.Header.Get("Content-Type"))
	case contentEncoding != "" && contentEncoding != "identity" && contentEncoding != "gzip" && contentEncoding != "zstd":
		return unsupported(0, "Content-Encoding must be gzip, zstd or identity, not %.100q", contentEncoding)
	case hr.ContentLength > s.limits.RequestBytes:
		return &failure{outcome: OutcomeTooLarge, message: fmt.Sprintf("%v of %d bytes", errSentTooLarge, s.limits.RequestBytes)}
	}
	if err := r.read(hr.Body, contentEncoding, s.limits.RequestBytes); err != nil {
		return s.readFailure(r, err)
	}
	return nil
}

// readFailure says what an error of [request.read] means to the client.
func (s *Server) readFailure(r *request, err error) *failure {
	switch {
	case errors.Is(err, errSentTooLarge):
		return &failure{outcome: OutcomeTooLarge, message: fmt.Sprintf("%v of %d bytes", err, s.limits.RequestBytes)}
	case errors.Is(err, errDecodedTooLarge):
		return &failure{outcome: OutcomeTooLarge, message: fmt.Sprintf("%v: %d bytes", err, s.limits.DecodedBytes)}
	case errors.Is(err, errOverloaded):
		return &failure{outcome: OutcomeOverloaded, message: err.Error(), retryAfter: time.Second}
	case r.wire.err != nil: // the connection's fault, or the time limit's
		return &failure{outcome: OutcomeCanceled, message: "the request's body did not arrive: " + err.Error()}
	}
	return &failure{outcome: OutcomeMalformed, message: "read body: " + err.Error()}
}

// encodingOf is the encoding that a Content-Type stands for, or "".
func encodingOf(contentType string) string {
	switch contentType {
	case typeProto:
		return encodingProto
	case typeJSON:
		return encodingJSON
	}
	media, _, err := mime.ParseMediaType(contentType)
	if err != nil && !errors.Is(err, mime.ErrInvalidMediaParameter) {
		return ""
	}
	switch media {
	case typeProto, "application/protobuf":
		return encodingProto
	case typeJSON:
		return encodingJSON
	}
	return ""
}

// writeResponse answers a request that was taken, using buf for the bytes,
// which it returns.
func writeResponse(w http.ResponseWriter, encoding string, buf []byte, rejected int, message string) []byte {
	if encoding == encodingJSON {
		w.Header()["Content-Type"] = headerJSON
		buf = appendJSONResponse(buf, rejected, message)
	} else {
		w.Header()["Content-Type"] = headerProto
		buf = appendProtoResponse(buf, rejected, message)
	}
	w.WriteHeader(http.StatusOK)
	_, _ = w.Write(buf) // a client that does not wait for its answer loses it
	return buf
}

// writeFailure answers with a google.rpc.Status in the request's encoding, in
// JSON if it had none.
func writeFailure(w http.ResponseWriter, encoding string, f *failure) {
	message := f.status().Proto()
	var body []byte
	var err error
	if encoding == encodingProto {
		w.Header()["Content-Type"] = headerProto
		body, err = proto.Marshal(message)
	} else {
		w.Header()["Content-Type"] = headerJSON
		body, err = protojson.Marshal(message)
	}
	if err != nil { // only for text that is not UTF-8, which no message of ours is
		body = nil
	}
	if f.retryAfter > 0 {
		seconds := (f.retryAfter + time.Second - 1) / time.Second
		w.Header().Set("Retry-After", strconv.FormatInt(int64(seconds), 10))
	}
	status := f.httpStatus
	if status == 0 {
		status = codeOf[f.outcome].http
	}
	w.WriteHeader(status)
	_, _ = w.Write(body) // a client that does not wait for its answer loses it
}

// appendJSONString appends s quoted.
func appendJSONString(dst []byte, s string) []byte {
	quoted, err := json.Marshal(s)
	if err != nil { // never for a string
		return append(dst, `""`...)
	}
	return append(dst, quoted...)
}
