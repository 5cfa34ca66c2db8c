package storage

// restShare is the part of its bound, 1/restShare, that the cache of segments
// keeps at rest.
const restShare = 8

// Activity is a number that has grown if the store did anything since that
// takes memory: reading segments, appending, flushing or rewriting.
func (s *Store) Activity() uint64 {
	n := s.cache.Uses() + s.counts.spans.Load() + s.counts.flushes.Load()
	for i := range s.counts.rewrites {
		n += s.counts.rewrites[i].runs.Load()
	}
	return n
}

// Rest gives up decoded parts of segments, but for those that were used last.
// It is for when nobody asks; the next question reads what it needs again.
func (s *Store) Rest() { s.cache.Trim(s.opts.CacheBytes / restShare) }
