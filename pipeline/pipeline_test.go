package pipeline

import (
	"context"
	"errors"
	"math"
	"strings"
	"testing"

	"github.com/kiseki-dev/kiseki/telemetry"
	"github.com/kiseki-dev/kiseki/telemetry/telemetrytest"
)

// run passes b through a pipeline and returns the dump of what comes out.
func run(t *testing.T, o Options, b *telemetry.Batch) (string, Stats) {
	t.Helper()
	var dump string
	p := New(o, func(_ context.Context, b *telemetry.Batch) (telemetry.Outcome, error) {
		dump = telemetrytest.Dump(b)
		return telemetry.Outcome{}, nil
	})
	if _, err := p.Append(context.Background(), b); err != nil {
		t.Fatal(err)
	}
	return dump, p.Stats()
}

func TestWithinLimits(t *testing.T) {
	for seed := range uint64(50) {
		b := telemetrytest.Random(seed, 20)
		want := telemetrytest.Dump(b)
		if got, stats := run(t, Options{}, b); got != want || stats != (Stats{}) {
			t.Fatalf("seed %d: %+v, got\n%s\nwant\n%s", seed, stats, got, want)
		}
	}
}

// oneSpan is a batch of a span, an event and a link that have the same
// attributes each, as have their resource and scope.
func oneSpan(attrs ...telemetry.Attr) *telemetry.Batch {
	b := &telemetry.Batch{}
	add := func() telemetry.Range {
		start := len(b.Attrs)
		b.Attrs = append(b.Attrs, attrs...)
		return telemetry.Range{Start: uint32(start), End: uint32(len(b.Attrs))}
	}
	b.Resources = []telemetry.Resource{{Attrs: add()}}
	b.Scopes = []telemetry.Scope{{Attrs: add()}}
	b.Events = []telemetry.Event{{Attrs: add()}}
	b.Links = []telemetry.Link{{Attrs: add()}}
	b.Spans = []telemetry.Span{{Attrs: add(), Events: telemetry.Range{End: 1}, Links: telemetry.Range{End: 1}}}
	return b
}

func str(key, value string) telemetry.Attr {
	return telemetry.Attr{Key: key, Value: telemetry.StringValue(value)}
}

func TestAttrs(t *testing.T) {
	b := oneSpan(str("a", "1"), str("longer", "2"), str("b", "3"), str("c", "4"), str("d", "5"))
	b.Spans[0].DroppedAttrs = math.MaxUint32 - 1
	got, stats := run(t, Options{Attrs: 2, KeyBytes: 3}, b)
	if want := (Stats{DroppedAttrs: 10, DroppedKeys: 5}); stats != want {
		t.Errorf("got %+v, want %+v", stats, want)
	}
	list := []string{"", `"a" = string "1"`, `"b" = string "3"`, ""}
	if n := strings.Count(got, strings.Join(list[:3], "\n    ")); n != 4 || strings.Contains(got, "string \"4\"") {
		t.Errorf("%d lists are as they should be in\n%s", n, got)
	}
	if n := strings.Count(got, "dropped=3\n"); n != 4 {
		t.Errorf("%d counts are as they should be in\n%s", n, got)
	}
	if b.Spans[0].DroppedAttrs != math.MaxUint32 {
		t.Errorf("the span's count wrapped to %d", b.Spans[0].DroppedAttrs)
	}
}

func TestEventsAndLinks(t *testing.T) {
	b := &telemetry.Batch{
		Resources: make([]telemetry.Resource, 1), Scopes: make([]telemetry.Scope, 1),
		Events: []telemetry.Event{{Name: "1"}, {Name: "2"}, {Name: "3"}, {Name: "4"}},
		Links:  []telemetry.Link{{TraceState: "1"}, {TraceState: "2"}, {TraceState: "3"}},
		Spans: []telemetry.Span{
			{Events: telemetry.Range{End: 3}, Links: telemetry.Range{End: 3}, DroppedEvents: 7},
			{Events: telemetry.Range{Start: 3, End: 4}},
		},
	}
	got, stats := run(t, Options{Events: 2, Links: 1}, b)
	if want := (Stats{DroppedEvents: 1, DroppedLinks: 2}); stats != want {
		t.Errorf("got %+v, want %+v", stats, want)
	}
	for _, want := range []string{"dropped=0/8/2\n  event \"1\"", "event \"2\"", "state=\"1\"", "event \"4\""} {
		if !strings.Contains(got, want) {
			t.Errorf("%q is not in\n%s", want, got)
		}
	}
	if strings.Contains(got, "event \"3\"") || strings.Contains(got, "state=\"2\"") {
		t.Errorf("something stayed in\n%s", got)
	}
}

