package seldom

import (
	"fmt"
	"testing"
	"time"
)

func TestFilter(t *testing.T) {
	f := Filter{Every: time.Minute}
	now := time.Unix(1000, 0)
	for i, x := range []struct {
		text  string
		after time.Duration
		pass  bool
		held  int
	}{
		{"a", 0, true, 0},
		{"a", 0, false, 0},
		{"b", 0, true, 0},
		{"a", 59 * time.Second, false, 0},
		{"a", time.Second, true, 2},
		{"a", -time.Hour, true, 0}, // a clock set back must not silence for long
		{"b", time.Hour, true, 0},
	} {
		now = now.Add(x.after)
		if pass, held := f.Pass(x.text, now); pass != x.pass || held != x.held {
			t.Errorf("%d: %q gave %t, %d", i, x.text, pass, held)
		}
	}
	for i := range 10 * maxTexts {
		f.Pass(fmt.Sprint(i), now)
	}
	if len(f.mu.seen) > maxTexts {
		t.Errorf("%d texts are kept", len(f.mu.seen))
	}
}
