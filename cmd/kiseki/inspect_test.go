package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/kiseki-dev/kiseki/storage"
	"github.com/kiseki-dev/kiseki/telemetry/telemetrytest"
)

func TestInspectBesideAServer(t *testing.T) {
	data := t.TempDir()
	r := startServe(t, data, "--retention-age", "0")
	r.send(t, traceID, "hello")
	for _, args := range [][]string{{"--data", data}, {data}} { // beside it, and when it has stopped
		status, stdout, stderr := kiseki(t, append([]string{"inspect"}, args...)...)
		if status != exitOK || !strings.Contains(stdout, "1 spans") || stderr != "" {
			t.Errorf("got %d\n%s\n%s", status, stdout, stderr)
		}
		r.stop(t)
	}
}

func TestInspectWithoutAFolder(t *testing.T) {
	absent := filepath.Join(t.TempDir(), "absent")
	if status, _, stderr := kiseki(t, "inspect", "--data", absent); status != exitFailed || !strings.Contains(stderr, absent) {
		t.Errorf("got %d %s", status, stderr)
	}
	if _, err := os.Stat(absent); err == nil {
		t.Error("looking made the folder")
	}
}

func TestInspectTakesOneFolder(t *testing.T) {
	for _, args := range [][]string{{"a", "b"}, {"--data", "a", "b"}, {"a", "--data"}} {
		if status, _, stderr := kiseki(t, append([]string{"inspect"}, args...)...); status != exitUsage || stderr == "" {
			t.Errorf("%q: %d %s", args, status, stderr)
		}
	}
}

func TestInspectFindsDamage(t *testing.T) {
	data := t.TempDir()
	s, err := storage.Open(storage.Options{Dir: data})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := s.Append(t.Context(), telemetrytest.Random(1, 100)); err != nil {
		t.Fatal(err)
	}
	if err := s.Flush(t.Context()); err != nil {
		t.Fatal(err)
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	if status, stdout, stderr := kiseki(t, "inspect", "--data", data); status != exitOK || !strings.Contains(stdout, "100 spans") {
		t.Fatalf("before the damage: %d\n%s\n%s", status, stdout, stderr)
	}
	segments, err := filepath.Glob(filepath.Join(data, "tenants", "default", "segments", "*.seg"))
	if err != nil || len(segments) != 1 {
		t.Fatalf("segments: %v, %v", segments, err)
	}
	bytes, err := os.ReadFile(segments[0])
	if err != nil {
		t.Fatal(err)
	}
	bytes[len(bytes)/3] ^= 1
	if err := os.WriteFile(segments[0], bytes, 0o600); err != nil {
		t.Fatal(err)
	}
	status, stdout, stderr := kiseki(t, "inspect", "--data", data)
	if status != exitFailed || !strings.Contains(stdout, "DAMAGED") || !strings.Contains(stderr, "problems") {
		t.Errorf("after the damage: %d\n%s\n%s", status, stdout, stderr)
	}
	intact := append([]byte(nil), bytes...)
	intact[len(bytes)/3] ^= 1
	status, stdout, _ = kiseki(t, "inspect", "--repair", "--data", data)
	if status != exitFailed || !strings.Contains(stdout, "spans kept") {
		t.Errorf("repaired with loss: %d\n%s", status, stdout)
	}
	// The file comes back whole once a copy of it is in the quarantine folder.
	aside := filepath.Join(data, "tenants", "default", "quarantine", filepath.Base(segments[0]))
	if err := os.WriteFile(aside, intact, 0o600); err != nil {
		t.Fatal(err)
	}
	status, stdout, _ = kiseki(t, "inspect", "--data", data, "--repair")
	if status != exitOK || !strings.Contains(stdout, "100 spans kept, 0 lost") {
		t.Errorf("repaired from a backup: %d\n%s", status, stdout)
	}
}
