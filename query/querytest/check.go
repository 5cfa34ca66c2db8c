package querytest

import (
	"context"
	"fmt"
	"strings"

	"github.com/kiseki-dev/kiseki/query/exec"
	"github.com/kiseki-dev/kiseki/query/plan"
	"github.com/kiseki-dev/kiseki/storage/scan"
	"github.com/kiseki-dev/kiseki/telemetry/telemetrytest"
)

// Check asks package exec, page by page with so many traces each, and says how
// its answer differs from the reference's.
func (r *Reference) Check(ctx context.Context, store scan.Store, q Question, page int) error {
	p := plan.Search{Start: q.Start, End: q.End, Limit: page, SetSpans: q.SetSpans, Fields: q.Query.Selected()}
	p.Filter, p.Spans = plan.Pipeline(q.Query.Spans, q.Start > 0 || q.End != plan.All)
	snap := store.Snapshot()
	defer snap.Release()
	var got []string
	for {
		res, err := exec.Search(ctx, snap, &p, exec.DefaultLimits)
		if err != nil {
			return fmt.Errorf("search %s: %w", q.Query, err)
		}
		if !res.Stats.Complete {
			return fmt.Errorf("search %s: not complete: %s, %w", q.Query, res.Stats.Reason, res.Stats.Damage)
		}
		for i := range res.Traces {
			got = append(got, summaryText(&res.Traces[i], &p))
		}
		if res.Next == nil {
			break
		}
		if len(res.Traces) != page {
			return fmt.Errorf("search %s: a page of %d traces, not %d, is not the last", q.Query, len(res.Traces), page)
		}
		p.After = res.Next
	}
	want := r.Answer(q)
	for i := range max(len(got), len(want)) {
		g, w := append(got, "nothing")[min(i, len(got))], append(want, "nothing")[min(i, len(want))]
		if g != w {
			return fmt.Errorf("search %s from %d to %d\n%stelling %d spans, trace %d\ngot  %s\nwant %s\n%s\n%s", q.Query, q.Start, q.End, p.Explain(), q.SetSpans, i, g, w, r.dump(g), r.dump(w))
		}
	}
	return nil
}

// dump is the spans of the trace that a text is about.
func (r *Reference) dump(text string) string {
	var w strings.Builder
	for _, t := range r.traces {
		if !strings.HasPrefix(text, t.spans[0].TraceID.String()) {
			continue
		}
		one := *t.b
		one.Spans = nil
		for _, s := range t.spans {
			one.Spans = append(one.Spans, *s)
		}
		for i := range one.Spans {
			fmt.Fprintf(&w, "parent %d, entered at %d, left at %d\n%s", t.parent[i], t.left[i], t.right[i], telemetrytest.DumpSpan(&one, i))
		}
	}
	return w.String()
}

// summaryText is a result as the reference spells it.
func summaryText(s *exec.Summary, p *plan.Search) string {
	missing := ""
	if s.RootMissing {
		missing = " (root missing)"
	}
	text := fmt.Sprintf("%s at %d for %d: %q %q%s, %d of %d spans, %d errors", s.ID, s.Start, s.Duration,
		s.RootService, s.RootName, missing, s.Matched, s.Spans, s.Errors)
	for _, set := range s.Sets {
		text += fmt.Sprintf("\n  %d spans", set.Matched)
		for _, x := range set.Traits {
			text += ", " + x.Name + "=" + valueText(x.Value, x.Present)
		}
		for _, span := range set.Spans {
			text += fmt.Sprintf("\n    %s %d+%d %q %q", span.ID, span.Start, span.Duration, span.Name, span.Service)
			for i, f := range p.Fields {
				text += " " + f.String() + "=" + valueText(span.Values[i].Value, span.Values[i].Present)
			}
		}
	}
	return text
}
