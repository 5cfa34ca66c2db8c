// Package storage is the store of one tenant: it takes batches, keeps their
// spans durable and searchable, and forgets them when they are old.
//
// # Goals
//
// [Store.Append] returns once the spans survive a power cut and can be found;
// concurrent appends share one fsync. A snapshot sees every span exactly once,
// wherever it is at that moment. Memory is bounded by two generations of the
// head. Opening takes a second or two, however much is stored.
//
// # The life of a span
//
//	append → log and head → flush → segment → compaction → retention
//
// A generation is a head (spans in memory) with the log files that hold the
// same spans (package wal). Appends go to the active generation. When it has
// grown large or old it is frozen: a new one becomes active, and the frozen
// one is written to a segment (package segment), which replaces it for readers
// at one instant; then its log files are deleted. At most one generation is
// frozen at a time: when the active one is full too, appends wait.
//
// What belongs to the store on disk is what the manifest lists, and the log
// files from the sequence it names on. Everything else in the folder is left
// over from an interrupted step and deleted on open.
//
//	Dir/LOCK                               held while a store is open
//	Dir/tenants/default/MANIFEST           see manifest.go
//	Dir/tenants/default/MANIFEST.copy      the same bytes
//	Dir/tenants/default/wal/<sequence>.wal
//	Dir/tenants/default/segments/<number>.seg
//	Dir/tenants/default/deletions/<number>.del
//	Dir/tenants/default/audit.log          what was deleted, see audit.go
//	Dir/tenants/default/quarantine/        damaged files, for inspection
package storage

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"path/filepath"
	"runtime"
	"sync"
	"sync/atomic"
	"time"

	"github.com/kiseki-dev/kiseki/internal/seldom"
	"github.com/kiseki-dev/kiseki/storage/segment"
	"github.com/kiseki-dev/kiseki/storage/vfs"
	"github.com/kiseki-dev/kiseki/storage/wal"
)

// ErrLocked is returned by [Open] for a folder that another process has open.
var ErrLocked = errors.New("in use by another process")

// ErrClosed is the cause of what fails after [Store.Close].
var ErrClosed = errors.New("store is closed")

// Options say where and how a store keeps its data. Zero values mean the
// defaults.
type Options struct {
	FS     vfs.FS // nil: the operating system's
	Dir    string // made if it does not exist
	Clock  func() time.Time
	Logger *slog.Logger
	// FlushBytes is the size of the head in memory that makes it a segment,
	// 64 MiB by default. Twice as much may be in use while one is written.
	FlushBytes int64
	// FlushAge is the age of the head that makes it a segment, 1 h by default.
	FlushAge  time.Duration
	Retention Retention
	// MinFreeBytes is what appends leave free on the volume, 1 GiB by default;
	// of a small volume less: a twentieth, but at least twice FlushBytes.
	MinFreeBytes int64
	// CacheBytes bounds the decoded pages of segments kept in memory, 64 MiB
	// by default.
	CacheBytes int64
	// Cache, if not nil, is shared with other stores; CacheBytes is its bound.
	Cache *segment.Cache
	// EraseAfter is how long deleted traces wait, hidden, for others to be
	// rewritten away with, 10 min by default.
	EraseAfter time.Duration
	rewrite    rewriteLimits // zero: the default
	// Shards is the number of parts of the head that can be appended to in
	// parallel, by default the number of processors, at most 8.
	Shards int
}

// Retention says what to delete from segments. The head is never touched.
type Retention struct {
	Age   time.Duration   // of a segment's newest span, for traces without a rule; 0: unlimited
	Bytes int64           // of all segments; 0: unlimited
	Rules []RetentionRule // the first that matches a trace counts
	// DiskWatermark is the free space on the volume below which the oldest
	// segments go before their time; 0: they never do.
	DiskWatermark int64
}

func (o *Options) defaults() {
	if o.FS == nil {
		o.FS = vfs.OS{}
	}
	if o.Clock == nil {
		o.Clock = time.Now
	}
	if o.Logger == nil {
		o.Logger = slog.New(slog.DiscardHandler)
	}
	setDefault(&o.FlushBytes, 64<<20)
	setDefault(&o.FlushAge, time.Hour)
	setDefault(&o.MinFreeBytes, 1<<30)
	setDefault(&o.CacheBytes, 64<<20)
	if o.Cache == nil {
		o.Cache = segment.NewCache(o.CacheBytes)
	}
	setDefault(&o.EraseAfter, 10*time.Minute)
	setDefault(&o.Shards, min(8, runtime.GOMAXPROCS(0)))
	if o.rewrite == (rewriteLimits{}) {
		o.rewrite = defaultRewriteLimits
	}
}

func setDefault[T int | int64 | time.Duration](v *T, d T) {
	if *v <= 0 {
		*v = d
	}
}

