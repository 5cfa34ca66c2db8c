package storage

import (
	"context"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/kiseki-dev/kiseki/storage/scan"
	"github.com/kiseki-dev/kiseki/storage/vfs"
	"github.com/kiseki-dev/kiseki/telemetry"
	"github.com/kiseki-dev/kiseki/telemetry/telemetrytest"
)

// fakeClock is a clock that tests move.
type fakeClock struct{ nanos atomic.Int64 }

func newClock(at time.Time) *fakeClock {
	c := &fakeClock{}
	c.nanos.Store(at.UnixNano())
	return c
}

func (c *fakeClock) now() time.Time        { return time.Unix(0, c.nanos.Load()) }
func (c *fakeClock) move(by time.Duration) { c.nanos.Add(int64(by)) }

func compact(t testing.TB, s *Store) {
	t.Helper()
	if err := s.compact(context.Background()); err != nil {
		t.Fatal(err)
	}
}

// at moves the spans of b to within a minute before now.
func at(b *telemetry.Batch, now time.Time) *telemetry.Batch {
	for i := range b.Spans {
		s := &b.Spans[i]
		s.Start = uint64(now.Add(-time.Duration(s.Start % uint64(time.Minute))).UnixNano())
		s.End = s.Start + 1000
	}
	return b
}

// midnight begins a day, UTC, before now.
var midnight = time.Unix(0, now.UnixNano()/int64(day)*int64(day))

// TestCompactionOfAWeek flushes small segments for a week, with pieces of
// traces that come minutes later, and looks at how much is written, how many
// segments there are, and whether all is there.
func TestCompactionOfAWeek(t *testing.T) {
	clock := newClock(midnight.Add(2 * time.Minute))
	o := options(vfs.NewMem(0))
	o.Clock = clock.now
	o.rewrite = defaultRewriteLimits
	o.rewrite.segmentSpans, o.rewrite.windowSpans = 3000, 100
	s := open(t, o)
	var all []*telemetry.Batch
	most := 0
	for i := range uint64(7 * 24 * 6) {
		b := at(telemetrytest.Random(i, 12), clock.now())
		if i > 0 {
			b.Spans[0].TraceID = all[i-1].Spans[0].TraceID
		}
		all = append(all, b)
		add(t, s, b)
		flush(t, s)
		clock.move(10 * time.Minute)
		waiting := s.Stats().Backlog > 0
		runs := s.Stats().Compaction.Runs
		compact(t, s)
		if st := s.Stats(); st.Backlog != 0 || waiting != (st.Compaction.Runs > runs) {
			t.Fatalf("something waits: %v; then %d runs, and %d segments wait", waiting, st.Compaction.Runs-runs, st.Backlog)
		}
		most = max(most, s.Stats().Segments)
	}
	clock.move(25 * time.Hour)
	compact(t, s)
	wantSpans(t, s, all...)
	st := s.Stats()
	rewritten := float64(st.Compaction.BytesWritten) / float64(st.FlushedBytes)
	t.Logf("rewritten %.2f times, %d runs, at most %d segments, %d in the end", rewritten, st.Compaction.Runs, most, st.Segments)
	if rewritten > 2 || most > 60 || st.Segments > 8 || st.Compaction.Failures > 0 {
		t.Errorf("rewritten %.2f times, at most %d segments: %+v", rewritten, most, st)
	}
	// Only where one day becomes the next may a trace lie in two segments.
	for _, e := range s.manifest.Segments {
		if e.Level != 2 || e.MaxStart-e.MinStart > day+uint64(10*time.Minute) {
			t.Errorf("%+v", e)
		}
	}
	runs := st.Compaction.Runs
	compact(t, s)
	if got := s.Stats().Compaction.Runs; got != runs {
		t.Errorf("%d more runs with nothing to do", got-runs)
	}
}

// TestPickCompaction is what is merged, by examples. A segment is written as
// number@time+spans, after an exclamation mark for each level it has.
func TestPickCompaction(t *testing.T) {
	limits := rewriteLimits{segmentSpans: 1000}
	sixteen := ""
	for i := range 16 {
		sixteen += fmt.Sprintf("%d@10:%02d+10 ", i+1, i)
	}
	for _, x := range []struct{ name, segments, now, want string }{
		{"nothing", "", "12:00", ""},
		{"an hour that goes on", "1@10:00+10 2@10:01+10 3@10:02+10 4@10:03+10 5@10:04+10", "10:30", ""},
		{"many small ones in it", sixteen, "10:30", "1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 to 1"},
		{"enough for a large one", "1@10:00+400 2@10:10+400 3@10:20+400 4@10:30+400", "10:40", "1 2 3 to 1"},
		{"an hour that is over", "1@10:00+10 2@10:10+10 3@10:20+10 4@10:30+10 5@11:00+10", "11:11", "1 2 3 4 to 1"},
		{"over, but spans still come", "1@10:00+10 2@10:10+10 3@10:20+10 4@10:59+10", "11:05", ""},
		{"few wait for the day", "1@10:00+10 2@10:10+10 3@11:00+10", "23:00", ""},
		{"a day that is over", "1@10:00+10 2@10:10+10 !3@11:00+10", "24:20", "1 2 3 to 2"},
		{"a day that goes on", "!1@10:00+400 2@10:10+10 !3@11:00+400 !4@12:00+400", "13:00", "1 3 4 to 2"},
		{"but not enough", "!1@10:00+300 !3@11:00+300", "12:00", ""},
		{"large ones are left alone", "!1@10:00+600 !2@10:10+600 !3@11:00+600", "24:20", ""},
		{"two days", "1@10:00+10 2@34:00+10", "60:00", ""},
		{"too large together", "!1@10:00+1900 !2@10:10+400 !3@10:11+400", "24:20", "2 3 to 2"},
	} {
		t.Run(x.name, func(t *testing.T) {
			var all []compactable
			for _, f := range strings.Fields(x.segments) {
				all = append(all, parseSegment(t, f))
			}
			inputs, level := pickCompaction(all, clockTime(t, x.now), limits)
			got := ""
			for _, c := range inputs {
				got += fmt.Sprint(c.Number, " ")
			}
			if level > 0 {
				got += fmt.Sprint("to ", level)
			}
			if got != x.want {
				t.Errorf("got %q, want %q", got, x.want)
			}
		})
	}
}