func array(values ...string) telemetry.Value {
	var enc []byte
	for _, v := range values {
		enc = telemetry.AppendElement(enc, telemetry.StringValue(v))
	}
	return telemetry.ArrayValue(string(enc))
}

func dict(entries ...string) telemetry.Value {
	var enc []byte
	for i := 0; i < len(entries); i += 2 {
		enc = telemetry.AppendEntry(enc, entries[i], telemetry.StringValue(entries[i+1]))
	}
	return telemetry.MapValue(string(enc))
}

// Values are cut to 12 bytes here; an element of n bytes takes n+4, an entry
// of a key and value of m and n takes m+n+8.
func TestValues(t *testing.T) {
	for _, c := range []struct {
		name      string
		in        telemetry.Value
		want      string
		truncated uint64
	}{
		{"short", telemetry.StringValue("123456789012"), `string "123456789012"`, 0},
		{"long", telemetry.StringValue("1234567890123"), `string "123456789012"`, 1},
		{"at a character", telemetry.StringValue("1234567890日本"), `string "1234567890"`, 1},
		{"bytes", telemetry.BytesValue("1234567890\xe6\x97\xa5"), `bytes "1234567890\xe6\x97"`, 1},
		{"array that fits", array("12", "34"), `array [string "12", string "34"]`, 0},
		{"array", array("12", "34", "5"), `array [string "12", string "34"]`, 1},
		{"array of one long", array("1234567890", "2"), `array []`, 1},
		{"map", dict("a", "bcd", "e", "f"), `map {"a": string "bcd"}`, 1},
		{"int", telemetry.IntValue(math.MaxInt64), "int 9223372036854775807", 0},
	} {
		t.Run(c.name, func(t *testing.T) {
			b := oneSpan(telemetry.Attr{Key: "k", Value: c.in})
			got, stats := run(t, Options{ValueBytes: 12}, b)
			if n := strings.Count(got, `"k" = `+c.want+"\n"); n != 5 {
				t.Errorf("%d of 5 are %s in\n%s", n, c.want, got)
			}
			if stats != (Stats{TruncatedValues: 5 * c.truncated}) {
				t.Errorf("%+v", stats)
			}
		})
	}
}

func TestNames(t *testing.T) {
	b := oneSpan()
	texts := []*string{
		&b.Spans[0].Name, &b.Spans[0].TraceState, &b.Spans[0].StatusMessage, &b.Events[0].Name, &b.Links[0].TraceState,
		&b.Scopes[0].Name, &b.Scopes[0].Version, &b.Scopes[0].SchemaURL, &b.Resources[0].SchemaURL,
	}
	for _, text := range texts {
		*text = "0123éx"
	}
	_, stats := run(t, Options{NameBytes: 5}, b)
	for i, text := range texts {
		if *text != "0123" {
			t.Errorf("text %d is %q", i, *text)
		}
	}
	if want := (Stats{TruncatedNames: uint64(len(texts))}); stats != want {
		t.Errorf("got %+v, want %+v", stats, want)
	}
}

// What the next one answers is the answer.
func TestNextDecides(t *testing.T) {
	wantOutcome, wantErr := telemetry.Outcome{RejectedSpans: 3, Message: "why"}, errors.New("full")
	p := New(Options{}, func(context.Context, *telemetry.Batch) (telemetry.Outcome, error) { return wantOutcome, wantErr })
	outcome, err := p.Append(context.Background(), &telemetry.Batch{})
	if outcome != wantOutcome || err != wantErr {
		t.Errorf("got %+v, %v", outcome, err)
	}
}

func TestNoAllocation(t *testing.T) {
	b := telemetrytest.Random(1, 100)
	p := New(Options{}, func(context.Context, *telemetry.Batch) (telemetry.Outcome, error) { return telemetry.Outcome{}, nil })
	ctx := context.Background()
	if n := testing.AllocsPerRun(100, func() { _, _ = p.Append(ctx, b) }); n != 0 {
		t.Errorf("%v allocations", n)
	}
}

func BenchmarkAppend(b *testing.B) {
	const spans = 512
	batch := telemetrytest.Random(1, spans)
	p := New(Options{}, func(context.Context, *telemetry.Batch) (telemetry.Outcome, error) { return telemetry.Outcome{}, nil })
	ctx := context.Background()
	b.ReportAllocs()
	for b.Loop() {
		if _, err := p.Append(ctx, batch); err != nil {
			b.Fatal(err)
		}
	}
	b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/spans, "ns/span")
}
