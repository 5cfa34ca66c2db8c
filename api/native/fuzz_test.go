package native_test

import (
	"encoding/json"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/url"
	"testing"

	"github.com/kiseki-dev/kiseki/api/native"
	"github.com/kiseki-dev/kiseki/storage/scan/scantest"
	"github.com/kiseki-dev/kiseki/telemetry"
	"github.com/kiseki-dev/kiseki/telemetry/otlpjson"
)

// FuzzRequest: whatever is asked, the answer is JSON and no server error.
func FuzzRequest(f *testing.F) {
	for _, seed := range [][2]string{
		{"/traces", "q=%7Bname%3D%22charge%22%7D&limit=1"}, {"/traces", "cursor=1790000001000000000-000000000000000000000000000000bb"},
		{"/traces", "start=0&end=18446744073709551615&limit=1000"}, {"/traces/000000000000000000000000000000aa", "format=columns"},
		{"/traces/aa", ""}, {"/operations", "service=%ff"}, {"/attributes", "scope=span&prefix=h"}, {"/attributes/span.%22a%22/values", "prefix="},
		{"/attributes/.x/values", "limit=99999999999999999999"}, {"/status", ""}, {"/aggregate", "by=span.ratio&q=%7Bstatus%3Derror%7D"}, {"/..", "%"}, {"/traces/%2F", ";"},
	} {
		f.Add(seed[0], seed[1])
	}
	status := func() native.Status { return native.Status{} }
	h := native.New(native.Options{Store: scantest.New(shop()), Status: status, Logger: slog.New(slog.DiscardHandler)})
	f.Fuzz(func(t *testing.T, path, query string) {
		u, err := url.Parse(native.Prefix + path)
		if err != nil {
			return
		}
		u.RawQuery = query
		w := httptest.NewRecorder()
		h.ServeHTTP(w, (&http.Request{Method: http.MethodGet, URL: u, Header: http.Header{}}).WithContext(t.Context()))
		if w.Code >= 300 && w.Code < 400 || w.Header().Get("Content-Type") == "application/yaml" { // net/http cleans paths
			return
		}
		if w.Code >= 500 || !json.Valid(w.Body.Bytes()) {
			t.Fatalf("%s: %d %s", u, w.Code, w.Body)
		}
	})
}

// FuzzString: text is written as the standard library reads and writes it.
func FuzzString(f *testing.F) {
	for _, seed := range []string{"", "plain", "a\"b\\c\n\r\t\x00\x1f\x7f", "日本\u2028", "\xff\xfe", "é\xc3", "\xed\xa0\x80", "<&>"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, s string) {
		standard, err := json.Marshal(s)
		if err != nil {
			t.Fatal(err)
		}
		var got struct{ StringValue string }
		text := otlpjson.AppendValue(nil, telemetry.StringValue(s))
		if err := json.Unmarshal(text, &got); err != nil {
			t.Fatalf("%q: %v in %s", s, err, text)
		}
		var want string
		if err := json.Unmarshal(standard, &want); err != nil {
			t.Fatal(err)
		}
		if got.StringValue != want {
			t.Fatalf("%q is read back as %q, want %q", s, got.StringValue, want)
		}
	})
}
