package storage

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/kiseki-dev/kiseki/storage/scan"
	"github.com/kiseki-dev/kiseki/storage/vfs"
	"github.com/kiseki-dev/kiseki/telemetry"
	"github.com/kiseki-dev/kiseki/telemetry/telemetrytest"
)

// lists are the operations, keys and values of all sources of a store, as
// text: the counts of operations and keys, and which values there are.
func lists(t *testing.T, s *Store, fields []scan.Field) string {
	t.Helper()
	snap := s.Snapshot()
	defer snap.Release()
	var out []string
	for _, src := range snap.Sources() {
		err := src.Operations(func(op scan.Operation) { out = append(out, fmt.Sprintf("%+v", op)) })
		if err != nil {
			t.Fatal(err)
		}
		if err := src.Keys(func(k scan.Key) { out = append(out, fmt.Sprintf("%+v", k)) }); err != nil {
			t.Fatal(err)
		}
		for _, field := range fields {
			values := valuesOf(t, src, field, "")
			out = append(out, fmt.Sprintf("%+v: %q", field, values))
			for _, v := range values {
				if v != "" && !slices.Contains(valuesOf(t, src, field, v[:1]), v) {
					t.Fatalf("%+v: %q is not among those that begin like it", field, v)
				}
			}
		}
	}
	slices.Sort(out)
	return strings.Join(out, "\n")
}

func valuesOf(t *testing.T, src scan.Source, field scan.Field, prefix string) (values []string) {
	t.Helper()
	err := src.Values(field, prefix, func(v string, _ uint64) bool {
		values = append(values, strings.Clone(v))
		return true
	})
	if err != nil {
		t.Fatal(err)
	}
	slices.Sort(values)
	return slices.Compact(values)
}

// fieldsOf are the intrinsics and every attribute of a batch.
func fieldsOf(b *telemetry.Batch) (out []scan.Field) {
	for i := scan.IntrinsicNone; i <= scan.IntrinsicEventName; i++ {
		out = append(out, scan.Field{Intrinsic: i})
	}
	known := map[string]bool{}
	for _, a := range b.Attrs {
		if known[a.Key] {
			continue
		}
		known[a.Key] = true
		for _, scope := range []scan.Scope{scan.ScopeSpan, scan.ScopeResource, scan.ScopeInstrumentation, scan.ScopeEvent, scan.ScopeLink} {
			out = append(out, scan.Field{Scope: scope, Key: a.Key})
		}
	}
	return out
}

// TestListsLackDeletedTraces: from the moment of a deletion, operations, keys
// and values are those of a store that never had the traces.
func TestListsLackDeletedTraces(t *testing.T) {
	for seed := range uint64(4) {
		b := telemetrytest.Random(seed, 300)
		gone := pick(b, seed)
		left := lacking(b, gone)
		fields := fieldsOf(b)
		never := open(t, options(vfs.NewMem(0)))
		add(t, never, left)
		flush(t, never)
		want := lists(t, never, fields)

		s := open(t, options(vfs.NewMem(0)))
		add(t, s, b)
		flush(t, s)
		if lists(t, s, fields) == want {
			t.Fatal("nothing to tell apart")
		}
		deleted(t, s, idsOf(gone)...)
		if got := lists(t, s, fields); got != want {
			t.Fatalf("seed %d: hidden\n%s", seed, diff(got, want))
		}
		erase(t, s)
		if got := lists(t, s, fields); got != want {
			t.Fatalf("seed %d: erased\n%s", seed, diff(got, want))
		}
	}
}

// TestListsOfNothing: where every trace is deleted there is nothing to list.
func TestListsOfNothing(t *testing.T) {
	s := open(t, options(vfs.NewMem(0)))
	b := telemetrytest.Random(1, 50)
	add(t, s, b)
	flush(t, s)
	for i := range b.Spans {
		deleted(t, s, b.Spans[i].TraceID)
	}
	snap := s.Snapshot()
	defer snap.Release()
	src := snap.Sources()[0]
	none := func(what string) { t.Errorf("%s is listed", what) }
	err := src.Operations(func(op scan.Operation) { none(op.Name) })
	if err != nil {
		t.Fatal(err)
	}
	if err := src.Keys(func(k scan.Key) { none(k.Key) }); err != nil {
		t.Fatal(err)
	}
	for _, field := range fieldsOf(b) {
		for _, v := range valuesOf(t, src, field, "") {
			none(v)
		}
	}
}
