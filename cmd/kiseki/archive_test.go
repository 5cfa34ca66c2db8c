package main

import (
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/kiseki-dev/kiseki/storage"
	"github.com/kiseki-dev/kiseki/telemetry"
	"github.com/kiseki-dev/kiseki/telemetry/telemetrytest"
)

// folderSpans is the dump of all spans of a data folder that no server uses.
func folderSpans(t *testing.T, data string) string {
	t.Helper()
	s, err := storage.Open(storage.Options{Dir: data, MinFreeBytes: 1})
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	snap := s.Snapshot()
	defer snap.Release()
	var b telemetry.Batch
	for _, src := range snap.Sources() {
		for _, block := range src.Blocks() {
			if err := block.Spans(0, block.Len(), &b); err != nil {
				t.Fatal(err)
			}
		}
	}
	return telemetrytest.Dump(&b)
}

// fill makes a data folder with the spans of b, some of them in a segment.
func fill(t *testing.T, b *telemetry.Batch) (data string) {
	t.Helper()
	data = filepath.Join(t.TempDir(), "data")
	s, err := storage.Open(storage.Options{Dir: data, MinFreeBytes: 1})
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	half := *b
	for _, half.Spans = range [][]telemetry.Span{b.Spans[:len(b.Spans)/2], b.Spans[len(b.Spans)/2:]} {
		if err := s.Flush(t.Context()); err != nil {
			t.Fatal(err)
		}
		if _, err := s.Append(t.Context(), &half); err != nil {
			t.Fatal(err)
		}
	}
	return data
}

// addSpans stores b in a data folder, which it makes where there is none.
func addSpans(t *testing.T, data string, b *telemetry.Batch) {
	t.Helper()
	s, err := storage.Open(storage.Options{Dir: data, MinFreeBytes: 1})
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	if _, err := s.Append(t.Context(), b); err != nil {
		t.Fatal(err)
	}
}

// ok runs a command that must succeed.
func ok(t *testing.T, args ...string) (stdout, stderr string) {
	t.Helper()
	status, stdout, stderr := kiseki(t, args...)
	if status != exitOK {
		t.Fatalf("kiseki %s: status %d\n%s\n%s", strings.Join(args, " "), status, stdout, stderr)
	}
	return stdout, stderr
}

// TestExportImport: what a server exports, or a folder without one, another
// server takes back unchanged.
func TestExportImport(t *testing.T) {
	b := telemetrytest.Random(11, 600)
	source := fill(t, b)
	want := telemetrytest.Dump(b)
	for _, format := range []string{"parquet", "otlp-json"} {
		t.Run(format, func(t *testing.T) {
			dir := t.TempDir()
			offline, online := filepath.Join(dir, "offline"), filepath.Join(dir, "online")
			ok(t, "export", "--format", format, "--out", offline, "--data", source)
			from := startServe(t, source, "--retention-age", "0")
			if _, stderr := ok(t, "export", "--format", format, "--out", online, "--server", from.web); !strings.Contains(stderr, "600 spans exported") {
				t.Errorf("stderr: %s", stderr)
			}
			from.stop(t)
			for _, file := range []string{offline, online} {
				data := filepath.Join(t.TempDir(), "data")
				to := startServe(t, data, "--retention-age", "0")
				if stdout, _ := ok(t, "import", file, "--otlp-http", to.otlpHTTP); !strings.HasPrefix(stdout, "600 spans sent, 0 rejected") {
					t.Errorf("stdout: %s", stdout)
				}
				to.stop(t)
				if folderSpans(t, data) != want {
					t.Errorf("%s: other spans came back", file)
				}
			}
		})
	}
	http.DefaultClient.CloseIdleConnections()
}

