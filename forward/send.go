package forward

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"time"

	"github.com/kiseki-dev/kiseki/telemetry"
)

// sender is what one protocol does. It is used by one goroutine.
type sender interface {
	// send returns once the destination has taken the spans. An error is a
	// [*sendError] if it says what to do; any other means to try again.
	send(ctx context.Context, b *telemetry.Batch) error
	close() error
}

// sendError is a failure that says what to do about it.
type sendError struct {
	after    time.Duration // the destination wants this long a pause before the next attempt
	refused  bool          // sending the same again is pointless
	tooLarge bool          // it may take less at a time
	rejected int           // the destination took all but so many spans
	err      error
}

func (e *sendError) Error() string { return e.err.Error() }
func (e *sendError) Unwrap() error { return e.err }

const (
	attemptTime = 30 * time.Second // of one request
	mostPause   = 5 * time.Minute  // whatever a destination asks for
	mostBackoff = 30               // times the least pause
)

// run sends what is queued until ctx ends.
func (d *destination) run(ctx context.Context) {
	failures := 0
	for {
		f := d.queue.take(ctx)
		if f == nil {
			return
		}
		err := d.sendFile(ctx, f)
		if err == nil {
			d.queue.remove(f)
			failures = 0
			continue
		}
		d.queue.release(f)
		if ctx.Err() != nil {
			return
		}
		failures++
		sleep(ctx, d.pause(failures, err))
	}
}

// pause is how long to wait after so many failures in a row.
func (d *destination) pause(failures int, err error) time.Duration {
	wait := d.least * time.Duration(min(1<<min(failures-1, 10), mostBackoff))
	wait = wait*4/5 + rand.N(wait*2/5+1)
	var s *sendError
	if errors.As(err, &s) {
		wait = max(wait, min(s.after, mostPause))
	}
	return wait
}

// sendFile sends what is left of a file. On an error it may be sent again.
func (d *destination) sendFile(ctx context.Context, f *queued) error {
	r, err := d.queue.read(f)
	if err != nil {
		d.drop(dropDamaged, max(f.spans, 0), err)
		return nil
	}
	defer r.close() // only read from
	if f.sent == 0 && len(r.file.Damage) > 0 {
		d.drop(dropDamaged, max(f.spans-d.queue.count(f), 0), r.file.Damage[0])
	}
	for {
		b, records, damaged := r.next()
		if records == 0 {
			return nil
		}
		if damaged > 0 {
			d.drop(dropDamaged, damaged, fmt.Errorf("records of %s cannot be read", r.file.Path))
		}
		if len(b.Spans) > 0 {
			if err := d.deliver(ctx, b); err != nil {
				return err
			}
		}
		f.sent += records
	}
}

// deliver sends a batch, in halves where it is too large.
func (d *destination) deliver(ctx context.Context, b *telemetry.Batch) error {
	err := d.attempt(ctx, b)
	var s *sendError
	n := len(b.Spans)
	switch {
	case err == nil:
		d.counts.sent.Add(uint64(n))
	case !errors.As(err, &s):
		return err
	case s.tooLarge && n > 1:
		for _, half := range [][]telemetry.Span{b.Spans[:n/2], b.Spans[n/2:]} {
			part := *b
			part.Spans = half
			if err := d.deliver(ctx, &part); err != nil {
				return err
			}
		}
	case s.tooLarge:
		d.drop(dropTooLarge, n, err)
	case s.refused:
		d.drop(dropRefused, n, err)
	case s.rejected > 0:
		rejected := min(s.rejected, n)
		d.counts.sent.Add(uint64(n - rejected))
		d.drop(dropRefused, rejected, err)
	default:
		return err
	}
	return nil
}

// attempt sends a batch once and notes what came of it.
func (d *destination) attempt(ctx context.Context, b *telemetry.Batch) error {
	timed, cancel := context.WithTimeout(ctx, attemptTime)
	defer cancel()
	d.counts.requests.Add(1)
	err := d.sender.send(timed, b)
	if ctx.Err() != nil {
		return ctx.Err()
	}
	var s *sendError
	known := errors.As(err, &s)
	failed := err != nil && !(known && (s.tooLarge || s.rejected > 0))
	if failed {
		d.counts.failed.Add(1)
	}
	again := failed && !(known && s.refused)
	d.mu.Lock()
	defer d.mu.Unlock()
	switch {
	case again && d.mu.failure == "":
		d.mu.since = time.Now()
		d.log.Warn("destination takes no spans; they are queued and sent later", "to", shown(d.To), "error", err)
	case !again && d.mu.failure != "":
		d.log.Info("destination takes spans again", "to", shown(d.To), "after", time.Since(d.mu.since).Round(time.Second))
	}
	d.mu.failure = ""
	if again {
		d.mu.failure = err.Error()
	} else {
		d.mu.since = time.Time{}
	}
	return err
}
