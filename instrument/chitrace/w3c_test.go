package chitrace_test

import (
	"bufio"
	"bytes"
	"encoding/json"
	"fmt"
	"net"
	"net/http"
	"net/http/httptest"
	"net/textproto"
	"regexp"
	"strings"
	"testing"

	"github.com/go-chi/chi/v5"

	"github.com/kiseki-dev/kiseki/instrument/chitrace"
	"github.com/kiseki-dev/kiseki/instrument/httptrace"
	"github.com/kiseki-dev/kiseki/instrument/internal/spantest"
)

const (
	callersTrace = "12345678901234567890123456789012"
	callersSpan  = "1234567890123456"
	sampled      = "00-" + callersTrace + "-" + callersSpan + "-01"
	unsampled    = "00-" + callersTrace + "-" + callersSpan + "-00"
)

// relay is the service that the W3C's test harness wants: it is sent a list
// of URLs with arguments and calls them, each with its arguments.
func relay(rec *spantest.Recorder) http.Handler {
	options := []httptrace.Option{httptrace.WithTracerProvider(rec.Provider), httptrace.WithPropagator(spantest.Propagator)}
	client := &http.Client{Transport: httptrace.Transport(nil, options...)}
	r := chi.NewRouter()
	r.Use(chitrace.Middleware(options...))
	r.Post("/test", func(w http.ResponseWriter, r *http.Request) {
		var calls []struct {
			URL       string          `json:"url"`
			Arguments json.RawMessage `json:"arguments"`
		}
		if err := json.NewDecoder(r.Body).Decode(&calls); err != nil {
			http.Error(w, err.Error(), http.StatusBadRequest)
			return
		}
		for _, c := range calls {
			out, err := http.NewRequestWithContext(r.Context(), http.MethodPost, c.URL, bytes.NewReader(c.Arguments))
			if err != nil {
				http.Error(w, err.Error(), http.StatusBadRequest)
				return
			}
			resp, err := client.Do(out)
			if err != nil {
				http.Error(w, err.Error(), http.StatusBadGateway)
				return
			}
			resp.Body.Close()
		}
	})
	return r
}

