package crash

import (
	"context"
	"errors"
	"math/rand/v2"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"
)

// TestFullVolume fills a real volume, a tmpfs of 64 MiB, to the last byte
// while clients send. They are told to send again later, questions are
// answered, kill -9 and a start on the full volume lose nothing, and when there
// is space again spans are taken, without anybody doing anything.
func TestFullVolume(t *testing.T) {
	data := volume(t, "64m")
	r, bin := newRand(t), build(t)
	flags := []string{"--min-free-bytes", "16MiB", "--flush-bytes", "4MiB", "--max-memory", "256MiB"}
	s := start(t, bin, data, flags...)
	all := load(t, s, r, 2, 100, 320)()
	ballast := filepath.Join(data, "ballast")
	fill(t, ballast)
	for name, send := range map[string]func() error{
		"HTTP": func() error { return sendOne(t, s, r.Uint64(), false) },
		"gRPC": func() error { return sendOne(t, s, r.Uint64(), true) },
	} {
		err := send()
		if err == nil || !isBusy(err) || !strings.Contains(err.Error(), "disk is nearly full") {
			t.Errorf("%s on a full volume: %v", name, err)
		}
	}
	if _, err := verify(t.Context(), s, all); err != nil {
		t.Errorf("on a full volume: %v", err)
	}
	answer, err := http.Get(s.web + "/api/kiseki/v1/services")
	if err != nil || answer.StatusCode != http.StatusOK {
		t.Errorf("services on a full volume: %v, %v", answer, err)
	} else {
		answer.Body.Close()
	}
	s.kill()
	s = start(t, bin, data, flags...)
	if _, err := verify(t.Context(), s, all); err != nil {
		t.Errorf("after a start on a full volume: %v\nlog:\n%s", err, killed(s))
	}
	if err := sendOne(t, s, r.Uint64(), false); err == nil || !isBusy(err) {
		t.Errorf("after a start on a full volume: %v", err)
	}
	if err := os.Remove(ballast); err != nil {
		t.Fatal(err)
	}
	for began := time.Now(); sendOne(t, s, r.Uint64(), false) != nil; time.Sleep(100 * time.Millisecond) {
		if time.Since(began) > 30*time.Second {
			t.Fatalf("spans are not taken again\nlog:\n%s", killed(s))
		}
	}
	all = append(all, load(t, s, r, 2, 100, 320)()...)
	if _, err := verify(t.Context(), s, all); err != nil {
		t.Fatalf("%v\nlog:\n%s", err, killed(s))
	}
	if err := s.stop(); err != nil {
		t.Errorf("stopped with %v\nlog:\n%s", err, s.log.String())
	}
}

// volume mounts a file system of the given size in memory, which takes root.
func volume(t *testing.T, size string) string {
	t.Helper()
	dir := t.TempDir()
	if out, err := exec.Command("mount", "-t", "tmpfs", "-o", "size="+size, "tmpfs", dir).CombinedOutput(); err != nil {
		t.Skipf("left out: a volume of its own takes root and mount(8): %v: %s", err, strings.TrimSpace(string(out)))
	}
	t.Cleanup(func() {
		if out, err := exec.Command("umount", "-l", dir).CombinedOutput(); err != nil {
			t.Errorf("umount: %v: %s", err, out)
		}
	})
	return dir
}

// fill writes a file until the volume has no byte left.
func fill(t *testing.T, path string) {
	t.Helper()
	f, err := os.Create(path)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	for size := 1 << 20; size > 0; {
		if _, err := f.Write(make([]byte, size)); err == nil {
			continue
		} else if !errors.Is(err, syscall.ENOSPC) {
			t.Fatal(err)
		}
		size /= 2
	}
}

// sendOne sends one request.
func sendOne(t *testing.T, s *server, seed uint64, overGRPC bool) error {
	send := sendHTTP(s)
	if overGRPC {
		send = sendGRPC(t, s)
	}
	_, request := (&loader{rand: rand.New(rand.NewPCG(seed, 0)), padding: 32}).make()
	ctx, cancel := context.WithTimeout(t.Context(), 30*time.Second)
	defer cancel()
	return send(ctx, request)
}
