// Package chitrace traces services built on the chi router:
//
//	r := chi.NewRouter()
//	r.Use(chitrace.Middleware())
//	r.Get("/orders/{id}", order)
//
// makes a server span "GET /orders/{id}" of a request for /orders/42. All
// else is as in package httptrace, whose options it takes.
package chitrace

import (
	"net/http"

	"github.com/go-chi/chi/v5"

	"github.com/kiseki-dev/kiseki/instrument/httptrace"
)

// Middleware makes a server span of every request, named for its route. It
// belongs behind middleware.Recoverer, which answers a panic after the span
// has recorded it, and before all else:
//
//	r.Use(middleware.Recoverer, chitrace.Middleware())
func Middleware(options ...httptrace.Option) func(http.Handler) http.Handler {
	return httptrace.Middleware(append([]httptrace.Option{httptrace.WithRoute(Route)}, options...)...)
}

// Route is the pattern of chi that served r, such as "/orders/{id}", or "".
func Route(r *http.Request) string {
	if c := chi.RouteContext(r.Context()); c != nil {
		return c.RoutePattern()
	}
	return ""
}
