package proxy

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"

	"go.opentelemetry.io/otel/codes"
	sdktrace "go.opentelemetry.io/otel/sdk/trace"
	"go.opentelemetry.io/otel/sdk/trace/tracetest"
	"go.uber.org/goleak"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// fixture is a proxy in front of a service, and the spans that it made.
type fixture struct {
	proxy       *Proxy
	url, egress string
	spans       *tracetest.SpanRecorder
	client      *http.Client
}

// start runs a service and a proxy in front of it.
func start(t *testing.T, service http.Handler, o Options) *fixture {
	t.Helper()
	l := listen(t)
	s := &http.Server{Handler: service, Protocols: new(http.Protocols)}
	s.Protocols.SetHTTP1(true)
	s.Protocols.SetUnencryptedHTTP2(true)
	go s.Serve(l)
	t.Cleanup(func() { s.Close() })
	return startBefore(t, "http://"+l.Addr().String(), o)
}

// startBefore runs a proxy before a service that may not be there.
func startBefore(t *testing.T, to string, o Options) *fixture {
	t.Helper()
	f := &fixture{spans: tracetest.NewSpanRecorder(), client: &http.Client{Transport: &http.Transport{}}}
	o.To, _ = url.Parse(to)
	o.TracerProvider = sdktrace.NewTracerProvider(sdktrace.WithSpanProcessor(f.spans))
	o.Logger = slog.New(slog.DiscardHandler)
	p, err := New(o)
	if err != nil {
		t.Fatal(err)
	}
	f.proxy = p
	in, out := listen(t), listen(t)
	f.url, f.egress = "http://"+in.Addr().String(), "http://"+out.Addr().String()
	done := make(chan error, 2)
	go func() { done <- p.Serve(in) }()
	go func() { done <- p.ServeEgress(out) }()
	t.Cleanup(func() {
		f.client.CloseIdleConnections()
		ctx, cancel := context.WithTimeout(context.Background(), 5*time.Second)
		defer cancel()
		if err := errors.Join(p.Shutdown(ctx), <-done, <-done); err != nil {
			t.Error(err)
		}
	})
	return f
}

func listen(t *testing.T) net.Listener {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	return l
}

// get sends a request with headers, "Name: value" each, and returns the
// answer's status and body.
func (f *fixture) get(t *testing.T, method, path string, headers ...string) (int, string) {
	t.Helper()
	r, err := http.NewRequest(method, f.url+path, nil)
	if err != nil {
		t.Fatal(err)
	}
	for _, h := range headers {
		name, value, _ := strings.Cut(h, ": ")
		r.Header.Set(name, value)
	}
	resp, err := f.client.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	return resp.StatusCode, string(body)
}

// ended waits for n spans.
func (f *fixture) ended(t *testing.T, n int) []sdktrace.ReadOnlySpan {
	t.Helper()
	for until := time.Now().Add(5 * time.Second); len(f.spans.Ended()) < n; time.Sleep(time.Millisecond) {
		if time.Now().After(until) {
			t.Fatalf("%d spans have ended, want %d", len(f.spans.Ended()), n)
		}
	}
	return f.spans.Ended()
}

// line is a span as a test writes it: kind, name, those attributes that are
// asked for, events, status.
func line(s sdktrace.ReadOnlySpan, keys ...string) string {
	words := []string{s.SpanKind().String(), s.Name()}
	for _, k := range keys {
		for _, a := range s.Attributes() {
			if string(a.Key) == k {
				words = append(words, k+"="+a.Value.String())
			}
		}
	}
	for _, e := range s.Events() {
		words = append(words, "<"+e.Name+">")
	}
	if s.Status().Code != codes.Unset {
		words = append(words, s.Status().Code.String())
	}
	return strings.Join(words, " ")
}

