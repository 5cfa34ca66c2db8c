// Package proxy traces services that cannot trace themselves: a reverse proxy
// in front of such a service makes a span of every request that the service
// answers, and a forward proxy a span of every call that it makes.
//
// Goals:
//   - The service and its clients see each other as they would without it:
//     the protocol, host, path, query and headers stay, bodies stream both
//     ways, upgrades, trailers and 1xx answers pass. Only the trace headers,
//     X-Forwarded-For and the hop-by-hop headers of RFC 9110 differ.
//   - A trace that comes goes on, whichever of the usual headers carries it.
//   - Names of spans are few whatever clients send: methods, routes that were
//     given, methods of gRPC that the service knows.
//   - It costs tens of microseconds a request, and holds nothing in memory
//     that grows with a body.
//
// # One span for a request
//
// The reverse proxy makes one span, a SERVER one with the name of the service:
// it stands in for the instrumentation that the service lacks. It could make a
// CLIENT span for the way to the service too, as a gateway between services
// does. Here that would be a call of the service by itself: each request would
// be two spans, the service would call itself on every map, and the difference
// between the spans is the time of the proxy, which is some microseconds.
// Envoy decides likewise: a sidecar makes one span for an inbound request, and
// a second one only where it is told to be a hop of its own
// (spawn_upstream_span). What a CLIENT span would tell apart is told by the
// span's error.type, see [ErrUnreachable].
//
// The service gets the span as its parent. A service that copies the trace
// headers of a request to the calls that it makes for it, as many do, has
// these calls in the trace, through the forward proxy or directly.
package proxy
