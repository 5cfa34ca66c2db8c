package httptrace_test

import (
	"context"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"go.opentelemetry.io/otel/baggage"
	"go.opentelemetry.io/otel/trace"

	"github.com/kiseki-dev/kiseki/instrument/httptrace"
	"github.com/kiseki-dev/kiseki/instrument/internal/spantest"
)

func client(rec *spantest.Recorder, options ...httptrace.Option) *http.Client {
	return &http.Client{Transport: httptrace.Transport(nil, append(options,
		httptrace.WithTracerProvider(rec.Provider), httptrace.WithPropagator(spantest.Propagator))...)}
}

func call(t *testing.T, c *http.Client, ctx context.Context, method, url, body string) (string, error) {
	t.Helper()
	r, err := http.NewRequestWithContext(ctx, method, url, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	resp, err := c.Do(r)
	if err != nil {
		return "", err
	}
	defer resp.Body.Close()
	answer, err := io.ReadAll(resp.Body)
	return string(answer), err
}

// One trace through a client, a server, and what the server calls.
func TestCall(t *testing.T) {
	rec := spantest.New()
	stock := serve(t, rec, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		who := baggage.FromContext(r.Context()).Member("user.id").Value()
		http.Error(w, "none left for "+who, http.StatusConflict)
	}))
	shop := http.NewServeMux()
	shop.HandleFunc("GET /buy", func(w http.ResponseWriter, r *http.Request) {
		ctx := httptrace.WithTemplate(r.Context(), "/stock/{sku}")
		answer, err := call(t, client(rec), ctx, "POST", strings.Replace(stock, "//", "//me:secret@", 1)+"/stock/7?token=1", "one")
		if err != nil {
			t.Error(err)
		}
		_, _ = io.WriteString(w, answer)
	})
	member, _ := baggage.NewMember("user.id", "u-7")
	bag, _ := baggage.New(member)
	answer, err := call(t, client(rec), baggage.ContextWithBaggage(context.Background(), bag), "GET", serve(t, rec, shop)+"/buy", "")
	if err != nil || answer != "none left for u-7\n" {
		t.Fatalf("%q, %v", answer, err)
	}
	text := rec.Text(t, 4, append(usual, "http.response.body.size")...)
	port := text[strings.Index(text, "127.0.0.1:")+10:]
	port = port[:strings.IndexByte(port, '/')]
	inner := text[strings.LastIndex(text, "127.0.0.1:")+10:]
	inner = inner[:strings.IndexByte(inner, '/')]
	text = strings.NewReplacer(port, "PORT", inner, "PORT").Replace(text)
	spantest.Compare(t, text, `
		client GET
		  http.response.status_code = 200
		  url.full = http://127.0.0.1:PORT/buy
		  server GET /buy (called)
		    http.response.status_code = 200
		    http.route = /buy
		    client POST /stock/{sku} Error
		      error.type = 409
		      http.response.status_code = 409
		      url.full = http://REDACTED:REDACTED@127.0.0.1:PORT/stock/7?token=REDACTED
		      url.template = /stock/{sku}
		      server POST (called)
		        http.response.status_code = 409
		        url.query = token=REDACTED
		`)
}

func TestCallThatFails(t *testing.T) {
	rec := spantest.New()
	hangs := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) { <-r.Context().Done() }))
	defer hangs.Close()
	ctx, cancel := context.WithTimeout(context.Background(), 20*time.Millisecond)
	defer cancel()
	if _, err := call(t, client(rec), ctx, "GET", hangs.URL, ""); err == nil {
		t.Fatal("the call did not fail")
	}
	spantest.Compare(t, rec.Text(t, 1, append(usual, "url.full")...), `
		client GET Error: context deadline exceeded
		  error.type = context.DeadlineExceeded
		  event exception exception.message=context deadline exceeded exception.type=context.DeadlineExceeded
		`)

	rec = spantest.New()
	if _, err := call(t, client(rec), context.Background(), "GET", "http://127.0.0.1:1/", ""); err == nil {
		t.Fatal("the call did not fail")
	}
	if text := rec.Text(t, 1); !strings.Contains(text, "error.type = *net.OpError") {
		t.Error(text)
	}
}

// An answer cut off in the middle is a failure of the call.
func TestAnswerCutOff(t *testing.T) {
	rec := spantest.New()
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Length", "100")
		_, _ = io.WriteString(w, "half")
	}))
	defer server.Close()
	if _, err := call(t, client(rec), context.Background(), "GET", server.URL, ""); err == nil {
		t.Fatal("the call did not fail")
	}
	text := rec.Text(t, 1)
	if !strings.HasPrefix(text, "client GET Error: unexpected EOF") || !strings.Contains(text, "http.response.body.size = 4") {
		t.Error(text)
	}
}

func TestPropagateTo(t *testing.T) {
	var got http.Header
	server := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) { got = r.Header }))
	defer server.Close()
	for _, x := range []struct {
		hosts []string
		sent  bool
	}{
		{nil, true},
		{[]string{"127.0.0.1"}, true},
		{[]string{"*.0.0.1"}, true},
		{[]string{"*.shop.internal", "localhost"}, false},
	} {
		rec := spantest.New()
		request, err := http.NewRequest("GET", server.URL, nil)
		if err != nil {
			t.Fatal(err)
		}
		resp, err := client(rec, httptrace.PropagateTo(x.hosts...)).Do(request)
		if err != nil {
			t.Fatal(err)
		}
		resp.Body.Close()
		if sent := got.Get("traceparent") != ""; sent != x.sent {
			t.Errorf("with %q the trace is sent: %t", x.hosts, sent)
		}
		if len(request.Header) != 0 {
			t.Errorf("the caller's request has got headers: %v", request.Header)
		}
		rec.Spans(t, 1)
	}
}

// A connection that was upgraded can still be written to.
func TestUpgradedBody(t *testing.T) {
	rec := spantest.New()
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		conn, rw, err := http.NewResponseController(w).Hijack()
		if err != nil {
			t.Error(err)
			return
		}
		defer conn.Close()
		_, _ = rw.WriteString("HTTP/1.1 101 Switching Protocols\r\nUpgrade: echo\r\nConnection: Upgrade\r\n\r\n")
		_ = rw.Flush()
		_, _ = io.CopyN(conn, rw, 5)
	}))
	defer server.Close()
	r, _ := http.NewRequest("GET", server.URL, nil)
	r.Header.Set("Connection", "Upgrade")
	r.Header.Set("Upgrade", "echo")
	resp, err := client(rec).Do(r)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	if _, err := io.WriteString(resp.Body.(io.ReadWriteCloser), "hello"); err != nil {
		t.Fatal(err)
	}
	if echo, _ := io.ReadAll(resp.Body); string(echo) != "hello" {
		t.Errorf("the socket answers %q", echo)
	}
	rec.Spans(t, 1)
}

// A call that is not sampled still says so to the other side.
func TestUnsampledCall(t *testing.T) {
	rec := spantest.New()
	var got string
	server := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) { got = r.Header.Get("traceparent") }))
	defer server.Close()
	parent := trace.NewSpanContext(trace.SpanContextConfig{TraceID: trace.TraceID{1}, SpanID: trace.SpanID{2}})
	if _, err := call(t, client(rec), trace.ContextWithSpanContext(context.Background(), parent), "GET", server.URL, ""); err != nil {
		t.Fatal(err)
	}
	if !strings.HasPrefix(got, "00-01000000000000000000000000000000-") {
		t.Errorf("traceparent is %q", got)
	}
}
