package native

import (
	"net/http"
	"sync/atomic"
)

// Gate answers that kiseki is not ready until it is opened. It lets a listener
// say so while the store is still being read.
type Gate struct {
	reason  func() string
	handler atomic.Pointer[http.Handler]
}

// NewGate makes a gate that is shut. reason says why to whoever asks.
func NewGate(reason func() string) *Gate { return &Gate{reason: reason} }

// Open hands all requests from now on to h.
func (g *Gate) Open(h http.Handler) { g.handler.Store(&h) }

// ServeHTTP implements [http.Handler].
func (g *Gate) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if h := g.handler.Load(); h != nil {
		(*h).ServeHTTP(w, r)
		return
	}
	w.Header().Set("Retry-After", "1")
	Refuse(w, http.StatusServiceUnavailable, "kiseki is not ready", g.reason())
}

// Refuse answers a request that does not get as far as the API in the API's
// terms.
func Refuse(w http.ResponseWriter, status int, title, detail string) {
	p := problem{Status: status, Title: title, Detail: detail}
	w.Header().Set("Content-Type", "application/problem+json")
	w.WriteHeader(p.Status)
	// Whoever does not read the answer asks again all the same.
	_, _ = w.Write(p.append(nil))
}
