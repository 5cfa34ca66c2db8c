package delivery

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"math/rand/v2"
	"time"
)

const (
	// firstWait and maxWait bound the pause after a failed request. It
	// doubles from one to the other.
	firstWait = 500 * time.Millisecond
	maxWait   = 30 * time.Second
	// maxRetryAfter bounds what a receiver can ask for.
	maxRetryAfter = 5 * time.Minute
	// maxRefusals is how often a batch is offered to a receiver that answers
	// 500 to it and takes others: the batch may be at fault.
	maxRefusals = 5
)

// send is the sender goroutine. It ends with the context.
func (d *Delivery) send(ctx context.Context) {
	defer close(d.finished)
	failures := 0
	for ctx.Err() == nil {
		e := d.queue.next()
		if e == nil {
			select {
			case <-d.queue.ready:
			case <-ctx.Done():
			}
			continue
		}
		r := d.attempt(ctx, e)
		if r.class != tryLater {
			failures = 0
			continue
		}
		failures++
		d.pause(ctx, failures, r.retryAfter)
	}
}

// pause waits between attempts. A flush ends it, unless the receiver itself
// asked for the time.
func (d *Delivery) pause(ctx context.Context, failures int, retryAfter time.Duration) {
	wait := min(maxWait, firstWait<<min(failures-1, 10))
	wait = wait/2 + rand.N(wait/2+1) // not all processes at once
	kick := d.kick
	if retryAfter > 0 {
		wait, kick = min(retryAfter, maxRetryAfter), nil
	}
	t := time.NewTimer(wait)
	defer t.Stop()
	select {
	case <-t.C:
	case <-kick:
	case <-ctx.Done():
	}
}

// attempt sends one entry and settles what becomes of it.
func (d *Delivery) attempt(ctx context.Context, e *entry) result {
	b, ok := d.load(e)
	if !ok {
		return result{class: rejected}
	}
	ctx, cancel := context.WithTimeout(ctx, d.opts.Timeout)
	defer cancel()
	d.counters.requests.Add(1)
	d.asked.Store(time.Now().UnixNano())
	r := d.post(ctx, b)
	d.asked.Store(0)
	if r.class == refused {
		r.class = d.judge(e)
	}
	switch r.class {
	case accepted:
		d.forget(e)
		d.counters.succeed(e.spans - r.rejectedSpans)
		d.reject(r.rejectedSpans, r.err)
		if d.down.Swap(false) {
			d.log.works(d.queue.waiting())
		}
	case rejected:
		d.counters.failedRequests.Add(1)
		d.counters.fail(r.err)
		d.forget(e)
		d.reject(e.spans, r.err)
	case tryLater:
		d.counters.failedRequests.Add(1)
		d.counters.fail(r.err)
		d.down.Store(true)
		d.queue.release(e, e.refusals > 0)
		d.persist()
		d.log.fails(r.err, d.queue.waiting())
	}
	return r
}

// hangsAfter is when the batches behind a request that is not answered are
// taken to disk.
const hangsAfter = time.Second

// hangs reports whether the request under way takes suspiciously long.
func (d *Delivery) hangs() bool {
	asked := d.asked.Load()
	return asked != 0 && time.Since(time.Unix(0, asked)) > hangsAfter
}

// judge decides about a batch that was answered with 500. The receiver may be
// unwell, or the batch at fault: it is when others were accepted meanwhile,
// again and again.
func (d *Delivery) judge(e *entry) class {
	sent := d.counters.sent.Load()
	if e.refusals == 0 || sent > e.sentBefore {
		e.refusals++
	}
	e.sentBefore = sent
	if e.refusals >= maxRefusals {
		return rejected
	}
	return tryLater
}

func (d *Delivery) reject(spans int, err error) {
	if spans == 0 {
		return
	}
	d.counters.rejected.Add(uint64(spans))
	d.log.dropped("the receiver refused spans", spans, err)
}

// forget removes an entry that needs not be sent any more.
func (d *Delivery) forget(e *entry) {
	if e.path != "" {
		if err := d.disk.Load().remove(e.path); err != nil && !errors.Is(err, fs.ErrNotExist) {
			d.diskFailed(err)
		}
	}
	d.queue.done(e)
}

// load gets the batch of an entry. When there is none, the entry is settled.
func (d *Delivery) load(e *entry) (batch, bool) {
	if e.batch != nil {
		return *e.batch, true
	}
	b, err := d.disk.Load().read(e.path)
	if err == nil {
		return b, true
	}
	d.queue.done(e)
	if errors.Is(err, errNewer) {
		d.log.diskFailed(fmt.Errorf("%w: left for it", err))
		return batch{}, false
	}
	d.counters.damagedFiles.Add(1)
	d.counters.damaged.Add(uint64(e.spans))
	d.log.dropped("a queue file could not be read", e.spans, err)
	if errors.Is(err, errDamaged) {
		d.disk.Load().remove(e.path) // there is nothing in it for anybody
	}
	return batch{}, false
}
