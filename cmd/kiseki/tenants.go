package main

import (
	"errors"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/kiseki-dev/kiseki/api/native"
	"github.com/kiseki-dev/kiseki/api/rpc"
	"github.com/kiseki-dev/kiseki/config"
	"github.com/kiseki-dev/kiseki/forward"
	"github.com/kiseki-dev/kiseki/internal/seldom"
	names "github.com/kiseki-dev/kiseki/internal/tenant"
	"github.com/kiseki-dev/kiseki/storage"
	"github.com/kiseki-dev/kiseki/storage/segment"
	"github.com/kiseki-dev/kiseki/telemetry"
)

// tenantsFolder has, within the data folder, a data folder for each tenant but
// the default one, whose is the whole. docs/decisions/0009 says why.
const tenantsFolder = "tenants"

// leastFlushBytes is the least share of storage.flush-bytes that a tenant gets,
// however many there are: heads below it make segments too small to compress.
const leastFlushBytes = 1 << 20

// tenant is one tenant's store and all that serves it.
type tenant struct {
	server   *server
	id       string
	dir      string // its data folder
	store    *storage.Store
	append   telemetry.AppendFunc // stores spans, puts them into the queues of forward and tells arrivals
	forward  *forward.Forwarder
	arrivals *native.Arrivals
	backups  *backups
	http     http.Handler // all HTTP APIs
	rpc      *rpc.Server
}

var errTooManyTenants = errors.New("there are as many tenants as tenants.max allows")

// errOpening is what a client is told that sends the first spans of a tenant
// whose store cannot be opened.
var errOpening = &telemetry.RetryError{After: 10 * time.Second, Err: errors.New("the tenant's store cannot be opened; the server's log says why")}

// tenants are those that are open: all that there are, for each has retention
// and compaction to do. Memory is shared by equal parts of it.
type tenants struct {
	server *server
	cache  *segment.Cache
	rules  storage.Retention
	failed seldom.Filter // of what is logged of tenants that cannot be opened

	opening sync.Mutex // held while a tenant is opened
	mu      struct {
		sync.RWMutex
		byID   map[string]*tenant
		closed bool
	}
}

func newTenants(s *server) *tenants {
	ts := &tenants{server: s, failed: seldom.Filter{Every: time.Minute}}
	ts.mu.byID = map[string]*tenant{}
	return ts
}

// openAll opens the default tenant and, if there may be others, those that the
// data folder has.
func (ts *tenants) openAll() (err error) {
	c := ts.server.config
	if ts.rules, err = retention(c.Retention); err != nil {
		return err
	}
	ts.cache = segment.NewCache(c.Storage.CacheBytes)
	ids := []string{names.Default}
	if c.Tenants.Enabled {
		more, err := tenantIDs(c.Data)
		if err != nil {
			return err
		}
		ids = append(ids, more...)
	}
	if len(ids) > c.Tenants.Max && c.Tenants.Enabled {
		return fmt.Errorf("data folder %q has %d tenants and tenants.max is %d: raise that, or move folders of tenants out of %q", c.Data, len(ids), c.Tenants.Max, filepath.Join(c.Data, tenantsFolder))
	}
	for _, id := range ids {
		if _, err := ts.take(id); err != nil {
			return errors.Join(err, ts.close())
		}
	}
	return nil
}

// tenantIDs are the tenants of a data folder but for the default one.
func tenantIDs(data string) (ids []string, err error) {
	entries, err := os.ReadDir(filepath.Join(data, tenantsFolder))
	if err != nil && !errors.Is(err, os.ErrNotExist) {
		return nil, fmt.Errorf("list tenants: %w", err)
	}
	for _, e := range entries {
		if e.IsDir() && e.Name() != names.Default && names.Check(e.Name()) == nil {
			ids = append(ids, e.Name())
		}
	}
	return ids, nil
}

// find is a tenant, nil if there is no such one.
func (ts *tenants) find(id string) *tenant {
	ts.mu.RLock()
	defer ts.mu.RUnlock()
	return ts.mu.byID[id]
}

// all are the tenants by ID.
func (ts *tenants) all() (out []*tenant) {
	ts.mu.RLock()
	defer ts.mu.RUnlock()
	for _, t := range ts.mu.byID {
		out = append(out, t)
	}
	slices.SortFunc(out, func(a, b *tenant) int { return strings.Compare(a.id, b.id) })
	return out
}

// take is a tenant, which is made if there is none.
func (ts *tenants) take(id string) (*tenant, error) {
	if t := ts.find(id); t != nil {
		return t, nil
	}
	ts.opening.Lock()
	defer ts.opening.Unlock()
	if t := ts.find(id); t != nil {
		return t, nil
	}
	n := len(ts.all())
	if n >= ts.server.config.Tenants.Max {
		return nil, fmt.Errorf("%w: %q would be a new one", errTooManyTenants, id)
	}
	t, err := ts.open(id)
	if err != nil {
		return nil, err
	}
	ts.mu.Lock()
	defer ts.mu.Unlock()
	if ts.mu.closed {
		return nil, errors.Join(errors.New("the server is stopping"), t.close())
	}
	ts.mu.byID[id] = t
	for _, x := range ts.mu.byID { // the new one too
		x.store.SetFlushBytes(flushShare(ts.server.config, n+1))
	}
	return t, nil
}

// flushShare is the size that each tenant's head may have.
func flushShare(c *config.Config, tenants int) int64 {
	return max(min(leastFlushBytes, c.Storage.FlushBytes), c.Storage.FlushBytes/int64(tenants))
}

// open opens a tenant. Its store leaves the room on the disk that all heads
// together need, whatever its own share of them is.
func (ts *tenants) open(id string) (*tenant, error) {
	s, c := ts.server, ts.server.config
	t := &tenant{server: s, id: id, dir: c.Data, rpc: s.rpc}
	log, backupRoot := s.log, c.Backup.Directory
	if id != names.Default {
		t.dir, t.rpc, log = filepath.Join(c.Data, tenantsFolder, id), s.newRPC(), s.log.With("tenant", id)
		if backupRoot != "" {
			backupRoot = filepath.Join(backupRoot, tenantsFolder, id)
		}
	}
	var err error
	t.store, err = storage.Open(storage.Options{
		Dir:          t.dir,
		Logger:       log,
		FlushBytes:   c.Storage.FlushBytes,
		FlushAge:     c.Storage.FlushAge,
		CacheBytes:   c.Storage.CacheBytes,
		Cache:        ts.cache,
		MinFreeBytes: c.Storage.MinFreeBytes,
		EraseAfter:   c.Storage.EraseAfter,
		Retention:    ts.rules,
	})
	if err != nil {
		return nil, explainOpen(err, t.dir)
	}
	if err := t.openForward(); err != nil {
		return nil, errors.Join(err, t.store.Close())
	}
	t.arrivals = native.NewArrivals()
	t.append = t.arrivals.Watch(t.forward.Watch(t.store.Append))
	t.backups = newBackups(t.store, backupRoot, log)
	t.http = t.apis()
	t.rpc.Open()
	return t, nil
}

// close ends the backups of all tenants and closes their stores.
func (ts *tenants) close() (err error) {
	ts.mu.Lock()
	ts.mu.closed = true
	ts.mu.Unlock()
	for _, t := range ts.all() {
		err = errors.Join(err, t.close())
	}
	return err
}

func (t *tenant) close() error {
	t.rpc.Stop()
	t.backups.close()
	if err := errors.Join(t.forward.Close(), t.store.Close()); err != nil {
		return fmt.Errorf("close data folder %q: %w", t.dir, err)
	}
	return nil
}
