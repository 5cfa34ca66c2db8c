package datadog

import (
	"context"
	"fmt"
	"io"
	"mime"
	"net"
	"net/http"
	"strings"

	"github.com/kiseki-dev/kiseki/ingest"
)

// The encodings, as observations name them.
const (
	encodingV4 = "msgpack_v0.4" // and 0.3, which is the same
	encodingV5 = "msgpack_v0.5"
)

// info is what the Agent says of itself, from which tracers choose what they
// send and how.
const info = `{"version":"7.70.0","endpoints":["/v0.3/traces","/v0.4/traces","/v0.5/traces"],"client_drop_p0s":false,"span_events":true,"long_running_spans":false,"span_meta_structs":false}
`

// rates has the tracers send everything.
const rates = `{"rate_by_service":{"service:,env:":1}}
`

// Server takes traces as Datadog's Agent does. Its methods may be called from
// any goroutine.
type Server struct {
	http *ingest.HTTPServer
}

// New makes a server that serves nothing yet; of its options the protocol's own
// are set here.
func New(o ingest.Options) *Server {
	o.Protocol, o.Title = "datadog", "Datadog"
	o.NewDecoder = func(l ingest.Limits) ingest.Decoder { return newDecoder(l) }
	r := ingest.New(o)
	return &Server{http: r.HTTPServer("Datadog", handler(r))}
}

// Serve serves HTTP on l until [Server.Shutdown], and returns nil then.
func (s *Server) Serve(l net.Listener) error { return s.http.Serve(l) }

// Shutdown stops accepting requests and returns when those in flight are
// answered, or when ctx ends: then it cuts their connections.
func (s *Server) Shutdown(ctx context.Context) error { return s.http.Shutdown(ctx) }

func handler(r *ingest.Receiver) http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("GET /info", func(w http.ResponseWriter, _ *http.Request) { say(w, http.StatusOK, info) })
	// What tracers send to every Agent, whether it has said to take it or not. It
	// is no mistake of theirs, so it counts as no request that was refused.
	for _, path := range []string{"/telemetry/", "/v0.6/stats", "/v0.7/config", "/dogstatsd/", "/profiling/", "/evp_proxy/", "/debugger/", "/v0.1/pipeline_stats", "/tracer_flare/", "/symdb/"} {
		mux.HandleFunc(path, func(w http.ResponseWriter, _ *http.Request) {
			http.Error(w, "kiseki takes traces only", http.StatusNotFound)
		})
	}
	mux.Handle("/", r.Handler(ingest.Endpoint{Encoding: requestEncoding, Taken: accepted, Refused: refused}))
	return mux
}

// requestEncoding is that of a request's body.
func requestEncoding(w http.ResponseWriter, r *http.Request) (string, *ingest.Failure) {
	refuse := func(status int, format string, args ...any) (string, *ingest.Failure) {
		return "", &ingest.Failure{Outcome: ingest.OutcomeUnsupported, HTTPStatus: status, Message: fmt.Sprintf(format, args...)}
	}
	encoding := encodingV4
	switch r.URL.Path {
	case "/v0.3/traces", "/v0.4/traces":
	case "/v0.5/traces":
		encoding = encodingV5
	default:
		return refuse(http.StatusNotFound, "traces are taken at /v0.4/traces and /v0.5/traces; nothing is at %.100q", r.URL.Path)
	}
	if r.Method != http.MethodPut && r.Method != http.MethodPost {
		w.Header().Set("Allow", "PUT, POST")
		return refuse(http.StatusMethodNotAllowed, "traces are sent with PUT, not %.20q", r.Method)
	}
	// As with the Agent, a request without a type is MessagePack.
	if media, _, err := mime.ParseMediaType(r.Header.Get("Content-Type")); err == nil && media != "application/msgpack" {
		return refuse(http.StatusUnsupportedMediaType, "traces are application/msgpack, not %.100q", media)
	}
	return encoding, nil
}

// accepted answers with how much to sample.
func accepted(w http.ResponseWriter, buf []byte, _ *ingest.Exchange) []byte {
	say(w, http.StatusOK, rates)
	return buf
}

func say(w http.ResponseWriter, status int, text string) {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	_, _ = io.WriteString(w, text) // a client that does not wait for its answer loses it
}

// refused answers with the reason as text.
func refused(w http.ResponseWriter, _ string, f *ingest.Failure) {
	http.Error(w, strings.TrimSuffix(f.Message, "\n"), f.Status())
}