func TestExportOfSome(t *testing.T) {
	b := telemetrytest.Random(12, 200)
	source := fill(t, b)
	failed := 0
	for _, s := range b.Spans {
		if s.Status == telemetry.StatusError {
			failed++
		}
	}
	stdout, _ := ok(t, "export", "--format", "otlp-json", "--query", "{ status = error }", "--out", "-", "--data", source)
	if n := strings.Count(stdout, `"code":2`); failed == 0 || n != failed || strings.Contains(stdout, `"code":1`) {
		t.Errorf("%d failed spans, exported %d", failed, n)
	}
	for _, args := range [][]string{
		{}, {"--out", "x", "--format", "csv"}, {"--out", "x", "--query", "{"}, {"--out", "x", "--start", "soon"}, {"--out", "x", "--start", "5", "--end", "4"}, {"y", "--out", "x"},
	} {
		if status, _, stderr := kiseki(t, append([]string{"export"}, args...)...); status != exitUsage || stderr == "" {
			t.Errorf("%q: status %d, %s", args, status, stderr)
		}
	}
	out := filepath.Join(t.TempDir(), "out")
	if status, _, _ := kiseki(t, "export", "--out", out, "--data", t.TempDir()); status != exitFailed {
		t.Errorf("export of no store: status %d", status)
	}
	if left, err := filepath.Glob(out + "*"); err != nil || len(left) > 0 {
		t.Errorf("left behind: %v", left)
	}
}

func TestBackupAndRestore(t *testing.T) {
	root := t.TempDir()
	data, backups := filepath.Join(root, "data"), filepath.Join(root, "backups")
	r := startServe(t, data, "--retention-age", "0", "--backup-directory", backups)
	r.send(t, traceID, "hello")
	if stdout, _ := ok(t, "backup", "--server", r.web); !strings.Contains(stdout, "1 spans in 1 segments") {
		t.Errorf("first backup: %s", stdout)
	}
	r.send(t, traceID, "again")
	if stdout, _ := ok(t, "backup", "--server", r.web, "--to", backups); !strings.Contains(stdout, "2 spans in 2 segments") || !strings.Contains(stdout, "; 1 segments") {
		t.Errorf("second backup: %s", stdout)
	}
	ok(t, "backup", "--server", r.web, "--to", "weekly", "--prune")
	for _, to := range []string{root, "../elsewhere", "/"} {
		if status, _, stderr := kiseki(t, "backup", "--server", r.web, "--to", to); status != exitFailed || !strings.Contains(stderr, "Not a folder for backups") {
			t.Errorf("backup to %s: status %d, %s", to, status, stderr)
		}
	}
	for contentType, want := range map[string]int{"text/plain": 415, "application/json": 400} {
		resp, err := r.client.Post(r.web+"/api/kiseki/v1/backups", contentType, strings.NewReader(`{"directory":1}`))
		if err != nil || resp.StatusCode != want {
			t.Fatalf("a body of %s: %v, %v", contentType, resp, err)
		}
		resp.Body.Close()
	}
	r.stop(t)
	ok(t, "backup", "--data", data, "--to", filepath.Join(root, "offline"))
	want := folderSpans(t, data)
	for _, from := range []string{backups, filepath.Join(backups, "weekly"), filepath.Join(root, "offline")} {
		to := filepath.Join(t.TempDir(), "restored")
		ok(t, "restore", "--from", from, "--data", to)
		if folderSpans(t, to) != want {
			t.Errorf("%s: other spans came back", from)
		}
	}
	if status, _, stderr := kiseki(t, "restore", "--from", backups, "--data", data); status != exitFailed || !strings.Contains(stderr, "not empty") {
		t.Errorf("restore over data: status %d, %s", status, stderr)
	}
	http.DefaultClient.CloseIdleConnections()
}

func TestBackupIsRefusedUnlessSetUp(t *testing.T) {
	r := startServe(t, t.TempDir(), "--retention-age", "0")
	if status, _, stderr := kiseki(t, "backup", "--server", r.web, "--to", t.TempDir()); status != exitFailed || !strings.Contains(stderr, "--backup-directory") {
		t.Errorf("status %d, %s", status, stderr)
	}
	http.DefaultClient.CloseIdleConnections()
}

func TestImportOfNothing(t *testing.T) {
	if status, _, _ := kiseki(t, "import"); status != exitUsage {
		t.Errorf("without a file: %d", status)
	}
	if status, _, stderr := kiseki(t, "import", filepath.Join(t.TempDir(), "absent")); status != exitFailed || !strings.Contains(stderr, "absent") {
		t.Errorf("of an absent file: %d, %s", status, stderr)
	}
	bad := filepath.Join(t.TempDir(), "bad")
	if err := os.WriteFile(bad, []byte("{}}\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	if status, _, stderr := kiseki(t, "import", bad); status != exitFailed || !strings.Contains(stderr, "line 1") {
		t.Errorf("of a bad file: %d, %s", status, stderr)
	}
}
