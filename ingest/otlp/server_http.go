package otlp

import (
	"encoding/json"
	"errors"
	"fmt"
	"mime"
	"net/http"

	"google.golang.org/protobuf/encoding/protojson"
	"google.golang.org/protobuf/proto"

	"github.com/kiseki-dev/kiseki/ingest"
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

// Handler answers OTLP/HTTP requests: POST of [TracesPath] and the preflight
// requests of browsers. Any other path is not found.
func (s *Server) Handler() http.Handler {
	origins := newOrigins(s.options.CORSOrigins)
	take := s.receiver.Handler(ingest.Endpoint{Encoding: requestEncoding, Taken: writeResponse, Refused: writeFailure})
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if origins.preflight(w, r) {
			return
		}
		take.ServeHTTP(w, r)
	})
}

// requestEncoding checks what a request is.
func requestEncoding(w http.ResponseWriter, r *http.Request) (string, *ingest.Failure) {
	e := encodingOf(r.Header.Get("Content-Type"))
	unsupported := func(status int, format string, args ...any) (string, *ingest.Failure) {
		return e, &ingest.Failure{Outcome: ingest.OutcomeUnsupported, HTTPStatus: status, Message: fmt.Sprintf(format, args...)}
	}
	switch {
	case r.URL.Path != TracesPath:
		return unsupported(http.StatusNotFound, "traces are taken at %s; nothing is at %.100q", TracesPath, r.URL.Path)
	case r.Method != http.MethodPost:
		w.Header().Set("Allow", "POST, OPTIONS")
		return unsupported(http.StatusMethodNotAllowed, "traces are sent with POST, not %.20q", r.Method)
	case e == "":
		return unsupported(0, "Content-Type must be %s or %s, not %.100q", typeProto, typeJSON, r.Header.Get("Content-Type"))
	}
	return e, nil
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
func writeResponse(w http.ResponseWriter, buf []byte, x *ingest.Exchange) []byte {
	if x.Seen.Encoding == encodingJSON {
		w.Header()["Content-Type"] = headerJSON
		buf = appendJSONResponse(buf, x.Seen.Rejected, x.Message)
	} else {
		w.Header()["Content-Type"] = headerProto
		buf = appendProtoResponse(buf, x.Seen.Rejected, x.Message)
	}
	w.WriteHeader(http.StatusOK)
	_, _ = w.Write(buf) // a client that does not wait for its answer loses it
	return buf
}

// writeFailure answers with a google.rpc.Status in the request's encoding, in
// JSON if it had none.
func writeFailure(w http.ResponseWriter, encoding string, f *ingest.Failure) {
	message := f.GRPC().Proto()
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
	w.WriteHeader(f.Status())
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
