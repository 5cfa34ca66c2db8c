package httptrace

import "net/http"

// headers is a carrier like propagation.HeaderCarrier that does not build the
// canonical form of the names every request has.
type headers http.Header

func canonical(key string) string {
	switch key {
	case "traceparent":
		return "Traceparent"
	case "tracestate":
		return "Tracestate"
	case "baggage":
		return "Baggage"
	}
	return http.CanonicalHeaderKey(key)
}

// Get implements propagation.TextMapCarrier.
func (h headers) Get(key string) string { return header(http.Header(h), canonical(key)) }

// Values implements propagation.ValuesGetter.
func (h headers) Values(key string) []string { return h[canonical(key)] }

// Set implements propagation.TextMapCarrier.
func (h headers) Set(key, value string) { h[canonical(key)] = []string{value} }

// Keys implements propagation.TextMapCarrier.
func (h headers) Keys() []string {
	keys := make([]string, 0, len(h))
	for k := range h {
		keys = append(keys, k)
	}
	return keys
}
