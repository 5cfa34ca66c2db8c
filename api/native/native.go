// Package native serves kiseki's own HTTP API, described by openapi.yaml in
// this folder, which it serves too. Every answer is JSON; every error is
// application/problem+json (RFC 9457) and names the parameter at fault.
//
// Goals: a parameter that is not understood is refused, never ignored; an
// answer says whether it is the whole answer; a trace of 100,000 spans is
// written in well under 500 ms, by appending text and not by reflection.
package native

import (
	"context"
	_ "embed" // openapi.yaml
	"errors"
	"log/slog"
	"net/http"
	"path"
	"slices"
	"strings"
	"time"

	"github.com/kiseki-dev/kiseki/api/answer"
	"github.com/kiseki-dev/kiseki/api/querylog"
	"github.com/kiseki-dev/kiseki/internal/seldom"
	"github.com/kiseki-dev/kiseki/query/exec"
	"github.com/kiseki-dev/kiseki/storage/scan"
)

// Prefix is the path that all paths of the API begin with.
const Prefix = "/api/kiseki/v1"

//go:embed openapi.yaml
var openAPI []byte

// Options are what the API serves.
type Options struct {
	Store  scan.Store
	Status func() Status
	// Server and Settings tell of the whole process; nil: whoever asks here is
	// not to know, as tenants other than the default one.
	Server   func() Server
	Settings func() Settings

	Logger *slog.Logger // for damage and bugs; clients are told less
	Limits exec.Limits  // of each query; the zero Limits mean exec.DefaultLimits
	// Queries are the latest, newest first; nil: none are logged.
	Queries func() []querylog.Entry
	// Arrivals is told of what is stored; nil where nothing will be.
	Arrivals *Arrivals
	// Backup starts a backup; nil: the operator has not chosen a folder for
	// them. Backups are the latest, newest first.
	Backup  func(BackupRequest) (Backup, error)
	Backups func() []Backup
	// Delete deletes traces from what is stored now: they are in no snapshot
	// taken after it returns. Deletions are the latest, newest first.
	Delete    func(context.Context, DeletionRequest) (Deletion, error)
	Deletions func() []Deletion
}

// New makes the handler of all paths below [Prefix].
func New(o Options) http.Handler {
	if o.Limits == (exec.Limits{}) {
		o.Limits = exec.DefaultLimits
	}
	if o.Arrivals == nil {
		o.Arrivals = NewArrivals()
	}
	a := &api{Options: o, damage: seldom.Filter{Every: 5 * time.Minute}}
	mux := http.NewServeMux()
	for path, h := range a.routes() {
		mux.Handle(Prefix+path, h)
	}
	absent := a.endpoint(func(q *request) error {
		return &problem{Status: http.StatusNotFound, Title: "No such path", Detail: "The paths are listed in " + Prefix + "/openapi.yaml."}
	})
	mux.Handle("/", absent)
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if path.Clean(r.URL.Path) != r.URL.Path { // the mux would redirect, in HTML
			absent.ServeHTTP(w, r)
			return
		}
		mux.ServeHTTP(w, r)
	})
}

