package analysis_test

import (
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"

	"github.com/kiseki-dev/kiseki/analysis"
	"github.com/kiseki-dev/kiseki/query/exec"
	"github.com/kiseki-dev/kiseki/storage/scan/scantest"
	"github.com/kiseki-dev/kiseki/telemetry"
)

const outlined = 7 // the trace of these tests

// spanOf makes a span of the trace; times are nanoseconds.
func spanOf(id, parent int, from, to uint64, status telemetry.Status) telemetry.Span {
	s := telemetry.Span{
		TraceID: telemetry.TraceID{15: outlined}, SpanID: telemetry.SpanID{6: byte(id >> 8), 7: byte(id)},
		Name: fmt.Sprint(id), Start: 1000 + from, End: 1000 + to, Status: status,
	}
	if parent > 0 {
		s.ParentID = telemetry.SpanID{6: byte(parent >> 8), 7: byte(parent)}
	}
	return s
}

func readOutline(t *testing.T, spans ...telemetry.Span) *exec.Outline {
	t.Helper()
	b := &telemetry.Batch{Resources: make([]telemetry.Resource, 1), Scopes: make([]telemetry.Scope, 1), Spans: spans}
	snap := scantest.New(b).Snapshot()
	t.Cleanup(snap.Release)
	o, err := exec.ReadOutline(t.Context(), snap, telemetry.TraceID{15: outlined}, exec.DefaultLimits)
	if err != nil {
		t.Fatal(err)
	}
	return o
}

// told is an outline as text: a span a line below its parent, and what was
// left out below it.
func told(t *exec.Outline, o *analysis.Outline) string {
	var lines []string
	depth := map[int32]int{}
	left := func(below int32, indent int) {
		for _, l := range o.Left {
			if l.Below == below {
				lines = append(lines, fmt.Sprintf("%s+%d, %d failed, %d ns from %d to %d, self %d",
					strings.Repeat(" ", indent), l.Spans, l.Errors, l.Duration, l.Start-1000, l.End-1000, l.Self))
			}
		}
	}
	for k, i := range o.Spans {
		if p := t.Parent[i]; p >= 0 {
			depth[i] = depth[p] + 1 // 1 where the parent is not told
		}
		lines = append(lines, strings.Repeat(" ", depth[i])+t.Spans[i].Name)
		left(int32(k), depth[i]+1)
	}
	left(-1, 0)
	return strings.Join(lines, "\n")
}

// TestOutlineKeepsWhatMatters: the critical path, failures and the longest
// spans stay, and what is above them; the rest is counted where it was.
func TestOutlineKeepsWhatMatters(t *testing.T) {
	unset, failed := telemetry.StatusUnset, telemetry.StatusError
	o := readOutline(t,
		spanOf(1, 0, 0, 1000, unset),
		spanOf(2, 1, 0, 990, unset),    // on the path
		spanOf(3, 1, 100, 160, unset),  // short, but what is below failed
		spanOf(4, 3, 110, 120, failed), // the failure
		spanOf(5, 3, 120, 130, unset),
		spanOf(6, 1, 200, 900, unset), // long
		spanOf(7, 6, 300, 340, unset),
		spanOf(8, 7, 310, 320, failed), // one failure too many
		spanOf(9, 6, 330, 380, unset),
	)
	for _, c := range []struct {
		most int
		want string
	}{
		{9, "1\n 2\n 3\n  4\n  5\n 6\n  7\n   8\n  9"},
		{8, "1\n 2\n 3\n  4\n  5\n 6\n  7\n   +1, 1 failed, 10 ns from 310 to 320, self 30\n  9"},
		{5, "1\n 2\n 3\n  +1, 0 failed, 10 ns from 120 to 130, self 40\n  4\n 6\n  +3, 1 failed, 100 ns from 300 to 380, self 620"},
		{1, "1\n +8, 2 failed, 1870 ns from 0 to 990, self 10"},
	} {
		got := told(o, analysis.MakeOutline(o, analysis.Focus{Below: -1}, c.most))
		if got != c.want {
			t.Errorf("at most %d spans: got\n%s\nwant\n%s", c.most, got, c.want)
		}
	}
	if got, want := told(o, analysis.MakeOutline(o, analysis.Focus{Below: 5}, 2)), " 6\n  +2, 1 failed, 50 ns from 300 to 340, self 620\n  9"; o.Spans[5].Name != "6" || got != want {
		t.Errorf("below %s: got\n%s\nwant\n%s", o.Spans[5].Name, got, want)
	}
}

