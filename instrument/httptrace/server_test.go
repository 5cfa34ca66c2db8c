package httptrace_test

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"log"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"go.opentelemetry.io/otel/codes"
	sdktrace "go.opentelemetry.io/otel/sdk/trace"
	"go.opentelemetry.io/otel/trace"

	"github.com/kiseki-dev/kiseki/instrument/httptrace"
	"github.com/kiseki-dev/kiseki/instrument/internal/spantest"
	"github.com/kiseki-dev/kiseki/instrument/internal/tracing"
)

// serve starts a real server of mux, traced, and returns its URL.
func serve(t testing.TB, rec *spantest.Recorder, h http.Handler, options ...httptrace.Option) string {
	t.Helper()
	options = append([]httptrace.Option{
		httptrace.WithTracerProvider(rec.Provider), httptrace.WithPropagator(spantest.Propagator)}, options...)
	server := httptest.NewUnstartedServer(httptrace.Handler(h, options...))
	server.Config.ErrorLog = log.New(io.Discard, "", 0) // of panics
	server.Start()
	t.Cleanup(server.Close)
	return server.URL
}

func get(t testing.TB, url string, headers ...string) string {
	t.Helper()
	return do(t, http.MethodGet, url, "", headers...)
}

func do(t testing.TB, method, url, body string, headers ...string) string {
	t.Helper()
	r, err := http.NewRequest(method, url, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	r.Header.Set("User-Agent", "test/1")
	for i := 0; i < len(headers); i += 2 {
		r.Header.Add(headers[i], headers[i+1])
	}
	resp, err := http.DefaultClient.Do(r)
	if err != nil {
		return err.Error()
	}
	defer resp.Body.Close()
	answer, err := io.ReadAll(resp.Body)
	if err != nil {
		return err.Error()
	}
	return fmt.Sprintf("%d %s", resp.StatusCode, answer)
}

func orders() *http.ServeMux {
	mux := http.NewServeMux()
	mux.HandleFunc("POST /orders/{id}/lines", func(w http.ResponseWriter, r *http.Request) {
		_, _ = io.Copy(io.Discard, r.Body)
		w.WriteHeader(http.StatusCreated)
		_, _ = io.WriteString(w, "line of "+r.PathValue("id"))
	})
	mux.HandleFunc("GET /broken", func(w http.ResponseWriter, r *http.Request) {
		tracing.RecordError(trace.SpanFromContext(r.Context()), errors.New("no such table"))
		http.Error(w, "sorry", http.StatusServiceUnavailable)
	})
	mux.HandleFunc("GET /panics", func(http.ResponseWriter, *http.Request) { panic("out of paper") })
	mux.HandleFunc("GET /aborts", func(http.ResponseWriter, *http.Request) { panic(http.ErrAbortHandler) })
	mux.HandleFunc("GET /healthz", func(http.ResponseWriter, *http.Request) {})
	return mux
}

func TestServerSpan(t *testing.T) {
	rec := spantest.New()
	url := serve(t, rec, orders())
	got := do(t, "POST", url+"/orders/42/lines?page=1&access_token=abc", "two chairs",
		"traceparent", "00-12345678901234567890123456789012-1234567890123456-01",
		"X-Forwarded-For", "203.0.113.7, 10.0.0.1")
	if got != "201 line of 42" {
		t.Fatalf("answer is %q", got)
	}
	spantest.Compare(t, rec.Text(t, 1), `
		server POST /orders/{id}/lines (called)
		  client.address = 203.0.113.7
		  http.request.body.size = 10
		  http.request.method = POST
		  http.response.body.size = 10
		  http.response.status_code = 201
		  http.route = /orders/{id}/lines
		  network.peer.address = 127.0.0.1
		  network.peer.port = PORT
		  network.protocol.version = 1.1
		  server.address = 127.0.0.1
		  server.port = PORT
		  url.path = /orders/42/lines
		  url.query = page=1&access_token=REDACTED
		  url.scheme = http
		  user_agent.original = test/1
		`)
	if id := rec.Spans(t, 1)[0].SpanContext().TraceID().String(); id != "12345678901234567890123456789012" {
		t.Errorf("the trace is %s", id)
	}
}

// what is of no interest to the tests of failures and routes
var usual = []string{"client.address", "http.request.body.size", "http.request.method", "network.peer.address",
	"network.peer.port", "network.protocol.version", "server.address", "server.port", "url.scheme",
	"user_agent.original", "url.path"}

func TestFailures(t *testing.T) {
	for _, x := range []struct{ path, want string }{
		{"/broken", `
			server GET /broken Error: no such table
			  error.type = *errors.errorString
			  http.response.body.size = 6
			  http.response.status_code = 503
			  http.route = /broken
			  event exception exception.message=no such table exception.type=*errors.errorString
			`},
		{"/panics", `
			server GET /panics Error: panic: out of paper
			  error.type = string
			  http.response.body.size = 0
			  http.response.status_code = 500
			  http.route = /panics
			  event exception exception.message=out of paper exception.type=string
			`},
		{"/aborts", `
			server GET /aborts Error: net/http: abort Handler
			  error.type = aborted
			  http.response.body.size = 0
			  http.response.status_code = 500
			  http.route = /aborts
			`},
		{"/nowhere", `
			server GET
			  http.response.body.size = 19
			  http.response.status_code = 404
			`},
	} {
		rec := spantest.New()
		get(t, serve(t, rec, orders())+x.path)
		spantest.Compare(t, rec.Text(t, 1, usual...), x.want)
	}
}

func TestStackOfPanicHasTheHandler(t *testing.T) {
	rec := spantest.New()
	mux := http.NewServeMux()
	mux.HandleFunc("/", thisHandlerPanics)
	get(t, serve(t, rec, mux))
	for _, a := range rec.Spans(t, 1)[0].Events()[0].Attributes {
		if a.Key == "exception.stacktrace" {
			if !strings.Contains(a.Value.AsString(), "thisHandlerPanics") {
				t.Errorf("the stack is\n%s", a.Value.AsString())
			}
			return
		}
	}
	t.Error("there is no stack")
}

func thisHandlerPanics(http.ResponseWriter, *http.Request) {
	var nothing *http.Server
	nothing.Addr = "now"
}

func TestChosenRoutes(t *testing.T) {
	type options = []httptrace.Option
	for _, x := range []struct {
		options options
		request string
		traced  bool
	}{
		{nil, "GET /healthz", true},
		{options{httptrace.Except("/healthz")}, "GET /healthz", false},
		{options{httptrace.Except("/healthz")}, "GET /healthz/deep", true},
		{options{httptrace.Except("/debug/*")}, "GET /debug/pprof/heap", false},
		{options{httptrace.Except("POST /orders")}, "GET /orders", true},
		{options{httptrace.Only("/orders/{id}")}, "GET /orders/7", true},
		{options{httptrace.Only("/orders/{id}")}, "GET /orders/7/lines", false},
		{options{httptrace.Only("/orders/{id}")}, "GET /orders/", false},
		{options{httptrace.Only("/orders/{rest...}")}, "GET /orders/7/lines", true},
		{options{httptrace.Only("/a/*", "/b/*")}, "GET /b/c", true},
		{options{httptrace.Only("/a/*"), httptrace.Except("/a/b")}, "GET /a/b", false},
	} {
		rec := spantest.New()
		options := append(x.options, httptrace.WithTracerProvider(rec.Provider), httptrace.WithPropagator(spantest.Propagator))
		var seen trace.SpanContext
		h := httptrace.Handler(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
			seen = trace.SpanContextFromContext(r.Context())
		}), options...)
		method, path, _ := strings.Cut(x.request, " ")
		r := httptest.NewRequest(method, path, nil)
		r.Header.Set("traceparent", "00-12345678901234567890123456789012-1234567890123456-01")
		h.ServeHTTP(httptest.NewRecorder(), r)
		if traced := len(rec.Spans(t, 0)) == 1; traced != x.traced {
			t.Errorf("%s is traced: %t, want %t", x.request, traced, x.traced)
		}
		if seen.TraceID().String() != "12345678901234567890123456789012" {
			t.Errorf("%s: the caller's trace is lost", x.request)
		}
	}
}

