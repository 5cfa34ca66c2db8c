package xray

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"

	"github.com/kiseki-dev/kiseki/ingest"
	"github.com/kiseki-dev/kiseki/telemetry"
)

const encodingJSON = "json"

// The operations of X-Ray's API that are answered, by their paths.
const (
	pathSegments = "/TraceSegments"
	pathRules    = "/GetSamplingRules"
	pathTargets  = "/SamplingTargets"
)

// Server takes segments as X-Ray's daemon and API do. Its methods may be called
// from any goroutine.
type Server struct {
	http    *ingest.HTTPServer
	packets *ingest.PacketServer
}

// New makes a server that serves nothing yet; of its options the protocol's own
// are set here.
func New(o ingest.Options) *Server {
	o.Protocol, o.Title = "xray", "X-Ray"
	o.NewDecoder = func(l ingest.Limits) ingest.Decoder { return &decoder{l} }
	r := ingest.New(o)
	limits := r.Limits()
	return &Server{
		http: r.HTTPServer("X-Ray", handler(r)),
		packets: r.PacketServer("X-Ray/UDP", encodingJSON, func(packet []byte, b *telemetry.Batch) (ingest.Report, error) {
			return decodePacket(limits, packet, b)
		}),
	}
}

// Serve serves HTTP on l until [Server.Shutdown], and returns nil then.
func (s *Server) Serve(l net.Listener) error { return s.http.Serve(l) }

// ServePackets takes datagrams from c until [Server.Shutdown], and returns nil
// then.
func (s *Server) ServePackets(c net.PacketConn) error { return s.packets.Serve(c) }

// Shutdown stops accepting requests and datagrams and returns when those that
// came are stored, or when ctx ends: then it cuts connections.
func (s *Server) Shutdown(ctx context.Context) error {
	return errors.Join(s.http.Shutdown(ctx), s.packets.Shutdown(ctx))
}

func handler(r *ingest.Receiver) http.Handler {
	take := r.Handler(ingest.Endpoint{Encoding: requestEncoding, Taken: accepted, Refused: refused})
	mux := http.NewServeMux()
	mux.HandleFunc("POST "+pathRules, serveRules)
	mux.HandleFunc("POST "+pathTargets, serveTargets)
	mux.Handle("/", take)
	return mux
}

// requestEncoding is that of a request's body, whatever type it says it has.
func requestEncoding(w http.ResponseWriter, r *http.Request) (string, *ingest.Failure) {
	refuse := func(status int, format string, args ...any) (string, *ingest.Failure) {
		return "", &ingest.Failure{Outcome: ingest.OutcomeUnsupported, HTTPStatus: status, Message: fmt.Sprintf(format, args...)}
	}
	switch r.URL.Path {
	case pathSegments, pathRules, pathTargets:
	default:
		return refuse(http.StatusNotFound, "the operations are %s, %s and %s; nothing is at %.100q", pathSegments, pathRules, pathTargets, r.URL.Path)
	}
	if r.Method != http.MethodPost {
		w.Header().Set("Allow", "POST")
		return refuse(http.StatusMethodNotAllowed, "all operations are POST, not %.20q", r.Method)
	}
	return encodingJSON, nil
}

// accepted answers with the documents that were refused, if any.
func accepted(w http.ResponseWriter, buf []byte, x *ingest.Exchange) []byte {
	answer(w, http.StatusOK, map[string]any{"UnprocessedTraceSegments": x.Detail})
	return buf
}

// refused answers with the kinds of errors that X-Ray's API has.
func refused(w http.ResponseWriter, _ string, f *ingest.Failure) {
	kind := "InvalidRequestException"
	switch f.Outcome {
	case ingest.OutcomeOverloaded, ingest.OutcomeUnavailable:
		kind = "ThrottledException"
	case ingest.OutcomeFailed:
		kind = "InternalFailure"
	}
	fail(w, f.Status(), kind, f.Message)
}
