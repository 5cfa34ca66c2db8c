package segment

import (
	"fmt"
	"math/rand/v2"
	"path/filepath"
	"regexp"
	"testing"

	"github.com/kiseki-dev/kiseki/storage/scan"
	"github.com/kiseki-dev/kiseki/telemetry"
	"github.com/kiseki-dev/kiseki/telemetry/telemetrytest"
)

// matches says whether p holds for span i of b: the meaning of a predicate,
// spelled out, with which the file's answers must agree.
func matches(b *telemetry.Batch, i int, p *scan.Predicate) bool {
	values := fieldValues(b, i, p.Field)
	if p.Op == scan.OpAbsent {
		return len(values) == 0
	}
	for _, v := range values {
		if p.Holds(v) {
			return true
		}
	}
	return false
}

func fieldValues(b *telemetry.Batch, i int, f scan.Field) (out []telemetry.Value) {
	s := &b.Spans[i]
	lookup := func(r telemetry.Range) {
		if v, ok := b.Lookup(r, f.Key); ok {
			out = append(out, v)
		}
	}
	switch f.Scope {
	case scan.ScopeIntrinsic:
		return intrinsicValues(b, s, f.Intrinsic)
	case scan.ScopeSpan:
		lookup(s.Attrs)
	case scan.ScopeResource:
		lookup(b.Resources[s.Resource].Attrs)
	case scan.ScopeInstrumentation:
		lookup(b.Scopes[s.Scope].Attrs)
	case scan.ScopeEvent:
		for _, e := range b.EventsOf(s) {
			lookup(e.Attrs)
		}
	case scan.ScopeLink:
		for _, l := range b.LinksOf(s) {
			lookup(l.Attrs)
		}
	case scan.ScopeAny:
		if lookup(s.Attrs); len(out) == 0 {
			lookup(b.Resources[s.Resource].Attrs)
		}
	}
	return out
}

func intrinsicValues(b *telemetry.Batch, s *telemetry.Span, in scan.Intrinsic) []telemetry.Value {
	one := func(v telemetry.Value) []telemetry.Value { return []telemetry.Value{v} }
	switch in {
	case scan.IntrinsicName:
		return one(telemetry.StringValue(s.Name))
	case scan.IntrinsicKind:
		return one(telemetry.IntValue(int64(s.Kind)))
	case scan.IntrinsicStatus:
		return one(telemetry.IntValue(int64(s.Status)))
	case scan.IntrinsicStatusMessage:
		return one(telemetry.StringValue(s.StatusMessage))
	case scan.IntrinsicDuration:
		return one(telemetry.IntValue(int64(s.Duration())))
	case scan.IntrinsicStart:
		return one(telemetry.IntValue(int64(s.Start)))
	case scan.IntrinsicTraceID:
		return one(telemetry.BytesValue(string(s.TraceID[:])))
	case scan.IntrinsicSpanID:
		return one(telemetry.BytesValue(string(s.SpanID[:])))
	case scan.IntrinsicParentID:
		return one(telemetry.BytesValue(string(s.ParentID[:])))
	case scan.IntrinsicTraceState:
		return one(telemetry.StringValue(s.TraceState))
	case scan.IntrinsicScopeName:
		return one(telemetry.StringValue(b.Scopes[s.Scope].Name))
	case scan.IntrinsicScopeVersion:
		return one(telemetry.StringValue(b.Scopes[s.Scope].Version))
	}
	var out []telemetry.Value
	for _, e := range b.EventsOf(s) {
		switch in {
		case scan.IntrinsicEventName:
			out = append(out, telemetry.StringValue(e.Name))
		case scan.IntrinsicEventTime:
			out = append(out, telemetry.IntValue(int64(e.Time-s.Start)))
		}
	}
	for _, l := range b.LinksOf(s) {
		switch in {
		case scan.IntrinsicLinkTraceID:
			out = append(out, telemetry.BytesValue(string(l.TraceID[:])))
		case scan.IntrinsicLinkSpanID:
			out = append(out, telemetry.BytesValue(string(l.SpanID[:])))
		}
	}
	return out
}

