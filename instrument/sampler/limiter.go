package sampler

import (
	"sync"
	"time"
)

// limiter is a token bucket that holds what one second brings, at least one.
type limiter struct {
	now func() time.Time

	mu struct {
		sync.Mutex
		perSecond float64
		tokens    float64
		last      time.Time
	}
}

// newLimiter makes a full bucket.
func newLimiter(perSecond float64) *limiter {
	l := &limiter{now: time.Now}
	l.mu.perSecond = max(0, perSecond)
	l.mu.tokens = l.size()
	return l
}

// size is called with the lock held, or before the limiter is shared.
func (l *limiter) size() float64 {
	if l.mu.perSecond == 0 {
		return 0
	}
	return max(1, l.mu.perSecond)
}

func (l *limiter) rate() float64 {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.mu.perSecond
}

// take reports whether there was a token, and takes it.
func (l *limiter) take() bool {
	now := l.now()
	l.mu.Lock()
	defer l.mu.Unlock()
	if !l.mu.last.IsZero() {
		// A clock that was set back brings nothing.
		passed := max(0, now.Sub(l.mu.last).Seconds())
		l.mu.tokens = min(l.size(), l.mu.tokens+passed*l.mu.perSecond)
	}
	l.mu.last = now
	if l.mu.tokens < 1 {
		return false
	}
	l.mu.tokens--
	return true
}