func clockTime(t *testing.T, text string) uint64 {
	var h, m int
	if _, err := fmt.Sscanf(text, "%d:%d", &h, &m); err != nil {
		t.Fatal(err)
	}
	return uint64(midnight.Add(time.Duration(h)*time.Hour + time.Duration(m)*time.Minute).UnixNano())
}

func parseSegment(t *testing.T, text string) (c compactable) {
	level := strings.Count(text, "!")
	number, rest, _ := strings.Cut(strings.TrimLeft(text, "!"), "@")
	moment, spans, _ := strings.Cut(rest, "+")
	if _, err := fmt.Sscan(number+" "+spans, &c.Number, &c.Spans); err != nil {
		t.Fatal(err)
	}
	c.MaxStart = clockTime(t, moment)
	c.MinStart = c.MaxStart - uint64(time.Minute)
	c.Written, c.Level, c.Bytes = c.MaxStart, level, int64(c.Spans)
	return c
}

// TestCompactionChangesNoAnswer: whatever happens in whatever order, the store
// answers as one that was never touched.
func TestCompactionChangesNoAnswer(t *testing.T) {
	runs := uint64(0)
	for seed := range uint64(6) {
		r := rand.New(rand.NewPCG(seed, 2))
		clock := newClock(midnight.Add(time.Hour))
		o := options(vfs.NewMem(0))
		o.Clock = clock.now
		o.rewrite = rewriteLimits{segmentSpans: 100, segmentBytes: 1 << 30, windowSpans: 10, joinedSpans: 1000}
		s := open(t, o)
		src := telemetrytest.Random(seed, 400)
		r.Shuffle(len(src.Spans), func(i, j int) { src.Spans[i], src.Spans[j] = src.Spans[j], src.Spans[i] })
		for done := 0; done < len(src.Spans); {
			b := *src
			b.Spans = src.Spans[done:min(done+1+r.IntN(10), len(src.Spans))]
			done += len(b.Spans)
			add(t, s, &b)
			switch r.IntN(6) {
			case 0, 1, 2:
				flush(t, s)
			case 3:
				compact(t, s)
			case 4:
				runs += s.Stats().Compaction.Runs
				closeStore(t, s)
				s = open(t, o)
			}
			clock.move(time.Duration(r.IntN(40)) * time.Minute)
		}
		runs += s.Stats().Compaction.Runs
		wantSpans(t, s, src)
		reference := open(t, options(vfs.NewMem(0)))
		add(t, reference, src)
		if got, want := sorted(answers(t, s, src)), sorted(answers(t, reference, src)); got != want {
			t.Fatalf("seed %d:\n%s", seed, diff(got, want))
		}
	}
	if runs < 6 {
		t.Errorf("only %d compactions", runs)
	}
}

// sorted puts the lines in order: the order of a trace's pieces says nothing.
func sorted(text string) string {
	lines := strings.Split(text, "\n")
	slices.Sort(lines)
	return strings.Join(lines, "\n")
}

// TestCompactionBesideReaders appends, flushes, compacts and reads at once.
func TestCompactionBesideReaders(t *testing.T) {
	clock := newClock(midnight.Add(time.Hour))
	o := options(vfs.NewMem(0))
	o.Clock = clock.now
	s := open(t, o)
	stop, done := make(chan struct{}), make(chan struct{})
	var acked atomic.Int64
	go func() {
		defer close(done)
		for {
			select {
			case <-stop:
				return
			default:
			}
			before := acked.Load()
			seen := contents(t, s)
			if n := len(seen); int64(n) < before || len(slices.Compact(seen)) != n {
				t.Errorf("%d spans seen, %d were acknowledged before", n, before)
			}
		}
	}()
	var all []*telemetry.Batch
	for i := range uint64(40) {
		b := at(telemetrytest.Random(i, 10), clock.now())
		all = append(all, b)
		add(t, s, b)
		acked.Add(10)
		flush(t, s)
		clock.move(15 * time.Minute)
		compact(t, s)
	}
	close(stop)
	<-done
	wantSpans(t, s, all...)
	if s.Stats().Compaction.Runs == 0 {
		t.Error("nothing was compacted")
	}
}

