// Package jaeger serves the query half of Jaeger's APIs, for Jaeger's own UI
// of both generations and for Grafana's Jaeger data source: the HTTP API that
// older UIs use and newer ones still partly do, and api_v3 over HTTP and gRPC
// (https://www.jaegertracing.io/docs/latest/architecture/apis/), as well as
// jaeger.api_v2.QueryService.
//
//	jaeger.go        routes and answers
//	params.go        query parameters
//	search.go        a search for traces, as a plan
//	filter.go        the filter of api_v3
//	names.go         services and operations
//	model.go         what becomes of a span in Jaeger's model; json.go and
//	                 grpc_v2.go write it
//	legacy.go        traces as the older API has them, v3.go as api_v3 does
//	transform.go     what is not stored: OTLP as traces of the older API
//	dependencies.go  who calls whom
//	metrics.go       latencies, calls and errors over time
//	grpc.go          what the gRPC services have in common; grpc_v2.go and
//	                 grpc_v3.go are theirs, apiv2 and apiv3 their messages
//
// Goals: what Jaeger's clients show is what is stored, under the names that
// the OpenTelemetry Collector gives it in Jaeger; a search finds the newest
// traces, exactly, and its tags find what the answer shows as tags; HTTP and
// gRPC give the same answers because the same functions make them; a large
// answer is sent while it is made.
//
// It differs from Jaeger's server in this: start times are as they were sent,
// without an adjustment for clock skew; a point of the metrics is that of one
// step, so ratePer changes nothing; a search needs no service. Parameters that
// do not exist are ignored, as there.
package jaeger

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/kiseki-dev/kiseki/api/answer"
	"github.com/kiseki-dev/kiseki/internal/seldom"
	"github.com/kiseki-dev/kiseki/query/exec"
	"github.com/kiseki-dev/kiseki/storage/scan"
	"github.com/kiseki-dev/kiseki/telemetry/otlpjson"
)

// incompleteHeader says why an answer is not the whole one: Jaeger's answers
// have no place for that, but for single traces.
const incompleteHeader = "Kiseki-Incomplete"

// Options are what the API serves.
type Options struct {
	Store  scan.Store
	Logger *slog.Logger     // for damage and bugs; clients are told less
	Limits exec.Limits      // of each query; the zero Limits mean exec.DefaultLimits
	Now    func() time.Time // nil: time.Now
}

// API is Jaeger's API over one store: an [http.Handler] of [Paths], and by
// [API.Register] gRPC services.
type API struct {
	o      Options
	mux    *http.ServeMux
	damage seldom.Filter // of what note logs
}

// legacyRoutes, postRoutes and v3Routes are the handlers by path. Those of
// postRoutes belong to the older API.
var (
	legacyRoutes = map[string]func(*API, *request) error{
		"/api/services":                      (*API).legacyServices,
		"/api/services/{service}/operations": (*API).legacyServiceOperations,
		"/api/operations":                    (*API).legacyOperations,
		"/api/traces":                        (*API).legacySearch,
		"/api/traces/{traceID}":              (*API).legacyTrace,
		"/api/dependencies":                  (*API).legacyDependencies,
		"/api/metrics/latencies":             (*API).latencies,
		"/api/metrics/calls":                 (*API).calls,
		"/api/metrics/errors":                (*API).errors,
		"/api/metrics/minstep":               (*API).minStep,
	}
	postRoutes = map[string]func(*API, *request) error{
		"/api/transform":         (*API).transform,
		"/api/archive/{traceID}": (*API).archive,
	}
	v3Routes = map[string]func(*API, *request) error{
		"/api/v3/services":        (*API).v3Services,
		"/api/v3/operations":      (*API).v3Operations,
		"/api/v3/traces":          (*API).v3Search,
		"/api/v3/traces/{id}":     (*API).v3Trace,
		"/api/v3/trace-summaries": (*API).v3Summaries,
		"/api/v3/dependencies":    (*API).v3Dependencies,
	}
)

// Paths are the patterns, for an [http.ServeMux], of all that an [API] serves.
// /api/traces/{traceID} is also a path of Tempo's API.
func Paths() (paths []string) {
	for _, routes := range []map[string]func(*API, *request) error{legacyRoutes, postRoutes, v3Routes} {
		paths = slices.AppendSeq(paths, maps.Keys(routes))
	}
	slices.Sort(paths)
	return paths
}