// TestRequest shows what a service sees and what its spans say.
func TestRequest(t *testing.T) {
	var seen *http.Request
	f := start(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		seen = r.Clone(context.Background())
		w.Header().Set("X-Answer", "1")
		w.WriteHeader(http.StatusTeapot)
		fmt.Fprint(w, "hello")
	}), Options{Routes: []string{"/users/{id}", "GET /files/{path...}"}})
	keys := []string{"http.request.method", "url.path", "url.query", "http.route", "http.response.status_code", "network.protocol.version", "http.response.body.size"}
	for i, c := range []struct{ method, path, span string }{
		{"GET", "/users/42?a=1;b=2", "server GET /users/{id} http.request.method=GET url.path=/users/42 url.query=a=1;b=2 http.route=/users/{id} http.response.status_code=418 network.protocol.version=1.1 http.response.body.size=5"},
		{"GET", "/files/a/b", "server GET /files/{path...} http.request.method=GET url.path=/files/a/b http.route=/files/{path...} http.response.status_code=418 network.protocol.version=1.1 http.response.body.size=5"},
		{"DELETE", "/files/a", "server DELETE http.request.method=DELETE url.path=/files/a http.response.status_code=418 network.protocol.version=1.1 http.response.body.size=5"},
		{"PURGE", "/x%2Fy", "server HTTP http.request.method=_OTHER url.path=/x/y http.response.status_code=418 network.protocol.version=1.1 http.response.body.size=5"},
	} {
		status, body := f.get(t, c.method, c.path, "X-Forwarded-For: 192.0.2.1", "X-Forwarded-Proto: https")
		if status != 418 || body != "hello" {
			t.Errorf("%s: %d %q", c.path, status, body)
		}
		if got := line(f.ended(t, i+1)[i], keys...); got != c.span {
			t.Errorf("%s makes the span\n%s\nwant\n%s", c.path, got, c.span)
		}
		host := strings.TrimPrefix(f.url, "http://")
		if seen.RequestURI != c.path || seen.Method != c.method || seen.Host != host {
			t.Errorf("the service sees %s %s of %s", seen.Method, seen.RequestURI, seen.Host)
		}
		for name, want := range map[string]string{"X-Forwarded-For": "192.0.2.1, 127.0.0.1", "X-Forwarded-Proto": "https", "X-Forwarded-Host": host} {
			if got := seen.Header.Get(name); got != want {
				t.Errorf("%s is %q, want %q", name, got, want)
			}
		}
	}
}

// TestTraceHeaders: a trace goes on whatever carries it, and every header that
// the service is given names the proxy's span.
func TestTraceHeaders(t *testing.T) {
	var seen http.Header
	f := start(t, http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) { seen = r.Header }), Options{})
	const trace, span = "5759e988bd862e3fe1be46a994272793", "53995c3f42cd8ad8"
	for i, c := range []struct {
		headers []string
		changed string // a further header that the service is given
	}{
		{[]string{"Traceparent: 00-" + trace + "-" + span + "-01"}, "Traceparent"},
		{[]string{"B3: " + trace + "-" + span + "-1"}, "B3"},
		{[]string{"X-B3-TraceId: " + trace, "X-B3-SpanId: " + span, "X-B3-Sampled: 1"}, "X-B3-Spanid"},
		{[]string{"Uber-Trace-Id: " + trace + ":" + span + ":0:1"}, "Uber-Trace-Id"},
		{[]string{"X-Amzn-Trace-Id: Root=1-5759e988-bd862e3fe1be46a994272793;Parent=" + span + ";Sampled=1"}, "X-Amzn-Trace-Id"},
		{[]string{"B3: 11111111111111111111111111111111-2222222222222222-1", "Traceparent: 00-" + trace + "-" + span + "-01"}, "B3"},
	} {
		f.get(t, "GET", "/", c.headers...)
		s := f.ended(t, i+1)[i]
		if s.Parent().SpanID().String() != span || s.SpanContext().TraceID().String() != trace {
			t.Errorf("%v: the span %v has the parent %v", c.headers, s.SpanContext(), s.Parent())
		}
		own := s.SpanContext().SpanID().String()
		for _, name := range []string{"Traceparent", c.changed} {
			if !strings.Contains(seen.Get(name), own) {
				t.Errorf("%v: the service is given %s: %s, want the span %s", c.headers, name, seen.Get(name), own)
			}
		}
	}
	f.get(t, "GET", "/", "Traceparent: 00-"+trace+"-"+span+"-00")
	f.get(t, "GET", "/")
	if n := len(f.ended(t, 7)); n != 7 {
		t.Errorf("%d spans, want none of the trace that is not sampled", n)
	}
	if seen.Get("Traceparent") == "" || seen.Get("B3") != "" {
		t.Errorf("a new trace has the headers %v", seen)
	}
}

