package match_test

import (
	"encoding/binary"
	"log/slog"
	"math/rand/v2"
	"strings"
	"testing"

	"github.com/kiseki-dev/kiseki/query/exec"
	"github.com/kiseki-dev/kiseki/query/match"
	"github.com/kiseki-dev/kiseki/query/querytest"
	"github.com/kiseki-dev/kiseki/query/traceql"
	"github.com/kiseki-dev/kiseki/storage"
	"github.com/kiseki-dev/kiseki/storage/vfs"
	"github.com/kiseki-dev/kiseki/telemetry"
	"github.com/kiseki-dev/kiseki/telemetry/telemetrytest"
)

// What is decided about a span on its way is what a query finds once it is
// stored. Each span is a trace of its own, since it is traces that are found.
func TestAgreesWithQueries(t *testing.T) {
	decided, held := 0, 0
	for seed := range uint64(8) {
		r := rand.New(rand.NewPCG(seed, 11))
		b := querytest.RandomTraces(r, 150)
		for i := range b.Spans {
			binary.BigEndian.PutUint64(b.Spans[i].TraceID[:], uint64(i+1))
		}
		s, err := storage.Open(storage.Options{FS: vfs.NewMem(1 << 30), Dir: "data", Logger: slog.New(slog.DiscardHandler), MinFreeBytes: 1})
		if err != nil {
			t.Fatal(err)
		}
		defer s.Close()
		sent := *b
		sent.Spans = append([]telemetry.Span(nil), b.Spans...)
		if _, err := s.Append(t.Context(), &sent); err != nil {
			t.Fatal(err)
		}
		for range 150 {
			text := querytest.RandomFilter(r)
			f, err := match.Parse(text)
			if err != nil {
				continue // of the whole trace, or between fields
			}
			q, err := traceql.ParseSearch(text)
			if err != nil {
				t.Fatal(err)
			}
			want := map[telemetry.TraceID]bool{}
			snap := s.Snapshot()
			err = exec.Matching(t.Context(), snap, q.Spans, func(id telemetry.TraceID) { want[id] = true })
			snap.Release()
			if err != nil {
				t.Fatal(err)
			}
			for i := range b.Spans {
				got := f.Holds(b, &b.Spans[i])
				if got != want[b.Spans[i].TraceID] {
					t.Fatalf("%s: got %t for\n%s", text, got, telemetrytest.DumpSpan(b, i))
				}
				if decided++; got {
					held++
				}
			}
		}
	}
	if decided < 10_000 || held < decided/50 || held > decided*49/50 {
		t.Errorf("%d of %d decisions are yes: this test is blind", held, decided)
	}
}

func TestRefused(t *testing.T) {
	for text, want := range map[string]string{
		"{ rootName = `a` }":       "whole trace",
		"{ traceDuration > 1s }":   "whole trace",
		"{ .a = .b }":              "with each other",
		"{ duration * 2 > 1s }":    "with each other",
		"{ } | count() > 1":        "one pair of braces",
		"{ } >> { }":               "one pair of braces",
		"{ status = broken }":      "broken",
		"{ } | rate()":             "metrics",
		"{ !(nestedSetLeft > 1) }": "whole trace",
	} {
		if _, err := match.Parse(text); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: got %v, want something about %q", text, err, want)
		}
	}
}

func TestAllocations(t *testing.T) {
	f, err := match.Parse(`{ resource.service.name = "none" || span.x = 1 || trace:id = "1" || event:name =~ "a.*" }`)
	if err != nil {
		t.Fatal(err)
	}
	b := telemetrytest.Random(1, 50)
	if n := testing.AllocsPerRun(20, func() {
		for i := range b.Spans {
			f.Holds(b, &b.Spans[i])
		}
	}); n > 0 {
		t.Errorf("%g allocations", n)
	}
}
