package storage

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/kiseki-dev/kiseki/storage/segment"
	"github.com/kiseki-dev/kiseki/storage/vfs"
	"github.com/kiseki-dev/kiseki/telemetry"
	"github.com/kiseki-dev/kiseki/telemetry/telemetrytest"
)

func onDisk(dir string) Options {
	o := options(vfs.OS{})
	o.Dir = dir
	return o
}

func backUp(t *testing.T, s *Store, dir string, prune bool) BackupReport {
	t.Helper()
	r, err := s.Backup(t.Context(), dir, prune, nil)
	if err != nil {
		t.Fatal(err)
	}
	return r
}

// restored is the store that a backup restores to.
func restored(t *testing.T, from, name string) *Store {
	t.Helper()
	dir := filepath.Join(t.TempDir(), "restored")
	if _, err := Restore(t.Context(), vfs.OS{}, from, name, dir, nil); err != nil {
		t.Fatal(err)
	}
	return open(t, onDisk(dir))
}

func TestBackupIsIncremental(t *testing.T) {
	dir, to := t.TempDir(), filepath.Join(t.TempDir(), "backups")
	s := open(t, onDisk(dir))
	one, two, three := telemetrytest.Random(1, 50), telemetrytest.Random(2, 50), telemetrytest.Random(3, 50)
	add(t, s, one)
	first := backUp(t, s, to, false)
	if first.Segments != 1 || first.CopiedSegments != 1 || first.Spans != 50 {
		t.Errorf("first backup: %+v", first)
	}
	add(t, s, two)
	second := backUp(t, s, to, false)
	if second.Segments != 2 || second.CopiedSegments != 1 || second.Spans != 100 {
		t.Errorf("second backup: %+v", second)
	}
	if third := backUp(t, s, to, false); third.CopiedSegments != 0 || third.Segments != 2 {
		t.Errorf("third backup: %+v", third)
	}
	wantSpans(t, restored(t, to, ""), one, two)
	wantSpans(t, restored(t, to, first.Name), one)

	// A store that lives on from the first backup has a segment of the same
	// number as the second backup, with other spans.
	fork := restored(t, to, first.Name)
	add(t, fork, three)
	if r := backUp(t, fork, to, false); r.CopiedSegments != 1 {
		t.Errorf("backup of the fork: %+v", r)
	}
	wantSpans(t, restored(t, to, ""), one, three)
	wantSpans(t, restored(t, to, second.Name), one, two)

	if r := backUp(t, fork, to, true); r.PrunedFiles != 5 { // four backups and a segment
		t.Errorf("pruned: %+v", r)
	}
	wantSpans(t, restored(t, to, ""), one, three)
	if _, err := Restore(t.Context(), vfs.OS{}, to, first.Name, t.TempDir(), nil); err == nil {
		t.Error("a pruned backup was restored")
	}
}

// TestBackupUnderLoad: what was acknowledged before a backup began is in it,
// and it ends although the load does not.
func TestBackupUnderLoad(t *testing.T) {
	s := open(t, onDisk(t.TempDir()))
	to := t.TempDir()
	var acknowledged atomic.Pointer[[]*telemetry.Batch]
	acknowledged.Store(&[]*telemetry.Batch{})
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan struct{})
	some := make(chan struct{}, 1)
	go func() {
		defer close(done)
		var list []*telemetry.Batch
		for i := uint64(1); ctx.Err() == nil; i++ {
			b := telemetrytest.Random(i, 8)
			if _, err := s.Append(context.Background(), b); err != nil {
				t.Error(err)
				return
			}
			list = append(list, b)
			snapshot := list[:len(list):len(list)]
			acknowledged.Store(&snapshot)
			select {
			case some <- struct{}{}:
			default:
			}
		}
	}()
	for range 3 {
		<-some
		before := *acknowledged.Load()
		backUp(t, s, to, false)
		got := map[string]bool{}
		r := restored(t, to, "")
		for _, span := range contents(t, r) {
			got[span] = true
		}
		for _, span := range dumps(before...) {
			if !got[span] {
				t.Fatalf("not in the backup, though acknowledged before it began:\n%s", span)
			}
		}
		closeStore(t, r)
	}
	cancel()
	<-done
	backUp(t, s, to, false)
	wantSpans(t, restored(t, to, ""), *acknowledged.Load()...)
}

