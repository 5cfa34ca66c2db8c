// Package httptrace traces net/http servers and clients.
//
// Handler and Middleware make a server span of each request, named for the
// route that served it; Transport makes a client span of each call and sends
// the trace along:
//
//	http.ListenAndServe(":8080", httptrace.Handler(mux))
//	client := &http.Client{Transport: httptrace.Transport(nil)}
//
// Both use the tracer provider and the propagator of otel's globals, which
// instrument.Start sets, unless options say otherwise. Names and attributes
// are those of the semantic conventions v1.43,
// https://opentelemetry.io/docs/specs/semconv/http/http-spans/.
//
// # What must hold
//
// The handler sees the connection it would see without tracing: the
// ResponseWriter has the optional interfaces (http.Flusher, http.Hijacker,
// io.ReaderFrom, http.Pusher) of the one behind it, and no others. A panic is
// recorded and goes on. A request that is not sampled costs two allocations
// and, with a provider of package instrument, less than a microsecond.
package httptrace
