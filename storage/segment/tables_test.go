package segment

import (
	"encoding/binary"
	"fmt"
	"path/filepath"
	"reflect"
	"sync"
	"testing"

	"github.com/kiseki-dev/kiseki/storage/scan"
	"github.com/kiseki-dev/kiseki/telemetry"
	"github.com/kiseki-dev/kiseki/telemetry/telemetrytest"
)

func TestOperationsAndKeys(t *testing.T) {
	checkTables(t, telemetrytest.Random(21, 600))
}

// TestTablesOutliveBlocks has a service, a name and keys that end before the
// last block: their text must not be that of a block's memory, used again.
func TestTablesOutliveBlocks(t *testing.T) {
	var b telemetry.Batch
	for i := range 5 * small.BlockSpans {
		service, name, key := "early", "charge", "early.key"
		if i >= 3*small.BlockSpans {
			service, name, key = fmt.Sprint("late-", i%7), fmt.Sprint("refund ", i%11), "late.key"
		}
		at := uint32(len(b.Attrs))
		b.Attrs = append(b.Attrs, telemetry.Attr{Key: "service.name", Value: telemetry.StringValue(service)},
			telemetry.Attr{Key: key, Value: telemetry.IntValue(1)}, telemetry.Attr{Key: key, Value: telemetry.IntValue(2)})
		b.Resources = append(b.Resources, telemetry.Resource{Attrs: telemetry.Range{Start: at, End: at + 2}})
		s := telemetry.Span{Name: name, Start: uint64(i + 1), End: uint64(i + 2), Resource: uint32(i), Attrs: telemetry.Range{Start: at + 2, End: at + 3}}
		binary.BigEndian.PutUint32(s.TraceID[:], uint32(i+1))
		binary.BigEndian.PutUint32(s.SpanID[:], uint32(i+1))
		b.Spans = append(b.Spans, s)
	}
	b.Scopes = []telemetry.Scope{{Name: "test"}}
	checkTables(t, &b)
}

// checkTables compares the operations and keys of a segment of b with those
// counted span by span.
func checkTables(t *testing.T, b *telemetry.Batch) {
	t.Helper()
	path := filepath.Join(t.TempDir(), "s")
	writeFile(t, path, b, small)
	r := openFile(t, path, nil)

	operations, keys := make(map[scan.Operation]bool), make(map[scan.Key]bool)
	if err := r.Operations(func(o scan.Operation) { operations[o] = true }); err != nil {
		t.Fatal(err)
	}
	if err := r.Keys(func(k scan.Key) { keys[k] = true }); err != nil {
		t.Fatal(err)
	}
	counts, carried := make(map[scan.Operation]*scan.Operation), make(map[scan.Key]uint64)
	for i := range b.Spans {
		s := &b.Spans[i]
		o := scan.Operation{Service: b.ServiceName(s.Resource), Name: s.Name, Kind: s.Kind}
		if counts[o] == nil {
			counts[o] = &scan.Operation{Service: o.Service, Name: o.Name, Kind: o.Kind}
		}
		counts[o].Spans++
		if s.Status == telemetry.StatusError {
			counts[o].Errors++
		}
		for k := range spanKeys(b, s) {
			carried[k]++
		}
	}
	wantOperations, wantKeys := make(map[scan.Operation]bool), make(map[scan.Key]bool)
	for _, o := range counts {
		wantOperations[*o] = true
	}
	for k, n := range carried {
		k.Spans = n
		wantKeys[k] = true
	}
	if !reflect.DeepEqual(operations, wantOperations) {
		t.Errorf("operations %v\nwant %v", operations, wantOperations)
	}
	if !reflect.DeepEqual(keys, wantKeys) {
		t.Errorf("keys %v\nwant %v", keys, wantKeys)
	}
}

// spanKeys are the keys that a span carries anywhere.
func spanKeys(b *telemetry.Batch, s *telemetry.Span) map[scan.Key]bool {
	out := make(map[scan.Key]bool)
	add := func(scope scan.Scope, r telemetry.Range) {
		for _, a := range b.AttrsOf(r) {
			out[scan.Key{Scope: scope, Key: a.Key, Type: a.Value.Type()}] = true
		}
	}
	add(scan.ScopeSpan, s.Attrs)
	add(scan.ScopeResource, b.Resources[s.Resource].Attrs)
	add(scan.ScopeInstrumentation, b.Scopes[s.Scope].Attrs)
	for _, e := range b.EventsOf(s) {
		add(scan.ScopeEvent, e.Attrs)
	}
	for _, l := range b.LinksOf(s) {
		add(scan.ScopeLink, l.Attrs)
	}
	return out
}

func TestValues(t *testing.T) {
	b := telemetrytest.Random(22, 600)
	path := filepath.Join(t.TempDir(), "s")
	writeFile(t, path, b, small)
	r := openFile(t, path, nil)
	for _, f := range fields(b) {
		listed := make(map[string]bool)
		if err := r.Values(f, "", func(v string, _ uint64) bool { listed[v] = true; return true }); err != nil {
			t.Fatal(err)
		}
		for i := range b.Spans {
			for _, v := range fieldValues(b, i, f) {
				if v.Type() == telemetry.ValueString && !listed[v.Str()] {
					t.Fatalf("field %+v: value %q is not listed", f, v.Str())
				}
			}
		}
		calls := 0
		err := r.Values(f, "c", func(v string, _ uint64) bool {
			if calls++; v[0] != 'c' || calls > 1 {
				t.Errorf("field %+v: call %d with %q", f, calls, v)
			}
			return false
		})
		if err != nil {
			t.Fatal(err)
		}
	}
}

// TestCacheIsBoundedAndShared reads from several goroutines through a cache
// that is too small for the file.
func TestCacheIsBoundedAndShared(t *testing.T) {
	b := telemetrytest.Random(23, 800)
	path := filepath.Join(t.TempDir(), "s")
	writeFile(t, path, b, small)
	const budget = 200 << 10
	c := NewCache(budget)
	r := openFile(t, path, c)
	want := telemetrytest.Dump(b)
	var wg sync.WaitGroup
	for range 4 {
		wg.Go(func() {
			var all telemetry.Batch
			for _, blk := range r.Blocks() {
				if err := blk.Spans(0, blk.Len(), &all); err != nil {
					t.Error(err)
				}
			}
			if telemetrytest.Dump(&all) != want {
				t.Error("the spans came back changed")
			}
			if n := c.Size(); n > budget {
				t.Errorf("the cache holds %d bytes of %d", n, budget)
			}
		})
	}
	wg.Wait()
	if c.Size() == 0 {
		t.Error("nothing was kept")
	}
	if err := r.Close(); err != nil {
		t.Fatal(err)
	}
	if n := c.Size(); n != 0 {
		t.Errorf("%d bytes of a closed file are kept", n)
	}
}