// TestFailures: what clients and spans are told when there is no answer.
func TestFailures(t *testing.T) {
	away := listen(t)
	away.Close()
	unreachable := startBefore(t, "http://"+away.Addr().String(), Options{})
	slow := start(t, http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) { <-r.Context().Done() }), Options{Timeout: 50 * time.Millisecond})
	broken := start(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { panic(http.ErrAbortHandler) }), Options{})
	failing := start(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { http.Error(w, "no", http.StatusServiceUnavailable) }), Options{})
	for _, c := range []struct {
		f          *fixture
		status     int
		body, span string
	}{
		{unreachable, 502, "kiseki proxy: service_unreachable\n", "server GET http.response.status_code=502 error.type=service_unreachable <exception> Error"},
		{slow, 504, "kiseki proxy: service_timeout\n", "server GET http.response.status_code=504 error.type=service_timeout <exception> Error"},
		{broken, 502, "kiseki proxy: service_connection_broken\n", "server GET http.response.status_code=502 error.type=service_connection_broken <exception> Error"},
		{failing, 503, "no\n", "server GET http.response.status_code=503 error.type=503 Error"},
	} {
		status, body := c.f.get(t, "GET", "/")
		if status != c.status || body != c.body {
			t.Errorf("got %d %q, want %d %q", status, body, c.status, c.body)
		}
		if got := line(c.f.ended(t, 1)[0], "http.response.status_code", "error.type"); got != c.span {
			t.Errorf("got %s\nwant %s", got, c.span)
		}
	}
}

// TestCutOff: an answer that the service breaks off is broken off for the
// client too, and never looks whole.
func TestCutOff(t *testing.T) {
	f := start(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		fmt.Fprint(w, "half")
		http.NewResponseController(w).Flush()
		panic(http.ErrAbortHandler)
	}), Options{})
	resp, err := f.client.Get(f.url)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	if body, err := io.ReadAll(resp.Body); err == nil || string(body) != "half" {
		t.Errorf("read %q, %v", body, err)
	}
	if got := line(f.ended(t, 1)[0], "error.type"); got != "server GET error.type=aborted <answer begins> <exception> Error" {
		t.Error(got)
	}
}

// TestEvents: server-sent events arrive as they are sent, and a client that
// leaves is no error.
func TestEvents(t *testing.T) {
	left := make(chan struct{})
	f := start(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		defer close(left)
		w.Header().Set("Content-Type", "text/event-stream")
		fmt.Fprint(w, "data: 1\n\n")
		http.NewResponseController(w).Flush()
		<-r.Context().Done()
	}), Options{})
	ctx, leave := context.WithCancel(t.Context())
	defer leave()
	r, _ := http.NewRequestWithContext(ctx, "GET", f.url+"/events", nil)
	resp, err := f.client.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	if text, err := bufio.NewReader(resp.Body).ReadString('\n'); text != "data: 1\n" {
		t.Fatal(text, err)
	}
	if len(f.spans.Ended()) != 0 {
		t.Error("the span ended before the stream")
	}
	leave()
	<-left
	if got := line(f.ended(t, 1)[0], "http.response.status_code", "error.type"); got != "server GET http.response.status_code=200 <answer begins>" {
		t.Error(got)
	}
}

// TestUpgrade passes what follows a 101 in both directions.
func TestUpgrade(t *testing.T) {
	f := start(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		conn, rw, err := http.NewResponseController(w).Hijack()
		if err != nil {
			t.Error(err)
			return
		}
		defer conn.Close()
		fmt.Fprintf(rw, "HTTP/1.1 101 Switching Protocols\r\nUpgrade: %s\r\nConnection: Upgrade\r\n\r\n", r.Header.Get("Upgrade"))
		rw.Flush()
		for {
			text, err := rw.ReadString('\n')
			if err != nil {
				return
			}
			fmt.Fprint(rw, "echo "+text)
			rw.Flush()
		}
	}), Options{})
	conn, err := net.Dial("tcp", strings.TrimPrefix(f.url, "http://"))
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	fmt.Fprint(conn, "GET /socket HTTP/1.1\r\nHost: shop\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n")
	rw := bufio.NewReader(conn)
	resp, err := http.ReadResponse(rw, nil)
	if err != nil || resp.StatusCode != 101 {
		t.Fatal(resp, err)
	}
	for _, word := range []string{"one\n", "two\n"} {
		fmt.Fprint(conn, word)
		if text, err := rw.ReadString('\n'); text != "echo "+word {
			t.Errorf("got %q, %v", text, err)
		}
	}
	conn.Close()
	if got := line(f.ended(t, 1)[0], "http.response.status_code", "error.type"); got != "server GET http.response.status_code=101 <answer begins>" &&
		got != "server GET http.response.status_code=101" {
		t.Error(got)
	}
}