// w3cCases are those of the W3C's harness,
// https://github.com/w3c/trace-context/blob/main/test/test.py: what the
// caller sends, and what the service sends on.
var w3cCases = []struct {
	name    string
	headers string // of the request, one a line
	goesOn  bool   // whether the caller's trace does
	state   string // tracestate that is sent on
}{
	{"nothing", "", false, ""},
	{"traceparent alone", "traceparent: " + sampled, true, ""},
	{"unsampled", "traceparent: " + unsampled, true, ""},
	{"duplicate traceparent", "traceparent: 00-12345678901234567890123456789011-1234567890123456-01\ntraceparent: " + sampled, false, ""},
	{"the same traceparent twice", "traceparent: " + sampled + "\ntraceparent: " + sampled, false, ""},
	{"wrong name", "trace-parent: " + sampled, false, ""},
	{"wrong name with a dot", "trace.parent: " + sampled, false, ""},
	{"casing of the name", "TraceParent: " + sampled, true, ""},
	{"mixed casing of the name", "TrAcEpArEnT: " + sampled, true, ""},
	{"upper casing of the name", "TRACEPARENT: " + sampled, true, ""},

	{"version 00 with a dot more", "traceparent: " + sampled + ".", false, ""},
	{"version 00 with more", "traceparent: " + sampled + "-what-the-future-will-be-like", false, ""},
	{"version cc", "traceparent: cc" + sampled[2:], true, ""},
	{"version cc with more", "traceparent: cc" + sampled[2:] + "-what-the-future-will-be-like", true, ""},
	{"version cc with more in a wrong form", "traceparent: cc" + sampled[2:] + ".what-the-future-will-be-like", false, ""},
	{"version ff", "traceparent: ff" + sampled[2:], false, ""},
	{"illegal character in the version", "traceparent: .0" + sampled[2:], false, ""},
	{"illegal character at the end of the version", "traceparent: 0." + sampled[2:], false, ""},
	{"version too long", "traceparent: 0" + sampled, false, ""},
	{"version much too long", "traceparent: 00" + sampled, false, ""},
	{"version too short", "traceparent: " + sampled[1:], false, ""},

	{"trace id of zeros", "traceparent: 00-00000000000000000000000000000000-1234567890123456-01", false, ""},
	{"illegal character in the trace id", "traceparent: 00-.2345678901234567890123456789012-1234567890123456-01", false, ""},
	{"illegal character at the end of the trace id", "traceparent: 00-1234567890123456789012345678901.-1234567890123456-01", false, ""},
	{"upper case in the trace id", "traceparent: 00-ABCDEF78901234567890123456789012-1234567890123456-01", false, ""},
	{"trace id too long", "traceparent: 00-123456789012345678901234567890123-1234567890123456-01", false, ""},
	{"trace id too short", "traceparent: 00-1234567890123456789012345678901-1234567890123456-01", false, ""},
	{"parent id of zeros", "traceparent: 00-" + callersTrace + "-0000000000000000-01", false, ""},
	{"illegal character in the parent id", "traceparent: 00-" + callersTrace + "-.234567890123456-01", false, ""},
	{"illegal character at the end of the parent id", "traceparent: 00-" + callersTrace + "-123456789012345.-01", false, ""},
	{"parent id too long", "traceparent: 00-" + callersTrace + "-12345678901234567-01", false, ""},
	{"parent id too short", "traceparent: 00-" + callersTrace + "-123456789012345-01", false, ""},
	{"illegal character in the flags", "traceparent: 00-" + callersTrace + "-1234567890123456-.0", false, ""},
	{"illegal character at the end of the flags", "traceparent: 00-" + callersTrace + "-1234567890123456-0.", false, ""},
	{"flags too long", "traceparent: 00-" + callersTrace + "-1234567890123456-001", false, ""},
	{"flags too short", "traceparent: 00-" + callersTrace + "-1234567890123456-1", false, ""},
	{"flags nobody knows yet", "traceparent: 00-" + callersTrace + "-1234567890123456-ff", true, ""},
	{"white space around", "traceparent: \t " + sampled + " \t", true, ""},

	{"tracestate without traceparent", "tracestate: foo=1", false, ""},
	{"tracestate with an illegal traceparent", "traceparent: ff" + sampled[2:] + "\ntracestate: foo=1", false, ""},
	{"tracestate", "traceparent: " + unsampled + "\ntracestate: foo=1,bar=2", true, "foo=1,bar=2"},
	{"wrong name of tracestate", "traceparent: " + unsampled + "\ntrace-state: foo=1", true, ""},
	{"casing of tracestate", "traceparent: " + unsampled + "\nTrAcEsTaTe: foo=1", true, "foo=1"},
	{"empty tracestate", "traceparent: " + unsampled + "\ntracestate: ", true, ""},
	{"second tracestate empty", "traceparent: " + unsampled + "\ntracestate: foo=1\ntracestate: ", true, "foo=1"},
	{"first tracestate empty", "traceparent: " + unsampled + "\ntracestate: \ntracestate: foo=1", true, "foo=1"},
	{"several tracestates", "traceparent: " + unsampled + "\ntracestate: foo=1,bar=2\ntracestate: rojo=1,congo=2\ntracestate: baz=3",
		true, "foo=1,bar=2,rojo=1,congo=2,baz=3"},
	{"duplicate keys", "traceparent: " + unsampled + "\ntracestate: foo=1,foo=1", true, "foo=1"},
	{"duplicate keys of two values", "traceparent: " + unsampled + "\ntracestate: foo=1,foo=2", true, "foo=1"},
	{"duplicate keys in two headers", "traceparent: " + unsampled + "\ntracestate: foo=1\ntracestate: foo=2", true, "foo=1"},
	{"all characters of a key", "traceparent: " + unsampled + "\ntracestate: " + allKey + "=1", true, allKey + "=1"},
	{"all characters of a key with tenant", "traceparent: " + unsampled + "\ntracestate: " + allKey + "@a-z0-9_-*/=1", true, allKey + "@a-z0-9_-*/=1"},
	{"all characters of a value", "traceparent: " + unsampled + "\ntracestate: a=" + allValue(), true, "a=" + allValue()},
	{"white space between members", "traceparent: " + unsampled + "\ntracestate:  foo=1 \t , \t bar=2, \t baz=3\t", true, "foo=1,bar=2,baz=3"},
	{"white space in a key", "traceparent: " + unsampled + "\ntracestate: foo =1", true, ""},
	{"upper case key", "traceparent: " + unsampled + "\ntracestate: FOO=1", true, ""},
	{"dot in a key", "traceparent: " + unsampled + "\ntracestate: foo.bar=1", true, ""},
	{"at sign at the end of a key", "traceparent: " + unsampled + "\ntracestate: foo@=1,bar=2", true, "foo@=1,bar=2"},
	{"at sign at the front of a key", "traceparent: " + unsampled + "\ntracestate: @foo=1,bar=2", true, ""},
	{"two at signs in a key", "traceparent: " + unsampled + "\ntracestate: foo@@bar=1,bar=2", true, "foo@@bar=1,bar=2"},
	{"at signs apart in a key", "traceparent: " + unsampled + "\ntracestate: foo@bar@baz=1,bar=2", true, "foo@bar@baz=1,bar=2"},
	{"key that begins with a digit", "traceparent: " + unsampled + "\ntracestate: 1a=1", true, "1a=1"},
	{"32 members", "traceparent: " + unsampled + "\ntracestate: " + members(1, 20) + "\ntracestate: " + members(21, 32), true, members(1, 32)},
	{"33 members", "traceparent: " + unsampled + "\ntracestate: " + members(1, 20) + "\ntracestate: " + members(21, 33), true, ""},
	{"key of 256", "traceparent: " + unsampled + "\ntracestate: foo=1\ntracestate: " + z(256) + "=1", true, "foo=1," + z(256) + "=1"},
	{"key of 257", "traceparent: " + unsampled + "\ntracestate: foo=1\ntracestate: " + z(257) + "=1", true, ""},
	{"tenant of 241, system of 14", "traceparent: " + unsampled + "\ntracestate: foo=1," + z(241) + "@" + z(14) + "=1", true, "foo=1," + z(241) + "@" + z(14) + "=1"},
	{"tenant of 242", "traceparent: " + unsampled + "\ntracestate: foo=1," + z(242) + "@v=1", true, "foo=1," + z(242) + "@v=1"},
	{"system of 15", "traceparent: " + unsampled + "\ntracestate: foo=1,t@" + z(15) + "=1", true, "foo=1,t@" + z(15) + "=1"},
	{"value of 256", "traceparent: " + unsampled + "\ntracestate: foo=" + z(256), true, "foo=" + z(256)},
	{"value of 257", "traceparent: " + unsampled + "\ntracestate: foo=" + z(257), true, ""},
	{"equals sign in a value", "traceparent: " + unsampled + "\ntracestate: foo=bar=baz", true, ""},
	{"empty value", "traceparent: " + unsampled + "\ntracestate: foo=,bar=3", true, ""},
}

