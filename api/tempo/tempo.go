// Package tempo serves the query API of Grafana Tempo, over HTTP and gRPC, so
// that what is made for Tempo works with kiseki as it is: Grafana's data
// source, with streaming, and Traces Drilldown.
//
//	tempo.go    routes and answers
//	params.go   query parameters
//	search.go   a search of traces, legacy.go the one by tags
//	result.go   what is found, in Tempo's words
//	trace.go    one whole trace
//	tags.go     names of attributes and intrinsics, values.go their values
//	metrics.go  series over time and single numbers
//	stream.go   the gRPC service
//	tempopb     the messages
//
// Goals: an unmodified client of Tempo notices no difference, but that answers
// are exact: a search finds the newest traces, not the first it comes upon,
// and an answer that is not whole says so. HTTP and gRPC give the same answers
// because one function makes them.
//
// Unlike our own API it ignores parameters that it does not know, for Tempo
// does, and clients of newer and older versions send such. The API is
// described at https://grafana.com/docs/tempo/latest/api_docs/.
package tempo

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"runtime"
	"time"

	"google.golang.org/protobuf/encoding/protojson"
	"google.golang.org/protobuf/proto"

	"github.com/kiseki-dev/kiseki/api/answer"
	"github.com/kiseki-dev/kiseki/internal/seldom"
	"github.com/kiseki-dev/kiseki/query/exec"
	"github.com/kiseki-dev/kiseki/storage/scan"
)

// Options are what the API serves.
type Options struct {
	Store   scan.Store
	Version string       // of kiseki
	Logger  *slog.Logger // for damage and bugs; clients are told less
	Limits  exec.Limits  // of each query; the zero Limits mean exec.DefaultLimits
	// Now is the end of a range of time that a client gives none for; nil:
	// time.Now.
	Now func() time.Time
}

// API is Tempo's API over one store: an [http.Handler] of the paths below, and
// by [API.Register] a gRPC service.
type API struct {
	o      Options
	mux    *http.ServeMux
	damage seldom.Filter // of what note logs

	sendEvery time.Duration // see the constant; a test changes it
}

// incompleteHeader says why an answer is not the whole one, where its message
// has no place for that.
const incompleteHeader = "Kiseki-Incomplete"

// New makes the API.
func New(o Options) *API {
	if o.Limits == (exec.Limits{}) {
		o.Limits = exec.DefaultLimits
	}
	if o.Now == nil {
		o.Now = time.Now
	}
	a := &API{o: o, mux: http.NewServeMux(), damage: seldom.Filter{Every: 5 * time.Minute}, sendEvery: sendEvery}
	for path, f := range map[string]endpoint{
		"/api/echo":                       a.echo,
		"/api/status/buildinfo":           a.buildInfo,
		"/api/search":                     a.httpSearch,
		"/api/search/tags":                a.httpTags,
		"/api/search/tag/{tag}/values":    a.httpValues,
		"/api/v2/search/tags":             a.httpTagsV2,
		"/api/v2/search/tag/{tag}/values": a.httpValuesV2,
		SharedPath:                        a.trace,
		"/api/v2/traces/{traceID}":        a.traceV2,
		"/api/metrics/query_range":        a.httpRange,
		"/api/metrics/query":              a.httpInstant,
	} {
		h := a.handler(f)
		a.mux.Handle(path, h)
		a.mux.Handle(Prefix+path, h)
	}
	return a
}

// Prefix is a path below which all paths are served too: "/tempo" as part of
// a data source's URL reaches this API also where another one has the same
// path, as Jaeger's has /api/traces/{traceID}.
const Prefix = "/tempo"

// SharedPath is the one path that Jaeger's API has too. Grafana's data source
// asks it for protobuf, which Jaeger's clients do not.
const SharedPath = "/api/traces/{traceID}"

// Paths are the patterns, for an [http.ServeMux], of all paths of the API but
// [SharedPath].
func Paths() []string {
	return []string{
		Prefix + "/", "/api/echo", "/api/status/buildinfo", "/api/search", "/api/search/", "/api/v2/search/", "/api/v2/traces/{traceID}",
		"/api/metrics/query_range", "/api/metrics/query",
	}
}

// ServeHTTP implements [http.Handler].
func (a *API) ServeHTTP(w http.ResponseWriter, r *http.Request) { a.mux.ServeHTTP(w, r) }

// endpoint answers a request. Its error is the answer where nothing was
// written.
type endpoint func(w http.ResponseWriter, r *http.Request) error

// badRequest is an error of the client's, worded for it.
type badRequest struct{ why string }

func (e *badRequest) Error() string { return e.why }

func refuse(format string, args ...any) error { return &badRequest{fmt.Sprintf(format, args...)} }