// TestBothWays: a service may answer while it reads.
func TestBothWays(t *testing.T) {
	f := start(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		_ = http.NewResponseController(w).EnableFullDuplex()
		lines := bufio.NewScanner(r.Body)
		for lines.Scan() {
			fmt.Fprintln(w, strings.ToUpper(lines.Text()))
			http.NewResponseController(w).Flush()
		}
		w.Header().Set(http.TrailerPrefix+"X-Sum", "3")
	}), Options{})
	body, send := io.Pipe()
	got := make(chan string)
	go func() {
		for _, word := range []string{"a", "b", "c"} {
			fmt.Fprintln(send, word)
			if text := <-got; text != strings.ToUpper(word) {
				t.Errorf("got %q", text)
			}
		}
		send.Close()
	}()
	resp, err := f.client.Post(f.url, "text/plain", body)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	lines := bufio.NewScanner(resp.Body)
	for lines.Scan() {
		got <- lines.Text()
	}
	if resp.Trailer.Get("X-Sum") != "3" {
		t.Errorf("trailers are %v", resp.Trailer)
	}
	if got := line(f.ended(t, 1)[0], "http.request.body.size", "error.type"); got != "server POST http.request.body.size=6 <answer begins>" {
		t.Error(got)
	}
}

func TestExcept(t *testing.T) {
	var seen http.Header
	f := start(t, http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) { seen = r.Header }), Options{Except: []string{"/healthz"}})
	const parent = "00-5759e988bd862e3fe1be46a994272793-53995c3f42cd8ad8-01"
	f.get(t, "GET", "/healthz", "Traceparent: "+parent)
	f.get(t, "GET", "/")
	if got := line(f.ended(t, 1)[0], "url.path"); got != "server GET url.path=/" || len(f.spans.Ended()) != 1 {
		t.Error(got)
	}
	if seen == nil {
		t.Error("the service was not asked")
	}
}

// TestShutdown lets requests end, and cuts those that do not.
func TestShutdown(t *testing.T) {
	begun, finish := make(chan struct{}, 2), make(chan struct{})
	f := start(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		begun <- struct{}{}
		if r.URL.Path == "/stream" {
			fmt.Fprint(w, "…")
			http.NewResponseController(w).Flush()
			<-r.Context().Done()
			return
		}
		<-finish
		fmt.Fprint(w, "done")
	}), Options{})
	stream, err := f.client.Get(f.url + "/stream")
	if err != nil {
		t.Fatal(err)
	}
	defer stream.Body.Close()
	answered := make(chan string, 1)
	go func() {
		_, body := f.get(t, "GET", "/")
		answered <- body
	}()
	<-begun
	<-begun
	ctx, cancel := context.WithTimeout(t.Context(), 300*time.Millisecond)
	defer cancel()
	time.AfterFunc(50*time.Millisecond, func() { close(finish) })
	err = f.proxy.Shutdown(ctx)
	if body := <-answered; body != "done" {
		t.Errorf("the request under way got %q", body)
	}
	if err == nil || !strings.Contains(err.Error(), "1 requests were cut") {
		t.Error(err)
	}
	if _, err := io.ReadAll(stream.Body); err == nil {
		t.Error("a stream that was cut looks whole")
	}
	if len(f.spans.Ended()) != 2 {
		t.Errorf("%d spans have ended", len(f.spans.Ended()))
	}
}

func TestOptions(t *testing.T) {
	for _, c := range []struct {
		to, route, want string
	}{
		{"127.0.0.1:9000", "/", "must be like"},
		{"ftp://127.0.0.1", "/", "must be like"},
		{"http://127.0.0.1/x", "/", "must have no path"},
		{"http://127.0.0.1", "users", "route \"users\" cannot be used"},
		{"http://127.0.0.1", "/a/{", "cannot be used"},
	} {
		to, _ := url.Parse(c.to)
		if _, err := New(Options{To: to, Routes: []string{c.route}, TracerProvider: sdktrace.NewTracerProvider()}); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s %s: %v", c.to, c.route, err)
		}
	}
}