// TestOutlineOfATime: what overlaps the time comes first, with what is above it.
func TestOutlineOfATime(t *testing.T) {
	o := readOutline(t,
		spanOf(1, 0, 0, 1000, telemetry.StatusUnset),
		spanOf(2, 1, 0, 500, telemetry.StatusError),
		spanOf(3, 1, 500, 900, telemetry.StatusUnset),
		spanOf(4, 3, 600, 601, telemetry.StatusUnset),
		spanOf(5, 3, 700, 800, telemetry.StatusUnset),
	)
	got := told(o, analysis.MakeOutline(o, analysis.Focus{Below: -1, Start: 1600, End: 1650}, 3))
	if want := "1\n +1, 1 failed, 500 ns from 0 to 500, self 100\n 3\n  +1, 0 failed, 100 ns from 700 to 800, self 299\n  4"; got != want {
		t.Errorf("got\n%s\nwant\n%s", got, want)
	}
	var services []string
	for _, s := range analysis.MakeOutline(o, analysis.Focus{Below: -1}, 1).Services {
		services = append(services, fmt.Sprintf("%q: %d, %d failed", s.Name, s.Spans, s.Errors))
	}
	if got := strings.Join(services, "; "); got != `"": 5, 1 failed` {
		t.Errorf("services: %s", got)
	}
}

// TestOutlineLosesNothing: whatever the trace and however few spans are kept,
// what is told and what is left add up to the trace, and no span is without
// its parent.
func TestOutlineLosesNothing(t *testing.T) {
	for seed := range uint64(60) {
		r := rand.New(rand.NewPCG(seed, 1))
		n := 1 + r.IntN(300)
		spans := make([]telemetry.Span, 0, n)
		for id := 1; id <= n; id++ {
			from := r.Uint64N(1000)
			status := telemetry.StatusUnset
			if r.IntN(8) == 0 {
				status = telemetry.StatusError
			}
			// Some roots, some whose parent is not there, some below themselves.
			spans = append(spans, spanOf(id, max(0, r.IntN(id+2)-r.IntN(3)), from, from+r.Uint64N(500), status))
		}
		o := readOutline(t, spans...)
		for _, most := range []int{1, 2, 3, n / 2, n - 1, n} {
			most = max(most, 1)
			under := int32(-1)
			if r.IntN(2) == 0 {
				under = r.Int32N(int32(len(o.Spans)))
			}
			focus := analysis.Focus{Below: under}
			if r.IntN(2) == 0 {
				focus.Start, focus.End = 1400, 1500
			}
			checkOutline(t, o, under, most, analysis.MakeOutline(o, focus, most))
			if t.Failed() {
				t.Fatalf("seed %d, at most %d of %d spans below %d", seed, most, n, under)
			}
		}
	}
}

func checkOutline(t *testing.T, o *exec.Outline, under int32, most int, got *analysis.Outline) {
	t.Helper()
	below := func(i int32) bool {
		for ; i >= 0; i = o.Parent[i] {
			if i == under {
				return true
			}
		}
		return under < 0
	}
	var all, sum analysis.Left
	add := func(s *exec.TraceSpan) {
		all.Spans++
		all.Duration += s.Duration
		if s.Status == telemetry.StatusError {
			all.Errors++
		}
	}
	for i := range o.Spans {
		if below(int32(i)) {
			add(&o.Spans[i])
		}
	}
	kept := map[int32]bool{}
	for k, i := range got.Spans {
		s := &o.Spans[i]
		if k > 0 && got.Spans[k-1] >= i || !below(i) {
			t.Errorf("span %d is out of place", i)
		}
		if p := o.Parent[i]; p >= 0 && i != under && !kept[p] {
			t.Errorf("span %d is without its parent", i)
		}
		kept[i] = true
		sum.Spans, sum.Duration = sum.Spans+1, sum.Duration+s.Duration
		if s.Status == telemetry.StatusError {
			sum.Errors++
		}
	}
	for _, l := range got.Left {
		if l.Spans == 0 || l.Start > l.End {
			t.Errorf("left out: %+v", l)
		}
		sum.Spans, sum.Errors, sum.Duration = sum.Spans+l.Spans, sum.Errors+l.Errors, sum.Duration+l.Duration
	}
	if sum != all {
		t.Errorf("told and left are %+v, the trace is %+v", sum, all)
	}
	if want := min(most, all.Spans); len(got.Spans) != want {
		t.Errorf("%d spans are told, %d could be", len(got.Spans), want)
	}
}
