package segment

import (
	"fmt"
	"runtime"
	"testing"

	"github.com/kiseki-dev/kiseki/storage/column"
	"github.com/kiseki-dev/kiseki/telemetry"
)

// storedResources are n encoded resources of one service.
func storedResources(n int) []byte {
	var raw []string
	for i := range n {
		var b telemetry.Batch
		b.Attrs = append(b.Attrs,
			telemetry.Attr{Key: telemetry.ServiceNameKey, Value: telemetry.StringValue("cart")},
			telemetry.Attr{Key: "host.name", Value: telemetry.StringValue(fmt.Sprint("host-", i))})
		r := telemetry.Resource{Attrs: telemetry.Range{End: 2}, SchemaURL: "schema"}
		raw = append(raw, string(appendResource(nil, &b, &r)))
	}
	return new(column.Encoder).Strings(nil, raw)
}

// TestEntriesAreShared: blocks with equal resources have them in memory once,
// which is counted once, and what no block has is forgotten.
func TestEntriesAreShared(t *testing.T) {
	const n = 50
	var known sharedEntries
	stored := storedResources(n)
	decode := func() *entries {
		e, err := decodeEntries(stored, tableInfo{entries: n}, kindResource, &known)
		if err != nil {
			t.Fatal(err)
		}
		return e
	}
	first, second := decode(), decode()
	for i, x := range first.list {
		host, _ := x.lookup("host.name")
		if want := fmt.Sprint("host-", i); x != second.list[i] || x.service != "cart" || x.resource.SchemaURL != "schema" || host.Str() != want {
			t.Errorf("resource %d: %+v and %+v", i, x, second.list[i])
		}
	}
	if first.size() < 4*second.size() {
		t.Errorf("%d bytes for the one that made the resources, %d for the other", first.size(), second.size())
	}
	runtime.KeepAlive(first)
	runtime.KeepAlive(second)
	first, second = nil, nil
	for range 100 { // cleanups run some time after a collection
		runtime.GC()
		known.mu.Lock()
		left := len(known.mu.entries)
		known.mu.Unlock()
		if left == 0 {
			return
		}
		runtime.Gosched()
	}
	t.Error("resources that no block has are still known")
}
