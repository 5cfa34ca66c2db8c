package main

import (
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"
)

// TestProxy: a request through the proxy is a trace in kiseki, and a drained
// proxy has sent it.
func TestProxy(t *testing.T) {
	r := startServe(t, filepath.Join(t.TempDir(), "data"))
	service := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { fmt.Fprint(w, r.Host) }))
	defer service.Close()
	ctx, stop := context.WithCancel(t.Context())
	defer stop()
	stdout, out := io.Pipe()
	var stderr strings.Builder
	status := make(chan int, 1)
	go func() {
		status <- run(ctx, []string{"proxy", "--listen", "127.0.0.1:0", "--egress", "127.0.0.1:0", "--to", service.URL, "--service", "legacy-shop",
			"--otlp-http", r.otlpHTTP, "--route", "/users/{id}"}, out, &stderr)
		out.Close()
	}()
	greeting := make([]byte, 200)
	n, err := stdout.Read(greeting)
	if err != nil {
		t.Fatal(err, stderr.String())
	}
	go io.Copy(io.Discard, stdout)
	address := regexp.MustCompile(`http://[0-9.:]+`).FindString(string(greeting[:n]))
	client := &http.Client{Transport: &http.Transport{DisableKeepAlives: true}}
	resp, err := client.Get(address + "/users/42")
	if err != nil {
		t.Fatal(err)
	}
	body, _ := io.ReadAll(resp.Body)
	resp.Body.Close()
	if string(body) != strings.TrimPrefix(address, "http://") {
		t.Errorf("the service was asked for the host %q", body)
	}
	stop()
	select {
	case s := <-status:
		if s != exitOK || stderr.Len() > 0 {
			t.Errorf("status %d, stderr %q", s, stderr.String())
		}
	case <-time.After(20 * time.Second):
		t.Fatal("the proxy does not stop")
	}
	_, found, _ := kiseki(t, "query", "--server", r.web, "--output", "json", `{ resource.service.name = "legacy-shop" && name = "GET /users/{id}" && kind = server && resource.service.version = nil }`)
	if !strings.Contains(found, "legacy-shop") {
		t.Errorf("no trace: %s", found)
	}
}

func TestProxyUsage(t *testing.T) {
	t.Setenv("OTEL_SERVICE_NAME", "")
	os.Unsetenv("OTEL_PROPAGATORS")
	for _, c := range []struct {
		args   string
		status int
		want   string
	}{
		{"--service shop", exitUsage, "--to is missing"},
		{"--to http://127.0.0.1:1", exitUsage, "--service is missing"},
		{"--to http://127.0.0.1:1 --service shop --otlp-http 127.0.0.1:4318", exitUsage, "cannot trace"},
		{"--to 127.0.0.1:1 --service shop", exitUsage, "--to: "},
		{"--to http://127.0.0.1:1/x --service shop", exitUsage, "must have no path"},
		{"--to http://127.0.0.1:1 --service shop --route users", exitUsage, `route "users" cannot be used`},
		{"--to http://127.0.0.1:1 --service shop --listen 127.0.0.1:0 --egress :0", exitFailed, "listen on 127.0.0.1"},
		{"--to http://127.0.0.1:1 --service shop x", exitUsage, "unexpected argument"},
	} {
		status, _, stderr := kiseki(t, append([]string{"proxy"}, strings.Fields(c.args)...)...)
		if status != c.status || !strings.Contains(stderr, c.want) {
			t.Errorf("%s: status %d, stderr %q", c.args, status, stderr)
		}
	}
}

func TestLeadsTo(t *testing.T) {
	for _, c := range []struct {
		to, listener string
		want         bool
	}{
		{"http://127.0.0.1:8080", "127.0.0.1:8080", true},
		{"http://localhost:8080", "127.0.0.1:8080", true},
		{"http://localhost:8080", "0.0.0.0:8080", true},
		{"http://[::1]:8080", "[::]:8080", true},
		{"http://127.0.0.1", "127.0.0.1:80", true},
		{"http://127.0.0.1:9000", "127.0.0.1:8080", false},
		{"http://localhost:8080", "192.0.2.1:8080", false},
		{"http://service:8080", "0.0.0.0:8080", false},
	} {
		to, _ := url.Parse(c.to)
		address, err := net.ResolveTCPAddr("tcp", c.listener)
		if err != nil {
			t.Fatal(err)
		}
		if got := leadsTo(to, address); got != c.want {
			t.Errorf("%s is %s: %t", c.to, c.listener, got)
		}
	}
}
