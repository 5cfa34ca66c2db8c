package delivery

import (
	"bytes"
	"context"
	"errors"
	"flag"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"syscall"
	"testing"

	"go.opentelemetry.io/otel/sdk/trace/tracetest"
	tracepb "go.opentelemetry.io/proto/otlp/trace/v1"
	"google.golang.org/protobuf/proto"
)

// unreachable is an address that refuses connections.
const unreachable = "http://127.0.0.1:1/v1/traces"

// queueFiles are the complete queue files below a queue directory.
func queueFiles(t *testing.T, dir string) []string {
	t.Helper()
	files, err := filepath.Glob(filepath.Join(dir, "*", "*", "[0-9a-f]*"+fileSuffix))
	if err != nil {
		t.Fatal(err)
	}
	return files
}

// leave makes n spans that end up in one queue file of a process that is
// gone, and returns the file.
func leave(t *testing.T, dir string, m *maker, n int) string {
	t.Helper()
	d := start(t, Options{URL: unreachable, Dir: dir})
	m.make(d, n)
	if err := d.Shutdown(context.Background()); err == nil {
		t.Fatal("the spans were delivered to nowhere")
	}
	files := queueFiles(t, dir)
	if len(files) == 0 {
		t.Fatal("nothing was left on disk")
	}
	return files[len(files)-1]
}

// TestNextProcess: what a process leaves is sent by the next one, which
// leaves nothing behind.
func TestNextProcess(t *testing.T) {
	dir, r, m := t.TempDir(), newReceiver(t), &maker{}
	for range 3 {
		leave(t, dir, m, 50)
	}
	d := start(t, Options{URL: r.URL, Dir: dir})
	eventually(t, "everything is sent", func() bool { return d.Stats().Sent == 150 })
	s := d.Stats()
	balance(t, s)
	if s.Recovered != 150 {
		t.Errorf("stats: %+v", s)
	}
	if err := d.Shutdown(context.Background()); err != nil {
		t.Error(err)
	}
	r.check(t, 150)
	if left, _ := filepath.Glob(filepath.Join(dir, "*", "*")); len(left) != 0 {
		t.Errorf("left on disk: %v", left)
	}
}

// TestLivingProcess: nobody touches the files of a process that lives.
func TestLivingProcess(t *testing.T) {
	dir, r, m := t.TempDir(), newReceiver(t), &maker{}
	living := start(t, Options{URL: unreachable, Dir: dir})
	m.make(living, 50)
	eventually(t, "the spans are on disk", func() bool { return living.Stats().WaitingOnDisk == 50 })
	other := start(t, Options{URL: r.URL, Dir: dir})
	stranger := start(t, Options{URL: r.URL, Dir: dir, Service: "another"})
	eventually(t, "the others have looked", func() bool { return other.disk.Load() != nil && stranger.disk.Load() != nil })
	for _, d := range []*Delivery{other, stranger} {
		if err := d.Shutdown(context.Background()); err != nil {
			t.Error(err)
		}
		if s := d.Stats(); s.Recovered != 0 {
			t.Errorf("stats: %+v", s)
		}
	}
	if files := queueFiles(t, dir); len(files) != 1 {
		t.Errorf("files: %v", files)
	}
}

// TestDiskBound: the queue directory stays within its limit, the oldest
// spans make room and are counted.
func TestDiskBound(t *testing.T) {
	const limit = 40_000
	dir, r, m := t.TempDir(), newReceiver(t), &maker{}
	r.status.Store(http.StatusServiceUnavailable)
	d := start(t, Options{URL: r.URL, Dir: dir, DiskLimit: limit, Plain: true})
	for range 30 {
		m.make(d, 50)
		ended := d.Stats().Ended
		eventually(t, "the spans are on disk", func() bool {
			s := d.Stats()
			return s.WaitingOnDisk+s.DroppedDisk == ended
		})
	}
	var size int64
	for _, f := range queueFiles(t, dir) {
		if info, err := os.Stat(f); err == nil {
			size += info.Size()
		}
	}
	s := d.Stats()
	balance(t, s)
	if size > limit || size != s.DiskBytes || s.DroppedDisk == 0 {
		t.Errorf("%d bytes on disk, stats %+v", size, s)
	}
	r.status.Store(0)
	eventually(t, "the rest is sent", func() bool { return d.Stats().Waiting == 0 })
	if r.names[nameOf(0)] != 0 || r.names[nameOf(1499)] != 1 {
		t.Error("the oldest span was kept or the newest dropped")
	}
}

// TestDamagedFiles: what cannot be read is counted and removed, and keeps
// nothing else from being sent.
func TestDamagedFiles(t *testing.T) {
	for name, damage := range map[string]func([]byte) []byte{
		"empty":          func([]byte) []byte { return nil },
		"no header":      func(f []byte) []byte { return f[:10] },
		"cut":            func(f []byte) []byte { return f[:len(f)-5] },
		"longer":         func(f []byte) []byte { return append(f, 0) },
		"magic":          func(f []byte) []byte { f[0]++; return f },
		"flipped bit":    func(f []byte) []byte { f[len(f)/2] ^= 4; return f },
		"another length": func(f []byte) []byte { f[15] = 255; return f },
	} {
		t.Run(name, func(t *testing.T) {
			dir, r, m := t.TempDir(), newReceiver(t), &maker{next: -7}
			leave(t, dir, m, 7)
			leave(t, dir, m, 50)
			file := queueFiles(t, dir)[0]
			content, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			if err := os.WriteFile(file, damage(content), 0o600); err != nil {
				t.Fatal(err)
			}
			d := start(t, Options{URL: r.URL, Dir: dir})
			eventually(t, "everything is settled", func() bool {
				s := d.Stats()
				return s.DamagedFiles == 1 && s.Sent == 50
			})
			r.check(t, 50)
			balance(t, d.Stats())
			if files := queueFiles(t, dir); len(files) != 0 {
				t.Errorf("files: %v", files)
			}
		})
	}
}

