package exec_test

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/kiseki-dev/kiseki/query/exec"
	"github.com/kiseki-dev/kiseki/query/plan"
	"github.com/kiseki-dev/kiseki/query/traceql"
	"github.com/kiseki-dev/kiseki/storage/scan"
	"github.com/kiseki-dev/kiseki/storage/scan/scantest"
	"github.com/kiseki-dev/kiseki/telemetry"
)

// eachLayout calls f with queries over random spans in many layouts.
func eachLayout(t *testing.T, f func(store scan.Store, p *plan.Search, query string)) {
	for seed := range uint64(30) {
		r := rand.New(rand.NewPCG(seed, 5))
		store := scantest.Split(randomBatch(r, 150), r, 1+r.IntN(4), 1+r.IntN(4))
		for _, query := range []string{"{}", "{ status = error }", "{ traceDuration > 5us }", "{} > { kind = client }", "{} | count() > 3", "{ false }"} {
			q, err := traceql.ParseSearch(query)
			if err != nil {
				t.Fatal(err)
			}
			p := &plan.Search{End: plan.All, Limit: 1000}
			if r.IntN(2) == 0 {
				p.Start = 1_790_000_000_000_000_000 + uint64(r.IntN(20))*1000
				p.End = p.Start + uint64(1+r.IntN(20))*1000
			}
			p.Filter, p.Spans = plan.Pipeline(q.Spans, p.Start > 0)
			f(store, p, query)
		}
	}
}

// lines collects texts.
type lines struct{ all []string }

func joined(parts []*lines) []string {
	var out []string
	for _, p := range parts {
		out = append(out, p.all...)
	}
	slices.Sort(out)
	return out
}

// TestTracesAreWhatSearchFinds: each once, with all its spans.
func TestTracesAreWhatSearchFinds(t *testing.T) {
	eachLayout(t, func(store scan.Store, p *plan.Search, query string) {
		found, err := exec.Search(t.Context(), store.Snapshot(), p, exec.DefaultLimits)
		if err != nil {
			t.Fatal(err)
		}
		var want []string
		for _, s := range found.Traces {
			want = append(want, fmt.Sprint(s.ID, s.Spans))
		}
		slices.Sort(want)
		add := func(l *lines, w *exec.WholeTrace) error {
			l.all = append(l.all, fmt.Sprint(w.ID, len(w.Spans)))
			for k, i := range w.Order {
				if above := w.Parent[i]; above >= 0 && slices.Index(w.Order[:k], above) < 0 {
					t.Errorf("%s: trace %s: span %d comes before its parent", query, w.ID, i)
				}
			}
			return nil
		}
		begin := func() *lines { return &lines{} }
		got, stats, err := exec.Traces(t.Context(), store.Snapshot(), p, exec.DefaultLimits, begin, add)
		if err != nil || !stats.Complete || !slices.Equal(joined(got), want) {
			t.Fatalf("%s: got %v, %v, %v, want %v", query, joined(got), stats, err, want)
		}
		all, every, _, err := exec.SampleTraces(t.Context(), store.Snapshot(), p, 1000, exec.DefaultLimits, begin, add)
		if err != nil || every != 1 || !slices.Equal(joined(all), want) {
			t.Fatalf("%s: sample of all, one of %d: got %v, %v, want %v", query, every, joined(all), err, want)
		}
	})
}

