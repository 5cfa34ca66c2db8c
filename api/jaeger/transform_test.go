package jaeger_test

import (
	"net/http"
	"net/http/httptest"
	"os"
	"strings"
	"testing"

	"github.com/kiseki-dev/kiseki/storage/scan/scantest"
	"github.com/kiseki-dev/kiseki/telemetry"
)

func post(h http.Handler, path, body string) *httptest.ResponseRecorder {
	return serve(h, httptest.NewRequest(http.MethodPost, path, strings.NewReader(body)))
}

// TestTransform: a file is shown as its traces are once they are stored, here
// by an API that has none.
func TestTransform(t *testing.T) {
	text, err := os.ReadFile("testdata/shop.json")
	if err != nil {
		t.Fatal(err)
	}
	stored, empty := newAPI(scantest.New(shop(t))), newAPI(scantest.New(&telemetry.Batch{}))
	w := post(empty, "/api/transform", string(text))
	if w.Code != 200 {
		t.Fatalf("%d %s", w.Code, w.Body)
	}
	for _, id := range []string{"aa", "000000000000000100000000000000bb"} {
		_, one, _ := strings.Cut(get(stored, "/api/traces/"+id).Body.String(), `"data":[`)
		one, _, _ = strings.Cut(one, `,"processes"`) // the numbers of processes are those of the file
		if strip(one) == "" || !strings.Contains(strip(w.Body.String()), strip(one)) {
			t.Errorf("the answer lacks trace %s: %s\nin %s", id, one, w.Body)
		}
	}
	for body, want := range map[string]int{
		`{"resourceSpans":[]}`: 200,
		`x`:                    400,
		`{"resourceSpans":[{"scopeSpans":[{"spans":[{"traceId":"00"}]}]}]}`: 400,
		strings.Repeat(" ", 20<<20+1):                                       413,
	} {
		if w := post(empty, "/api/transform", body); w.Code != want {
			t.Errorf("%.80s: %d %s, want %d", body, w.Code, w.Body, want)
		}
	}
	if w := get(empty, "/api/transform"); w.Code != 405 || w.Header().Get("Allow") != "POST" {
		t.Errorf("GET: %d %v", w.Code, w.Header())
	}
}

// strip leaves out which process a span has.
func strip(body string) string {
	for _, p := range []string{"p1", "p2", "p3", "p4"} {
		body = strings.ReplaceAll(body, `"processID":"`+p+`"`, "")
	}
	return body
}

func TestThereIsNoArchive(t *testing.T) {
	w := post(newAPI(scantest.New(shop(t))), "/api/archive/aa", "")
	if w.Code != 501 || !strings.Contains(w.Body.String(), `"errors":[{"code":501,"msg":"archive span storage was not configured`) {
		t.Errorf("%d %s", w.Code, w.Body)
	}
}