// routes are the handlers by path; openapi.yaml has the same paths.
func (a *api) routes() map[string]http.Handler {
	return map[string]http.Handler{
		"/traces":                          a.endpoint(a.searchTraces),
		"/traces/{traceId}":                a.endpoint(a.getTrace),
		"/traces/{traceId}/critical-path":  a.endpoint(a.criticalPath),
		"/traces/{traceId}/outline":        a.endpoint(a.traceOutline),
		"/traces/{traceId}/spans/{spanId}": a.endpoint(a.getSpan),
		"/traces/{traceId}/matches":        a.endpoint(a.traceMatches),
		"/tail":                            a.endpoint(a.tailTraces),
		"/services":                        a.endpoint(a.listServices),
		"/operations":                      a.endpoint(a.listOperations),
		"/aggregate":                       a.endpoint(a.aggregate),
		"/metrics/range":                   a.endpoint(a.metricsRange),
		"/metrics/instant":                 a.endpoint(a.metricsInstant),
		"/analysis/service-graph":          a.endpoint(a.serviceGraph),
		"/analysis/service-graph/changes":  a.endpoint(a.serviceGraphChanges),
		"/analysis/service-paths":          a.endpoint(a.servicePaths),
		"/analysis/critical-path":          a.endpoint(a.criticalPaths),
		"/analysis/flame-graph":            a.endpoint(a.flameGraph),
		"/analysis/heat-map":               a.endpoint(a.heatMap),
		"/analysis/top-values":             a.endpoint(a.topValues),
		"/analysis/comparison":             a.endpoint(a.comparison),
		"/attributes":                      a.endpoint(a.listKeys),
		"/attributes/{field}/values":       a.endpoint(a.listValues),
		"/words":                           a.endpoint(a.listWords),
		"/export":                          http.HandlerFunc(a.export),
		"/deletions":                       a.endpoint(a.deletions, http.MethodPost),
		"/backups":                         a.endpoint(a.backups, http.MethodPost),
		"/backups/{backupId}":              a.endpoint(a.getBackup),
		"/queries":                         a.endpoint(a.getQueries),
		"/status":                          a.endpoint(a.getStatus),
		"/server":                          a.endpoint(a.getServer),
		"/settings":                        a.endpoint(a.getSettings),
		"/openapi.yaml":                    a.endpoint(a.getOpenAPI),
	}
}

type api struct {
	Options
	damage seldom.Filter // of what note logs
}

// request is one request with its answer under way. Unless it spills, nothing
// is sent before the answer is complete, so an error can be told.
type request struct {
	*http.Request
	header http.Header
	params params
	status int // of the answer unless there is a problem
	body   []byte
	out    answer.Sender
}

// endpoint turns a function that fills a request's body, or fails, into a
// handler of GET, HEAD and other methods as given.
func (a *api) endpoint(f func(*request) error, methods ...string) http.Handler {
	methods = append([]string{http.MethodGet, http.MethodHead}, methods...)
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		q := newRequest(w, r)
		err := a.serve(q, f, methods)
		if r.Context().Err() != nil && !q.out.Begun() { // nobody listens
			return
		}
		a.answer(q, err)
	})
}

func newRequest(w http.ResponseWriter, r *http.Request) *request {
	w.Header().Set("X-Content-Type-Options", "nosniff")
	return &request{Request: r, header: w.Header(), status: http.StatusOK, out: answer.To(w, r)}
}

func (a *api) serve(q *request, f func(*request) error, methods []string) (err error) {
	if !slices.Contains(methods, q.Method) {
		allowed := strings.Join(methods, ", ")
		q.header.Set("Allow", allowed)
		return &problem{Status: http.StatusMethodNotAllowed, Title: "Method not allowed", Detail: "Allowed are " + allowed + "."}
	}
	q.header.Set("Content-Type", "application/json")
	q.header.Set("Cache-Control", "no-store")
	if q.params, err = readParams(q.URL.RawQuery); err != nil {
		return err
	}
	return f(q)
}

// explain makes err, as a problem, the answer.
func (a *api) explain(q *request, err error) {
	var p *problem
	if !errors.As(err, &p) {
		p = &problem{Status: http.StatusInternalServerError, Title: "Internal error", Detail: "The server's log says more."}
		a.Logger.Error("answer request", "path", q.URL.Path, "err", err)
	}
	q.header.Set("Content-Type", "application/problem+json")
	q.status, q.body = p.Status, p.append(q.body[:0])
}

// snapshot runs f over the stored data of this moment. What f wrote must not
// refer to the data any more.
func (a *api) snapshot(f func(scan.Snapshot) error) error {
	snap := a.Store.Snapshot()
	defer snap.Release()
	return f(snap)
}

// note logs what the client is not told in full. The store tells of damage
// when it finds it; that it is still there is not worth a line a request.
func (a *api) note(q *request, s exec.Stats) {
	if s.Damage == nil {
		return
	}
	if say, held := a.damage.Pass(s.Damage.Error(), time.Now()); say {
		a.Logger.Error("read stored data", "path", q.URL.Path, "err", s.Damage, "repeated", held)
	}
}

func (a *api) getOpenAPI(q *request) error {
	if err := q.params.done(); err != nil {
		return err
	}
	q.header.Set("Content-Type", "application/yaml")
	q.body = slices.Clone(openAPI) // a problem would be written into it
	return nil
}
