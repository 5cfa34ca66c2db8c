package native

import (
	"context"
	"encoding/binary"
	"errors"
	"slices"
	"testing"

	"github.com/kiseki-dev/kiseki/telemetry"
)

func arrivalID(n int) (id telemetry.TraceID) {
	binary.BigEndian.PutUint64(id[8:], uint64(n))
	return id
}

// arrived are batches of one span in each of the traces [from, to), and two in
// the first.
func arrived(from, to int) *telemetry.Batch {
	b := &telemetry.Batch{Spans: []telemetry.Span{{TraceID: arrivalID(from)}}}
	for n := from; n < to; n++ {
		b.Spans = append(b.Spans, telemetry.Span{TraceID: arrivalID(n)})
	}
	return b
}

func TestArrivals(t *testing.T) {
	a := NewArrivals()
	var fails error
	watched := a.Watch(func(context.Context, *telemetry.Batch) (telemetry.Outcome, error) { return telemetry.Outcome{}, fails })
	send := func(from, to int) {
		_, err := watched(t.Context(), arrived(from, to))
		if !errors.Is(err, fails) {
			t.Fatal(err)
		}
	}
	send(1, 5)
	if a.mu.ring != nil {
		t.Error("arrivals are noted though nobody asked")
	}
	at := a.ask()
	send(5, 15)
	fails = errors.New("disk full")
	send(15, 20)
	fails = nil
	send(20, 21)
	ids, first, more := a.since(at, 4)
	if want := []telemetry.TraceID{arrivalID(5), arrivalID(6), arrivalID(7), arrivalID(8)}; first != at || !more || !slices.Equal(ids, want) {
		t.Errorf("the first four: %v from %v, more %t", ids, first, more)
	}
	at.at += 4
	ids, first, more = a.since(at, 100)
	if first != at || more || len(ids) != 7 || ids[6] != arrivalID(20) {
		t.Errorf("the rest: %v from %v, more %t", ids, first, more)
	}
	back, err := parseArrival(at.String())
	if err != nil || back != at {
		t.Errorf("cursor %s is %v, %v", at, back, err)
	}
	send(100, 100+keptArrivals)
	if ids, first, _ = a.since(at, 1); first == at || ids[0] != arrivalID(100) {
		t.Errorf("what was forgotten is told: %v from %v", ids, first)
	}
	if ids, first, _ = a.since(arrival{epoch: at.epoch + 1}, 1); len(ids) > 0 || first.epoch != at.epoch {
		t.Errorf("a position of another epoch: %v from %v", ids, first)
	}
}

func BenchmarkArrivals(b *testing.B) {
	for _, asked := range []bool{false, true} {
		b.Run(map[bool]string{false: "resting", true: "asked"}[asked], func(b *testing.B) {
			a := NewArrivals()
			if asked {
				a.ask()
			}
			append := a.Watch(func(context.Context, *telemetry.Batch) (telemetry.Outcome, error) { return telemetry.Outcome{}, nil })
			batch := arrived(0, 1000)
			for b.Loop() {
				if _, err := append(b.Context(), batch); err != nil {
					b.Fatal(err)
				}
			}
			b.ReportMetric(float64(b.Elapsed())/float64(b.N*len(batch.Spans)), "ns/span")
		})
	}
}
