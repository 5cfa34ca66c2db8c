package main

import (
	"bytes"
	"compress/gzip"
	"context"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"

	"go.uber.org/goleak"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// receiver is a stand-in for the server that answers as told and remembers
// what it took.
type receiver struct {
	mu struct {
		sync.Mutex
		bodies []string
		calls  int
	}
	answer func(call int, w http.ResponseWriter)
}

func (r *receiver) ServeHTTP(w http.ResponseWriter, req *http.Request) {
	body := io.Reader(req.Body)
	if req.Header.Get("Content-Encoding") == "gzip" {
		body, _ = gzip.NewReader(req.Body)
	}
	text, _ := io.ReadAll(body)
	r.mu.Lock()
	defer r.mu.Unlock()
	r.mu.calls++
	r.mu.bodies = append(r.mu.bodies, string(text))
	r.answer(r.mu.calls, w)
}

func sendAll(t *testing.T, r *receiver, encoding string, requests [][]byte) (loaded, error) {
	t.Helper()
	s := httptest.NewServer(r)
	defer s.Close()
	return load(context.Background(), feed(requests, t.Logf), httpSenders(strings.TrimPrefix(s.URL, "http://"), 2, encoding))
}

func TestLoadSendsEverythingOnce(t *testing.T) {
	r := &receiver{answer: func(int, http.ResponseWriter) {}}
	packed, err := gzipped([][]byte{[]byte("one"), []byte("two"), []byte("three")})
	if err != nil {
		t.Fatal(err)
	}
	l, err := sendAll(t, r, "gzip", packed)
	if err != nil || l.acks.N != 3 || l.retries != 0 {
		t.Errorf("%+v, %v", l, err)
	}
	all := strings.Join(r.mu.bodies, " ")
	for _, want := range []string{"one", "two", "three"} {
		if strings.Count(all, want) != 1 {
			t.Errorf("%q did not arrive once: %q", want, all)
		}
	}
}

func TestLoadSendsAgainWhenAsked(t *testing.T) {
	r := &receiver{answer: func(call int, w http.ResponseWriter) {
		if call == 1 {
			w.Header().Set("Retry-After", "1")
			w.WriteHeader(http.StatusServiceUnavailable)
		}
	}}
	l, err := sendAll(t, r, "", [][]byte{[]byte("spans")})
	if err != nil || l.retries != 1 || l.acks.N != 1 || r.mu.calls != 2 {
		t.Errorf("%+v after %d calls, %v", l, r.mu.calls, err)
	}
}

func TestLoadFailsOnRejectedSpans(t *testing.T) {
	for name, answer := range map[string]func(int, http.ResponseWriter){
		"partial success": func(_ int, w http.ResponseWriter) { w.Write([]byte{0x0a, 2, 8, 7}) },
		"400":             func(_ int, w http.ResponseWriter) { w.WriteHeader(http.StatusBadRequest) },
	} {
		_, err := sendAll(t, &receiver{answer: answer}, "", bytes.SplitAfter(make([]byte, 50), nil))
		if err == nil || !strings.Contains(err.Error(), name) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestLoadEndsWithItsContext(t *testing.T) {
	ctx, cancel := context.WithCancel(context.Background())
	s := httptest.NewServer(&receiver{answer: func(call int, _ http.ResponseWriter) {
		if call == 3 {
			cancel()
		}
	}})
	defer s.Close()
	endless := func(send func([]byte) error) error {
		for {
			if err := send([]byte("spans")); err != nil {
				return err
			}
		}
	}
	if _, err := load(ctx, endless, httpSenders(strings.TrimPrefix(s.URL, "http://"), 2, "")); err == nil {
		t.Error("an interrupted load is no error")
	}
}
