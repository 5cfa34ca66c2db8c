package exec_test

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"reflect"
	"slices"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/kiseki-dev/kiseki/query/exec"
	"github.com/kiseki-dev/kiseki/query/plan"
	"github.com/kiseki-dev/kiseki/query/traceql"
	"github.com/kiseki-dev/kiseki/storage/scan"
	"github.com/kiseki-dev/kiseki/storage/scan/scantest"
	"github.com/kiseki-dev/kiseki/telemetry"
	"github.com/kiseki-dev/kiseki/telemetry/telemetrytest"
)

// groupBys are the fields that the tests group by.
var groupBys = map[string][]scan.Field{
	"nothing": nil, "operation": exec.Operation,
	"name": {{Intrinsic: scan.IntrinsicName}}, "status": {{Intrinsic: scan.IntrinsicStatus}}, "message": {{Intrinsic: scan.IntrinsicStatusMessage}},
	"scope": {{Intrinsic: scan.IntrinsicScopeName}}, "attribute": {{Scope: scan.ScopeSpan, Key: "user.id0"}},
	"any": {{Scope: scan.ScopeAny, Key: "http.route1"}}, "of the scope": {{Scope: scan.ScopeInstrumentation, Key: "user.id0"}},
	"two":      {{Scope: scan.ScopeResource, Key: "http.route0"}, {Scope: scan.ScopeSpan, Key: "db.query.text1"}},
	"nobody's": {{Scope: scan.ScopeSpan, Key: "no.such.key"}},
}

// groupsOf is the answer as text: what a group has in its fields, its counts
// and its extremes.
func groupsOf(groups []exec.Group) string {
	lines := make([]string, len(groups))
	for i, g := range groups {
		var values []string
		for _, v := range g.Values {
			values = append(values, fmt.Sprint(v.Present, telemetrytest.DumpValue(v.Value)))
		}
		lines[i] = fmt.Sprintf("%s: %d spans, %d errors, %d to %d", strings.Join(values, ", "), g.Spans, g.Errors, g.Min, g.Max)
	}
	slices.Sort(lines)
	return strings.Join(lines, "\n")
}

// aggregate is what groupsOf says of the answer that visits each span.
func (m model) aggregate(q traceql.Expr, by []scan.Field, start, end uint64) string {
	groups := map[string]*exec.Group{}
	for i := range m.b.Spans {
		s := &m.b.Spans[i]
		if s.Start < start || s.Start >= end || !m.holds(q, i, &exec.Summary{}) {
			continue
		}
		g := exec.Group{Min: s.Duration(), Max: s.Duration()}
		for _, f := range by {
			v := exec.GroupValue{}
			for _, v.Value = range scantest.Values(m.b, i, f) {
				v.Present = true
			}
			g.Values = append(g.Values, v)
		}
		key := groupsOf([]exec.Group{{Values: g.Values}})
		if groups[key] == nil {
			groups[key] = &g
		}
		sum := groups[key]
		sum.Spans++
		if s.Status == telemetry.StatusError {
			sum.Errors++
		}
		sum.Min, sum.Max = min(sum.Min, s.Duration()), max(sum.Max, s.Duration())
	}
	var all []exec.Group
	for _, g := range groups {
		all = append(all, *g)
	}
	return groupsOf(all)
}

// TestAggregateAgreesWithModel: any fields, any filter, any layout.
func TestAggregateAgreesWithModel(t *testing.T) {
	for seed := range uint64(6) {
		r := rand.New(rand.NewPCG(seed, 4))
		b := randomBatch(r, 30+r.IntN(200))
		real := openStore(t)
		for lo := 0; lo < len(b.Spans); lo += 60 {
			if _, err := real.Append(t.Context(), part(b, lo, min(lo+60, len(b.Spans)))); err != nil {
				t.Fatal(err)
			}
			if r.IntN(2) == 0 {
				if err := real.Flush(t.Context()); err != nil {
					t.Fatal(err)
				}
			}
		}
		for layout, store := range []scan.Store{scantest.New(b), scantest.Split(b, r, 3, 4), real} {
			snap := store.Snapshot()
			for name, by := range groupBys {
				text := "{" + randomExpr(r, 2) + "}"
				q, err := traceql.ParseFilter(text)
				if err != nil {
					t.Fatal(err)
				}
				a := exec.Aggregation{Filter: plan.Filter(q), End: plan.All, By: by, Limit: 1000}
				if plan.HasTraceLeaves(a.Filter) {
					continue
				}
				if r.IntN(2) == 0 {
					a.Start = epoch + uint64(r.IntN(20))*1000
					a.End = a.Start + uint64(1+r.IntN(20))*1000
				}
				got, err := exec.Aggregate(t.Context(), snap, &a, exec.DefaultLimits)
				if err != nil || !got.Stats.Complete || got.Total != len(got.Groups) {
					t.Fatalf("%v, %+v", err, got)
				}
				if want := (model{b}).aggregate(q, by, a.Start, a.End); groupsOf(got.Groups) != want {
					t.Fatalf("seed %d, layout %d, by %s, %s\ngot\n%s\nwant\n%s", seed, layout, name, text, groupsOf(got.Groups), want)
				}
				if !slices.IsSortedFunc(got.Groups, func(x, y exec.Group) int { return cmp.Compare(y.Spans, x.Spans) }) {
					t.Fatal("the largest group is not first")
				}
			}
			snap.Release()
		}
	}
}