// TestBackupFailsAnywhere lets the k-th file-system operation of a backup
// fail, for every k. The backup before it stays whole, and the next one is.
func TestBackupFailsAnywhere(t *testing.T) {
	one, two := telemetrytest.Random(1, 20), telemetrytest.Random(2, 20)
	for k := int64(0); ; k++ {
		mem := vfs.NewMem(0)
		var n atomic.Int64
		n.Store(-1 << 40)
		s := open(t, options(vfs.NewFault(mem, func(vfs.Op) error {
			if n.Add(1)-1 == k {
				return syscall.EIO
			}
			return nil
		})))
		add(t, s, one)
		backUp(t, s, "/backups", false)
		add(t, s, two)
		n.Store(0)
		_, failed := s.Backup(t.Context(), "/backups", true, nil)
		over := n.Load() <= k
		n.Store(-1 << 40)
		crashed := mem.CrashClone(nil)
		wantSound(t, fmt.Sprint("operation ", k), crashed)
		backUp(t, s, "/backups", true)
		if b := wantSound(t, fmt.Sprint("again after operation ", k), mem.CrashClone(nil)); len(b.Segments) != 2 {
			t.Fatalf("operation %d: the backup after it has %d segments", k, len(b.Segments))
		}
		closeStore(t, s)
		if over {
			if failed != nil {
				t.Fatal(failed)
			}
			break
		}
	}
}

// wantSound holds if every backup in /backups has all of its segments intact.
// It returns the newest.
func wantSound(t *testing.T, what string, mem *vfs.Mem) (newest backup) {
	t.Helper()
	f := backupFolder{fs: mem, root: "/backups"}
	names, err := f.names()
	if err != nil || len(names) == 0 {
		t.Fatalf("%s: no backups: %v", what, err)
	}
	for _, name := range names {
		if newest, err = f.read(name); err != nil {
			t.Fatalf("%s: %s: %v", what, name, err)
		}
		for _, e := range newest.Segments {
			if err := verifySegment(mem, filepath.Join(f.segments(), e.File)); err != nil {
				t.Fatalf("%s: %s: %v", what, name, err)
			}
		}
	}
	return newest
}

func TestBackupLeavesDamageOut(t *testing.T) {
	dir, to := t.TempDir(), t.TempDir()
	s := open(t, onDisk(dir))
	one, two := telemetrytest.Random(1, 50), telemetrytest.Random(2, 50)
	add(t, s, one)
	flush(t, s)
	spoil(t, filepath.Join(dir, "tenants", "default", "segments", segmentName(1)))
	add(t, s, two)
	r, err := s.Backup(t.Context(), to, false, nil)
	if corrupt := (*segment.CorruptError)(nil); !errors.As(err, &corrupt) || r.Segments != 1 {
		t.Errorf("got %+v, %v", r, err)
	}
	wantSpans(t, restored(t, to, ""), two)
}

func TestRestoreRefuses(t *testing.T) {
	s := open(t, onDisk(t.TempDir()))
	add(t, s, telemetrytest.Random(1, 50))
	to := t.TempDir()
	if _, err := Restore(t.Context(), vfs.OS{}, to, "", t.TempDir(), nil); !errors.Is(err, ErrNoBackup) {
		t.Errorf("without a backup: %v", err)
	}
	r := backUp(t, s, to, false)
	if _, err := Restore(t.Context(), vfs.OS{}, to, "", s.opts.Dir, nil); !errors.Is(err, ErrNotEmpty) {
		t.Errorf("over a store: %v", err)
	}
	segments, err := filepath.Glob(filepath.Join(to, "segments", "*"))
	if err != nil || len(segments) != 1 {
		t.Fatal(segments, err)
	}
	spoil(t, segments[0])
	dir := t.TempDir()
	if _, err := Restore(t.Context(), vfs.OS{}, to, "", dir, nil); err == nil || !strings.Contains(err.Error(), ".seg") {
		t.Errorf("a damaged segment: %v", err)
	}
	if _, err := os.Stat(filepath.Join(dir, "tenants")); err == nil {
		t.Error("half a backup was made a store")
	}
	if _, err := Open(onDisk(dir)); !errors.Is(err, ErrRestoring) {
		t.Errorf("half a backup was opened: %v", err)
	}
	if err := os.Remove(segments[0]); err != nil {
		t.Fatal(err)
	}
	backUp(t, s, to, false)
	if _, err := Restore(t.Context(), vfs.OS{}, to, "", dir, nil); err != nil {
		t.Errorf("after an interrupted restore: %v", err)
	}
	spoil(t, filepath.Join(to, r.Name))
	if _, err := Restore(t.Context(), vfs.OS{}, to, r.Name, t.TempDir(), nil); !errors.Is(err, errBackup) {
		t.Errorf("a damaged list: %v", err)
	}
}

