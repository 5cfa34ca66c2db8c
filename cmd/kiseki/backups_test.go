package main

import (
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/kiseki-dev/kiseki/api/native"
	"github.com/kiseki-dev/kiseki/config"
	"github.com/kiseki-dev/kiseki/storage"
	"github.com/kiseki-dev/kiseki/telemetry/telemetrytest"
)

// TestBackupsAreListed: the API says what became of each backup.
func TestBackupsAreListed(t *testing.T) {
	root := t.TempDir()
	r := startServe(t, fill(t, telemetrytest.Random(1, 4000)), "--retention-age", "0", "--backup-directory", root)
	ok(t, "backup", "--server", r.web)
	if err := os.WriteFile(filepath.Join(root, "file"), nil, 0o600); err != nil {
		t.Fatal(err)
	}
	if status, _, stderr := kiseki(t, "backup", "--server", r.web, "--to", "file"); status != exitFailed || !strings.Contains(stderr, "not a directory") {
		t.Errorf("backup to a file: status %d, %s", status, stderr)
	}
	_, body := r.get(t, "/api/kiseki/v1/backups")
	var got struct{ Backups []native.Backup }
	if err := json.Unmarshal([]byte(body), &got); err != nil || len(got.Backups) != 2 {
		t.Fatalf("%v: %s", err, body)
	}
	failed, done := got.Backups[0], got.Backups[1]
	if failed.ID != 2 || failed.State != native.BackupFailed || failed.Error == "" || failed.Name != "" || failed.Ended < failed.Started {
		t.Errorf("failed: %+v", failed)
	}
	if done.ID != 1 || done.State != native.BackupDone || done.Name == "" || done.SpanCount != 4000 || done.Bytes != done.TotalBytes || done.CopiedBytes != done.Bytes {
		t.Errorf("done: %+v", done)
	}
	r.stop(t)
	if !strings.Contains(r.log.String(), "backup done") {
		t.Errorf("log:\n%s", &r.log)
	}
}

// TestBackupsOneAtATime: another one is refused, also while the first ends
// early because the server stops.
func TestBackupsOneAtATime(t *testing.T) {
	s, err := storage.Open(storage.Options{Dir: t.TempDir(), MinFreeBytes: 1})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := s.Append(t.Context(), telemetrytest.Random(1, 4000)); err != nil {
		t.Fatal(err)
	}
	b := newBackups(s, t.TempDir(), newLogger(t.Output(), config.Default().Log))
	if _, err := b.start(native.BackupRequest{}); err != nil {
		t.Fatal(err)
	}
	if _, err := b.start(native.BackupRequest{}); err != native.ErrBackupRunning {
		t.Errorf("a second one: %v", err)
	}
	b.close()
	if got := b.all(); len(got) != 1 || got[0].State == native.BackupRunning {
		t.Errorf("after the end: %+v", got)
	}
	if _, err := b.start(native.BackupRequest{}); err == nil {
		t.Error("a backup was started after the end")
	}
	if err := s.Close(); err != nil {
		t.Error(err)
	}
}

// TestPartlyDone: scripts can tell a backup or an export without what is
// damaged from none, and both from a whole one.
func TestPartlyDone(t *testing.T) {
	data := fill(t, telemetrytest.Random(2, 4000))
	segments, err := filepath.Glob(filepath.Join(data, "tenants/default/segments/*.seg"))
	if err != nil || len(segments) != 1 {
		t.Fatalf("%v, %q", err, segments)
	}
	r := startServe(t, data, "--retention-age", "0", "--backup-directory", t.TempDir())
	p, err := os.ReadFile(segments[0])
	if err != nil {
		t.Fatal(err)
	}
	clear(p[4096:4352])
	if err := os.WriteFile(segments[0], p, 0o600); err != nil {
		t.Fatal(err)
	}
	if status, stdout, stderr := kiseki(t, "backup", "--server", r.web); status != exitPartly || !strings.Contains(stderr, "not everything is in it") || !strings.HasPrefix(stdout, "backup ") {
		t.Errorf("backup: status %d, %s%s", status, stdout, stderr)
	}
	out := filepath.Join(t.TempDir(), "out")
	if status, _, stderr := kiseki(t, "export", "--server", r.web, "--out", out, "--format", "otlp-json"); status != exitPartly || !strings.Contains(stderr, "not all that is stored could be read") {
		t.Errorf("export: status %d, %s", status, stderr)
	}
	if info, err := os.Stat(out); err != nil || info.Size() == 0 {
		t.Errorf("export: %v", err)
	}
}