// fields are all fields that b has, and one that it has not in each scope.
func fields(b *telemetry.Batch) (out []scan.Field) {
	for in := scan.IntrinsicName; in <= scan.IntrinsicLinkSpanID; in++ {
		out = append(out, scan.Field{Intrinsic: in})
	}
	keys := map[string]bool{"no.such.key": true}
	for _, a := range b.Attrs {
		keys[a.Key] = true
	}
	for k := range keys {
		for s := scan.ScopeSpan; s <= scan.ScopeAny; s++ {
			out = append(out, scan.Field{Scope: s, Key: k})
		}
	}
	return out
}

// constants are values to compare a field with: some that occur, some that
// do not, of its own type and of others.
func constants(b *telemetry.Batch, f scan.Field, r *rand.Rand) []telemetry.Value {
	out := []telemetry.Value{telemetry.IntValue(2), telemetry.DoubleValue(1.5), telemetry.StringValue("x"), telemetry.BoolValue(true), {}}
	for range 3 {
		if len(b.Spans) == 0 {
			break
		}
		out = append(out, fieldValues(b, r.IntN(len(b.Spans)), f)...)
	}
	return out
}

func TestNarrowAgreesWithEachSpan(t *testing.T) {
	regex := regexp.MustCompile(`^(?:.*a.*)$`)
	for seed := range uint64(5) {
		r := rand.New(rand.NewPCG(seed, 7))
		b := telemetrytest.Random(seed, 100+int(seed)*150)
		options := small
		if seed < 4 {
			repeatKeys(b, r)
		} else { // columns that are derived, or in a context, and texts in templates
			b, options = shop(1100), Options{PageRows: 128}
		}
		path := filepath.Join(t.TempDir(), "s")
		writeFile(t, path, b, options)
		rd := openFile(t, path, NewCache(4<<20))
		checked, held := 0, 0
		for _, blk := range rd.Blocks() {
			var all telemetry.Batch
			if err := blk.Spans(0, blk.Len(), &all); err != nil {
				t.Fatal(err)
			}
			for _, f := range fields(b) {
				for _, v := range constants(&all, f, r) {
					for op := scan.OpEqual; op <= scan.OpAbsent; op++ {
						p := &scan.Predicate{Field: f, Op: op, Value: v, Regex: regex}
						n, h := compareNarrow(t, blk, &all, p, r)
						checked, held = checked+n, held+h
					}
				}
			}
		}
		if held == 0 || held == checked {
			t.Errorf("seed %d: %d of %d held, which tests nothing", seed, held, checked)
		}
	}
}

// TestNarrowByAll: several predicates at once keep the rows that each of them
// keeps, whichever the block begins with.
func TestNarrowByAll(t *testing.T) {
	regex := regexp.MustCompile(`^(?:.*a.*)$`)
	r := rand.New(rand.NewPCG(3, 4))
	b := telemetrytest.Random(5, 400)
	repeatKeys(b, r)
	path := filepath.Join(t.TempDir(), "s")
	writeFile(t, path, b, small)
	rd := openFile(t, path, NewCache(4<<20))
	kept := 0
	for _, blk := range rd.Blocks() {
		var all telemetry.Batch
		if err := blk.Spans(0, blk.Len(), &all); err != nil {
			t.Fatal(err)
		}
		choice := fields(b)
		for range 500 {
			var ps []scan.Predicate
			for range 2 + r.IntN(3) {
				f := choice[r.IntN(len(choice))]
				values := constants(&all, f, r)
				ps = append(ps, scan.Predicate{
					Field: f, Op: scan.Op(r.IntN(int(scan.OpAbsent) + 1)), Value: values[r.IntN(len(values))], Regex: regex,
				})
			}
			var sel scan.Bitmap
			sel.Reset(blk.Len(), true)
			if err := blk.Narrow(ps, &sel); err != nil {
				t.Fatal(err)
			}
			for i := range blk.Len() {
				want := true
				for j := range ps {
					want = want && matches(&all, i, &ps[j])
				}
				if sel.Get(i) != want {
					t.Fatalf("row %d is %t, want %t, of %s and %d more", i, sel.Get(i), want, describePredicate(&ps[0]), len(ps)-1)
				}
			}
			kept += sel.Count()
		}
	}
	if kept == 0 {
		t.Error("nothing was kept, which tests nothing")
	}
}

