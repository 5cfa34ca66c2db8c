package segment

import (
	"sync"
	"time"
)

// keepSpare is how long a builder nobody uses is kept: flushes that are
// further apart cost little however they get their memory.
const keepSpare = 10 * time.Second

// Builders are kept from segment to segment: their columns, arenas and
// compressor tables have grown to what the data needs, some 30 MiB. A pool
// alone loses them to the garbage collector between two flushes, so one has a
// place of its own for a while.
var (
	spare    spareBuilder
	builders = sync.Pool{New: func() any { return newBlockBuilder() }}
)

// spareBuilder is the place of one builder.
type spareBuilder struct {
	mu      sync.Mutex
	builder *blockBuilder // nil: in use, or none
	given   int           // how often one came here
}

// take is nil if there is none.
func (s *spareBuilder) take() *blockBuilder {
	s.mu.Lock()
	defer s.mu.Unlock()
	b := s.builder
	s.builder = nil
	return b
}

// give is false if there is one already.
func (s *spareBuilder) give(b *blockBuilder) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.builder != nil {
		return false
	}
	s.builder = b
	s.given++
	given := s.given
	// The timer knows the occasion and not the builder: it would keep alive
	// one that is long out of here, and flushes beside a rewrite bring a
	// different one here again and again.
	time.AfterFunc(keepSpare, func() { s.drop(given) })
	return true
}

// drop leaves the builder to the pool if it has lain here since that occasion.
func (s *spareBuilder) drop(given int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.builder != nil && s.given == given {
		builders.Put(s.builder)
		s.builder = nil
	}
}

func takeBuilder() *blockBuilder {
	if b := spare.take(); b != nil {
		return b
	}
	return builders.Get().(*blockBuilder)
}

// giveBuilder takes back a builder, which is empty.
func giveBuilder(b *blockBuilder) {
	if !spare.give(b) {
		builders.Put(b)
	}
}