const allKey = "abcdefghijklmnopqrstuvwxyz0123456789_-*/"

// allValue is every character a value may have; white space at its front
// would be the list's.
func allValue() string {
	var b strings.Builder
	for c := byte(' '); c <= '~'; c++ {
		if c != ',' && c != '=' {
			b.WriteByte(c)
		}
	}
	return b.String()
}

func z(n int) string { return strings.Repeat("z", n) }

func members(from, to int) string {
	var list []string
	for i := from; i <= to; i++ {
		list = append(list, fmt.Sprintf("bar%02d=%02d", i, i))
	}
	return strings.Join(list, ",")
}

func TestW3C(t *testing.T) {
	service := httptest.NewServer(relay(spantest.New()))
	defer service.Close()
	for _, x := range w3cCases {
		t.Run(x.name, func(t *testing.T) {
			sent := send(t, service, x.headers, 1)[0]
			if goesOn := sent.traceID == callersTrace; goesOn != x.goesOn {
				t.Errorf("the trace sent on is %s", sent.traceID)
			}
			if sent.spanID == callersSpan {
				t.Error("the caller's span is sent on as if it were this service's")
			}
			if sent.state != x.state {
				t.Errorf("tracestate sent on is\n%q, want\n%q", sent.state, x.state)
			}
		})
	}
}