// TestEgress: calls of the service through the forward proxy are CLIENT spans
// of the trace whose headers it copied.
func TestEgress(t *testing.T) {
	f := start(t, http.NotFoundHandler(), Options{})
	var seen http.Header
	l := listen(t)
	target := &http.Server{Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { seen = r.Header; fmt.Fprint(w, "there") })}
	go target.Serve(l)
	t.Cleanup(func() { target.Close() })
	via, _ := url.Parse(f.egress)
	client := &http.Client{Transport: &http.Transport{Proxy: http.ProxyURL(via), DisableKeepAlives: true}}
	r, _ := http.NewRequest("GET", "http://"+l.Addr().String()+"/path?token=1", nil)
	r.Header.Set("Traceparent", "00-5759e988bd862e3fe1be46a994272793-53995c3f42cd8ad8-01")
	resp, err := client.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	body, _ := io.ReadAll(resp.Body)
	resp.Body.Close()
	s := f.ended(t, 1)[0]
	if got := line(s, "http.response.status_code", "url.full"); string(body) != "there" || got != "client GET http.response.status_code=200 url.full=http://"+l.Addr().String()+"/path?token=REDACTED" {
		t.Errorf("%q %s", body, got)
	}
	if s.Parent().SpanID().String() != "53995c3f42cd8ad8" || !strings.Contains(seen.Get("Traceparent"), s.SpanContext().SpanID().String()) {
		t.Errorf("the parent is %v, the target is given %s", s.Parent(), seen.Get("Traceparent"))
	}
	if seen.Get("X-Forwarded-For") != "" {
		t.Error("the target is told who calls")
	}

	conn, err := net.Dial("tcp", via.Host)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	fmt.Fprintf(conn, "CONNECT %s HTTP/1.1\r\nHost: %[1]s\r\n\r\nGET / HTTP/1.0\r\n\r\n", l.Addr())
	answer, err := io.ReadAll(conn)
	if err != nil || !strings.HasSuffix(string(answer), "there") || !strings.HasPrefix(string(answer), "HTTP/1.1 200 ") {
		t.Errorf("the tunnel answers %q, %v", answer, err)
	}
	conn.Close()
	if got := line(f.ended(t, 2)[1], "server.address", "http.response.status_code"); got != "client CONNECT server.address=127.0.0.1 http.response.status_code=200" {
		t.Error(got)
	}

	l.Close()
	gone := listen(t)
	gone.Close()
	conn, _ = net.Dial("tcp", via.Host)
	defer conn.Close()
	fmt.Fprintf(conn, "CONNECT %s HTTP/1.1\r\nHost: %[1]s\r\nConnection: close\r\n\r\n", gone.Addr())
	if answer, _ := io.ReadAll(conn); !strings.HasPrefix(string(answer), "HTTP/1.1 502 ") {
		t.Errorf("%q", answer)
	}
	if got := line(f.ended(t, 3)[2], "error.type"); got != "client CONNECT error.type=service_unreachable <exception> Error" {
		t.Error(got)
	}
	if status, body := f.direct(t, f.egress); status != 400 || !strings.Contains(body, "HTTP_PROXY") {
		t.Errorf("%d %s", status, body)
	}
}

func (f *fixture) direct(t *testing.T, url string) (int, string) {
	t.Helper()
	resp, err := f.client.Get(url)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	body, _ := io.ReadAll(resp.Body)
	return resp.StatusCode, string(body)
}

// TestOverload: what there is no room for is refused at once.
func TestOverload(t *testing.T) {
	f := start(t, http.NotFoundHandler(), Options{})
	for range maxRequests {
		f.proxy.servers.enter()
	}
	status, body := f.get(t, "GET", "/")
	for range maxRequests {
		f.proxy.servers.leave()
	}
	if status != 503 || !strings.Contains(body, "proxy_overloaded") {
		t.Errorf("%d %s", status, body)
	}
	if got := line(f.ended(t, 1)[0], "error.type"); !slices.Contains(strings.Fields(got), "error.type=proxy_overloaded") {
		t.Error(got)
	}
}
