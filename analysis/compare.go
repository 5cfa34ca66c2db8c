package analysis

import (
	"cmp"
	"context"
	"fmt"
	"math"
	"slices"

	"github.com/kiseki-dev/kiseki/query/exec"
	"github.com/kiseki-dev/kiseki/query/plan"
	"github.com/kiseki-dev/kiseki/storage/scan"
)

const (
	// FalseDiscoveries is the share of the differences told that is expected to
	// be due to chance, at most.
	FalseDiscoveries = 0.05
	// compareFields is how many fields are compared, mostValues how many
	// values of one. A field with more, such as an id, says nothing by its
	// values.
	compareFields = 1000
	mostValues    = 4096
	// fewValues is how many values numbers may have to be compared as names,
	// such as status codes are.
	fewValues = 20
)

// Difference is a value that distinguishes two sets of spans, or where Numeric
// is set a field of which the numbers do.
type Difference struct {
	Field   scan.Field
	Numeric bool
	exec.GroupValue
	// CountA and CountB are the spans with the value, or with a number; the
	// shares are those of all spans of the set.
	CountA, CountB uint64
	ShareA, ShareB float64
	// QuantilesA and QuantilesB are the 50th, 90th and 99th percentile of the
	// numbers, at most 1.6 % off; durations are nanoseconds.
	QuantilesA, QuantilesB [3]float64
	// Effect is how large the difference is, above 0 where A has more: Cohen's
	// h of the shares; of numbers 2 asin δ of Cliff's δ, which is the h of two
	// shares around a half that differ by δ. 0.2 is small, 0.8 large.
	Effect float64
	// P is the probability of such a difference by chance, were spans
	// independent of each other; Q is that after Benjamini and Hochberg, who
	// correct for the number of tests.
	P, Q float64
}

// Lift is how many times as frequent the value is in A as in B; infinite where
// B lacks it.
func (d *Difference) Lift() float64 { return d.ShareA / d.ShareB }

// Comparison is what distinguishes two sets of spans.
type Comparison struct {
	SpansA, SpansB uint64
	Differences    []Difference // with a Q of at most FalseDiscoveries, the largest Effect first
	Significant    int          // how many there are in all
	Tests          int          // how many values and numeric fields were compared
	Skipped        []scan.Field // of no use, with too many values
	Stats          exec.Stats
}

// Compare tells what distinguishes the spans that a selects from the others
// that b does, or where b is nil from the rest of those in a's range of time. It
// looks at all attributes of spans, resources and scopes, at the intrinsics
// that describe a span, and at its duration, but at nothing that the filter of
// a or b asks about. A span without the field has a value too: none.
//
// Spans of one trace resemble each other, so P is less than it should be where
// a set has few traces.
func Compare(ctx context.Context, snap scan.Snapshot, a, b *plan.Search, limit int, limits exec.Limits) (*Comparison, error) {
	if b == nil {
		b = &plan.Search{Filter: plan.Constant(true), Start: a.Start, End: a.End}
	}
	keys, keyStats, err := exec.Keys(ctx, snap, exec.KeyQuery{Scope: scan.ScopeAny, Limit: compareFields}, limits)
	if err != nil {
		return nil, err
	}
	fields := fieldsToCompare(keys, append(plan.Fields(a.Filter), plan.Fields(b.Filter)...))
	begin := func() *comparer { return newComparer(fields) }
	sums, stats, err := exec.Selections(ctx, snap, []*plan.Search{a, b}, limits, begin, (*comparer).add)
	if err != nil {
		return nil, fmt.Errorf("compare spans: %w", err)
	}
	if !keyStats.Complete {
		stats.Limit(keyStats.Reason)
	}
	all := sums[0]
	for _, s := range sums[1:] {
		all.merge(s)
	}
	out := all.result(limit)
	out.Stats = stats
	return out, nil
}

// durationField is compared as a number only.
var durationField = scan.Field{Intrinsic: scan.IntrinsicDuration}

// fieldsToCompare are all but those that are left out.
func fieldsToCompare(keys []exec.AttributeKey, without []scan.Field) (fields []scan.Field) {
	for _, i := range []scan.Intrinsic{
		scan.IntrinsicDuration, scan.IntrinsicName, scan.IntrinsicKind, scan.IntrinsicStatus, scan.IntrinsicStatusMessage,
		scan.IntrinsicScopeName, scan.IntrinsicScopeVersion,
	} {
		fields = append(fields, scan.Field{Intrinsic: i})
	}
	for _, k := range keys {
		if k.Scope == scan.ScopeSpan || k.Scope == scan.ScopeResource || k.Scope == scan.ScopeInstrumentation {
			fields = append(fields, scan.Field{Scope: k.Scope, Key: k.Key})
		}
	}
	return slices.DeleteFunc(fields, func(f scan.Field) bool {
		return slices.ContainsFunc(without, func(w scan.Field) bool {
			return w == f || w.Scope == scan.ScopeAny && w.Key == f.Key && f.Scope != scan.ScopeIntrinsic
		})
	})
}

