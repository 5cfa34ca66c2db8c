package segment

import "sync"

// Cache keeps parts of open segments, decoded, within a budget of bytes. What is
// in it is of two kinds:
//
//   - tables: directories, resources, contexts, trace tables, Bloom filters and
//     cells, which are few and which nearly every question needs again.
//   - pages and dictionaries, of which a store has many times the budget: a
//     question reads most of them once.
//
// So that pages that pass do not push out the tables, pages are the first to
// go while they have more than their share, 1/pageShare of what may be held;
// of either kind the least recently used goes first. Who wants a few rows of a
// page asks admit whether the page is worth being decoded as a whole and kept.
//
// It is safe for concurrent use and shared by all readers of a store. What is
// taken from it stays valid after it was evicted: entries are immutable and the
// garbage collector keeps those in use.
type Cache struct {
	shards  [cacheShards]cacheShard
	entries sharedEntries
}

const (
	cacheShards = 16
	pageShare   = 16
	// knownPages is how many of the pages that were not let in a shard knows, at
	// most: those that some hundred traces need.
	knownPages = 1 << 8
)

// cacheKey names a chunk, or with a part what was made of one.
type cacheKey struct {
	file   uint64
	offset int64
	part   uint64
}

func (k cacheKey) hash() uint64 {
	return (k.file*0x9e3779b97f4a7c15 ^ uint64(k.offset) ^ k.part*0xc4ceb9fe1a85ec53) * 0xff51afd7ed558ccd
}

// keep is how something is kept.
type keep uint8

const (
	keepTable keep = iota
	keepPage
	keepNot // it stays if it is there, but is not put there
	keeps   = keepNot
)

// cacheEntry is an element of its kind's ring; next is the less recently used
// neighbour.
type cacheEntry struct {
	key        cacheKey
	value      any
	size       int64
	keep       keep
	prev, next *cacheEntry
}

type cacheShard struct {
	mu struct {
		sync.Mutex
		entries map[cacheKey]*cacheEntry
		rings   [keeps]cacheEntry // next is the most recently used
		sizes   [keeps]int64
		uses    uint64              // calls of get
		known   *[knownPages]uint32 // of pages that admit was asked for, parts of the hashes
	}
	budget int64
}

// entryOverhead is about what an entry costs beside its value.
const entryOverhead = 160

// NewCache makes a cache that holds about budget bytes.
func NewCache(budget int64) *Cache {
	c := &Cache{}
	for i := range c.shards {
		s := &c.shards[i]
		s.budget = budget / cacheShards
		s.mu.entries = make(map[cacheKey]*cacheEntry)
		for k := range s.mu.rings {
			ring := &s.mu.rings[k]
			ring.prev, ring.next = ring, ring
		}
	}
	return c
}

// Size is the number of bytes held now.
func (c *Cache) Size() (n int64) {
	for i := range c.shards {
		s := &c.shards[i]
		s.mu.Lock()
		n += s.size()
		s.mu.Unlock()
	}
	return n
}

// Uses is how often something was looked for.
func (c *Cache) Uses() (n uint64) {
	for i := range c.shards {
		s := &c.shards[i]
		s.mu.Lock()
		n += s.mu.uses
		s.mu.Unlock()
	}
	return n
}

// Trim gives up what was not used for longest until about size bytes are
// held. The budget stays.
func (c *Cache) Trim(size int64) {
	for i := range c.shards {
		s := &c.shards[i]
		s.mu.Lock()
		s.trim(size / cacheShards)
		s.mu.Unlock()
	}
}

func (c *Cache) shard(hash uint64) *cacheShard { return &c.shards[hash>>60] }

func (c *Cache) get(k cacheKey) any {
	s := c.shard(k.hash())
	s.mu.Lock()
	defer s.mu.Unlock()
	s.mu.uses++
	e := s.mu.entries[k]
	if e == nil {
		return nil
	}
	if ring := &s.mu.rings[e.keep]; ring.next != e {
		e.unlink()
		s.pushFront(e)
	}
	return e.value
}

// admit reports whether a page that is not in the cache should be put there:
// whether it was asked for before, not too long ago.
func (c *Cache) admit(k cacheKey) bool {
	h := k.hash()
	s := c.shard(h)
	mark := uint32(h) | 1
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.mu.known == nil {
		s.mu.known = new([knownPages]uint32)
	}
	place := &s.mu.known[h>>32%knownPages]
	known := *place == mark
	*place = mark
	return known
}

func (c *Cache) put(k cacheKey, value any, size int, how keep) {
	s := c.shard(k.hash())
	e := &cacheEntry{key: k, value: value, size: int64(size) + entryOverhead, keep: how}
	if e.size > s.budget {
		return
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if old := s.mu.entries[k]; old != nil {
		s.remove(old)
	}
	s.mu.entries[k] = e
	s.mu.sizes[how] += e.size
	s.pushFront(e)
	s.trim(s.budget)
}

// drop forgets all entries of a file.
func (c *Cache) drop(file uint64) {
	for i := range c.shards {
		s := &c.shards[i]
		s.mu.Lock()
		for k, e := range s.mu.entries {
			if k.file == file {
				s.remove(e)
			}
		}
		s.mu.Unlock()
	}
}

// size, trim, remove and pushFront need the lock.
func (s *cacheShard) size() (n int64) {
	for _, size := range s.mu.sizes {
		n += size
	}
	return n
}

func (s *cacheShard) trim(size int64) {
	for s.size() > size {
		from := keepTable
		if s.mu.sizes[keepPage] > size/pageShare || s.mu.sizes[keepTable] == 0 {
			from = keepPage
		}
		s.remove(s.mu.rings[from].prev)
	}
}

func (s *cacheShard) remove(e *cacheEntry) {
	e.unlink()
	delete(s.mu.entries, e.key)
	s.mu.sizes[e.keep] -= e.size
}

func (s *cacheShard) pushFront(e *cacheEntry) {
	ring := &s.mu.rings[e.keep]
	e.prev, e.next = ring, ring.next
	ring.next.prev = e
	ring.next = e
}

func (e *cacheEntry) unlink() {
	e.prev.next = e.next
	e.next.prev = e.prev
}
