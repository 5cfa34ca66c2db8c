package zipkin

import (
	"context"
	"fmt"
	"mime"
	"net"
	"net/http"
	"strings"

	"github.com/kiseki-dev/kiseki/ingest"
)

// The encodings, as observations name them.
const (
	encodingJSON   = "json"     // version 2
	encodingProto  = "protobuf" // version 2
	encodingJSONv1 = "json_v1"
	encodingThrift = "thrift" // version 1
)

// pathV1 and pathV2 are where spans are sent.
const (
	pathV1 = "/api/v1/spans"
	pathV2 = "/api/v2/spans"
)

// Options are what a [Server] needs.
type Options struct {
	// Ingest are those of all receivers; the protocol's own are set here.
	Ingest ingest.Options
	// Queries answers requests of Zipkin's query API, which clients expect on
	// the same port; nil: there is none.
	Queries http.Handler
}

// Server takes spans as Zipkin's server does. Its methods may be called from
// any goroutine.
type Server struct {
	http *ingest.HTTPServer
}

// New makes a server that serves nothing yet.
func New(o Options) *Server {
	o.Ingest.Protocol, o.Ingest.Title = "zipkin", "Zipkin"
	o.Ingest.NewDecoder = func(l ingest.Limits) ingest.Decoder { return newDecoder(l) }
	r := ingest.New(o.Ingest)
	return &Server{http: r.HTTPServer("Zipkin", handler(r, o.Queries))}
}

// Serve serves HTTP on l until [Server.Shutdown], and returns nil then.
func (s *Server) Serve(l net.Listener) error { return s.http.Serve(l) }

// Shutdown stops accepting requests and returns when those in flight are
// answered, or when ctx ends: then it cuts their connections.
func (s *Server) Shutdown(ctx context.Context) error { return s.http.Shutdown(ctx) }

func handler(r *ingest.Receiver, queries http.Handler) http.Handler {
	take := r.Handler(ingest.Endpoint{Encoding: requestEncoding, Taken: accepted, Refused: refused})
	mux := http.NewServeMux()
	mux.Handle("POST "+pathV2, take)
	mux.Handle(pathV1, take)
	mux.HandleFunc("GET /health", func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "application/json")
		fmt.Fprintln(w, `{"status":"UP"}`)
	})
	if queries != nil {
		mux.Handle("/api/v2/", queries)
		mux.Handle("/zipkin/", queries)
	}
	mux.Handle("/", take) // which refuses them
	return mux
}

// requestEncoding is that of a request's body. As with Zipkin's server, all
// types of content but protobuf and Thrift are JSON.
func requestEncoding(w http.ResponseWriter, r *http.Request) (string, *ingest.Failure) {
	media, _, err := mime.ParseMediaType(r.Header.Get("Content-Type"))
	if err != nil {
		media = ""
	}
	refuse := func(status int, format string, args ...any) (string, *ingest.Failure) {
		return "", &ingest.Failure{Outcome: ingest.OutcomeUnsupported, HTTPStatus: status, Message: fmt.Sprintf(format, args...)}
	}
	switch {
	case r.URL.Path != pathV1 && r.URL.Path != pathV2:
		return refuse(http.StatusNotFound, "spans are taken at %s and %s; nothing is at %.100q", pathV2, pathV1, r.URL.Path)
	case r.Method != http.MethodPost:
		w.Header().Set("Allow", "POST")
		return refuse(http.StatusMethodNotAllowed, "spans are sent with POST, not %.20q", r.Method)
	case r.URL.Path == pathV2 && media == "application/x-protobuf":
		return encodingProto, nil
	case r.URL.Path == pathV2:
		return encodingJSON, nil
	case media == "application/x-thrift":
		return encodingThrift, nil
	}
	return encodingJSONv1, nil
}

// accepted answers as Zipkin does: with nothing but that it was taken.
func accepted(w http.ResponseWriter, buf []byte, _ *ingest.Exchange) []byte {
	w.WriteHeader(http.StatusAccepted)
	return buf
}

// refused answers with the reason as text.
func refused(w http.ResponseWriter, _ string, f *ingest.Failure) {
	w.Header().Set("Content-Type", "text/plain; charset=utf-8")
	w.WriteHeader(f.Status())
	_, _ = w.Write([]byte(strings.TrimSuffix(f.Message, "\n") + "\n")) // a client that does not wait for its answer loses it
}
