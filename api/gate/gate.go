// Package gate decides which queries run and which wait: as many run as the
// machine can do with, the others wait in a fair queue, a bounded number for a
// bounded time, and the rest are told to come back.
//
// Goals: whoever asks a lot waits for itself and not for others, since clients
// take turns; a client that goes away leaves the queue at once; a query that
// need not wait costs a lock and no allocation.
//
// Rejected: a limit for each client, which leaves the machine idle when there
// is one; a rate, since queries differ in cost by orders of magnitude.
package gate

import (
	"context"
	"fmt"
	"slices"
	"sync"
	"time"
)

// Options are the limits.
type Options struct {
	Running int           // queries at a time
	Waiting int           // queries in the queue
	Wait    time.Duration // in the queue, at most
}

// BusyError is what a client is told that must come back.
type BusyError struct {
	RetryAfter time.Duration
	Why        string
}

// Error implements error.
func (e *BusyError) Error() string { return e.Why }

// Gate is the queue. All of its methods may be called at any time.
type Gate struct {
	o    Options
	left func() // leave, made once
	mu   struct {
		sync.Mutex
		running int
		waiting int
		// queues are the clients with waiting queries; the first one's turn is
		// next.
		queues []*queue
		stats  Stats
	}
}

// queue is the waiting queries of one client, oldest first; never empty.
type queue struct {
	client string
	turns  []*turn
}

// turn is a query that waits. The first of its channels that is written to
// tells how it ended.
type turn struct {
	admitted chan struct{}
	refused  chan *BusyError
}

// Stats are counts since the start, but for Running and Waiting, which are of
// now.
type Stats struct {
	Running, Waiting int
	Admitted         uint64
	Refused          uint64        // told to come back
	Gone             uint64        // left the queue before their turn
	Waited           time.Duration // of all that were admitted
}

// New makes a gate. The limits must be at least 1, but for Waiting and Wait.
func New(o Options) *Gate {
	g := &Gate{o: o}
	g.left = g.leave
	return g
}

// Stats returns the counts.
func (g *Gate) Stats() Stats {
	g.mu.Lock()
	defer g.mu.Unlock()
	s := g.mu.stats
	s.Running, s.Waiting = g.mu.running, g.mu.waiting
	return s
}

// Enter waits for the turn of a query of a client, which may be any text that
// tells clients apart. The caller calls leave once, when the query has ended.
// The error is a [*BusyError], or the cause of ctx's end.
func (g *Gate) Enter(ctx context.Context, client string) (leave func(), err error) {
	began := time.Now()
	t, err := g.admit(client)
	if err != nil {
		return nil, err
	}
	if t == nil {
		return g.left, nil
	}
	timer := time.NewTimer(g.o.Wait)
	defer timer.Stop()
	select {
	case <-t.admitted:
	case err := <-t.refused:
		return nil, err
	case <-timer.C:
		err = g.busy(fmt.Sprintf("the query waited %s for its turn: other queries take long", g.o.Wait))
	case <-ctx.Done():
		err = context.Cause(ctx)
	}
	if err != nil && g.withdraw(t, ctx.Err() != nil) {
		return nil, err
	}
	g.mu.Lock()
	defer g.mu.Unlock()
	g.mu.stats.Waited += time.Since(began)
	return g.left, nil
}

func (g *Gate) busy(why string) *BusyError {
	return &BusyError{RetryAfter: max(g.o.Wait/4, time.Second), Why: why}
}

// admit lets a query in (nil), or puts it into the queue, or refuses it. Where
// the queue is full the latest query of the client with the most of them goes.
func (g *Gate) admit(client string) (*turn, error) {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.mu.running < g.o.Running {
		g.mu.running++
		g.mu.stats.Admitted++
		return nil, nil
	}
	at := slices.IndexFunc(g.mu.queues, func(q *queue) bool { return q.client == client })
	if g.mu.waiting >= g.o.Waiting {
		longest := g.longest()
		if longest == nil || at >= 0 && len(longest.turns) <= len(g.mu.queues[at].turns)+1 || len(longest.turns) < 2 {
			g.mu.stats.Refused++
			return nil, g.busy(fmt.Sprintf("%d queries are running and %d are waiting, as many as are allowed", g.mu.running, g.mu.waiting))
		}
		last := longest.turns[len(longest.turns)-1]
		longest.turns = longest.turns[:len(longest.turns)-1]
		g.mu.waiting--
		g.mu.stats.Refused++
		last.refused <- g.busy("too many queries of this client are waiting")
	}
	t := &turn{admitted: make(chan struct{}, 1), refused: make(chan *BusyError, 1)}
	if at < 0 {
		g.mu.queues = append(g.mu.queues, &queue{client: client})
		at = len(g.mu.queues) - 1
	}
	g.mu.queues[at].turns = append(g.mu.queues[at].turns, t)
	g.mu.waiting++
	return t, nil
}

func (g *Gate) longest() (out *queue) {
	for _, q := range g.mu.queues {
		if out == nil || len(q.turns) > len(out.turns) {
			out = q
		}
	}
	return out
}

// leave hands a place to the next client's oldest query.
func (g *Gate) leave() {
	g.mu.Lock()
	defer g.mu.Unlock()
	if len(g.mu.queues) == 0 {
		g.mu.running--
		return
	}
	q := g.mu.queues[0]
	t := q.turns[0]
	g.mu.queues, q.turns = g.mu.queues[1:], q.turns[1:]
	if len(q.turns) > 0 {
		g.mu.queues = append(g.mu.queues, q)
	}
	g.mu.waiting--
	g.mu.stats.Admitted++
	t.admitted <- struct{}{}
}

// withdraw takes a query out of the queue, unless it has had its turn: then it
// is to run after all, or was refused already.
func (g *Gate) withdraw(t *turn, gone bool) bool {
	g.mu.Lock()
	defer g.mu.Unlock()
	for i, q := range g.mu.queues {
		at := slices.Index(q.turns, t)
		if at < 0 {
			continue
		}
		if q.turns = slices.Delete(q.turns, at, at+1); len(q.turns) == 0 {
			g.mu.queues = slices.Delete(g.mu.queues, i, i+1)
		}
		g.mu.waiting--
		if gone {
			g.mu.stats.Gone++
		} else {
			g.mu.stats.Refused++
		}
		return true
	}
	return len(t.refused) > 0
}
