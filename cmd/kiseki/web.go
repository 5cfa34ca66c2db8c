package main

import (
	"crypto/tls"
	"fmt"
	"log/slog"
	"net/http"
	"sync/atomic"
	"time"

	"github.com/kiseki-dev/kiseki/api/rpc"
	"github.com/kiseki-dev/kiseki/api/tempo"
	"github.com/kiseki-dev/kiseki/api/zipkin"
)

// readiness is whether the server takes requests, and if not, why. The zero
// readiness is ready.
type readiness struct{ reason atomic.Pointer[string] }

func (r *readiness) notReady(reason string) { r.reason.Store(&reason) }

func (r *readiness) ready() { r.reason.Store(nil) }

// ServeHTTP answers /readyz.
func (r *readiness) ServeHTTP(w http.ResponseWriter, _ *http.Request) {
	if why := r.why(); why != "" {
		http.Error(w, "not ready: "+why, http.StatusServiceUnavailable)
		return
	}
	fmt.Fprintln(w, "ready")
}

// why is the reason not to be ready; "" while it is.
func (r *readiness) why() string {
	if reason := r.reason.Load(); reason != nil {
		return *reason
	}
	return ""
}

// webHandler routes the --http listener.
func webHandler(m *metrics, ready *readiness, api, ui http.Handler) http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("GET /healthz", func(w http.ResponseWriter, _ *http.Request) { fmt.Fprintln(w, "ok") })
	mux.Handle("GET /readyz", ready)
	mux.Handle("GET /metrics", m.handler())
	for _, path := range []string{"/api/", tempo.Prefix + "/", zipkin.Prefix + "/"} {
		mux.Handle(path, m.observeAPI(api))
	}
	mux.Handle("/", ui)
	return secured(mux)
}

// withRPC routes gRPC calls to calls and all other requests to rest.
func withRPC(calls, rest http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if rpc.IsCall(r) {
			calls.ServeHTTP(w, r)
			return
		}
		rest.ServeHTTP(w, r)
	})
}

// contentSecurityPolicy is for answers that are no pages: should a browser
// take one for a page, it loads and runs nothing. The UI's pages set their
// own policy.
const contentSecurityPolicy = "default-src 'none'; frame-ancestors 'none'"

func secured(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		h := w.Header()
		h.Set("Content-Security-Policy", contentSecurityPolicy)
		h.Set("X-Content-Type-Options", "nosniff")
		h.Set("Referrer-Policy", "no-referrer") // addresses hold trace IDs and queries
		h.Set("Cross-Origin-Opener-Policy", "same-origin")
		h.Set("Cross-Origin-Resource-Policy", "same-origin")
		next.ServeHTTP(w, r)
	})
}

// newWebServer serves HTTP/1 and HTTP/2, the latter without TLS too, so that
// the gRPC query APIs share the port.
func newWebServer(h http.Handler, t *tls.Config, log *slog.Logger) *http.Server {
	var p http.Protocols
	p.SetHTTP1(true)
	p.SetHTTP2(true)
	p.SetUnencryptedHTTP2(true)
	return &http.Server{
		Handler:           h,
		TLSConfig:         t,
		Protocols:         &p,
		ReadHeaderTimeout: 10 * time.Second,
		ReadTimeout:       time.Minute,
		WriteTimeout:      5 * time.Minute, // a whole large trace over a slow line
		IdleTimeout:       2 * time.Minute,
		MaxHeaderBytes:    64 << 10,
		HTTP2: &http.HTTP2Config{
			MaxConcurrentStreams: 100,
			SendPingTimeout:      30 * time.Second, // finds clients that vanished
			PingTimeout:          15 * time.Second,
		},
		ErrorLog: slog.NewLogLogger(log.Handler(), slog.LevelDebug),
	}
}
