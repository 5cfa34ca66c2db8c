package httptrace

import (
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"sync"

	"go.opentelemetry.io/otel/attribute"
	semconv "go.opentelemetry.io/otel/semconv/v1.43.0"
)

// lists are slices of attributes to fill again and again: the SDK copies what
// it is given.
type lists struct{ pool sync.Pool }

var attributeLists = lists{sync.Pool{New: func() any {
	list := make([]attribute.KeyValue, 0, 16)
	return &list
}}}

func (l *lists) get() *[]attribute.KeyValue { return l.pool.Get().(*[]attribute.KeyValue) }

func (l *lists) put(list *[]attribute.KeyValue) {
	clear(*list)
	*list = (*list)[:0]
	l.pool.Put(list)
}

// maxValue bounds, in bytes, what a client can make a span hold; longer
// values are cut.
const maxValue = 2048

func clip(s string) string {
	if len(s) <= maxValue {
		return s
	}
	return strings.ToValidUTF8(s[:maxValue], "")
}

// appendRequest adds what is known of a request before it is routed; samplers
// see it.
func appendRequest(a []attribute.KeyValue, r *http.Request) []attribute.KeyValue {
	a = appendMethod(a, r.Method)
	a = append(a, semconv.URLPath(clip(r.URL.Path)), semconv.URLScheme(scheme(r)))
	if r.URL.RawQuery != "" {
		a = append(a, semconv.URLQuery(scrubQuery(clip(r.URL.RawQuery))))
	}
	if host, port := splitHostPort(r.Host); host != "" {
		a = append(a, semconv.ServerAddress(clip(host)))
		if port > 0 {
			a = append(a, semconv.ServerPort(port))
		}
	}
	peer, port := splitHostPort(r.RemoteAddr)
	if peer != "" {
		a = append(a, semconv.NetworkPeerAddress(peer))
	}
	if port > 0 {
		a = append(a, semconv.NetworkPeerPort(port))
	}
	if client := forwardedFor(r); client != "" {
		a = append(a, semconv.ClientAddress(clip(client)))
	} else if peer != "" {
		a = append(a, semconv.ClientAddress(peer))
	}
	if agent := header(r.Header, "User-Agent"); agent != "" {
		a = append(a, semconv.UserAgentOriginal(clip(agent)))
	}
	return append(a, semconv.NetworkProtocolVersion(protocolVersion(r.ProtoMajor, r.ProtoMinor)))
}

// header is Header.Get for a key in its canonical form.
func header(h http.Header, key string) string {
	if v := h[key]; len(v) > 0 {
		return v[0]
	}
	return ""
}

func scheme(r *http.Request) string {
	switch s := header(r.Header, "X-Forwarded-Proto"); {
	case s == "http" || s == "https":
		return s
	case r.TLS != nil:
		return "https"
	}
	return "http"
}

// forwardedFor is the client as the first proxy saw it, or "". A client can
// write there what it likes; the address of the peer is beside it.
func forwardedFor(r *http.Request) string {
	first, _, _ := strings.Cut(header(r.Header, "X-Forwarded-For"), ",")
	return strings.TrimSpace(first)
}

func protocolVersion(major, minor int) string {
	switch {
	case major == 1 && minor == 1:
		return "1.1"
	case major == 2:
		return "2"
	case major == 3:
		return "3"
	}
	return strconv.Itoa(major) + "." + strconv.Itoa(minor)
}

// splitHostPort takes "host", "host:port", "[v6]:port" and "[v6]"; port is 0
// where there is none.
func splitHostPort(s string) (host string, port int) {
	end := strings.LastIndexByte(s, ':')
	if end < 0 || strings.IndexByte(s[end:], ']') >= 0 {
		return strings.Trim(s, "[]"), 0
	}
	port, err := strconv.Atoi(s[end+1:])
	if err != nil || port < 0 || port > 65535 {
		port = 0
	}
	return strings.Trim(s[:end], "[]"), port
}

// hidden takes the place of a value that is not to be seen.
const hidden = "REDACTED"

// scrubURL is a URL without user, password and the query's secrets.
func scrubURL(u *url.URL) string {
	if u.User == nil && u.RawQuery == "" && u.Fragment == "" {
		return clip(u.String())
	}
	clean := *u
	clean.RawQuery = scrubQuery(u.RawQuery)
	clean.Fragment, clean.RawFragment = "", ""
	if u.User != nil {
		clean.User = url.UserPassword(hidden, hidden)
	}
	return clip(clean.String())
}

// scrubQuery hides the values of parameters that hold secrets by their name.
func scrubQuery(query string) string {
	if !mayHoldSecret(query) {
		return query
	}
	var b strings.Builder
	for part := range strings.SplitSeq(query, "&") {
		if b.Len() > 0 {
			b.WriteByte('&')
		}
		key, _, ok := strings.Cut(part, "=")
		if ok && isSecret(key) {
			part = key + "=" + hidden
		}
		b.WriteString(part)
	}
	return b.String()
}

// secretWords are found in the names of parameters that hold secrets; the
// first four are those of the semantic conventions.
var secretWords = []string{"awsaccesskeyid", "signature", "sig", "x-goog-signature",
	"token", "password", "passwd", "secret", "api_key", "apikey", "api-key", "credential"}

func mayHoldSecret(query string) bool {
	for part := range strings.SplitSeq(query, "&") {
		if key, _, _ := strings.Cut(part, "="); isSecret(key) {
			return true
		}
	}
	return false
}

func isSecret(key string) bool {
	for _, word := range secretWords {
		if word == "sig" {
			if strings.EqualFold(key, word) {
				return true
			}
			continue
		}
		if containsFold(key, word) {
			return true
		}
	}
	return false
}

// containsFold reports whether s has word, which is in lower case, in any case.
func containsFold(s, word string) bool {
	for i := 0; i+len(word) <= len(s); i++ {
		if strings.EqualFold(s[i:i+len(word)], word) {
			return true
		}
	}
	return false
}
