package native

import (
	"context"
	"fmt"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/kiseki-dev/kiseki/telemetry"
)

const (
	// keptArrivals is how many arrivals are remembered, 16 bytes each. A trace
	// is as many as there are batches with spans of it.
	keptArrivals = 1 << 17
	// arrivalsRest is how long after the last question arrivals are noted.
	arrivalsRest = time.Minute
)

// Arrivals remembers the traces that got spans last, in the order in which
// these became visible, for as long as somebody asks. While nobody does, it
// costs an append a few nanoseconds and no memory.
//
// A position in that order is a number that grows by one an arrival. Positions
// of another epoch, that is of another process or from before a rest, mean
// nothing: arrivals were missed.
type Arrivals struct {
	began time.Time
	asked atomic.Int64 // when somebody did last: after began, in ns; 0: nobody yet
	mu    struct {
		sync.Mutex
		epoch uint64
		next  uint64 // the position of the next arrival
		ring  []telemetry.TraceID
	}
}

// NewArrivals makes Arrivals that nobody has asked yet.
func NewArrivals() *Arrivals { return &Arrivals{began: time.Now()} }

// Watch is next with what it stored noted.
func (a *Arrivals) Watch(next telemetry.AppendFunc) telemetry.AppendFunc {
	return func(ctx context.Context, b *telemetry.Batch) (telemetry.Outcome, error) {
		out, err := next(ctx, b)
		if err == nil && !a.resting(time.Since(a.began)) {
			a.note(b.Spans)
		}
		return out, err
	}
}

// resting reports whether nobody has asked for a while before now.
func (a *Arrivals) resting(now time.Duration) bool {
	asked := time.Duration(a.asked.Load())
	return asked == 0 || now-asked > arrivalsRest
}

// note adds the traces of spans.
func (a *Arrivals) note(spans []telemetry.Span) {
	a.mu.Lock()
	defer a.mu.Unlock()
	for i := range spans {
		if i > 0 && spans[i].TraceID == spans[i-1].TraceID {
			continue
		}
		a.mu.ring[a.mu.next%keptArrivals] = spans[i].TraceID
		a.mu.next++
	}
}

// arrival is a position.
type arrival struct{ epoch, at uint64 }

// String is the position as a cursor.
func (p arrival) String() string {
	return strconv.FormatUint(p.epoch, 36) + "-" + strconv.FormatUint(p.at, 36)
}

func parseArrival(s string) (p arrival, err error) {
	epoch, at, _ := strings.Cut(s, "-")
	if p.epoch, err = strconv.ParseUint(epoch, 36, 64); err == nil {
		p.at, err = strconv.ParseUint(at, 36, 64)
	}
	if err != nil {
		return p, fmt.Errorf("parse cursor: %w", err)
	}
	return p, nil
}

// ask begins or goes on to note arrivals, and returns the present epoch.
func (a *Arrivals) ask() (end arrival) {
	a.mu.Lock()
	defer a.mu.Unlock()
	now := time.Since(a.began)
	if a.resting(now) {
		a.mu.epoch = uint64(a.began.Add(now).UnixNano())
		a.mu.ring = make([]telemetry.TraceID, keptArrivals)
	}
	a.asked.Store(int64(now))
	return arrival{a.mu.epoch, a.mu.next}
}

// since are at most n arrivals from a position on, the position they begin at,
// and whether there are more. They begin later than from where those in
// between are forgotten.
func (a *Arrivals) since(from arrival, n int) (ids []telemetry.TraceID, first arrival, more bool) {
	end := a.ask()
	a.mu.Lock()
	defer a.mu.Unlock()
	first = from
	switch {
	case from.epoch != end.epoch || from.at > a.mu.next:
		first = end
	case a.mu.next-from.at > keptArrivals:
		first.at = a.mu.next - keptArrivals
	}
	for at := first.at; at < a.mu.next && len(ids) < n; at++ {
		ids = append(ids, a.mu.ring[at%keptArrivals])
	}
	return ids, first, first.at+uint64(len(ids)) < a.mu.next
}
