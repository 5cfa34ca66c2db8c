package main

import (
	"context"
	"runtime/debug"
	"time"
)

const (
	// restAfter is how long the store must be left alone before it rests: longer
	// than a person looks at an answer before the next question.
	restAfter = 15 * time.Second
	restCheck = 5 * time.Second
)

// rester has memory given back to the operating system once for each time
// that the store is left alone: what Go would keep for the next question, and
// what is in caches.
type rester struct {
	activity func() uint64
	rest     func()

	seen   uint64
	since  time.Time // when seen was new
	rested bool
}

// check is to be called every now and then.
func (r *rester) check(now time.Time) {
	if n := r.activity(); n != r.seen || r.since.IsZero() {
		r.seen, r.since, r.rested = n, now, false
	}
	if !r.rested && now.Sub(r.since) >= restAfter {
		r.rest()
		r.rested = true
	}
}

// activity is a number that has grown if any store did anything since.
func (ts *tenants) activity() (n uint64) {
	for _, t := range ts.all() {
		n += t.store.Activity()
	}
	return n
}

// restWhenIdle runs until ctx ends.
func (s *server) restWhenIdle(ctx context.Context) {
	r := rester{activity: s.tenants.activity, rest: func() {
		for _, t := range s.tenants.all() {
			t.store.Rest()
		}
		debug.FreeOSMemory()
		s.metrics.rests.Inc()
	}}
	tick := time.NewTicker(restCheck)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case now := <-tick.C:
			r.check(now)
		}
	}
}
