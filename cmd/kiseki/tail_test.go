package main

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"strings"
	"sync"
	"testing"
	"time"
)

// heard collects what a command prints while it runs.
type heard struct {
	mu   sync.Mutex
	text bytes.Buffer
}

func (h *heard) Write(p []byte) (int, error) {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.text.Write(p)
}

func (h *heard) String() string {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.text.String()
}

func (h *heard) wait(t *testing.T, what string, holds func(string) bool) {
	t.Helper()
	for end := time.Now().Add(30 * time.Second); !holds(h.String()); time.Sleep(10 * time.Millisecond) {
		if time.Now().After(end) {
			t.Fatalf("no %s in\n%s", what, h.String())
		}
	}
}

// TestTail: of traces that are sent while it runs, those that match are
// printed once each, however often spans of them come, and no others.
func TestTail(t *testing.T) {
	r := startServe(t, t.TempDir(), "--retention-age", "0")
	r.send(t, traceID, "before")
	ctx, stop := context.WithCancel(t.Context())
	defer stop()
	var out heard
	done := make(chan int)
	go func() { done <- run(ctx, []string{"tail", `{ name != "other" }`, "--server", r.web}, &out, io.Discard) }()
	n := 0
	out.wait(t, "first trace", func(text string) bool { // nothing tells when it has begun
		n++
		r.send(t, fmt.Sprintf("%032x", n), "first")
		return text != ""
	})
	for i := range 300 {
		r.send(t, fmt.Sprintf("%032x", 0xa000+i), "hello")
		r.send(t, fmt.Sprintf("%032x", 0xb000+i), "other")
		r.send(t, fmt.Sprintf("%032x", 0xa000+i/2), "again")
	}
	out.wait(t, "last trace", func(text string) bool { return strings.Contains(text, fmt.Sprintf("%032x", 0xa000+299)) })
	stop()
	if status := <-done; status != exitOK {
		t.Errorf("status %d", status)
	}
	for i := range 300 {
		if n := strings.Count(out.String(), fmt.Sprintf("%032x", 0xa000+i)); n != 1 {
			t.Errorf("trace %d is printed %d times", i, n)
		}
	}
	if strings.Contains(out.String(), "000b0") || strings.Contains(out.String(), traceID) {
		t.Error("a trace that does not match, or was there before, is printed")
	}
}

func TestTailEndsByLimit(t *testing.T) {
	r := startServe(t, t.TempDir(), "--retention-age", "0")
	var out heard
	done := make(chan int)
	go func() {
		done <- run(t.Context(), []string{"tail", "--limit", "2", "--output", "json", "--server", r.web}, &out, io.Discard)
	}()
	for i := 1; ; i++ {
		select {
		case status := <-done:
			if status != exitOK || strings.Count(out.String(), "\n") != 2 || !strings.HasPrefix(out.String(), `{"traceId":"`) {
				t.Errorf("status %d: %s", status, out.String())
			}
			return
		case <-time.After(20 * time.Millisecond):
			r.send(t, fmt.Sprintf("%032x", i), "hello")
		}
	}
}

// TestTailOverARestart: it goes on, and says that something may be missing.
func TestTailOverARestart(t *testing.T) {
	data := t.TempDir()
	r := startServe(t, data, "--retention-age", "0")
	var out, errOut heard
	ctx, stop := context.WithCancel(t.Context())
	done := make(chan int)
	go func() { done <- run(ctx, []string{"tail", "--server", r.web}, &out, &errOut) }()
	n := 0
	sent := func(text string) bool {
		n++
		r.send(t, fmt.Sprintf("%032x", n), "hello")
		return text != ""
	}
	out.wait(t, "trace", sent)
	address := strings.TrimPrefix(r.web, "http://")
	r.stop(t)
	errOut.wait(t, "word of the stop", func(text string) bool { return strings.Contains(text, "asking again") })
	r = startServe(t, data, "--retention-age", "0", "--http", address)
	errOut.wait(t, "word of the gap", func(text string) bool { return strings.Contains(text, "some traces may be missing") })
	before := out.String()
	out.wait(t, "further trace", func(text string) bool { return sent(strings.TrimPrefix(text, before)) })
	stop()
	<-done
}

func TestTailMistakes(t *testing.T) {
	for _, x := range []struct {
		args   []string
		status int
		want   string
	}{
		{[]string{"{ } | rate()"}, exitUsage, "^"},
		{[]string{"--limit", "-1"}, exitUsage, "--limit"},
		{[]string{"--output", "table"}, exitUsage, "--output"},
		{[]string{"--server", "http://127.0.0.1:1"}, exitFailed, "running?"},
	} {
		if status, _, stderr := kiseki(t, append([]string{"tail"}, x.args...)...); status != x.status || !strings.Contains(stderr, x.want) {
			t.Errorf("%q: status %d, %s", x.args, status, stderr)
		}
	}
}
