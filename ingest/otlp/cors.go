package otlp

import (
	"net/http"
	"strings"
)

// localOrigins are those a developer's page has.
var localOrigins = []string{"http://localhost:*", "http://127.0.0.1:*", "http://[::1]:*"}

// origins are the web origins whose pages may send traces
// (https://fetch.spec.whatwg.org/#http-cors-protocol).
type origins struct {
	any   bool
	exact map[string]bool
	hosts []string // scheme and host, to be followed by nothing or a port
}

func newOrigins(list []string) *origins {
	if len(list) == 0 {
		list = localOrigins
	}
	o := &origins{exact: map[string]bool{}}
	for _, entry := range list {
		host, anyPort := strings.CutSuffix(entry, ":*")
		switch {
		case entry == "*":
			o.any = true
		case anyPort:
			o.hosts = append(o.hosts, host)
		default:
			o.exact[strings.TrimSuffix(entry, "/")] = true
		}
	}
	return o
}

func (o *origins) allow(origin string) bool {
	if o.any || o.exact[origin] {
		return true
	}
	for _, host := range o.hosts {
		if port, ok := strings.CutPrefix(origin, host); ok && (port == "" || port[0] == ':' && strings.Trim(port[1:], "0123456789") == "") {
			return true
		}
	}
	return false
}

// preflight sets the headers that let a page of an allowed origin read the
// answer, and answers the question a browser asks before it sends. It reports
// whether it has answered.
func (o *origins) preflight(w http.ResponseWriter, r *http.Request) bool {
	origin := r.Header.Get("Origin")
	if origin == "" {
		return false
	}
	h := w.Header()
	h.Add("Vary", "Origin")
	allowed := o.allow(origin)
	if allowed {
		h.Set("Access-Control-Allow-Origin", origin)
		h.Set("Access-Control-Expose-Headers", "Retry-After")
	}
	if r.Method != http.MethodOptions || r.Header.Get("Access-Control-Request-Method") == "" {
		return false
	}
	if allowed {
		h.Set("Access-Control-Allow-Methods", http.MethodPost)
		// Exporters send headers of the user's choice; who may send spans may
		// send those.
		h.Add("Vary", "Access-Control-Request-Headers")
		if headers := r.Header.Get("Access-Control-Request-Headers"); headers != "" {
			h.Set("Access-Control-Allow-Headers", headers)
		}
		h.Set("Access-Control-Max-Age", "7200") // the longest Chromium keeps it
	}
	w.WriteHeader(http.StatusNoContent)
	return true
}
