package ingest

import (
	"context"
	"log/slog"
	"testing"

	"github.com/kiseki-dev/kiseki/telemetry"
)

type panicking struct{}

func (panicking) Decode(string, []byte, *telemetry.Batch) (Report, error) { panic("a bug") }

// A bug in a decoder costs the request it meets.
func TestDecoderPanic(t *testing.T) {
	r := New(Options{NewDecoder: func(Limits) Decoder { return panicking{} }, Logger: slog.New(slog.DiscardHandler)})
	q := r.take()
	x := r.Begin("http", "json")
	if fail := r.handle(context.Background(), nil, q, &x); fail == nil || fail.Outcome != OutcomeFailed {
		t.Errorf("got %+v", fail)
	}
	r.give(q)
	if again := r.take(); again == q {
		t.Error("what the decoder panicked over is used again")
	}
}
