package main

import (
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"syscall"
	"testing"

	"github.com/kiseki-dev/kiseki/api/native"
	"github.com/kiseki-dev/kiseki/config"
)

func get(h http.Handler, path string) *httptest.ResponseRecorder {
	w := httptest.NewRecorder()
	h.ServeHTTP(w, httptest.NewRequest("GET", path, nil))
	return w
}

func TestReadiness(t *testing.T) {
	var r readiness
	g := native.NewGate(r.why)
	h := webHandler(newMetrics(), &r, g, http.NotFoundHandler())

	r.notReady("recovering")
	if w := get(h, "/readyz"); w.Code != 503 || !strings.Contains(w.Body.String(), "recovering") {
		t.Errorf("/readyz while recovering: %d %s", w.Code, w.Body)
	}
	if w := get(h, "/api/kiseki/v1/status"); w.Code != 503 || w.Header().Get("Content-Type") != "application/problem+json" {
		t.Errorf("the API while recovering: %d %v", w.Code, w.Header())
	}
	if w := get(h, "/healthz"); w.Code != 200 {
		t.Errorf("/healthz while recovering: %d", w.Code)
	}
	g.Open(http.HandlerFunc(func(http.ResponseWriter, *http.Request) {}))
	r.ready()
	for _, path := range []string{"/readyz", "/api/kiseki/v1/status"} {
		if w := get(h, path); w.Code != 200 {
			t.Errorf("%s when ready: %d", path, w.Code)
		}
	}
	r.notReady("stopping")
	if w := get(h, "/readyz"); w.Code != 503 || !strings.Contains(w.Body.String(), "stopping") {
		t.Errorf("/readyz while stopping: %d %s", w.Code, w.Body)
	}
}

func TestSecurityHeaders(t *testing.T) {
	var r readiness
	h := webHandler(newMetrics(), &r, native.NewGate(r.why), http.NotFoundHandler())
	for _, path := range []string{"/", "/healthz", "/api/x"} {
		header := get(h, path).Header()
		for name, want := range map[string]string{
			"Content-Security-Policy": "default-src 'none'",
			"X-Content-Type-Options":  "nosniff",
			"Referrer-Policy":         "no-referrer",
		} {
			if !strings.Contains(header.Get(name), want) {
				t.Errorf("%s: %s is %q", path, name, header.Get(name))
			}
		}
	}
}

// TestOnePortManyProtocols asks for HTTP/1 and for HTTP/2 without TLS.
func TestOnePortManyProtocols(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	var r readiness
	s := newWebServer(webHandler(newMetrics(), &r, native.NewGate(r.why), http.NotFoundHandler()), nil, newLogger(t.Output(), config.Log{}))
	done := make(chan error)
	go func() { done <- s.Serve(l) }()
	for _, version := range []int{1, 2} {
		var p http.Protocols
		p.SetHTTP1(version == 1)
		p.SetUnencryptedHTTP2(version == 2)
		transport := &http.Transport{Protocols: &p}
		resp, err := (&http.Client{Transport: transport}).Get("http://" + l.Addr().String() + "/healthz")
		if err != nil {
			t.Fatal(err)
		}
		resp.Body.Close()
		if resp.ProtoMajor != version || resp.StatusCode != 200 {
			t.Errorf("HTTP/%d: got %s %s", version, resp.Proto, resp.Status)
		}
		transport.CloseIdleConnections()
	}
	s.Close()
	<-done
}

func TestTakenPortIsExplained(t *testing.T) {
	taken, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer taken.Close()
	c := config.Default()
	c.HTTP.Address, c.OTLP.HTTPAddress, c.OTLP.GRPCAddress = "127.0.0.1:0", taken.Addr().String(), "127.0.0.1:0"
	_, port, _ := net.SplitHostPort(taken.Addr().String())
	_, err = openListeners(&c)
	if err == nil || !strings.Contains(err.Error(), "port "+port+" is taken") || !strings.Contains(err.Error(), "--otlp-http") {
		t.Errorf("got %v", err)
	}
}

func TestListenErrorsAreExplained(t *testing.T) {
	for cause, want := range map[error]string{
		syscall.EACCES:        "may not open port 80; choose one above 1023 with --http",
		syscall.EADDRNOTAVAIL: "this machine has no such address",
		syscall.ENOBUFS:       "(--http)",
	} {
		if err := explainListen(cause, "192.0.2.1:80", "--http"); !strings.Contains(err.Error(), want) {
			t.Errorf("%v: got %v", cause, err)
		}
	}
}

func TestShownAddress(t *testing.T) {
	for _, address := range []string{"127.0.0.1:0", ":0"} {
		l, err := net.Listen("tcp", address)
		if err != nil {
			t.Fatal(err)
		}
		l.Close()
		shown := shownAddress(l.Addr())
		if loopback := isLoopback(l.Addr()); loopback != (address == "127.0.0.1:0") || strings.HasPrefix(shown, "localhost:") == loopback {
			t.Errorf("%s is shown as %s, loopback %t", address, shown, loopback)
		}
	}
}