// TestSelectionsAreSpans: the rows are those that Spans hands over.
func TestSelectionsAreSpans(t *testing.T) {
	eachLayout(t, func(store scan.Store, p *plan.Search, query string) {
		want := &lines{}
		_, err := exec.Spans(t.Context(), store.Snapshot(), p, exec.DefaultLimits, func(b *telemetry.Batch) error {
			for i := range b.Spans {
				want.all = append(want.all, b.Spans[i].SpanID.String())
			}
			return nil
		})
		if err != nil {
			t.Fatal(err)
		}
		every := &plan.Search{Filter: plan.Constant(true), End: plan.All}
		got, stats, err := exec.Selections(t.Context(), store.Snapshot(), []*plan.Search{every, p}, exec.DefaultLimits, func() *lines { return &lines{} },
			func(l *lines, s *exec.Selection) error {
				if s.Rows[0].Count() != s.Len() {
					t.Errorf("every row is %d of %d", s.Rows[0].Count(), s.Len())
				}
				return s.Runs(func(lo, hi int) error {
					var rows scan.Rows
					if err := s.Block.Rows(lo, hi, scan.ColSpanID, &rows); err != nil {
						return err
					}
					for i := s.Rows[1].Next(lo); i >= 0 && i < hi; i = s.Rows[1].Next(i + 1) {
						l.all = append(l.all, rows.SpanID[i-lo].String())
					}
					return nil
				})
			})
		if err != nil || !stats.Complete || !slices.Equal(joined(got), joined([]*lines{want})) {
			t.Fatalf("%s: got %v, %v, want %v", query, joined(got), err, joined([]*lines{want}))
		}
	})
}

// TestSampleIsEven: every so many-th trace in the order of their starts.
func TestSampleIsEven(t *testing.T) {
	b := &telemetry.Batch{Resources: make([]telemetry.Resource, 1), Scopes: make([]telemetry.Scope, 1)}
	for i := range 100 {
		b.Spans = append(b.Spans, telemetry.Span{TraceID: telemetry.TraceID{byte(i * 37), 1}, SpanID: telemetry.SpanID{1}, Start: uint64(1000 + i)})
	}
	p := &plan.Search{Filter: plan.Constant(true), End: plan.All}
	sample := func(most int, limits exec.Limits) ([]string, uint64) {
		got, every, stats, err := exec.SampleTraces(t.Context(), scantest.Sorted(b, 4).Snapshot(), p, most, limits, func() *lines { return &lines{} },
			func(l *lines, w *exec.WholeTrace) error {
				l.all = append(l.all, fmt.Sprint(w.Spans[0].Start))
				return nil
			})
		if err != nil || !stats.Complete {
			t.Fatal(err, stats)
		}
		return joined(got), every
	}
	if got, every := sample(5, exec.DefaultLimits); every != 20 || fmt.Sprint(got) != "[1010 1030 1050 1070 1090]" {
		t.Errorf("got %v, one of %d", got, every)
	}
	// There is no room for all candidates: some are chosen by chance, but the
	// same ones each time, and it is said how many one stands for.
	limits := exec.DefaultLimits
	limits.Traces = 40
	got, every := sample(1000, limits)
	again, _ := sample(1000, limits)
	if n := uint64(len(got)) * every; every < 2 || n < 30 || n > 300 || !slices.Equal(got, again) {
		t.Errorf("got %d, one of %d, again %d", len(got), every, len(again))
	}
}

// TestTracesEnd: with an error of who they are handed to, and where there is
// no room to remember traces in pieces.
func TestTracesEnd(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 6))
	snap := scantest.Split(randomBatch(r, 150), r, 4, 4).Snapshot()
	p := &plan.Search{Filter: plan.Constant(true), End: plan.All}
	tired := errors.New("tired")
	begin := func() *lines { return &lines{} }
	if _, _, err := exec.Traces(t.Context(), snap, p, exec.DefaultLimits, begin, func(*lines, *exec.WholeTrace) error { return tired }); !errors.Is(err, tired) {
		t.Errorf("got %v", err)
	}
	limits := exec.DefaultLimits
	limits.Traces = 2
	_, stats, err := exec.Traces(t.Context(), snap, p, limits, begin, func(*lines, *exec.WholeTrace) error { return nil })
	if err != nil || stats.Complete || stats.Reason != "there are more than 2 traces that are stored in several places" {
		t.Errorf("got %v, %v", stats, err)
	}
}