// TestAggregateOfDigests: blocks in which spans resemble each other are added
// up from their digests, and the answer is what it is from their rows.
func TestAggregateOfDigests(t *testing.T) {
	var digests atomic.Int64 // blocks are dealt to several goroutines
	for seed := range uint64(3) {
		r := rand.New(rand.NewPCG(seed, 5))
		b := randomBatch(r, 30)
		once := b.Spans
		for i := range 60 {
			for _, s := range once {
				s.TraceID[0], s.SpanID[0] = s.TraceID[0]+byte(i), s.SpanID[0]^byte(i)
				s.End += uint64(i) * 100
				b.Spans = append(b.Spans, s)
			}
		}
		store := openStore(t)
		if _, err := store.Append(t.Context(), part(b, 0, len(b.Spans))); err != nil {
			t.Fatal(err)
		}
		if err := store.Flush(t.Context()); err != nil {
			t.Fatal(err)
		}
		snap := store.Snapshot()
		for name, by := range groupBys {
			for range 4 {
				text := "{" + randomExpr(r, 1) + "}"
				q, err := traceql.ParseFilter(text)
				if err != nil {
					t.Fatal(err)
				}
				a := exec.Aggregation{Filter: plan.Filter(q), End: plan.All, By: by, Limit: 1000}
				if plan.HasTraceLeaves(a.Filter) {
					continue
				}
				counting := plainSnapshot{Snapshot: snap, digests: &digests}
				got, err := exec.Aggregate(t.Context(), counting, &a, exec.DefaultLimits)
				if err != nil {
					t.Fatal(err)
				}
				plain, err := exec.Aggregate(t.Context(), plainSnapshot{Snapshot: snap}, &a, exec.DefaultLimits)
				if err != nil {
					t.Fatal(err)
				}
				if want := (model{b}).aggregate(q, by, 0, plan.All); groupsOf(got.Groups) != want || !reflect.DeepEqual(got.Groups, plain.Groups) {
					t.Fatalf("seed %d, by %s, %s\ngot\n%+v\nfrom rows\n%+v\nwant\n%s", seed, name, text, got.Groups, plain.Groups, want)
				}
			}
		}
		snap.Release()
	}
	if digests.Load() < 20 {
		t.Errorf("only %d answers come from a digest", digests.Load())
	}
}

// TestAggregateOfRelations: a comparison of two values is not answered from a
// digest, which does not have them.
func TestAggregateOfRelations(t *testing.T) {
	b := many(400)
	for i := range b.Spans {
		b.Spans[i].End = b.Spans[i].Start + uint64(i%7)
	}
	store := openStore(t)
	if _, err := store.Append(t.Context(), b); err != nil {
		t.Fatal(err)
	}
	if err := store.Flush(t.Context()); err != nil {
		t.Fatal(err)
	}
	snap := store.Snapshot()
	defer snap.Release()
	var answers []string
	for _, text := range []string{`{ duration > 3ns }`, `{ duration + 0 > 3ns }`} {
		q, err := traceql.ParseFilter(text)
		if err != nil {
			t.Fatal(err)
		}
		a := exec.Aggregation{Filter: plan.Filter(q), End: plan.All, Limit: 10}
		res, err := exec.Aggregate(t.Context(), snap, &a, exec.DefaultLimits)
		if err != nil || !res.Stats.Complete {
			t.Fatal(err, res)
		}
		answers = append(answers, groupsOf(res.Groups))
	}
	if answers[0] != answers[1] || !strings.Contains(answers[0], "856 spans") {
		t.Errorf("%q", answers)
	}
}