func TestMethodsAreFew(t *testing.T) {
	rec := spantest.New()
	r := httptest.NewRequest("BREW", "/pot", nil)
	httptrace.Handler(http.NotFoundHandler(), httptrace.WithTracerProvider(rec.Provider)).
		ServeHTTP(httptest.NewRecorder(), r)
	text := rec.Text(t, 1)
	for _, want := range []string{"server HTTP\n", "http.request.method = _OTHER", "http.request.method_original = BREW"} {
		if !strings.Contains(text, want) {
			t.Errorf("%q is not in\n%s", want, text)
		}
	}
}

// The connection behind the handler is what it is without tracing.
func TestStreaming(t *testing.T) {
	rec := spantest.New()
	more := make(chan bool)
	url := serve(t, rec, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		for range 2 {
			fmt.Fprintln(w, "tick")
			if err := http.NewResponseController(w).Flush(); err != nil {
				t.Error(err)
			}
			<-more
		}
		w.(http.Flusher).Flush()
	}))
	resp, err := http.Get(url)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	lines := bufio.NewScanner(resp.Body)
	for range 2 {
		if !lines.Scan() || lines.Text() != "tick" {
			t.Fatalf("got %q while the handler runs", lines.Text())
		}
		more <- true
	}
	if text := rec.Text(t, 1); !strings.Contains(text, "http.response.body.size = 10") {
		t.Error(text)
	}
}