// result tests all that was counted.
func (c *comparer) result(limit int) *Comparison {
	out := &Comparison{SpansA: c.spans.a, SpansB: c.spans.b}
	var all []Difference
	var p []float64
	for i := range c.fields {
		f := &c.fields[i]
		if f.full && len(f.numbers) == 0 {
			out.Skipped = append(out.Skipped, f.field)
		}
		for _, d := range f.differences(c.spans) {
			all, p = append(all, d), append(p, d.P)
		}
	}
	out.Tests = len(all)
	for i, q := range falseDiscovery(p) {
		all[i].Q = q
	}
	all = slices.DeleteFunc(all, func(d Difference) bool { return d.Q > FalseDiscoveries })
	slices.SortFunc(all, func(x, y Difference) int {
		return cmp.Or(
			cmp.Compare(math.Abs(y.Effect), math.Abs(x.Effect)), cmp.Compare(x.Field.Scope, y.Field.Scope), cmp.Compare(x.Field.Intrinsic, y.Field.Intrinsic),
			cmp.Compare(x.Field.Key, y.Field.Key), compareValues(x.GroupValue, y.GroupValue),
		)
	})
	out.Significant = len(all)
	out.Differences = all[:min(limit, len(all))]
	return out
}

// differences are the tests of one field. Numbers are compared as such, not
// by their values unless these are few. Of two values that are opposites, the
// one that a has more of is told.
func (f *fieldCounts) differences(spans pair) (out []Difference) {
	none := exec.GroupValue{}
	if len(f.numbers) > fewValues || f.full || f.field == durationField {
		if d, ok := f.numeric(spans); ok {
			out = append(out, d)
		}
		if n := f.values[none]; n.a+n.b > 0 && n != spans {
			out = append(out, share(Difference{Field: f.field, CountA: n.a, CountB: n.b}, spans))
		}
		return out
	}
	for v, n := range f.values {
		d := share(Difference{Field: f.field, GroupValue: v, CountA: n.a, CountB: n.b}, spans)
		if len(f.values) > 2 || len(f.values) == 2 && (d.Effect > 0 || d.Effect == 0 && v == none) {
			out = append(out, d)
		}
	}
	return out
}

// share completes a difference of shares.
func share(d Difference, spans pair) Difference {
	d.ShareA, d.ShareB = ratio(d.CountA, spans.a), ratio(d.CountB, spans.b)
	d.Effect = cohensH(d.ShareA, d.ShareB)
	d.P = shareTest(d.CountA, spans.a, d.CountB, spans.b)
	return d
}

func ratio(n, of uint64) float64 {
	if of == 0 {
		return 0
	}
	return float64(n) / float64(of)
}

// numeric compares the numbers of a field; ok is false where a set has none.
func (f *fieldCounts) numeric(spans pair) (d Difference, ok bool) {
	classes := make([]int32, 0, len(f.numbers))
	for c := range f.numbers {
		classes = append(classes, c)
	}
	slices.Sort(classes)
	counts := make([]pair, len(classes))
	d = Difference{Field: f.field, Numeric: true}
	for i, c := range classes {
		counts[i] = f.numbers[c].pair
		d.CountA += counts[i].a
		d.CountB += counts[i].b
	}
	if d.CountA == 0 || d.CountB == 0 {
		return d, false
	}
	d.ShareA, d.ShareB = ratio(d.CountA, spans.a), ratio(d.CountB, spans.b)
	for k, q := range [3]float64{0.5, 0.9, 0.99} {
		d.QuantilesA[k] = f.quantile(classes, q, d.CountA, func(p pair) uint64 { return p.a })
		d.QuantilesB[k] = f.quantile(classes, q, d.CountB, func(p pair) uint64 { return p.b })
	}
	delta, p := rankTest(counts)
	d.Effect, d.P = 2*math.Asin(max(min(delta, 1), -1)), p
	return d, true
}

// quantile is the mean of the class in which the share q of the numbers ends.
func (f *fieldCounts) quantile(classes []int32, q float64, total uint64, of func(pair) uint64) float64 {
	rank, seen := max(uint64(math.Ceil(q*float64(total))), 1), uint64(0)
	for _, c := range classes {
		n := f.numbers[c]
		if seen += of(n.pair); seen >= rank {
			return n.sum / float64(n.a+n.b)
		}
	}
	return 0
}
