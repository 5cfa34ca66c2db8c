package storage

import (
	"math"
	"time"
)

// Expiry is what retention by age does next. What [Retention.Bytes] and
// [Retention.DiskWatermark] delete depends on what comes, and is not foretold.
type Expiry struct {
	Due uint64 // Unix nanoseconds; it happens some minutes later
	// Whole says that all of the segment goes; otherwise rules say which of its
	// traces do.
	Whole bool
	Spans uint64 // of the segment, as its Bytes
	Bytes int64
	// MinStart and MaxStart bound the starts of the segment's spans, in Unix
	// nanoseconds.
	MinStart, MaxStart uint64
}

// NextExpiry is what retention by age does next; ok is false if nothing that
// is stored in segments will ever be too old.
func (s *Store) NextExpiry() (next Expiry, ok bool) {
	s.mu.Lock()
	entries := make([]segmentEntry, 0, len(s.mu.segments))
	for _, ref := range s.mu.segments {
		entries = append(entries, ref.entry)
	}
	s.mu.Unlock()
	return s.opts.Retention.next(entries)
}

// next is the earliest of what is due for segments.
func (r Retention) next(entries []segmentEntry) (next Expiry, ok bool) {
	longest, sum := r.longest(), r.sum()
	for _, e := range entries {
		age := r.nextAge(e, sum)
		if age <= 0 || newest(e) > math.MaxUint64-uint64(age) {
			continue
		}
		if due := newest(e) + uint64(age); !ok || due < next.Due {
			ok = true
			next = Expiry{Due: due, Whole: age == longest, Spans: e.Spans, Bytes: e.Bytes, MinStart: e.MinStart, MaxStart: e.MaxStart}
		}
	}
	return next, ok
}

// nextAge is the least age at which something of a segment goes, leaving out
// those for which rules were already asked; 0 if there is none.
func (r Retention) nextAge(e segmentEntry, sum uint32) (least time.Duration) {
	asked := time.Duration(0)
	if e.Thinned != nil && e.Thinned.Rules == sum {
		asked = time.Duration(e.Thinned.Age)
	}
	take := func(age time.Duration) {
		if age > asked && (least == 0 || age < least) {
			least = age
		}
	}
	take(r.Age)
	for _, rule := range r.Rules {
		take(rule.Age)
	}
	return least
}