func TestHijack(t *testing.T) {
	rec := spantest.New()
	url := serve(t, rec, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		conn, rw, err := w.(http.Hijacker).Hijack()
		if err != nil {
			t.Error(err)
			return
		}
		defer conn.Close()
		_, _ = rw.WriteString("HTTP/1.1 101 Switching Protocols\r\nUpgrade: echo\r\nConnection: Upgrade\r\n\r\n")
		_ = rw.Flush()
		line, _ := rw.ReadString('\n')
		_, _ = rw.WriteString(line)
		_ = rw.Flush()
	}))
	conn, err := net.Dial("tcp", strings.TrimPrefix(url, "http://"))
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	fmt.Fprint(conn, "GET /socket HTTP/1.1\r\nHost: here\r\nConnection: Upgrade\r\nUpgrade: echo\r\n\r\nhello\n")
	answer, err := io.ReadAll(conn)
	if err != nil || !strings.HasSuffix(string(answer), "\r\n\r\nhello\n") {
		t.Errorf("the socket answers %q, %v", answer, err)
	}
	spantest.Compare(t, rec.Text(t, 1, usual...), "server GET")
}

func TestFileOfReadFrom(t *testing.T) {
	rec := spantest.New()
	name := filepath.Join(t.TempDir(), "file.txt")
	if err := os.WriteFile(name, make([]byte, 100_000), 0o600); err != nil {
		t.Fatal(err)
	}
	url := serve(t, rec, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if _, ok := w.(io.ReaderFrom); !ok {
			t.Error("the handler cannot send files the short way")
		}
		http.ServeFile(w, r, name)
	}))
	if got := get(t, url); len(got) != 100_004 {
		t.Errorf("%d bytes arrived", len(got))
	}
	if text := rec.Text(t, 1); !strings.Contains(text, "http.response.body.size = 100000") {
		t.Error(text)
	}
}

func TestHTTP2(t *testing.T) {
	rec := spantest.New()
	server := httptest.NewUnstartedServer(httptrace.Handler(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if _, ok := w.(http.Hijacker); ok {
			t.Error("a connection of HTTP/2 cannot be hijacked, the handler must not think so")
		}
		w.(http.Flusher).Flush()
		_, _ = io.Copy(w, r.Body)
	}), httptrace.WithTracerProvider(rec.Provider)))
	server.EnableHTTP2 = true
	server.StartTLS()
	defer server.Close()
	resp, err := server.Client().Post(server.URL, "text/plain", strings.NewReader("echo"))
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	if err != nil || string(body) != "echo" || resp.ProtoMajor != 2 {
		t.Fatalf("%q, %v, %s", body, err, resp.Proto)
	}
	text := rec.Text(t, 1)
	for _, want := range []string{"network.protocol.version = 2", "url.scheme = https", "http.request.body.size = 4"} {
		if !strings.Contains(text, want) {
			t.Errorf("%q is not in\n%s", want, text)
		}
	}
}

func TestInterfacesAreThoseBehind(t *testing.T) {
	type (
		plain   struct{ http.ResponseWriter }
		flusher struct {
			http.ResponseWriter
			http.Flusher
		}
	)
	real := httptest.NewRecorder()
	for _, x := range []struct {
		w       http.ResponseWriter
		flushes bool
	}{{plain{real}, false}, {flusher{real, real}, true}} {
		rec := spantest.New()
		httptrace.Handler(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
			if _, ok := w.(http.Flusher); ok != x.flushes {
				t.Errorf("behind %T the handler sees a flusher: %t", x.w, ok)
			}
			if _, ok := w.(http.Hijacker); ok {
				t.Errorf("behind %T the handler sees a hijacker", x.w)
			}
		}), httptrace.WithTracerProvider(rec.Provider)).ServeHTTP(x.w, httptest.NewRequest("GET", "/", nil))
	}
}

func TestUnsampledCarriesOn(t *testing.T) {
	rec := spantest.New(sdktrace.ParentBased(sdktrace.AlwaysSample()))
	var inner trace.SpanContext
	url := serve(t, rec, http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		inner = trace.SpanContextFromContext(r.Context())
		_, span := trace.SpanFromContext(r.Context()).TracerProvider().Tracer("").Start(r.Context(), "child")
		span.SetStatus(codes.Error, "")
		span.End()
	}))
	get(t, url, "traceparent", "00-12345678901234567890123456789012-1234567890123456-00", "tracestate", "a=1")
	if inner.TraceID().String() != "12345678901234567890123456789012" || inner.IsSampled() || inner.IsRemote() ||
		inner.SpanID().String() == "1234567890123456" || inner.TraceState().String() != "a=1" {
		t.Errorf("the handler's span is %+v", inner)
	}
	if n := len(rec.Spans(t, 0)); n != 0 {
		t.Errorf("%d spans were recorded", n)
	}
}

// Cancellation and values of the request's context pass the one of the trace.
func TestContextIsTheRequests(t *testing.T) {
	rec := spantest.New()
	type key struct{}
	ctx, cancel := context.WithCancelCause(context.WithValue(context.Background(), key{}, "value"))
	h := httptrace.Handler(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		below, stop := context.WithCancel(r.Context())
		defer stop()
		cancel(errors.New("gone"))
		<-below.Done()
		if context.Cause(below).Error() != "gone" || below.Value(key{}) != "value" {
			t.Errorf("cause %v, value %v", context.Cause(below), below.Value(key{}))
		}
	}), httptrace.WithTracerProvider(rec.Provider))
	h.ServeHTTP(httptest.NewRecorder(), httptest.NewRequestWithContext(ctx, "GET", "/", nil))
}