func TestOneBackupAtATime(t *testing.T) {
	s := open(t, onDisk(t.TempDir()))
	to := t.TempDir()
	lock, err := backupFolder{fs: vfs.OS{}, root: to}.open()
	if err != nil {
		t.Fatal(err)
	}
	defer lock.Close()
	if _, err := s.Backup(t.Context(), to, false, nil); !errors.Is(err, ErrBackupRunning) {
		t.Errorf("got %v", err)
	}
}

// spoil flips a bit in the middle of a file.
func spoil(t *testing.T, path string) {
	t.Helper()
	p, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	p[len(p)/3] ^= 1
	if err := os.WriteFile(path, p, 0o600); err != nil {
		t.Fatal(err)
	}
}

func FuzzDecodeBackup(f *testing.F) {
	f.Add([]byte("kiseki backup 1 crc32c 00000000\n{}"))
	f.Add([]byte("kiseki backup 1 crc32c 1f64cf5b\n{\"segments\":[{\"file\":\"../x.seg\"}]}"))
	f.Fuzz(func(t *testing.T, p []byte) {
		b, err := decodeBackup(p)
		if err != nil {
			return
		}
		for _, e := range b.Segments {
			if filepath.Base(e.File) != e.File {
				t.Fatalf("%q leads elsewhere", e.File)
			}
		}
	})
}

// TestProgress: what a backup and a restore tell meanwhile only grows, and
// ends with all there is.
func TestProgress(t *testing.T) {
	s := open(t, onDisk(t.TempDir()))
	for seed := range uint64(3) {
		add(t, s, telemetrytest.Random(seed, 3000))
		flush(t, s)
	}
	var told []BackupReport
	tell := func(r BackupReport) { told = append(told, r) }
	check := func(what string, done BackupReport) {
		t.Helper()
		for i, r := range told {
			if r.TotalSegments != 3 || r.TotalBytes != done.Bytes || r.Bytes > r.TotalBytes || r.Name != "" && what == "backup" {
				t.Errorf("%s: told %+v", what, r)
			}
			if i > 0 && (r.Bytes < told[i-1].Bytes || r.Segments < told[i-1].Segments) {
				t.Errorf("%s: told %+v and then %+v", what, told[i-1], r)
			}
		}
		if len(told) < 3 || told[len(told)-1].Bytes != done.Bytes || done.TotalBytes != done.Bytes {
			t.Errorf("%s: told %+v at last of %+v", what, told, done)
		}
		told = nil
	}
	to := t.TempDir()
	r, err := s.Backup(t.Context(), to, false, tell)
	if err != nil {
		t.Fatal(err)
	}
	check("backup", r)
	if r, err = Restore(t.Context(), vfs.OS{}, to, "", t.TempDir(), tell); err != nil {
		t.Fatal(err)
	}
	check("restore", r)
}

