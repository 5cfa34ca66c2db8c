package main

import (
	"testing"
	"time"
)

// TestRester: one rest for each time without activity.
func TestRester(t *testing.T) {
	activity, rests := uint64(0), 0
	r := rester{activity: func() uint64 { return activity }, rest: func() { rests++ }}
	now := time.Unix(1000, 0)
	for _, step := range []struct {
		after    time.Duration
		activity uint64
		rests    int
	}{
		{0, 0, 0}, {10 * time.Second, 0, 0}, {5 * time.Second, 0, 1}, {time.Hour, 0, 1},
		{0, 7, 1}, {14 * time.Second, 8, 1}, {14 * time.Second, 8, 1}, {time.Second, 8, 2}, {time.Minute, 8, 2},
	} {
		now, activity = now.Add(step.after), step.activity
		if r.check(now); rests != step.rests {
			t.Fatalf("%d rests after %+v", rests, step)
		}
	}
}