// errNoTrace says that there is no such trace.
var errNoTrace = errors.New("trace not found")

// handler makes errors the answer, as plain text.
func (a *API) handler(f endpoint) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("X-Content-Type-Options", "nosniff")
		w.Header().Set("Cache-Control", "no-store")
		w.Header().Set("Vary", "Accept")
		if r.Method != http.MethodGet && r.Method != http.MethodHead {
			w.Header().Set("Allow", "GET, HEAD")
			http.Error(w, "only GET and HEAD are allowed here", http.StatusMethodNotAllowed)
			return
		}
		err := f(w, r)
		if err == nil || r.Context().Err() != nil { // told, or nobody listens
			return
		}
		status, text := a.explain(r.URL.Path, err)
		http.Error(w, text, status)
	})
}

// explain is what a client is told of an error; where says what it asked for.
func (a *API) explain(where string, err error) (status int, text string) {
	var bad *badRequest
	var times *exec.RangeError
	switch {
	case errors.As(err, &bad):
		return http.StatusBadRequest, bad.why
	case errors.As(err, &times):
		return http.StatusBadRequest, times.Why
	case errors.Is(err, errNoTrace):
		return http.StatusNotFound, err.Error()
	}
	a.o.Logger.Error("answer request", "path", where, "err", err)
	return http.StatusInternalServerError, "internal error; the server's log says more"
}

// snapshot runs f over the stored data of this moment. What f keeps must not
// refer to the data any more.
func (a *API) snapshot(f func(scan.Snapshot) error) error {
	snap := a.o.Store.Snapshot()
	defer snap.Release()
	return f(snap)
}

// note logs what the client is not told in full.
func (a *API) note(s exec.Stats) {
	if s.Damage == nil {
		return
	}
	if say, held := a.damage.Pass(s.Damage.Error(), time.Now()); say {
		a.o.Logger.Error("read stored data", "api", "tempo", "err", s.Damage, "repeated", held)
	}
}

// unary answers with the message that f makes of the stored data.
func unary[In any, Out proto.Message](a *API, w http.ResponseWriter, r *http.Request, in In, f func(context.Context, In) (Out, exec.Stats, error)) error {
	out, stats, err := f(r.Context(), in)
	if err != nil {
		return err
	}
	return a.send(w, r, out, stats)
}

// send answers with a message: as JSON, or as protobuf where the client asks
// for that.
func (a *API) send(w http.ResponseWriter, r *http.Request, m proto.Message, s exec.Stats) error {
	a.note(s)
	if !s.Complete {
		w.Header().Set(incompleteHeader, s.Reason)
	}
	if WantsProtobuf(r) {
		body, err := proto.Marshal(m)
		if err != nil {
			return fmt.Errorf("write protobuf: %w", err)
		}
		return a.write(w, r, mimeProtobuf, body)
	}
	body, err := marshalJSON(m)
	if err != nil {
		return err
	}
	return a.write(w, r, mimeJSON, body)
}

// marshalJSON writes a message as Tempo's JSON: 64-bit integers are strings,
// bytes are base64, enums are names and defaults are left out. The spaces that
// protojson puts in, or not, from build to build are left out too.
func marshalJSON(m proto.Message) ([]byte, error) {
	body, err := protojson.Marshal(m)
	if err != nil {
		return nil, fmt.Errorf("write JSON: %w", err)
	}
	out := bytes.NewBuffer(make([]byte, 0, len(body)))
	if err := json.Compact(out, body); err != nil {
		return nil, fmt.Errorf("compact JSON: %w", err)
	}
	return out.Bytes(), nil
}

const (
	mimeJSON     = "application/json"
	mimeProtobuf = "application/protobuf"
)

// write sends an answer. That the client is gone is no error of ours.
func (a *API) write(w http.ResponseWriter, r *http.Request, mime string, body []byte) error {
	w.Header().Set("Content-Type", mime)
	out := answer.To(w, r)
	out.Send(http.StatusOK, body, a.o.Logger)
	return nil
}

func (a *API) echo(w http.ResponseWriter, r *http.Request) error {
	return a.write(w, r, "text/plain; charset=utf-8", []byte("echo"))
}

func (a *API) buildInfo(w http.ResponseWriter, r *http.Request) error {
	body, err := json.Marshal(struct {
		Version   string `json:"version"`
		Revision  string `json:"revision"`
		Branch    string `json:"branch"`
		BuildDate string `json:"buildDate"`
		BuildUser string `json:"buildUser"`
		GoVersion string `json:"goVersion"`
	}{Version: a.o.Version, GoVersion: runtime.Version()})
	if err != nil {
		return fmt.Errorf("write build information: %w", err)
	}
	return a.write(w, r, mimeJSON, body)
}