// TestDeleteWhileBackingUp deletes a trace at the k-th file-system operation
// of a backup, for every k, every other time after a compaction has moved it
// to a segment that the backup does not have. What was deleted before the
// backup ended does not come back with it, and everything else does.
func TestDeleteWhileBackingUp(t *testing.T) {
	b := telemetrytest.Random(3, 60)
	id := b.Spans[0].TraceID
	half := len(b.Spans) / 2
	left := lacking(b, map[telemetry.TraceID]struct{}{id: {}})
	late := 0
	for k := int64(0); ; k++ {
		mem := vfs.NewMem(0)
		var n atomic.Int64
		n.Store(-1 << 40)
		var s *Store
		deletion, during := make(chan error, 1), false
		o := options(vfs.NewFault(mem, func(vfs.Op) error {
			if n.Add(1)-1 != k {
				return nil
			}
			n.Store(-1 << 40)
			answer := make(chan error, 1)
			go func() { // a backup that holds the lock is not waited for
				var err error
				if k%2 == 0 {
					_, err = s.rewrite(context.Background(), rewriteJob{inputs: numbers(s)})
				}
				if err == nil {
					_, err = s.Delete(context.Background(), DeletionRequest{Traces: []telemetry.TraceID{id}, Kind: "traces"})
				}
				answer <- err
				deletion <- err
			}()
			select {
			case err := <-answer:
				during = err == nil
			case <-time.After(time.Second / 2):
			}
			return nil
		}))
		s = open(t, o)
		for _, spans := range [][]telemetry.Span{b.Spans[:half], b.Spans[half:]} {
			part := *b
			part.Spans = spans
			add(t, s, &part)
			flush(t, s)
		}
		n.Store(0)
		backUp(t, s, "/backups", false)
		if n.Load() > 0 { // it had fewer operations
			closeStore(t, s)
			break
		}
		if err := <-deletion; err != nil && !errors.Is(err, errSuperseded) {
			t.Fatalf("operation %d: %v", k, err)
		}
		closeStore(t, s)
		if _, err := Restore(t.Context(), mem, "/backups", "", "/restored", nil); err != nil {
			t.Fatal(err)
		}
		o = options(mem)
		o.Dir = "/restored"
		again := open(t, o)
		if during {
			wantSpans(t, again, left)
			erase(t, again)
			if files := filesWith(t, mem, "/restored", string(id[:])); len(files) != 0 {
				t.Fatalf("operation %d: the trace is still in %q", k, files)
			}
			wantSpans(t, again, left)
		} else {
			late++
		}
		closeStore(t, again)
		if !during && late > 8 {
			t.Fatalf("operation %d: deletions wait for the backup", k)
		}
	}
	t.Logf("%d deletions came when the backup was there", late)
}

// TestBackupTellsWhatIsLost: a backup without a damaged segment restores to a
// store whose answers say so.
func TestBackupTellsWhatIsLost(t *testing.T) {
	dir, to := t.TempDir(), t.TempDir()
	s := open(t, onDisk(dir))
	add(t, s, telemetrytest.Random(1, 50))
	flush(t, s)
	spoil(t, filepath.Join(dir, "tenants", "default", "segments", segmentName(1)))
	if _, err := s.Backup(t.Context(), to, false, nil); err == nil {
		t.Fatal("the damage was not seen")
	}
	again := restored(t, to, "")
	if got := again.Stats().LostSpans; got != 50 {
		t.Errorf("%d spans are lost", got)
	}
	if err := readAll(again); !errors.Is(err, errLost) {
		t.Errorf("reading all gave %v", err)
	}
}

// TestRestoreVersion1 restores a backup whose list is as version 1 wrote it.
func TestRestoreVersion1(t *testing.T) {
	s := open(t, onDisk(t.TempDir()))
	b := telemetrytest.Random(1, 50)
	add(t, s, b)
	to := t.TempDir()
	path := filepath.Join(to, backUp(t, s, to, false).Name)
	p, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	_, body, _ := strings.Cut(string(p), "\n")
	for version, want := range map[uint32]error{1: nil, backupVersion + 1: errVersion} {
		if err := os.WriteFile(path, seal(backupMagic, version, []byte(body)), 0o600); err != nil {
			t.Fatal(err)
		}
		dir := filepath.Join(t.TempDir(), "restored")
		if _, err := Restore(t.Context(), vfs.OS{}, to, "", dir, nil); !errors.Is(err, want) {
			t.Fatalf("version %d: %v", version, err)
		}
		if want == nil {
			wantSpans(t, open(t, onDisk(dir)), b)
		}
	}
}
