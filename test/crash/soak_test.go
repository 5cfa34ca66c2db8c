package crash

import (
	"bufio"
	"context"
	"encoding/json"
	"flag"
	"fmt"
	"io"
	"maps"
	"math/rand/v2"
	"net/http"
	"net/url"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"
)

var soak = flag.Duration("soak", 20*time.Second, "how long TestSoak takes; an hour before a release")

// remembered is how many traces a soak asks for at its end; of more than that
// it remembers some of each life.
const remembered = 50_000

// TestSoak mixes ingestion, searches, deletions, retention, backups, flushes,
// compaction, kill -9 and restarts for a while. Nothing acknowledged may be
// missing, nothing deleted come back, from a backup neither, every answer must
// be complete, and in every life of the server memory, goroutines and open
// files stay bounded.
func TestSoak(t *testing.T) {
	length := *soak
	if testing.Short() {
		length = min(length, 5*time.Second)
	}
	k := &soaking{t: t, r: newRand(t), bin: build(t), data: t.TempDir(), backups: t.TempDir(), ends: time.Now().Add(length), must: map[string]sent{}, deleted: map[string]bool{}}
	for time.Now().Before(k.ends) {
		k.life()
	}
	k.lookAt("after all lives", k.data, k.must, k.deleted)
	if k.backedUp != nil {
		data := filepath.Join(t.TempDir(), "restored")
		if out, err := exec.Command(k.bin, "restore", "--from", k.backups, "--data", data).CombinedOutput(); err != nil {
			t.Fatalf("restore: %v\n%s", err, out)
		}
		k.lookAt("in the restored backup", data, k.backedUp, k.goneFromBackup)
	}
	t.Logf("%d lives; %d traces deleted, %d backups, memory at most %d MiB, goroutines at most %.0f, %d compactions, %d by retention, %d by deletion",
		k.lives, len(k.deleted), k.made, k.peak>>20, k.goroutines, k.compactions["compaction"], k.compactions["retention"], k.compactions["deletion"])
}

// soaking is a soak under way.
type soaking struct {
	t             *testing.T
	r             *rand.Rand
	bin           string
	data, backups string
	ends          time.Time
	lives         int

	mu       sync.Mutex
	must     map[string]sent // what has to be there, by trace
	backedUp map[string]sent // what had to be there before the last backup began
	deleted  map[string]bool // for good
	// goneFromBackup was deleted before the last backup began.
	goneFromBackup map[string]bool
	made           int // backups

	peak        uint64
	goroutines  float64
	compactions map[string]int
}

// length is how long the next life lasts: mostly seconds, and in a long soak
// every fifth long enough for compaction and retention, which look around every
// half minute.
func (k *soaking) length() time.Duration {
	left := time.Until(k.ends)
	if k.lives%5 == 1 && left > 2*time.Minute {
		return time.Duration(40+k.r.IntN(40)) * time.Second
	}
	return min(left, time.Duration(1+k.r.IntN(10))*time.Second)
}

// life is one life of the server, under load from its start to its end.
func (k *soaking) life() {
	t := k.t
	k.lives++
	s := start(t, k.bin, k.data, "--flush-bytes", "1MiB", "--flush-age", "2s", "--cache-bytes", "4MiB", "--max-memory", "256MiB",
		"--erase-after", "2s", "--backup-directory", k.backups, "--retention-rules", `[{match: '{ resource.service.name = "fleeting" }', age: 5s}]`)
	before, err := gauges(t.Context(), s)
	if err != nil {
		t.Fatal(err)
	}
	acked := load(t, s, k.r, 4, 1<<30, 200)
	ctx, cancel := context.WithCancel(t.Context())
	var others sync.WaitGroup
	fleeting := &loader{rand: rand.New(rand.NewPCG(k.r.Uint64(), 0)), padding: 200, service: "fleeting", send: sendHTTP(s)}
	others.Go(func() { fleeting.run(ctx, 1<<30) })
	for range 2 {
		others.Go(func() { search(ctx, t, s) })
	}
	others.Go(func() { k.delete(ctx, s) })
	others.Go(func() { k.backUp(ctx, s) })
	time.Sleep(k.length())
	after, err := gauges(t.Context(), s)
	if err != nil {
		t.Fatal(err)
	}
	k.bounded(s, before, after)
	cancel()
	if k.lives%3 == 0 {
		others.Wait()
		if err := s.stop(); err != nil {
			t.Errorf("life %d: stopped with %v\nlog:\n%s", k.lives, err, s.log.String())
		}
	}
	s.kill()
	others.Wait()
	k.remember(acked())
}

// bounded holds the server to what it may use.
func (k *soaking) bounded(s *server, before, after map[string]float64) {
	const memory = 320 << 20
	// Loaders, readers, their connections, and a few files of segments being
	// read or written; a leak would grow with the thousands of requests.
	if after["go_goroutines"] > before["go_goroutines"]+100 || after["process_open_fds"] > after["kiseki_segments"]+100 {
		k.t.Errorf("life %d: before %v, after %v", k.lives, before, after)
	}
	peak, err := peakMemory(s.cmd.Process.Pid)
	if err != nil || peak > memory {
		k.t.Errorf("life %d: peak memory %d MiB, %v", k.lives, peak>>20, err)
	}
	k.peak, k.goroutines = max(k.peak, uint64(peak)), max(k.goroutines, after["go_goroutines"])
	if k.compactions == nil {
		k.compactions = map[string]int{}
	}
	for _, reason := range []string{"compaction", "retention", "deletion"} {
		k.compactions[reason] += int(after[`kiseki_compaction_runs_total{reason="`+reason+`"}`])
	}
}

