package segment

import "sync"

// Cache keeps unpacked pages, dictionaries and tables of open segments
// within a budget of bytes, the least recently used going first. It is safe
// for concurrent use and shared by all readers of a store. What is taken
// from it stays valid after it was evicted: entries are immutable and the
// garbage collector keeps those in use.
type Cache struct {
	shards [cacheShards]cacheShard
}

const cacheShards = 16

// cacheKey names a chunk, or with a part what was made of one.
type cacheKey struct {
	file   uint64
	offset int64
	part   uint64
}

// cacheEntry is an element of its shard's ring; next is the less recently
// used neighbour.
type cacheEntry struct {
	key        cacheKey
	value      any
	size       int64
	prev, next *cacheEntry
}

type cacheShard struct {
	mu struct {
		sync.Mutex
		entries map[cacheKey]*cacheEntry
		ring    cacheEntry // ring.next is the most recently used
		size    int64
		uses    uint64 // calls of get
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
		s.mu.ring.prev, s.mu.ring.next = &s.mu.ring, &s.mu.ring
	}
	return c
}

// Size is the number of bytes held now.
func (c *Cache) Size() (n int64) {
	for i := range c.shards {
		s := &c.shards[i]
		s.mu.Lock()
		n += s.mu.size
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

func (c *Cache) shard(k cacheKey) *cacheShard {
	h := (k.file*0x9e3779b97f4a7c15 ^ uint64(k.offset) ^ k.part*0xc4ceb9fe1a85ec53) * 0xff51afd7ed558ccd
	return &c.shards[h>>60]
}

func (c *Cache) get(k cacheKey) any {
	s := c.shard(k)
	s.mu.Lock()
	defer s.mu.Unlock()
	s.mu.uses++
	e := s.mu.entries[k]
	if e == nil {
		return nil
	}
	if s.mu.ring.next != e {
		e.unlink()
		s.pushFront(e)
	}
	return e.value
}

func (c *Cache) put(k cacheKey, value any, size int) {
	s := c.shard(k)
	e := &cacheEntry{key: k, value: value, size: int64(size) + entryOverhead}
	if e.size > s.budget {
		return
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if old := s.mu.entries[k]; old != nil {
		s.remove(old)
	}
	s.mu.entries[k] = e
	s.mu.size += e.size
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

// trim, remove and pushFront need the lock.
func (s *cacheShard) trim(size int64) {
	for s.mu.size > size {
		s.remove(s.mu.ring.prev)
	}
}

func (s *cacheShard) remove(e *cacheEntry) {
	e.unlink()
	delete(s.mu.entries, e.key)
	s.mu.size -= e.size
}

func (s *cacheShard) pushFront(e *cacheEntry) {
	head := &s.mu.ring
	e.prev, e.next = head, head.next
	head.next.prev = e
	head.next = e
}

func (e *cacheEntry) unlink() {
	e.prev.next = e.next
	e.next.prev = e.prev
}