// plainSnapshot hides the digests of blocks, or counts them.
type plainSnapshot struct {
	scan.Snapshot
	digests *atomic.Int64
}

func (p plainSnapshot) Sources() (out []scan.Source) {
	for _, s := range p.Snapshot.Sources() {
		out = append(out, plainSource{s, p.digests})
	}
	return out
}

type plainSource struct {
	scan.Source
	digests *atomic.Int64
}

func (p plainSource) Blocks() (out []scan.Block) {
	for _, b := range p.Source.Blocks() {
		out = append(out, p.block(b))
	}
	return out
}

func (p plainSource) block(b scan.Block) scan.Block {
	if d, ok := b.(scan.Digester); ok && p.digests != nil {
		return countedBlock{b, d, p.digests}
	}
	return struct{ scan.Block }{b}
}

func (p plainSource) Find(id telemetry.TraceID, f func(b scan.Block, lo, hi int) error) error {
	return p.Source.Find(id, func(b scan.Block, lo, hi int) error { return f(p.block(b), lo, hi) })
}

type countedBlock struct {
	scan.Block
	scan.Digester
	digests *atomic.Int64
}

func (b countedBlock) Digest(q scan.DigestQuery) (*scan.Digest, error) {
	d, err := b.Digester.Digest(q)
	if d != nil {
		b.digests.Add(1)
	}
	return d, err
}

// TestAggregateQuantiles: of 1 to 1000 ms, within the error that is stated.
func TestAggregateQuantiles(t *testing.T) {
	b := &telemetry.Batch{Resources: make([]telemetry.Resource, 1), Scopes: make([]telemetry.Scope, 1)}
	for i := range uint64(1000) {
		b.Spans = append(b.Spans, telemetry.Span{TraceID: telemetry.TraceID{byte(i), byte(i >> 8)}, Start: epoch + i*977%1000, End: epoch + i*977%1000 + (i+1)*1e6})
	}
	a := exec.Aggregation{Filter: plan.Constant(true), End: plan.All, Limit: 1}
	res, err := exec.Aggregate(t.Context(), scantest.Sorted(b, 7).Snapshot(), &a, exec.DefaultLimits)
	if err != nil || len(res.Groups) != 1 {
		t.Fatalf("%v, %+v", err, res)
	}
	g := res.Groups[0]
	for _, c := range []struct{ got, want uint64 }{{g.P50, 500e6}, {g.P90, 900e6}, {g.P95, 950e6}, {g.P99, 990e6}} {
		if c.got < c.want-c.want/64 || c.got > c.want+c.want/64 {
			t.Errorf("quantile is %d, want %d", c.got, c.want)
		}
	}
	if g.Min != 1e6 || g.Max != 1000e6 || g.Spans != 1000 {
		t.Errorf("%+v", g)
	}
}

// TestAggregateLimits: too many groups, too little time, damage and a client
// that went away.
func TestAggregateLimits(t *testing.T) {
	store := scantest.Sorted(many(200), 4)
	a := exec.Aggregation{Filter: plan.Constant(true), End: plan.All, By: exec.Operation, Limit: 2}
	limits := exec.DefaultLimits
	limits.Groups = 2
	res, err := exec.Aggregate(t.Context(), store.Snapshot(), &a, limits)
	if err != nil || res.Stats.Reason != "there are more than 2 groups" || len(res.Groups) != 2 {
		t.Errorf("groups: %v, %+v", err, res)
	}
	limits = exec.DefaultLimits
	limits.Time = -1
	if res, err = exec.Aggregate(t.Context(), store.Snapshot(), &a, limits); err != nil || res.Stats.Complete || len(res.Groups) != 0 {
		t.Errorf("time: %v, %+v", err, res)
	}
	a.Filter = search(t, `{ name = "op" }`).Filter
	res, err = exec.Aggregate(t.Context(), damagedSnapshot{store.Snapshot()}, &a, exec.DefaultLimits)
	if err != nil || res.Stats.Complete || res.Stats.Damage == nil || len(res.Groups) != 2 {
		t.Errorf("damage: %v, %+v", err, res)
	}
	ctx, cancel := context.WithCancelCause(t.Context())
	cause := errors.New("the client went away")
	cancel(cause)
	if _, err = exec.Aggregate(ctx, store.Snapshot(), &a, exec.DefaultLimits); !errors.Is(err, cause) {
		t.Errorf("cancel: %v", err)
	}
}