// Several calls are siblings: one trace, a span id each.
func TestW3CSeveralCalls(t *testing.T) {
	service := httptest.NewServer(relay(spantest.New()))
	defer service.Close()
	for _, headers := range []string{"", "traceparent: " + sampled, "traceparent: 00-00000000000000000000000000000000-1234567890123456-01"} {
		traces, spans := map[string]bool{}, map[string]bool{}
		for _, c := range send(t, service, headers, 3) {
			traces[c.traceID], spans[c.spanID] = true, true
		}
		if len(traces) != 1 || len(spans) != 3 {
			t.Errorf("with %q: traces %v, spans %v", headers, traces, spans)
		}
		if traces[callersTrace] != (headers == "traceparent: "+sampled) {
			t.Errorf("with %q: traces %v", headers, traces)
		}
	}
}

func TestW3CFlags(t *testing.T) {
	service := httptest.NewServer(relay(spantest.New()))
	defer service.Close()
	for came, want := range map[string]string{"00": "01", "01": "01", "02": "03", "03": "03", "ff": "03"} {
		if got := send(t, service, "traceparent: "+sampled[:53]+came, 1)[0].flags; got != want {
			t.Errorf("flags %s are sent on as %s, want %s by a service that samples everything", came, got, want)
		}
	}
}

// sentOn is the trace context that the service sent on.
type sentOn struct{ traceID, spanID, flags, state string }

var traceparentForm = regexp.MustCompile(`^00-([0-9a-f]{32})-([0-9a-f]{16})-([0-9a-f]{2})$`)

// send makes the service call n times and returns what arrived. It writes the
// request itself, because http.Client would tidy up the headers.
func send(t *testing.T, service *httptest.Server, headers string, n int) []sentOn {
	t.Helper()
	var calls []sentOn
	called := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		parents := r.Header["Traceparent"]
		if len(parents) != 1 || !traceparentForm.MatchString(parents[0]) {
			t.Errorf("traceparent sent on is %q", parents)
			return
		}
		p := traceparentForm.FindStringSubmatch(parents[0])
		calls = append(calls, sentOn{p[1], p[2], p[3], strings.Join(r.Header["Tracestate"], ",")})
	}))
	defer called.Close()
	conn, err := net.Dial("tcp", service.Listener.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	body := "[" + strings.TrimSuffix(strings.Repeat(fmt.Sprintf(`{"url":%q,"arguments":[]},`, called.URL), n), ",") + "]"
	lines := ""
	for l := range strings.Lines(headers) {
		lines += strings.TrimSuffix(l, "\n") + "\r\n"
	}
	fmt.Fprintf(conn, "POST /test HTTP/1.1\r\nHost: service\r\nContent-Length: %d\r\n%s\r\n%s", len(body), lines, body)
	status, err := textproto.NewReader(bufio.NewReader(conn)).ReadLine()
	if err != nil || status != "HTTP/1.1 200 OK" || len(calls) != n {
		t.Fatalf("the service answers %q, %v, and calls %d times", status, err, len(calls))
	}
	return calls
}