// errorRule keeps traces with a span of status error.
func errorRule(age time.Duration, asked *int) RetentionRule {
	return RetentionRule{Text: "{ status = error }", Age: age, Match: func(_ context.Context, snap scan.Snapshot, f func(telemetry.TraceID)) error {
		*asked++
		var rows scan.Rows
		for _, src := range snap.Sources() {
			for _, b := range src.Blocks() {
				if err := b.Rows(0, b.Len(), scan.ColTraceID|scan.ColStatus, &rows); err != nil {
					return err
				}
				for i, status := range rows.Status {
					if status == telemetry.StatusError {
						f(rows.TraceID[i])
					}
				}
			}
		}
		return nil
	}}
}

// withErrors are the spans of traces that have an error, or of the others.
func withErrors(b *telemetry.Batch, want bool) *telemetry.Batch {
	bad := map[telemetry.TraceID]bool{}
	for _, s := range b.Spans {
		if s.Status == telemetry.StatusError {
			bad[s.TraceID] = true
		}
	}
	out := *b
	out.Spans = nil
	for _, s := range b.Spans {
		if bad[s.TraceID] == want {
			out.Spans = append(out.Spans, s)
		}
	}
	return &out
}

// TestRetentionRules keeps errors for 30 days and the rest for 3.
func TestRetentionRules(t *testing.T) {
	const aDay = 24 * time.Hour
	clock := newClock(midnight.Add(12 * time.Hour))
	o := options(vfs.NewMem(0))
	o.Clock = clock.now
	asked := 0
	o.Retention = Retention{Age: 3 * aDay, Rules: []RetentionRule{errorRule(30*aDay, &asked)}}
	s := open(t, o)
	src := at(telemetrytest.Random(5, 200), clock.now())
	for i := range src.Spans {
		if i%3 == 0 {
			src.Spans[i].Status = telemetry.StatusOK
		}
	}
	// Trace by trace, so that some have errors; and each in two segments.
	for i := range src.Spans {
		if src.Spans[i].TraceID[0] >= 100 {
			src.Spans[i].Status = telemetry.StatusOK
		}
	}
	scattered(t, s, src, 2, 5)
	old := contents(t, s)
	thin := func() {
		t.Helper()
		flush(t, s)
		if err := s.thin(context.Background()); err != nil {
			t.Fatal(err)
		}
	}
	clock.move(2 * aDay)
	thin()
	if !slices.Equal(contents(t, s), old) || asked != 0 {
		t.Fatalf("spans went before their time, or rules were asked %d times", asked)
	}
	clock.move(aDay + time.Hour)
	thin()
	kept := slices.Compact(contents(t, s))
	if !slices.Equal(kept, dumps(withErrors(src, true))) || len(kept) == 0 || len(kept) == len(src.Spans) {
		t.Fatalf("%d spans are left of %d", len(kept), len(src.Spans))
	}
	if asked != 2 {
		t.Errorf("rules were asked %d times for 2 segments", asked)
	}
	if s.Stats().Thinning.DroppedSpans == 0 {
		t.Errorf("%+v", s.Stats().Thinning)
	}
	clock.move(20 * aDay)
	thin()
	closeStore(t, s)
	s = open(t, o)
	thin()
	if asked != 2 {
		t.Errorf("rules were asked again, %d times", asked)
	}
	clock.move(7 * aDay)
	thin()
	wantSpans(t, s)
	if st := s.Stats(); st.Segments != 0 {
		t.Errorf("%+v", st)
	}
}

// A segment in which nothing has to go is not written again, and rules that
// have changed are applied.
func TestRetentionRulesWithoutWork(t *testing.T) {
	const aDay = 24 * time.Hour
	clock := newClock(midnight.Add(12 * time.Hour))
	o := options(vfs.NewMem(0))
	o.Clock = clock.now
	asked := 0
	o.Retention = Retention{Age: 3 * aDay, Rules: []RetentionRule{errorRule(0, &asked)}}
	s := open(t, o)
	src := at(telemetrytest.Random(6, 50), clock.now())
	for i := range src.Spans {
		src.Spans[i].Status = telemetry.StatusError
	}
	add(t, s, src)
	flush(t, s)
	was := numbers(s)
	clock.move(400 * aDay)
	for range 3 {
		flush(t, s)
		if err := s.thin(context.Background()); err != nil {
			t.Fatal(err)
		}
	}
	wantSpans(t, s, src)
	if !slices.Equal(numbers(s), was) || asked != 1 {
		t.Errorf("segments %v became %v, rules were asked %d times", was, numbers(s), asked)
	}
	closeStore(t, s)
	o.Retention.Rules[0] = errorRule(30*aDay, &asked)
	s = open(t, o)
	flush(t, s)
	wantSpans(t, s)
}
