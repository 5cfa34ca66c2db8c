package ui

import (
	"compress/gzip"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"testing/fstest"
)

var built = fstest.MapFS{
	"index.html":          {Data: []byte("<!doctype html><title>the page</title>")},
	"logo.svg":            {Data: []byte("<svg/>")},
	"assets/index-a1.js":  {Data: []byte(strings.Repeat("const trail = 1;\n", 200))},
	"assets/f-b2.woff2":   {Data: []byte{1, 2, 3}},
	"assets/index-c3.css": {Data: []byte("body{}")},
}

func get(t *testing.T, h http.Handler, method, path string, header ...string) *http.Response {
	t.Helper()
	r := httptest.NewRequest(method, path, nil)
	for i := 0; i < len(header); i += 2 {
		r.Header.Set(header[i], header[i+1])
	}
	w := httptest.NewRecorder()
	h.ServeHTTP(w, r)
	return w.Result()
}

func body(t *testing.T, r io.Reader) string {
	t.Helper()
	b, err := io.ReadAll(r)
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

func TestPathsOfPagesGetThePage(t *testing.T) {
	h := newHandler(built, index)
	for _, path := range []string{"/", "/search", "/trace/0123456789abcdef0123456789abcdef", "/status"} {
		r := get(t, h, "GET", path)
		if r.StatusCode != 200 || !strings.Contains(body(t, r.Body), "the page") {
			t.Errorf("%s: status %d, not the page", path, r.StatusCode)
		}
		if got := r.Header.Get("Cache-Control"); got != "no-cache" {
			t.Errorf("%s: Cache-Control %q, want no-cache: a new binary has new pages", path, got)
		}
		if r.Header.Get("Content-Security-Policy") != Policy {
			t.Errorf("%s: no content security policy", path)
		}
	}
}

func TestMissingFilesAreNotThePage(t *testing.T) {
	h := newHandler(built, index)
	for _, path := range []string{"/assets/gone-00.js", "/favicon.ico", "/api/other"} {
		if r := get(t, h, "GET", path); r.StatusCode != 404 {
			t.Errorf("%s: status %d, want 404", path, r.StatusCode)
		}
	}
}

func TestAssetsAreKeptAndCompressed(t *testing.T) {
	h := newHandler(built, index)
	r := get(t, h, "GET", "/assets/index-a1.js", "Accept-Encoding", "br, gzip;q=0.8")
	if got := r.Header.Get("Cache-Control"); !strings.Contains(got, "immutable") {
		t.Errorf("Cache-Control %q, want immutable", got)
	}
	if r.Header.Get("Content-Encoding") != "gzip" {
		t.Fatal("not compressed")
	}
	unpacked, err := gzip.NewReader(r.Body)
	if err != nil {
		t.Fatal(err)
	}
	if got := body(t, unpacked); got != string(built["assets/index-a1.js"].Data) {
		t.Errorf("unpacked %d bytes that differ", len(got))
	}
	for _, accept := range []string{"", "br", "gzip;q=0", "gzip; q=0.0"} {
		r := get(t, h, "GET", "/assets/index-a1.js", "Accept-Encoding", accept)
		if r.Header.Get("Content-Encoding") != "" {
			t.Errorf("Accept-Encoding %q got a compressed answer", accept)
		}
	}
	if r := get(t, h, "GET", "/assets/f-b2.woff2"); r.Header.Get("Content-Type") != "font/woff2" {
		t.Errorf("font has type %q", r.Header.Get("Content-Type"))
	}
}

func TestUnchangedFilesAreNotSentAgain(t *testing.T) {
	h := newHandler(built, index)
	etag := get(t, h, "GET", "/").Header.Get("ETag")
	r := get(t, h, "GET", "/", "If-None-Match", etag)
	if r.StatusCode != 304 || body(t, r.Body) != "" {
		t.Errorf("status %d, want 304 without a body", r.StatusCode)
	}
}

func TestMethods(t *testing.T) {
	h := newHandler(built, index)
	if r := get(t, h, "HEAD", "/"); r.StatusCode != 200 || body(t, r.Body) != "" || r.ContentLength <= 0 {
		t.Errorf("HEAD: status %d, length %d", r.StatusCode, r.ContentLength)
	}
	if r := get(t, h, "POST", "/"); r.StatusCode != 405 || r.Header.Get("Allow") == "" {
		t.Errorf("POST: status %d", r.StatusCode)
	}
}

func TestWithoutBuiltPagesSaysHowToBuildThem(t *testing.T) {
	h := newHandler(embedded, placeholder)
	r := get(t, h, "GET", "/search")
	if got := body(t, r.Body); !strings.Contains(got, "make build") {
		t.Errorf("the page says %q", got)
	}
	if got := r.Header.Get("Content-Type"); !strings.HasPrefix(got, "text/html") {
		t.Errorf("type %q", got)
	}
}

func TestHandlerServesAPage(t *testing.T) {
	r := get(t, Handler(), "GET", "/")
	if r.StatusCode != 200 || !strings.Contains(body(t, r.Body), "kiseki") {
		t.Errorf("status %d", r.StatusCode)
	}
}
