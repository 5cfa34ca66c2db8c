package main

import (
	"bytes"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/kiseki-dev/kiseki/telemetry"
	"github.com/kiseki-dev/kiseki/telemetry/telemetrytest"
)

// TestDeleteCommand deletes from a real server, and finds nothing of the
// value in its data folder once it is erased.
func TestDeleteCommand(t *testing.T) {
	// What is searched for must not be compressed away: no two of its
	// characters are alike.
	const person = "alice!#$%&()*+,-./0123456789:;<=>?@ABCDEFGHIJKLMNOPQRSTUVWXYZ"
	const other = "0123456789abcdef0123456789abcdef"
	data := t.TempDir()
	r := startServe(t, data, "--retention-age", "0", "--erase-after", "1s")
	r.send(t, traceID, person)
	r.send(t, other, "bob")
	if len(filesThatContain(t, data, person)) == 0 {
		t.Fatal("the search does not find what is there")
	}
	query := `{ name = "` + person + `" }`
	if status, stdout, stderr := kiseki(t, "delete", "--server", r.web, "--query", query, "--dry-run"); status != exitOK || stdout != "1 traces with 1 spans\n" {
		t.Errorf("dry run: %d, %q, %s", status, stdout, stderr)
	}
	var out bytes.Buffer
	o := deleteOptions{what: deletion{Query: &query}, server: r.web}
	if err := o.run(t.Context(), strings.NewReader("n\n"), &out, io.Discard); err == nil || out.String() != "1 traces with 1 spans\nDelete them? [y/N] " {
		t.Errorf("not confirmed: %v, %q", err, out.String())
	}
	if status, _ := r.get(t, "/api/kiseki/v1/traces/"+traceID); status != 200 {
		t.Fatal("deleted without being asked to")
	}
	out.Reset()
	if err := o.run(t.Context(), strings.NewReader("y\n"), &out, io.Discard); err != nil || !strings.HasSuffix(out.String(), "deleted 1 traces with 1 spans: deletion 1, pending\n") {
		t.Errorf("confirmed: %v, %q", err, out.String())
	}
	for id, want := range map[string]int{traceID: 404, other: 200} {
		if status, _ := r.get(t, "/api/kiseki/v1/traces/"+id); status != want {
			t.Errorf("trace %s: %d", id, status)
		}
	}
	if status, stdout, _ := kiseki(t, "delete", "--server", r.web+"/", "--trace", traceID, "--yes"); status != exitOK || stdout != "deleted 0 traces with 0 spans: deletion 2, erased\n" {
		t.Errorf("again: %d, %q", status, stdout)
	}
	for range 300 {
		if _, body := r.get(t, "/api/kiseki/v1/deletions"); !strings.Contains(body, "pending") {
			break
		}
		time.Sleep(100 * time.Millisecond)
	}
	r.stop(t)
	if files := filesThatContain(t, data, person); len(files) != 0 {
		t.Errorf("still in %q", files)
	}
	if files := filesThatContain(t, data, `"event":"erased","id":1`); len(files) != 1 {
		t.Errorf("the audit log says nothing of it: %q", files)
	}
}

func filesThatContain(t *testing.T, dir, text string) (out []string) {
	t.Helper()
	err := filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		b, err := os.ReadFile(path)
		if bytes.Contains(b, []byte(text)) {
			out = append(out, path)
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return out
}

func TestDeleteMistakes(t *testing.T) {
	for _, x := range []struct {
		args   []string
		status int
		want   string
	}{
		{nil, exitUsage, "give one of --trace, --query and --attribute"},
		{[]string{"--trace", "aa", "--query", "{}"}, exitUsage, "give one of"},
		{[]string{"--attribute", "alice"}, exitUsage, "it must be KEY=VALUE"},
		{[]string{"--query", "{}", "--start", "yesterday"}, exitUsage, "is not a time such as"},
		{[]string{"--qeury", "{}"}, exitUsage, "unknown option --qeury"},
		{[]string{"--query", "{}", "x"}, exitUsage, `unexpected argument "x"`},
		{[]string{"--query", "{}", "--server", "http://127.0.0.1:1"}, exitFailed, `is "kiseki serve" running?`},
	} {
		status, _, stderr := kiseki(t, append([]string{"delete"}, x.args...)...)
		if status != x.status || !strings.Contains(stderr, x.want) {
			t.Errorf("%q: %d, %s", x.args, status, stderr)
		}
	}
	r := startServe(t, t.TempDir())
	if status, _, stderr := kiseki(t, "delete", "--server", r.web, "--query", "{ nmae = 1 }", "--yes"); status != exitFailed || !strings.Contains(stderr, "did you mean name?") {
		t.Errorf("bad query: %d, %s", status, stderr)
	}
	if status, _, stderr := kiseki(t, "delete", "--server", r.otlpHTTP, "--query", "{}", "--yes"); status != exitFailed || !strings.Contains(stderr, "not as a kiseki does") {
		t.Errorf("another server: %d, %s", status, stderr)
	}
}

// TestDeletionInStatedTime: docs/operations.md says how soon the disk is rid
// of deleted traces, and that holds while spans come in and questions are
// asked, which keep files in use.
func TestDeletionInStatedTime(t *testing.T) {
	// Two attempts, ten seconds apart, in 25 s: counted in looks of a tenth of a
	// second, which take as much longer on a busy machine as erasing does.
	const eraseAfter, looks = time.Second, 250
	b := telemetrytest.Random(5, 6000)
	data := fill(t, b)
	r := startServe(t, data, "--retention-age", "0", "--erase-after", eraseAfter.String())
	stop := make(chan struct{})
	var busy sync.WaitGroup
	busy.Go(func() {
		for {
			select {
			case <-stop:
				return
			case <-time.After(2 * time.Millisecond):
				r.send(t, traceID, "late")
				r.get(t, "/api/kiseki/v1/traces?limit=1000")
			}
		}
	})
	asked := time.Now()
	ok(t, "delete", "--server", r.web, "--trace", b.Spans[0].TraceID.String(), "--trace", b.Spans[5999].TraceID.String(), "--yes")
	var body string
	for range looks {
		if _, body = r.get(t, "/api/kiseki/v1/deletions"); strings.Contains(body, `"state":"erased"`) {
			break
		}
		time.Sleep(100 * time.Millisecond)
	}
	close(stop)
	busy.Wait()
	r.stop(t)
	if took := time.Since(asked); !strings.Contains(body, `"state":"erased"`) || took < eraseAfter {
		t.Errorf("after %v: %s", took, body)
	}
	for _, id := range []telemetry.TraceID{b.Spans[0].TraceID, b.Spans[5999].TraceID} {
		if files := filesThatContain(t, data, string(id[:])); len(files) != 0 {
			t.Errorf("trace %s is still in %q", id, files)
		}
	}
}
