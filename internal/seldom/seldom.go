// Package seldom keeps what repeats from filling a log: a disk that is full
// says so once a second, a damaged file at every read.
package seldom

import (
	"sync"
	"time"
)

// maxTexts bounds the memory of a [Filter]. Beyond it the filter forgets what
// it has seen, which costs a few more lines in the log.
const maxTexts = 128

// Filter lets a text pass the first time and then once an interval. Its
// methods may be called from any goroutine. The zero Filter lets all pass.
type Filter struct {
	Every time.Duration

	mu struct {
		sync.Mutex
		seen map[string]sighting
	}
}

type sighting struct {
	passed time.Time // when the text last passed
	held   int       // how often it was held back since
}

// Pass reports whether a text passes now, and how often it was held back
// since it last did.
func (f *Filter) Pass(text string, now time.Time) (pass bool, held int) {
	f.mu.Lock()
	defer f.mu.Unlock()
	s, ok := f.mu.seen[text]
	if ok && now.Sub(s.passed) < f.Every && !now.Before(s.passed) {
		s.held++
		f.mu.seen[text] = s
		return false, 0
	}
	if f.mu.seen == nil || len(f.mu.seen) >= maxTexts {
		f.mu.seen = map[string]sighting{}
	}
	f.mu.seen[text] = sighting{passed: now}
	return true, s.held
}