// remember asks for some of what a life acknowledged, and keeps it for the end.
func (k *soaking) remember(fresh []sent) {
	k.r.Shuffle(len(fresh), func(i, j int) { fresh[i], fresh[j] = fresh[j], fresh[i] })
	s := start(k.t, k.bin, k.data)
	if _, err := verify(k.t.Context(), s, fresh[:min(len(fresh), 300)]); err != nil {
		k.t.Fatalf("life %d: %v\nlog after the restart:\n%s", k.lives, err, killed(s))
	}
	s.kill()
	if len(k.must) > remembered {
		fresh = fresh[:min(len(fresh), 300)]
	}
	for _, trace := range fresh {
		k.must[trace.id] = trace
	}
}

// delete deletes a trace of an earlier life now and then; once that is
// answered no answer has it.
func (k *soaking) delete(ctx context.Context, s *server) {
	for wait(ctx, time.Second/4) {
		k.mu.Lock()
		id := ""
		for id = range k.must {
			break
		}
		delete(k.must, id) // from the request on it may be gone
		k.mu.Unlock()
		if id == "" {
			continue
		}
		if _, err := post(ctx, s, "deletions", `{"traceIds":["`+id+`"]}`); err != nil {
			if ctx.Err() == nil {
				k.t.Errorf("delete %s: %v", id, err)
			}
			continue
		}
		k.mu.Lock()
		k.deleted[id] = true
		k.mu.Unlock()
		if names, err := s.names(ctx, id); ctx.Err() == nil && (err == nil || len(names) > 0) {
			k.t.Errorf("trace %s was deleted and is found: %v", id, names)
		}
	}
}

// backUp makes one backup after the other.
func (k *soaking) backUp(ctx context.Context, s *server) {
	for wait(ctx, 2*time.Second) {
		k.mu.Lock()
		must, gone := maps.Clone(k.must), maps.Clone(k.deleted)
		k.mu.Unlock()
		answer, err := makeBackup(ctx, s)
		if err != nil || strings.Contains(answer, "incompleteReason") {
			if ctx.Err() == nil {
				k.t.Errorf("back up: %v\n%s", err, answer)
			}
			continue
		}
		k.mu.Lock()
		k.backedUp, k.goneFromBackup = must, gone
		k.made++
		k.mu.Unlock()
	}
}

// makeBackup asks for a backup and waits for its end.
func makeBackup(ctx context.Context, s *server) (answer string, err error) {
	if answer, err = post(ctx, s, "backups", `{"prune":true}`); err != nil {
		return answer, err
	}
	for {
		var backup struct {
			ID    int
			State string
		}
		if err := json.Unmarshal([]byte(answer), &backup); err != nil {
			return answer, err
		}
		switch backup.State {
		case "done":
			return answer, nil
		case "running":
		default:
			return answer, fmt.Errorf("the backup is %s", backup.State)
		}
		if !wait(ctx, 20*time.Millisecond) {
			return answer, ctx.Err()
		}
		if answer, err = ask(ctx, s, http.MethodGet, fmt.Sprintf("backups/%d", backup.ID), ""); err != nil {
			return answer, err
		}
	}
}

// lookAt starts a server on a folder, which must have all of must but what was
// deleted since, and nothing of gone.
func (k *soaking) lookAt(what, data string, must map[string]sent, gone map[string]bool) {
	s := start(k.t, k.bin, data)
	var traces []sent
	for id, trace := range must {
		if _, kept := k.must[id]; kept {
			traces = append(traces, trace)
		}
	}
	found, err := verify(k.t.Context(), s, traces)
	if err != nil {
		k.t.Fatalf("%s: %v\nlog:\n%s", what, err, killed(s))
	}
	for id := range gone {
		if names, err := s.names(k.t.Context(), id); err == nil {
			k.t.Fatalf("%s: trace %s was deleted and is back: %v", what, id, names)
		}
	}
	k.t.Logf("%s: %d spans of %d traces are there", what, found, len(traces))
	if err := s.stop(); err != nil {
		k.t.Errorf("stopped with %v\nlog:\n%s", err, s.log.String())
	}
}

// wait waits; it is false when ctx is done.
func wait(ctx context.Context, d time.Duration) bool {
	select {
	case <-ctx.Done():
		return false
	case <-time.After(d):
		return true
	}
}

// post sends JSON to the API.
func post(ctx context.Context, s *server, path, body string) (string, error) {
	return ask(ctx, s, http.MethodPost, path, body)
}

// ask is the answer to a request that succeeds.
func ask(ctx context.Context, s *server, method, path, body string) (string, error) {
	req, err := http.NewRequestWithContext(ctx, method, s.web+"/api/kiseki/v1/"+path, strings.NewReader(body))
	if err != nil {
		return "", err
	}
	req.Header.Set("Content-Type", "application/json")
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		return "", err
	}
	defer resp.Body.Close()
	answer, err := io.ReadAll(resp.Body)
	if err == nil && resp.StatusCode != http.StatusOK && resp.StatusCode != http.StatusAccepted {
		err = fmt.Errorf("%s: %s", resp.Status, answer)
	}
	return string(answer), err
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