func lockPath(dir string) string { return filepath.Join(dir, "LOCK") }

// folder is a tenant's folder.
type folder struct{ root string }

func tenantFolder(dir string) folder { return folder{filepath.Join(dir, "tenants", "default")} }

func (f folder) wal() string        { return filepath.Join(f.root, "wal") }
func (f folder) segments() string   { return filepath.Join(f.root, "segments") }
func (f folder) quarantine() string { return filepath.Join(f.root, "quarantine") }
func (f folder) deletions() string  { return filepath.Join(f.root, "deletions") }
func (f folder) audit() string      { return filepath.Join(f.root, auditName) }
func (f folder) manifest() string   { return filepath.Join(f.root, manifestName) }

func (f folder) manifestCopy() string { return filepath.Join(f.root, manifestCopy) }

func (f folder) segment(number uint64) string {
	return filepath.Join(f.segments(), segmentName(number))
}

// generation is a head and the log that holds the same spans.
type generation struct {
	head *head
	log  *wal.Writer // the present file; guarded by Store.gate
	// oldest is when the first span came, in Unix nanoseconds; 0: none yet.
	oldest atomic.Int64
}

// Store is an open store. Its methods may be called from any goroutine.
//
// Locks, in the order in which they are taken: rewriting, maintenance,
// rotation, gate, mu.
type Store struct {
	opts   Options
	fs     vfs.FS
	dir    folder
	lock   io.Closer
	cache  *segment.Cache
	counts counters
	// flushBytes is Options.FlushBytes, or what SetFlushBytes said last.
	flushBytes atomic.Int64

	// rewriting is held for a rewrite of segments, so that they run one at a
	// time.
	rewriting sync.Mutex

	// maintenance is held for a flush or a retention run. It guards manifest
	// and what follows.
	maintenance sync.Mutex
	manifest    manifest
	nextSegment uint64
	retained    time.Time // when retention last ran
	relieved    time.Time // when segments were last deleted early
	// pendingDeletions are those with traces still in files, by number.
	pendingDeletions []*pendingDeletion
	nextDeletion     uint64
	auditTorn        bool // the last line of the audit log may lack its end
	backups          []*backupRun

	// rotation is held while a log file is made. It guards nextLog.
	rotation sync.Mutex
	nextLog  uint64

	// gate is held for reading by every append from its log record to its
	// head rows, and for writing while the log or the generation is exchanged:
	// so a generation's head and its log files hold the same spans. No I/O is
	// done under the write lock. It guards active and the active log.
	gate   sync.RWMutex
	active *generation

	mu struct {
		sync.Mutex
		active *generation // the same as Store.active
		// frozen is being flushed, or waits for another attempt; nil if none.
		frozen *generation
		// changed is closed, and replaced, when any of these three changes.
		changed    chan struct{}
		flushError error // of the last attempt
		segments   []*segmentRef
		lost       []*lostSource   // what the manifest says is lost
		deletions  []knownDeletion // the latest, by number
		closed     bool
	}

	failures seldom.Filter // of maintenance, for the log

	kick       chan struct{}   // wakes the maintenance goroutine; capacity 1
	life       context.Context // ends when the store is closed
	stop       context.CancelFunc
	background sync.WaitGroup // the store's own goroutines
}

// Close waits for appends under way, stops maintenance and releases the
// folder. It does not flush: the log is durable and read on the next open.
// Snapshots not yet released stay readable.
func (s *Store) Close() error {
	s.mu.Lock()
	if s.mu.closed {
		s.mu.Unlock()
		return nil
	}
	s.mu.closed = true
	s.mu.Unlock()
	s.stop()
	s.background.Wait()
	s.rewriting.Lock() // wait for a rewrite under way, which stops early
	defer s.rewriting.Unlock()
	s.maintenance.Lock() // and for a Flush
	defer s.maintenance.Unlock()
	s.rotation.Lock() // and for a log being replaced
	defer s.rotation.Unlock()
	s.gate.Lock()
	log := s.active.log
	s.gate.Unlock()
	err := log.Close()
	s.mu.Lock()
	segments := s.mu.segments
	s.mu.segments = nil
	s.mu.Unlock()
	for _, ref := range segments {
		err = errors.Join(err, ref.release())
	}
	if err = errors.Join(err, s.lock.Close()); err != nil {
		return fmt.Errorf("close store %s: %w", s.opts.Dir, err)
	}
	return nil
}

// update changes the generations and tells those who wait for it.
func (s *Store) update(f func()) {
	s.mu.Lock()
	defer s.mu.Unlock()
	f()
	close(s.mu.changed)
	s.mu.changed = make(chan struct{})
}

func (s *Store) isClosed() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.mu.closed
}
