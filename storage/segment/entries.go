package segment

import (
	"hash/maphash"
	"runtime"
	"slices"
	"strings"
	"sync"
	"weak"

	"github.com/kiseki-dev/kiseki/storage/column"
	"github.com/kiseki-dev/kiseki/telemetry"
)

// entry is a decoded resource or scope. It is immutable, and shared by all
// blocks that have it where these have a cache.
type entry struct {
	raw      string // as it is stored; attrs alias it
	attrs    []telemetry.Attr
	resource telemetry.Resource // the range of either is of no use
	scope    telemetry.Scope
	service  string // service.name of a resource
}

// size is about the memory it takes.
func (x *entry) size() int { return 320 + len(x.raw) + 64*len(x.attrs) }

// lookup is the first attribute with the given key.
func (x *entry) lookup(key string) (telemetry.Value, bool) {
	for i := range x.attrs {
		if x.attrs[i].Key == key {
			return x.attrs[i].Value, true
		}
	}
	return telemetry.Value{}, false
}

// decodeEntry decodes a resource or a scope; the result keeps raw.
func decodeEntry(raw string, k kind) (*entry, error) {
	x := &entry{raw: raw}
	var b telemetry.Batch
	var err error
	if k == kindResource {
		if x.resource, err = decodeResource(raw, &b); err == nil {
			b.Resources = append(b.Resources, x.resource)
			x.service = b.ServiceName(0)
		}
	} else {
		x.scope, err = decodeScope(raw, &b)
	}
	x.attrs = slices.Clip(b.Attrs)
	return x, err
}

// entries are a block's decoded resources or scopes.
type entries struct {
	list  []*entry
	like  []uint32 // the first resource of the same service, see sameService
	bytes int
}

func (e *entries) size() int { return e.bytes }

// decodeEntries decodes the resources or scopes of a block; known are those
// that others have decoded, or nil.
func decodeEntries(src []byte, t tableInfo, k kind, known *sharedEntries) (*entries, error) {
	strs, err := column.DecodeStrings(src, t.entries)
	if err != nil {
		return nil, err
	}
	if strs.Len() != t.entries {
		return nil, column.ErrCorrupt
	}
	e := &entries{list: make([]*entry, t.entries), bytes: 64 + 12*t.entries}
	for i := range e.list {
		x, made, err := known.entry(strs.At(i), k)
		if err != nil {
			return nil, err
		}
		if made {
			e.bytes += x.size()
		}
		e.list[i] = x
	}
	if k == kindResource {
		e.like = sameService(e.list)
	}
	return e, nil
}

// sharedEntries knows all resources and scopes that some block in the cache has
// decoded: most blocks of a store have the same ones, a hundred bytes an
// attribute. What no block uses is left to the garbage collector.
type sharedEntries struct {
	mu struct {
		sync.Mutex
		entries map[sharedKey]weak.Pointer[entry]
	}
}

// sharedKey is a kind and a hash of what is stored.
type sharedKey struct {
	kind kind
	hash uint64
}

var sharedSeed = maphash.MakeSeed()

// entry is the entry for raw, which it does not keep; made tells that nobody
// had it.
func (s *sharedEntries) entry(raw string, k kind) (x *entry, made bool, err error) {
	if s == nil {
		x, err = decodeEntry(strings.Clone(raw), k)
		return x, true, err
	}
	key := sharedKey{k, maphash.String(sharedSeed, raw)}
	s.mu.Lock()
	x = s.mu.entries[key].Value()
	s.mu.Unlock()
	if x != nil && x.raw == raw {
		return x, false, nil
	}
	if x, err = decodeEntry(strings.Clone(raw), k); err != nil {
		return nil, false, err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.mu.entries == nil {
		s.mu.entries = make(map[sharedKey]weak.Pointer[entry])
	}
	s.mu.entries[key] = weak.Make(x)
	runtime.AddCleanup(x, s.forget, key)
	return x, true, nil
}

// forget removes a key whose entry is gone, unless it has another one now.
func (s *sharedEntries) forget(key sharedKey) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if p, ok := s.mu.entries[key]; ok && p.Value() == nil {
		delete(s.mu.entries, key)
	}
}
