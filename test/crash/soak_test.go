package crash

import (
	"bufio"
	"context"
	"flag"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"
)

var soak = flag.Duration("soak", 20*time.Second, "how long TestSoak takes; an hour before a release")

// TestSoak mixes ingestion, searches, flushes, compaction and kill -9 for a
// while. Nothing acknowledged may be missing, and in every life of the server
// memory, goroutines and open files stay bounded.
func TestSoak(t *testing.T) {
	const memory = 320 << 20
	length := *soak
	if testing.Short() {
		length = min(length, 5*time.Second)
	}
	r, bin, data := newRand(t), build(t), t.TempDir()
	var all []sent
	ends := time.Now().Add(length)
	lives := 0
	for ; time.Now().Before(ends); lives++ {
		s := start(t, bin, data, "--flush-bytes", "1MiB", "--flush-age", "2s", "--cache-bytes", "4MiB", "--max-memory", "256MiB")
		before, err := gauges(t.Context(), s)
		if err != nil {
			t.Fatal(err)
		}
		acked := load(t, s, r, 4, 1<<30, 200)
		ctx, cancel := context.WithCancel(t.Context())
		var readers sync.WaitGroup
		for range 2 {
			readers.Go(func() { search(ctx, t, s) })
		}
		time.Sleep(min(time.Until(ends), time.Duration(1+r.IntN(10))*time.Second)) // a life
		cancel()
		readers.Wait()
		after, err := gauges(t.Context(), s)
		if err != nil {
			t.Fatal(err)
		}
		// Four loaders, their connections, and a few files of segments being
		// read or written; a leak would grow with the thousands of requests.
		if after["go_goroutines"] > before["go_goroutines"]+100 || after["process_open_fds"] > after["kiseki_segments"]+100 {
			t.Errorf("life %d: before %v, after %v", lives, before, after)
		}
		if peak, err := peakMemory(s.cmd.Process.Pid); err != nil || peak > memory {
			t.Errorf("life %d: peak memory %d MiB, %v", lives, peak>>20, err)
		}
		s.kill()
		fresh := acked()
		all = append(all, fresh...)
		s = start(t, bin, data)
		if _, err := verify(t.Context(), s, fresh[:min(len(fresh), 300)]); err != nil {
			t.Fatalf("life %d: %v\nlog after the restart:\n%s", lives, err, killed(s))
		}
		s.kill()
	}
	s := start(t, bin, data)
	found, err := verify(t.Context(), s, all)
	if err != nil {
		t.Fatalf("after all lives: %v\nlog:\n%s", err, killed(s))
	}
	t.Logf("%d lives, all %d acknowledged spans are there", lives, found)
	if err := s.stop(); err != nil {
		t.Errorf("stopped with %v\nlog:\n%s", err, s.log.String())
	}
}

// search asks one question after the other; every answer must be complete.
func search(ctx context.Context, t *testing.T, s *server) {
	for n := 0; ctx.Err() == nil; n++ {
		q := fmt.Sprintf(`{ resource.service.name = "loader-%d" && duration > %dms }`, n%8, n%1000)
		req, err := http.NewRequestWithContext(ctx, http.MethodGet, s.web+"/api/kiseki/v1/traces?q="+url.QueryEscape(q), nil)
		if err != nil {
			t.Error(err)
			return
		}
		resp, err := http.DefaultClient.Do(req)
		if err != nil {
			if ctx.Err() == nil {
				t.Error(err)
			}
			return
		}
		body, err := io.ReadAll(resp.Body)
		resp.Body.Close()
		if ctx.Err() == nil && (err != nil || !strings.Contains(string(body), `"complete":true`)) {
			t.Errorf("%s: %s, %v\n%s", q, resp.Status, err, body)
		}
	}
}

// gauges are the metrics of a server that have no labels.
func gauges(ctx context.Context, s *server) (map[string]float64, error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, s.web+"/metrics", nil)
	if err != nil {
		return nil, err
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		return nil, err
	}
	defer resp.Body.Close()
	out := map[string]float64{}
	for lines := bufio.NewScanner(resp.Body); lines.Scan(); {
		name, text, _ := strings.Cut(lines.Text(), " ")
		if v, err := strconv.ParseFloat(text, 64); err == nil {
			out[name] = v
		}
	}
	return out, nil
}
