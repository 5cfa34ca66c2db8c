package segment

import (
	"encoding/binary"
	"fmt"
	"math/rand/v2"
	"path/filepath"
	"testing"

	"github.com/kiseki-dev/kiseki/telemetry"
	"github.com/kiseki-dev/kiseki/telemetry/telemetrytest"
)

// requests are traces of 1 to 90 spans. Those named "own" and "work" have the
// user of the request; those named "help" say nothing of it; a span "other" is
// about a second user, and of its trace all others are without one if it is not
// the first.
func requests(traces int) *telemetry.Batch {
	r := rand.New(rand.NewPCG(3, 4))
	b := &telemetry.Batch{Resources: make([]telemetry.Resource, 1), Scopes: make([]telemetry.Scope, 1)}
	for n := range traces {
		user := fmt.Sprint("user ", r.IntN(400))
		names := []string{"own", "work", "help"}
		if n%8 == 0 {
			names = []string{"other", "help"}
		}
		for i := range 1 + r.IntN(90) {
			s := telemetry.Span{Name: names[r.IntN(len(names))], Start: uint64(n*1000 + i), End: uint64(n*1000 + i + 1)}
			binary.BigEndian.PutUint32(s.TraceID[:], uint32(n+1))
			binary.BigEndian.PutUint32(s.SpanID[:], uint32(i+1))
			s.Attrs.Start = uint32(len(b.Attrs))
			who := user
			if s.Name == "other" {
				who = fmt.Sprint("user ", r.IntN(400))
			}
			if s.Name != "help" {
				b.Attrs = append(b.Attrs, telemetry.Attr{Key: "user", Value: telemetry.StringValue(who)})
			}
			s.Attrs.End = uint32(len(b.Attrs))
			b.Spans = append(b.Spans, s)
		}
	}
	return b
}

// TestTraced: what is the same in a whole trace is stored once for each page
// that has spans of it, and what is not, in full.
func TestTraced(t *testing.T) {
	b := requests(120)
	path := filepath.Join(t.TempDir(), "s")
	writeFile(t, path, b, Options{PageRows: 64})
	r := openFile(t, path, nil)
	d, err := r.blocks[0].(*block).dir()
	if err != nil {
		t.Fatal(err)
	}
	user := d.attrs[spaceSpan]["user"][0]
	if user.context != traced {
		t.Errorf("the users are in context %d, not by trace", user.context)
	}
	if got, want := telemetrytest.Dump(readAll(t, r)), telemetrytest.Dump(b); got != want {
		t.Errorf("got\n%s\nwant\n%s", got, want)
	}
	for _, rows := range traceRows(b) {
		if n := found(t, r, b.Spans[rows[0]].TraceID); n != len(rows) {
			t.Errorf("%d spans are found, not %d", n, len(rows))
		}
	}
}