// New makes the API.
func New(o Options) *API {
	if o.Limits == (exec.Limits{}) {
		o.Limits = exec.DefaultLimits
	}
	if o.Now == nil {
		o.Now = time.Now
	}
	a := &API{o: o, mux: http.NewServeMux(), damage: seldom.Filter{Every: 5 * time.Minute}}
	for path, f := range legacyRoutes {
		a.mux.Handle(path, a.endpoint(f, legacyError, http.MethodGet, http.MethodHead))
	}
	for path, f := range postRoutes {
		a.mux.Handle(path, a.endpoint(f, legacyError, http.MethodPost))
	}
	for path, f := range v3Routes {
		a.mux.Handle(path, a.endpoint(f, v3Error, http.MethodGet, http.MethodHead))
	}
	a.mux.Handle("/", a.endpoint(func(*API, *request) error {
		return &refusal{http.StatusNotFound, "no such path; Jaeger's documentation has those that there are"}
	}, legacyError, http.MethodGet, http.MethodHead, http.MethodPost))
	return a
}

// ServeHTTP implements [http.Handler].
func (a *API) ServeHTTP(w http.ResponseWriter, r *http.Request) { a.mux.ServeHTTP(w, r) }

// request is one request with its answer under way.
type request struct {
	*http.Request
	params params
	header http.Header
	body   []byte
	out    answer.Sender
}

// refusal is an error that is worded for the client.
type refusal struct {
	status int // of HTTP
	text   string
}

func (r *refusal) Error() string { return r.text }

func badRequest(format string, args ...any) error {
	return &refusal{http.StatusBadRequest, fmt.Sprintf(format, args...)}
}

// legacyError and v3Error are the two forms of an error's body.

func legacyError(r *refusal) []byte {
	dst := otlpjson.AppendString(fmt.Appendf(nil, `{"data":null,"total":0,"limit":0,"offset":0,"errors":[{"code":%d,"msg":`, r.status), r.text)
	return append(dst, "}]}"...)
}

func v3Error(r *refusal) []byte {
	dst := otlpjson.AppendString(fmt.Appendf(nil, `{"error":{"httpCode":%d,"message":`, r.status), r.text)
	return append(dst, "}}"...)
}

// endpoint turns a function that fills a request's body with JSON, or fails,
// into a handler of some methods.
func (a *API) endpoint(f func(*API, *request) error, form func(*refusal) []byte, methods ...string) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("X-Content-Type-Options", "nosniff")
		q := &request{Request: r, header: w.Header(), out: answer.To(w, r)}
		err := a.serve(q, f, methods)
		switch {
		case q.out.Begun():
			q.out.End(q.body, err, a.o.Logger)
		case r.Context().Err() != nil: // nobody listens
		case err != nil:
			why := a.explain(r.URL.Path, err)
			q.out.Send(why.status, form(why), a.o.Logger)
		default:
			q.out.Send(http.StatusOK, q.body, a.o.Logger)
		}
	})
}

func (a *API) serve(q *request, f func(*API, *request) error, methods []string) (err error) {
	q.header.Set("Content-Type", "application/json")
	q.header.Set("Cache-Control", "no-store")
	if !slices.Contains(methods, q.Method) {
		q.header.Set("Allow", strings.Join(methods, ", "))
		return &refusal{http.StatusMethodNotAllowed, "only " + strings.Join(methods, " and ") + " is served here"}
	}
	if q.params, err = readParams(q.URL.RawQuery); err != nil {
		return err
	}
	return f(a, q)
}

// explain is an error as the client is told it. place is what was asked.
func (a *API) explain(place string, err error) *refusal {
	why := &refusal{http.StatusInternalServerError, "internal error; the server's log says more"}
	var times *exec.RangeError
	switch {
	case errors.As(err, &times):
		return &refusal{http.StatusBadRequest, times.Why}
	case !errors.As(err, &why):
		a.o.Logger.Error("answer request", "place", place, "err", err)
	}
	return why
}

// snapshot runs f over the stored data of this moment.
func (a *API) snapshot(f func(scan.Snapshot) error) error {
	snap := a.o.Store.Snapshot()
	defer snap.Release()
	return f(snap)
}

// told is what an answer is told to beside its messages: HTTP's headers, or
// gRPC's trailers.
type told func(incomplete string)

// incomplete tells the client of HTTP why its answer is not the whole one.
func (q *request) incomplete(why string) {
	if !q.out.Begun() {
		q.header.Set(incompleteHeader, why)
	}
}

// note tells the client that an answer is not whole, and the operator of
// damage.
func (a *API) note(s exec.Stats, tell told) {
	if !s.Complete {
		tell(s.Reason)
	}
	if s.Damage == nil {
		return
	}
	if say, held := a.damage.Pass(s.Damage.Error(), a.o.Now()); say {
		a.o.Logger.Error("read stored data", "err", s.Damage, "repeated", held)
	}
}

// query is what the functions that find things need of a request, be it HTTP
// or gRPC.
type query struct {
	*API
	ctx  context.Context
	tell told
}

func (a *API) query(q *request) *query { return &query{a, q.Context(), q.incomplete} }
