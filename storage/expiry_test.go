package storage

import (
	"math"
	"testing"
	"time"

	"github.com/kiseki-dev/kiseki/storage/vfs"
	"github.com/kiseki-dev/kiseki/telemetry/telemetrytest"
)

func TestNextExpiry(t *testing.T) {
	const day = 24 * time.Hour
	at := func(days int) uint64 { return uint64(time.Duration(days) * day) }
	entries := []segmentEntry{{Number: 1, MaxStart: at(5), Spans: 10}, {Number: 2, MaxStart: at(2), Spans: 20}}
	rules := func(ages ...time.Duration) (out []RetentionRule) {
		for _, age := range ages {
			out = append(out, RetentionRule{Text: "{ status = error }", Age: age})
		}
		return out
	}
	errorsLonger := Retention{Age: 3 * day, Rules: rules(30 * day)}
	for _, x := range []struct {
		name string
		r    Retention
		done *thinning // of segment 2
		want Expiry
		ok   bool
	}{
		{"kept for ever", Retention{}, nil, Expiry{}, false},
		{"by size only", Retention{Bytes: 1}, nil, Expiry{}, false},
		{"the oldest first", Retention{Age: 3 * day}, nil, Expiry{Due: at(5), Whole: true, Spans: 20, MaxStart: at(2)}, true},
		{"a rule keeps some", errorsLonger, nil, Expiry{Due: at(5), Spans: 20, MaxStart: at(2)}, true},
		{"rules were asked", errorsLonger, &thinning{errorsLonger.sum(), int64(3 * day)}, Expiry{Due: at(8), Spans: 10, MaxStart: at(5)}, true},
		{"other rules were asked", errorsLonger, &thinning{1, int64(3 * day)}, Expiry{Due: at(5), Spans: 20, MaxStart: at(2)}, true},
		{"a rule for ever", Retention{Age: 3 * day, Rules: rules(0)}, nil, Expiry{Due: at(5), Spans: 20, MaxStart: at(2)}, true},
		{"never in this calendar", Retention{Age: math.MaxInt64}, nil, Expiry{Due: at(2) + math.MaxInt64, Whole: true, Spans: 20, MaxStart: at(2)}, true},
	} {
		entries[1].Thinned = x.done
		if got, ok := x.r.next(entries); got != x.want || ok != x.ok {
			t.Errorf("%s: %+v %v, want %+v %v", x.name, got, ok, x.want, x.ok)
		}
	}
}

// TestNextExpiryOfAStore: what is foretold is what then happens.
func TestNextExpiryOfAStore(t *testing.T) {
	o := options(vfs.NewMem(0))
	clock := newClock(now)
	o.Clock, o.Retention.Age = clock.now, 24*time.Hour
	s := open(t, o)
	if next, ok := s.NextExpiry(); ok {
		t.Errorf("an empty store will delete %+v", next)
	}
	b := telemetrytest.Random(1, 30)
	for i := range b.Spans {
		b.Spans[i].Start, b.Spans[i].End = unixNanos(now), unixNanos(now)
	}
	add(t, s, b)
	flush(t, s)
	next, ok := s.NextExpiry()
	if !ok || next.Spans != 30 || !next.Whole {
		t.Fatalf("next: %+v %v", next, ok)
	}
	clock.move(time.Unix(0, int64(next.Due)).Sub(clock.now()))
	flush(t, s)
	if n := s.Stats().Segments; n != 1 {
		t.Errorf("%d segments when it is just due, want 1", n)
	}
	clock.move(time.Hour)
	flush(t, s)
	if n := s.Stats().Segments; n != 0 {
		t.Errorf("%d segments after it was due", n)
	}
}