// TestNewerFiles: a file of a newer version is left for it.
func TestNewerFiles(t *testing.T) {
	dir, r, m := t.TempDir(), newReceiver(t), &maker{}
	file := leave(t, dir, m, 7)
	content, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	content[4] = fileVersion + 1
	if err := os.WriteFile(file, content, 0o600); err != nil {
		t.Fatal(err)
	}
	d := start(t, Options{URL: r.URL, Dir: dir})
	eventually(t, "the file is adopted", func() bool { return d.disk.Load() != nil && d.Stats().Waiting == 0 })
	if err := d.Shutdown(context.Background()); err != nil {
		t.Error(err)
	}
	files := queueFiles(t, dir)
	if len(files) != 1 {
		t.Fatalf("files: %v", files)
	}
	if kept, _ := os.ReadFile(files[0]); !bytes.Equal(kept, content) {
		t.Error("the file was changed")
	}
}

// TestUnusableDirectory: without a queue directory spans wait in memory.
func TestUnusableDirectory(t *testing.T) {
	file := filepath.Join(t.TempDir(), "a file")
	if err := os.WriteFile(file, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	r, m := newReceiver(t), &maker{}
	r.status.Store(http.StatusServiceUnavailable)
	d := start(t, Options{URL: r.URL, Dir: file})
	m.make(d, 10)
	eventually(t, "a failed request", func() bool { return d.Stats().FailedRequests > 0 })
	s := d.Stats()
	balance(t, s)
	if s.DiskErrors == 0 || s.Waiting != 10 || s.WaitingOnDisk != 0 {
		t.Errorf("stats: %+v", s)
	}
	r.status.Store(0)
	eventually(t, "everything is sent", func() bool { return d.Stats().Sent == 10 })
}

// TestFullDisk: what the disk does not take waits in memory, within its
// bound, and no half-written file is left.
func TestFullDisk(t *testing.T) {
	dir, r, m := t.TempDir(), newReceiver(t), &maker{}
	r.status.Store(http.StatusServiceUnavailable)
	full := func(path string, content []byte) error {
		if err := os.WriteFile(path, content[:len(content)/2], 0o600); err != nil {
			return err
		}
		return &os.PathError{Op: "write", Path: path, Err: syscall.ENOSPC}
	}
	d := start(t, Options{URL: r.URL, Dir: dir, Plain: true, MemoryLimit: 20_000, write: full})
	for range 20 {
		m.make(d, 20)
		ended := d.Stats().Ended
		eventually(t, "the spans are taken", func() bool {
			s := d.Stats()
			return s.Waiting+s.DroppedMemory == ended && s.DiskErrors > 0
		})
	}
	s := d.Stats()
	balance(t, s)
	w := d.queue.waiting()
	if s.DroppedMemory == 0 || s.WaitingOnDisk != 0 || w.memoryBytes > 20_000 || !errors.Is(s.LastError, syscall.ENOSPC) && s.LastError == nil {
		t.Errorf("%d bytes wait in memory, stats %+v", w.memoryBytes, s)
	}
	eventually(t, "no half-written file is left", func() bool {
		left, _ := filepath.Glob(filepath.Join(dir, "*", "*", "*"+fileSuffix))
		return len(left) == 0
	})
	r.status.Store(0)
	eventually(t, "the rest is sent", func() bool { return d.Stats().Waiting == 0 })
	balance(t, d.Stats())
}

var rewrite = flag.Bool("rewrite", false, "write the sample of the present version of queue files")

// TestOldFiles: queue files of every version that was released are read.
func TestOldFiles(t *testing.T) {
	spans := tracetest.SpanStubs{fullSpan()}.Snapshots()
	if *rewrite {
		b := batch{payload: encode(nil, spans), spans: 1}
		if err := os.WriteFile(fmt.Sprintf("testdata/v%d.spans", fileVersion), b.fileBytes(), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	for version := 1; version <= fileVersion; version++ {
		content, err := os.ReadFile(fmt.Sprintf("testdata/v%d.spans", version))
		if err != nil {
			t.Fatal(err)
		}
		b, err := readBatch(bytes.NewReader(content), int64(len(content)))
		if err != nil {
			t.Fatal(err)
		}
		want := &tracepb.TracesData{ResourceSpans: []*tracepb.ResourceSpans{wantFullSpan()}}
		if got := decode(t, b.payload); b.spans != 1 || b.gzip || !proto.Equal(got, want) {
			t.Errorf("version %d: %d spans: %v", version, b.spans, got)
		}
	}
}

func FuzzQueueFile(f *testing.F) {
	whole := batch{payload: []byte("payload"), spans: 3, gzip: true}.fileBytes()
	f.Add(whole)
	f.Add(whole[:fileHeaderSize])
	f.Add([]byte(fileMagic))
	f.Add([]byte{})
	f.Fuzz(func(t *testing.T, content []byte) {
		b, err := readBatch(bytes.NewReader(content), int64(len(content)))
		if err != nil {
			if !errors.Is(err, errDamaged) && !errors.Is(err, errNewer) {
				t.Errorf("error is %v", err)
			}
			return
		}
		if !bytes.Equal(b.fileBytes(), content) {
			t.Errorf("% x was read as %+v", content, b)
		}
	})
}