// TestDictionaryHasBloom: a search for a value that a block lacks does not read
// the block's dictionary, unless that is part of the directory.
func TestDictionaryHasBloom(t *testing.T) {
	user := func(i int) string { return fmt.Sprintf("%x", uint64(i+1)*0x9e3779b97f4a7c15) }
	b := shop(2000)
	for i := range b.Spans {
		start := uint32(len(b.Attrs))
		b.Attrs = append(b.Attrs, telemetry.Attr{Key: "user.id", Value: telemetry.StringValue(user(i % 300))})
		b.Spans[i].Attrs = telemetry.Range{Start: start, End: start + 1}
	}
	path := filepath.Join(t.TempDir(), "s")
	writeFile(t, path, b, Options{})
	cache := NewCache(4 << 20)
	rd := openFile(t, path, cache)
	blk := rd.blocks[0].(*block)
	d, err := blk.dir()
	if err != nil {
		t.Fatal(err)
	}
	c := d.attrs[spaceSpan]["user.id"][0]
	if c.enc != encDict || c.known != nil || c.bloom.size == 0 {
		t.Fatalf("encoding %d, %d bytes in the directory, %d of bloom filter", c.enc, len(c.inline), c.bloom.size)
	}
	for value, want := range map[string]bool{user(7): true, user(300): false, "nobody": false} {
		var sel scan.Bitmap
		sel.Reset(blk.Len(), true)
		p := scan.Predicate{Field: scan.Field{Scope: scan.ScopeSpan, Key: "user.id"}, Value: telemetry.StringValue(value)}
		cache.drop(rd.id)
		if err := blk.Narrow([]scan.Predicate{p}, &sel); err != nil {
			t.Fatal(err)
		}
		read := cache.get(cacheKey{rd.id, c.dict.off, 0}) != nil
		if sel.Empty() == want || read != want {
			t.Errorf("%s: found %t, dictionary read %t, want %t", value, !sel.Empty(), read, want)
		}
	}
}

// repeatKeys gives some spans the same attribute key twice.
func repeatKeys(b *telemetry.Batch, r *rand.Rand) {
	for i := range b.Spans {
		if a := b.AttrsOf(b.Spans[i].Attrs); len(a) > 1 && r.IntN(3) == 0 {
			a[r.IntN(len(a))].Key = a[r.IntN(len(a))].Key
		}
	}
}

func compareNarrow(t *testing.T, blk scan.Block, all *telemetry.Batch, p *scan.Predicate, r *rand.Rand) (checked, held int) {
	t.Helper()
	var sel, before scan.Bitmap
	sel.Reset(blk.Len(), true)
	for range r.IntN(blk.Len()) {
		sel.Clear(r.IntN(blk.Len()))
	}
	before.CopyFrom(&sel)
	if err := blk.Narrow([]scan.Predicate{*p}, &sel); err != nil {
		t.Fatal(err)
	}
	for i := range blk.Len() {
		want := before.Get(i) && matches(all, i, p)
		if sel.Get(i) != want {
			t.Fatalf("%s: row %d is %t, want %t\n%s", describePredicate(p), i, sel.Get(i), want, telemetrytest.DumpSpan(all, i))
		}
		checked++
		if want {
			held++
		}
	}
	return checked, held
}

func describePredicate(p *scan.Predicate) string {
	return fmt.Sprintf("scope %d intrinsic %d key %q op %d %s", p.Field.Scope, p.Field.Intrinsic, p.Field.Key, p.Op, telemetrytest.DumpValue(p.Value))
}
