package main

import (
	"errors"
	"math"
	"net"
	"net/http"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"time"

	"google.golang.org/grpc/codes"

	"github.com/kiseki-dev/kiseki/api/gate"
	"github.com/kiseki-dev/kiseki/api/native"
	"github.com/kiseki-dev/kiseki/api/querylog"
	"github.com/kiseki-dev/kiseki/api/rpc"
	"github.com/kiseki-dev/kiseki/config"
	"github.com/kiseki-dev/kiseki/query/exec"
)

// leastQueries may run at a time on the smallest machine.
const leastQueries = 4

// newGate is the gate that all queries of all APIs and tenants go through.
func newGate(c config.Limits) *gate.Gate {
	running := c.Queries
	if running == 0 {
		running = max(leastQueries, 2*runtime.GOMAXPROCS(0))
	}
	return gate.New(gate.Options{Running: running, Waiting: c.QueuedQueries, Wait: c.QueryWait})
}

// queryLimits are those of each query.
func queryLimits(c config.Limits) exec.Limits {
	return exec.DefaultLimits.Of(c.QueryTime, c.QueryMemory)
}

// queued answers a request of an API in its turn.
func (s *server) queued(w http.ResponseWriter, r *http.Request, tenant string, next http.Handler) {
	if asksNothing(r) {
		next.ServeHTTP(w, r)
		return
	}
	e := querylog.Entry{Start: time.Now(), Tenant: tenant, Client: clientOf(r)}
	leave, err := s.queries.Enter(r.Context(), tenant+" "+e.Client)
	var busy *gate.BusyError
	switch {
	case errors.As(err, &busy):
		refuseQuery(w, r, busy)
		return
	case err != nil: // the client went away
		return
	}
	defer leave()
	e.Waited = time.Since(e.Start)
	s.logged(w, r, &e, next)
}

// logged answers a request and logs it as a query.
func (s *server) logged(w http.ResponseWriter, r *http.Request, e *querylog.Entry, next http.Handler) {
	ctx, cost := exec.Observe(r.Context())
	ctx, asked := rpc.Listen(ctx)
	in, out := r.WithContext(ctx), &statusWriter{ResponseWriter: w, status: http.StatusOK}
	began := time.Now()
	defer func() { // also when an answer is broken off
		r.Pattern = in.Pattern // what the mux noted, for the metrics
		e.Took, e.Cost = time.Since(began), cost.Total()
		e.Route, e.Status = in.Pattern, strconv.Itoa(out.status)
		v := r.URL.Query()
		if rpc.IsCall(r) {
			e.Route, e.Status, v = r.URL.Path, "grpc "+out.Header().Get("Grpc-Status"), asked.Values()
		}
		e.Class, e.Text = querylog.Class(v), s.queryLog.Text(v)
		s.queryLog.Add(*e)
		s.metrics.observeQuery(e)
	}()
	next.ServeHTTP(out, in)
}

// asksNothing reports whether the answer needs nothing that is stored: such
// requests do not wait, so that a busy server can still be asked how it is.
func asksNothing(r *http.Request) bool {
	path := r.URL.Path
	rest, isNative := strings.CutPrefix(path, native.Prefix)
	if isNative {
		return slices.Contains([]string{"/status", "/server", "/settings", "/queries", "/words", "/openapi.yaml"}, rest) ||
			rest == "/deletions" && r.Method != http.MethodPost || strings.HasPrefix(rest, "/backups")
	}
	return rpc.IsEndless(path) || slices.Contains([]string{"/echo", "/buildinfo", "/health", "/info", "/config.json"}, path[strings.LastIndexByte(path, '/'):])
}

// clientOf is the address of whoever asks; behind a proxy it is the proxy's.
func clientOf(r *http.Request) string {
	host, _, err := net.SplitHostPort(r.RemoteAddr)
	if err != nil {
		return r.RemoteAddr
	}
	return host
}

// refuseQuery tells a client to come back.
func refuseQuery(w http.ResponseWriter, r *http.Request, busy *gate.BusyError) {
	if rpc.IsCall(r) {
		w.Header().Set("Grpc-Retry-Pushback-Ms", strconv.FormatInt(busy.RetryAfter.Milliseconds(), 10))
		rpc.Refuse(w, codes.ResourceExhausted, busy.Why)
		return
	}
	w.Header().Set("Retry-After", strconv.Itoa(int(math.Ceil(busy.RetryAfter.Seconds()))))
	native.Refuse(w, http.StatusTooManyRequests, "Too many queries", busy.Why+".")
}
