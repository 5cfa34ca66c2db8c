// Package zipkin serves the query half of Zipkin's HTTP API, version 2, as
// https://zipkin.io/zipkin-api/ describes it, for Zipkin's own UI (Lens) and
// Grafana's Zipkin data source. Spans are stored as OpenTelemetry's; span.go
// has what becomes of each field.
//
// Goals: what Zipkin's clients show is what is stored, under the names that
// OpenTelemetry's specification gives it in Zipkin; a search finds the spans
// whose tags the answer shows; a large answer is sent while it is made.
//
// It differs from Zipkin's server in this: all conditions of a search must
// hold for one span; names keep their case, and are compared with it; a tag is
// found by its text where that is of a string, number or bool. Parameters that
// do not exist are ignored, as there.
package zipkin

import (
	"cmp"
	"errors"
	"fmt"
	"log/slog"
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

// Prefix is where Lens, served by a proxy beside this API, looks for it.
const Prefix = "/zipkin"

// incompleteHeader says why an answer is not the whole one: Zipkin's answers
// have no place for that.
const incompleteHeader = "Kiseki-Incomplete"

// Options are what the API serves.
type Options struct {
	Store  scan.Store
	Logger *slog.Logger     // for damage and bugs; clients are told less
	Limits exec.Limits      // of each query; the zero Limits mean exec.DefaultLimits
	Now    func() time.Time // nil: time.Now
}

// routes are the handlers by path; each is served below [Prefix] too.
var routes = map[string]func(*api, *request) error{
	"/api/v2/services":           (*api).services,
	"/api/v2/spans":              (*api).spanNames,
	"/api/v2/remoteServices":     (*api).remoteServices,
	"/api/v2/traces":             (*api).traces,
	"/api/v2/trace/{traceId}":    (*api).trace,
	"/api/v2/traceMany":          (*api).traceMany,
	"/api/v2/dependencies":       (*api).dependencies,
	"/api/v2/autocompleteKeys":   (*api).autocompleteKeys,
	"/api/v2/autocompleteValues": (*api).autocompleteValues,
}

// Paths are the patterns, for an [http.ServeMux], of all that [New] serves.
func Paths() []string {
	paths := []string{Prefix + "/"}
	for path := range routes {
		paths = append(paths, path)
	}
	slices.Sort(paths)
	return paths
}

// New makes the handler of [Paths].
func New(o Options) http.Handler {
	if o.Limits == (exec.Limits{}) {
		o.Limits = exec.DefaultLimits
	}
	if o.Now == nil {
		o.Now = time.Now
	}
	a := &api{Options: o, damage: seldom.Filter{Every: 5 * time.Minute}}
	mux := http.NewServeMux()
	for path, f := range routes {
		mux.Handle(path, a.endpoint(f))
		mux.Handle(Prefix+path, a.endpoint(f))
	}
	mux.Handle(Prefix+"/config.json", a.endpoint((*api).config))
	mux.Handle("/", a.endpoint(func(*api, *request) error {
		return &refusal{http.StatusNotFound, "no such path; https://zipkin.io/zipkin-api/ has those that there are"}
	}))
	return mux
}

type api struct {
	Options
	damage seldom.Filter // of what note logs
}

// request is one request with its answer under way.
type request struct {
	*http.Request
	params params
	header http.Header
	body   []byte
	out    answer.Sender
}

// refusal is an error that is the client's to mend, in plain text as Zipkin's
// server has it.
type refusal struct {
	status int
	text   string
}

func (r *refusal) Error() string { return r.text }

func badRequest(format string, args ...any) error {
	return &refusal{http.StatusBadRequest, fmt.Sprintf(format, args...)}
}

// endpoint turns a function that fills a request's body with JSON, or fails,
// into a handler of GET and HEAD.
func (a *api) endpoint(f func(*api, *request) error) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("X-Content-Type-Options", "nosniff")
		q := &request{Request: r, header: w.Header(), out: answer.To(w, r)}
		err := a.serve(q, f)
		switch {
		case q.out.Begun():
			q.out.End(q.body, err, a.Logger)
		case r.Context().Err() != nil: // nobody listens
		case err != nil:
			a.refuse(q, err)
		default:
			q.out.Send(http.StatusOK, q.body, a.Logger)
		}
	})
}

func (a *api) serve(q *request, f func(*api, *request) error) (err error) {
	if q.Method != http.MethodGet && q.Method != http.MethodHead {
		q.header.Set("Allow", "GET, HEAD")
		return &refusal{http.StatusMethodNotAllowed, "only GET and HEAD are served here"}
	}
	q.header.Set("Content-Type", "application/json")
	q.header.Set("Cache-Control", "no-store")
	if q.params, err = readParams(q.URL.RawQuery); err != nil {
		return err
	}
	return f(a, q)
}

func (a *api) refuse(q *request, err error) {
	r := &refusal{http.StatusInternalServerError, "internal error; the server's log says more"}
	if !errors.As(err, &r) {
		a.Logger.Error("answer request", "path", q.URL.Path, "err", err)
	}
	q.header.Set("Content-Type", "text/plain; charset=utf-8")
	q.out.Send(r.status, append([]byte(r.text), '\n'), a.Logger)
}

// snapshot runs f over the stored data of this moment.
func (a *api) snapshot(f func(scan.Snapshot) error) error {
	snap := a.Store.Snapshot()
	defer snap.Release()
	return f(snap)
}

// note tells the client that an answer is not whole, and the operator of
// damage.
func (a *api) note(q *request, s exec.Stats) {
	if !s.Complete && !q.out.Begun() {
		q.header.Set(incompleteHeader, s.Reason)
	}
	if s.Damage == nil {
		return
	}
	if say, held := a.damage.Pass(s.Damage.Error(), a.Now()); say {
		a.Logger.Error("read stored data", "path", q.URL.Path, "err", s.Damage, "repeated", held)
	}
}

// config is what Lens asks before anything else; the values are the defaults
// of Zipkin's server.
func (a *api) config(q *request) error {
	q.body = append(q.body, `{"environment":"","queryLimit":10,"defaultLookback":900000,"searchEnabled":true,`+
		`"dependency":{"enabled":true,"lowErrorRate":0.5,"highErrorRate":0.75}}`...)
	return nil
}

// appendNames appends a sorted array of strings, each once.
func appendNames(dst []byte, names []string) []byte {
	slices.SortFunc(names, func(a, b string) int {
		return cmp.Or(strings.Compare(strings.ToLower(a), strings.ToLower(b)), strings.Compare(a, b))
	})
	dst = append(dst, '[')
	for i, name := range slices.Compact(names) {
		if i > 0 {
			dst = append(dst, ',')
		}
		dst = otlpjson.AppendString(dst, name)
	}
	return append(dst, ']')
}
